"""The same load for a long time: whether memory, open files and latency stay as they are.

    python -m tests.e2e.soak --minutes 20

prints a row a minute, then how each process's memory went, and ends with exit code 1 if anything grew. What DuckDB keeps of
the blocks it wrote last grows until its limit is reached, so it is shown apart, and does not count.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from statistics import linear_regression, median

from prometheus_client.parser import text_string_to_metric_families

from cli.usage import usage
from exchange.connection import connect
from exchange.load import Load, LoadResult, open_accounts
from exchange.metrics import CACHE
from exchange.secrets import load_secrets
from exchange.traffic import OrderFlow
from exchange.wire import Wire
from tests.e2e.market_process import RunningMarket, start_market

MARKET = """
title: Soak
symbols:
  - {symbol: AAA, name: First, opening_price: 100}
  - {symbol: BBB, name: Second, opening_price: 20}
  - {symbol: CCC, name: Third, opening_price: 5}
fees: {maker: 0, taker: 5}
shards: 2
limits: {open_orders: 5000, orders_per_second: 0}
"""
SYMBOLS = [("AAA", 1_000_000, 100), ("BBB", 200_000, 100), ("CCC", 50_000, 100)]
ACCOUNTS = [f"load{number}" for number in range(20)]
CASH = 10_000_000_000_000
SHARES = 1_000_000_000
WARM_UP_SHARE = 0.25
"""Of the time: caches fill, and ten thousand client order ids of each account come to be remembered."""
GROWTH_MAX = 0.1
"""Of a process's memory, from after the warm-up to the end, by the slope of a straight line."""
FILES_MORE_MAX = 4
"""Connections of whoever just looks at something."""
LATENCY_TIMES_MAX = 3.0
"""The end's median to the beginning's; other programs share the machine."""


@dataclass
class Process:
    """What one process has used, minute by minute."""

    pid: int
    memory: list[float] = field(default_factory=list)
    """Megabytes, without DuckDB's …"""
    cache: list[float] = field(default_factory=list)
    """… and DuckDB's."""
    files: list[int] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    """What it said last, each time that it ended: nothing may end. From then on its successor is looked at."""

    def look(self, pid: int, log: Path, http: str) -> None:
        """Once more; `pid` is who does the work now, `http` where it says how it is."""
        if pid != self.pid:
            self.ends.append((log.read_text().splitlines() or [""])[-1][:300] if log.exists() else "")
            self.pid, self.memory, self.cache, self.files = pid, [], [], []
        if used := usage(self.pid):
            self.cache.append(duckdb_memory(http) if http else 0.0)
            self.memory.append(used.memory / 1e6 - self.cache[-1])
            self.files.append(len(os.listdir(f"/proc/{self.pid}/fd")))

    @property
    def slope(self) -> float:
        """Megabytes a minute, after the warm-up."""
        rest = self.memory[int(len(self.memory) * WARM_UP_SHARE) :]
        return linear_regression(range(len(rest)), rest).slope

    @property
    def growth(self) -> float:
        """By how much of itself it has grown since."""
        rest = self.memory[int(len(self.memory) * WARM_UP_SHARE) :]
        return self.slope * (len(rest) - 1) / rest[0]


def duckdb_memory(http: str) -> float:
    """Megabytes, by the worker's own word."""
    with urllib.request.urlopen(f"{http}/metrics", timeout=30) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    return sum(sample.value for family in families if family.name == CACHE._name for sample in family.samples) / 1e6


