"""The order book of one symbol: price levels, best first, and in each level a queue of orders, oldest first.

A level is found by its price in a dict, its neighbour in a sorted list of keys, and the best level of each side is
remembered, so the sorted list is only touched when a level appears or goes away. A queue is a doubly linked list through
the orders themselves: taking the first, appending and taking one out of the middle cost the same however long it is.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from sortedcontainers import SortedList

from exchange.messages import Side


class Order(msgspec.Struct, gc=False, eq=False):
    """An open order, linked into the queue of its level."""

    # gc=False: a million orders are never visited by the garbage collector. In return no reference cycle may be left behind:
    # `remove` and `remove_level` cut the links to what leaves the book, `Book.__del__` those of what is still in it.

    order_id: int
    remaining: int
    level: Level
    previous: Order | None = None
    next: Order | None = None


class Level(msgspec.Struct, gc=False, eq=False):
    """All orders of one side at one price; never empty."""

    key: int
    """Ascending from the best: the price of a sell level, minus the price of a buy level."""
    price: int
    side: BookSide
    head: Order | None = None
    tail: Order | None = None

    def orders(self) -> Iterator[Order]:
        """The queue, oldest first."""
        order = self.head
        while order is not None:
            yield order
            order = order.next


class BookSide:
    """The levels of one side."""

    __slots__ = ("best", "keys", "levels", "name")

    def __init__(self, name: Side) -> None:
        self.name: Side = name
        self.levels: dict[int, Level] = {}
        self.keys: SortedList[int] = SortedList()
        self.best: Level | None = None

    def __iter__(self) -> Iterator[Level]:
        """The levels, best first."""
        return map(self.levels.__getitem__, self.keys)

    def add_level(self, key: int) -> Level:
        """A new level, which must get its first order at once."""
        level = self.levels[key] = Level(key, abs(key), self)
        self.keys.add(key)
        if self.best is None or key < self.best.key:
            self.best = level
        return level

    def remove_level(self, level: Level) -> None:
        """Take out a level whose last order leaves."""
        level.head = level.tail = None
        del self.levels[level.key]
        keys = self.keys
        keys.remove(level.key)
        if self.best is level:
            self.best = self.levels[keys[0]] if keys else None


class Book:
    """What rests of one symbol, and how many trades it has seen."""

    __slots__ = ("asks", "bids", "orders", "symbol", "trades")

    def __init__(self, symbol: str, trades: int = 0) -> None:
        self.symbol = symbol
        self.trades = trades
        """Also the id of the last trade."""
        self.bids = BookSide("buy")
        self.asks = BookSide("sell")
        self.orders: dict[int, Order] = {}
        """All open orders by id."""

    def __del__(self) -> None:
        for order in self.orders.values():
            order.previous = order.next = None
        for side in (self.bids, self.asks):
            for level in side.levels.values():
                level.head = level.tail = None
            side.levels.clear()
            side.best = None

    def __iter__(self) -> Iterator[Order]:
        """All open orders: bids, then asks, best first, oldest first."""
        for side in (self.bids, self.asks):
            for level in side:
                yield from level.orders()

    def rest(self, side: BookSide, key: int, order_id: int, quantity: int) -> None:
        """Put an order behind all others of its level."""
        orders = self.orders
        assert order_id not in orders, f"order {order_id} is in the book already"
        level = side.levels.get(key)
        if level is None:
            level = side.add_level(key)
        tail = level.tail
        order = orders[order_id] = Order(order_id, quantity, level, tail)
        if tail is None:
            level.head = order
        else:
            tail.next = order
        level.tail = order

    def remove(self, order: Order) -> None:
        """Take an order out, wherever it stands."""
        del self.orders[order.order_id]
        level, previous, following = order.level, order.previous, order.next
        if previous is not None:
            previous.next = following
        elif following is not None:
            level.head = following
        else:
            level.side.remove_level(level)
            return
        if following is not None:
            following.previous = previous
        else:
            level.tail = previous

    def check(self) -> None:
        """Every invariant, slowly; tests call it after each command."""
        assert self.trades >= 0
        queued = {order.order_id: order for order in self}
        assert queued == self.orders, "the index holds exactly the orders that are queued"
        for side, sign in ((self.bids, -1), (self.asks, 1)):
            assert list(side.keys) == sorted(side.levels), "the sorted keys are the keys of the levels"
            assert side.best is (side.levels[side.keys[0]] if side.keys else None), "the best level is remembered"
            for key, level in side.levels.items():
                assert level.side is side
                assert level.key == key == sign * level.price
                assert level.price > 0
                _check_queue(level)
        if self.bids.best and self.asks.best:
            assert self.bids.best.price < self.asks.best.price, "a resting book is never crossed"


def _check_queue(level: Level) -> None:
    queue = list(level.orders())
    assert queue, "a level is never empty"
    assert level.tail is queue[-1]
    for previous, order in zip([None, *queue], queue, strict=False):
        assert order.previous is previous, "links are mutual"
        assert order.level is level
        assert order.remaining > 0
