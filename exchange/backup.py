"""A backup of a running market and the way back: all logs up to one moment, the log-ins, and the files that no log has.

A backup is a directory. `<LOG>.jsonl.gz` has a log's batches, one a line, as they are. While it is written, and when it is
read, the digest chain is checked. What can be made again from the logs (snapshots, DuckDB) is not in it, unless --keep has cut
them: see backup_base.py.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js.api import KeyValueConfig

from .backup_base import AnchoredChain, BackupError, back_up_base, restore_base, write_new
from .keeping import Base, cut_logs
from .log import Chain, Entry, JetStreamLog, LogCut, LogDamaged
from .market import load_market
from .secrets import SECRETS_FILE
from .settings import MARKET_FILE
from .subjects import CREDENTIALS, JOURNAL, events_log

MANIFEST: Final = "manifest.json"
CREDENTIALS_FILE: Final = "credentials.json"
WHOLE: Final = 1
"""Format of a backup whose logs go back to their start …"""
CUT: Final = 2
"""… and of one with a base and databases."""
AT_ONCE: Final = 64
"""Appends under way during a restore."""
DIRECTORY_MODE: Final = 0o700


class Manifest(msgspec.Struct, frozen=True):
    """What is in a backup."""

    format: int
    time: int
    logs: dict[str, int]
    """Number of batches of each log, up to the one moment of the backup."""
    digests: dict[str, str]
    """Of each log's last batch: whoever keeps these can prove later that nothing was altered."""
    logins: int
    files: list[str]
    first: dict[str, int] = {}
    """Of each log that was cut, number of the first batch."""
    base: Base | None = None
    """From which all that follows can be computed again."""


async def back_up(client: Client, data: Path, state: Path, target: Path) -> Manifest:
    """Make a backup in a new directory; the market goes on meanwhile. Raises BackupError, LogDamaged or OSError.

    The moment is the newest batch of the journal. Of the events those are taken that it caused: then no log knows more of
    another than that one has. Databases are copied before: they know no more than the logs have.
    """
    _begin(target)
    shards = range(1, load_market(data / MARKET_FILE).shards + 1)
    names = (JOURNAL, *map(events_log, shards))
    first = await cut_logs({name: JetStreamLog(client, name) for name in names})
    base, anchors, sinks = await back_up_base(client, target, shards) if first else (None, {}, [])
    end = await JetStreamLog(client, JOURNAL).last()
    try:
        chains = [await _read(client, name, target, end, first.get(name, 1), anchors.get(name, {})) for name in names]
    except LogCut as cut:
        raise BackupError(f"--keep cut the logs meanwhile, make it again ({cut})") from None
    logins = await _credentials(client)
    write_new(target / CREDENTIALS_FILE, msgspec.json.encode(logins))
    files = [*_copy_files(data, state, target), *sinks]
    logs, digests = {chain.log: chain.number for chain in chains}, {chain.log: chain.digest for chain in chains}
    kind = CUT if first else WHOLE
    manifest = Manifest(kind, time.time_ns(), logs, digests, len(logins), files, first, base)
    write_new(target / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))  # Last: without it, it is none.
    return manifest


def _begin(target: Path) -> None:
    if target.exists() and any(target.iterdir()):
        raise BackupError(f"{target} is not empty")
    target.mkdir(parents=True, exist_ok=True, mode=DIRECTORY_MODE)


def _copy_files(data: Path, state: Path, target: Path) -> list[str]:
    """What no log has; their names. SQLite copies its files whole while they are in use."""
    for name in (MARKET_FILE, SECRETS_FILE):
        write_new(target / name, (data / name).read_bytes())
    stores = sorted(state.glob("*.sqlite"))
    for path in stores:
        reading = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        with closing(reading) as source, closing(sqlite3.connect(target / path.name)) as copy:
            source.backup(copy)
    return [MARKET_FILE, SECRETS_FILE, *(path.name for path in stores)]