async def soak(market: RunningMarket, minutes: int, rate: float, seconds: float) -> tuple[dict[str, Process], list[LoadResult]]:
    """So many minutes of load, each of `seconds`."""
    secrets = load_secrets(market.data)
    server = market.runtime["server"]
    bots = await connect(server, "bots", secrets.bots, name="soak")
    await open_accounts(bots, ACCOUNTS, CASH, dict.fromkeys(("AAA", "BBB", "CCC"), SHARES))
    await bots.close()
    processes = {name: Process(pid) for name, pid in market.runtime["workers"].items()}
    processes["supervisor"] = Process(market.process.pid)
    flow = OrderFlow(ACCOUNTS, SYMBOLS, 1, seed=time.time_ns(), cancels=False)
    results: list[LoadResult] = []
    for minute in range(minutes):
        wire = await Wire.open(server, "bots", secrets.bots)
        result = await Load(wire, flow).open_loop(rate, seconds)
        wire.close()
        now = market.runtime["workers"] | {"supervisor": market.process.pid}
        health = await asyncio.to_thread(market.ask, "status")
        places = {one["pid"]: one["http"] for one in health["health"]}
        for name, process in processes.items():
            process.look(now[name], market.data / "log" / f"{name}.log", places.get(now[name], ""))
        results.append(result)
        total = sum(process.memory[-1] + process.cache[-1] for process in processes.values() if process.memory)
        latency = result.acknowledgement
        print(
            f"{minute + 1:>4}  {result.orders_per_s:>6.0f} orders/s  p50 {latency.p50:>7.2f} ms  p99 {latency.p99:>8.2f} ms"
            f"  {total:>5.0f} MB  {sum(process.files[-1] for process in processes.values() if process.files):>4} files"
            f"{f'  {result.unanswered} answers outstanding' if result.unanswered else ''}",
            flush=True,
        )
    return processes, results


def judge(processes: dict[str, Process], results: list[LoadResult]) -> list[str]:
    """What has grown, in sentences."""
    found = []
    for name, process in processes.items():
        found += [f"{name} ended, its log said at last: {line}" for line in process.ends]
        if len(process.memory) < 3:
            continue  # Too little to say anything of.
        if process.growth > GROWTH_MAX:
            found.append(f"{name} grew by {process.growth:.0%}, {process.slope:.2f} MB a minute")
        if process.files[-1] > process.files[0] + FILES_MORE_MAX:
            found.append(f"{name} had {process.files[0]} files open and has {process.files[-1]}")
    quarter = max(1, len(results) // 4)
    before, after = (median(row.acknowledgement.p50 for row in rows) for rows in (results[:quarter], results[-quarter:]))
    if after > LATENCY_TIMES_MAX * before:
        found.append(f"acknowledgements took {before:.2f} ms at first and {after:.2f} ms at the end")
    return found


def table(processes: dict[str, Process]) -> str:
    """For docs/performance.md."""
    lines = [
        "| process | after a minute | after the warm-up | at the end | slope a minute | DuckDB's besides | files |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, process in processes.items():
        memory, files = process.memory, process.files
        if len(memory) < 3:
            continue
        warm = memory[int(len(memory) * WARM_UP_SHARE)]
        cache = f"{process.cache[0]:.0f} → {process.cache[-1]:.0f} MB" if process.cache[-1] else ""
        lines.append(
            f"| {name} | {memory[0]:.0f} MB | {warm:.0f} MB | {memory[-1]:.0f} MB "
            f"| {process.slope:+.2f} MB | {cache} | {files[0]} → {files[-1]} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.soak", description=__doc__)
    parser.add_argument("--minutes", type=int, default=20)
    parser.add_argument("--rate", type=float, default=2_000, help="orders a second")
    parser.add_argument("--seconds", type=float, default=60.0, help="of a minute, for trying it out")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="exchange-soak-") as directory:
        rules = Path(directory) / "soak.yaml"
        rules.write_text(MARKET)
        market = start_market(Path(directory), str(rules))
        try:
            processes, results = asyncio.run(soak(market, arguments.minutes, arguments.rate, arguments.seconds))
            print(table(processes))
        finally:
            market.stop()
    if found := judge(processes, results):
        raise SystemExit("\n".join(found))
    print("nothing grew")


if __name__ == "__main__":
    main()
