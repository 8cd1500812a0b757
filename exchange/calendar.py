"""The market's calendar: its time zone, when its session day begins, and which bar of an interval a moment belongs to.

A session day lasts from `day_starts`, by the clocks of the time zone, to the next day's; one that starts at noon or later
belongs to the date on which it ends, as is usual where trading opens in the evening before. Bars of seconds, minutes and hours
are counted from the start of the session day, whose last bar is shorter where the interval does not divide the day; bars of
several days from 1970-01-01, of weeks from Monday, of months from January of year 0.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

Unit = Literal["s", "m", "h", "d", "w", "mo"]
SECONDS: Final[dict[str, int]] = {"s": 1, "m": 60, "h": 3_600}
"""Of the units that are counted from the start of the session day."""
COUNT_MAX: Final = 100_000
EPOCH: Final = date(1970, 1, 1).toordinal()
MONDAY: Final = 3
"""1970-01-01 was a Thursday: date + 3 is divisible by 7 on Mondays."""
DATE_LEAST: Final = date(1900, 1, 1).toordinal() - EPOCH
DATE_MAX: Final = date(9990, 1, 1).toordinal() - EPOCH
TIME_LEAST: Final = (DATE_LEAST + 2) * 86_400
TIME_MAX: Final = (DATE_MAX - 2) * 86_400
"""Seconds since 1970; what is beyond counts as this."""
_INTERVAL: Final = re.compile(r"([1-9][0-9]{0,5})(mo|s|m|h|d|w)")


class Interval(NamedTuple):
    """A length of bars."""

    number: int
    unit: Unit

    def __str__(self) -> str:
        return f"{self.number}{self.unit}"


def parse_interval(text: str) -> Interval:
    """`1s`, `7m`, `4h`, `1d`, `2w`, `1mo`. Raises ValueError, in words."""
    found = _INTERVAL.fullmatch(text)
    if found is None or int(found[1]) > COUNT_MAX:
        units = ", ".join(get_args(Unit))
        raise ValueError(f"{text[:16]!r} is not an interval; write a number and one of {units}, for example 5m, 4h or 1mo")
    unit: Unit = found[2]  # type: ignore[assignment]  # The pattern has no others.
    if unit in SECONDS and int(found[1]) * SECONDS[unit] > 86_400:
        raise ValueError(f"{text} is longer than a day; write it in d, w or mo")
    return Interval(int(found[1]), unit)


class Day(NamedTuple):
    """A session day. `start` and `end` in seconds since 1970, `date` in days since 1970-01-01."""

    start: int
    end: int
    date: int


class Calendar:
    """Of one market. Raises ValueError, in words, for a time zone or a time of day that does not exist."""

    def __init__(self, time_zone: str = "UTC", day_starts: str = "00:00") -> None:
        try:
            self._zone = ZoneInfo(time_zone)
        except (OSError, ValueError, KeyError):
            raise ValueError(f"{time_zone[:64]!r} is not a time zone; write one like Europe/Berlin") from None
        if re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", day_starts) is None:
            raise ValueError(f"{day_starts[:16]!r} is not a time of day; write it like 09:30")
        self.name = f"{time_zone} {day_starts}"
        """Two calendars of the same name are the same."""
        self._starts = time.fromisoformat(day_starts)
        self._evening = self._starts.hour >= 12
        self._day = Day(0, 0, 0)

    def day(self, seconds: int) -> Day:
        """The session day of a moment."""
        day = self._day
        seconds = min(max(seconds, TIME_LEAST), TIME_MAX)
        if not day.start <= seconds < day.end:
            number = datetime.fromtimestamp(seconds, self._zone).toordinal() - EPOCH
            while self._start_of(number) > seconds:
                number -= 1
            while (end := self._start_of(number + 1)) <= seconds:
                number += 1
            day = self._day = Day(self._start_of(number), end, number)
        return day

    def start(self, seconds: int, interval: Interval) -> int:
        """When the bar of a moment starts."""
        day = self.day(seconds)
        count, unit = interval
        if unit in SECONDS:
            length = count * SECONDS[unit]
            return day.start + (seconds - day.start) // length * length
        return self._start_of(_first_date(day.date, interval))

    def next(self, start: int, interval: Interval) -> int:
        """When the bar after the one that starts at `start` starts."""
        day = self.day(start)
        count, unit = interval
        if unit in SECONDS:
            return min(start + count * SECONDS[unit], day.end)
        return self._start_of(_first_date(day.date, interval, 1))

    def back(self, start: int, interval: Interval, periods: int) -> int:
        """When the bar `periods` before the one that starts at `start` starts."""
        for _ in range(periods):
            start = self.start(start - 1, interval)
        return start

    def start_of_date(self, number: int, interval: Interval) -> int:
        """When the bar (of days, weeks or months) that contains a session day starts."""
        return self._start_of(_first_date(number, interval))

    def _start_of(self, number: int) -> int:
        number = min(max(number, DATE_LEAST), DATE_MAX)
        local = datetime.combine(date.fromordinal(EPOCH + number) - timedelta(self._evening), self._starts, self._zone)
        return int(local.astimezone(UTC).timestamp())


def _first_date(number: int, interval: Interval, later: int = 0) -> int:
    """The first date of the period of days, weeks or months that contains a date, or of one so many periods `later`."""
    count, unit = interval
    if unit == "d":
        return (number // count + later) * count
    if unit == "w":
        return ((number + MONDAY) // (7 * count) + later) * 7 * count - MONDAY
    day = date.fromordinal(EPOCH + number)
    months = ((day.year * 12 + day.month - 1) // count + later) * count
    if not 12 <= months < 12 * 9_990:
        return DATE_LEAST if months < 12 else DATE_MAX
    return date(months // 12, months % 12 + 1, 1).toordinal() - EPOCH
