"""Matching as pure functions: the books of a shard and its commands in, events out. No clock, no randomness, no refusals.

The ledger has validated every command before it came into the journal, so what cannot be is asserted here, not handled.
Each type of command that concerns a book has its function in HANDLERS; `arriving` is where orders meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from exchange.messages.events import Cancelled, CancelRefused, Event
from exchange.messages.journal import CancelOrder, DefineSymbol, EngineCommand, PlaceOrder, ReplaceOrder

from .arriving import arrive
from .book import Book, Books
from .emit import Emit
from .replacing import replace_order
from .triggering import trigger


def apply(books: Books, commands: Iterable[EngineCommand]) -> list[Event]:
    """Apply commands in order and return what happened."""
    events: list[Event] = []
    emit, handlers = events.append, HANDLERS
    for command in commands:
        if type(command) is DefineSymbol:
            define_symbol(books, command)
            continue
        reached = handlers[type(command)](books[command.symbol], command, emit)
        if reached is not None:
            trigger_stops(reached, emit)
    return events


def define_symbol(books: Books, command: DefineSymbol) -> None:
    """Open a book; what is in one that is open stays as it is when the symbol's rules change."""
    if command.symbol not in books:
        books[command.symbol] = Book(command.symbol)
    books[command.symbol].tick = command.tick


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
    emit(Cancelled(order_id, book.symbol, quantity, "owner"))


def trigger_stops(book: Book, emit: Emit) -> None:
    """Trigger the stops that trades have reached, and then those that the trades of these reach, until there are none."""
    while due := book.stops.take_reached():
        for stop in due:
            arrive(book, trigger(book, stop, emit), emit)


HANDLERS: Final[dict[type, Callable[[Book, Any, Emit], Book | None]]] = {
    PlaceOrder: arrive,
    ReplaceOrder: replace_order,
    CancelOrder: cancel_order,
}
"""Each returns the book if trades have reached stops that wait in it."""
