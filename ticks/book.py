"""The public order book of one symbol: how many shares are shown at each price, and by which orders.

An order is public under an id that counts the symbol's arrivals at the end of a queue: nobody can tell from it whose order it
is, nor that an iceberg's next part belongs to the one before. What an iceberg does not show is in no event that concerns the
book, so it cannot leak from here. An order that waits, for a stop price, an auction or its entry, is not in the book before it
rests. While an auction collects orders, the best bid may be at the best ask or above.
"""

from __future__ import annotations

from itertools import islice

import msgspec
from sortedcontainers import SortedList

from exchange.messages.base import Side
from exchange.messages.events import Decremented, Refreshed, Replaced, Rested, Traded
from exchange.messages.market_data import PublicOrder

Level = tuple[int, int]
"""Price, quantity."""


class Resting(msgspec.Struct, array_like=True, gc=False):
    """An order in the book."""

    side: Side
    price: int
    shown: int
    public_id: int


class Book:
    """A fold of the events about resting orders, and the levels and orders that changed since somebody took note."""

    def __init__(self, orders: dict[int, Resting], arrivals: int = 0, exhausted: dict[int, Resting] | None = None) -> None:
        self.orders = orders
        """By the engine's id, in the order of public ids."""
        self.arrivals = arrivals
        """The last public id."""
        self.changed_orders: list[PublicOrder] = []
        """Every change in turn, since somebody cleared it."""
        self.exhausted = exhausted or {}
        """Last state of the orders (two in an auction) that had nothing shown left after the latest event that took shares
        off the book. They have ended, unless they are icebergs: then their refresh comes before the next such event."""
        self._levels: dict[Side, dict[int, int]] = {"buy": {}, "sell": {}}
        """Price → quantity, of each side …"""
        self._prices: dict[Side, SortedList[int]] = {"buy": SortedList(), "sell": SortedList()}
        """… and the prices in order: touched only when a level appears or goes away."""
        self._changed: dict[Side, set[int]] = {"buy": set(), "sell": set()}
        for order in orders.values():
            self._add(order, order.shown)
        self.changed_orders.clear()
        self.take_changes()

    def rest(self, event: Rested) -> None:
        """An order went into the book."""
        self.arrivals += 1
        order = self.orders[event.order_id] = Resting(event.side, event.price, event.quantity, self.arrivals)
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
            quantity, order.shown = order.shown, 0
            self._add(order, -quantity)

    def refresh(self, event: Refreshed) -> None:
        """The next part of an iceberg is shown."""
        order = self.exhausted.pop(event.order_id)
        self.arrivals += 1
        order = self.orders[event.order_id] = Resting(order.side, order.price, event.quantity, self.arrivals)
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
        bids, asks = self._prices["buy"], self._prices["sell"]
        bid = (bids[-1], self._levels["buy"][bids[-1]]) if bids else (0, 0)
        return bid, (asks[0], self._levels["sell"][asks[0]]) if asks else (0, 0)

    def levels(self, limit: int | None) -> tuple[list[Level], list[Level]]:
        """Bids and asks, best first, at most `limit` of each; None for all."""
        bids, asks = self._levels["buy"], self._levels["sell"]
        return (
            [(price, bids[price]) for price in islice(reversed(self._prices["buy"]), limit)],
            [(price, asks[price]) for price in islice(self._prices["sell"], limit)],
        )

    def public_orders(self, after: int, limit: int | None) -> list[PublicOrder]:
        """Orders with a greater public id, by id, at most `limit`; None for all."""
        found = (order for order in self.orders.values() if order.public_id > after)
        return [(order.public_id, order.side, order.price, order.shown) for order in islice(found, limit)]

    def at(self, side: Side, price: int) -> int:
        """The shares shown at a price."""
        return self._levels[side].get(price, 0)

    def take_changes(self) -> dict[Side, set[int]]:
        """The prices, by side, whose levels changed since the last call."""
        changed = self._changed
        self._changed = {"buy": set(), "sell": set()}
        return changed

    def _take_off(self, order_id: int, quantity: int) -> None:
        order = self.orders[order_id]
        order.shown -= quantity
        if not order.shown:
            self.exhausted[order_id] = self.orders.pop(order_id)
        self._add(order, -quantity)

    def _add(self, order: Resting, quantity: int) -> None:
        side, price = order.side, order.price
        levels = self._levels[side]
        before = levels.get(price, 0)
        if total := before + quantity:
            levels[price] = total
            if not before:
                self._prices[side].add(price)
        else:
            del levels[price]
            self._prices[side].remove(price)
        self._changed[side].add(price)
        self.changed_orders.append((order.public_id, side, price, order.shown))
