"""What an operator can watch from outside: metrics that move as the market does, and one order's way through all logs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from exchange.client import new_client_order_id
from exchange.health import everybody
from exchange.logs import decode_line
from exchange.messages.requests import Accepted, Refused, Submit
from tests.e2e.market_process import START_SECONDS_MAX, RunningMarket, StartMarket
from tests.exchange.test_health import get

BOT = "bot: eager\nsymbol: KRYP\nrules:\n  - when: ask > 1\n    do: buy 1 at 1\n"
Metrics = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def metrics(market: RunningMarket) -> Metrics:
    """(name, labels) → value, of all workers that are there."""
    async with await market.connect("operator") as operator:
        workers = await everybody(await operator.connection())
    found: Metrics = {}
    for worker in workers:
        status, content = await asyncio.to_thread(get, worker.http, "/metrics")
        assert status == 200
        for family in text_string_to_metric_families(content.decode()):
            found |= {(sample.name, frozenset(sample.labels.items())): sample.value for sample in family.samples}
    return found


def labels(**named: str) -> frozenset[tuple[str, str]]:
    return frozenset(named.items())


async def test_metrics_and_traces_follow_an_order(fresh_market: StartMarket, tmp_path: Path) -> None:
    market = fresh_market("--no-bots", variables={"EXCHANGE_LOG": "debug"})
    market.ask("account", "create", "alice", "--cash", "1000", "--shares", "KRYP=50", password="a-long-password-1")
    before = await metrics(market)
    async with await market.connect("alice", "a-long-password-1") as alice:
        placed = [await alice.send(Submit(new_client_order_id(), "KRYP", "sell", 10, price=206_000)) for _ in range(2)]
        refused = await alice.send(Submit(new_client_order_id(), "KRYP", "buy", 1_000, price=200_000))
    assert all(isinstance(outcome, Accepted) for outcome in placed)
    assert isinstance(refused, Refused)
    rows = "exchange_duckdb_rows_total", labels(database="history")
    async with asyncio.timeout(START_SECONDS_MAX):
        while (after := await metrics(market))[rows] < before.get(rows, 0) + 2:  # The historian is the last to be done.
            pass

    def gained(name: str, **named: str) -> float:
        key = name, labels(**named)
        return after[key] - before.get(key, 0)

    assert gained("exchange_refusals_total", reason="insufficient_funds") == 1
    assert gained("exchange_open_orders", stage="ledger") == 2
    assert gained("exchange_turn_commands_sum", stage="ledger") >= 3
    assert gained("exchange_append_seconds_count", log="EVENTS_1") >= 1
    assert gained("exchange_batch_bytes_count", log="JOURNAL") >= 3
    assert gained("exchange_latency_seconds_count", stage="engine-1", step="appended") >= 1
    assert gained("exchange_latency_seconds_count", stage="ledger", step="settled") >= 1
    assert gained("exchange_latency_seconds_count", stage="ticks", step="applied") >= 1
    assert gained("exchange_logins_total", outcome="granted") >= 1
    for stage in ("ledger", "engine-1", "ticks"):
        assert after["exchange_leading", labels(stage=stage)] == 1
    for worker in ("auth", "bots", "engine", "historian", "ledger", "ticks", "web"):
        assert after["exchange_ready", labels(worker=worker)] == 1

    (tmp_path / "eager.yaml").write_text(BOT)
    market.ask("login", "alice", password="a-long-password-1")
    market.ask("--as", "alice", "bot", "start", str(tmp_path / "eager.yaml"))
    accepted = "exchange_bot_commands_total", labels(outcome="accepted")
    async with asyncio.timeout(START_SECONDS_MAX):
        while (of_bots := await metrics(market)).get(accepted, 0) < 1:
            pass
    assert of_bots["exchange_bots", labels(kind="rules")] == 1
    assert of_bots["exchange_bot_decisions_total", labels(kind="rules")] >= 1

    first = placed[0]
    assert isinstance(first, Accepted)
    expected = {
        ("ledger", "appended", "JOURNAL"),
        ("ledger", "taken", "EVENTS_1"),
        ("engine", "taken", "JOURNAL"),
        ("engine", "appended", "EVENTS_1"),
        *((reader, "taken", log) for reader in ("historian", "ticks") for log in ("JOURNAL", "EVENTS_1")),
    }
    market.wait_until(lambda: way(market, first.order_id) == expected, "the order left no trace")


def way(market: RunningMarket, order: int) -> set[tuple[str, str, str]]:
    """(worker, what it did, log) of all lines about an order."""
    found = set()
    for path in (market.data / "log").glob("*.log"):
        for text in path.read_text().splitlines():
            assert json.loads(text), "all that workers say is JSON"
            line = decode_line(text)
            if line.order == order:
                found.add((line.worker, line.text.split()[2], line.log))
    return found
