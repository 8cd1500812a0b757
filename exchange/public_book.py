"""The book that a subscriber keeps of market data: from a snapshot and the changes after it. Pure.

`apply` says what is wrong, and then a new snapshot is needed: `gap`, a change is missing between the book and this message, or
`checksum`, the book is not the market's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeVar

from . import checksum
from .messages.base import Side
from .messages.market_data import Depth, Orders, PublicOrder

Problem = Literal["gap", "checksum"]
Level = tuple[int, int]
"""Price, quantity."""
Message = TypeVar("Message", Depth, Orders)


def missing(number: int, message: Depth | Orders) -> bool:
    """Whether something is missing between a book that contains `number` and a message that it does not contain."""
    return message.previous == 0 or message.previous > number


class DepthBook:
    """Price levels. Of a market deeper than the snapshot was asked for, `complete` is False and no checksum is looked at."""

    def __init__(self, snapshot: Depth, limit: int) -> None:
        self.symbol = snapshot.symbol
        self.number = snapshot.number
        self.time = snapshot.time
        self.bids = dict(snapshot.bids)
        self.asks = dict(snapshot.asks)
        self.complete = len(self.bids) < limit and len(self.asks) < limit

    def apply(self, change: Depth) -> Problem | None:
        """Take a message of the channel; one that is contained already changes nothing."""
        if change.number > self.number:
            if missing(self.number, change):
                return "gap"
            for levels, changes in ((self.bids, change.bids), (self.asks, change.asks)):
                for price, quantity in changes:
                    if quantity:
                        levels[price] = quantity
                    else:
                        levels.pop(price, None)
            self.number, self.time = change.number, change.time
        if change.number == self.number and self.complete and change.checksum not in (None, self.checksum):
            return "checksum"
        return None

    def levels(self, side: Side, limit: int | None = None) -> list[Level]:
        """Price and quantity, best first."""
        levels = self.bids if side == "buy" else self.asks
        return sorted(levels.items(), reverse=side == "buy")[:limit]

    @property
    def checksum(self) -> int:
        """As in exchange/checksum.py."""
        return checksum.of_levels(self.bids.items(), self.asks.items())


class OrderBook:
    """Orders, from a snapshot in pages, which may disagree until `number` has reached `settled`, the greatest of theirs."""

    def __init__(self, pages: Sequence[Orders]) -> None:
        first = pages[0]
        self.symbol, self.number, self.time = first.symbol, first.number, first.time
        self.settled = max(page.number for page in pages)
        self.orders: dict[int, PublicOrder] = {order[0]: order for page in pages for order in page.orders}

    def apply(self, change: Orders) -> Problem | None:
        """Take a message of the channel; one that is contained already changes nothing."""
        if change.number > self.number:
            if missing(self.number, change):
                return "gap"
            for order in change.orders:
                if order[3]:
                    self.orders[order[0]] = order
                else:
                    self.orders.pop(order[0], None)
            self.number, self.time = change.number, change.time
        if change.number == self.number >= self.settled and change.checksum not in (None, self.checksum):
            return "checksum"
        return None

    def queue(self, side: Side) -> list[PublicOrder]:
        """The orders of a side, best price first, first in the queue first."""
        sign = -1 if side == "buy" else 1
        return sorted(
            (order for order in self.orders.values() if order[1] == side), key=lambda order: (sign * order[2], order[0])
        )

    @property
    def checksum(self) -> int:
        """As in exchange/checksum.py."""
        return checksum.of_orders(self.orders.values())
