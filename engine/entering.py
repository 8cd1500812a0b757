"""A symbol's day goes on: what entering a phase causes."""

from __future__ import annotations

from exchange.messages.base import Phase
from exchange.messages.events import PhaseChanged
from exchange.messages.journal import SetPhase

from .arriving import arrive
from .book import Book
from .emit import Emit
from .mirror import end
from .phases import OPENING
from .uncross import uncross
from .volatility import auction_end


def set_phase(book: Book, command: SetPhase, emit: Emit) -> None:
    """Enter a phase, unless the book is in it already, for the same reason."""
    if (command.phase, command.reason) != (book.phase, book.phase_reason):
        enter(book, command.phase, command.reason, emit)


def enter(book: Book, phase: Phase, reason: str, emit: Emit) -> None:
    """Uncross if an auction ends here, end the orders that were for it, and see which stops may trigger now."""
    before = book.phase
    book.set_phase(phase, reason, auction_end(book) if phase == "volatility_auction" else 0)
    emit(PhaseChanged(book.symbol, phase, reason, book.until))
    if phase == "continuous" or (phase == "closed" and before in ("opening_auction", "volatility_auction", "closing_auction")):
        uncross(book, emit)
    for order_id in _over(book, phase):
        if quantity := book.take_out(order_id):
            end(book, order_id, quantity, "auction_over", emit)
    if phase == "closing_auction":
        for order_id, order in sorted(book.parked.items()):
            if order.tif == "cls":
                arrive(book, book.unpark(order_id), emit)
    if phase == "continuous":
        book.look_at_last()


def _over(book: Book, phase: Phase) -> list[int]:
    """The orders whose auction is over, by id."""
    over: list[int] = []
    if phase not in OPENING and phase != "halted":
        over += [order_id for order_id, terms in book.terms.items() if terms.auction == "opg"]
    if phase == "closed":
        over += [order_id for order_id, terms in book.terms.items() if terms.auction == "cls"]
        over += [order_id for order_id, order in book.parked.items() if order.tif == "cls"]
    return sorted(over)
