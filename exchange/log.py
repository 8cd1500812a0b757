"""Logs: numbered batches of bytes that one writer appends and anybody reads from any number on.

`JetStreamLog` is a stream of which batch number and stream sequence are the same. The in-memory twin for the simulation
stands in tests/simulation/ and passes the same contract tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import deque
from typing import Final, NamedTuple, Protocol

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import api

from .digest import digest
from .streams import Away, ensure_stream, jetstream, patiently
from .subjects import log_subject

logger = logging.getLogger(__name__)

APPEND_SECONDS_MAX: Final = 4.0
"""An append without an answer for this long is in doubt. No cluster elects a stream's next leader sooner."""
WRONG_LAST_SEQUENCE: Final = 10071
"""JetStream's error code for a refused Nats-Expected-Last-Sequence."""


class AppendRefused(Exception):
    """Somebody else appended to the log: this writer leads no more."""


class AppendDoubtful(Exception):
    """The log did not answer, the batch may be in it or not: only a recovery can tell."""


class AppendUnanswered(AppendDoubtful, Away):
    """The same, because nobody answered at all."""


class LogDamaged(Exception):
    """A log is shorter than what was applied from it, has a hole, or its digest chain does not fit."""


class LogCut(Exception):
    """What is asked of a log lies below what it keeps: older batches were dropped on purpose (keeping.py)."""


class Header(msgspec.Struct, frozen=True):
    """What batches of every log begin with."""

    number: int
    previous: str
    time: int = 0
    """Of a journal batch."""
    journal_through: int = 0
    events_through: dict[int, int] = {}


decode_header: Final = msgspec.json.Decoder(Header).decode


class Entry(NamedTuple):
    """One batch of a log."""

    number: int
    payload: bytes


class Reader(Protocol):
    """Reads a log forward, bounded: it holds at most what two fetches return."""

    async def fetch(self) -> list[Entry]:
        """The next batches, at least one; waits for them. Numbers follow each other without gaps."""

    async def close(self) -> None:
        """Stop reading."""


class Log(Protocol):
    """One log. Batch numbers count from 1."""

    @property
    def name(self) -> str:
        """JOURNAL, EVENTS_1 …"""

    async def last(self) -> int:
        """Number of the newest batch, 0 for an empty log."""

    async def first(self) -> int:
        """Number of the oldest batch that is kept, 1 for a log that has all."""

    async def get(self, number: int) -> bytes:
        """One batch. Raises LogCut if it is not kept any more, LogDamaged if it is not there."""

    async def append(self, number: int, payload: bytes) -> None:
        """Append the batch `number`; durable on return. Raises AppendRefused or AppendDoubtful."""

    async def cut(self, number: int) -> None:
        """Drop all batches before `number`, which exists."""

    async def size(self) -> int:
        """Bytes of the batches that are kept, before compression."""

    def read(self, after: int) -> Reader:
        """Read the batches from `after` + 1 on, including those yet to come."""


class Chain:
    """Checks that batches follow each other: numbers without gaps, each naming the digest of the one before."""

    def __init__(self, log: str, number: int = 0, last_digest: str = "") -> None:
        self.log = log
        self.number = number
        self.digest = last_digest

    def check(self, entry: Entry) -> Header:
        """Step to the next batch. Raises LogDamaged, naming the log and the sequence that does not fit."""
        try:
            header = decode_header(entry.payload)
        except msgspec.MsgspecError as error:
            raise LogDamaged(f"{self.log}: sequence {entry.number} is not a batch ({error})") from None
        if entry.number != self.number + 1 or header.number != entry.number:
            raise LogDamaged(f"{self.log}: expected batch {self.number + 1}, found {header.number} at sequence {entry.number}")
        if header.previous != self.digest:
            raise LogDamaged(
                f"{self.log}: sequence {entry.number} does not continue sequence {self.number}: "
                f"it names digest {header.previous or 'nothing'} but {self.digest or 'nothing'} came before, so one was altered"
            )
        self.number = entry.number
        self.digest = digest(entry.payload)
        return header


async def check_remembered(log: Log, number: int, remembered: str, whose: str, done: str) -> int:
    """Hold a remembered position, a number and its batch's digest, against a log; returns the number of the log's newest batch.

    Raises LogDamaged when the log is shorter or the batch another, LogCut when what follows the batch is not kept any more.
    `whose` and `done` say who remembers: "ledger", "applied".
    """
    last, first = await asyncio.gather(log.last(), log.first())
    if last < number:
        raise LogDamaged(f"{log.name}: ends at sequence {last}, but {whose} has already {done} sequence {number}")
    if number < first and first > 1:
        raise LogCut(
            f"{log.name}: begins at sequence {first}, because --keep dropped what was before, "
            f"but {whose} has {done} {f'no more than sequence {number}' if number else 'nothing of it'}"
        )
    if number and digest(await log.get(number)) != remembered:
        raise LogDamaged(f"{log.name}: sequence {number} is not what {whose} has {done}; it was altered")
    return last


