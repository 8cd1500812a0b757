"""What happens when a limit or market order arrives: new, out of a stop that triggered, or with a new price."""

from __future__ import annotations

from sys import intern

from exchange.messages.events import Cancelled, CancelReason, Rested, Traded
from exchange.messages.journal import PlaceOrder

from .book import Book, BookSide
from .emit import Emit
from .fill_or_kill import fillable
from .iceberg import end_part
from .self_trade import prevent
from .terms import terms_of
from .triggering import place_stop


def arrive(book: Book, order: PlaceOrder, emit: Emit) -> Book | None:
    """Trade what can be traded; what is left rests, or is cancelled when the order may not rest. A stop order may have to wait.

    Returns the book if trades have reached stops that wait in it.
    """
    kind = order.kind
    if kind != "limit" and kind != "market":
        triggered = place_stop(book, order, emit)
        if triggered is None:
            return None
        order, kind = triggered, triggered.kind
    price = order.price
    remaining = order.quantity
    assert price > 0, order
    assert remaining > 0, order
    if order.side == "buy":
        own, opposite, key = book.bids, book.asks, -price
    else:
        own, opposite, key = book.asks, book.bids, price
    best = opposite.best
    reached = None
    if best is not None and best.key <= -key:
        if order.post_only:
            emit(Cancelled(order.order_id, book.symbol, remaining, "post_only"))
            return None
        if order.tif != "fok" or kind == "market" or fillable(book, opposite, -key, order):
            remaining = _trade(book, opposite, -key, order, emit)
        if book.stops.reached:
            reached = book
        if not remaining:
            return reached
    tif = order.tif
    if kind == "limit" and tif != "ioc" and tif != "fok":
        order_id = order.order_id
        if tif != "gtc" or order.display or order.post_only:
            remaining -= book.keep_terms(order_id, terms_of(order, remaining))
        book.rest(own, key, order_id, remaining, order.account, order.self_trade)
        emit(Rested(order_id, book.symbol, own.name, price, remaining))
    else:
        emit(Cancelled(order.order_id, book.symbol, remaining, _unfilled_reason(order, met_nothing=best is None)))
    return reached


def _trade(book: Book, opposite: BookSide, key_max: int, order: PlaceOrder, emit: Emit) -> int:
    """Trade with the levels up to `key_max`, best price first, oldest order first; returns the quantity left."""
    symbol, side, order_id, terms = book.symbol, order.side, order.order_id, book.terms
    prevented = intern(order.account) if order.self_trade != "allow" else None
    remaining = order.quantity
    first = price = 0
    while remaining:
        level = opposite.best
        if level is None or level.key > key_max:
            break
        maker = level.head
        assert maker is not None
        if maker.account is prevented:
            remaining = prevent(book, maker, order, remaining, emit)
            continue
        open_quantity = maker.remaining
        quantity = open_quantity if open_quantity < remaining else remaining
        trade_id = book.trades = book.trades + 1
        price = level.price
        first = first or price
        emit(Traded(symbol, trade_id, maker.order_id, order_id, price, quantity, side))
        remaining -= quantity
        if quantity < open_quantity:
            maker.remaining = open_quantity - quantity
        elif terms:
            end_part(book, maker, emit)
        else:
            book.remove(maker)
    if price:
        book.last = price
        if book.stops.waiting:
            book.follow((first, price) if first != price else (price,))
    return remaining


def _unfilled_reason(order: PlaceOrder, met_nothing: bool) -> CancelReason:
    if order.kind == "limit":
        return "fok" if order.tif == "fok" else "ioc"
    return "no_liquidity" if met_nothing else "protection"
