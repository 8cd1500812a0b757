"""The newest state of each stage, kept where any machine can read it, so that recovery need not replay a log from its start."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Final, Protocol

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js import JetStreamContext, api
from nats.js.object_store import ObjectStore

from .digest import digest
from .streams import RETRY_SECONDS, ensure_replicas, patiently
from .subjects import SNAPSHOTS

logger = logging.getLogger(__name__)

SNAPSHOT_SECONDS: Final = float(os.environ.get("EXCHANGE_SNAPSHOT_SECONDS") or 60)
"""From one to the next. The variable is for tests, which do not want to wait."""
LOAD_SECONDS_MAX: Final = 30.0
"""A snapshot that does not come in this time counts as missing."""
READ_SECONDS_MAX: Final = 1.0
"""For a question about a snapshot; in an election it is asked again."""
STREAM: Final = f"OBJ_{SNAPSHOTS}"
"""Of the object store."""


class Snapshot(msgspec.Struct, frozen=True):
    """A stage's state and the place in each log that it has reached."""

    state: bytes
    """What `Stage.snapshot` gave."""
    state_digest: str
    numbers: dict[str, int]
    """Per log, its output among them, the number of the last batch contained."""
    digests: dict[str, str]
    """The digests of those batches."""


encode_snapshot: Final = msgspec.msgpack.Encoder().encode
decode_snapshot: Final = msgspec.msgpack.Decoder(Snapshot).decode


class Snapshots(Protocol):
    """Where snapshots are kept, one per stage."""

    async def save(self, name: str, snapshot: Snapshot) -> None:
        """Replace the stage's snapshot."""

    async def load(self, name: str) -> Snapshot | None:
        """The stage's snapshot, or None if there is none, or none that is whole."""


class JetStreamSnapshots:
    """Snapshots in a JetStream object store."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._jetstream: JetStreamContext = client.jetstream()
        self._store: ObjectStore | None = None

    async def create(self, replicas: int = 1) -> None:
        """Make sure that the object store exists, on so many servers."""

        async def ensure() -> ObjectStore:
            try:
                return await self._jetstream.object_store(SNAPSHOTS)
            except nats.js.errors.NotFoundError:
                config = api.ObjectStoreConfig(replicas=replicas)
                return await self._jetstream.create_object_store(SNAPSHOTS, config=config)

        self._store = await patiently(ensure)
        await ensure_replicas(self._client, STREAM, replicas)

    async def save(self, name: str, snapshot: Snapshot) -> None:
        """Replace the stage's snapshot. That one could not be stored is no harm: the log has all, and the next one comes."""
        assert self._store is not None
        try:
            await self._store.put(name, encode_snapshot(snapshot))
        except (nats.errors.Error, TimeoutError) as error:
            logger.warning("the snapshot of %s could not be stored: %r", name, error)

    async def load(self, name: str) -> Snapshot | None:
        """The stage's snapshot, or None if there is none, or none that is whole: the log then tells all."""
        try:
            async with asyncio.timeout(LOAD_SECONDS_MAX):
                content = await patiently(lambda: self._get(name), LOAD_SECONDS_MAX)
            snapshot = decode_snapshot(content)
        except (nats.errors.Error, msgspec.MsgspecError, TimeoutError) as error:
            if not isinstance(error, nats.js.errors.ObjectNotFoundError):
                logger.warning("the snapshot of %s cannot be read, the logs are replayed: %r", name, error)
            return None
        return snapshot if digest(snapshot.state) == snapshot.state_digest else None

    async def _get(self, name: str) -> bytes:
        context = self._client.jetstream(timeout=READ_SECONDS_MAX)
        store = ObjectStore(SNAPSHOTS, STREAM, context)
        while True:
            info = await patiently(lambda: store.get_info(name))  # It says soon whether there is one.
            try:
                return await _chunks(context, info)
            except nats.js.errors.NotFoundError:
                await asyncio.sleep(RETRY_SECONDS)  # It was replaced meanwhile, and the next one is there.


async def _chunks(context: JetStreamContext, info: api.ObjectInfo) -> bytes:
    """Asked for one by one: nats-py's own way is a subscription, which waits for ever for chunks that are not there any more.

    Raises NotFoundError.
    """
    subject, sequence, chunks = f"$O.{SNAPSHOTS}.C.{info.nuid}", 0, []
    for _ in range(info.chunks or 0):
        found = await context.get_msg(STREAM, sequence + 1, subject, direct=True, next=True)
        assert found.seq is not None
        sequence = found.seq
        chunks.append(found.data or b"")
    return b"".join(chunks)
