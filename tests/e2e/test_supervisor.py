"""`exchange up` as a whole: what is killed comes back, what is stopped ends in order and loses nothing."""

from __future__ import annotations

import json
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.subjects import SNAPSHOTS
from tests.e2e.market_process import STOP_SECONDS_MAX, RunningMarket, StartMarket, running_market

WORKERS = ["nats", "auth", "ledger", "engine-1", "ticks", "historian", "bots", "web"]
MARKET = """
title: Two shards
symbols:
  - {symbol: ONE, name: First, opening_price: 10}
  - {symbol: TWO, name: Second, opening_price: 20}
accounts: {cash: 1_000, shares: {ONE: 10, TWO: 10}}
shards: 2
"""


def runs(pid: int) -> bool:
    """Whether a process does anything; where nobody reaps orphans, a dead one stays as a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def place(market: RunningMarket, symbol: str, limit: str) -> int:
    """An order of alice's that rests; its id."""
    order_id: int = market.ask("--as", "alice", "buy", symbol, "10", "--limit", limit)["order_id"]
    return order_id


def engine_ended_in_order(market: RunningMarket) -> bool:
    """Whether the engine of a stopped market has left a snapshot, as every stage does that is asked to end."""
    blocks = (market.data / "jetstream" / "APP" / "streams" / f"OBJ_{SNAPSHOTS}" / "msgs").glob("*.blk")
    return any(b'"engine-1"' in block.read_bytes() for block in blocks)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMarket]:
    with running_market(tmp_path_factory.mktemp("running"), "--no-bots") as running:
        yield running


def test_a_second_market_on_the_same_data(running: RunningMarket) -> None:
    second = running.cli("up", "--port", "0", "--nats-port", "0", "--ws-port", "0")
    assert second.returncode == 1
    assert second.stderr == f"exchange: a market already runs on {running.data}; stop it first, or choose another --data\n"
    assert running.ask("status")["pid"] == running.process.pid


def test_json_of_a_running_market_holds_no_secret(running: RunningMarket) -> None:
    secrets = json.loads((running.data / "secrets.json").read_text())
    said = json.dumps(running.ask("status"))
    assert not any(secret in said for secret in secrets.values())
    arguments = b"".join(Path(f"/proc/{pid}/cmdline").read_bytes() for pid in running.runtime["workers"].values())
    assert not any(os.fsencode(secret) in arguments for secret in secrets.values())


def test_whatever_is_killed_comes_back_and_nothing_is_lost(running: RunningMarket) -> None:
    market = running
    assert list(market.runtime["workers"]) == WORKERS
    assert stat.S_IMODE((market.data / "runtime.json").stat().st_mode) == 0o600
    addresses = {name: market.runtime[name] for name in ("server", "websocket", "monitor", "http")}
    market.ask("account", "create", "alice", password="wonderland")
    orders = []
    for number, worker in enumerate(WORKERS):
        pid = market.kill(worker)
        orders.append(place(market, "KRYP", f"1{number}.50"))
        market.wait_for_successor(worker, pid)
        assert f"{worker} was ended by signal 9; started again" in market.output
    assert {name: market.runtime[name] for name in addresses} == addresses
    assert [order["order_id"] for order in market.ask("--as", "alice", "orders")] == orders
    assert market.ask("symbols")[0]["symbol"] == "KRYP"
    assert market.ask("audit")["passed"]


def test_stop_and_second_start(fresh_market: StartMarket, tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(MARKET)
    first = fresh_market(str(tmp_path / "two.yaml"))
    assert {"engine-1", "engine-2"} <= first.runtime["workers"].keys()
    first.ask("account", "create", "alice", password="wonderland")
    orders = [place(first, "ONE", "9.99"), place(first, "TWO", "19.99")]
    before = first.ask("--as", "alice", "portfolio")
    pids = first.runtime["workers"].values()
    assert first.stop(signal.SIGTERM) == 0
    assert first.runtime == {}
    assert not any(map(runs, pids))
    assert "stopped; everything is kept" in first.output

    (tmp_path / "two.yaml").unlink()
    second = fresh_market()
    assert [row["symbol"] for row in second.ask("symbols")] == ["ONE", "TWO"], "the market file is remembered"
    after = second.ask("--as", "alice", "portfolio")
    assert {**after, "time": 0} == {**before, "time": 0}
    assert [open_order["order_id"] for open_order in after["orders"]] == orders


def test_none_outlives_a_killed_supervisor(fresh_market: StartMarket) -> None:
    market = fresh_market()
    pids = market.runtime["workers"].values()
    assert len(pids) == len(WORKERS)
    assert all(map(runs, pids))
    market.process.kill()
    market.process.wait()
    market.wait_until(lambda: not any(map(runs, pids)), "a worker still runs")
    refused = market.cli("status")
    assert (refused.returncode, refused.stderr[:24]) == (1, "exchange: no market runs")
    assert fresh_market("--no-bots").ask("audit")["passed"]


def test_the_second_interrupt_is_immediate(fresh_market: StartMarket) -> None:
    market = fresh_market("--no-bots", variables={"EXCHANGE_SNAPSHOT_SECONDS": "3600"})
    pids = market.runtime["workers"].values()
    market.kill("web", signal.SIGSTOP)  # Hears nothing, so the first interrupt has to wait for it.
    market.process.send_signal(signal.SIGINT)
    market.wait_until(lambda: "stopping" in market.output, "it did not hear the interrupt")
    market.process.send_signal(signal.SIGINT)
    market.process.wait(STOP_SECONDS_MAX)
    assert not any(map(runs, pids))
    assert not engine_ended_in_order(market)


def test_a_frozen_worker_does_not_hold_up_the_stop(fresh_market: StartMarket) -> None:
    market = fresh_market("--no-bots")
    pids = market.runtime["workers"].values()
    for worker in ("web", "ledger", "historian"):
        market.kill(worker, signal.SIGSTOP)
    assert market.stop() == 0
    assert not any(map(runs, pids))
    assert engine_ended_in_order(market)


def test_one_that_dies_again_and_again_stops_the_whole(fresh_market: StartMarket) -> None:
    market = fresh_market("--no-bots")
    pids = dict(market.runtime["workers"])
    for _ in range(4):
        pid = market.kill("historian")
        market.wait_for_successor("historian", pid)
    market.wait_until(lambda: market.cli("status").returncode == 0, "the market does not answer")
    pid = market.kill("historian")
    assert market.process.wait(60) == 1
    assert market.output.endswith("exchange: historian died 5 times within a minute; the last time it was ended by signal 9\n")
    assert not any(map(runs, pids.values()))
    assert not (market.data / "runtime.json").exists()


def test_a_worker_that_cannot_start_shows_why(fresh_market: StartMarket, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ticks.duckdb").write_bytes(b"this is no database" * 1_000)
    with pytest.raises(AssertionError) as failure:
        fresh_market("--no-bots")
    assert "exchange: ticks died 5 times within a minute" in str(failure.value)
    assert "ticks.duckdb" in str(failure.value)
