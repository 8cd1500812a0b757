"""Phases, auctions, groups and an account's rules on the command line, against a whole running market without bots."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.e2e.market_process import RunningMarket, StartMarket

PASSWORD = "a long password"
MARKET = """
title: Day
symbols:
  - symbol: KRYP
    name: Kryptonite
    opening_price: 20
    schedule: {{timezone: Etc/GMT{zone:+d}, pre_open: "00:00", continuous: "23:58", closed: "23:59"}}
  - {{symbol: ADAM, name: Adamantium, opening_price: 142, tick: 0.05, bands: {{order: 20, trade: 1, auction: 1s}}}}
"""


@pytest.fixture
def market(fresh_market: StartMarket, tmp_path: Path) -> RunningMarket:
    """Where it is noon now: KRYP waits for its opening, ADAM is always continuous. Erin and frank trade."""
    rules = tmp_path / "day.yaml"
    rules.write_text(MARKET.format(zone=datetime.now(UTC).hour - 12))
    market = fresh_market(str(rules), "--no-bots")
    for name in ("erin", "frank"):
        shares = ("--shares", "KRYP=500", "--shares", "ADAM=500")
        created = market.cli("account", "create", name, "--cash", "100000", *shares, password=PASSWORD)
        assert created.returncode == 0, created.stderr
    return market


def said(market: RunningMarket, account: str, line: str) -> list[str]:
    finished = market.cli("--as", account, *line.split())
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.splitlines()


def refused(market: RunningMarket, account: str, line: str) -> str:
    finished = market.cli("--as", account, *line.split())
    assert finished.returncode == 1, finished.stdout
    return finished.stderr.strip().removeprefix("exchange: refused: ")


def open_orders(market: RunningMarket, account: str) -> list[tuple[int, int]]:
    return [(order["order_id"], order["remaining"]) for order in market.ask("--as", account, "orders")]


def test_an_opening_auction(market: RunningMarket) -> None:
    """Four orders that cross: at 20.10 most would trade, and both sides pay as takers."""
    assert refused(market, "erin", "buy KRYP 10").endswith("(auction)")
    said(market, "erin", "buy KRYP 100 --limit 20.20")
    said(market, "erin", "buy KRYP 50 --limit 20.10 --tif opg")
    said(market, "frank", "sell KRYP 80 --limit 20")
    said(market, "frank", "sell KRYP 40 --limit 20.10")
    said(market, "frank", "sell KRYP 9 --tif cls")
    assert market.ask("book", "KRYP")["bids"] == [[202_000, 100], [201_000, 50]]
    assert market.ask("book", "KRYP")["asks"] == [[200_000, 80], [201_000, 40]]
    assert "-" not in said(market, "erin", "book KRYP")[0], "a crossed book has no spread"
    assert said(market, "erin", "phase KRYP continuous")
    market.wait_until(lambda: open_orders(market, "erin") == [], "what was for the opening did not end with it")
    fills = market.ask("--as", "erin", "fills")
    assert {(fill["price"], fill["liquidity"]) for fill in fills} == {(201_000, "auction")}
    assert sum(fill["quantity"] for fill in fills) == 120
    assert open_orders(market, "frank") == [(5, 9)]
    assert refused(market, "erin", "buy KRYP 1 --limit 20 --tif opg").endswith("(auction_over)")
    said(market, "erin", "buy KRYP 9 --limit 20")
    said(market, "erin", "phase KRYP closing_auction")
    said(market, "erin", "phase KRYP closed")
    market.wait_until(lambda: open_orders(market, "frank") == [], "the closing auction did not trade")
    assert market.ask("--as", "frank", "fills")[0]["quantity"] == 9
    assert refused(market, "erin", "buy KRYP 1 --limit 20").endswith("(closed)")
    assert market.ask("audit")["passed"]


def test_a_halt_groups_and_rules(market: RunningMarket) -> None:
    said(market, "erin", "sell ADAM 10 --limit 142")
    assert said(market, "erin", "halt ADAM --reason rumours")
    market.wait_until(
        lambda: "ADAM is halted: rumours" in market.cli("--as", "frank", "buy", "ADAM", "1").stderr, "ADAM is not halted"
    )
    assert said(market, "erin", "cancel --all") == ["cancelling 1 open order"]
    assert said(market, "erin", "resume ADAM")
    market.wait_until(
        lambda: market.cli("--as", "erin", "sell", "ADAM", "10", "--limit", "142").returncode == 0, "ADAM is still halted"
    )
    assert refused(market, "frank", "buy ADAM 1 --limit 200").endswith("(price_outside_band)")

    # A bracket: its legs come to life with what the entry has bought.
    lines = said(market, "frank", "buy ADAM 4 --limit 142 --take-profit 145 --stop-loss 141")
    number = int(lines[0].split()[1])
    assert lines[1].startswith(f"then order {number + 1}, to take the profit: sell 4 ADAM at 145.00")
    market.wait_until(
        lambda: open_orders(market, "frank") == [(number + 1, 4), (number + 2, 4)], "the bracket's entry did not trade"
    )
    rows = [line for line in said(market, "frank", "orders") if "ADAM" in line]
    assert f"limit, paired with {number + 2}" in rows[0]
    assert "waits" not in rows[0]
    assert refused(market, "frank", f"replace {number + 1} --quantity 1").endswith("(grouped)")
    said(market, "erin", "buy ADAM 1 --limit 145")  # Beyond the band: rests, and an auction begins that trades it.

    # A pair: one hold, and cancelled together.
    lines = said(market, "erin", "sell ADAM 6 --limit 146 --or-stop 140 --client-id mine")
    assert "or order" in lines[1]
    again = said(market, "erin", "sell ADAM 6 --limit 146 --or-stop 140 --client-id mine")
    assert again[0] == lines[0].replace("accepted", "was accepted before")
    first = int(lines[0].split()[1])
    held = {position["symbol"]: position["held"] for position in market.ask("--as", "erin", "portfolio")["positions"]}
    assert held["ADAM"] == 6 + 6  # With the rest of the sale.
    said(market, "erin", f"cancel {first + 1}")
    market.wait_until(
        lambda: first not in [order_id for order_id, _ in open_orders(market, "erin")], "the other one did not end"
    )

    assert market.ask("--as", "erin", "account", "rules") == {
        "account": "erin",
        "self_trade": "cancel_newest",
        "cancel_on_disconnect": False,
    }
    lines = said(market, "erin", "account rules --self-trade decrement --cancel-on-disconnect")
    assert lines == [
        "an order that would trade with another of erin: decrement",
        "open orders are cancelled when the last connection of erin is lost",
    ]
    market.wait_until(lambda: not open_orders(market, "erin"), "orders outlived the connection of that command")
    assert market.ask("audit")["passed"]
