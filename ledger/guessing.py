"""Slows down whoever guesses passwords: per log-in and address, per address, and per log-in from addresses it does not know.

Nothing here is stored: a restart forgives everybody.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from typing import Final

from exchange.proxies import SHARED

from .credentials import HASHING_THREADS

PAIR_FREE: Final = 5
"""Wrong passwords for one log-in from one address that cost nothing but the refusal."""
ADDRESS_FREE: Final = 30
"""The same for one address and any log-in: a school behind one address mistypes more often than a person."""
LOGIN_FREE: Final = 100
"""The same for one log-in and any address from which nobody has logged in to it yet."""
WAIT_SECONDS_FIRST: Final = 1.0
WAIT_SECONDS_MAX: Final = 300.0
"""Each further failure doubles the wait, up to this."""
FORGET_SECONDS: Final = 900.0
"""Failures are forgotten this long after the last one."""
REMEMBERED_MAX: Final = 10_000
"""Of each kind; the one that failed longest ago is forgotten first."""


class Throttle:
    """Failures, and how long the next attempt must wait. Pure: seconds come from outside."""

    def __init__(self, free: int) -> None:
        self._free = free
        self._failures: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()
        """How many, and when the last one was."""

    def wait(self, key: Hashable, now: float) -> float:
        """Seconds until somebody may try again; 0 for at once."""
        count, last = self._failures.get(key, (0, now))
        if count < self._free or now - last > FORGET_SECONDS:
            return 0.0
        wait = min(WAIT_SECONDS_FIRST * 2.0 ** min(count - self._free, 60), WAIT_SECONDS_MAX)
        return max(0.0, last + wait - now)

    def failed(self, key: Hashable, now: float) -> None:
        """One more."""
        count, last = self._failures.pop(key, (0, now))
        self._failures[key] = (count + 1 if now - last <= FORGET_SECONDS else 1, now)
        if len(self._failures) > REMEMBERED_MAX:
            self._failures.popitem(last=False)

    def forgive(self, key: Hashable) -> None:
        """Whoever knows the password was not guessing."""
        self._failures.pop(key, None)


class TooManyGuesses(Exception):
    """The attempt was not looked at."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"too many wrong passwords; try again in {max(1, round(seconds))} s")


class _Line:
    """Attempts that wait for their turn."""

    def __init__(self, places: int) -> None:
        self.places = asyncio.Semaphore(places)
        self.waiting = 0


class Guessing:
    """Lets attempts through, those of one log-in and address one after the other."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pairs, self._addresses, self._logins = Throttle(PAIR_FREE), Throttle(ADDRESS_FREE), Throttle(LOGIN_FREE)
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        """Log-ins and addresses that belong together."""
        self._lines: dict[Hashable, _Line] = {}

    async def attempt(self, login: str, address: str, fits: Callable[[], Awaitable[bool]]) -> bool:
        """Whether the password fits. An address has HASHING_THREADS under way at most, so that others get their turn.

        Raises TooManyGuesses.
        """
        async with self.in_line((login, address), 1), self.in_line(address, HASHING_THREADS):
            if (seconds := self._wait(login, address)) > 0:
                raise TooManyGuesses(seconds)
            fitted = await fits()
            self._note(login, address, fitted)
            return fitted

    def _wait(self, login: str, address: str) -> float:
        now = self._clock()
        wait = self._pairs.wait((login, address), now)
        if address not in SHARED:
            wait = max(wait, self._addresses.wait(address, now))
            if (login, address) not in self._known:
                wait = max(wait, self._logins.wait(login, now))
        return wait

    def _note(self, login: str, address: str, fitted: bool) -> None:
        now, pair = self._clock(), (login, address)
        if fitted:
            self._pairs.forgive(pair)
            self._known[pair] = None
            self._known.move_to_end(pair)
            if len(self._known) > REMEMBERED_MAX:
                self._known.popitem(last=False)
            return
        self._pairs.failed(pair, now)
        self._addresses.failed(address, now)
        if address not in SHARED:
            self._logins.failed(login, now)

    @asynccontextmanager
    async def in_line(self, key: Hashable, places: int) -> AsyncIterator[None]:
        """Wait for one of the places behind those who came earlier, so that others get their turn."""
        line = self._lines.setdefault(key, _Line(places))
        line.waiting += 1
        try:
            async with line.places:
                yield
        finally:
            line.waiting -= 1
            if not line.waiting:
                del self._lines[key]
