"""python -m tests.e2e.bots_load: how much of a core the bots worker needs for so many rule bots and so many ticks a second.

A real market without bots of its own; the bots are started by requests, as anybody's are. The ticks (a trade and a quote each)
are published by this program in place of the ticks worker, so that only the bots worker is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

from exchange import subjects
from exchange.connection import connect
from exchange.messages.administration import NewAccount
from exchange.messages.base import encode
from exchange.messages.bots import BotText
from exchange.messages.market_data import PublicTrade, Quote, Trades
from exchange.settings import load_settings
from tests.e2e.market_process import start_market

PRICES = {"KRYP": 205_000, "ADAM": 1_420_000, "PUPS": 72_500}
TICKS = {"KRYP": 100, "ADAM": 500, "PUPS": 100}
BOTS_PER_ACCOUNT = 100
RULES = """
bot: {name}
symbol: {symbol}
limits: {{position: 500, loss: 1000, orders_per_minute: 60}}
rules:
  - when: last >= {high} and volume(1m) > 2 * average(volume, 20m)
    do: buy 1 at {high} for 30s
    then:
      - when: last >= {higher} or unrealized < -50
        do: sell position at market
    again: after 5m
  - when: last crosses above sma(20, 1m) * 1.5 for 5s
    do: log "up"
    again: yes
"""


def cpu_seconds(pid: int) -> float:
    """Of a process, so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Resident."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


async def run(directory: Path, bots: int, ticks: int, seconds: float) -> dict[str, float]:
    market = start_market(directory, "--no-bots")
    try:
        settings = load_settings(market.data)
        client = await connect(settings.server, "worker", settings.secrets.worker, name="load")
        started = time.monotonic()
        await start_bots(client, bots)
        starting = time.monotonic() - started
        pid = market.runtime["workers"]["bots"]
        before, begun = cpu_seconds(pid), time.monotonic()
        await asyncio.sleep(seconds / 4)
        idle = (cpu_seconds(pid) - before) / (time.monotonic() - begun)
        before, begun = cpu_seconds(pid), time.monotonic()
        sent = await publish(client, ticks, seconds)
        elapsed = time.monotonic() - begun
        busy = (cpu_seconds(pid) - before) / elapsed
        listed = await client.request(subjects.api("load-0", "bots.list"), b"", timeout=5)
        assert listed.data.count(b'"running"') == min(bots, BOTS_PER_ACCOUNT), listed.data[:500]
        await client.close()
        return {
            "bots": bots,
            "ticks_per_s": round(sent / elapsed),
            "cores": round(busy, 3),
            "idle_cores": round(idle, 3),
            "start_s": round(starting, 1),
            "mb": round(memory_mb(pid)),
        }
    finally:
        market.stop()


async def start_bots(client: Any, bots: int) -> None:
    pick = Random(1)
    for number in range(0, bots, BOTS_PER_ACCOUNT):
        account = NewAccount(f"load-{number // BOTS_PER_ACCOUNT}", 10**12, dict.fromkeys(PRICES, 10000))
        await client.request(subjects.admin("open_account"), encode(account), timeout=5)
    for number in range(bots):
        symbol = list(PRICES)[number % 3]
        high = PRICES[symbol] * pick.uniform(1.2, 2) / 10_000
        text = RULES.format(name=f"bot-{number}", symbol=symbol, high=f"{high:.2f}", higher=f"{high * 1.02:.2f}")
        subject = subjects.api(f"load-{number // BOTS_PER_ACCOUNT}", "bots.start")
        answer = await client.request(subject, encode(BotText(text)), timeout=10)
        assert b"running" in answer.data, answer.data


async def publish(client: Any, ticks: int, seconds: float) -> int:
    """So many ticks a second, dealt to the symbols in turn, at even distances."""
    pick, begun, sent = Random(2), time.monotonic(), 0
    prices = dict(PRICES)
    while (now := time.monotonic() - begun) < seconds:
        while sent < now * ticks:
            symbol = list(prices)[sent % 3]
            tick = TICKS[symbol]
            prices[symbol] = max(
                PRICES[symbol] - 100 * tick, min(PRICES[symbol] + 100 * tick, prices[symbol] + pick.randint(-2, 2) * tick)
            )
            price, stamp = prices[symbol], time.time_ns()
            trade = PublicTrade(sent + 1, price, pick.randint(1, 200), "buy", stamp)
            await client.publish(subjects.trade(symbol), encode(Trades(symbol, [trade])))
            quote = Quote(symbol, sent + 1, sent, stamp, price - tick, 100, price + tick, 100)
            await client.publish(subjects.quote(symbol), encode(quote))
            sent += 1
        await client.flush()
        await asyncio.sleep(0.002)
    return sent


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.bots_load")
    parser.add_argument("--bots", type=int, default=1_000)
    parser.add_argument("--ticks", type=int, default=200, help="a second, over all three symbols")
    parser.add_argument("--seconds", type=float, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        print(asyncio.run(run(Path(directory), arguments.bots, arguments.ticks, arguments.seconds)))


if __name__ == "__main__":
    main()
