"""One contract for logs and leases, held against the real server and against the simulation's twin."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from nats.aio.msg import Msg

from exchange import lease as lease_module
from exchange.connection import connect
from exchange.digest import digest
from exchange.feed import TAKE_BATCHES_MAX, Feed
from exchange.lease import LEASE_SECONDS, POLL_SECONDS, JetStreamLease, Lease, LeaseLost
from exchange.log import AppendRefused, Chain, Entry, JetStreamLog, Log, LogCut, LogDamaged, check_remembered
from exchange.messages.base import encode
from exchange.snapshots import JetStreamSnapshots, Snapshot
from tests.simulation.world import MemoryLease, MemoryLog, Process, World

OpenLog = Callable[[], Awaitable[Log]]


def batch(number: int, previous: str, text: str = "") -> bytes:
    return encode({"number": number, "previous": previous, "text": text})


def chain_of(count: int) -> list[bytes]:
    payloads: list[bytes] = []
    for number in range(1, count + 1):
        payloads.append(batch(number, digest(payloads[-1]) if payloads else ""))
    return payloads


@pytest.fixture(params=["memory", "jetstream"])
async def open_log(request: pytest.FixtureRequest, nats_server) -> AsyncIterator[OpenLog]:
    """Opens the same log again and again, as different writers."""
    if request.param == "memory":
        world = World(1, mishaps=False)
        world.delay = 0.0001

        async def memory() -> Log:
            process = Process(world, "test", lambda _: asyncio.sleep(0))
            process.alive = True
            return MemoryLog(process, "JOURNAL")

        yield memory
        return
    clients = []

    async def jetstream() -> Log:
        client = await connect(nats_server.url, "worker", nats_server.secrets.worker, name="test")
        clients.append(client)
        log = JetStreamLog(client, "JOURNAL")
        await log.create()
        return log

    yield jetstream
    for client in clients:
        await client.close()


async def test_a_log_gives_back_what_was_appended(open_log: OpenLog) -> None:
    log = await open_log()
    assert await log.last() == 0
    payloads = chain_of(600)  # More than one pull brings.
    for number, payload in enumerate(payloads, 1):
        await log.append(number, payload)
    assert await log.last() == 600
    assert await log.get(2) == payloads[1]
    for after in (0, 1, 599):
        reader = (await open_log()).read(after)
        got: list[Entry] = []
        while len(got) < 600 - after:
            got += await reader.fetch()
        assert got == [Entry(number, payloads[number - 1]) for number in range(after + 1, 601)]
        await reader.close()
    with pytest.raises(LogDamaged, match="sequence 601 is missing"):
        await log.get(601)


async def test_a_log_that_was_cut_says_so(open_log: OpenLog) -> None:
    log = await open_log()
    payloads = chain_of(600)
    for number, payload in enumerate(payloads, 1):
        await log.append(number, payload)
    assert (await log.first(), await log.size() > sum(map(len, payloads)) - 1) == (1, True)
    before = await log.size()
    await log.cut(400)
    await (await open_log()).cut(400)
    assert (await log.first(), await log.last()) == (400, 600)
    assert await log.size() < before / 2
    assert await log.get(400) == payloads[399]
    with pytest.raises(LogCut, match=r"sequence 399 is not kept any more"):
        await log.get(399)
    reader = log.read(399)
    assert (await reader.fetch())[0] == Entry(400, payloads[399])
    await reader.close()
    below = (await open_log()).read(300)
    with pytest.raises(LogCut, match=r"sequence 301 is not kept any more"):
        await below.fetch()
    await below.close()
    # Who remembers a batch that is kept goes on from it, with the same digest chain; who remembers an older one cannot.
    assert await check_remembered(log, 400, digest(payloads[399]), "ledger", "applied") == 600
    for number, words in ((399, "no more than sequence 399"), (0, "nothing of it")):
        with pytest.raises(LogCut, match=rf"begins at sequence 400, because --keep .* ledger has applied {words}"):
            await check_remembered(log, number, "", "ledger", "applied")
    await log.append(601, batch(601, digest(payloads[-1])))


async def test_a_reader_waits_for_what_is_yet_to_come(open_log: OpenLog) -> None:
    log = await open_log()
    reader = (await open_log()).read(0)
    fetching = asyncio.create_task(reader.fetch())
    payload = batch(1, "")
    await log.append(1, payload)
    assert await fetching == [Entry(1, payload)]
    await reader.close()


async def test_only_the_writer_that_knows_the_newest_batch_may_append(open_log: OpenLog) -> None:
    old, new = await open_log(), await open_log()
    await old.append(1, batch(1, ""))
    await new.append(2, batch(2, digest(batch(1, ""))))
    for number in (1, 2, 4):
        with pytest.raises(AppendRefused):
            await old.append(number, b"{}")
    assert await old.last() == 2


async def test_a_feed_is_bounded_and_whole(open_log: OpenLog) -> None:
    log = await open_log()
    payloads = chain_of(1_500)
    for number, payload in enumerate(payloads, 1):
        await log.append(number, payload)
    woken = asyncio.Event()
    feed = Feed(await open_log(), 0, "", woken.set)
    running = asyncio.create_task(feed.run())
    taken: list[bytes] = []
    while len(taken) < 1_500:
        await woken.wait()
        woken.clear()
        while batches := feed.take():
            assert len(batches) <= TAKE_BATCHES_MAX
            taken += [batch.payload for batch in batches]
    assert taken == payloads
    assert feed.taken_digest == digest(payloads[-1])
    running.cancel()
    await feed.close()


def test_a_chain_names_the_sequence_that_does_not_fit() -> None:
    payloads = chain_of(5)
    chain = Chain("JOURNAL")
    for number, payload in enumerate(payloads[:3], 1):
        chain.check(Entry(number, payload))
    with pytest.raises(LogDamaged, match=r"JOURNAL: expected batch 4, found 5 at sequence 5"):
        chain.check(Entry(5, payloads[4]))
    flipped = payloads[3].replace(b'"text":""', b'"text":"x"')
    chain.check(Entry(4, flipped))  # The flip shows with the next batch, which names what came before it.
    with pytest.raises(LogDamaged, match=r"JOURNAL: sequence 5 does not continue sequence 4"):
        chain.check(Entry(5, payloads[4]))
    with pytest.raises(LogDamaged, match=r"JOURNAL: sequence 5 is not a batch"):
        chain.check(Entry(5, b"\x00\xff"))


@pytest.fixture(params=["memory", "jetstream"])
async def open_lease(request: pytest.FixtureRequest, nats_server) -> AsyncIterator[Callable[[], Awaitable[Lease]]]:
    if request.param == "memory":
        world = World(1, mishaps=False)
        world.delay = 0.0001

        async def memory() -> Lease:
            process = Process(world, "test", lambda _: asyncio.sleep(0))
            process.alive = True
            return MemoryLease(process, "ledger")

        yield memory
        return
    client = await connect(nats_server.url, "worker", nats_server.secrets.worker, name="test")
    await JetStreamLease.create_bucket(client)

    async def jetstream() -> Lease:
        return JetStreamLease(client, "ledger", "test")

    yield jetstream
    await client.close()


async def test_a_lease_has_one_holder_and_ends_with_it(open_lease: Callable[[], Awaitable[Lease]]) -> None:
    first, second = await open_lease(), await open_lease()
    await first.acquire()
    holding = asyncio.create_task(first.hold())
    acquiring = asyncio.create_task(second.acquire())
    finished, _ = await asyncio.wait({acquiring, holding}, timeout=1.25 * LEASE_SECONDS)
    assert not finished, "the lease was lost, or had two holders"
    holding.cancel()  # As a process that is killed: no release.
    await asyncio.wait_for(acquiring, 30)
    holding = asyncio.create_task(second.hold())
    with pytest.raises(LeaseLost):  # It wakes up too late.
        await asyncio.wait_for(first.hold(), 30)
    await first.release()
    acquiring = asyncio.create_task(first.acquire())
    finished, _ = await asyncio.wait({acquiring, holding}, timeout=3 * POLL_SECONDS)
    assert not finished, "whoever has lost a lease cannot give it back"
    holding.cancel()
    await second.release()
    await asyncio.wait_for(acquiring, 30)


async def test_a_holder_whose_process_is_gone_is_replaced_at_once(nats_server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "LEASE_SECONDS", 3_600)
    first, second = [await connect(nats_server.url, "worker", nats_server.secrets.worker, name="test") for _ in range(2)]
    await JetStreamLease.create_bucket(first)
    await JetStreamLease(first, "ledger", "first").acquire()
    acquiring = asyncio.create_task(JetStreamLease(second, "ledger", "second").acquire())
    finished, _ = await asyncio.wait({acquiring}, timeout=5 * POLL_SECONDS)
    assert not finished, "the first is still there, though it does not renew"
    await first.close()  # As a process that is killed.
    await asyncio.wait_for(acquiring, 30)
    await second.close()


async def test_a_holder_that_is_late_keeps_its_lease(nats_server) -> None:
    client = await connect(nats_server.url, "worker", nats_server.secrets.worker, name="test")
    await JetStreamLease.create_bucket(client)
    lease, asked, renewed, late = JetStreamLease(client, "ledger", "test"), client.request, asyncio.Event(), 3
    await lease.acquire()

    async def request(subject: str, *arguments: Any, **options: Any) -> Msg:
        """The server does what it is asked for, and the answer comes after the holder's patience, a few times."""
        nonlocal late
        answer = await asked(subject, *arguments, **options)
        if subject == "$KV.LEASES.ledger":
            late -= 1
            if late >= 0:
                raise TimeoutError
            if "error" not in json.loads(answer.data):
                renewed.set()
        return answer

    client.request = request
    holding = asyncio.create_task(lease.hold())
    for _ in range(2):
        renewing = asyncio.create_task(renewed.wait())
        await asyncio.wait({holding, renewing}, return_when=asyncio.FIRST_COMPLETED)
        assert not holding.done()
        renewed.clear()
        await client.jetstream().purge_stream("KV_LEASES")  # As if its time had passed, and nobody else had been there.
    holding.cancel()
    await client.close()


