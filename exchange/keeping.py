"""What is kept of the logs. Everything, unless `exchange up --keep` says how long, or how much.

A log may be cut only below everything that somebody may still begin from: the snapshot of each stage, and where the rows of
each sink end. And an audit, or a replay to a past moment, must still find a place to begin: a **base**, a snapshot of the
ledger and one of each engine that were taken one after the other, set aside together. The logs are kept from the oldest base
on, and the digest chain from there is anchored in the digests that its snapshots remember.

The keeper (keeper.py) sets aside a base now and then. When the policy allows, the oldest is given up: first in the record of
bases, then the batches before the next one go. A death in between leaves less cut than could be, never more.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from .digest import digest
from .log import Log, LogCut, decode_header
from .snapshots import Snapshot, Snapshots
from .stage import Stage
from .subjects import JOURNAL, events_log

logger = logging.getLogger(__name__)

RECORD: Final = "kept"
"""The name under which the bases are written down, among the snapshots."""
LEDGER: Final = "ledger"
BASES: Final = 8
"""So many bases share what is kept: as much as one of them more may be kept by age, or less by size."""
UNITS: Final = {
    "s": ("seconds", 1),
    "m": ("seconds", 60),
    "h": ("seconds", 3_600),
    "d": ("seconds", 86_400),
    "MB": ("bytes", 10**6),
    "GB": ("bytes", 10**9),
    "TB": ("bytes", 10**12),
}


def sink_mark(sink: str, number: int) -> str:
    """The name under which the first, second, … sink of a kind notes how far it needs the logs no more."""
    return f"{sink}-{number}"


class Keep(msgspec.Struct, frozen=True):
    """How much of the logs is kept: at least so many seconds of them, or at most so many bytes. One of them is 0."""

    seconds: int = 0
    bytes: int = 0

    def __str__(self) -> str:
        return f"{self.bytes // 10**6}MB" if self.bytes else f"{self.seconds}s"


def parse_keep(text: str) -> Keep:
    """`30d`, `12h`, `20GB` … Raises ValueError, in words."""
    found = re.fullmatch(r"([1-9]\d{0,8})\s*([a-zA-Z]+)", text.strip())
    if found is None or found[2] not in UNITS:
        raise ValueError(f"expected an age like 30d or 12h, or a size like 500MB or 20GB, got {text}")
    kind, factor = UNITS[found[2]]
    return Keep(**{kind: int(found[1]) * factor})


class Base(msgspec.Struct, frozen=True):
    """Snapshots of all stages from which everything after them can be computed again."""

    slot: int
    """Names the snapshots. A slot that no base has any more is overwritten, so there are never many."""
    journal: int
    """From this batch of the journal on, at which the ledger had applied all that the engines' snapshots contain."""
    time: int
    """Of that batch."""
    numbers: dict[str, dict[str, int]]
    """Stage → log → number of the last batch that its snapshot contains."""
    written: int
    """Bytes that all logs had ever been given by then."""

    @property
    def cut(self) -> dict[str, int]:
        """Per log, the first batch that is needed: each snapshot remembers the digest of the last one that it contains."""
        cut: dict[str, int] = {}
        for numbers in self.numbers.values():
            for log, number in numbers.items():
                cut[log] = min(cut.get(log, number), number)
        return cut

    async def save(self, snapshots: Snapshots, stage: str, snapshot: Snapshot) -> None:
        """Set a stage's snapshot aside."""
        await snapshots.save(_slot_name(stage, self.slot), snapshot)

    async def load(self, snapshots: Snapshots, stage: str) -> Snapshot | None:
        """A stage's snapshot, if it is there and whole."""
        found = await snapshots.load(_slot_name(stage, self.slot))
        return found if found and found.numbers == self.numbers[stage] else None


class Kept(msgspec.Struct, frozen=True):
    """The record of bases."""

    bases: list[Base] = []
    """Oldest first."""
    written: int = 0
    """Bytes that all logs were ever given, as far as the keeper saw it."""
    size: int = 0
    """Bytes in all logs when it last looked."""


class _Time(msgspec.Struct):
    """Of a journal batch."""

    time: int


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Kept).decode
_decode_time: Final = msgspec.json.Decoder(_Time).decode


def _slot_name(stage: str, slot: int) -> str:
    return f"{stage}.{slot}"


async def load_kept(snapshots: Snapshots) -> Kept:
    """The record; an empty one as long as nothing was ever set aside."""
    found = await snapshots.load(RECORD)
    return _decode(found.state) if found else Kept()


async def save_kept(snapshots: Snapshots, kept: Kept) -> None:
    """Write the record."""
    state = _encode(kept)
    await snapshots.save(RECORD, Snapshot(state, digest(state), {}, {}))


async def newest_snapshot(snapshots: Snapshots, stage: Stage, logs: Mapping[str, Log]) -> Snapshot | None:
    """What a stage begins from: its snapshot or, if that is not whole, or older (left by a leader that was frozen while it
    saved), the newest that was set aside."""
    found, kept = await asyncio.gather(snapshots.load(stage.name), load_kept(snapshots))
    for base in reversed(kept.bases):
        if stage.name not in base.numbers:
            break
        if found and found.numbers[stage.output] >= base.numbers[stage.name][stage.output]:
            break
        if aside := await base.load(snapshots, stage.name):
            return aside
    return found or (await _late_start(stage, logs) if await logs[stage.output].last() == 0 else None)