def read_manifest(source: Path) -> Manifest:
    """Of a backup. Raises BackupError."""
    try:
        manifest = msgspec.json.decode((source / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise BackupError(f"{source} is not a whole backup: {error}") from None
    if manifest.format not in (WHOLE, CUT):
        raise BackupError(f"{source} has format {manifest.format}, this program reads {WHOLE} and {CUT}")
    return manifest


def restore_files(source: Path, data: Path, state: Path) -> None:
    """Market file, secrets, bots and databases into a directory that has none of them. Raises BackupError or OSError."""
    for directory in {data, state}:
        directory.mkdir(parents=True, exist_ok=True, mode=DIRECTORY_MODE)
    for name in read_manifest(source).files:
        target = (state if name.endswith((".sqlite", ".duckdb")) else data) / name
        if target.exists():
            if target.read_bytes() == (source / name).read_bytes():
                continue  # Whoever runs the servers had to put the secrets there before.
            raise BackupError(f"{target} exists already; restore into a new directory")
        shutil.copyfile(source / name, target)
        target.chmod(0o600)


async def restore_logs(client: Client, source: Path, replicas: int) -> Manifest:
    """Logs and log-ins into servers that have none of them. Raises BackupError, LogDamaged or AppendDoubtful."""
    manifest = read_manifest(source)
    anchors = await restore_base(client, source, manifest.base, replicas) if manifest.base else {}
    for name, count in manifest.logs.items():
        first = manifest.first.get(name, 1)
        log = JetStreamLog(client, name)
        await log.create(replicas, first)
        if (last := await log.last()) >= first:
            raise BackupError(f"{name} has {last} batches already; restore into an empty market")
        chain = AnchoredChain(name, first, anchors.get(name, {}))
        waiting: list[Entry] = []
        for entry in _batches(source / _file(name), first):
            chain.check(entry)
            waiting.append(entry)
            if len(waiting) == AT_ONCE:
                await _append(log, waiting)
        await _append(log, waiting)
        if (chain.number, chain.digest) != (count, manifest.digests[name]):
            raise LogDamaged(f"{name}: ends at batch {chain.number} with digest {chain.digest}, the manifest says otherwise")
    logins = msgspec.json.decode((source / CREDENTIALS_FILE).read_bytes(), type=dict[str, str])
    bucket = await client.jetstream().create_key_value(KeyValueConfig(bucket=CREDENTIALS, history=1, replicas=replicas))
    for key, value in logins.items():
        await bucket.put(key, base64.b64decode(value))
    return manifest


async def _append(log: JetStreamLog, entries: list[Entry]) -> None:
    """Side by side; each names the number before its own, so that no order but the right one is possible."""
    await asyncio.gather(*(log.append(entry.number, entry.payload) for entry in entries))
    entries.clear()


async def _read(client: Client, name: str, target: Path, journal_end: int, first: int, anchors: dict[int, str]) -> Chain:
    """Write a log's batches into a file: the journal's up to its end, events as far as they were caused by those."""
    log, chain = JetStreamLog(client, name), AnchoredChain(name, first, anchors)
    end = journal_end if name == JOURNAL else await log.last()
    reader = log.read(first - 1)
    with gzip.open(target / _file(name), "wb", compresslevel=3) as file:
        while chain.number < end:
            for entry in await reader.fetch():
                before = chain.number, chain.digest
                header = chain.check(entry)
                if entry.number > end or header.journal_through > journal_end:
                    chain.number, chain.digest = before
                    end = chain.number
                    break
                file.write(entry.payload + b"\n")
    await reader.close()
    return chain


def _batches(path: Path, first: int) -> Iterator[Entry]:
    with gzip.open(path, "rb") as file:
        for number, line in enumerate(file, first):
            yield Entry(number, line.rstrip(b"\n"))


async def _credentials(client: Client) -> dict[str, str]:
    """Key → record of every log-in."""
    bucket = await client.jetstream().key_value(CREDENTIALS)
    try:
        keys = await bucket.keys()
    except nats.js.errors.NoKeysError:
        return {}
    return {key: base64.b64encode((await bucket.get(key)).value or b"").decode() for key in keys}


def _file(log: str) -> str:
    return f"{log}.jsonl.gz"
