"""What a reader of LOBSTER files knows of one side of the book. Slow and obvious; the engine's book is in engine/."""

from __future__ import annotations

import msgspec
from sortedcontainers import SortedDict

from .messages.base import Side


class Order(msgspec.Struct, eq=False):
    """A resting order."""

    order_id: int
    """In the commands."""
    lobster_id: int
    """0 for an unknown one."""
    side: Side
    price: int
    remaining: int


class Ladder:
    """One side: at each price a queue of orders, first one first."""

    def __init__(self, side: Side) -> None:
        self.side: Side = side
        self.sign = -1 if side == "buy" else 1
        self.levels: SortedDict[int, dict[int, Order]] = SortedDict()
        """Best first: minus the price of bids."""

    def queue(self, price: int) -> dict[int, Order]:
        """By order id, first one first; empty where there is no level."""
        return self.levels.get(self.sign * price, {})

    def size(self, price: int) -> int:
        """How much rests at a price."""
        return sum(order.remaining for order in self.queue(price).values())

    def best(self) -> int:
        """The best price, 0 when the side is empty."""
        return abs(self.levels.peekitem(0)[0]) if self.levels else 0

    def put(self, order: Order) -> None:
        """Behind all others at its price."""
        self.levels.setdefault(self.sign * order.price, {})[order.order_id] = order

    def reduce(self, order: Order, quantity: int) -> None:
        """Take a quantity off an order; one with nothing left is gone."""
        order.remaining -= quantity
        if not order.remaining:
            queue = self.queue(order.price)
            del queue[order.order_id]
            if not queue:
                del self.levels[self.sign * order.price]

    def to(self, price: int) -> list[int]:
        """All prices that are this one or better."""
        return [abs(key) for key in self.levels.irange(maximum=self.sign * price)]

    def reaches(self, price: int, limit: int) -> bool:
        """Whether a price of this side is `limit` or better."""
        return self.sign * price <= self.sign * limit
