"""The historian: writes the ledger's history to DuckDB and answers questions: `python -P -m exchange.ledger.historian`."""

from __future__ import annotations

from exchange.questions import Questions
from exchange.worker import Worker, run

from .explain import Explain
from .history import FILE, History
from .history_answers import Answers
from .library import Library
from .statements import Statements


async def main(worker: Worker) -> None:
    """Store and answer until the worker is asked to stop."""
    settings = worker.settings
    history = History(settings.data / FILE, settings.market.shards)
    questions = Questions(worker.nats, worker.name)

    async def on_caught_up() -> None:
        await Answers(history).open(questions)
        await Explain(history).open(questions)
        await Statements(history).open(questions)
        await Library(history.database).open(questions)

    await (await worker.sink_loop(history, on_caught_up=on_caught_up)).run(worker.stopping)
    await questions.stop()
    history.close()


if __name__ == "__main__":
    run("historian", main)
