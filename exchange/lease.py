"""Who leads a stage: one key with a short life, renewed while its holder lives.

The lease gives liveness only. Safety comes from the log, which refuses the append of a leader that does not know the
newest batch.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Final, Protocol

import nats.errors
from nats.aio.client import Client
from nats.js import api

from .streams import Away, ensure_stream, jetstream
from .subjects import LEASES

LEASE_SECONDS: Final = 2
"""A leader that is gone is replaced after at most this long."""
RENEW_SECONDS: Final = 0.5
HELD_SECONDS_MAX: Final = 1.75
"""A leader that has not renewed its lease for this long, by its own clock and from when it asked, leads no more."""
POLL_SECONDS: Final = 0.2
ACQUIRE_SECONDS_MAX: Final = 0.5


class LeaseLost(Exception):
    """The lease could not be renewed in time, or somebody else holds it."""


class LeaseUnanswered(LeaseLost, Away):
    """It could not be renewed because nobody answered."""


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
        self._jetstream = jetstream(client)
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
        await ensure_stream(client, config)

    async def acquire(self) -> None:
        """Wait until this worker holds the lease."""
        while True:
            with contextlib.suppress(Away, LeaseLost):
                await self._write(0, ACQUIRE_SECONDS_MAX)
                return
            await asyncio.sleep(POLL_SECONDS)

    async def hold(self) -> None:
        """Renew for ever. Raises LeaseLost.

        A renewal has all the time that is left of the lease: one that was given up and then came to pass would have made this
        worker's next one, which expects the revision before it, look like a stranger's.
        """
        clock = asyncio.get_running_loop().time
        renewed = clock()
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            started = clock()
            try:
                await self._write(self._revision, max(renewed + HELD_SECONDS_MAX - started, 0.01))
            except LeaseUnanswered:
                if clock() - renewed > HELD_SECONDS_MAX - RENEW_SECONDS:
                    raise
            else:
                renewed = started

    async def release(self) -> None:
        """Let another worker lead at once."""
        if self._revision:
            await self._jetstream.purge_stream(f"KV_{LEASES}", subject=self._subject)
            self._revision = 0

    async def _write(self, revision: int, seconds: float) -> None:
        """Write the key if its newest revision is this one, 0 for none. Raises LeaseLost."""
        headers = {"Nats-Expected-Last-Subject-Sequence": str(revision), "Nats-TTL": f"{LEASE_SECONDS}s"}
        try:
            answer = await self._client.request(self._subject, self._holder, timeout=seconds, headers=headers)
        except (nats.errors.Error, TimeoutError):
            raise LeaseUnanswered(f"{self._subject}: could not be renewed") from None
        acknowledgement = json.loads(answer.data)
        if problem := acknowledgement.get("error"):
            raise LeaseLost(f"{self._subject}: held by another, or expired ({problem.get('description')})")
        self._revision = acknowledgement["seq"]
