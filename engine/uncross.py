"""The auction: one price at which as much trades as can, and the trades at it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exchange.messages.events import Traded

from .book import Book, BookSide, Order
from .emit import Emit
from .groups import Pair
from .iceberg import reduce
from .mirror import mirror_loss
from .reference import move_reference

Indication = tuple[int, int, int]
"""Price, volume, and what would be left at that price: positive, of the buyers; negative, of the sellers."""
NOTHING: Final[Indication] = (0, 0, 0)


def indication(book: Book) -> Indication:
    """What an uncross would give now: largest volume, smallest imbalance, nearest to the reference, the higher price."""
    bid, ask = book.bids.best, book.asks.best
    if bid is None or ask is None or bid.price < ask.price:
        return NOTHING
    buys, sells = dict(_interest(book, book.bids, -ask.price)), dict(_interest(book, book.asks, bid.price))
    reference = book.reference if book.bands.any else book.last or book.reference
    bought, sold = sum(buys.values()), 0
    best, best_rank = NOTHING, (0, 0, 0, 0)
    limits = sorted(buys.keys() | sells.keys())
    for limit, following in zip(limits, [*limits[1:], limits[-1]], strict=True):
        sold += sells.get(limit, 0)
        candidates = [(limit, bought)]
        bought -= buys.get(limit, 0)
        # Between two limits all prices trade the same.
        candidates += [(price, bought) for price in _nearest(limit, following, book.tick, reference)]
        for price, wanted in candidates:
            rank = (min(wanted, sold), -abs(wanted - sold), -abs(price - reference), price)
            if rank > best_rank:
                best, best_rank = (price, rank[0], wanted - sold), rank
    return best


def uncross(book: Book, emit: Emit) -> None:
    """Trade the auction's volume at its price: best price first, oldest first on both sides. Nobody takes, nobody makes."""
    price, volume, _ = indication(book)
    if not volume:
        return
    symbol = book.symbol
    while volume:
        assert book.asks.best is not None
        assert book.bids.best is not None
        sell, buy = book.asks.best.head, book.bids.best.head
        assert sell is not None
        assert buy is not None
        assert sell.level.price <= price <= buy.level.price
        quantity = min(sell.remaining, buy.remaining, volume)
        volume -= quantity
        trade_id = book.trades = book.trades + 1
        emit(Traded(symbol, trade_id, sell.order_id, buy.order_id, price, quantity, "buy", auction=True))
        reduce(book, sell, quantity, emit)
        reduce(book, buy, quantity, emit)
        if book.groups:
            _mirror(book, sell, quantity, emit)
            _mirror(book, buy, quantity, emit)
    book.last = price
    if book.stops.waiting:
        book.follow((price,))
    move_reference(book, price, emit)


def _mirror(book: Book, order: Order, quantity: int, emit: Emit) -> None:
    mirror_loss(book, order.order_id, quantity, order.order_id not in book.orders, emit)


def _interest(book: Book, side: BookSide, key_max: int) -> Iterator[tuple[int, int]]:
    """(price, open quantity) of the levels up to a key; a pair, of which both orders rest, counts at the better price."""
    groups, terms = book.groups, book.terms
    counted: set[int] = set()
    for level in side:
        if level.key > key_max:
            return
        quantity = 0
        for order in level.orders():
            if groups and type(pair := groups.get(order.order_id)) is Pair:
                if pair.other(order.order_id) in counted:
                    continue
                counted.add(order.order_id)
            quantity += book.open_quantity(order) if terms else order.remaining
        yield level.price, quantity


def _nearest(low: int, high: int, tick: int, reference: int) -> tuple[int, ...]:
    """The ticks between two prices next to the reference, one on each side of it where there are."""
    first, last = (low // tick + 1) * tick, (high - 1) // tick * tick
    if first > last:
        return ()
    below = min(max(reference // tick * tick, first), last)
    return below, min(below + tick, last)
