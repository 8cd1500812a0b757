"""The ticks worker: publishes market data and answers questions about it. `python -P -m exchange.ticks --data DIR`."""

from __future__ import annotations

import asyncio
import time

from exchange.questions import Questions
from exchange.sink import SinkLoop
from exchange.worker import Worker, run

from .answers import Answers
from .channels import Channels
from .publisher import Publisher
from .sink import FILE, Ticks


async def main(worker: Worker) -> None:
    """Fold, store, publish and answer until the worker is asked to stop.

    There is one ticks worker, so it publishes as soon as it has caught up; of several, only the holder of a lease would
    call `channels.open`.
    """
    settings = worker.settings
    ticks = Ticks(settings.data / FILE, settings.market.shards, time.monotonic)
    channels = Channels(ticks.feed)
    publisher = Publisher(worker.nats, channels, time.monotonic)
    questions = Questions(worker.nats, worker.name)

    async def on_caught_up() -> None:
        channels.open()
        await publisher.flush()
        await Answers(ticks, settings.market.title).open(questions)

    logs = await worker.open_logs(*ticks.inputs)
    async with asyncio.TaskGroup() as tasks:
        publishing = tasks.create_task(publisher.run())
        await SinkLoop(ticks, logs, publisher.flush, on_caught_up).run(worker.stopping)
        publishing.cancel()
    await questions.stop()
    if write := ticks.seal(stopping=True):
        await asyncio.to_thread(write)
    ticks.close()


if __name__ == "__main__":
    run("ticks", main)
