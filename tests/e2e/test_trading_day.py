"""Phases, auctions, groups and an account's rules on the command line, against a whole running market without bots."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.e2e.market_process import RunningMarket, running_market

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


@pytest.fixture(scope="module")
def noon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMarket]:
    """Where it is noon now: KRYP waits for its opening, ADAM is always continuous. Erin and frank trade."""
    directory = tmp_path_factory.mktemp("day")
    rules = directory / "day.yaml"
    rules.write_text(MARKET.format(zone=datetime.now(UTC).hour - 12))
    with running_market(directory, str(rules), "--no-bots") as noon:
        for name in ("erin", "frank"):
            shares = ("--shares", "KRYP=500", "--shares", "ADAM=500")
            created = noon.cli("account", "create", name, "--cash", "100000", *shares, password=PASSWORD)
            assert created.returncode == 0, created.stderr
        yield noon


def said(market: RunningMarket, account: str, line: str) -> list[str]:
    finished = market.cli("--as", account, *line.split())
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.splitlines()


def operated(market: RunningMarket, line: str) -> str:
    """What is said to the operator."""
    finished = market.cli(*line.split())
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def refused(market: RunningMarket, account: str, line: str) -> str:
    finished = market.cli("--as", account, *line.split())
    assert finished.returncode == 1, finished.stdout
    return finished.stderr.strip().removeprefix("exchange: refused: ")


def open_orders(market: RunningMarket, account: str) -> list[tuple[int, int]]:
    return [(order["order_id"], order["remaining"]) for order in market.ask("--as", account, "orders")]


def test_an_opening_auction(noon: RunningMarket) -> None:
    """Four orders that cross: at 20.10 most would trade, and both sides pay as takers."""
    assert refused(noon, "erin", "buy KRYP 10").endswith("(auction)")
    said(noon, "erin", "buy KRYP 100 --limit 20.20")
    said(noon, "erin", "buy KRYP 50 --limit 20.10 --tif opg")
    said(noon, "frank", "sell KRYP 80 --limit 20")
    said(noon, "frank", "sell KRYP 40 --limit 20.10")
    said(noon, "frank", "sell KRYP 9 --tif cls")
    assert noon.ask("book", "KRYP")["bids"] == [[202_000, 100], [201_000, 50]]
    assert noon.ask("book", "KRYP")["asks"] == [[200_000, 80], [201_000, 40]]
    assert "-" not in said(noon, "erin", "book KRYP")[0], "a crossed book has no spread"
    assert operated(noon, "phase KRYP continuous")
    noon.wait_until(lambda: open_orders(noon, "erin") == [], "what was for the opening did not end with it")
    fills = noon.ask("--as", "erin", "fills")
    assert {(fill["price"], fill["liquidity"]) for fill in fills} == {(201_000, "auction")}
    assert sum(fill["quantity"] for fill in fills) == 120
    assert open_orders(noon, "frank") == [(5, 9)]
    assert refused(noon, "erin", "buy KRYP 1 --limit 20 --tif opg").endswith("(auction_over)")
    said(noon, "erin", "buy KRYP 9 --limit 20")
    operated(noon, "phase KRYP closing_auction")
    operated(noon, "phase KRYP closed")
    noon.wait_until(lambda: open_orders(noon, "frank") == [], "the closing auction did not trade")
    assert noon.ask("--as", "frank", "fills")[0]["quantity"] == 9
    assert refused(noon, "erin", "buy KRYP 1 --limit 20").endswith("(closed)")
    assert noon.ask("audit")["passed"]


def test_a_halt_groups_and_rules(noon: RunningMarket) -> None:
    said(noon, "erin", "sell ADAM 10 --limit 142")
    assert operated(noon, "halt ADAM --reason rumours")
    noon.wait_until(
        lambda: "ADAM is halted: rumours" in noon.cli("--as", "frank", "buy", "ADAM", "1").stderr, "ADAM is not halted"
    )
    noon.wait_until(lambda: "halted: rumours" in noon.cli("symbols").stdout, "the list of symbols does not say so")
    assert said(noon, "erin", "cancel --all") == ["cancelling 1 open order"]
    assert operated(noon, "resume ADAM")
    noon.wait_until(
        lambda: noon.cli("--as", "erin", "sell", "ADAM", "10", "--limit", "142").returncode == 0, "ADAM is still halted"
    )
    assert refused(noon, "frank", "buy ADAM 1 --limit 200").endswith("(price_outside_band)")

    # A bracket: its legs come to life with what the entry has bought.
    lines = said(noon, "frank", "buy ADAM 4 --limit 142 --take-profit 145 --stop-loss 141")
    number = int(lines[0].split()[1])
    assert lines[1].startswith(f"then order {number + 1}, to take the profit: sell 4 ADAM at 145.00")
    noon.wait_until(
        lambda: open_orders(noon, "frank") == [(number + 1, 4), (number + 2, 4)], "the bracket's entry did not trade"
    )
    rows = [line for line in said(noon, "frank", "orders") if "ADAM" in line]
    assert f"limit, paired with {number + 2}" in rows[0]
    assert "waits" not in rows[0]
    assert refused(noon, "frank", f"replace {number + 1} --quantity 1").endswith("(grouped)")
    said(noon, "erin", "buy ADAM 1 --limit 145")  # Beyond the band: rests, and an auction begins that trades it.

    # A pair: one hold, and cancelled together.
    lines = said(noon, "erin", "sell ADAM 6 --limit 146 --or-stop 140 --client-id mine")
    assert "or order" in lines[1]
    again = said(noon, "erin", "sell ADAM 6 --limit 146 --or-stop 140 --client-id mine")
    assert again[0] == lines[0].replace("accepted", "was accepted before")
    first = int(lines[0].split()[1])
    held = {position["symbol"]: position["held"] for position in noon.ask("--as", "erin", "portfolio")["positions"]}
    assert held["ADAM"] == 6 + 6  # With the rest of the sale.
    said(noon, "erin", f"cancel {first + 1}")
    noon.wait_until(lambda: first not in [order_id for order_id, _ in open_orders(noon, "erin")], "the other one did not end")

    assert noon.ask("--as", "erin", "account", "rules") == {
        "account": "erin",
        "self_trade": "cancel_newest",
        "cancel_on_disconnect": False,
    }
    lines = said(noon, "erin", "account rules --self-trade decrement --cancel-on-disconnect")
    assert lines == [
        "an order that would trade with another of erin: decrement",
        "open orders are cancelled when the last connection of erin is lost",
    ]
    noon.wait_until(lambda: not open_orders(noon, "erin"), "orders outlived the connection of that command")
    assert noon.ask("audit")["passed"]
