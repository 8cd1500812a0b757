"""Brackets: an entry, and two legs that close what it traded, at a profit or at a loss."""

from __future__ import annotations

from msgspec.structs import replace

from exchange.messages.events import Activated
from exchange.messages.journal import PlaceBracket

from .arriving import arrive
from .book import Book
from .emit import Emit
from .groups import Bracket
from .pairs import arrive_pair


def place_bracket(book: Book, command: PlaceBracket, emit: Emit) -> None:
    """The entry arrives; its legs are there first."""
    bracket = Bracket(command.entry.order_id, command.take_profit.order_id, command.stop_loss.order_id)
    for order_id in (bracket.entry_id, *bracket.legs):
        book.groups[order_id] = bracket
    book.park(command.take_profit)
    book.park(command.stop_loss)
    arrive(book, command.entry, emit)


def activate(book: Book, emit: Emit) -> None:
    """The legs of all entries that have ended arrive, with what the entries traded: always the lowest entry id next."""
    while book.completed:
        bracket = book.completed.pop(min(book.completed))
        take_profit, stop_loss = (replace(book.unpark(order_id), quantity=bracket.traded) for order_id in bracket.legs)
        for order_id in bracket.legs:
            emit(Activated(order_id, book.symbol, bracket.traded))
        arrive_pair(book, take_profit, stop_loss, emit)
