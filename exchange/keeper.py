"""The keeper: cuts the logs by the policy of `exchange up --keep`. `python -P -m exchange.keeper --data DIR --keep 30d`.

It is the only process that removes anything, runs only where it is asked for, and may die at any moment.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from typing import Final

from .keeping import BASES, Keep, Keeper, parse_keep, sink_mark
from .lease import JetStreamLease
from .settings import Settings
from .subjects import JOURNAL, engine_stage, events_log
from .worker import Worker, run

STEP_SECONDS: Final = 5.0


def sinks(settings: Settings) -> list[str]:
    """Those that must have stored a batch before it may go."""
    workers = settings.market.workers
    counts = {"historian": workers.historian, "ticks": workers.ticks}
    return [sink_mark(kind, number) for kind, count in counts.items() for number in range(1, count + 1)]


async def main(worker: Worker) -> None:
    """Step until the worker is asked to stop; of several keepers, the one that holds the lease."""
    keep: Keep = worker.arguments.keep
    shards = range(1, worker.settings.market.shards + 1)
    logs = await worker.open_logs(JOURNAL, *map(events_log, shards))
    snapshots = await worker.open_snapshots()
    stages = ["ledger", *map(engine_stage, shards)]
    keeper = Keeper(keep, logs, snapshots, stages, sinks(worker.settings))
    await JetStreamLease.create_bucket(worker.nats, worker.settings.market.replicas)
    lease = JetStreamLease(worker.nats, "keeper", f"{worker.name} {os.getpid()}")

    async def step() -> None:
        await lease.acquire()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(lease.hold())
            while True:
                await keeper.step(time.time_ns())
                await asyncio.sleep(min(STEP_SECONDS, keep.seconds / BASES or STEP_SECONDS))

    stepping = asyncio.create_task(step())
    stopping = asyncio.create_task(worker.stopping.wait())
    await asyncio.wait({stepping, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if stepping.done():
        stepping.result()
    stepping.cancel()
    await lease.release()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -P -m exchange.keeper")
    parser.add_argument("--keep", type=parse_keep, required=True, help="an age like 30d, or a size like 20GB")
    run("keeper", main, parser=parser)