class JetStreamLog:
    """A log kept by a JetStream stream, fsynced before every acknowledgement."""

    def __init__(self, client: Client, name: str) -> None:
        self.name = name
        self._client = client
        self._jetstream = jetstream(client)
        self._subject = log_subject(name)

    async def create(self, replicas: int = 1, first: int = 1) -> None:
        """Make sure that the stream exists, on so many servers. `first`: number of the first batch that a new one is given."""
        config = api.StreamConfig(
            name=self.name,
            subjects=[self._subject],
            storage=api.StorageType.FILE,
            num_replicas=replicas,
            first_seq=first if first > 1 else None,
            # Not on several servers: one that was killed and catches up may compress the block that it goes on to write into
            # (nats-server 2.15.1), and cannot read it any more after its next start.
            compression=api.StoreCompression.S2 if replicas == 1 else api.StoreCompression.NONE,
            deny_delete=True,
            allow_direct=True,
        )
        await ensure_stream(self._client, config)

    async def last(self) -> int:
        """Number of the newest batch, 0 for an empty log."""
        info = await patiently(lambda: self._jetstream.stream_info(self.name))
        return int(info.state.last_seq)

    async def first(self) -> int:
        """Number of the oldest batch that is kept, 1 for a log that has all."""
        info = await patiently(lambda: self._jetstream.stream_info(self.name))
        return max(1, int(info.state.first_seq))

    async def get(self, number: int) -> bytes:
        """One batch. Raises LogCut if it is not kept any more, LogDamaged if it is not there."""
        try:
            return (await patiently(lambda: self._jetstream.get_msg(self.name, number))).data or b""
        except nats.js.errors.NotFoundError:
            if number < (first := await self.first()):
                raise LogCut(f"{self.name}: sequence {number} is not kept any more, the log begins at {first} now") from None
            raise LogDamaged(f"{self.name}: sequence {number} is missing") from None

    async def append(self, number: int, payload: bytes) -> None:
        """Append the batch `number`; durable on return. Raises AppendRefused or AppendDoubtful."""
        headers = {"Nats-Expected-Last-Sequence": str(number - 1), "Nats-Expected-Stream": self.name}
        try:
            answer = await self._client.request(self._subject, payload, timeout=APPEND_SECONDS_MAX, headers=headers)
        except nats.errors.MaxPayloadError:
            raise AppendDoubtful(f"{self.name}: batch {number} has {len(payload):,} bytes, which no server takes") from None
        except (nats.errors.Error, TimeoutError, OSError) as error:
            raise AppendUnanswered(f"{self.name}: no answer to the append of batch {number}: {error!r}") from None
        acknowledgement = json.loads(answer.data)
        if problem := acknowledgement.get("error"):
            if problem.get("err_code") == WRONG_LAST_SEQUENCE:
                raise AppendRefused(
                    f"{self.name}: another leader appended ({problem.get('description')}, expected {number - 1})"
                )
            raise AppendDoubtful(f"{self.name}: batch {number} was not stored: {problem.get('description')}")
        if acknowledgement["seq"] != number:
            raise LogDamaged(f"{self.name}: batch {number} was stored at sequence {acknowledgement['seq']}")

    async def cut(self, number: int) -> None:
        """Drop all batches before `number`, which exists."""
        await patiently(lambda: self._jetstream.purge_stream(self.name, seq=number))

    async def size(self) -> int:
        """Bytes of the batches that are kept, before compression."""
        info = await patiently(lambda: self._jetstream.stream_info(self.name))
        return int(info.state.bytes)

    def read(self, after: int) -> JetStreamReader:
        """Read the batches from `after` + 1 on, including those yet to come."""
        return JetStreamReader(self._client, self.name, after)


