"""`make restart`: how long a market needs to be there again after a million orders, and how much it has stored by then.

python -m tests.e2e.restart --orders 1000000
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import nats.errors

from cli.measurement import ACCOUNTS, CASH, MARKET, SHARES, SYMBOLS
from exchange import subjects
from exchange.connection import connect
from exchange.load import Load, open_accounts
from exchange.messages.administration import HistoryQuestion, HistoryState, LedgerState
from exchange.messages.base import encode
from exchange.messages.requests import Submit
from exchange.settings import load_settings
from exchange.traffic import OrderFlow
from exchange.wire import Wire
from tests.e2e.market_process import RunningMarket, start_market

PER_REQUEST = 20
WINDOW = 128
ROUND_SECONDS = 2.0
STORED = {"history": "history.duckdb*", "ticks": "ticks.duckdb*", "logs": "jetstream/**/JOURNAL/**/*.blk"}


async def place(running: RunningMarket, orders: int) -> int:
    """At least so many orders, every one of them new; how many."""
    settings = load_settings(running.data)
    bots = await connect(settings.server, "bots", settings.secrets.bots, name="restart")
    await open_accounts(bots, ACCOUNTS, CASH, {symbol: SHARES for symbol, _, _ in SYMBOLS})
    await bots.close()
    flow = OrderFlow(ACCOUNTS, SYMBOLS, PER_REQUEST, seed=time.time_ns(), cancels=False)
    placed = 0
    while placed < orders:
        wire = await Wire.open(settings.server, "bots", settings.secrets.bots)
        placed += (await Load(wire, flow).closed_loop(WINDOW, ROUND_SECONDS)).orders
        wire.close()
    return placed


async def answered(running: RunningMarket, since: float) -> float:
    """Seconds since then until an order was acknowledged."""
    settings = load_settings(running.data)
    client = await connect(settings.server, "bots", settings.secrets.bots, name="restart")
    symbol, price, _ = SYMBOLS[0]
    order = encode(Submit(f"restart-{time.time_ns()}", symbol, "buy", 1, price=price))
    try:
        while True:
            try:
                await client.request(subjects.orders(ACCOUNTS[0]), order, timeout=0.25)
                return time.perf_counter() - since
            except (nats.errors.Error, TimeoutError):
                await asyncio.sleep(0.01)
    finally:
        await client.close()


async def at_rest(running: RunningMarket) -> LedgerState:
    """When the historian contains what the ledger does."""
    async with await running.connect("operator") as operator:
        state = await operator.request("admin.digest", None, LedgerState)
        assert isinstance(state, LedgerState)
        question = HistoryQuestion(state.journal, state.events_through)
        while not isinstance(await operator.request("admin.history", question, HistoryState), HistoryState):
            pass  # It waits itself, for as long as it may.
        return state


def stored(data: Path) -> dict[str, int]:
    """Bytes on the disk."""
    sizes = {name: sum(file.stat().st_size for file in data.glob(pattern)) for name, pattern in STORED.items()}
    events = sum(file.stat().st_size for file in data.glob("jetstream/**/EVENTS_*/**/*.blk"))
    return {"history": sizes["history"], "ticks": sizes["ticks"], "journal": sizes["logs"], "events": events}


def measure(directory: Path, orders: int) -> dict[str, Any]:
    """Place, kill, stop, start."""
    (directory / "bench.yaml").write_text(MARKET)
    running = start_market(directory, str(directory / "bench.yaml"), "--no-bots")
    found: dict[str, Any] = {}
    try:
        begun = time.perf_counter()
        found["orders"] = asyncio.run(place(running, orders))
        found["orders_per_s"] = round(found["orders"] / (time.perf_counter() - begun))
        killed = time.perf_counter()
        pid = running.kill("ledger")
        found["ledger_killed_s"] = round(asyncio.run(answered(running, killed)), 2)
        running.wait_for_successor("ledger", pid)
        asyncio.run(at_rest(running))
        assert running.stop() == 0
        found["bytes"] = stored(running.data)
        begun = time.perf_counter()
        running = start_market(directory, "--no-bots")
        found["stopped_until_live_s"] = round(time.perf_counter() - begun, 2)
        asyncio.run(place(running, orders // 4))
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait()
        begun = time.perf_counter()
        running = start_market(directory, "--no-bots")
        found["all_killed_until_live_s"] = round(time.perf_counter() - begun, 2)
        found["order_then_s"] = round(asyncio.run(answered(running, begun)), 2)
        asyncio.run(at_rest(running))
        begun = time.perf_counter()
        assert running.ask("audit")["passed"]
        found["audit_s"] = round(time.perf_counter() - begun, 1)
    finally:
        running.stop()
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.restart")
    parser.add_argument("--orders", type=int, default=1_000_000)
    with tempfile.TemporaryDirectory() as directory:
        print(json.dumps(measure(Path(directory), parser.parse_args().orders)))
