"""Candles of any interval: stored ones aggregated by DuckDB, those of memory after them, and gaps filled where asked for."""

from __future__ import annotations

from typing import Final

from exchange.calendar import SECONDS, Calendar, Interval, parse_interval
from exchange.database import Database, Row
from exchange.messages.market_data import Candle, CandlesQuestion

from .candles import Bar, candle
from .feed import Instrument
from .pages import widen

GROUPS: Final = {
    "d": "date // $length",
    "w": "(date + 3) // (7 * $length)",
    "mo": "(year(DATE '1970-01-01' + date) * 12 + month(DATE '1970-01-01' + date) - 1) // $length",
}
"""Which rows make one bar, as exchange/calendar.py has it; `//` of DuckDB rounds towards zero, and no date is negative."""
QUERY: Final = """
    SELECT {first}, arg_min(open, start), max(high), min(low), arg_max(close, start), sum(volume), sum(turnover), sum(trades)
    FROM candles_{base} WHERE symbol = $symbol AND start >= $low AND start < $high
    GROUP BY {group} ORDER BY 1 DESC LIMIT $limit
"""
BASE_SECONDS: Final = {"1h": 3_600, "1m": 60, "1s": 1}


def base_of(interval: Interval) -> str:
    """The longest stored interval of whose bars its bars are made."""
    if interval.unit not in SECONDS:
        return "1d"
    seconds = interval.number * SECONDS[interval.unit]
    return next(base for base, length in BASE_SECONDS.items() if seconds % length == 0)


class Chart:
    """One answer to public.candles. Raises ValueError, in words, for an interval that is none."""

    def __init__(self, database: Database, instrument: Instrument, question: CandlesQuestion, now: int) -> None:
        """`now` in seconds since 1970."""
        self._database = database
        self._instrument = instrument
        self._calendar: Calendar = instrument.calendar
        self._question = question
        self._interval = parse_interval(question.interval)
        self._base = base_of(self._interval)
        self._low, self._high = self._bounds(now)

    def _bounds(self, now: int) -> tuple[int, int]:
        """Where the first bar begins and the last one ends, as far as the question says it."""
        calendar, interval, question = self._calendar, self._interval, self._question
        last = min(question.before - 1, now) if question.before else now
        low = calendar.start(question.since, interval) if question.since else 0
        high = calendar.next(calendar.start(last, interval), interval)
        if question.periods and question.since:
            end = low
            for _ in range(question.periods):
                end = calendar.next(end, interval)
            high = min(high, end)
        elif question.periods:
            low = max(0, calendar.back(calendar.start(high - 1, interval), interval, question.periods - 1))
        return low, high

    async def candles(self, number: int) -> list[Candle]:
        """Oldest first; the last one, if it still grows, carries the `number` of the last event batch."""
        limit = self._question.limit
        bars = await self._bars(self._low, self._high, limit)
        if self._question.fill:
            bars = (await self._filled(bars))[-limit:]
        symbol, name = self._instrument.definition.symbol, str(self._interval)
        found = [candle(symbol, name, bar) for bar in bars]
        live = self._instrument.candles.live(self._base)
        if bars and live and bars[-1].start <= live.start < self._calendar.next(bars[-1].start, self._interval):
            found[-1] = candle(symbol, name, bars[-1], number)
        return found

    async def _bars(self, low: int, high: int, limit: int) -> list[Bar]:
        live = self._instrument.candles.live(self._base)
        memory = [*self._instrument.candles.closed[self._base], *([live] if live else [])]
        oldest = memory[0].start if memory else high
        newest = self._joined([bar for bar in memory if low <= bar.start < high])
        if len(newest) > limit:
            return newest[-limit:]
        older = await self._stored(low, min(high, oldest), limit)
        if older and newest and older[-1].start == newest[0].start:  # Its first part is in the store, the rest in memory.
            older[-1].absorb(newest.pop(0))
        return [*older, *newest][-limit:]

    def _joined(self, bars: list[Bar]) -> list[Bar]:
        joined: list[Bar] = []
        for bar in bars:
            start = self._calendar.start(bar.start, self._interval)
            if joined and joined[-1].start == start:
                joined[-1].absorb(bar)
            else:
                joined.append(bar.starting(start))
        return joined

    async def _stored(self, low: int, high: int, limit: int) -> list[Bar]:
        number, unit = self._interval
        if unit in SECONDS:
            first = group = "day + (start - day) // $length * $length"
            length = number * SECONDS[unit]
        else:
            first, group, length = "min(date)", GROUPS[unit], number
        query = QUERY.format(first=first, group=group, base=self._base)

        async def ask(part_low: int, part_high: int, part_limit: int) -> list[Row]:
            # No bar may be in two parts.
            part_low = self._calendar.start(part_low, self._interval) if part_low > low else low
            part_high = self._calendar.start(part_high, self._interval) if part_high < high else high
            parameters = {"symbol": self._instrument.index, "low": part_low, "high": part_high, "length": length}
            return await self._database.ask(query, parameters | {"limit": part_limit})

        period = self._calendar.next(0, self._interval) - self._calendar.start(0, self._interval)
        rows = await widen(ask, low, high, limit, 2 * limit * max(period, 1), ascending=False)
        return [Bar(self._start(key, unit), *values[:4], *map(int, values[4:])) for key, *values in reversed(rows)]

    def _start(self, key: int, unit: str) -> int:
        return int(key) if unit in SECONDS else self._calendar.start_of_date(key, self._interval)

    async def _filled(self, bars: list[Bar]) -> list[Bar]:
        """With a flat bar for each period without trades, as far as there was a trade before it."""
        calendar, interval, limit = self._calendar, self._interval, self._question.limit
        low = max(self._low, calendar.back(calendar.start(self._high - 1, interval), interval, limit - 1))
        before = await self._bars(0, low, 1)
        if not bars and not before:
            return []
        start = low if before else bars[0].start
        close = before[-1].close if before else bars[0].open
        known = {bar.start: bar for bar in bars}
        filled: list[Bar] = []
        while start < self._high:
            bar = known.get(start) or Bar(start, close, close, close, close, 0, 0, 0)
            close = bar.close
            filled.append(bar)
            start = calendar.next(start, interval)
        return filled
