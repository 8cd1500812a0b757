"""Measures what this machine can do, each end-to-end figure beside the floor measured in the same run.

Parts that need no market run in the worker's own package, as `python -P -m exchange.<service>.bench`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import nats.errors

from exchange import subjects
from exchange.connection import connect
from exchange.load import Load, open_accounts
from exchange.log import JetStreamLog
from exchange.messages.base import encode
from exchange.messages.requests import Submit
from exchange.parent import tie_to_parent
from exchange.settings import RUNTIME_FILE, Settings, load_settings
from exchange.traffic import OrderFlow, Request
from exchange.wire import Wire

from .usage import usage

MARKET: Final = """
title: Benchmark
symbols:
  - {symbol: AAA, name: First, opening_price: 100}
  - {symbol: BBB, name: Second, opening_price: 20}
  - {symbol: CCC, name: Third, opening_price: 5}
fees: {maker: 0, taker: 5}
limits: {open_orders: 5000, orders_per_second: 0}
"""
SYMBOLS: Final = [("AAA", 1_000_000, 100), ("BBB", 200_000, 100), ("CCC", 50_000, 100)]
ACCOUNTS: Final = [f"load{number}" for number in range(20)]
CASH: Final = 10_000_000_000_000
SHARES: Final = 1_000_000_000
LATENCY_RATE: Final = 2_000
START_SECONDS_MAX: Final = 30.0
SINGLE_WINDOW: Final = 512
TWENTY_WINDOW: Final = 128

Report = Callable[[str], None]


class Echo:
    """Traffic for the floor: requests as large as orders, to a service that only answers."""

    def __init__(self, payload: bytes) -> None:
        self._request = Request(b"floor.echo", payload, 1, 0)

    def next(self) -> Request:
        """The same again."""
        return self._request


ECHO_SERVICE: Final = """
import asyncio, sys, uvloop
from pathlib import Path
import nats.errors

from exchange import subjects
from exchange.connection import connect
from exchange.settings import load_settings

async def main():
    settings = load_settings(Path(sys.argv[1]))
    client = await connect(settings.server, "worker", settings.secrets.worker, name="echo")
    async def answer(message):
        await client.publish(message.reply, message.data)
    await client.subscribe("floor.echo", cb=answer)
    await client.flush()
    print("ready", flush=True)
    await asyncio.Event().wait()

