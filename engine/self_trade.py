"""Self-trade prevention: what happens instead of a trade between two orders of one account. The aggressor's mode decides."""

from __future__ import annotations

from exchange.messages.events import Decremented
from exchange.messages.journal import PlaceOrder

from .book import Book, Order
from .emit import Emit
from .iceberg import reduce
from .mirror import end, mirror_loss


def prevent(book: Book, maker: Order, aggressor: PlaceOrder, remaining: int, emit: Emit) -> int:
    """Settle a meeting of the aggressor, of which so much remains, with its owner's own order; returns what remains then."""
    symbol, mode = book.symbol, aggressor.self_trade
    quantity = book.open_quantity(maker)
    if mode == "decrement":
        quantity = min(quantity, remaining)
        emit(Decremented(maker.order_id, symbol, quantity))
        emit(Decremented(aggressor.order_id, symbol, quantity))
        reduce(book, maker, quantity, emit)
        remaining -= quantity
        if book.groups:
            mirror_loss(book, maker.order_id, quantity, maker.order_id not in book.orders, emit, traded=False)
            mirror_loss(book, aggressor.order_id, quantity, not remaining, emit, traded=False)
        return remaining
    if mode != "cancel_newest":
        book.remove(maker)
        end(book, maker.order_id, quantity, "self_trade", emit)
    if mode == "cancel_oldest":
        return remaining
    end(book, aggressor.order_id, remaining, "self_trade", emit)
    return 0
