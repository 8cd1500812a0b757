"""The newest state of each stage, kept where any machine can read it, so that recovery need not replay a log from its start."""

from __future__ import annotations

import asyncio
import io
from typing import Final, Protocol

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js import JetStreamContext, api
from nats.js.object_store import ObjectStore

from .digest import digest
from .subjects import SNAPSHOTS

LOAD_SECONDS_MAX: Final = 30.0
"""A snapshot that does not come in this time counts as missing: chunks were replaced while they were read."""


class Snapshot(msgspec.Struct, frozen=True):
    """A stage's state and the place in each log that it has reached."""

    state: bytes
    """What `Stage.snapshot` gave."""
    state_digest: str
    numbers: dict[str, int]
    """Per log, its output among them, the number of the last batch contained."""
    digests: dict[str, str]
    """The digests of those batches."""


class Snapshots(Protocol):
    """Where snapshots are kept, one per stage."""

    async def save(self, name: str, snapshot: Snapshot) -> None:
        """Replace the stage's snapshot."""

    async def load(self, name: str) -> Snapshot | None:
        """The stage's snapshot, or None if there is none, or none that is whole."""


class JetStreamSnapshots:
    """Snapshots in a JetStream object store."""

    _encode: Final = msgspec.msgpack.Encoder().encode
    _decode: Final = msgspec.msgpack.Decoder(Snapshot).decode

    def __init__(self, client: Client) -> None:
        self._jetstream: JetStreamContext = client.jetstream()
        self._store: ObjectStore | None = None

    async def create(self, replicas: int = 1) -> None:
        """Make sure that the object store exists."""
        try:
            self._store = await self._jetstream.object_store(SNAPSHOTS)
        except nats.js.errors.NotFoundError:
            config = api.ObjectStoreConfig(replicas=replicas)
            self._store = await self._jetstream.create_object_store(SNAPSHOTS, config=config)

    async def save(self, name: str, snapshot: Snapshot) -> None:
        """Replace the stage's snapshot."""
        assert self._store is not None
        await self._store.put(name, self._encode(snapshot))

    async def load(self, name: str) -> Snapshot | None:
        """The stage's snapshot, or None if there is none, or none that is whole: the log then tells all."""
        assert self._store is not None
        content = io.BytesIO()
        try:
            async with asyncio.timeout(LOAD_SECONDS_MAX):
                await self._store.get(name, writeinto=content)
            snapshot: Snapshot = self._decode(content.getbuffer())
        except (nats.errors.Error, msgspec.MsgspecError, TimeoutError):
            return None
        return snapshot if digest(snapshot.state) == snapshot.state_digest else None
