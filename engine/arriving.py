"""What happens when a limit or market order arrives: new, out of a stop that triggered, or with a new price."""

from __future__ import annotations

from sys import intern

from exchange.messages.events import CancelReason, Rested, Traded
from exchange.messages.journal import PlaceOrder

from .book import Book, BookSide
from .emit import Emit
from .fill_or_kill import fillable
from .iceberg import end_part
from .mirror import end, mirror_loss
from .phases import admitted
from .self_trade import prevent
from .terms import terms_of
from .volatility import price_beyond, reach, start_auction


def arrive(book: Book, order: PlaceOrder, emit: Emit) -> None:
    """Trade what can be traded; what is left rests, or is cancelled when the order may not rest.

    A stop order may have to wait, and the phase may be one in which orders rest without meeting, or do not come in at all.
    """
    kind, tif = order.kind, order.tif
    collecting = False
    if kind != "limit" or tif != "gtc" or book.phase != "continuous":
        met = admitted(book, order, emit)
        if met is None:
            return
        order, kind, tif = met, met.kind, met.tif
        collecting = book.phase != "continuous"
    price = order.price
    remaining = order.quantity
    assert price > 0, order
    assert remaining > 0, order
    if order.side == "buy":
        own, opposite, key = book.bids, book.asks, -price
    else:
        own, opposite, key = book.asks, book.bids, price
    best = opposite.best
    beyond = 0  # The price of a trade that only the band prevented.
    if best is not None and best.key <= -key and not collecting:
        if order.post_only:
            end(book, order.order_id, remaining, "post_only", emit)
            return
        key_max = -key if book.band is None else reach(book.band, opposite, -key)
        fok = tif == "fok" and kind == "limit"
        fills = not fok or fillable(book, opposite, -key, order)
        if fills and (not fok or key_max == -key or fillable(book, opposite, key_max, order)):
            remaining = _trade(book, opposite, key_max, order, emit)
        if not remaining:
            return
        if fills and key_max != -key:
            beyond = price_beyond(book, opposite, key_max, -key)
    if kind == "limit" and tif != "ioc" and tif != "fok":
        order_id = order.order_id
        if tif != "gtc" or order.display or order.post_only:
            remaining -= book.keep_terms(order_id, terms_of(order, remaining))
        book.rest(own, key, order_id, remaining, order.account, order.self_trade)
        emit(Rested(order_id, book.symbol, own.name, price, remaining))
    else:
        end(book, order.order_id, remaining, _unfilled_reason(order, best is None, beyond), emit)
    if beyond:
        start_auction(book, beyond, emit)


def _trade(book: Book, opposite: BookSide, key_max: int, order: PlaceOrder, emit: Emit) -> int:
    """Trade with the levels up to `key_max`, best price first, oldest order first; returns the quantity left."""
    symbol, side, order_id, terms, groups = book.symbol, order.side, order.order_id, book.terms, book.groups
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
        if groups:
            mirror_loss(book, maker.order_id, quantity, maker.order_id not in book.orders, emit)
            mirror_loss(book, order_id, quantity, not remaining, emit)
    if price:
        book.last = price
        if book.stops.waiting:
            book.follow((first, price) if first != price else (price,))
    return remaining


def _unfilled_reason(order: PlaceOrder, met_nothing: bool, beyond: int) -> CancelReason:
    if beyond:
        return "volatility"
    if order.kind == "limit":
        return "fok" if order.tif == "fok" else "ioc"
    return "no_liquidity" if met_nothing else "protection"
