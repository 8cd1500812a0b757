"""What trades add up to: rolling windows in buckets of a second, candles, and indicators over them. Step by step.

Prices are integers (1/10 000) inside, so sums never drift; what comes out is a decimal number in whole currency, or None as
long as too little is known. Pure: the time comes with each call and never goes back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from math import sqrt
from typing import NamedTuple

from exchange.money import UNITS


class Bar(NamedTuple):
    """A closed candle. An interval without trades has one too, once there was a trade: flat, at the last close."""

    start: int
    """Seconds since 1970."""
    open: int
    high: int
    low: int
    close: int
    volume: int = 0
    turnover: int = 0
    trades: int = 0


def merged(bar: Bar, part: Bar) -> Bar:
    """A candle and what traded after it, within the same interval."""
    return Bar(
        bar.start,
        bar.open,
        max(bar.high, part.high),
        min(bar.low, part.low),
        part.close,
        bar.volume + part.volume,
        bar.turnover + part.turnover,
        bar.trades + part.trades,
    )


class Window:
    """The trades of the last `seconds` whole seconds, the current one included."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self._clear()

    def _clear(self) -> None:
        self.volume = 0
        self.turnover = 0
        self.trades = 0
        self._bars: deque[Bar] = deque()
        """One for each second with trades."""
        self._highs: deque[tuple[int, int]] = deque()
        self._lows: deque[tuple[int, int]] = deque()
        self._before: int | None = None
        """The last price before the window; the first in it, as long as nothing has left."""

    def add(self, bar: Bar) -> None:
        """What traded within one second, or a part of it."""
        if not bar.trades:
            return
        if self._before is None:
            self._before = bar.open
        if self._bars and self._bars[-1].start == bar.start:
            self._bars.append(merged(self._bars.pop(), bar))
        else:
            self._bars.append(bar)
        self.volume += bar.volume
        self.turnover += bar.turnover
        self.trades += bar.trades
        while self._highs and self._highs[-1][1] <= bar.high:
            self._highs.pop()
        self._highs.append((bar.start, bar.high))
        while self._lows and self._lows[-1][1] >= bar.low:
            self._lows.pop()
        self._lows.append((bar.start, bar.low))

    def expire(self, second: int) -> bool:
        """Forget what is too old at this second; whether there was anything."""
        oldest = second - self.seconds
        if not self._bars or self._bars[0].start > oldest:
            return False
        while self._bars and self._bars[0].start <= oldest:
            bar = self._bars.popleft()
            self._before = bar.close
            self.volume -= bar.volume
            self.turnover -= bar.turnover
            self.trades -= bar.trades
        for extremes in (self._highs, self._lows):
            while extremes and extremes[0][0] <= oldest:
                extremes.popleft()
        return True

    def prime(self, history: list[Bar], second: int) -> None:
        """Begin again with what traded before (in seconds, or coarser), then what was heard since."""
        heard = list(self._bars)
        first = heard[0].start if heard else 1 << 62
        self._clear()
        for bar in (*(bar for bar in history if bar.start < first), *heard):
            self.add(bar)
        self.expire(second)

    def vwap(self) -> float | None:
        """Turnover per share."""
        return self.turnover / self.volume / UNITS if self.volume else None

    def high(self) -> float | None:
        """The highest price."""
        return self._highs[0][1] / UNITS if self._highs else None

    def low(self) -> float | None:
        """The lowest price."""
        return self._lows[0][1] / UNITS if self._lows else None

    def change(self, last: int) -> float | None:
        """The last price against the window's first, as a share of it."""
        return last / self._before - 1 if self._before else None


class Indicator:
    """Something that each closed candle changes."""

    def add(self, bar: Bar) -> None:
        """The next candle."""
        raise NotImplementedError

    def value(self) -> float | None:
        """As of the last candle."""
        raise NotImplementedError


class Mean(Indicator):
    """Mean of a field over the last `count` candles; with `partial` over those there are."""

    def __init__(self, field: str, count: int, *, partial: bool = False) -> None:
        self._field = field
        self._units = 1 if field in ("volume", "trades") else UNITS
        self._least = 1 if partial else count
        self._values: deque[int] = deque(maxlen=count)
        self._sum = 0

    def add(self, bar: Bar) -> None:
        """The next candle."""
        if len(self._values) == self._values.maxlen:
            self._sum -= self._values[0]
        value = getattr(bar, self._field)
        self._values.append(value)
        self._sum += value

    def value(self) -> float | None:
        """The mean."""
        count = len(self._values)
        return self._sum / count / self._units if count >= self._least else None


