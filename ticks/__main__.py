"""The ticks worker: publishes market data and answers questions about it. `python -P -m exchange.ticks --data DIR`.

Several may run side by side, each with a file of its own (`--worker 2`): all answer, the holder of the lease publishes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import time

from exchange.calendar import Calendar
from exchange.copies import Copies
from exchange.lease import JetStreamLease, LeaseLost
from exchange.questions import Questions
from exchange.worker import Worker, run

from .answers import Answers
from .channels import Channels
from .publisher import Publisher
from .sink import Ticks, file_name

LEASE = "ticks"
SWITCH_SECONDS = 0.0005
"""Python's own 5 ms is how long the thread that stores, or answers, may keep the one that publishes waiting."""


async def main(worker: Worker) -> None:
    """Fold, store, publish and answer until the worker is asked to stop."""
    sys.setswitchinterval(SWITCH_SECONDS)
    settings, number = worker.settings, worker.arguments.worker
    rules = settings.market.market_data
    path = settings.state / file_name(number)
    calendar = Calendar(rules.time_zone, rules.day_starts)
    whole, schedule_of = await worker.logs_whole(), settings.market.schedule_of()
    ticks = Ticks(path, settings.market.shards, time.monotonic, calendar, logs_whole=whole, schedule_of=schedule_of)
    publisher = Publisher(worker.nats, Channels(ticks.feed, rules), time.monotonic)
    questions = Questions(worker.nats, worker.name)
    await JetStreamLease.create_bucket(worker.nats, settings.market.replicas)
    lease = JetStreamLease(worker.nats, LEASE, f"{worker.name}-{number} {os.getpid()}")
    caught_up = asyncio.Event()

    async def on_caught_up() -> None:
        await Answers(ticks, settings.market.title).open(questions)
        await Copies(ticks.database).open(questions)
        caught_up.set()

    async def publish() -> None:
        await caught_up.wait()
        while True:
            await lease.acquire()
            await publisher.open()
            loop.standing = "leading"
            with contextlib.suppress(LeaseLost):
                await lease.hold()
            publisher.close()
            loop.standing = "following"

    loop = await worker.sink_loop(ticks, number, on_applied=publisher.flush, on_caught_up=on_caught_up)
    loop.standing = "following"
    async with asyncio.TaskGroup() as tasks:
        background = [tasks.create_task(publisher.run()), tasks.create_task(publish())]
        await loop.run(worker.stopping)
        for task in background:
            task.cancel()
    await lease.release()
    await questions.stop()
    if write := ticks.seal(stopping=True):
        await asyncio.to_thread(write)
    ticks.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -P -m exchange.ticks")
    parser.add_argument("--worker", type=int, default=1, help="its number, where several run on one data directory")
    run("ticks", main, parser=parser)
