"""The past of a running market, from the command line: explained, stated, exported, and rebuilt."""

from __future__ import annotations

import pytest

from tests.e2e.market_process import RunningMarket

PASSWORD = "a long password"


@pytest.fixture(scope="module")
def erin(market: RunningMarket) -> str:
    created = market.cli("account", "create", "erin", "--cash", "10000", "--shares", "PUPS=500", password=PASSWORD)
    assert created.returncode == 0, created.stderr
    return "erin"


def test_time_travel_gives_what_was_true_then(market: RunningMarket, erin: str) -> None:
    order = market.ask("--as", erin, "buy", "PUPS", "10", "--limit", "1.00")["order_id"]
    then = market.ask("audit")
    portfolio = market.ask("--as", erin, "portfolio")
    market.ask("--as", erin, "cancel", str(order))
    market.wait_until(lambda: market.ask("--as", erin, "orders") == [], "the order was not cancelled")
    moment = market.ask("replay", "--until", str(then["journal"]), "--show", erin, "--book", "PUPS")
    assert moment["digest"] == then["digest"]
    (rebuilt,) = moment["portfolios"]
    assert [row["order_id"] for row in rebuilt["orders"]] == [order]
    assert (rebuilt["cash"], rebuilt["cash_held"]) == (portfolio["cash"], portfolio["cash_held"])
    bids, asks = moment["books"]["PUPS"]
    assert [10_000, 10] in bids
    assert [price for price, _ in bids] == sorted((price for price, _ in bids), reverse=True)
    assert not asks or asks[0][0] > bids[0][0]
    shown = market.cli("replay", "--until", str(then["journal"]), "--show", erin, "--book", "PUPS")
    assert then["digest"] in shown.stdout
    beyond = market.cli("replay", "--until", "99999999")
    assert (beyond.returncode, beyond.stderr.count("\n")) == (2, 1)
    assert "there was no account nobody" in market.cli("replay", "--until", "9", "--show", "nobody").stderr


def test_an_order_of_a_frozen_account_is_explained(market: RunningMarket, erin: str) -> None:
    order = market.ask("--as", erin, "buy", "PUPS", "5", "--limit", "1.00")["order_id"]
    assert market.cli("account", "freeze", erin, "--reason", "a look").returncode == 0
    market.wait_until(lambda: market.ask("--as", erin, "orders") == [], "the order was not cancelled")
    refused = market.cli("--as", erin, "buy", "PUPS", "5", "--limit", "1.00", "--client-id", "frozen-out")
    assert "(account_frozen)" in refused.stderr
    market.wait_until(lambda: market.ask("--as", erin, "history")[0]["status"] == "cancelled", "history does not know it")
    told = market.ask("explain", str(order))
    assert told["steps"][-1]["reason"] == "account_frozen"
    assert told == market.ask("--as", erin, "explain", str(order))
    (refusal,) = market.ask("--as", erin, "explain", "frozen-out")["refusals"]
    assert refusal["reason"] == "account_frozen"
    assert market.cli("account", "reset", erin).stdout == "erin has what it started with\n"
    assert market.ask("--as", erin, "portfolio")["standing"] == "frozen"
    assert market.cli("account", "unfreeze", erin).returncode == 0


def test_sql_statement_and_export(market: RunningMarket, erin: str) -> None:
    found = market.ask("sql", "SELECT count(*) FROM transfers WHERE target = 'erin'")
    assert found["rows"][0][0] >= 2
    assert "(not_allowed)" in market.cli("sql", "DELETE FROM names").stderr
    assert market.cli("--as", erin, "statement", erin, "--csv").stdout.startswith("time,kind,asset,amount,balance")
    statement = market.ask("statement", erin)
    assert statement == market.ask("--as", erin, "statement", erin)
    assert statement["closing"] == {"CASH": 100_000_000, "PUPS": 500}
    directory = market.directory / "exported"
    files = market.ask("export", str(directory), "--format", "csv")["files"]
    assert {path.name for path in directory.iterdir()} == set(files)
    assert market.cli("export", str(directory)).returncode == 2, "it is not empty any more"
    assert market.ask("audit")["passed"]
