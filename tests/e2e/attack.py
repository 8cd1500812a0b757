"""What a normal trader notices of greedy clients: `python -m tests.e2e.attack [ATTACK …]`, or `make attack`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from exchange.client import Client
from exchange.load import Load, Percentiles
from exchange.messages.administration import Credentials, Done
from exchange.messages.logins import NewKey, Secret
from exchange.permissions import OPERATOR
from exchange.secrets import load_secrets
from exchange.subjects import auth
from exchange.traffic import OrderFlow
from exchange.wire import Wire
from tests.e2e.attackers import ATTACKS
from tests.e2e.market_process import RunningMarket, start_market

PASSWORD = "nobody's password"
TRADER = "trader"
RATE = 200
"""Orders a second of the trader who is measured."""
SYMBOLS = [("KRYP", 205_000, 100), ("ADAM", 1_420_000, 500), ("PUPS", 72_500, 100)]
FACTOR_MAX = 3.0
NICE = 10
"""Of the attacker: on one machine with the market, what is measured should be its doing and not its share of the processors."""
FLOOR_MS = 20.0
"""A p99 below this is good under any attack: on a busy machine a quiet one may be anything under it."""


class Result(NamedTuple):
    """One measurement."""

    name: str
    latency: Percentiles
    unanswered: int
    unharmed: bool
    """No worker died of it."""


async def new_key(market: RunningMarket, account: str) -> str:
    """An account with cash and shares, and a key for it."""
    operator = await Client.connect(market.runtime["server"], OPERATOR, load_secrets(market.data).operator)
    async with operator:
        shares = {symbol: 1_000_000 for symbol, _, _ in SYMBOLS}
        made = await operator.request("admin.create_account", Credentials(account, PASSWORD, 10**12, shares), Done, seconds=15)
        assert isinstance(made, Done), made
        key = await operator.request(auth(account, "key"), NewKey("attack"), Secret)
        assert isinstance(key, Secret), key
        return key.secret


async def measure(market: RunningMarket, key: str, seconds: float) -> tuple[Percentiles, int]:
    """Orders at an even rate; what their acknowledgements take."""
    wire = await Wire.open(market.runtime["server"], TRADER, key)
    return await load(wire, seconds)


async def load(wire: Wire, seconds: float) -> tuple[Percentiles, int]:
    """The same over a connection that is there."""
    flow = OrderFlow([TRADER], SYMBOLS, 1, seed=time.time_ns())
    result = await Load(wire, flow).open_loop(RATE, seconds)
    wire.close()
    return result.acknowledgement, result.unanswered


@asynccontextmanager
async def attacking(market: RunningMarket, name: str, nice: int = NICE) -> AsyncIterator[None]:
    """Somebody whom the market does not know yet attacks it, from here on to the end of the block."""
    key = await new_key(market, f"mallory-{name}")
    command = [sys.executable, "-m", "tests.e2e.attackers", name, market.runtime["server"], f"mallory-{name}", str(nice)]
    environment = os.environ | {"EXCHANGE_KEY": key, "PYTHONPATH": str(Path(__file__).parents[2])}
    attacker = await asyncio.create_subprocess_exec(*command, env=environment)
    try:
        yield
        assert attacker.returncode is None, f"the attacker {name} has ended by itself"
    finally:
        if attacker.returncode is None:
            attacker.kill()
        await attacker.wait()


async def under_attack(market: RunningMarket, key: str, name: str, seconds: float) -> Result:
    """The same while somebody attacks, from the attack's first moment on."""
    workers = market.runtime["workers"]
    wire = await Wire.open(market.runtime["server"], TRADER, key)
    async with attacking(market, name):
        latency, unanswered = await load(wire, seconds)
    return Result(name, latency, unanswered, market.runtime["workers"] == workers)


async def run(market: RunningMarket, names: list[str], seconds: float) -> list[Result]:
    """The quiet market first, then each attack on it, and what they leave behind."""
    key = await new_key(market, TRADER)
    await measure(market, key, min(seconds, 2.0))  # The first orders of a process are slower.
    results = [Result("quiet", *await measure(market, key, seconds), True)]
    for name in names:
        results.append(await under_attack(market, key, name, seconds))
        print(line(results[-1], results[0]), flush=True)
    return [*results, Result("quiet again", *await measure(market, key, seconds), True)]


def line(result: Result, quiet: Result) -> str:
    """A row of the table."""
    latency = result.latency
    harm = "" if result.unharmed and not result.unanswered else f"  workers died or {result.unanswered} unanswered"
    factor = latency.p99 / quiet.latency.p99
    return f"| {result.name} | {latency.p50:.1f} | {latency.p99:.1f} | {latency.maximum:.1f} | {factor:.1f} |{harm}"


def main() -> None:
    """Measure and print; exit code 1 when somebody was hurt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("attacks", nargs="*", metavar="ATTACK", default=[], help=", ".join([*ATTACKS, "connections"]))
    parser.add_argument("--seconds", type=float, default=60.0, help="of each attack; a banned client is out for as long")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        market = start_market(Path(folder))
        try:
            names = arguments.attacks or [*ATTACKS, "connections"]
            results = asyncio.run(run(market, names, arguments.seconds))
        finally:
            market.stop()
    quiet = results[0]
    print("\n| attack | p50 ms | p99 ms | longest | × quiet p99 |\n|---|---:|---:|---:|---:|")
    for result in results:
        print(line(result, quiet))
    limit = max(FACTOR_MAX * quiet.latency.p99, FLOOR_MS)
    if any(result.latency.p99 > limit or result.unanswered or not result.unharmed for result in results):
        sys.exit(f"somebody was hurt: a p99 above {limit:.1f} ms, an answer missing, or a worker dead")


if __name__ == "__main__":
    main()
