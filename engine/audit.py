"""`python -P -m exchange.engine.audit`: recomputes a shard's books from the journal and compares every event with the log.

It reads a running market's logs and touches nothing: from their first batch on or, where --keep cut them, from the oldest
snapshot that was set aside. One JSON object on stdout; exit 1 with one line when a log is damaged or an event is not what the
journal gives.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import msgspec

from exchange import checksum
from exchange.digest import digest
from exchange.keeping import oldest_snapshot
from exchange.log import Log
from exchange.messages.base import encode
from exchange.replica import recompute
from exchange.snapshots import Snapshot
from exchange.worker import Worker, run

from .book import BookSide
from .stage import EngineStage
from .state import open_quantities


class EngineAudit(msgspec.Struct, frozen=True):
    """A shard's books as the logs tell them, at one batch of its events."""

    events: int
    digest: str
    trades: int
    """Trades since the market began."""
    seconds: float
    """That the recomputation took."""
    open_orders: dict[int, int]
    """Order id → remaining quantity."""
    checksums: dict[str, int]
    """Per symbol, of the price levels that its book shows, as in exchange/checksum.py: what market data carries."""
    unfinished: bool
    """The batch is a part of a turn that goes on in the next one: the books are further than the events up to here."""
    books: dict[str, tuple[list[tuple[int, int]], list[tuple[int, int]]]] = {}
    """Symbol → bids and asks, best first, of (price, shown quantity); of the symbols that were asked for."""


async def audit(
    logs: dict[str, Log], stage: EngineStage, number: int, show: Sequence[str] = (), snapshot: Snapshot | None = None
) -> EngineAudit:
    """Recompute up to event batch `number`. Raises LogCut, or an ExceptionGroup with LogDamaged or ReplayError."""
    started = time.perf_counter()
    await recompute(stage, logs, number, snapshot)
    return EngineAudit(
        events=number,
        digest=digest(stage.snapshot()),
        trades=sum(book.trades for book in stage.books.values()),
        seconds=time.perf_counter() - started,
        open_orders={order.order_id: order.remaining for order in open_quantities(stage.books)},
        checksums={symbol: checksum.of_levels(*map(_levels, (book.bids, book.asks))) for symbol, book in stage.books.items()},
        unfinished=stage.waiting,
        books={symbol: (_levels(book.bids), _levels(book.asks)) for symbol in show if (book := stage.books.get(symbol))},
    )


def _levels(side: BookSide) -> list[tuple[int, int]]:
    return [(level.price, sum(order.remaining for order in level.orders())) for level in side]


async def main(worker: Worker) -> None:
    """Audit one shard of the running market and print the result."""
    stage = EngineStage(worker.arguments.shard)
    logs = await worker.open_logs(stage.output, *stage.inputs)
    _, snapshot = await oldest_snapshot(await worker.open_snapshots(), stage, logs)
    number = worker.arguments.events
    if number is None:
        number = await logs[stage.output].last()
    print(encode(await audit(logs, stage, number, worker.arguments.book, snapshot)).decode())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -P -m exchange.engine.audit")
    parser.add_argument("--shard", type=int, required=True)
    parser.add_argument("--events", type=int, help="the event batch to stop at; the newest when left out")
    parser.add_argument("--book", action="append", default=[], help="a symbol whose book is wanted, too")
    run("engine.audit", main, parser=parser, serves=False)
