"""Stop orders that wait for a trade price, and the trailing ones among them that follow it.

Waiting stops are sorted by stop price, so a trade finds those that it reaches without looking at the others. A trailing stop
is also sorted by its anchor, the price beyond which it moves, so a trade finds those that it moves.
"""

from __future__ import annotations

from typing import Final

import msgspec
from sortedcontainers import SortedList

from exchange.messages.journal import PlaceOrder

WHOLE: Final = 10_000
"""Basis points."""


class Stop(msgspec.Struct, eq=False):
    """A stop order that waits."""

    order: PlaceOrder
    """As it was placed or last replaced: its quantity is what is open."""
    stop_price: int
    """Where it stands now; a trailing one moves."""

    @property
    def price(self) -> int:
        """The limit or the protection it would have now: at the same distance from the stop price as in the order."""
        return self.order.price + self.stop_price - self.order.stop_price

    @property
    def anchor(self) -> int:
        """The trade price beyond which (a sell: above, a buy: below) a trailing stop may move."""
        order, stop_price = self.order, self.stop_price
        if order.side == "sell":
            if order.trail:
                return stop_price + order.trail
            return stop_price * WHOLE // max(1, WHOLE - order.trail_basis_points)
        if order.trail:
            return stop_price - order.trail
        return -(-stop_price * WHOLE // (WHOLE + order.trail_basis_points))

    def reached_by(self, price: int) -> bool:
        """Whether a trade at this price triggers it."""
        return price >= self.stop_price if self.order.side == "buy" else price <= self.stop_price

    def following(self, price: int, tick: int) -> int:
        """The stop price after a trade at this price: never nearer to the market than before, on a tick."""
        order = self.order
        distance = order.trail or -(-price * order.trail_basis_points // WHOLE)
        if order.side == "sell":
            return max(self.stop_price, (price - distance) // tick * tick)
        return min(self.stop_price, -(-(price + distance) // tick) * tick)


class StopSide:
    """The waiting stops of one side. Keys are (price, order id); order ids are positive."""

    __slots__ = ("prices", "trailing")

    def __init__(self) -> None:
        self.prices: SortedList[tuple[int, int]] = SortedList()
        """By stop price."""
        self.trailing: SortedList[tuple[int, int]] = SortedList()
        """Trailing stops by anchor."""

    def add(self, stop: Stop) -> None:
        """Sort a stop in."""
        order_id = stop.order.order_id
        self.prices.add((stop.stop_price, order_id))
        if stop.order.kind == "trailing_stop":
            self.trailing.add((stop.anchor, order_id))

    def remove(self, stop: Stop) -> None:
        """Take a stop out."""
        order_id = stop.order.order_id
        self.prices.remove((stop.stop_price, order_id))
        if stop.order.kind == "trailing_stop":
            self.trailing.remove((stop.anchor, order_id))


class Stops:
    """The waiting stops of a symbol."""

    __slots__ = ("buys", "reached", "sells", "waiting")

    def __init__(self) -> None:
        self.waiting: dict[int, Stop] = {}
        """By order id."""
        self.buys = StopSide()
        self.sells = StopSide()
        self.reached: dict[int, Stop] = {}
        """Those that wait though a trade has reached them, by order id: until their turn in the present command, or until the
        book is in continuous again."""

    def add(self, stop: Stop, reached: bool) -> None:
        """Let a stop wait, which was reached already or not."""
        order_id = stop.order.order_id
        assert order_id not in self.waiting, f"order {order_id} is waiting already"
        self.waiting[order_id] = stop
        if reached:
            self.reached[order_id] = stop
        else:
            self._side(stop).add(stop)

    def remove(self, stop: Stop) -> None:
        """Take out a stop that waits."""
        order_id = stop.order.order_id
        del self.waiting[order_id]
        if self.reached.pop(order_id, None) is None:
            self._side(stop).remove(stop)

    def follow(self, price: int, tick: int) -> None:
        """After a trade at this price: trailing stops move, and then some are reached. Those that were stay as they are."""
        sells, buys = self.sells, self.buys
        moving = [order_id for _, order_id in sells.trailing.irange(maximum=(price, 0))]
        moving += [order_id for _, order_id in buys.trailing.irange(minimum=(price + 1, 0))]
        for order_id in moving:
            self._move(self.waiting[order_id], price, tick)
        self.look(price)

    def look(self, price: int) -> None:
        """Find those that a trade at this price reaches."""
        found = [order_id for _, order_id in self.buys.prices.irange(maximum=(price + 1, 0))]
        found += [order_id for _, order_id in self.sells.prices.irange(minimum=(price, 0))]
        for order_id in found:
            stop = self.reached[order_id] = self.waiting[order_id]
            self._side(stop).remove(stop)

    def check(self, continuous_last: int) -> None:
        """Every invariant, slowly; the last trade price if stops trigger now, otherwise 0."""
        for order_id, stop in self.reached.items():
            assert self.waiting[order_id] is stop, "what is reached waits all the same"
        for name, side in (("buy", self.buys), ("sell", self.sells)):
            stops = [stop for stop in self.waiting.values() if stop.order.side == name]
            stops = [stop for stop in stops if stop.order.order_id not in self.reached]
            assert list(side.prices) == sorted((stop.stop_price, stop.order.order_id) for stop in stops)
            trailing = [stop for stop in stops if stop.order.kind == "trailing_stop"]
            assert list(side.trailing) == sorted((stop.anchor, stop.order.order_id) for stop in trailing)
        for order_id, stop in self.waiting.items():
            assert order_id == stop.order.order_id
            assert stop.stop_price > 0
            assert stop.order.quantity > 0
            assert stop.order.kind == "trailing_stop" or stop.stop_price == stop.order.stop_price
            if continuous_last:
                assert not stop.reached_by(continuous_last), "a stop that the last trade reached has triggered"

    def _side(self, stop: Stop) -> StopSide:
        return self.buys if stop.order.side == "buy" else self.sells

    def _move(self, stop: Stop, price: int, tick: int) -> None:
        stop_price = stop.following(price, tick)
        if stop_price != stop.stop_price:
            side = self._side(stop)
            side.remove(stop)
            stop.stop_price = stop_price
            side.add(stop)
