"""Matching as pure functions: the books of a shard and its commands in, events out. No clock, no randomness, no refusals.

The ledger has validated every command before it came into the journal, so what cannot be is asserted here, not handled.
Each type of command has its function in HANDLERS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from exchange.messages import (
    Cancelled,
    CancelOrder,
    CancelReason,
    CancelRefused,
    DefineSymbol,
    EngineCommand,
    Event,
    PlaceOrder,
    Rested,
    Traded,
)

from .book import Book, BookSide

Books = dict[str, Book]
"""The books of a shard by symbol."""
Emit = Callable[[Event], None]


def apply(books: Books, commands: Iterable[EngineCommand]) -> list[Event]:
    """Apply commands in order and return what happened."""
    events: list[Event] = []
    emit, handlers = events.append, HANDLERS
    for command in commands:
        handlers[type(command)](books, command, emit)
    return events


def define_symbol(books: Books, command: DefineSymbol, emit: Emit) -> None:
    """Open a book; one that is open stays as it is when the symbol's rules change."""
    if command.symbol not in books:
        books[command.symbol] = Book(command.symbol)


def place_order(books: Books, command: PlaceOrder, emit: Emit) -> None:
    """Trade what can be traded; what is left rests, or is cancelled when the order may not rest."""
    symbol = command.symbol
    side = command.side
    price = command.price
    remaining = command.quantity
    assert price > 0, command
    assert remaining > 0, command
    book = books[symbol]
    if side == "buy":
        own, opposite, key = book.bids, book.asks, -price
    else:
        own, opposite, key = book.asks, book.bids, price
    best = opposite.best
    if best is not None and best.key <= -key:
        remaining = _trade(book, opposite, -key, command, emit)
        if not remaining:
            return
    if command.kind == "limit" and command.tif == "gtc":
        book.rest(own, key, command.order_id, remaining)
        emit(Rested(command.order_id, symbol, side, price, remaining))
    else:
        emit(Cancelled(command.order_id, symbol, remaining, _unfilled_reason(command, met_nothing=best is None)))


def cancel_order(books: Books, command: CancelOrder, emit: Emit) -> None:
    """Take an order out of the book, unless it has ended meanwhile."""
    order_id = command.order_id
    symbol = command.symbol
    book = books[symbol]
    order = book.orders.get(order_id)
    if order is None:
        emit(CancelRefused(order_id, symbol))
    else:
        book.remove(order)
        emit(Cancelled(order_id, symbol, order.remaining, "owner"))


HANDLERS: Final[dict[type, Callable[[Books, Any, Emit], None]]] = {
    DefineSymbol: define_symbol,
    PlaceOrder: place_order,
    CancelOrder: cancel_order,
}


def _trade(book: Book, opposite: BookSide, key_max: int, command: PlaceOrder, emit: Emit) -> int:
    """Trade with the levels up to `key_max`, best price first, oldest order first; returns the quantity left."""
    symbol, side, order_id = book.symbol, command.side, command.order_id
    remaining = command.quantity
    while remaining:
        level = opposite.best
        if level is None or level.key > key_max:
            break
        maker = level.head
        assert maker is not None
        open_quantity = maker.remaining
        quantity = open_quantity if open_quantity < remaining else remaining
        trade_id = book.trades = book.trades + 1
        emit(Traded(symbol, trade_id, maker.order_id, order_id, level.price, quantity, side))
        remaining -= quantity
        if quantity == open_quantity:
            book.remove(maker)
        else:
            maker.remaining = open_quantity - quantity
    return remaining


def _unfilled_reason(command: PlaceOrder, met_nothing: bool) -> CancelReason:
    if command.kind == "limit":
        return "ioc"
    return "no_liquidity" if met_nothing else "protection"
