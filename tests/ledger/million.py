"""`make million`: a million orders through the ledger, replayed, and written to history; digests compared, figures printed.

python -m tests.ledger.million --orders 1000000
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from exchange.digest import digest
from exchange.messages.administration import NewAccount
from exchange.messages.base import decoder, encode
from exchange.messages.events import Event, EventBatch, Moment, Rested, Traded
from exchange.messages.requests import Outcome, Submit
from exchange.stage import Batches
from exchange.subjects import JOURNAL, events_log
from ledger.bench import ACCOUNTS, MARKET, MILLISECOND, PRICE, START
from ledger.desk import OPEN_ACCOUNT
from ledger.history import History
from ledger.stage import LedgerStage

ORDERS_PER_TURN: Final = 1_000
ORDERS_PER_REQUEST: Final = 20
TURNS_PER_CHECKPOINT: Final = 50
QUANTITY: Final = 10
HISTORY_BATCHES: Final = 100
"""Journal batches in one transaction of the history."""

_decode_reply: Final = decoder(list[Outcome]).decode

Log = list[tuple[bytes, Batches]]
"""Per journal batch, its payload and the event batches that it contains."""


def build(orders: int) -> tuple[Log, dict[int, str], LedgerStage]:
    """Sells that rest, and as many buys that take them; the digest of the state after every so many journal batches."""
    stage, log, checkpoints, now = LedgerStage(MARKET), [], {}, START
    for number in range(ACCOUNTS):
        stage.submit_question(OPEN_ACCOUNT, "", "", encode(NewAccount(f"trader-{number}")))
    previous, inputs = "", Batches()
    for turn in range(orders // ORDERS_PER_TURN + 1):
        for index in range(0, ORDERS_PER_TURN if turn * ORDERS_PER_TURN < orders else 0, ORDERS_PER_REQUEST):
            side: Any = "sell" if index < ORDERS_PER_TURN // 2 else "buy"
            names = range(index, index + ORDERS_PER_REQUEST)
            request = [Submit(f"{turn}-{name}", "KRYP", side, QUANTITY, price=PRICE) for name in names]
            stage.submit_request(f"trader-{index // ORDERS_PER_REQUEST % ACCOUNTS}", "_INBOX.x", encode(request))
        now += MILLISECOND
        made = stage.turn(inputs, now)
        log.append((made.payloads[0], inputs))
        ids = [o.order_id for s, m in made.messages if s == "_INBOX.x" for o in _decode_reply(m)]  # type: ignore[union-attr]
        inputs = {}
        if ids:
            half, events = len(ids) // 2, list[Event]()
            for trade, (maker, taker) in enumerate(zip(ids[:half], ids[half:], strict=True), turn * half + 1):
                events.append(Rested(maker, "KRYP", "sell", PRICE, QUANTITY))
                events.append(Traded("KRYP", trade, maker, taker, PRICE, QUANTITY, "buy"))
            payload = encode(EventBatch(turn + 1, len(log), previous, [Moment(len(log), now, events)]))
            previous, inputs = digest(payload), {events_log(1): [payload]}
        if len(log) % TURNS_PER_CHECKPOINT == 0:
            checkpoints[len(log)] = digest(stage.snapshot())
    return log, checkpoints, stage


def replay(log: Log, checkpoints: dict[int, str]) -> tuple[float, LedgerStage]:
    """Seconds without those of taking digests. Raises AssertionError at the first checkpoint that differs."""
    stage, seconds = LedgerStage(MARKET), 0.0
    for number, (payload, inputs) in enumerate(log, 1):
        begun = time.perf_counter()
        stage.replay(payload, inputs)
        seconds += time.perf_counter() - begun
        if number in checkpoints:
            assert digest(stage.snapshot()) == checkpoints[number], f"the digest at journal batch {number} differs"
    return seconds, stage


def keep(log: Log, path: Path) -> float:
    """Seconds that the history took to fold all of it and make it durable."""
    history = History(path, 1)
    begun = time.perf_counter()
    for number, (payload, inputs) in enumerate(log, 1):
        history.apply(inputs | {JOURNAL: [payload]})
        if (number % HISTORY_BATCHES == 0 or number == len(log)) and (write := history.seal()):
            write()
    seconds = time.perf_counter() - begun
    history.close()
    return seconds


def measure(orders: int) -> dict[str, Any]:
    """All of it, with figures."""
    log, checkpoints, leader = build(orders)
    seconds, follower = replay(log, checkpoints)
    state = leader.snapshot()
    assert follower.snapshot() == state
    begun = time.perf_counter()
    LedgerStage(MARKET).restore(state)
    restore = time.perf_counter() - begun
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "history.duckdb"
        kept = keep(log, path)
        size = path.stat().st_size
    return {
        "orders": orders,
        "trades": orders // 2,
        "checkpoints_equal": len(checkpoints),
        "replay_orders_per_s": round(orders / seconds),
        "snapshot_bytes": len(state),
        "restore_seconds": round(restore, 3),
        "history_trades_per_s": round(orders / 2 / kept),
        "history_bytes": size,
        "journal_bytes_uncompressed": sum(len(payload) for payload, _ in log),
        "events_bytes_uncompressed": sum(len(batch) for _, inputs in log for batches in inputs.values() for batch in batches),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.ledger.million")
    parser.add_argument("--orders", type=int, default=1_000_000)
    print(json.dumps(measure(parser.parse_args().orders)))
