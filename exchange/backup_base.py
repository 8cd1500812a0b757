"""What a backup holds besides the logs where --keep has cut them: a base, whose digests anchor the chain, and the databases."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import nats.errors
from nats.aio.client import Client

from .client import decode_answer
from .digest import digest
from .keeping import LEDGER, Base, Kept, load_kept, save_kept
from .log import Chain, Entry, Header, LogDamaged, decode_header
from .market import WORKERS_MAX
from .messages.base import encode
from .messages.library import Copied, CopyQuestion
from .messages.requests import Refused
from .snapshots import JetStreamSnapshots, Snapshot, decode_snapshot, encode_snapshot
from .subjects import admin, engine_stage

SINKS: Final = ("history", "ticks")
COPY_SECONDS_MAX: Final = 3_600.0
PIECE_SECONDS_MAX: Final = 10.0

Answer = TypeVar("Answer")
Anchors = dict[str, dict[int, str]]
"""Log → number of a batch → its digest, as a snapshot remembers it."""


class BackupError(Exception):
    """The backup cannot be made or restored; one line for people."""


async def back_up_base(client: Client, target: Path, shards: Iterable[int]) -> tuple[Base, Anchors, list[str]]:
    """What the logs do not tell any more: the oldest base with all stages, and the sinks' databases; the files of those."""
    snapshots = JetStreamSnapshots(client)
    await snapshots.create()
    stages = {LEDGER, *map(engine_stage, shards)}
    base = next((base for base in (await load_kept(snapshots)).bases if stages <= base.numbers.keys()), None)
    if base is None:
        raise BackupError("the logs were cut, and a shard is so new that no snapshots of all stages were set aside; try later")
    found: list[Snapshot] = []
    for stage in base.numbers:
        if (snapshot := await base.load(snapshots, stage)) is None:
            raise BackupError(f"the logs were cut, and the snapshot of {stage} that was set aside cannot be read")
        write_new(target / _snapshot_file(stage), encode_snapshot(snapshot))
        found.append(snapshot)
    return base, _anchors(found), [await _copy_sink(client, sink, target) for sink in SINKS]


async def _copy_sink(client: Client, sink: str, target: Path) -> str:
    """The database of the first worker of its kind that answers; the file's name."""
    for name in (sink, *(f"{sink}-{number}" for number in range(2, WORKERS_MAX + 1))):
        try:
            copied = await _ask(client, name, CopyQuestion(), Copied, COPY_SECONDS_MAX)
        except nats.errors.NoRespondersError:
            continue
        with (target / f"{sink}.duckdb").open("xb") as file:
            while piece := await _ask(client, name, CopyQuestion(file.tell()), bytes, PIECE_SECONDS_MAX):
                file.write(piece)
            if file.tell() != copied.bytes:
                raise BackupError(f"{name}: the copy has {copied.bytes} bytes, {file.tell()} came")
        (target / f"{sink}.duckdb").chmod(0o600)
        return f"{sink}.duckdb"
    raise BackupError(f"the logs were cut, and no worker answers that has the rest: {sink}")


async def _ask(client: Client, name: str, question: CopyQuestion, type_: type[Answer], seconds: float) -> Answer:
    answer = (await client.request(admin(f"copy.{name}"), encode(question), timeout=seconds)).data
    if type_ is bytes and not answer.startswith(b"{"):
        return msgspec.msgpack.decode(answer, type=type_)
    found = decode_answer(answer, type_)
    if isinstance(found, Refused):
        raise BackupError(f"{name}: {found.detail}")
    return found


async def restore_base(client: Client, source: Path, base: Base, replicas: int) -> Anchors:
    """Set the base aside as the keeper does; every stage begins from it."""
    snapshots = JetStreamSnapshots(client)
    await snapshots.create(replicas)
    found = {stage: decode_snapshot((source / _snapshot_file(stage)).read_bytes()) for stage in base.numbers}
    for stage, snapshot in found.items():
        if digest(snapshot.state) != snapshot.state_digest or snapshot.numbers != base.numbers[stage]:
            raise BackupError(f"{_snapshot_file(stage)} is not what the manifest says; it was altered")
        await base.save(snapshots, stage, snapshot)
    await save_kept(snapshots, Kept([base], base.written))
    return _anchors(found.values())


class AnchoredChain(Chain):
    """A chain that may begin after the start of a log: it must come by what snapshots remember of it."""

    def __init__(self, log: str, first: int, anchors: dict[int, str]) -> None:
        super().__init__(log, first - 1)
        self._free = first > 1
        self._anchors = anchors

    def check(self, entry: Entry) -> Header:
        """Step to the next batch. Raises LogDamaged."""
        if self._free:  # What came before the first batch that is kept is not there to be compared.
            with contextlib.suppress(msgspec.MsgspecError):
                self.digest = decode_header(entry.payload).previous
            self._free = False
        header = super().check(entry)
        if self._anchors.get(entry.number, self.digest) != self.digest:
            raise LogDamaged(f"{self.log}: sequence {entry.number} is not what a snapshot remembers; it was altered")
        return header


def _anchors(snapshots: Iterable[Snapshot]) -> Anchors:
    anchors: Anchors = {}
    for snapshot in snapshots:
        for log, number in snapshot.numbers.items():
            if number:
                anchors.setdefault(log, {})[number] = snapshot.digests[log]
    return anchors


def _snapshot_file(stage: str) -> str:
    return f"{stage}.snapshot"


def write_new(path: Path, content: bytes) -> None:
    """A file that only its owner may read, and that is on the disk on return. Raises OSError."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
