"""Position limits, short positions and overdrafts: every refusal, and that nobody ever gets beyond a limit."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest

from exchange.market import BotRules, Fees, Limits, MarketError, RiskRules, SymbolRules, parse_market
from exchange.messages.base import encode
from exchange.messages.requests import CancelAll, Replace, Submit
from exchange.money import MONEY_MAX, QUANTITY_MAX, parse_money
from ledger.risk import position_max
from tests.ledger.test_ledger_random import random_command
from tests.oracle.ledger_market import SmallMarket, small_market

LIMITS = RiskRules("limits", overdraft=1_000, position=100, positions={"ADAM": 50})


def opened(risk: RiskRules = LIMITS, cash: str = "0", **more: Any) -> SmallMarket:
    market = SmallMarket(small_market(risk=risk, **more))
    for name in ("alice", "bob"):
        market.open(name, parse_money(cash))
    return market


def order(side: Any, quantity: int, price: str = "20.00", symbol: str = "KRYP", name: str = "x") -> Submit:
    return Submit(name, symbol, side, quantity, price=parse_money(price))


@pytest.mark.parametrize(
    ("side", "quantity", "price", "symbol", "reason", "detail"),
    [
        ("sell", 101, "20.00", "KRYP", "position_limit", "of -100 KRYP; with 0, and the open orders, 100 more can be sold"),
        ("sell", 100, "20.00", "KRYP", "", ""),
        ("sell", 60, "140.00", "ADAM", "position_limit", "of -50 ADAM; with 0, and the open orders, 50 more can be sold"),
        ("buy", 101, "1.00", "KRYP", "position_limit", "of 100 KRYP; with 0, and the open orders, 100 more can be bought"),
        ("buy", 101, "900.00", "KRYP", "position_limit", "a position of 100 KRYP"),
        ("buy", 51, "20.00", "KRYP", "cash_limit", "this needs 1020.00, 1000.00 is available with the overdraft of 1000.00"),
        ("buy", 50, "20.00", "KRYP", "", ""),
    ],
)  # fmt: skip
def test_limits(side: str, quantity: int, price: str, symbol: str, reason: str, detail: str) -> None:
    market = opened()
    answer = market.request("alice", order(side, quantity, price, symbol))
    assert answer.get("reason", "") == reason
    assert detail in answer.get("detail", "")
    if reason:
        assert f'"reason":"{reason}"' in market.journal[-1].decode()


def test_going_short_and_coming_back() -> None:
    market = opened()
    market.request("alice", order("sell", 100))
    market.request("bob", order("buy", 50))
    market.settle()
    alice, bob = market.portfolio("alice"), market.portfolio("bob")
    assert (alice.cash, alice.positions[0].quantity, alice.positions[0].cost) == (
        parse_money("1000"),
        -50,
        -parse_money("1000"),
    )
    assert (bob.cash, bob.positions[0].quantity) == (-parse_money("1000"), 50)
    assert (alice.equity, bob.equity) == (0, 0)
    assert market.request("alice", order("sell", 1, name="y"))["reason"] == "position_limit", "50 are still on offer"
    assert market.request("bob", order("buy", 1, "0.01", name="y"))["reason"] == "cash_limit"
    market.request("bob", order("sell", 100, "18.00", name="z"))
    market.settle()
    market.request("alice", [CancelAll(), order("buy", 100, "18.00", name="v")])
    market.settle()
    alice, bob = market.portfolio("alice"), market.portfolio("bob")
    assert (alice.positions[0].quantity, bob.positions[0].quantity) == (50, -50)
    assert alice.realized == parse_money("100") == -bob.realized
    assert market.deposit("bob", "KRYP", -1)["reason"] == "insufficient_shares", "nobody withdraws what they owe"


def test_open_orders_and_replaces_count() -> None:
    market = opened(cash="100000")
    market.request("alice", [order("buy", 60, name="1"), order("buy", 40, name="2")])
    assert "0 more can be bought" in market.request("alice", order("buy", 1, name="3"))["detail"]
    assert market.request("alice", Replace(1, quantity=61))["reason"] == "position_limit"
    assert market.request("alice", Replace(1, quantity=30))["type"] == "accepted"
    assert market.request("alice", order("buy", 1, name="4"))["reason"] == "position_limit", (
        "not before the engine has answered"
    )
    market.settle()
    assert market.request("alice", order("buy", 31, name="5"))["reason"] == "position_limit"
    assert market.request("alice", Replace(1, quantity=60))["type"] == "accepted"
    assert market.request("alice", order("buy", 1, name="6"))["reason"] == "position_limit", "what is asked for counts at once"
    market.request("bob", order("sell", 90, "30.00", name="7"))
    assert market.request("bob", Replace(3, quantity=101))["reason"] == "position_limit"
    assert market.request("bob", Replace(3, quantity=100))["type"] == "accepted"


def test_position_limits_in_mode_cash() -> None:
    market = opened(RiskRules(position=10), cash="1000")
    assert market.request("alice", order("buy", 11))["reason"] == "position_limit"
    assert market.request("alice", order("sell", 1))["reason"] == "insufficient_shares"
    assert market.request("alice", order("buy", 10, "101.00"))["reason"] == "insufficient_funds"
    assert market.request("alice", order("buy", 10))["type"] == "accepted"


def test_bots_have_no_limits_and_owe_nothing() -> None:
    bots = [BotRules("maker", "market-maker", "KRYP")]
    market = opened(bots=bots)
    market.open("maker", parse_money("100000"), KRYP=500)
    assert market.request("maker", order("sell", 501))["reason"] == "insufficient_shares"
    assert market.request("maker", order("sell", 500))["type"] == "accepted"
    assert market.request("maker", order("buy", 5_001, name="y"))["reason"] == "insufficient_funds"
    assert market.request("maker", order("buy", 5_000, "19.00", name="y"))["type"] == "accepted"


def test_changing_the_rules() -> None:
    market = opened()
    market.request("alice", order("sell", 60))
    market.request("bob", order("buy", 50))
    market.settle()
    tighter = msgspec.structs.replace(market.market, risk=RiskRules("limits", overdraft=10, position=20))
    market.restart(tighter)
    market.turn()
    assert market.request("alice", order("sell", 1, name="y"))["reason"] == "position_limit"
    assert market.request("alice", order("buy", 10, name="z"))["type"] == "accepted", "a way back is open"
    market.restart(snapshot=True)
    market.restart(small_market())
    with pytest.raises(MarketError, match=r"risk\.mode: cash allows no debts, but alice owes or may come to owe KRYP"):
        market.turn()


def test_what_cannot_be_counted_is_refused() -> None:
    """However much everybody borrows, no balance gets beyond 2^53 - 1 units of money, or the largest number of shares."""
    most = MONEY_MAX // 2
    market = SmallMarket(small_market(risk=RiskRules("limits", f"{most // 10_000}", QUANTITY_MAX // 3)))
    market.open("alice", 0)
    assert market.ask("admin.open_account", "", {"account": "bob", "cash": 10**13})["reason"] == "amount_too_large"
    market.open("bob", 0)
    assert market.deposit("bob", "CASH", 10**13)["reason"] == "amount_too_large"
    assert market.ask("admin.open_account", "", {"account": "carol", "cash": 0})["reason"] == "amount_too_large"
    fresh = opened(RiskRules())
    fresh.restart(small_market(risk=RiskRules("limits", f"{MONEY_MAX // 10_000}", 1)))
    with pytest.raises(MarketError, match="more CASH than can be counted"):
        fresh.turn()


@pytest.mark.parametrize(
    ("risk", "problem"),
    [
        ("{mode: limits}", "risk.position: mode limits needs a limit for each symbol"),
        ("{mode: cash, overdraft: 5}", "risk.overdraft: mode cash has none"),
        ("{mode: limits, overdraft: -5, position: 1}", "risk.overdraft: expected 0 or more"),
        ("{mode: limits, position: -1}", "risk.position: expected 0 or more shares, got -1"),
        ("{positions: {NONE: 1}}", "risk.positions: NONE is not one of the symbols"),
        ("{mode: margin}", "risk.mode"),
    ],
)
def test_problems_of_a_market_file(risk: str, problem: str) -> None:
    text = f"title: t\nsymbols: [{{symbol: KRYP, name: K, opening_price: 20}}]\nrisk: {risk}\n"
    with pytest.raises(MarketError) as raised:
        parse_market(text.encode())
    assert problem.split(":")[0].split(".")[-1] in str(raised.value)
    assert ":" not in problem or problem in str(raised.value)


@pytest.mark.parametrize("mode", ["limits", "cash"])
def test_nobody_ever_gets_beyond_a_limit(mode: Any) -> None:
    """Random orders; at every step, whatever may still be filled, positions and cash stay within the limits."""
    random = Random(11)
    risk = RiskRules(mode, 500 if mode == "limits" else 0, position=150)
    rules = small_market(
        symbols=[SymbolRules("KRYP", "Kryptonite", "20.50")], shards=1, risk=risk,
        fees=Fees(maker=3, taker=11), limits=Limits(open_orders=30, orders_per_second=0),
    )  # fmt: skip
    market = SmallMarket(rules, random, slice_max=4, engines=True)
    names = ("alice", "bob", "carol")
    for name in names:
        market.open(name, 10_000_000, KRYP=70)
    extremes = [0, 0, 0]
    for number in range(900):
        name = random.choice(names)
        own = list(market.stage.ledger.accounts[name].orders)
        market.send("orders", name, encode(random_command(random, number, own, market.now)))
        market.settle() if random.random() < 0.4 else market.turn()
        ledger = market.stage.ledger
        for name in names:
            account = ledger.accounts[name]
            cash, shares = account.balances["CASH"], account.balances["KRYP"]
            once = [o for i, o in account.orders.items() if (pair := ledger.pairs.get(i)) is None or pair.second != i]
            coming = sum(order.remaining for order in once if order.command.side == "buy")
            floor = -150 if mode == "limits" else 0
            assert position_max(ledger, account, "KRYP") == 150
            assert floor <= shares.total - shares.held
            assert shares.total + coming <= 150
            assert cash.total - cash.held >= (-5_000_000 if mode == "limits" else 0)
            extremes = [min(extremes[0], shares.total), max(extremes[1], shares.total), min(extremes[2], cash.total)]
    if mode == "limits":
        assert extremes[0] < 0
        assert extremes[2] < 0
    assert extremes[1] > 100
    market.restart()
