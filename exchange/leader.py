"""The one loop that runs every stage: it recovers, follows, leads and fails over (ARCHITECTURE.md, "Why nothing is lost")."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Final

from .digest import digest
from .keeping import newest_snapshot
from .lease import Lease
from .log import Log
from .logs import trace
from .messages.health import Standing
from .metrics import StageMeter
from .replica import Replica
from .snapshots import SNAPSHOT_SECONDS, Snapshots
from .stage import Stage

TURN_SECONDS_MAX: Final = 1.0
"""A leader takes a turn at least this often, so that time passes in the log when nothing else does."""
SNAPSHOT_BYTES: Final = 50_000_000
"""A busy leader takes a snapshot after so many bytes of output, or four times a snapshot's, whichever is more: a successor
replays some 250 000 orders, in less than two seconds, and large states are not saved all the time."""
SNAPSHOT_BATCHES: Final = 2_000
"""The same for batches, its own and those it reads: small ones cost a successor some 0.15 ms each, however small."""
BYTES_PER_BATCH: Final = 250
"""A snapshot with more bytes than so many per batch waits for more of them."""
REPLAYED_MAX: Final = 100
"""A leader that had to replay more batches saves a snapshot after EARLY_SNAPSHOT_SECONDS, when those who waited are answered:
where leaders die faster than a snapshot is due, each would have more to replay than the one before."""
EARLY_SNAPSHOT_SECONDS: Final = 1.0

logger = logging.getLogger(__name__)


class StageLoop:
    """Runs one stage: load the snapshot, follow the output log, lead when the lease is held and the log is read to its end.

    A follower is a recovery that has not ended; start, restart, follow and fail over are this one path. On any doubt an
    exception leaves `run`, the worker ends, and its successor recovers.
    """

    def __init__(
        self,
        stage: Stage,
        logs: dict[str, Log],
        lease: Lease,
        snapshots: Snapshots,
        send: Callable[[str, bytes], Awaitable[None]],
        clock: Callable[[], int],
    ) -> None:
        self.stage = stage
        self.leading = False
        self.caught_up = False
        """Whether it has followed the output log to its end once: from then on it can take over at once."""
        self.logs = logs
        self.replica = Replica(stage, logs, self.wake)
        self.snapshot_seconds = SNAPSHOT_SECONDS
        self._replayed = 0
        """Batches since the snapshot, until it had caught up."""
        self._unsaved_bytes = 0
        """Written since the last snapshot, or since this worker leads."""
        self._unsaved_bytes_max = SNAPSHOT_BYTES
        self._unsaved_batches, self._unsaved_batches_max = 0, SNAPSHOT_BATCHES
        self.on_lead: Callable[[], Awaitable[None]] | None = None
        """Called when this worker begins to lead, before its first turn: open the doors."""
        self.on_stop: Callable[[], Awaitable[None]] | None = None
        """Called before the last turn of a leader that was asked to stop: close the doors."""
        self._output = logs[stage.output]
        self._lease = lease
        self._held = False
        self._snapshots = snapshots
        self._send = send
        self._clock = clock
        self._woken = asyncio.Event()
        self._appending: asyncio.Task[None] | None = None
        self._saving: asyncio.Task[None] | None = None
        self._meter = StageMeter(stage.name, stage.output)

    @property
    def name(self) -> str:
        """Of the stage."""
        return self.stage.name

    @property
    def standing(self) -> Standing:
        """Whether it leads."""
        return "leading" if self.leading else "following"

    @property
    def positions(self) -> dict[str, int]:
        """Per log, the last batch contained; a follower takes of its inputs what the output log says, so they say nothing."""
        return {self.stage.output: self.replica.number} | (self.replica.through if self.leading else {})

    def wake(self) -> None:
        """Take a turn soon: something waits inside the stage."""
        self._woken.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Recover, follow and lead until `stopping` is set.

        Raises an ExceptionGroup with LogDamaged, LogCut, ReplayError, AppendRefused, AppendDoubtful or LeaseLost.
        """
        await self.replica.restore(await newest_snapshot(self._snapshots, self.stage, self.logs))
        try:
            await self._run(stopping)
        finally:  # However it ended: nothing is appended any more, and somebody else may lead at once.
            self.leading = False
            if self._held:
                await self._lease.release()

    async def _run(self, stopping: asyncio.Event) -> None:
        begun = self.replica.number
        async with asyncio.TaskGroup() as tasks:
            background = self.replica.start(tasks)
            background["stopping"] = tasks.create_task(self._wake_on(stopping))
            if await self._follow(self._output.last, stopping):  # Caught up: worth leading.
                self.caught_up, self._replayed = True, self.replica.number - begun
                background["lease"] = tasks.create_task(self._hold_lease())
                if await self._follow(self._end_if_held, stopping):
                    background[self.stage.output].cancel()  # From here on this worker is the one that writes it.
                    await self._lead(stopping, tasks)
            for task in background.values():
                task.cancel()
        for feed in self.replica.feeds.values():
            await feed.close()

    async def _wake_on(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self.wake()

    async def _hold_lease(self) -> None:
        await self._lease.acquire()
        self._held = True
        self.wake()
        await self._lease.hold()

    async def _end_if_held(self) -> int:
        return await self._output.last() if self._held else -1

    async def _follow(self, end: Callable[[], Awaitable[int]], stopping: asyncio.Event) -> bool:
        """Replay the output log as it grows until its `end` is reached (a negative end never is); False when asked to stop."""
        output = self.replica.feeds[self.stage.output]
        while not stopping.is_set():
            self._woken.clear()
            for batch in output.take():
                await self.replica.replay(batch)
            if output.waiting:
                continue
            if await end() == self.replica.number:
                return True
            await self._woken.wait()
        return False

    async def _lead(self, stopping: asyncio.Event, tasks: asyncio.TaskGroup) -> None:
        logger.info("leading from %s %d on", self.stage.output, self.replica.number)
        self.leading = True
        if self.on_lead:
            await self.on_lead()
        time = asyncio.get_running_loop().time
        first = EARLY_SNAPSHOT_SECONDS if self._replayed > REPLAYED_MAX else self.snapshot_seconds
        snapshot_due = time() + min(first, self.snapshot_seconds)
        self._unsaved_bytes = self._unsaved_batches = 0
        while not stopping.is_set():
            self._woken.clear()
            await self._take_turn(tasks)
            if time() >= snapshot_due or self._much_unsaved:
                await self._start_snapshot(tasks)
                snapshot_due = time() + self.snapshot_seconds
            if not (self._woken.is_set() or self.stage.waiting or self.replica.inputs_waiting):
                try:
                    async with asyncio.timeout(TURN_SECONDS_MAX):
                        await self._woken.wait()
                except TimeoutError:
                    pass
        if self.on_stop:
            await self.on_stop()
        await self._take_turn(tasks)
        await self._start_snapshot(tasks)

    @property
    def _much_unsaved(self) -> bool:
        return self._unsaved_bytes >= self._unsaved_bytes_max or self._unsaved_batches >= self._unsaved_batches_max

    async def _take_turn(self, tasks: asyncio.TaskGroup) -> None:
        """Apply what waits, then append it. Only when the last turn was full is the next one computed during its append."""
        if not self.stage.waiting:
            await self._appended()
        now, started = self._clock(), perf_counter()
        inputs = self.replica.take_inputs()
        payloads, messages = self.stage.turn(inputs, now)
        self._unsaved_batches += sum(map(len, inputs.values())) + len(payloads)
        took = perf_counter() - started
        await self._appended()
        if payloads or messages:
            self._meter.turn.observe(took)
            first = self.replica.number + 1
            for number, payload in enumerate(payloads, first):
                self.replica.wrote(number, digest(payload))
                self._unsaved_bytes += len(payload)
            since = self.replica.journal_time or now
            self._appending = tasks.create_task(self._append(first, payloads, messages, since))

    async def _append(self, first: int, payloads: list[bytes], messages: list[tuple[str, bytes]], since: int) -> None:
        meter = self._meter
        for number, payload in enumerate(payloads, first):
            started = perf_counter()
            await self._output.append(number, payload)
            meter.append.observe(perf_counter() - started)
            meter.batch.observe(len(payload))
        trace(self._output.name, payloads, "appended")
        meter.latency.observe((self._clock() - since) / 1e9)
        for subject, message in messages:
            await self._send(subject, message)

    async def _appended(self) -> None:
        """Wait until the log has all that was made: never are two appends in flight."""
        if self._appending is not None:
            await self._appending
            self._appending = None

    async def _start_snapshot(self, tasks: asyncio.TaskGroup) -> None:
        """Take a snapshot of what the log has, and store it while turns go on; never two at a time.

        Also when nothing was written since the last one: what was read since need not be read again, nor be kept.
        """
        await self._appended()
        if self._saving is not None:
            await self._saving
        snapshot = self.replica.snapshot()
        size = len(snapshot.state)
        self._unsaved_bytes, self._unsaved_bytes_max = 0, max(SNAPSHOT_BYTES, 4 * size)
        self._unsaved_batches, self._unsaved_batches_max = 0, max(SNAPSHOT_BATCHES, size // BYTES_PER_BATCH)
        self._saving = tasks.create_task(self._snapshots.save(self.stage.name, snapshot))
