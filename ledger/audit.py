"""`python -P -m exchange.ledger.audit`: recomputes the ledger from the logs alone and prints what it found.

It reads a running market's logs and touches nothing: from their first batch on or, where --keep cut them, from the oldest
snapshot that was set aside. One JSON object on stdout; exit 1 with one line when a log is damaged.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import msgspec

from exchange.digest import digest
from exchange.keeping import Base, oldest_snapshot
from exchange.log import Log, LogCut, decode_header
from exchange.messages.account import Portfolio
from exchange.messages.base import decoder, encode
from exchange.messages.journal import JournalBatch
from exchange.replica import recompute
from exchange.snapshots import Snapshot
from exchange.subjects import JOURNAL, engine_stage, events_log
from exchange.worker import Worker, run

from .accounts import Ledger
from .invariants import check
from .questions import portfolio
from .stage import LedgerStage

_decode_journal = decoder(JournalBatch).decode


class LedgerAudit(msgspec.Struct, frozen=True):
    """The ledger as the logs tell it, at one batch of the journal."""

    journal: int
    kept_from: int
    """The batch from which the journal was recomputed; 1 when all of it is kept."""
    digest: str
    events_through: dict[int, int]
    orders: int
    """Orders accepted since the market began."""
    seconds: float
    """That the recomputation took."""
    violation: str
    """An invariant that does not hold; empty in every honest ledger."""
    balances: dict[str, dict[str, int]]
    """Account → asset → total, without zeros."""
    open_orders: dict[int, dict[int, int]]
    """Shard → order id → remaining quantity, of the orders that the engine had seen at `events_through`."""
    portfolios: list[Portfolio] = []
    """Of the accounts that were asked for and existed then."""


async def audit(
    logs: dict[str, Log],
    stage: LedgerStage,
    number: int,
    show: Sequence[str] = (),
    base: Base | None = None,
    snapshot: Snapshot | None = None,
) -> LedgerAudit:
    """Recompute up to journal batch `number`. Raises LogCut, or an ExceptionGroup with LogDamaged or ReplayError."""
    if base and number < base.journal:
        raise LogCut(f"the logs are kept from journal batch {base.journal} on (--keep), so batch {number} is out of reach")
    events_through = decode_header(await logs[JOURNAL].get(number)).events_through if number else {}
    seen: dict[int, int] = {}
    for shard, batch in events_through.items():
        journal = decode_header(await logs[events_log(shard)].get(batch)).journal_through
        if base:  # No engine's books are computed to less than its snapshot in the base.
            journal = max(journal, base.numbers.get(engine_stage(shard), {}).get(JOURNAL, 0))
        seen[shard] = _decode_journal(await logs[JOURNAL].get(journal)).time
    started = time.perf_counter()
    await recompute(stage, logs, number, snapshot)
    seconds = time.perf_counter() - started
    ledger = stage.ledger
    open_orders: dict[int, dict[int, int]] = {shard: {} for shard in seen}
    for order_id, order in ledger.orders.items():
        shard = ledger.symbols[order.command.symbol].definition.shard
        if shard in seen and order.time <= seen[shard]:
            open_orders[shard][order_id] = order.remaining
    return LedgerAudit(
        journal=number,
        kept_from=base.journal if base else 1,
        digest=digest(stage.snapshot()),
        events_through=events_through,
        orders=ledger.next_order_id - 1,
        seconds=seconds,
        violation=_violation(ledger),
        balances={
            name: held
            for name, account in ledger.accounts.items()
            if (held := {asset: balance.total for asset, balance in account.balances.items() if balance.total})
        },
        open_orders=open_orders,
        portfolios=[portfolio(ledger, account) for name in show if (account := ledger.trader(name)) is not None],
    )


def _violation(ledger: Ledger) -> str:
    try:
        check(ledger)
    except AssertionError as error:
        return str(error) or "an invariant does not hold"
    return ""


async def main(worker: Worker) -> None:
    """Audit the running market's ledger and print the result."""
    stage = LedgerStage(worker.settings.market)
    logs = await worker.open_logs(stage.output, *stage.inputs)
    base, snapshot = await oldest_snapshot(await worker.open_snapshots(), stage, logs)
    number = worker.arguments.journal or await logs[JOURNAL].last()
    print(encode(await audit(logs, stage, number, worker.arguments.show, base, snapshot)).decode())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -P -m exchange.ledger.audit")
    parser.add_argument("--journal", type=int, default=0, help="the journal batch to stop at; the newest when left out")
    parser.add_argument("--show", action="append", default=[], help="an account whose portfolio is wanted, too")
    run("ledger.audit", main, parser=parser, serves=False)