class Bollinger(Indicator):
    """Mean of the closes plus so many standard deviations; with `mean` 0 the deviations alone."""

    def __init__(self, count: int, deviations: float, mean: int = 1) -> None:
        self._closes: deque[int] = deque(maxlen=count)
        self._deviations = deviations
        self._mean = mean
        self._sum = self._squares = 0

    def add(self, bar: Bar) -> None:
        """The next candle."""
        if len(self._closes) == self._closes.maxlen:
            oldest = self._closes[0]
            self._sum -= oldest
            self._squares -= oldest * oldest
        self._closes.append(bar.close)
        self._sum += bar.close
        self._squares += bar.close * bar.close

    def value(self) -> float | None:
        """The band, or the deviation."""
        count = len(self._closes)
        if count < (self._closes.maxlen or 0):
            return None
        variance = count * self._squares - self._sum * self._sum  # In integers: never negative.
        return (self._mean * self._sum + self._deviations * sqrt(variance)) / count / UNITS


class Ema(Indicator):
    """Exponential moving average with the weight 2 / (count + 1), begun with the mean of the first `count` closes."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._weight = 2 / (count + 1)
        self._seen = 0
        self._average = 0.0

    def add(self, bar: Bar) -> None:
        """The next candle."""
        self._seen += 1
        if self._seen <= self._count:
            self._average += (bar.close - self._average) / self._seen
        else:
            self._average += (bar.close - self._average) * self._weight

    def value(self) -> float | None:
        """The average."""
        return self._average / UNITS if self._seen >= self._count else None


class Rsi(Indicator):
    """Relative strength index (Wilder 1978): 100 - 100 / (1 + mean gain / mean loss), smoothed by 1 / count."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._seen = 0
        self._close: int | None = None
        self._gain = self._loss = 0.0

    def add(self, bar: Bar) -> None:
        """The next candle."""
        before, self._close = self._close, bar.close
        if before is None:
            return
        self._seen += 1
        change = bar.close - before
        share = 1 / min(self._seen, self._count)
        self._gain += (max(change, 0) - self._gain) * share
        self._loss += (max(-change, 0) - self._loss) * share

    def value(self) -> float | None:
        """0 to 100; 50 if nothing moved."""
        if self._seen < self._count:
            return None
        return 100 * self._gain / (self._gain + self._loss) if self._gain + self._loss else 50.0


class Atr(Indicator):
    """Average true range (Wilder 1978), smoothed by 1 / count."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._seen = 0
        self._close: int | None = None
        self._average = 0.0

    def add(self, bar: Bar) -> None:
        """The next candle."""
        close = bar.open if self._close is None else self._close
        true_range = max(bar.high, close) - min(bar.low, close)
        self._close = bar.close
        self._seen += 1
        self._average += (true_range - self._average) / min(self._seen, self._count)

    def value(self) -> float | None:
        """The average range."""
        return self._average / UNITS if self._seen >= self._count else None


class Candles:
    """The candles of one symbol and interval, and the indicators over them, each kept once for all bots."""

    HISTORY = 1_100
    """Closed candles kept, for indicators that are asked for later."""

    def __init__(self, interval: int) -> None:
        self.interval = interval
        self._makers: dict[Hashable, Callable[[], Indicator]] = {}
        self._indicators: dict[Hashable, Indicator] = {}
        self._bar: Bar | None = None
        self._closed: deque[Bar] = deque(maxlen=self.HISTORY)

    def want(self, key: Hashable, make: Callable[[], Indicator]) -> None:
        """Keep an indicator under this key from now on."""
        if key not in self._indicators:
            self._makers[key] = make
            self._indicators[key] = make()
            for bar in self._closed:
                self._indicators[key].add(bar)

    def value(self, key: Hashable) -> float | None:
        """Of a wanted indicator, as of the last closed candle."""
        return self._indicators[key].value()

    def add(self, part: Bar) -> bool:
        """What traded in one second, or in a candle that is finer than these; whether a candle closed."""
        closed = self.pass_time(part.start)
        bar = self._bar
        if bar is None or not bar.trades:
            self._bar = part._replace(start=part.start // self.interval * self.interval)
        elif part.trades:
            self._bar = merged(bar, part)
        return closed

    def pass_time(self, second: int) -> bool:
        """Close what ended before this second; whether anything did."""
        bar = self._bar
        if bar is None or second < bar.start + self.interval:
            return False
        start = second // self.interval * self.interval
        gap = (start - bar.start) // self.interval
        self._close(bar)
        for number in range(max(1, gap - self.HISTORY), gap):  # After a long pause the oldest flat ones change nothing.
            self._close(Bar(bar.start + number * self.interval, bar.close, bar.close, bar.close, bar.close))
        self._bar = Bar(start, bar.close, bar.close, bar.close, bar.close)
        return True

    def prime(self, history: list[Bar]) -> None:
        """Begin again with candles from before (these or finer ones, oldest first), then what was heard since."""
        heard = [bar for bar in (*self._closed, self._bar) if bar is not None and bar.trades]
        first = heard[0].start if heard else 1 << 62
        self._closed.clear()
        self._bar = None
        self._indicators = {key: make() for key, make in self._makers.items()}
        for bar in (*(bar for bar in history if bar.start < first), *heard):
            self.add(bar)

    def _close(self, bar: Bar) -> None:
        self._closed.append(bar)
        for indicator in self._indicators.values():
            indicator.add(bar)
