"""Who leads a stage: one key with a short life, renewed while its holder lives.

The lease gives liveness only. Safety comes from the log, which refuses the append of a leader that does not know the
newest batch.
"""

from __future__ import annotations

import asyncio
import json
from typing import Final, Protocol

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js import JetStreamContext, api

from .subjects import LEASES

LEASE_SECONDS: Final = 2
"""A leader that is gone is replaced after at most this long."""
RENEW_SECONDS: Final = 0.5
POLL_SECONDS: Final = 0.2


class LeaseLost(Exception):
    """The lease could not be renewed in time, or somebody else holds it."""


class Lease(Protocol):
    """The right to lead one stage."""

    async def acquire(self) -> None:
        """Wait until this worker holds the lease."""

    async def hold(self) -> None:
        """Renew for ever. Raises LeaseLost."""

    async def release(self) -> None:
        """Let another worker lead at once."""


class JetStreamLease:
    """A key in the KV bucket LEASES that the server forgets LEASE_SECONDS after its last renewal."""

    def __init__(self, client: Client, key: str, holder: str) -> None:
        self._client = client
        self._jetstream: JetStreamContext = client.jetstream()
        self._subject = f"$KV.{LEASES}.{key}"
        self._holder = holder.encode()
        self._revision = 0

    @staticmethod
    async def create_bucket(client: Client, replicas: int = 1) -> None:
        """Make sure that the bucket exists. It sets no limit markers: nats-py reads them as values."""
        config = api.StreamConfig(
            name=f"KV_{LEASES}",
            subjects=[f"$KV.{LEASES}.>"],
            max_msgs_per_subject=1,
            num_replicas=replicas,
            allow_msg_ttl=True,
            allow_direct=True,
        )
        jetstream = client.jetstream()
        try:
            await jetstream.stream_info(f"KV_{LEASES}")
        except nats.js.errors.NotFoundError:
            await jetstream.add_stream(config)

    async def acquire(self) -> None:
        """Wait until this worker holds the lease."""
        while not await self._write(0):  # noqa: ASYNC110 - the server tells nobody when a key ends
            await asyncio.sleep(POLL_SECONDS)

    async def hold(self) -> None:
        """Renew for ever. Raises LeaseLost."""
        clock = asyncio.get_running_loop().time
        renewed = clock()
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            started = clock()
            if await self._write(self._revision):
                renewed = started
            elif clock() - renewed > LEASE_SECONDS - RENEW_SECONDS:
                raise LeaseLost(f"{self._subject}: could not be renewed")

    async def release(self) -> None:
        """Let another worker lead at once."""
        if self._revision:
            await self._jetstream.purge_stream(f"KV_{LEASES}", subject=self._subject)
            self._revision = 0

    async def _write(self, revision: int) -> bool:
        headers = {"Nats-Expected-Last-Subject-Sequence": str(revision), "Nats-TTL": f"{LEASE_SECONDS}s"}
        try:
            answer = await self._client.request(self._subject, self._holder, timeout=RENEW_SECONDS, headers=headers)
        except (nats.errors.Error, TimeoutError):
            return False
        acknowledgement = json.loads(answer.data)
        if "error" in acknowledgement:
            return False
        self._revision = acknowledgement["seq"]
        return True
