"""The historian: writes the ledger's history to DuckDB and answers questions: `python -P -m exchange.ledger.historian`.

Several may run side by side, each with a file of its own (`--worker 2`): all answer, the server asks any of them. For fills,
whose ids are each historian's own, it is the holder of the lease.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os

from exchange.copies import Copies
from exchange.lease import JetStreamLease, LeaseLost
from exchange.questions import Questions
from exchange.worker import Worker, run

from .equity import Equity
from .explain import Explain
from .history import History, file_name
from .history_answers import Answers
from .library import Library
from .statements import Statements

LEASE = "historian"
"""Whose holder answers for fills."""


async def main(worker: Worker) -> None:
    """Store and answer until the worker is asked to stop."""
    settings = worker.settings
    number = worker.arguments.worker
    path = settings.state / file_name(number)
    history = History(path, settings.market.shards, logs_whole=await worker.logs_whole())
    questions = Questions(worker.nats, worker.name)

    answers, copies = Answers(history), Copies(history.database)
    await JetStreamLease.create_bucket(worker.nats, settings.market.replicas)
    lease = JetStreamLease(worker.nats, LEASE, f"{worker.name}-{number} {os.getpid()}")

    async def answer_fills() -> None:
        while True:
            await lease.acquire()
            fills = Questions(worker.nats, worker.name)
            await answers.open_fills(fills)
            with contextlib.suppress(LeaseLost):
                await lease.hold()
            await fills.stop()

    tasks: list[asyncio.Task[None]] = []

    async def on_caught_up() -> None:
        tasks.append(asyncio.create_task(answer_fills()))
        await answers.open(questions)
        await Explain(history, loop.logs).open(questions)
        await Statements(history).open(questions)
        await Equity(history).open(questions)
        await Library(history.database).open(questions)
        await copies.open(questions)

    loop = await worker.sink_loop(history, number, on_caught_up=on_caught_up)
    await loop.run(worker.stopping)
    for task in tasks:
        task.cancel()
    await lease.release()
    await questions.stop()
    history.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -P -m exchange.ledger.historian")
    parser.add_argument("--worker", type=int, default=1, help="its number, where several run on one data directory")
    run("historian", main, parser=parser)
