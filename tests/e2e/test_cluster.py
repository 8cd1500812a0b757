"""A market on three NATS servers loses the one that leads its journal, then its leading ledger. `make cluster` does more."""

from __future__ import annotations

from pathlib import Path

from exchange.client import Client
from exchange.connection import connect
from exchange.log import Chain, Entry
from exchange.messages.account import Portfolio
from exchange.messages.requests import Accepted, Submit
from exchange.secrets import load_secrets
from tests.e2e.cluster import ClusterTorture
from tests.e2e.market_process import RunningMarket, StartMarket
from tests.e2e.verdict import read_log

MARKET = """
title: Three servers
symbols:
  - {symbol: ONE, name: First, opening_price: 10}
  - {symbol: TWO, name: Second, opening_price: 20}
accounts: {cash: 1_000, shares: {ONE: 10, TWO: 10}}
shards: 2
replicas: 3
workers: {ledger: 2, engine: 1}
"""
PASSWORD = "correct horse battery staple"
PATIENCE_SECONDS = 120.0


async def place(alice: Client, number: int) -> int:
    """An order that rests, in one symbol or the other; its id."""
    symbol, price = (("ONE", 90_000), ("TWO", 190_000))[number % 2]
    outcome = await alice.send(Submit(f"order-{number}", symbol, "buy", 1, price=price))
    assert isinstance(outcome, Accepted), outcome
    return outcome.order_id


async def test_a_server_and_a_ledger_are_lost_and_no_order(fresh_market: StartMarket, tmp_path: Path) -> None:
    (tmp_path / "three.yaml").write_text(MARKET)
    market: RunningMarket = fresh_market(str(tmp_path / "three.yaml"))
    assert len(market.runtime["server"].split(",")) == 3
    market.ask("account", "create", "alice", password=PASSWORD)
    disasters = ClusterTorture(tmp_path, seed=1).disasters
    alice = await Client.connect(market.runtime["server"], "alice", PASSWORD, patience=PATIENCE_SECONDS)
    placed = [await place(alice, 0), await place(alice, 1)]
    for number, name in enumerate(("the nats-server that leads the journal killed", "leading ledger killed")):
        await disasters[name](market)
        placed += [await place(alice, 2 * number + 2), await place(alice, 2 * number + 3)]
    assert placed[0] == await place(alice, 0), "placed twice"
    portfolio = await alice.request("api.alice.portfolio", None, Portfolio)
    assert isinstance(portfolio, Portfolio), portfolio
    assert [order.order_id for order in portfolio.orders] == placed
    await alice.close()
    worker = await connect(market.runtime["server"], "worker", load_secrets(market.data).worker, name="verdict")
    journal, chain = await read_log(worker, "JOURNAL"), Chain("JOURNAL")
    await worker.close()
    for number, payload in enumerate(journal, 1):
        chain.check(Entry(number, payload))
    assert [b"".join(journal).count(b'"client_order_id":"order-%d"' % number) for number in range(6)] == [1] * 6
