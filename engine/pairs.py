"""OCO pairs: a limit order and a stop order for the same shares."""

from __future__ import annotations

from exchange.messages.journal import PlaceOco, PlaceOrder

from .arriving import arrive
from .book import Book
from .emit import Emit
from .groups import Pair


def place_oco(book: Book, command: PlaceOco, emit: Emit) -> None:
    """A new pair."""
    arrive_pair(book, command.limit, command.stop, emit)


def arrive_pair(book: Book, limit: PlaceOrder, stop: PlaceOrder, emit: Emit) -> None:
    """The limit order arrives, and then, if the pair still stands, the stop, which until then counts as there already."""
    stop_id = stop.order_id
    book.groups[limit.order_id] = book.groups[stop_id] = Pair(limit.order_id, stop_id)
    book.park(stop)
    arrive(book, limit, emit)
    if stop_id in book.parked:
        arrive(book, book.unpark(stop_id), emit)
