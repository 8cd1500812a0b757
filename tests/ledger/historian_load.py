"""`make historian`: 30 000 trades a second for a minute into a historian on one core, which is killed at random meanwhile.

python -m tests.ledger.historian_load --seconds 60 --trades 30000

The worst flow there is: every trade fills two orders of its own, so that it costs the history six rows. The logs are written by
this program as fast as the clock says; the historian is a process of its own, with one core to itself and its threads. In the
end the file is opened and held against the arithmetic of what was written: every row is there, once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from importlib import resources
from pathlib import Path
from typing import Any, Final

import duckdb
import msgspec
from nats.aio.client import Client

from cli.usage import usage
from exchange.connection import connect
from exchange.digest import digest
from exchange.log import JetStreamLog
from exchange.messages.administration import HistoryQuestion
from exchange.messages.base import encode
from exchange.messages.events import Event, EventBatch, Moment, Rested, Traded
from exchange.messages.journal import DefineSymbol, Fees, Group, JournalBatch, OpenAccount, PlaceOrder
from exchange.parent import tie_to_parent
from exchange.secrets import load_secrets
from exchange.server import NatsServer, ServerOptions
from exchange.settings import MARKET_FILE, RUNTIME_FILE
from exchange.subjects import JOURNAL, events_log

TRADES_PER_BATCH: Final = 500
ACCOUNTS: Final = 20
PRICE: Final = 205_000
QUANTITY: Final = 10
START: Final = 1_700_000_000_000_000_000
CATCH_UP_SECONDS_MAX: Final = 300.0
CLEAN: Final = {
    "placed": "SELECT count(*), count(DISTINCT order_id), min(order_id), max(order_id) FROM placed",
    "queued": "SELECT count(*), count(DISTINCT order_id), min(order_id), max(order_id) FROM queued",
    "ended": "SELECT count(*), count(DISTINCT order_id), min(order_id), max(order_id) FROM ended WHERE filled = 10",
    "traded": "SELECT count(*), count(DISTINCT number), min(number), max(number) FROM traded WHERE trade_id = number",
}


class Writer:
    """Makes and appends the two logs."""

    def __init__(self, client: Client) -> None:
        self.logs = {name: JetStreamLog(client, name) for name in (JOURNAL, events_log(1))}
        self.numbers = dict.fromkeys(self.logs, 0)
        self.trades = 0
        self._digests = dict.fromkeys(self.logs, "")

    async def open(self) -> None:
        """The symbol and the accounts."""
        for log in self.logs.values():
            await log.create()
        symbol = DefineSymbol("KRYP", "Kryptonite", 1, 100, 1, PRICE, fees=Fees(2, 5))
        accounts = encode([OpenAccount(f"trader-{number}") for number in range(ACCOUNTS)])
        await self._journal([Group(1, msgspec.Raw(encode([symbol]))), Group(0, msgspec.Raw(accounts))])

    async def trade(self) -> None:
        """A batch of orders, and one of the events that they cause."""
        numbers = range(self.trades + 1, self.trades + TRADES_PER_BATCH + 1)
        self.trades += TRADES_PER_BATCH
        orders = [self._order(2 * number - 1, "sell") for number in numbers]
        orders += [self._order(2 * number, "buy") for number in numbers]
        await self._journal([Group(1, msgspec.Raw(encode(orders)))])
        events = list[Event]()
        for number in numbers:
            events.append(Rested(2 * number - 1, "KRYP", "sell", PRICE, QUANTITY))
            events.append(Traded("KRYP", number, 2 * number - 1, 2 * number, PRICE, QUANTITY, "buy"))
        log, journal = events_log(1), self.numbers[JOURNAL]
        moment = Moment(journal, START + journal, events)
        await self._append(log, encode(EventBatch(self.numbers[log] + 1, journal, self._digests[log], [moment])))

    def _order(self, order_id: int, side: Any) -> PlaceOrder:
        return PlaceOrder(order_id, f"trader-{order_id % ACCOUNTS}", f"c-{order_id}", "KRYP", side, QUANTITY, PRICE, QUANTITY)

    async def _journal(self, groups: list[Group]) -> None:
        number = self.numbers[JOURNAL] + 1
        through = {1: self.numbers[events_log(1)]} if self.numbers[events_log(1)] else {}
        await self._append(JOURNAL, encode(JournalBatch(number, START + number, self._digests[JOURNAL], through, groups)))

    async def _append(self, name: str, payload: bytes) -> None:
        self.numbers[name] += 1
        self._digests[name] = digest(payload)
        await self.logs[name].append(self.numbers[name], payload)


class Historian:
    """The process, on one core; whoever kills it starts it again, like `exchange up`."""

    def __init__(self, data: Path, core: int) -> None:
        self._data, self._core = data, core
        self.kills = 0
        self.seconds = 0.0
        """Of processor time, of all that have ended; starting and reading again what was not stored are in it."""
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        command = (sys.executable, "-P", "-m", "exchange.ledger.historian", "--data", str(self._data))
        pin = (lambda: os.sched_setaffinity(0, {self._core})) if hasattr(os, "sched_setaffinity") else None
        self._process = await asyncio.create_subprocess_exec(*command, preexec_fn=pin, stderr=asyncio.subprocess.DEVNULL)

    async def end(self, number: signal.Signals) -> None:
        """Send a signal and wait for its end."""
        assert self._process
        if (used := usage(self._process.pid)) is not None:
            self.seconds += used.seconds
        self._process.send_signal(number)
        await self._process.wait()

    async def die_at_random(self, chance: random.Random, mean_seconds: float) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(chance.uniform(0.5, 1.5) * mean_seconds)
            await self.end(signal.SIGKILL)
            self.kills += 1
            await self.start()


async def run(data: Path, seconds: float, rate: int, kill_seconds: float, seed: int) -> dict[str, Any]:
    """The whole, on a server of its own."""
    secrets = load_secrets(data)
    shutil.copy(str(resources.files("exchange").joinpath("market.yaml")), data / MARKET_FILE)
    async with NatsServer(ServerOptions(data=data), secrets, tie_to_parent()) as server:
        (data / RUNTIME_FILE).write_bytes(msgspec.json.encode({"server": server.url}))
        client = await connect(server.url, "worker", secrets.worker, name="load")
        writer, historian = Writer(client), Historian(data, (os.cpu_count() or 1) - 1)
        await writer.open()
        await historian.start()
        killing = asyncio.create_task(historian.die_at_random(random.Random(seed), kill_seconds)) if kill_seconds else None
        begun = time.perf_counter()
        while writer.trades < seconds * rate:
            await asyncio.sleep(max(0.0, begun + writer.trades / rate - time.perf_counter()))
            await writer.trade()
        wrote = time.perf_counter() - begun
        if killing:
            killing.cancel()
            await asyncio.gather(killing, return_exceptions=True)
            if historian._process and historian._process.returncode is not None:
                await historian.start()
        caught_up = await _catch_up(client, writer)
        sizes = {name: await log.size() for name, log in writer.logs.items()}
        await historian.end(signal.SIGTERM)
        await client.close()
    return {
        "trades": writer.trades,
        "trades_per_s": round(writer.trades / wrote),
        "kills": historian.kills,
        "caught_up_after_s": round(caught_up, 2),
        "processor_s": round(historian.seconds, 2),
        "whole": _check(data, writer.trades),
        "history_bytes": (data / "history.duckdb").stat().st_size,
        "log_bytes_uncompressed": sum(sizes.values()),
        "log_bytes_on_disk": sum(file.stat().st_size for file in (data / "jetstream").rglob("*.blk")),
    }


async def _catch_up(client: Client, writer: Writer) -> float:
    """Seconds until the historian answers for all that was written."""
    begun = time.perf_counter()
    question = encode(HistoryQuestion(writer.numbers[JOURNAL], {1: writer.numbers[events_log(1)]}))
    while time.perf_counter() - begun < CATCH_UP_SECONDS_MAX:
        try:
            answer = json.loads((await client.request("admin.history", question, timeout=30)).data)
        except Exception:  # It starts, or catches up.
            await asyncio.sleep(0.02)
            continue
        if answer.get("balances"):
            assert set(answer["sums"].values()) == {0}, answer["sums"]
            return time.perf_counter() - begun
    raise AssertionError("the historian has not caught up")


def _check(data: Path, trades: int) -> bool:
    with duckdb.connect(str(data / "history.duckdb"), read_only=True) as file:
        for table, query in CLEAN.items():
            expected = (trades, trades, 1, 2 * trades - 1) if table == "queued" else (2 * trades, 2 * trades, 1, 2 * trades)
            if table == "traded":
                expected = (trades, trades, 1, trades)
            found = file.execute(query).fetchone()
            assert found == expected, f"{table}: {found} instead of {expected}"
    return True


def measure(seconds: float, rate: int, kill_seconds: float, seed: int = 1) -> dict[str, Any]:
    """In a directory of its own."""
    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(run(Path(directory) / "market", seconds, rate, kill_seconds, seed))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.ledger.historian_load")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--trades", type=int, default=30_000, help="a second")
    parser.add_argument("--kill", type=float, default=6, help="seconds from one kill to the next, on average; 0 for none")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(json.dumps(measure(given.seconds, given.trades, given.kill, given.seed)))
