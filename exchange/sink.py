"""The loop that runs a sink: a worker that folds the logs into rows of its own database.

A sink appends to no log. Its position is stored with its rows, in the same transaction, so that after a crash it goes on
exactly where its rows end.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import chain
from typing import Final, Protocol

from prometheus_client import Histogram

from .digest import digest
from .feed import Batch, Feed
from .log import Log, LogCut, check_remembered
from .logs import trace
from .messages.health import Standing
from .metrics import LATENCY
from .snapshots import SNAPSHOT_SECONDS, Snapshot, Snapshots
from .stage import Batches
from .subjects import JOURNAL

COMMIT_SECONDS: Final = 0.25
"""Rows become durable at most this long after they were applied, when the database keeps up."""
UNSTORED_BYTES_MAX: Final = 16_000_000
"""Applied but not yet handed to the database: at this bound the sink reads no further until it stored some."""


class SinkBehind(Exception):
    """The logs do not go back to where a sink's rows end: nothing that a restart mends, and no reason to stop the market."""


class Sink(Protocol):
    """A fold of the logs into rows."""

    @property
    def name(self) -> str:
        """`historian`, `ticks`."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The logs it reads."""

    @property
    def stored(self) -> dict[str, tuple[int, str]]:
        """Per log, number and digest of the last batch that a restart would not read again, as the database has it."""

    def apply(self, inputs: Batches) -> None:
        """Fold batches into the state and into rows waiting to be stored. Quick: it runs on the event loop.

        An event batch comes together with or after the journal batches that it contains.
        """

    def seal(self) -> Callable[[], None] | None:
        """Take the rows that wait, and the positions that belong to them; None when there are none.

        The result is called in a thread while `apply` goes on, never two at a time, and makes them durable in one transaction.
        """


class SinkLoop:
    """Runs one sink: verify where its rows end, then apply and store for ever."""

    def __init__(
        self,
        sink: Sink,
        logs: dict[str, Log],
        on_applied: Callable[[], Awaitable[None]] | None = None,
        on_caught_up: Callable[[], Awaitable[None]] | None = None,
        snapshots: Snapshots | None = None,
        mark: str = "",
    ) -> None:
        """`mark`: the name under which `snapshots` notes how far the logs are not needed any more (keeping.py)."""
        self.sink = sink
        self.logs = logs
        self.positions: dict[str, int] = {}
        """Per log, number of the last batch applied."""
        self.standing: Standing = ""
        """Of the worker, where only one of several may do something besides."""
        self.caught_up = False
        self._on_applied = on_applied
        self._snapshots = snapshots
        self._mark = mark
        self._on_caught_up = on_caught_up
        """Called once, when the logs are applied as far as they went at start: open the doors."""
        self._ends: dict[str, int] = {}
        self._woken = asyncio.Event()
        self._feeds: dict[str, Feed] = {}
        self._unstored_bytes = 0
        self._sealed = asyncio.Event()
        self._journal_time = 0
        """Of the newest journal batch applied."""
        self._applied_latency, self._stored_latency = (LATENCY.labels(sink.name, step) for step in ("applied", "stored"))

    @property
    def name(self) -> str:
        """Of the sink."""
        return self.sink.name

    async def run(self, stopping: asyncio.Event) -> None:
        """Apply and store until `stopping` is set, then store the rest.

        Raises an ExceptionGroup with LogDamaged, or with what the database raised.
        """
        await self._restore()
        async with asyncio.TaskGroup() as tasks:
            background = [tasks.create_task(feed.run()) for feed in self._feeds.values()]
            background.append(tasks.create_task(self._wake_on(stopping)))
            storing = tasks.create_task(self._store(stopping))
            await self._check_caught_up()
            while not stopping.is_set():
                self._woken.clear()
                if inputs := await self._take():
                    self.sink.apply(inputs)
                    if self._on_applied:
                        await self._on_applied()
                    self._measure(self._applied_latency)
                    await self._check_caught_up()
                    self._unstored_bytes += sum(map(len, chain.from_iterable(inputs.values())))
                    while self._unstored_bytes > UNSTORED_BYTES_MAX:
                        await self._sealed.wait()
                    await asyncio.sleep(0)
                else:
                    await self._woken.wait()
            await storing
            for task in background:
                task.cancel()
        for feed in self._feeds.values():
            await feed.close()

    def _measure(self, latency: Histogram) -> None:
        """How old the newest batch is; while catching up that says nothing."""
        if self.caught_up and self._journal_time:
            latency.observe((time.time_ns() - self._journal_time) / 1e9)

    async def _check_caught_up(self) -> None:
        if not self.caught_up and all(self.positions[name] >= end for name, end in self._ends.items()):
            if self._on_caught_up:
                await self._on_caught_up()
            self.caught_up = True

    async def _wake_on(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._woken.set()

    async def _restore(self) -> None:
        stored = self.sink.stored
        for name, log in self.logs.items():
            number, stored_digest = stored.get(name, (0, ""))
            try:
                self._ends[name] = await check_remembered(log, number, stored_digest, self.sink.name, "stored")
            except LogCut as cut:
                raise SinkBehind(f"{cut}: its file has to come from a backup, or from another worker") from None
            self._feeds[name] = Feed(log, number, stored_digest, self._woken.set)
            self.positions[name] = number

    async def _take(self) -> Batches:
        taken: dict[str, list[Batch]] = {}
        journal_through = 0
        for name in self.sink.inputs:
            if name != JOURNAL and (batches := self._feeds[name].take()):
                taken[name] = batches
                journal_through = max(journal_through, batches[-1].header.journal_through)
        if JOURNAL in self._feeds:
            feed = self._feeds[JOURNAL]
            batches = feed.take()
            if journal_through > (batches[-1].number if batches else self.positions[JOURNAL]):
                batches += await feed.take_through(journal_through)
            if batches:
                taken[JOURNAL] = batches
                self._journal_time = batches[-1].header.time
        self.positions |= {name: batches[-1].number for name, batches in taken.items()}
        inputs = {name: [batch.payload for batch in batches] for name, batches in taken.items()}
        for name, payloads in inputs.items():
            trace(name, payloads, "taken")
        return inputs

    async def _store(self, stopping: asyncio.Event) -> None:
        time = asyncio.get_running_loop().time
        mark_due = time()
        while True:
            last = stopping.is_set()
            durable = self.sink.seal()
            self._unstored_bytes = 0
            self._sealed.set()
            self._sealed.clear()
            if durable:
                await asyncio.to_thread(durable)
                self._measure(self._stored_latency)
            if self._snapshots and (last or time() >= mark_due):
                numbers = {name: number for name, (number, _) in self.sink.stored.items()}
                await self._snapshots.save(self._mark, Snapshot(b"", digest(b""), numbers, {}))
                mark_due = time() + SNAPSHOT_SECONDS
            if last:
                return
            try:
                async with asyncio.timeout(COMMIT_SECONDS):
                    await stopping.wait()
            except TimeoutError:
                pass
