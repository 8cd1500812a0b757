"""A leader that was frozen and wakes up after another has taken over: the log refuses it, and nothing is placed twice."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exchange.client import Client
from exchange.messages.administration import Credentials, Done
from exchange.messages.requests import Accepted, Submit
from tests.e2e.market_process import STOP_SECONDS_MAX, RunningMarket, StartMarket, environment
from tests.e2e.verdict import verify

PASSWORD = "a password of alice"
CASH = 1_000_000_000
REFUSED = ("AppendRefused", "LeaseLost", "LeaseUnanswered", "AppendDoubtful", "AppendUnanswered")
"""Which of them is first is chance; any of them ends the old leader, and the log has taken nothing of it."""


@contextmanager
def worker(market: RunningMarket, *module: str) -> Iterator[Path]:
    """A second worker, started by hand; the file with what it says."""
    log = market.directory / "second.log"
    command = [sys.executable, "-P", "-m", *module, "--data", str(market.data)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stderr=output, env=environment(market.directory))
    try:
        yield log
    finally:
        process.terminate()
        process.wait(STOP_SECONDS_MAX)


async def trader(market: RunningMarket) -> Client:
    operator = await market.connect("operator")
    request = Credentials("alice", PASSWORD, CASH, {"KRYP": 1_000})
    assert isinstance(await operator.request("admin.create_account", request, Done), Done)
    await operator.close()
    return await Client.connect(market.runtime["server"], "alice", PASSWORD, patience=30)


@pytest.mark.parametrize(
    ("name", "module"),
    [("ledger", ["exchange.ledger"]), ("engine-1", ["exchange.engine"])],
    ids=["ledger", "engine"],
)
async def test_a_frozen_leader_is_refused_by_the_log_and_exits(fresh_market: StartMarket, name: str, module: list[str]) -> None:
    market = fresh_market("--no-bots")
    alice = await trader(market)
    placed: dict[str, int] = {}

    async def send(number: int) -> None:
        side = "buy" if number % 2 else "sell"
        outcome = await alice.send(Submit(f"order-{number}", "KRYP", side, 5, price=205_000))
        assert isinstance(outcome, Accepted), outcome
        placed[f"order-{number}"] = outcome.order_id

    with worker(market, *module) as log:
        for number in range(10):
            await send(number)
        frozen = market.runtime["workers"][name]
        market.kill(name, signal.SIGSTOP)
        # What comes now lies in the frozen process's socket, or in the journal: it will want to write it when it wakes up.
        late = asyncio.create_task(send(10))
        await asyncio.to_thread(market.wait_until, lambda: "leading from" in log.read_text(), "nobody took over")
        await late
        market.kill(name, signal.SIGCONT)
        await asyncio.to_thread(market.wait_for_successor, name, frozen)
        for number in range(11, 20):
            await send(number)
        await alice.close()
        said = (market.data / "log" / f"{name}.log").read_text()
        assert any(reason in said for reason in REFUSED), said
        found = await verify(market, {"alice": placed})
    assert "20 acknowledged orders are there once each" in "\n".join(found)
