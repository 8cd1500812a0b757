"""The public order book of one symbol: how many shares are shown at each price.

What an iceberg does not show is in no event that concerns the book, so it cannot leak from here. An order that waits, for a
stop price, an auction or its entry, is not in the book before it rests. While an auction collects orders, the best bid may be
at the best ask or above.
"""

from __future__ import annotations

from itertools import islice

import msgspec
from sortedcontainers import SortedDict

from exchange.messages.base import Side
from exchange.messages.events import Decremented, Refreshed, Replaced, Rested, Traded

Level = tuple[int, int]
"""Price, quantity."""


class Resting(msgspec.Struct, array_like=True, gc=False):
    """An order in the book."""

    side: Side
    price: int
    shown: int


class Book:
    """A fold of the events about resting orders, and the levels that changed since somebody took note."""

    def __init__(self, orders: dict[int, Resting], exhausted: dict[int, Resting] | None = None) -> None:
        self.orders = orders
        self.exhausted = exhausted or {}
        """Last state of the orders (two in an auction) that had nothing shown left after the latest event that took shares
        off the book. They have ended, unless they are icebergs: then their refresh comes before the next such event."""
        self._levels: dict[Side, SortedDict[int, int]] = {"buy": SortedDict(), "sell": SortedDict()}
        """Price → quantity, of each side."""
        self._changed: dict[Side, set[int]] = {"buy": set(), "sell": set()}
        for order in orders.values():
            self._add(order, order.shown)
        self.forget_changes()

    def rest(self, event: Rested) -> None:
        """An order went into the book."""
        order = self.orders[event.order_id] = Resting(event.side, event.price, event.quantity)
        self._add(order, event.quantity)

    def trade(self, event: Traded) -> None:
        """Part of a resting order, or all of it, traded; in an auction two orders of the book met."""
        self.exhausted.clear()
        self._take_off(event.maker_order_id, event.quantity)
        if event.auction:
            self._take_off(event.taker_order_id, event.quantity)

    def cancel(self, order_id: int) -> None:
        """An order ended; nothing changes if it never came to rest."""
        if (order := self.orders.pop(order_id, None)) is not None:
            self._add(order, -order.shown)

    def refresh(self, event: Refreshed) -> None:
        """The next part of an iceberg is shown."""
        order = self.orders[event.order_id] = self.exhausted.pop(event.order_id)
        order.shown = event.quantity
        self._add(order, event.quantity)

    def replace(self, event: Replaced) -> None:
        """A resting order shrank where it stands, or leaves its level; what it does next is told by the events that follow."""
        if not event.kept_place:
            self.cancel(event.order_id)
        elif (order := self.orders.get(event.order_id)) is not None and (excess := order.shown - event.quantity) > 0:
            self._take_off(event.order_id, excess)

    def decrement(self, event: Decremented) -> None:
        """An order lost shares without a trade; nothing changes if it does not rest."""
        if (order := self.orders.get(event.order_id)) is not None:
            self.exhausted.clear()
            self._take_off(event.order_id, min(event.quantity, order.shown))

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

    def _take_off(self, order_id: int, quantity: int) -> None:
        order = self.orders[order_id]
        order.shown -= quantity
        if not order.shown:
            self.exhausted[order_id] = self.orders.pop(order_id)
        self._add(order, -quantity)

    def _add(self, order: Resting, quantity: int) -> None:
        levels = self._levels[order.side]
        price = order.price
        total = levels.get(price, 0) + quantity
        if total:
            levels[price] = total
        else:
            del levels[price]
        self._changed[order.side].add(price)
