"""What subscribers of one symbol know, and when they are to be told more."""

from __future__ import annotations

from math import inf
from typing import Final

from exchange import checksum

from .book import Level
from .running_checksum import RunningChecksum
from .status import SymbolStatus

CHANGING: Final = ("quote", "depth", "book", "candle", "status", "statistics")
"""The channels that may have something to send when something has changed."""
CHECKED: Final = ("depth", "book")
CHECK_SECONDS: Final = 1.0
STILL_SECONDS_MAX: Final = 30.0
"""A symbol of which there is nothing new sends checksums and image at least this often."""


class Pace:
    """When something is to be sent again though nothing may have changed."""

    def __init__(self, pause: float, phase: float) -> None:
        """`phase`, from 0 to 1, keeps one symbol's pauses apart from another's while both stand still."""
        self.due = 0.0
        self._shortest = self._pause = pause
        self._phase = phase
        self._sent = -inf
        self._changed = False

    def change(self, now: float) -> None:
        """There is something new."""
        self._changed = True
        self.due = min(self.due, max(now, self._sent + self._shortest))

    def step(self, now: float) -> bool:
        """Whether it is due."""
        if now < self.due:
            return False
        longer = min(2 * self._pause, max(STILL_SECONDS_MAX, self._shortest))
        self._pause = self._shortest if self._changed else longer
        self._sent = now
        self.due = now + self._pause * (1 if self._changed else 1 - self._phase / 2)
        self._changed = False
        return True


class Sent:
    """What subscribers of one symbol know."""

    def __init__(self, top_pause: float, phase: float) -> None:
        self.pending: set[str] = set(CHANGING)
        """Channels that may have something to send."""
        self.check = Pace(CHECK_SECONDS, phase)
        self.top = Pace(top_pause, phase)
        self.checks: set[str] = set()
        """Of the pending channels, those whose next message carries a checksum."""
        self.due: dict[str, float] = {}
        """Nothing is sent on a channel before."""
        self.numbers: dict[str, int] = {}
        """Of the last message on a channel."""
        self.quote: tuple[Level, Level] | None = None
        self.status: SymbolStatus | None = None
        self.trades: dict[str, int] = {}
        """Id of the last trade that is in a channel's messages."""
        self.levels = RunningChecksum(checksum.of_level, {})
        self.orders = RunningChecksum(checksum.of_order, {})

    def look(self, now: float, changed: bool) -> None:
        """Something has changed, or the moment has come: note which channels may have something to send."""
        if changed:
            self.pending.update(CHANGING)
            self.check.change(now)
            self.top.change(now)
        if self.check.step(now):
            self.pending.update(CHECKED)
            self.checks.update(CHECKED)
        if self.top.step(now):
            self.pending.add("top")

    @property
    def next_due(self) -> float:
        """When to look again."""
        return min(self.check.due, self.top.due, *(self.due.get(channel, 0.0) for channel in self.pending))

    def step(self, channel: str, number: int) -> int:
        """A message is sent; the number of the one before."""
        previous = self.numbers.get(channel, 0)
        self.numbers[channel] = number
        return previous
