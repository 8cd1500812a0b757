"""A feed brings a log's batches to a stage: verified, bounded, and in the amounts the stage asks for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from .log import Chain, Header, Log

WAITING_MAX: Final = 512
"""Batches in memory at which a feed stops reading until some are taken; the log keeps the rest."""
TAKE_BATCHES_MAX: Final = 64
TAKE_BYTES_MAX: Final = 1_000_000
"""What one turn takes from one log at most (but always one batch), so that a turn stays short while catching up."""


class Batch(NamedTuple):
    """A batch whose place in the chain was checked."""

    number: int
    payload: bytes
    header: Header
    digest: str


class Feed:
    """Reads one log from after `number` on. `run` fills it, the stage's loop takes from it."""

    def __init__(self, log: Log, number: int, last_digest: str, wake: Callable[[], None]) -> None:
        self._log = log
        self._chain = Chain(log.name, number, last_digest)
        self._reader = log.read(number)
        self._waiting: deque[Batch] = deque()
        self._wake = wake
        self._taken = asyncio.Event()
        self._arrived = asyncio.Event()
        self.taken_digest = last_digest
        """Digest of the last batch taken."""

    async def run(self) -> None:
        """Read for ever. Raises LogDamaged."""
        while True:
            while len(self._waiting) >= WAITING_MAX:
                self._taken.clear()
                await self._taken.wait()
            for entry in await self._reader.fetch():
                header = self._chain.check(entry)
                self._waiting.append(Batch(entry.number, entry.payload, header, self._chain.digest))
            self._arrived.set()
            self._wake()

    @property
    def waiting(self) -> int:
        """How many batches are there to be taken."""
        return len(self._waiting)

    def reaches(self, number: int) -> bool:
        """Whether the batch `number` is known to exist in the log."""
        return self._chain.number >= number

    def take(self) -> list[Batch]:
        """The next batches as far as they have come, within TAKE_BATCHES_MAX and TAKE_BYTES_MAX; possibly none."""
        batches: list[Batch] = []
        size = 0
        while self._waiting and len(batches) < TAKE_BATCHES_MAX and size < TAKE_BYTES_MAX:
            batches.append(self._waiting.popleft())
            size += len(batches[-1].payload)
        if batches:
            self.taken_digest = batches[-1].digest
        self._taken.set()
        return batches

    async def take_through(self, number: int) -> list[Batch]:
        """All batches up to `number`; waits for those that have not come yet."""
        batches: list[Batch] = []
        while True:
            self._arrived.clear()
            while self._waiting and self._waiting[0].number <= number:
                batches.append(self._waiting.popleft())
            self._taken.set()
            if batches and batches[-1].number == number:
                self.taken_digest = batches[-1].digest
                return batches
            await self._arrived.wait()

    async def close(self) -> None:
        """Stop reading."""
        await self._reader.close()