async def oldest_snapshot(snapshots: Snapshots, stage: Stage, logs: Mapping[str, Log]) -> tuple[Base | None, Snapshot | None]:
    """What an audit of a stage begins from, nothing when all of the logs is there. Raises LogCut."""
    if not await cut_logs(logs):
        return None, None
    for base in (await load_kept(snapshots)).bases[:1]:
        if stage.name not in base.numbers:
            return base, await _late_start(stage, logs)
        if found := await base.load(snapshots, stage.name):
            return base, found
    raise LogCut(f"{stage.output}: the logs were cut, and there is no snapshot of {stage.name} to begin from")


async def cut_logs(logs: Mapping[str, Log]) -> dict[str, int]:
    """Per log that lacks its start, the first batch that it has."""
    return {name: first for name, log in logs.items() if (first := await log.first()) > 1}


async def _late_start(stage: Stage, logs: Mapping[str, Log]) -> Snapshot | None:
    """Of a shard that is newer than what the logs still hold: a base has all stages there are, so nothing before was for it."""
    if not (numbers := await cut_logs(logs)):
        return None
    digests = {name: digest(await logs[name].get(number)) for name, number in numbers.items()}
    state = stage.snapshot()
    return Snapshot(state, digest(state), dict.fromkeys(logs, 0) | numbers, digests)


class Keeper:
    """Sets aside bases and cuts the logs. `sinks` are the names under which sinks note where their rows end (sink.py)."""

    def __init__(
        self, keep: Keep, logs: Mapping[str, Log], snapshots: Snapshots, stages: Sequence[str], sinks: Sequence[str]
    ) -> None:
        self._keep = keep
        self._logs = logs
        self._snapshots = snapshots
        self._engines = [stage for stage in stages if stage != LEDGER]
        self._sinks = sinks
        self._ledger: Snapshot | None = None
        """That of the next base, which waits for snapshots of all engines that are not older."""

    async def step(self, now: int) -> None:
        """Look once: everything that may be done by `now` (nanoseconds since 1970) is done."""
        kept = await load_kept(self._snapshots)
        size = await self._size()
        kept = Kept(kept.bases, kept.written + max(0, size - kept.size), size)
        if self._is_due(kept, now):
            kept = await self._set_aside(kept)
        oldest = self._oldest(kept, now)
        await save_kept(self._snapshots, kept := msgspec.structs.replace(kept, bases=kept.bases[oldest or 0 :]))
        if oldest is not None and await self._cut(kept.bases[0]):
            await save_kept(self._snapshots, msgspec.structs.replace(kept, size=await self._size()))

    def _is_due(self, kept: Kept, now: int) -> bool:
        if not kept.bases:
            return True
        newest = kept.bases[-1]
        if self._keep.bytes:
            return kept.written - newest.written >= self._keep.bytes // BASES
        return now - newest.time >= self._keep.seconds * 10**9 // BASES

    async def _set_aside(self, kept: Kept) -> Kept:
        """A base more, if there are snapshots for one by now."""
        if self._ledger is None:
            self._ledger = await self._snapshots.load(LEDGER)
        ledger = self._ledger
        engines = {name: await self._snapshots.load(name) for name in self._engines}
        if ledger is None:
            return kept
        stages = {LEDGER: ledger}
        for name, engine in engines.items():
            if engine is None or engine.numbers[JOURNAL] < ledger.numbers[JOURNAL]:
                return kept
            stages[name] = engine
        journal = await self._logs[JOURNAL].last()
        payload = await self._logs[JOURNAL].get(journal)
        through = {events_log(shard): number for shard, number in decode_header(payload).events_through.items()}
        for engine in stages.values():
            if any(through.get(log, 0) < number for log, number in engine.numbers.items() if log != JOURNAL):
                return kept
        slot = min(set(range(len(kept.bases) + 1)) - {base.slot for base in kept.bases})
        numbers = {name: snapshot.numbers for name, snapshot in stages.items()}
        for base in kept.bases[-1:]:
            if any(number < base.cut[log] for log, number in Base(0, 0, 0, numbers, 0).cut.items() if log in base.cut):
                self._ledger = None  # A leader that was frozen while it saved put an old one in place.
                return kept
        base = Base(slot, journal, _decode_time(payload).time, numbers, kept.written)
        for name, snapshot in stages.items():
            await base.save(self._snapshots, name, snapshot)
        self._ledger = None
        logger.info("set aside snapshots of all stages; the market can be computed again from journal batch %d on", journal)
        return msgspec.structs.replace(kept, bases=[*kept.bases, base])

    def _oldest(self, kept: Kept, now: int) -> int | None:
        """Index of the base to which the logs may be cut, if they may be."""
        if self._keep.bytes:
            if kept.size <= self._keep.bytes or not kept.bases:
                return None
            fits = (index for index, base in enumerate(kept.bases) if kept.written - base.written <= self._keep.bytes)
            return next(fits, len(kept.bases) - 1)
        old_enough = [index for index, base in enumerate(kept.bases) if now - base.time >= self._keep.seconds * 10**9]
        return max(old_enough, default=None)

    async def _cut(self, base: Base) -> bool:
        """Drop what neither the base nor any sink needs; whether there was any."""
        marks = [mark for name in self._sinks if (mark := await self._snapshots.load(name))]
        if len(marks) < len(self._sinks):  # One has never stored anything.
            return False
        done = False
        for name, needed in base.cut.items():
            number = min([needed, *(mark.numbers.get(name, 0) for mark in marks)])
            if number > await self._logs[name].first():
                await self._logs[name].cut(number)
                logger.info("%s is kept from batch %d on", name, number)
                done = True
        return done

    async def _size(self) -> int:
        return sum([await log.size() for log in self._logs.values()])
