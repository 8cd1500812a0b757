"""A subscriber of market.<symbol>.depth that keeps a book from snapshots and changes, as any client may do it."""

from __future__ import annotations

from collections.abc import Callable

from exchange.messages.market_data import Depth


class Subscriber:
    """`ask` requests a snapshot, whose answer comes some time later through `on_snapshot`."""

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask
        self._early: list[Depth] = []
        """Messages that came while a snapshot was on its way."""
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.number: int | None = None
        """Of the last batch contained; None while a snapshot is on its way."""
        self._ask()

    @property
    def book(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        return sorted(self.bids.items(), reverse=True), sorted(self.asks.items())

    def on_depth(self, message: Depth) -> None:
        if self.number is None:
            self._early.append(message)
        elif message.number <= self.number:
            pass  # The snapshot contains it.
        elif message.previous == 0 or message.previous > self.number:
            self._early = [message]
            self.number = None
            self._ask()
        else:
            # Levels are absolute, so it is no harm that the first message after a snapshot may repeat some of it.
            for levels, changes in ((self.bids, message.bids), (self.asks, message.asks)):
                for price, quantity in changes:
                    if quantity:
                        levels[price] = quantity
                    else:
                        levels.pop(price, None)
            self.number = message.number

    def on_snapshot(self, snapshot: Depth) -> None:
        self.bids, self.asks, self.number = dict(snapshot.bids), dict(snapshot.asks), snapshot.number
        early, self._early = self._early, []
        for message in early:
            self.on_depth(message)
