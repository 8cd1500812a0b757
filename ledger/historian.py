"""The historian: writes the ledger's history to DuckDB and answers questions: `python -P -m exchange.ledger.historian`.

Several may run side by side, each with a file of its own (`--worker 2`): all answer, the server asks any of them.
"""

from __future__ import annotations

import argparse

from exchange.questions import Questions
from exchange.worker import Worker, run

from .equity import Equity
from .explain import Explain
from .history import History, file_name
from .history_answers import Answers
from .library import Library
from .statements import Statements


async def main(worker: Worker) -> None:
    """Store and answer until the worker is asked to stop."""
    settings = worker.settings
    number = worker.arguments.worker
    path = settings.state / file_name(number)
    history = History(path, settings.market.shards, logs_whole=await worker.logs_whole())
    questions = Questions(worker.nats, worker.name)

    async def on_caught_up() -> None:
        await Answers(history).open(questions)
        await Explain(history, loop.logs).open(questions)
        await Statements(history).open(questions)
        await Equity(history).open(questions)
        await Library(history.database).open(questions)

    loop = await worker.sink_loop(history, number, on_caught_up=on_caught_up)
    await loop.run(worker.stopping)
    await questions.stop()
    history.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -P -m exchange.ledger.historian")
    parser.add_argument("--worker", type=int, default=1, help="its number, where several run on one data directory")
    run("historian", main, parser=parser)
