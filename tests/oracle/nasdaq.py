"""A day of a made-up market, told as LOBSTER tells it: only what changes the visible levels, and nothing of what was before.

Plain lists, searched for everything. Independent of the reader of such files and of the engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from exchange.lobster import DELETED, EXECUTED, EXECUTED_HIDDEN, NEW, REDUCED, LobsterBook, LobsterMessage
from exchange.messages.base import Side

START = 1_000_000
TICK = 100
UNSEEN_MESSAGES = 200
"""What happens before the file begins."""


@dataclass
class Order:
    """A resting order."""

    order_id: int
    side: Side
    price: int
    size: int


class Nasdaq:
    """All orders in order of arrival."""

    def __init__(self, seed: int, depth: int) -> None:
        self._random = Random(seed)
        self._depth = depth
        self._orders: list[Order] = []
        self._order_id = 0

    def day(self, count: int) -> tuple[list[LobsterMessage], list[LobsterBook]]:
        """So many things happen; the messages of those that could be seen, and the visible book after each."""
        for _ in range(UNSEEN_MESSAGES):
            self._happen()
        messages, books = [], []
        before = self.book()
        for _ in range(count):
            happened = self._happen()
            after = self.book()
            for message in happened:
                if after != before or message.kind == EXECUTED_HIDDEN:
                    messages.append(message)
                    books.append(after)
            before = after
        return messages, books

    def book(self) -> LobsterBook:
        """What is visible."""
        return LobsterBook(self._levels("buy")[: self._depth], self._levels("sell")[: self._depth], self._depth)

    def _levels(self, side: Side) -> list[tuple[int, int]]:
        mine = [order for order in self._orders if order.side == side]
        prices = sorted({order.price for order in mine}, reverse=side == "buy")
        return [(price, sum(order.size for order in mine if order.price == price)) for price in prices]

    def _happen(self) -> list[LobsterMessage]:
        """One thing."""
        choice = self._random.random()
        if choice < 0.5 or len(self._orders) < 4:
            return [self._new()]
        if choice < 0.55:
            return [LobsterMessage(0, EXECUTED_HIDDEN, 0, 1, START, "buy")]
        if choice < 0.75:
            return self._execute(self._random.choice(("buy", "sell")))
        order = self._random.choice(self._orders)
        if choice < 0.82 and order.size > 1:
            size = self._random.randint(1, order.size - 1)
            return [self._take(order, REDUCED, size)]
        return [self._take(order, DELETED, order.size)]

    def _new(self) -> LobsterMessage:
        side: Side = self._random.choice(("buy", "sell"))
        opposite = self._levels("sell" if side == "buy" else "buy")
        sign = -1 if side == "buy" else 1
        best = opposite[0][0] if opposite else START
        self._order_id += 1
        price = best + sign * TICK * self._random.randint(1, 12)
        order = Order(self._order_id, side, price, self._random.randint(1, 9))
        self._orders.append(order)
        return LobsterMessage(0, NEW, order.order_id, order.size, price, side)

    def _execute(self, side: Side) -> list[LobsterMessage]:
        """The first order of the best level, or a part of it."""
        levels = self._levels(side)
        if not levels:
            return []
        order = next(order for order in self._orders if order.side == side and order.price == levels[0][0])
        return [self._take(order, EXECUTED, self._random.randint(1, order.size))]

    def _take(self, order: Order, kind: int, size: int) -> LobsterMessage:
        order.size -= size
        if not order.size:
            self._orders.remove(order)
        return LobsterMessage(0, kind, order.order_id, size, order.price, order.side)