class JetStreamReader:
    """A bounded pull loop: asks for PULL_BATCHES at a time, so that nothing is ever dropped on the way.

    When anything is odd (gap, silence, lost consumer, reconnect) it makes itself a new consumer from the last position.
    """

    PULL_BATCHES: Final = 256
    PULL_BYTES: Final = 8_000_000
    PULL_SECONDS: Final = 30
    HEARTBEAT_SECONDS: Final = 1
    SILENCE_SECONDS_MAX: Final = 2.5
    RETRY_SECONDS: Final = 0.1
    STALLED_SECONDS: Final = 3.0
    """Without a batch for so long, the log is asked whether there is one: the consumer's server may be unable to read it."""
    GONE_SECONDS: Final = 3.0
    """A stream that is unknown for this long is gone; a new one is not known to all servers of a cluster at once."""
    NANOSECONDS: Final = 1_000_000_000

    def __init__(self, client: Client, name: str, after: int) -> None:
        self._client = client
        self._jetstream = jetstream(client)
        self._name = name
        self._position = after
        self._arrived: deque[Entry] = deque()
        self._changed = asyncio.Event()
        self._subscription: object | None = None
        self._consumer = ""
        self._inbox = ""
        self._credit = 0
        """Messages that the current pull may still bring."""
        self._lost = True
        """The consumer is missing or cannot be trusted."""
        self._skipped = False
        """The consumer left a batch out: it got lost on the way, or the server does not have it any more."""
        self._pull = json.dumps(
            {
                "batch": self.PULL_BATCHES,
                "max_bytes": self.PULL_BYTES,
                "expires": self.PULL_SECONDS * self.NANOSECONDS,
                "idle_heartbeat": self.HEARTBEAT_SECONDS * self.NANOSECONDS,
            }
        ).encode()

    async def fetch(self) -> list[Entry]:
        """The next batches, at least one; waits for them. Numbers follow each other without gaps."""
        clock = asyncio.get_running_loop().time
        due = clock() + self.STALLED_SECONDS
        while not self._arrived:
            if clock() > due:
                due = clock() + self.STALLED_SECONDS
                self._lost = self._lost or await self._is_stalled()
            if self._lost:
                await self._renew()
            if self._credit <= 0:
                self._credit = self.PULL_BATCHES
                await self._client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{self._name}.{self._consumer}", self._pull, self._inbox)
            self._changed.clear()
            try:
                async with asyncio.timeout(self.SILENCE_SECONDS_MAX):
                    await self._changed.wait()
            except TimeoutError:
                self._lost = True
        entries = list(self._arrived)
        self._arrived.clear()
        return entries

    async def _is_stalled(self) -> bool:
        """Whether the log goes on behind what has been delivered."""
        try:
            last = (await self._jetstream.stream_info(self._name)).state.last_seq
        except (nats.errors.Error, TimeoutError):
            return False
        if self._arrived or last <= self._position:
            return False
        logger.warning("%s: sequence %d does not come; another consumer is made", self._name, self._position + 1)
        return True

    async def close(self) -> None:
        """Stop reading."""
        if self._subscription is not None and not self._client.is_closed:
            await self._subscription.unsubscribe()  # type: ignore[attr-defined]
        self._subscription = None

    async def _renew(self) -> None:
        """Make a new consumer from the last position; waits for as long as the server is away. Raises LogDamaged or LogCut."""
        await self.close()
        if self._skipped:
            with contextlib.suppress(nats.errors.Error, TimeoutError):
                await JetStreamLog(self._client, self._name).get(self._position + 1)
                self._skipped = False
        config = api.ConsumerConfig(
            deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self._position + 1,
            ack_policy=api.AckPolicy.NONE,
            inactive_threshold=60.0,
            mem_storage=True,
            num_replicas=1,
        )
        clock = asyncio.get_running_loop().time
        started = clock()

        async def make() -> api.ConsumerInfo:
            try:
                return await self._jetstream.add_consumer(self._name, config)
            except nats.js.errors.NotFoundError:
                if clock() - started > self.GONE_SECONDS:
                    raise LogDamaged(f"{self._name}: the stream is gone") from None
                raise

        while True:
            try:
                info = await patiently(make)  # One that is made in vain is forgotten by the server.
                break
            except (nats.errors.Error, TimeoutError):
                await asyncio.sleep(self.RETRY_SECONDS)
        self._consumer = info.name
        self._inbox = self._client.new_inbox()
        self._subscription = await self._client.subscribe(self._inbox, cb=self._receive)
        self._credit = 0
        self._lost = False

    async def _receive(self, message: Msg) -> None:
        headers = message.headers
        if headers is not None and (status := headers.get("Status")) is not None:
            if status == "100":  # An idle heartbeat: the consumer lives.
                pass
            elif status == "408" or (status == "409" and "max" in headers.get("Description", "").lower()):
                self._credit = 0  # The pull ended without trouble: ask again.
            else:
                self._lost = True
            self._changed.set()
            return
        # $JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.<consumer sequence>.<time>.<pending>
        sequence = int(message.reply.split(".")[-4])
        self._credit -= 1
        if sequence == self._position + 1:
            self._position = sequence
            self._arrived.append(Entry(sequence, message.data))
        elif sequence > self._position:
            self._lost = self._skipped = True
        self._changed.set()
