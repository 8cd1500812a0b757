"""What a market with more symbols costs: `python -m benchmarks.symbols`.

For each number of symbols a market of its own is started and then given the same flow at an even pace, spread over all of
them. Every account may owe shares, so that none need be handed out.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from cli.measurement import idle_use, running_market, runtime
from cli.usage import usage
from exchange.connection import connect
from exchange.load import Load, LoadResult, open_accounts
from exchange.settings import Settings
from exchange.traffic import OrderFlow
from exchange.wire import Wire

ACCOUNTS = [f"load{number}" for number in range(21)]
"""So many that each of them trades every symbol."""
CASH = 10_000_000_000_000
RULES = """title: Symbols
fees: {maker: 0, taker: 5}
limits: {open_orders: 5000, orders_per_second: 0}
bands: {order: 50, trade: 50}
risk: {mode: limits, overdraft: 1000000000, position: 1000000000}
symbols:
"""
PRICE = 1_000_000
TICK = 100
SETTLE_SECONDS = 5.0
"""After the start, in which all of it is published."""


def market_file(count: int) -> str:
    """A market with so many symbols."""
    return RULES + "".join(f"  - {{symbol: {symbol}, name: Number {symbol}, opening_price: 100}}\n" for symbol in names(count))


def names(count: int) -> list[str]:
    """Of so many symbols."""
    return [f"S{number}" for number in range(1, count + 1)]


async def measure(count: int, rate: float, seconds: float) -> dict[str, Any]:
    """All figures of one market."""
    with tempfile.TemporaryDirectory(prefix="exchange-symbols-") as directory:
        data = Path(directory)
        started = time.perf_counter()
        async with running_market(data, market_file(count)) as settings:
            figures: dict[str, Any] = {"symbols": count, "live_after_s": time.perf_counter() - started}
            client = await connect(settings.server, "bots", settings.secrets.bots, name="bench")
            await open_accounts(client, ACCOUNTS, CASH, {})
            await client.close()
            await asyncio.sleep(SETTLE_SECONDS)
            idle = await idle_use(data, seconds / 2)
            before = spent(data)
            result = await paced(settings, count, rate, seconds)
            used = {name: (end - before[name]) / result.seconds for name, end in spent(data).items()}
            figures |= {
                "idle_cores": idle["cores"],
                "memory_mb": idle["memory_mb"],
                "acknowledged_p50_ms": result.acknowledgement.p50,
                "acknowledged_p99_ms": result.acknowledgement.p99,
                "cores": sum(used.values()),
                "of_that": used,
            }
            if result.trade:
                figures |= {"trades": result.trade.count, "traded_p50_ms": result.trade.p50, "traded_p99_ms": result.trade.p99}
        return figures


async def paced(settings: Settings, count: int, rate: float, seconds: float) -> LoadResult:
    """New orders only, one a request. Raises RuntimeError when one is not answered or is refused."""
    flow = OrderFlow(ACCOUNTS, [(symbol, PRICE, TICK) for symbol in names(count)], 1, seed=time.time_ns(), cancels=False)
    wire = await Wire.open(settings.server, "bots", settings.secrets.bots)
    load = Load(wire, flow)
    load.follow_trades(ACCOUNTS)
    result = await load.open_loop(rate, seconds)
    wire.close()
    if result.unanswered or result.refused:
        raise RuntimeError(f"{result.unanswered} requests were not answered, {result.refused} orders refused")
    return result


def spent(data: Path) -> dict[str, float]:
    """Process → its processor seconds."""
    return {name: used.seconds for name, pid in runtime(data)["workers"].items() if (used := usage(pid))}


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.symbols", description=__doc__)
    parser.add_argument("--symbols", type=int, nargs="+", default=[1, 100, 5_000])
    parser.add_argument("--rate", type=float, default=1_000, help="orders a second (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10)
    arguments = parser.parse_args()
    for count in arguments.symbols:
        for name, value in (await measure(count, arguments.rate, arguments.seconds)).items():
            shown = {part: f"{cores:.3f}" for part, cores in value.items()} if isinstance(value, dict) else f"{value:,.2f}"
            print(f"{name:20} {shown}", flush=True)


if __name__ == "__main__":
    uvloop.run(main())
