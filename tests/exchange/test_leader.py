"""How much a successor may have to replay: a leader saves a snapshot before it is too much, whatever the clock says."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from engine.stage import EngineStage
from exchange import leader
from exchange.digest import digest
from exchange.leader import StageLoop
from exchange.log import Log
from exchange.messages.base import encode
from exchange.messages.journal import DefineSymbol, Group, JournalBatch, PlaceOrder
from tests.simulation.world import MemoryLease, MemoryLog, MemorySnapshots, Process, World, simulate

HOUR = 3_600.0


def journal(count: int) -> list[bytes]:
    """A symbol, then an order a batch."""
    payloads: list[bytes] = []
    for number in range(1, count + 1):
        command: Any = PlaceOrder(number, "alice", "", "KRYP", "buy", 1, number, 0)
        if number == 1:
            command = DefineSymbol("KRYP", "Kryptonite", 1, 1, 1, 100)
        group = Group(1, msgspec.Raw(encode([command])))
        payloads.append(encode(JournalBatch(number, number, digest(payloads[-1]) if payloads else "", {}, [group])))
    return payloads


async def lead(world: World, batches: list[bytes], seconds: float) -> None:
    """An engine leads while so many batches more come, one after the other, and is then killed."""
    process = Process(world, "engine-1", lambda _: asyncio.sleep(0))
    process.alive = True
    stage = EngineStage(1)
    logs: dict[str, Log] = {name: MemoryLog(process, name) for name in (stage.output, *stage.inputs)}
    loop = StageLoop(stage, logs, MemoryLease(process, stage.name), MemorySnapshots(process), _send, world.time_ns)
    loop.snapshot_seconds = HOUR
    running = asyncio.create_task(loop.run(process.asked))
    for payload in batches:
        world.grow("JOURNAL", payload)
        await asyncio.sleep(0.1)
    await asyncio.sleep(seconds)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def _send(subject: str, payload: bytes) -> None:
    raise AssertionError("an engine sends nothing")


def test_a_leader_saves_after_so_many_batches_and_soon_after_a_long_recovery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leader, "SNAPSHOT_BATCHES", 400)
    payloads = journal(400)
    saved: list[int] = []

    async def story() -> None:
        world = World(1, mishaps=False)
        world.delay = 0.0001
        await lead(world, payloads[:150], 10)
        assert not world.snapshots, "300 batches, its own and those it read, are not many"
        await lead(world, payloads[150:160], 10)
        saved.append(world.snapshots["engine-1"].numbers["JOURNAL"])
        await lead(world, payloads[160:170], 10)
        saved.append(world.snapshots["engine-1"].numbers["JOURNAL"])
        await lead(world, payloads[170:], 1)
        saved.append(world.snapshots["engine-1"].numbers["JOURNAL"])

    simulate(story)
    first, second, third = saved
    assert 150 <= first <= 160, "whoever had to replay 149 batches saves soon"
    assert second == first, "whoever had not, does not"
    assert 360 <= third < 400, "400 batches, read and written, are many"
