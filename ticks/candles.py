"""Candles: what traded in each interval, in integers. An interval without trades has no candle.

A trade changes the bar of its second only. A bar that ends is added to the open bar of the next longer interval, and what is
shown of an open bar is that sum with all open bars below it: a trade costs the same however many intervals there are.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

import msgspec

from exchange.calendar import Calendar, Interval, parse_interval
from exchange.messages.market_data import Candle

NANOSECONDS: Final = 1_000_000_000
SECOND: Final = "1s"
SOURCES: Final = {"1m": "1s", "5m": "1m", "15m": "5m", "1h": "15m", "1d": "1h", "1w": "1d", "1mo": "1d"}
"""Published interval → the one of whose bars its bars are made. Each is a whole number of them, by any calendar."""
FEEDS: Final = {name: [longer for longer, source in SOURCES.items() if source == name] for name in (SECOND, *SOURCES)}
PUBLISHED: Final[dict[str, Interval]] = {name: parse_interval(name) for name in (SECOND, *SOURCES)}
STORED: Final = ("1s", "1m", "1h", "1d")
"""All others are made of these when they are asked for."""
CLOSED_KEPT: Final = 600
"""Closed bars in memory per symbol and stored interval; older ones are asked from the store."""
DAY_SECONDS: Final = 86_400


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

    def absorb(self, later: Bar) -> None:
        """Add what traded after this."""
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume
        self.turnover += later.turnover
        self.trades += later.trades

    def starting(self, start: int) -> Bar:
        """A copy as the first part of a bar that starts then."""
        return Bar(start, self.open, self.high, self.low, self.close, self.volume, self.turnover, self.trades)


class CandleRow(NamedTuple):
    """A closed candle for the store."""

    symbol: str
    interval: str
    bar: Bar


class CandlesState(msgspec.Struct, array_like=True, frozen=True):
    """Candles in a snapshot."""

    open: dict[str, Bar] = {}
    previous_close: int = 0
    minutes: list[tuple[int, int]] = []


class Candles:
    """The bars of one symbol. A bar closes when the first trade of a later one of its interval comes."""

    def __init__(self, symbol: str, calendar: Calendar, state: CandlesState) -> None:
        self.closed: dict[str, list[Bar]] = {interval: [] for interval in STORED}
        """The newest closed ones, oldest first, among them all that are not in the store yet."""
        self.unsent: dict[str, list[Bar]] = {interval: [] for interval in PUBLISHED}
        """Those that closed since they were last published."""
        self.previous_close = state.previous_close
        """Of the newest closed day; 0 before there is one."""
        self._symbol = symbol
        self._calendar = calendar
        self._open = dict(state.open)
        """Per interval, the sum of the closed bars that its open bar is made of; of a second the open bar itself."""
        self._minutes = deque(state.minutes)
        """(start, close) of the minutes of the last 24 hours, and of the last one before."""
        self._ends = {
            interval: calendar.next(bar.start, PUBLISHED[interval])
            for interval, bar in self._open.items()
            if interval != SECOND
        }

    def add(self, time: int, price: int, quantity: int, rows: list[CandleRow]) -> None:
        """A trade at `time` nanoseconds; times never go back. Appends the stored bars that this closed to `rows`."""
        second = time // NANOSECONDS
        bar = self._open.get(SECOND)
        if bar is None or bar.start != second:
            if bar is not None:
                assert second > bar.start, "time went back"
                self._close(SECOND, bar, second, rows)
            self._open[SECOND] = Bar(second, price, price, price, price, quantity, price * quantity, 1)
            return
        if price > bar.high:
            bar.high = price
        elif price < bar.low:
            bar.low = price
        bar.close = price
        bar.volume += quantity
        bar.turnover += price * quantity
        bar.trades += 1

    def _close(self, interval: str, bar: Bar, now: int, rows: list[CandleRow]) -> None:
        """A bar ended, because something traded `now`, in a later one."""
        if interval in self.closed:
            self.closed[interval].append(bar)
            rows.append(CandleRow(self._symbol, interval, bar))
        self.unsent[interval].append(bar)
        if interval == "1m":
            self._remember_minute(bar)
        elif interval == "1d":
            self.previous_close = bar.close
        for longer in FEEDS[interval]:
            if (whole := self._open.get(longer)) is not None:
                whole.absorb(bar)
            else:
                start = self._calendar.start(bar.start, PUBLISHED[longer])
                whole = self._open[longer] = bar.starting(start)
                self._ends[longer] = self._calendar.next(start, PUBLISHED[longer])
            if now >= self._ends[longer]:
                del self._open[longer]
                self._close(longer, whole, now, rows)

    def live(self, interval: str) -> Bar | None:
        """The open bar as it stands; None before the first trade."""
        if interval == SECOND:
            return self._open.get(SECOND)
        below = self.live(SOURCES[interval])
        if below is None:
            return None
        if (whole := self._open.get(interval)) is None:
            return below.starting(self._calendar.start(below.start, PUBLISHED[interval]))
        bar = whole.starting(whole.start)
        bar.absorb(below)
        return bar

    def day_ago(self, time: int) -> int:
        """The price 24 hours before `time` (nanoseconds), to the minute; 0 when nothing had been traded."""
        price = 0
        for start, close in self._minutes:
            if start + 60 > time // NANOSECONDS - DAY_SECONDS:
                break
            price = close
        return price

    def _remember_minute(self, bar: Bar) -> None:
        minutes = self._minutes
        minutes.append((bar.start, bar.close))
        while len(minutes) > 1 and minutes[1][0] + 60 <= bar.start - DAY_SECONDS:
            minutes.popleft()

    def trim(self, interval: str, stored: int) -> None:
        """Bars that start at `stored` or before are in the store: keep the newest CLOSED_KEPT of them."""
        closed = self.closed[interval]
        excess = len(closed) - CLOSED_KEPT
        kept = 0
        while kept < excess and closed[kept].start <= stored:
            kept += 1
        del closed[:kept]

    def forget(self) -> None:
        """What closed up to now need not be published."""
        for bars in self.unsent.values():
            bars.clear()

    def state(self) -> CandlesState:
        """For a snapshot; encode it before the next `add`."""
        return CandlesState(self._open, self.previous_close, list(self._minutes))


def average(turnover: int, volume: int) -> int:
    """The average price of a share, rounded to the unit, half up."""
    return (2 * turnover + volume) // (2 * volume)


def candle(symbol: str, interval: str, bar: Bar, number: int = 0, previous: int = 0) -> Candle:
    """A bar as the public sees it."""
    vwap = average(bar.turnover, bar.volume) if bar.volume else bar.close
    return Candle(
        symbol,
        interval,
        bar.start,
        bar.open,
        bar.high,
        bar.low,
        bar.close,
        bar.volume,
        bar.turnover,
        bar.trades,
        vwap,
        number,
        previous,
    )
