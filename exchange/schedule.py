"""The day of a market: when which phase begins, in local time. Pure functions of a schedule and a time.

A day that has no phases (a weekend, a holiday) is closed, and so is the time before the first phase of a day. On a day on
which the clocks change, a time that there is twice is the first of the two, and one that there is not comes as much later as
the clocks are put forward; a phase never begins before the one that stands in front of it.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from .messages.base import Phase

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ORDER: Final[tuple[Phase, ...]] = ("pre_open", "opening_auction", "continuous", "closing_auction", "closed")
"""The phases that a schedule may name, as they follow each other."""
HOLIDAYS_MAX: Final = 1_000
SECOND: Final = 1_000_000_000
DAY: Final = 86_400 * SECOND
FOREVER: Final = 2**63 - 1

TimeOfDay = str | int
"""HH:MM. YAML reads 15:55 without quotes as a number, of minutes."""


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`schedule` of a market file. Phases that are left out do not take place."""

    continuous: TimeOfDay
    closed: TimeOfDay
    pre_open: TimeOfDay | None = None
    opening_auction: TimeOfDay | None = None
    closing_auction: TimeOfDay | None = None
    timezone: str = "UTC"
    """A name of the IANA database, for example America/New_York."""
    days: str = "mon-sun"
    """Days of the week and spans of them: mon-thu,sat."""
    holidays: list[datetime.date] = []


class Span(NamedTuple):
    """A phase, and when the next one begins."""

    phase: Phase
    until: int
    """Nanoseconds since 1970; FOREVER if there is no next one."""


def phase_at(schedule: Schedule | None, time: int) -> Span:
    """What the schedule says at a time in nanoseconds since 1970; without a schedule it is always continuous."""
    if schedule is None:
        return Span("continuous", FOREVER)
    found: Phase = "closed"
    for begins, phase in _from(schedule, time):
        if begins > time:
            return Span(found, begins)
        found = phase
    raise AssertionError("a schedule has days without end")


def end_of_day(schedule: Schedule | None, time: int) -> int:
    """When orders for the day end: the next time that the market closes, or the next midnight (UTC) if it never does."""
    if schedule is None:
        return time // DAY * DAY + DAY
    return next(begins for begins, phase in _from(schedule, time) if phase == "closed" and begins > time)


def problem(schedule: Schedule) -> str:
    """What is wrong with a schedule, as a sentence that begins with the field; empty when nothing is."""
    try:
        ZoneInfo(schedule.timezone)
    except (ValueError, OSError, KeyError):  # Of a strange name; ZoneInfoNotFoundError is a KeyError.
        return f"timezone: {schedule.timezone!r} is not a time zone; write it like America/New_York"
    if not _days(schedule.days):
        return f"days: {schedule.days!r} are no days; write them like mon-fri or mon,wed,fri"
    if len(schedule.holidays) > HOLIDAYS_MAX:
        return f"holidays: at most {HOLIDAYS_MAX} are taken, these are {len(schedule.holidays)}"
    previous, before = -1, ""
    for phase in ORDER:
        if (at := getattr(schedule, phase)) is None:
            continue
        minutes = _minutes(at)
        if minutes is None:
            return f"{phase}: {at!r} is not a time of the day; write it like 09:30"
        if minutes <= previous:
            return f"{phase}: {at} is not after {before}; the phases of a day follow each other and end before midnight"
        previous, before = minutes, f"{phase} at {at}"
    return ""


def _minutes(at: TimeOfDay) -> int | None:
    """Since midnight."""
    if isinstance(at, int):
        return at if 0 <= at < 24 * 60 else None
    match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", at)
    return int(match[1]) * 60 + int(match[2]) if match else None


def _days(text: str) -> frozenset[int]:
    """Numbers of the days of the week, Monday 0; none at all for text that cannot be read."""
    days: set[int] = set()
    for part in text.lower().split(","):
        first, _, last = (word.strip() for word in part.partition("-"))
        if first not in WEEKDAYS or (last or first) not in WEEKDAYS:
            return frozenset()
        start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        days |= {(start + step) % 7 for step in range((end - start) % 7 + 1)}
    return frozenset(days)


def _from(schedule: Schedule, time: int) -> Iterator[tuple[int, Phase]]:
    """(begin, phase) of all days from that of `time` on."""
    day = datetime.datetime.fromtimestamp(time // SECOND, ZoneInfo(schedule.timezone)).date()
    weekdays, holidays = _days(schedule.days), frozenset(schedule.holidays)
    while True:
        if day.weekday() in weekdays and day not in holidays:
            yield from _instants(_times(schedule), schedule.timezone, day)
        day += datetime.timedelta(days=1)


def _times(schedule: Schedule) -> tuple[tuple[Phase, int], ...]:
    """(phase, minutes since midnight)."""
    times = [(phase, at) for phase in ORDER if (at := getattr(schedule, phase)) is not None]
    return tuple((phase, minutes) for phase, at in times if (minutes := _minutes(at)) is not None)


@lru_cache(maxsize=64)
def _instants(times: tuple[tuple[Phase, int], ...], timezone: str, day: datetime.date) -> list[tuple[int, Phase]]:
    """(begin, phase) of one day. Cached because each order for the day asks for its end."""
    zone, epoch = ZoneInfo(timezone), datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    found: list[tuple[int, Phase]] = []
    latest = 0
    for phase, minutes in times:
        local = datetime.datetime.combine(day, datetime.time(minutes // 60, minutes % 60), zone)
        latest = max(latest, (local - epoch) // datetime.timedelta(seconds=1) * SECOND)
        found.append((latest, phase))
    return found
