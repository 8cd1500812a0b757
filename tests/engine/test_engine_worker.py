"""The worker as a process on a real server: it matches the journal, and a killed one is continued by the next."""

import asyncio
import signal
import sys

import msgspec
import pytest

from exchange.digest import digest
from exchange.log import JetStreamLog
from exchange.messages.base import encode
from exchange.messages.events import Cancelled, Event, EventBatch, Rested, Traded
from exchange.messages.journal import CancelOrder, DefineSymbol, Group, JournalBatch, PlaceOrder

EVENTS_SECONDS_MAX = 60

decode = msgspec.json.Decoder(EventBatch).decode


class Shard:
    """The journal that a test writes, and the events that the worker answers with."""

    def __init__(self, journal: JetStreamLog, events: JetStreamLog) -> None:
        self.journal = journal
        self.reader = events.read(0)
        self.number = 0
        self.previous = ""

    async def append(self, *commands: object) -> None:
        self.number += 1
        groups = [Group(1, msgspec.Raw(encode(list(commands))))] if commands else []
        payload = encode(JournalBatch(self.number, self.number, self.previous, {}, groups))
        await self.journal.append(self.number, payload)
        self.previous = digest(payload)

    async def events(self) -> list[Event]:
        """Those of the next event batches."""
        async with asyncio.timeout(EVENTS_SECONDS_MAX):
            entries = await self.reader.fetch()
        return [event for entry in entries for moment in decode(entry.payload).moments for event in moment.events]


@pytest.fixture
async def shard(nats_server):
    client = await nats_server.connect()
    journal, events = JetStreamLog(client, "JOURNAL"), JetStreamLog(client, "EVENTS_1")
    await journal.create()
    await events.create()
    shard = Shard(journal, events)
    yield shard
    await shard.reader.close()


@pytest.fixture
async def start_engine(nats_server):
    """Starts engine workers of shard 1; those still alive after the test are killed."""
    engines: list[asyncio.subprocess.Process] = []

    async def start() -> asyncio.subprocess.Process:
        command = ("-P", "-m", "exchange.engine", "--data", str(nats_server.data))
        engines.append(await asyncio.create_subprocess_exec(sys.executable, *command, stderr=asyncio.subprocess.DEVNULL))
        return engines[-1]

    yield start
    for engine in engines:
        if engine.returncode is None:
            engine.kill()
            await engine.wait()


async def test_a_killed_engine_is_continued_and_an_asked_one_stops(shard, start_engine):
    engine = await start_engine()
    await shard.append(DefineSymbol("AAA", "AAA", 1, 1, 1, 100), PlaceOrder(1, "alice", "", "AAA", "buy", 5, 100, 0))
    assert await shard.events() == [Rested(1, "AAA", "buy", 100, 5)]
    engine.send_signal(signal.SIGKILL)
    await engine.wait()
    await shard.append(PlaceOrder(2, "bob", "", "AAA", "sell", 2, 99, 0))
    engine = await start_engine()
    assert await shard.events() == [Traded("AAA", 1, 1, 2, 100, 2, "sell")]
    engine.terminate()
    assert await asyncio.wait_for(engine.wait(), EVENTS_SECONDS_MAX) == 0
    await start_engine()
    await shard.append(CancelOrder(1, "alice", "AAA"))
    assert await shard.events() == [Cancelled(1, "AAA", 3, "owner")]
