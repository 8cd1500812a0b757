"""Matching as pure functions: the books of a shard and its commands in, events out. No clock, no randomness, no refusals.

The ledger has validated every command before it came into the journal, so what cannot be is asserted here, not handled.
Each type of command that concerns a book has its function in HANDLERS; `arriving` is where orders meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from exchange.messages.events import Cancelled, CancelRefused, Event
from exchange.messages.journal import (
    CancelOrder,
    DefineSymbol,
    EngineCommand,
    PlaceBracket,
    PlaceOco,
    PlaceOrder,
    ReplaceOrder,
    SetPhase,
)

from .arriving import arrive
from .book import Book
from .brackets import place_bracket
from .emit import Emit
from .entering import set_phase
from .mirror import mirror_end
from .pairs import place_oco
from .replacing import replace_order
from .settling import settle


def apply(books: dict[str, Book], commands: Iterable[EngineCommand], time: int = 0) -> list[Event]:
    """Apply commands of a journal batch of this time in order, each with all that follows, and return what happened."""
    events: list[Event] = []
    emit, handlers = events.append, HANDLERS
    for command in commands:
        if type(command) is DefineSymbol:
            define_symbol(books, command)
            continue
        book = books[command.symbol]
        book.time = time
        handlers[type(command)](book, command, emit)
        if book.unsettled:
            settle(book, emit)
    return events


def define_symbol(books: dict[str, Book], command: DefineSymbol) -> None:
    """Open a book; what is in one that is open stays as it is when the symbol's rules change."""
    if command.symbol not in books:
        books[command.symbol] = Book(command.symbol)
    books[command.symbol].define(command)


def cancel_order(book: Book, command: CancelOrder, emit: Emit) -> None:
    """Take an order out of the book, unless it has ended meanwhile."""
    order_id = command.order_id
    order = book.orders.get(order_id)
    if order is None or book.terms:
        quantity = book.take_out(order_id)
        if not quantity:
            emit(CancelRefused(order_id, book.symbol))
            return
    else:
        quantity = order.remaining
        book.remove(order)
    emit(Cancelled(order_id, book.symbol, quantity, command.reason))
    if book.groups:
        mirror_end(book, order_id, emit)


HANDLERS: Final[dict[type, Callable[[Book, Any, Emit], None]]] = {
    PlaceOrder: arrive,
    ReplaceOrder: replace_order,
    CancelOrder: cancel_order,
    PlaceOco: place_oco,
    PlaceBracket: place_bracket,
    SetPhase: set_phase,
}
"""What follows from a command is left to settling.py."""
