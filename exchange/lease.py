"""Who leads a stage: one key with a short life, renewed while its holder lives.

Whoever wants it waits until the key is forgotten or, if its holder is connected no more, takes it over at once. The lease gives
liveness only. Safety comes from the log, which refuses the append of a leader that does not know the newest batch.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Final, Protocol

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js import api

from .life import Life, is_gone
from .streams import Away, ensure_stream, jetstream
from .subjects import LEASES

LEASE_SECONDS: Final = 2
"""A leader that is gone is replaced after at most this long."""
RENEW_SECONDS: Final = 0.5
SILENCE_SECONDS_MAX: Final = 15.0
"""A leader that has not been answered for this long ends. Longer than an election of the bucket's servers, during which nobody
else can get the lease either; a leader whose log does not answer ends much sooner."""
POLL_SECONDS: Final = 0.2
ACQUIRE_SECONDS_MAX: Final = 0.5
RELEASE_SECONDS_MAX: Final = 0.5
GONE_SECONDS: Final = 0.7
"""So long a holder must have shown no sign of life, nor renewed: longer than RENEW_SECONDS, for where servers do not see each
other it may be connected all the same."""
LIFE_MARK: Final = "life:"
"""Before the token of a holder's sign of life, as the last word of the key's value."""


class LeaseLost(Exception):
    """Somebody else holds the lease, or nobody answers."""


class LeaseUnanswered(LeaseLost, Away):
    """It could not be renewed because nobody answered."""


class Lease(Protocol):
    """The right to lead one stage."""

    async def acquire(self) -> None:
        """Wait until this worker holds the lease."""

    async def hold(self) -> None:
        """Renew until somebody else holds it. Raises LeaseLost."""

    async def release(self) -> None:
        """Let another worker lead at once."""


class JetStreamLease:
    """A key in the KV bucket LEASES that the server forgets LEASE_SECONDS after its last renewal."""

    def __init__(self, client: Client, key: str, holder: str) -> None:
        self._client = client
        self._jetstream = jetstream(client)
        self._subject = f"$KV.{LEASES}.{key}"
        self._life = Life(client)
        self._holder = f"{holder} {LIFE_MARK}{self._life.token}".encode()
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
        await self._life.show()
        clock = asyncio.get_running_loop().time
        suspect, since = 0, 0.0  # Revision of a holder that seems to be gone, and since when.
        while True:
            try:
                await self._write(0, ACQUIRE_SECONDS_MAX)
                return
            except LeaseUnanswered:
                suspect = 0
            except LeaseLost:
                gone = await self._revision_of_gone()
                if gone != suspect:
                    suspect, since = gone, clock()
                elif gone and clock() - since > GONE_SECONDS and await self._overwrite(gone):
                    return
            await asyncio.sleep(POLL_SECONDS)

    async def _overwrite(self, revision: int) -> bool:
        """Take the key from a holder that is gone; whether nobody was quicker."""
        try:
            await self._write(revision, ACQUIRE_SECONDS_MAX)
        except LeaseLost:
            return False
        return True

    async def _revision_of_gone(self) -> int:
        """The newest revision if its holder is not there any more, 0 if it is, or if nobody can tell."""
        try:
            message = await self._jetstream.get_last_msg(f"KV_{LEASES}", self._subject)
        except (nats.errors.Error, TimeoutError):
            return 0
        mark = (message.data or b"").decode().rpartition(" ")[2]
        gone = mark.startswith(LIFE_MARK) and await is_gone(self._client, mark.removeprefix(LIFE_MARK))
        return int(message.seq or 0) if gone else 0

    async def hold(self) -> None:
        """Renew until somebody else holds it. Raises LeaseLost.

        A renewal that was not answered in time tells nothing, and one that was refused may have followed one that came to pass:
        then the server is asked. That a loop or a disk was busy for two seconds is no reason to end.
        """
        clock = asyncio.get_running_loop().time
        answered, pause = clock(), RENEW_SECONDS
        while True:
            await asyncio.sleep(pause)
            try:
                await self._write(self._revision, LEASE_SECONDS)
            except LeaseUnanswered:
                if clock() - answered > SILENCE_SECONDS_MAX:
                    raise
                pause = POLL_SECONDS  # As often as those who wait for the lease.
                continue
            except LeaseLost:
                self._revision = await self._look()
            answered, pause = clock(), RENEW_SECONDS

    async def release(self) -> None:
        """Let another worker lead at once."""
        if self._revision:  # What somebody else holds meanwhile is newer, and stays.
            with contextlib.suppress(nats.errors.Error, TimeoutError):  # Then it ends by itself.
                async with asyncio.timeout(RELEASE_SECONDS_MAX):
                    await self._jetstream.purge_stream(f"KV_{LEASES}", seq=self._revision + 1, subject=self._subject)
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

    async def _look(self) -> int:
        """The newest revision if it is this worker's, 0 if nobody holds the lease. Raises LeaseLost."""
        try:
            message = await self._jetstream.get_last_msg(f"KV_{LEASES}", self._subject)
        except nats.js.errors.NotFoundError:
            return 0
        except (nats.errors.Error, TimeoutError):
            return self._revision  # The next renewal is refused again.
        if message.data != self._holder:
            self._revision = 0
            raise LeaseLost(f"{self._subject}: {(message.data or b'somebody').decode()} holds it now")
        return int(message.seq or 0)
