"""A replica keeps a stage in step with its logs: from the newest snapshot, batch after batch, as the logs say it happened."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import msgspec

from .digest import digest
from .feed import Batch, Feed
from .log import AppendRefused, Header, Log, LogDamaged, check_remembered, decode_header
from .logs import trace
from .snapshots import Snapshot
from .stage import Batches, Stage
from .subjects import JOURNAL, events_log

logger = logging.getLogger(__name__)


def inputs_through(header: Header) -> dict[str, int]:
    """Per input log, the number of the last batch that an output batch contains."""
    through = {events_log(shard): number for shard, number in header.events_through.items()}
    if header.journal_through:
        through[JOURNAL] = header.journal_through
    return through


class Replica:
    """A stage, the place in each log that it has reached, and the feeds that bring what comes next.

    Recovery, following and audits are this; none of them publishes anything. This module and leader.py are the only code
    that knows about positions in logs.
    """

    def __init__(self, stage: Stage, logs: dict[str, Log], wake: Callable[[], None]) -> None:
        self.stage = stage
        self.number = 0
        """Number of the last batch of the output log that the state contains."""
        self.through: dict[str, int] = dict.fromkeys(stage.inputs, 0)
        """Per input log, the number of the last batch that the state contains."""
        self.journal_time = 0
        """That of the newest journal batch that was taken as an input."""
        self.feeds: dict[str, Feed] = {}
        self._logs = logs
        self._ends: dict[str, int] = {}
        """Per input log, the end that it was last known to have: asking anew for each batch would take most of a recovery."""
        self._wake = wake
        self._output_digest = ""

    async def restore(self, snapshot: Snapshot | None) -> None:
        """Begin where a snapshot ends, or at the very start. Raises LogDamaged when the logs do not fit the snapshot, LogCut
        when they do not go back to it.

        A snapshot that this code cannot read, because it was taken by another version, is as good as none.
        """
        numbers = dict.fromkeys(self._logs, 0) | (snapshot.numbers if snapshot else {})
        digests = snapshot.digests if snapshot else {}
        whose = self.stage.name
        checks = [
            check_remembered(log, numbers[name], digests.get(name, ""), whose, "applied") for name, log in self._logs.items()
        ]
        found = await asyncio.gather(*checks, self._check_end(), return_exceptions=True)  # Users wait for a take-over.
        for problem in found:
            if isinstance(problem, BaseException):
                raise problem
        if snapshot and self._restore_state(snapshot):
            self.number = numbers[self.stage.output]
            self.through = {name: numbers[name] for name in self.stage.inputs}
            self._output_digest = digests.get(self.stage.output, "")
        elif snapshot:
            numbers, digests = dict.fromkeys(self._logs, 0), {}
            for log in self._logs.values():
                await check_remembered(log, 0, "", f"{whose}, whose snapshot is of another version,", "applied")
        self.feeds = {name: Feed(log, numbers[name], digests.get(name, ""), self._wake) for name, log in self._logs.items()}

    def _restore_state(self, snapshot: Snapshot) -> bool:
        try:
            self.stage.restore(snapshot.state)
        except msgspec.DecodeError as error:  # ValidationError among them.
            logger.warning("the snapshot of %s is of another version, the logs are replayed: %s", self.stage.name, error)
            return False
        return True

    def start(self, tasks: asyncio.TaskGroup) -> dict[str, asyncio.Task[None]]:
        """Start to read; the tasks end by being cancelled, or with LogDamaged."""
        return {name: tasks.create_task(feed.run()) for name, feed in self.feeds.items()}

    async def replay(self, batch: Batch) -> None:
        """Apply the next batch of the output log and, before it, exactly the inputs that it says it contains.

        Raises LogDamaged or ReplayError.
        """
        inputs: Batches = {}
        for name, through in inputs_through(batch.header).items():
            if name not in self.through:
                raise LogDamaged(
                    f"{self.stage.output}: sequence {batch.number} names {name}, which {self.stage.name} does not read"
                )
            if through < self.through[name]:
                raise LogDamaged(f"{self.stage.output}: sequence {batch.number} goes back to sequence {through} of {name}")
            if through > self.through[name]:
                await self._check_reaches(name, through, batch.number)
                inputs[name] = [taken.payload for taken in await self.feeds[name].take_through(through)]
                self.through[name] = through
        self.stage.replay(batch.payload, inputs)
        self.wrote(batch.number, batch.digest)

    def take_inputs(self) -> Batches:
        """What has arrived on the inputs, for a leader's turn. Raises AppendRefused when they tell of another leader."""
        inputs: Batches = {}
        for name in self.stage.inputs:
            if batches := self.feeds[name].take():
                inputs[name] = [batch.payload for batch in batches]
                trace(name, inputs[name], "taken")
                self.through[name] = batches[-1].number
                self.journal_time = batches[-1].header.time or self.journal_time
                known = inputs_through(batches[-1].header).get(self.stage.output, 0)
                if known > self.number:
                    raise AppendRefused(
                        f"{self.stage.output}: another leader appended up to {known}, here it ends at {self.number}"
                    )
        return inputs

    @property
    def inputs_waiting(self) -> bool:
        """Whether there are inputs to take."""
        return any(self.feeds[name].waiting for name in self.stage.inputs)

    def wrote(self, number: int, output_digest: str) -> None:
        """The state contains this batch of the output log, which a leader is about to append."""
        self.number = number
        self._output_digest = output_digest

    def snapshot(self) -> Snapshot:
        """The stage's state and where in the logs it stands."""
        state = self.stage.snapshot()
        output = self.stage.output
        digests = {name: self.feeds[name].taken_digest for name in self.stage.inputs}
        return Snapshot(state, digest(state), {output: self.number, **self.through}, {output: self._output_digest, **digests})

    async def _check_end(self) -> None:
        """Raises LogDamaged when an input contains batches of the output log that are not there any more."""
        output = self.stage.output
        for name in self.stage.inputs:
            number = await self._logs[name].last()  # Before the output's end: an input never contains what is not yet there.
            if number == 0:
                continue
            known = inputs_through(decode_header(await self._logs[name].get(number))).get(output, 0)
            if (last := await self._logs[output].last()) < known:
                raise LogDamaged(f"{output}: ends at sequence {last}, but {name} sequence {number} contains sequence {known}")

    async def _check_reaches(self, name: str, through: int, number: int) -> None:
        if self.feeds[name].reaches(through) or through <= self._ends.get(name, 0):
            return
        last = self._ends[name] = await self._logs[name].last()
        if last < through:
            raise LogDamaged(
                f"{name}: ends at sequence {last}, but {self.stage.output} sequence {number} contains sequence {through}"
            )


async def recompute(stage: Stage, logs: dict[str, Log], number: int, snapshot: Snapshot | None = None) -> None:
    """Bring a fresh stage from the start of the logs, or from a snapshot, to batch `number` of its output log, for audits.

    Raises LogDamaged or LogCut, or an ExceptionGroup with them or ReplayError.
    """
    arrived = asyncio.Event()
    replica = Replica(stage, logs, arrived.set)
    await replica.restore(snapshot)
    output = replica.feeds[stage.output]
    async with asyncio.TaskGroup() as tasks:
        readers = replica.start(tasks)
        while replica.number < number:
            arrived.clear()
            batches = output.take()
            for batch in batches:
                if batch.number <= number:
                    await replica.replay(batch)
            if not batches:
                await arrived.wait()
        for reader in readers.values():
            reader.cancel()
    for feed in replica.feeds.values():
        await feed.close()
