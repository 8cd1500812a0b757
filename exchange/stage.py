"""The one loop that runs every stage: it recovers, follows, leads and fails over.

A stage is a pure state machine (`Stage`): no clock, socket, await or randomness. This module is the only code that knows
about positions in logs. See ARCHITECTURE.md, "Why nothing is lost".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, Protocol

from .digest import digest
from .feed import Batches, Feed
from .lease import Lease
from .log import Header, Log, LogDamaged, decode_header
from .snapshots import Snapshot, Snapshots
from .subjects import JOURNAL, events_log

TURN_SECONDS_MAX: Final = 1.0
"""A leader takes a turn at least this often, so that time passes in the log when nothing else does."""
SNAPSHOT_SECONDS: Final = 60.0

logger = logging.getLogger(__name__)


class Turn(NamedTuple):
    """What one turn of a stage produced."""

    payloads: list[bytes]
    """Appended to the output log one after the other. Usually one, or none when nothing happened."""
    messages: list[tuple[str, bytes]]
    """(subject, payload) sent to the outside only after the log acknowledged all payloads; lost in a crash, never wrong."""


class Stage(Protocol):
    """A deterministic state machine that reads logs and writes one.

    The same calls in the same order lead to the same state, byte for byte in `snapshot()`. When several input logs have
    batches, a stage applies them in sorted order of the logs' names, so that a replay cannot differ.
    """

    @property
    def name(self) -> str:
        """Names the lease and the snapshot: `ledger`, `engine-1`."""

    @property
    def output(self) -> str:
        """The log that this stage, and nobody else, writes."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The logs it reads."""

    @property
    def waiting(self) -> bool:
        """Whether something waits inside for the next turn, because the last one was full."""

    def turn(self, inputs: Batches, now: int) -> Turn:
        """As leader: apply the inputs, then whatever else waits inside the stage (requests). `now` in nanoseconds since 1970.

        Called when an input arrived, when the stage was woken, and once a second. The payloads' `number` and `previous`
        continue the output log.
        """

    def replay(self, payload: bytes, inputs: Batches) -> None:
        """As follower: apply exactly the inputs that `payload`, the next batch of the output log, says it contains, and then
        the payload itself. Raises ReplayError when the payload could not have come from this state and these inputs."""

    def snapshot(self) -> bytes:
        """The whole state, canonically encoded; its digest is the digest of the state."""

    def restore(self, snapshot: bytes) -> None:
        """Become the state of a snapshot."""


class ReplayError(Exception):
    """A log contradicts what this code computes from its inputs: the log was altered, or the code is not deterministic."""


