"""Self-trade prevention: what happens instead of a trade between two orders of one account. The aggressor's mode decides."""

from __future__ import annotations

from exchange.messages.events import Cancelled, Decremented
from exchange.messages.journal import PlaceOrder

from .book import Book, Order
from .emit import Emit
from .iceberg import reduce


def prevent(book: Book, maker: Order, aggressor: PlaceOrder, remaining: int, emit: Emit) -> int:
    """Settle a meeting of the aggressor, of which so much remains, with its owner's own order; returns what remains then."""
    symbol, mode = book.symbol, aggressor.self_trade
    quantity = book.open_quantity(maker)
    if mode == "decrement":
        quantity = min(quantity, remaining)
        emit(Decremented(maker.order_id, symbol, quantity))
        emit(Decremented(aggressor.order_id, symbol, quantity))
        reduce(book, maker, quantity, emit)
        return remaining - quantity
    if mode != "cancel_newest":
        book.remove(maker)
        emit(Cancelled(maker.order_id, symbol, quantity, "self_trade"))
    if mode == "cancel_oldest":
        return remaining
    emit(Cancelled(aggressor.order_id, symbol, remaining, "self_trade"))
    return 0