uvloop.run(main())
"""


def run_bench(quick: bool, stored_trades: int, report: Report) -> dict[str, Any]:
    """All figures as nested dictionaries. `report` hears what is going on. Raises RuntimeError when a part fails."""
    report("matching, in process")
    figures = _module("exchange.engine.bench", "--commands", "200000" if quick else "1000000")
    report("the ledger's gate, in process")
    figures |= _module("exchange.ledger.bench")
    report(f"market data: ingest, and queries among {stored_trades:,} trades")
    figures |= _module("exchange.ticks.bench", "--trades", str(stored_trades), "--ingest", "200000" if quick else "500000")
    report("market data: from the log to fifty subscribers, and catching up")
    arguments = ("--seconds", "3", "--trades", "300000") if quick else ()
    figures["ticks"] |= _module("exchange.ticks.live_bench", *arguments)
    with tempfile.TemporaryDirectory(prefix="exchange-bench-") as directory:
        figures |= asyncio.run(_whole(Path(directory), 4.0 if quick else 15.0, report))
    return figures


def _module(module: str, *arguments: str) -> dict[str, Any]:
    finished = subprocess.run([sys.executable, "-P", "-m", module, *arguments], capture_output=True, text=True, check=False)
    if finished.returncode:
        raise RuntimeError(f"{module} failed: {finished.stderr.strip().splitlines()[-1:]}")
    figures: dict[str, Any] = json.loads(finished.stdout)
    return figures


async def _whole(directory: Path, seconds: float, report: Report) -> dict[str, Any]:
    report("starting a market")
    async with running_market(directory, MARKET) as settings:
        report("idle")
        idle = await idle_use(directory, seconds)
        bots = await connect(settings.server, "bots", settings.secrets.bots, name="bench")
        await open_accounts(bots, ACCOUNTS, CASH, {symbol: SHARES for symbol, _, _ in SYMBOLS})
        await bots.close()
        report("floor: an echo service, and bare appends, on the same server")
        floor = await _floor(settings, seconds / 2)
        end_to_end: dict[str, Any] = {}
        for name, per_request, window in (("single", 1, SINGLE_WINDOW), ("twenty", 20, TWENTY_WINDOW)):
            report(f"end to end, {name} order{'s' if per_request > 1 else ''} a request")
            end_to_end[name] = await _end_to_end(settings, per_request, window, seconds)
            end_to_end[name]["floor_ratio"] = end_to_end[name]["orders_per_s"] / (per_request * floor["echo_per_s"])
        report("fail-over: the ledger is killed")
        failover = {"ledger_seconds": await _fail_over(settings)}
        report("recovery from the logs alone")
        ledger = await asyncio.to_thread(_module, "exchange.ledger.audit", "--data", str(directory))
        engine = await asyncio.to_thread(_module, "exchange.engine.audit", "--data", str(directory), "--shard", "1")
        recovery = {
            "orders_per_s": ledger["orders"] / max(ledger["seconds"], engine["seconds"]),
            "ledger_seconds": ledger["seconds"],
            "engine_seconds": engine["seconds"],
            "orders": ledger["orders"],
        }
    return {"floor": floor, "end_to_end": end_to_end, "failover": failover, "idle": idle, "recovery": recovery}


async def _fail_over(settings: Settings) -> float:
    """Seconds from kill -9 of the ledger to the acknowledgement of an order sent at once, and again until it is answered."""
    os.kill(runtime(settings.data)["workers"]["ledger"], signal.SIGKILL)
    started = time.perf_counter()
    client = await connect(settings.server, "bots", settings.secrets.bots, name="bench")
    symbol, price, _ = SYMBOLS[0]
    order = encode(Submit(f"failover-{time.time_ns()}", symbol, "buy", 1, price=price))
    while time.perf_counter() - started < START_SECONDS_MAX:
        with contextlib.suppress(nats.errors.Error, TimeoutError):
            await client.request(subjects.orders(ACCOUNTS[0]), order, timeout=0.25)
            await client.close()
            return time.perf_counter() - started
        await asyncio.sleep(0.02)
    raise RuntimeError("the ledger did not come back")


async def idle_use(data: Path, seconds: float) -> dict[str, float]:
    """What all processes of the market use while nobody trades."""
    pids = list(runtime(data)["workers"].values())
    before = [usage(pid) for pid in pids]
    await asyncio.sleep(seconds)
    after = [usage(pid) for pid in pids]
    spent = sum(end.seconds - start.seconds for start, end in zip(before, after, strict=True) if start and end)
    return {"cores": spent / seconds, "memory_mb": sum(end.memory for end in after if end) / 1e6}


@contextlib.asynccontextmanager
async def running_market(data: Path, text: str) -> AsyncIterator[Settings]:
    """A market of its own, without bots, made of the text of a market file."""
    market = data / "bench.yaml"
    market.write_text(text)
    command = [sys.executable, "-P", "-m", "exchange.cli", "up", str(market), "--data", str(data), "--no-bots"]
    command += ["--port", "0", "--nats-port", "0", "--ws-port", "0"]
    process = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=PIPE, preexec_fn=tie_to_parent())
    assert process.stderr is not None
    try:
        async with asyncio.timeout(START_SECONDS_MAX):
            while not runtime(data).get("live"):
                if process.returncode is not None:
                    raise RuntimeError(f"the market did not start: {(await process.stderr.read()).decode()}")
                await asyncio.sleep(0.05)
        yield load_settings(data)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.wait()


def runtime(data: Path) -> dict[str, Any]:
    """What `exchange up` has told of itself so far."""
    try:
        told: dict[str, Any] = json.loads((data / RUNTIME_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return told


async def _floor(settings: Settings, seconds: float) -> dict[str, float]:
    command = [sys.executable, "-P", "-c", ECHO_SERVICE, str(settings.data)]
    service = await asyncio.create_subprocess_exec(*command, stdout=PIPE, preexec_fn=tie_to_parent())
    try:
        assert service.stdout is not None
        await service.stdout.readline()
        wire = await Wire.open(settings.server, "worker", settings.secrets.worker)
        payload = OrderFlow(ACCOUNTS, SYMBOLS, 1, seed=1).next().payload
        echo = await Load(wire, Echo(payload)).closed_loop(SINGLE_WINDOW, seconds)
        wire.close()
        wire = await Wire.open(settings.server, "worker", settings.secrets.worker)
        paced = await Load(wire, Echo(payload)).open_loop(LATENCY_RATE, seconds)
        wire.close()
    finally:
        service.terminate()
        await service.wait()
    client = await connect(settings.server, "worker", settings.secrets.worker, name="floor")
    log = JetStreamLog(client, "FLOOR")
    await log.create()
    started = time.perf_counter()
    number = 0
    while time.perf_counter() - started < seconds / 2:
        number += 1
        await log.append(number, payload)
    appends = number / (time.perf_counter() - started)
    await client.jetstream().delete_stream("FLOOR")
    await client.close()
    return {"echo_per_s": echo.commands_per_s, "echo_p50_ms": paced.acknowledgement.p50, "append_per_s": appends}


async def _end_to_end(settings: Settings, per_request: int, window: int, seconds: float) -> dict[str, float]:
    flow = OrderFlow(ACCOUNTS, SYMBOLS, per_request, seed=time.time_ns(), cancels=False)
    wire = await Wire.open(settings.server, "bots", settings.secrets.bots)
    load = Load(wire, flow)
    load.follow_trades(ACCOUNTS)
    paced = await load.open_loop(LATENCY_RATE / per_request, seconds)  # First: afterwards the historian has to catch up.
    wire.close()
    wire = await Wire.open(settings.server, "bots", settings.secrets.bots)
    full = await Load(wire, flow).closed_loop(window, seconds)
    wire.close()
    for result in (paced, full):
        if result.unanswered or result.refused:
            raise RuntimeError(f"{result.unanswered} requests were not answered, {result.refused} orders refused")
    assert paced.trade is not None
    return {
        "orders_per_s": full.orders_per_s,
        "ack_p50_ms": paced.acknowledgement.p50,
        "ack_p99_ms": paced.acknowledgement.p99,
        "ack_p999_ms": paced.acknowledgement.p999,
        "trade_p50_ms": paced.trade.p50,
        "trade_p99_ms": paced.trade.p99,
    }