def inputs_through(header: Header) -> dict[str, int]:
    """Per input log, the number of the last batch that an output batch contains."""
    through = {events_log(shard): number for shard, number in header.events_through.items()}
    if header.journal_through:
        through[JOURNAL] = header.journal_through
    return through


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
        self.number = 0
        """Number of the last batch of the output log that the state contains."""
        self.on_lead: Callable[[], Awaitable[None]] | None = None
        """Called when this worker begins to lead, before its first turn: open the doors."""
        self.on_stop: Callable[[], Awaitable[None]] | None = None
        """Called before the last turn of a leader that was asked to stop: close the doors."""
        self._logs = logs
        self._output = logs[stage.output]
        self._lease = lease
        self._snapshots = snapshots
        self._send = send
        self._clock = clock
        self._woken = asyncio.Event()
        self._through: dict[str, int] = dict.fromkeys(stage.inputs, 0)
        self._feeds: dict[str, Feed] = {}
        self._output_digest = ""
        self._snapshot_number = 0
        self._held = False

    def wake(self) -> None:
        """Take a turn soon: something waits inside the stage."""
        self._woken.set()

    @property
    def through(self) -> dict[str, int]:
        """Per input log, the number of the last batch that the state contains."""
        return dict(self._through)

    async def run(self, stopping: asyncio.Event) -> None:
        """Recover, follow and lead until `stopping` is set.

        Raises an ExceptionGroup with LogDamaged, ReplayError, AppendRefused, AppendDoubtful or LeaseLost.
        """
        await self._restore()
        async with asyncio.TaskGroup() as tasks:
            background = {name: tasks.create_task(feed.run()) for name, feed in self._feeds.items()}
            background["stopping"] = tasks.create_task(self._wake_on(stopping))
            if await self._follow(self._output.last, stopping):  # Caught up: worth leading.
                background["lease"] = tasks.create_task(self._hold_lease())
                if await self._follow(self._end_if_held, stopping):
                    background[self.stage.output].cancel()  # From here on this worker is the one that writes it.
                    await self._lead(stopping)
                    await self._save_snapshot()
            for task in background.values():
                task.cancel()
        for feed in self._feeds.values():
            await feed.close()
        if self._held:
            await self._lease.release()
        self.leading = False

    async def _hold_lease(self) -> None:
        await self._lease.acquire()
        self._held = True
        self.wake()
        await self._lease.hold()

    async def _end_if_held(self) -> int:
        return await self._output.last() if self._held else -1

    async def _wake_on(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self.wake()

    async def _restore(self) -> None:
        """Load the newest snapshot, hold it against the logs, and open a feed for each log where the state ends."""
        snapshot = await self._snapshots.load(self.stage.name)
        numbers = dict.fromkeys(self._logs, 0) | (snapshot.numbers if snapshot else {})
        digests = snapshot.digests if snapshot else {}
        for name, log in self._logs.items():
            last = await log.last()
            if last < numbers[name]:
                raise LogDamaged(
                    f"{name}: ends at sequence {last}, but {self.stage.name} has already applied sequence {numbers[name]}"
                )
            if numbers[name] and digest(await log.get(numbers[name])) != digests.get(name):
                raise LogDamaged(f"{name}: sequence {numbers[name]} is not what {self.stage.name} has applied; it was altered")
            self._feeds[name] = Feed(log, numbers[name], digests.get(name, ""), self.wake)
        if snapshot:
            self.stage.restore(snapshot.state)
            self.number = self._snapshot_number = numbers[self.stage.output]
            self._output_digest = digests[self.stage.output]
            self._through = {name: numbers[name] for name in self.stage.inputs}

    async def _follow(self, end: Callable[[], Awaitable[int]], stopping: asyncio.Event) -> bool:
        """Replay the output log as it grows until its `end` is reached (a negative end never is); False when asked to stop."""
        output = self._feeds[self.stage.output]
        while not stopping.is_set():
            self._woken.clear()
            for entry in output.take():
                await self._replay(entry.number, entry.payload)
            if output.waiting:
                continue
            if await end() == self.number:
                return True
            await self._woken.wait()
        return False

    async def _replay(self, number: int, payload: bytes) -> None:
        inputs: Batches = {}
        for name, through in inputs_through(decode_header(payload)).items():
            if name not in self._through:
                raise LogDamaged(f"{self.stage.output}: sequence {number} names {name}, which {self.stage.name} does not read")
            if through < self._through[name]:
                raise LogDamaged(f"{self.stage.output}: sequence {number} goes back to sequence {through} of {name}")
            if through > self._through[name]:
                await self._check_reaches(name, through, number)
                inputs[name] = await self._feeds[name].take_through(through)
                self._through[name] = through
        self.stage.replay(payload, inputs)
        self.number = number
        self._output_digest = digest(payload)

    async def _check_reaches(self, name: str, through: int, number: int) -> None:
        if not self._feeds[name].reaches(through) and (last := await self._logs[name].last()) < through:
            raise LogDamaged(
                f"{name}: ends at sequence {last}, but {self.stage.output} sequence {number} contains sequence {through}"
            )

    async def _lead(self, stopping: asyncio.Event) -> None:
        logger.info("leading from %s %d on", self.stage.output, self.number)
        self.leading = True
        if self.on_lead:
            await self.on_lead()
        time = asyncio.get_running_loop().time
        snapshot_due = time() + SNAPSHOT_SECONDS
        while not stopping.is_set():
            self._woken.clear()
            await self._take_turn()
            if time() >= snapshot_due:
                await self._save_snapshot()
                snapshot_due = time() + SNAPSHOT_SECONDS
            if not (self._woken.is_set() or self.stage.waiting or any(self._feeds[name].waiting for name in self.stage.inputs)):
                try:
                    async with asyncio.timeout(TURN_SECONDS_MAX):
                        await self._woken.wait()
                except TimeoutError:
                    pass
        if self.on_stop:
            await self.on_stop()
        await self._take_turn()

    async def _take_turn(self) -> None:
        inputs: Batches = {}
        for name in self.stage.inputs:
            if entries := self._feeds[name].take():
                inputs[name] = [entry.payload for entry in entries]
                self._through[name] = entries[-1].number
        payloads, messages = self.stage.turn(inputs, self._clock())
        for payload in payloads:
            await self._output.append(self.number + 1, payload)
            self.number += 1
        if payloads:
            self._output_digest = digest(payloads[-1])
        for subject, message in messages:
            await self._send(subject, message)

    async def _save_snapshot(self) -> None:
        if self.number == self._snapshot_number:
            return
        state = self.stage.snapshot()
        snapshot = Snapshot(
            state,
            digest(state),
            numbers={self.stage.output: self.number, **self._through},
            digests={
                self.stage.output: self._output_digest,
                **{name: self._feeds[name].taken_digest for name in self.stage.inputs},
            },
        )
        await self._snapshots.save(self.stage.name, snapshot)
        self._snapshot_number = self.number