async def test_a_snapshot_comes_back_whole_or_not_at_all(nats_server) -> None:
    client = await connect(nats_server.url, "worker", nats_server.secrets.worker, name="test")
    snapshots = JetStreamSnapshots(client)
    await snapshots.create()
    assert await snapshots.load("ledger") is None
    state = bytes(range(256)) * 4_000  # Several chunks.
    for content in (state, state[::-1]):
        snapshot = Snapshot(content, digest(content), {"JOURNAL": 7}, {"JOURNAL": "d"})
        await snapshots.save("ledger", snapshot)
        assert await snapshots.load("ledger") == snapshot
    await snapshots.save("ledger", Snapshot(b"altered", digest(b"as it was"), {}, {}))
    assert await snapshots.load("ledger") is None
    await client.close()


async def test_a_snapshot_that_is_replaced_while_it_is_read(nats_server) -> None:
    client = await connect(nats_server.url, "worker", nats_server.secrets.worker, name="test")
    snapshots, asked, left = JetStreamSnapshots(client), client.request, 2
    await snapshots.create()
    states = [bytes([number]) * 400_000 for number in (1, 2)]  # Several chunks.
    old, new = (Snapshot(state, digest(state), {"JOURNAL": 7}, {"JOURNAL": "d"}) for state in states)
    await snapshots.save("ledger", old)

    async def request(subject: str, *arguments: Any, **options: Any) -> Msg:
        """Before the second question about the content, that is another one."""
        nonlocal left
        if "STREAM.MSG.GET" not in subject:
            left -= 1
            if left == 0:
                await snapshots.save("ledger", new)
        return await asked(subject, *arguments, **options)

    client.request = request
    assert await snapshots.load("ledger") == new
    await client.close()
