"""Candles: what traded in each interval, in integers. An interval without trades has no candle."""

from __future__ import annotations

from typing import Final

import msgspec

from exchange.messages.market_data import Candle, Interval

SECONDS: Final[dict[Interval, int]] = {"1s": 1, "1m": 60}
NANOSECONDS: Final = 1_000_000_000
CLOSED_KEPT: Final = 600
"""Closed bars in memory per symbol and interval; older ones are asked from the store."""


class Bar(msgspec.Struct, array_like=True, gc=False):
    """A candle while it grows. Fields as in Candle."""

    start: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    turnover: int
    trades: int


class Series:
    """The bars of one symbol and interval. A bar closes when the first trade of a later interval comes."""

    __slots__ = ("_kept", "_seconds", "bar", "closed", "interval", "symbol", "unsent")

    def __init__(self, symbol: str, interval: Interval, bar: Bar | None = None) -> None:
        self.symbol = symbol
        self.interval = interval
        self.bar = bar
        """The open one."""
        self.closed: list[Bar] = []
        """The newest closed ones, oldest first, among them all that are not in the store yet."""
        self.unsent: dict[int, Bar] = {}
        """By start, those that changed since they were last published."""
        self._seconds = SECONDS[interval]

    def add(self, time: int, price: int, quantity: int) -> Bar | None:
        """A trade at `time` nanoseconds; times never go back. Returns the bar that this closed, if any."""
        start = time // NANOSECONDS // self._seconds * self._seconds
        bar, closed = self.bar, None
        if bar is None or bar.start != start:
            if bar is not None:
                assert start > bar.start, "time went back"
                self.closed.append(bar)
                closed = bar
            self.bar = self.unsent[start] = Bar(start, price, price, price, price, quantity, price * quantity, 1)
            return closed
        if price > bar.high:
            bar.high = price
        elif price < bar.low:
            bar.low = price
        bar.close = price
        bar.volume += quantity
        bar.turnover += price * quantity
        bar.trades += 1
        self.unsent[start] = bar
        return None

    def trim(self, stored: int) -> None:
        """Bars that start at `stored` or before are in the store: keep the newest CLOSED_KEPT of them."""
        excess = len(self.closed) - CLOSED_KEPT
        kept = 0
        while kept < excess and self.closed[kept].start <= stored:
            kept += 1
        del self.closed[:kept]

    def take_unsent(self) -> list[Candle]:
        """Candles to publish, oldest first."""
        candles = [self.candle(bar) for bar in self.unsent.values()]
        self.unsent.clear()
        return candles

    def candle(self, bar: Bar) -> Candle:
        """A bar as the public sees it."""
        return Candle(
            self.symbol, self.interval, bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.turnover, bar.trades
        )
