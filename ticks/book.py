"""The public order book of one symbol: how many shares rest at each price."""

from __future__ import annotations

from itertools import islice

import msgspec
from sortedcontainers import SortedDict

from exchange.messages import Rested, Side

Level = tuple[int, int]
"""Price, quantity."""


class Resting(msgspec.Struct, array_like=True, gc=False):
    """An order in the book."""

    side: Side
    price: int
    remaining: int


class Book:
    """A fold of the events about resting orders, and the levels that changed since somebody took note."""

    def __init__(self, orders: dict[int, Resting]) -> None:
        self.orders = orders
        self._levels: dict[Side, SortedDict[int, int]] = {"buy": SortedDict(), "sell": SortedDict()}
        """Price → quantity, of each side."""
        self._changed: dict[Side, set[int]] = {"buy": set(), "sell": set()}
        for order in orders.values():
            self._add(order, order.remaining)
        self.forget_changes()

    def rest(self, event: Rested) -> None:
        """An order went into the book."""
        order = self.orders[event.order_id] = Resting(event.side, event.price, event.quantity)
        self._add(order, event.quantity)

    def trade(self, maker_order_id: int, quantity: int) -> None:
        """Part of a resting order, or all of it, traded."""
        order = self.orders[maker_order_id]
        order.remaining -= quantity
        if not order.remaining:
            del self.orders[maker_order_id]
        self._add(order, -quantity)

    def cancel(self, order_id: int) -> None:
        """An order ended; nothing changes if it never came to rest."""
        if (order := self.orders.pop(order_id, None)) is not None:
            self._add(order, -order.remaining)

    def best(self) -> tuple[Level, Level]:
        """Best bid and best ask, (0, 0) where a side is empty."""
        bids, asks = self._levels["buy"], self._levels["sell"]
        return bids.peekitem(-1) if bids else (0, 0), asks.peekitem(0) if asks else (0, 0)

    def levels(self, limit: int) -> tuple[list[Level], list[Level]]:
        """Bids and asks, best first, at most `limit` of each."""
        bids = self._levels["buy"]
        return [(price, bids[price]) for price in islice(reversed(bids), limit)], list(
            islice(self._levels["sell"].items(), limit)
        )

    @property
    def changes(self) -> int:
        """How many levels changed."""
        return sum(map(len, self._changed.values()))

    def take_changes(self) -> tuple[list[Level], list[Level]]:
        """The levels that changed since the last call, best first; quantity 0 for those that went away."""
        bids, asks = self._levels["buy"], self._levels["sell"]
        changes = (
            [(price, bids.get(price, 0)) for price in sorted(self._changed["buy"], reverse=True)],
            [(price, asks.get(price, 0)) for price in sorted(self._changed["sell"])],
        )
        self.forget_changes()
        return changes

    def forget_changes(self) -> None:
        """Changes up to now are of no interest."""
        for prices in self._changed.values():
            prices.clear()

    def _add(self, order: Resting, quantity: int) -> None:
        levels = self._levels[order.side]
        price = order.price
        total = levels.get(price, 0) + quantity
        if total:
            levels[price] = total
        else:
            del levels[price]
        self._changed[order.side].add(price)
