"""Freeze, unfreeze, reset, close: what they do, what they refuse, and that a replay does the same."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from exchange.market import Fees, Limits
from exchange.messages.administration import AccountChange
from exchange.messages.base import encode
from exchange.messages.requests import CancelAll, Replace, Submit
from exchange.money import parse_money
from exchange.stage import ReplayError
from tests.ledger.test_ledger_random import random_command
from tests.oracle.ledger_market import SmallMarket, small_market


def change(market: SmallMarket, what: str, account: str = "alice", reason: str = "") -> Any:
    return market.ask(f"admin.{what}", "", AccountChange(account, reason))


def opened(fees: Fees | None = None) -> SmallMarket:
    market = SmallMarket(small_market(fees=fees or Fees()))
    market.open("alice", parse_money("10000"), KRYP=100)
    market.open("bob", parse_money("10000"), KRYP=100)
    return market


def sell(name: str, quantity: int, price: str = "20.00") -> Submit:
    return Submit(name, "KRYP", "sell", quantity, price=parse_money(price))


def buy(name: str, quantity: int, price: str = "20.00") -> Submit:
    return Submit(name, "KRYP", "buy", quantity, price=parse_money(price))


def test_freezing_cancels_what_is_open_and_refuses_what_is_new() -> None:
    market = opened()
    market.request("alice", [buy("1", 10), sell("2", 10, "30"), buy("3", 10, "19")])
    answer = change(market, "freeze", reason="under review")
    assert answer == {"type": "done", "detail": "alice is frozen; 3 open orders to cancel"}
    assert change(market, "freeze")["detail"] == "alice was frozen before"
    # Until the engines have answered the orders are open, but nothing can be changed.
    refused = market.request("alice", [buy("4", 1), Replace(1, quantity=5), CancelAll()])
    assert [r.get("reason") for r in refused] == ["account_frozen", "account_frozen", None]
    assert refused[0]["detail"] == "the account alice is frozen; ask the operator"
    assert refused[0]["client_order_id"] == "4"
    assert market.request("alice", buy("1", 1))["duplicate"], "what was accepted before is answered"
    market.settle()
    portfolio = market.portfolio("alice")
    assert (portfolio.orders, portfolio.cash_held, portfolio.standing) == ([], 0, "frozen")
    changed = {"type": "accountchanged", "standing": "frozen", "reset": False, "reason": "under review"}
    told = [report for report in market.reports["alice"] if report["type"] in ("accountchanged", "ordercancelled")]
    assert [told[0] | {"time": 0}] == [changed | {"time": 0}]
    assert [report["reason"] for report in told[1:]] == ["owner"] * 3
    assert change(market, "unfreeze")["detail"] == "alice may trade again"
    assert change(market, "unfreeze")["detail"] == "alice was not frozen"
    assert market.request("alice", buy("5", 1))["type"] == "accepted"
    market.restart()
    market.restart(snapshot=True)


def test_a_fill_that_comes_before_the_cancel_counts() -> None:
    market = opened()
    market.request("alice", buy("1", 10))
    market.settle()
    market.request("bob", sell("2", 4))
    late = market.match()
    change(market, "freeze")
    market.turn(late)
    market.settle()
    portfolio = market.portfolio("alice")
    assert (portfolio.cash, portfolio.cash_held) == (parse_money("9920"), 0)
    assert portfolio.positions[0].quantity == 104


def test_a_reset_account_has_what_it_started_with() -> None:
    market = opened(Fees(maker=5, taker=10))
    market.request("bob", sell("1", 50, "25.00"))
    market.request("alice", buy("2", 50, "25.00"))
    market.settle()
    market.deposit("alice", "CASH", parse_money("77"))
    market.request("alice", buy("3", 1))
    refused = change(market, "reset")
    words = "alice has 1 open order; freeze the account, which cancels them, and ask again"
    assert (refused["reason"], refused["detail"]) == ("open_orders", words)
    change(market, "freeze")
    market.settle()
    assert change(market, "reset")["detail"] == "alice has what it started with"
    portfolio = market.portfolio("alice")
    (position,) = portfolio.positions
    assert (portfolio.cash, position.quantity, portfolio.standing) == (parse_money("10000"), 100, "frozen")
    assert (portfolio.realized, portfolio.fees, position.unrealized) == (0, 0, 0)
    assert position.average_cost == parse_money("25.00"), "its shares count from the price of the reset on"
    assert market.reports["alice"][-1] | {"time": 0} == {
        "type": "accountchanged",
        "standing": "frozen",
        "reset": True,
        "reason": "",
        "time": 0,
    }
    market.restart()
    market.restart(snapshot=True)


def test_a_closed_account_is_over() -> None:
    market = opened()
    market.request("alice", buy("1", 1))
    assert change(market, "close")["reason"] == "open_orders"
    market.request("alice", CancelAll())
    market.settle()
    assert change(market, "close", reason="moved away")["detail"] == "alice is closed"
    assert {balance.total for balance in market.stage.ledger.accounts["alice"].balances.values()} == {0}
    for answer in (
        *(change(market, what) for what in ("freeze", "unfreeze", "reset", "close")),
        market.deposit("alice", "CASH", 1),
        market.request("alice", buy("2", 1)),
        market.ask("admin.open_account", "", {"account": "alice"}),
    ):
        assert answer["reason"] == "account_closed"
        assert answer["detail"] == "the account alice is closed"
    assert market.portfolio("alice").standing == "closed"
    market.restart()
    market.restart(snapshot=True)


@pytest.mark.parametrize("what", ["freeze", "unfreeze", "reset", "close"])
def test_refusals(what: str) -> None:
    market = opened()
    assert change(market, what, "nobody")["reason"] == "unknown_account"
    assert change(market, what, "$bank")["reason"] == "unknown_account"
    assert change(market, what, reason="x" * 101)["reason"] == "malformed"
    assert change(market, what, reason="a\nb")["reason"] == "malformed"
    assert market.ask(f"admin.{what}", "", b"{}")["reason"] == "malformed"


def test_a_journal_that_closes_an_account_with_orders_is_not_replayed() -> None:
    market = opened()
    change(market, "close")
    other = opened()
    other.request("alice", buy("1", 1))
    forged = market.journal[-1].replace(b'"number":%d' % len(market.journal), b'"number":%d' % (len(other.journal) + 1))
    previous = market.journal[-1].split(b'"previous":"')[1][:32]
    forged = forged.replace(previous, other.stage.ledger.previous.encode())
    with pytest.raises(ReplayError, match="cannot become closed"):
        other.follower.replay(forged.replace(b'"time":17', b'"time":18', 1), {})


@pytest.mark.parametrize("engines", [False, True])
def test_random_lives(engines: bool) -> None:
    """The harness holds the oracle, the invariants and a follower against every turn."""
    random = Random(8)
    rules = small_market(fees=Fees(maker=3, taker=11), limits=Limits(open_orders=30, orders_per_second=0))
    market = SmallMarket(rules, random, slice_max=4, engines=engines)
    names = [f"trader-{number}" for number in range(6)]
    for name in names:
        market.open(name, 1_000_000_000, KRYP=5_000)
    found = []
    for number in range(700):
        name = random.choice(names)
        own = list(market.stage.ledger.accounts[name].orders)
        market.send("orders", name, encode(random_command(random, number, own, market.now)))
        if random.random() < 0.3:
            what = random.choice(["freeze", "unfreeze", "unfreeze", "reset"] if number < 600 else ["freeze", "close"])
            answer = change(market, what, random.choice(names))
            found.append((what, answer.get("reason", answer["type"])))
        if random.random() < 0.4:
            market.settle()
        if random.random() < 0.02:
            market.turn()
            market.restart(snapshot=random.random() < 0.5)
    assert {("freeze", "done"), ("reset", "done"), ("reset", "open_orders"), ("close", "done")} <= set(found)
    market.restart()
