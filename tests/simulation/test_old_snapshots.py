"""A snapshot that another version of the code took is as good as none: the logs are replayed from their start."""

from __future__ import annotations

import asyncio
import logging

import msgspec
import pytest

from engine.stage import EngineStage
from exchange.digest import digest
from exchange.log import Log, LogDamaged
from exchange.replica import Replica
from exchange.stage import Stage
from ledger.stage import LedgerStage
from tests.simulation.market import MARKET, run_seed
from tests.simulation.world import MemoryLog, Process, World, simulate

OLD = b'{"number":1,"of":"another version"}'


def reader(world: World, stage: Stage) -> dict[str, Log]:
    process = Process(world, "reader", lambda _: asyncio.sleep(0))
    process.alive = True
    return {name: MemoryLog(process, name) for name in (stage.output, *stage.inputs)}


async def replay_all(world: World, stage: Stage, replica: Replica) -> None:
    async with asyncio.TaskGroup() as tasks:
        feeds = replica.start(tasks)
        while replica.number < len(world.logs[stage.output]):
            for batch in replica.feeds[stage.output].take():
                await replica.replay(batch)
            await asyncio.sleep(0.01)
        for feed in feeds.values():
            feed.cancel()


@pytest.mark.parametrize("state", [OLD, b"not even JSON"])
def test_the_logs_are_replayed(state: bytes, caplog: pytest.LogCaptureFixture) -> None:
    stages: list[Stage] = [LedgerStage(MARKET), EngineStage(1), EngineStage(2)]

    async def story() -> None:
        world = await run_seed(7)
        for stage in stages:
            taken = world.snapshots[stage.name]
            replica = Replica(stage, reader(world, stage), lambda: None)
            with caplog.at_level(logging.WARNING):
                await replica.restore(msgspec.structs.replace(taken, state=state, state_digest=digest(state)))
            assert "of another version" in caplog.records[-1].message
            assert (replica.number, set(replica.through.values())) == (0, {0})
            await replay_all(world, stage, replica)
            assert digest(stage.snapshot()) == taken.state_digest

    simulate(story)
    assert len(caplog.records) == len(stages)


def test_a_log_that_ends_before_such_a_snapshot_is_still_damaged() -> None:
    async def story() -> None:
        world = await run_seed(7)
        stage = LedgerStage(MARKET)
        taken = world.snapshots[stage.name]
        del world.logs[stage.output][-1]
        with pytest.raises(LogDamaged, match="has already applied"):
            await Replica(stage, reader(world, stage), lambda: None).restore(msgspec.structs.replace(taken, state=OLD))

    simulate(story)
