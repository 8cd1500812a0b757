"""What follows from a command once its own events are told: legs are activated, stops trigger."""

from __future__ import annotations

from .arriving import arrive
from .book import Book
from .brackets import activate
from .emit import Emit
from .triggering import trigger


def settle(book: Book, emit: Emit) -> None:
    """Activate, then trigger the stops that were reached, round after round, until there are none or the phase has changed."""
    activate(book, emit)
    if book.looking and book.phase == "continuous" and book.last:
        book.stops.look(book.last)
    book.looking = False
    reached = book.stops.reached
    while reached and book.phase == "continuous":
        for _, stop in sorted(reached.items()):
            # Meanwhile it may have ended with its pair, or an auction may have begun: then it is reached, and waits.
            if stop.order.order_id in reached and book.phase == "continuous":
                book.stop_waiting(stop)
                arrive(book, trigger(book, stop, emit), emit)
                activate(book, emit)
    book.unsettled = False
