"""Nothing is done twice: repeated orders, cancels, deposits and openings, also after a crash; and what is forgotten when."""

from __future__ import annotations

import pytest

from exchange.market import AccountRules, Limits
from exchange.messages.administration import NewAccount
from exchange.messages.base import encode
from exchange.messages.journal import Transfer
from exchange.messages.requests import Cancel, Submit
from ledger import accounts, commands
from ledger.desk import OPEN_ACCOUNT
from tests.oracle.ledger_market import SmallMarket, small_market


def opened(open_orders: int = 1_000) -> SmallMarket:
    market = SmallMarket(small_market(limits=Limits(open_orders, 0)))
    for account in ("alice", "bob"):
        market.open(account, 2**40, KRYP=10_000)
    return market


ORDER = Submit("mine", "KRYP", "buy", 10, price=200_000)
FIRST = {"type": "accepted", "order_id": 1, "client_order_id": "mine"}
AGAIN = {**FIRST, "duplicate": True}


@pytest.mark.parametrize("crash", ["none", "logs", "snapshot"])
def test_an_order_sent_again_is_answered_not_placed(crash: str) -> None:
    market = opened()
    assert market.request("alice", ORDER) == FIRST
    if crash != "none":
        market.restart(snapshot=crash == "snapshot")
    assert market.request("alice", ORDER) == AGAIN
    assert market.request("alice", Submit("mine", "NONE", "sell", -1)) == AGAIN, "whatever else it says now"
    market.request("bob", Submit("his", "KRYP", "sell", 10, price=200_000))
    market.settle()
    assert market.request("alice", ORDER) == AGAIN, "also when it has ended"
    assert market.request("bob", ORDER)["order_id"] == 3, "ids are the account's own"


def test_a_request_repeated_within_one_turn() -> None:
    market = opened()
    first, second = (market.send("orders", "alice", encode([ORDER, ORDER])) for _ in range(2))
    market.turn()
    assert market.answers[first] == [FIRST, AGAIN]
    assert market.answers[second] == [AGAIN, AGAIN]
    assert market.journal[-1].count(b"placeorder") == 1


def test_a_request_that_was_never_answered_because_the_leader_died() -> None:
    """Before its turn nothing of it is known; after its turn all of it is."""
    market = opened()
    market.send("orders", "alice", encode(ORDER))
    market.restart()
    assert market.request("alice", ORDER) == FIRST
    market.stage.submit_request("alice", "", encode(Submit("next", "KRYP", "buy", 1, price=100)))
    market.turn()
    market.restart()
    assert market.request("alice", Submit("next", "KRYP", "buy", 1, price=100))["duplicate"] is True


def test_a_refused_order_may_be_sent_again() -> None:
    market = SmallMarket()
    market.open("alice", 1_999_999)
    assert market.request("alice", ORDER)["reason"] == "insufficient_funds"
    market.deposit("alice", "CASH", 1)
    assert market.request("alice", ORDER) == FIRST


def test_a_cancel_sent_again_is_one_cancel() -> None:
    market = opened()
    market.request("alice", ORDER)
    assert market.request("alice", [Cancel(1), Cancel(client_order_id="mine")]) == [FIRST, FIRST]
    assert market.journal[-1].count(b"cancelorder") == 1
    market.restart()
    written = len(market.journal)
    assert market.request("alice", Cancel(1)) == FIRST
    assert not any(b"cancelorder" in payload for payload in market.journal[written:])
    market.settle()
    assert market.request("alice", Cancel(1))["reason"] == "unknown_order"


@pytest.mark.parametrize("crash", ["none", "logs", "snapshot"])
def test_a_deposit_with_a_key_is_booked_once(crash: str) -> None:
    market = opened()
    assert market.deposit("alice", "CASH", 500, "key")["detail"] == "0.05 CASH booked"
    if crash != "none":
        market.restart(snapshot=crash == "snapshot")
    assert market.deposit("alice", "CASH", 500, "key")["detail"] == "booked before"
    assert market.deposit("alice", "CASH", 500)["detail"] == "0.05 CASH booked"
    assert market.deposit("alice", "KRYP", -3, "other")["detail"] == "-3 KRYP booked"
    assert market.portfolio("alice").cash == 2**40 + 1_000
    assert market.portfolio("alice").positions[0].quantity == 9_997


def test_an_account_is_opened_once_with_the_market_s_endowment_or_its_own() -> None:
    market = SmallMarket(small_market(accounts=AccountRules(cash="12.50", shares={"ADAM": 30})))
    for _ in range(2):
        assert market.ask(OPEN_ACCOUNT, "", NewAccount("carol"))["type"] == "done"
        assert market.ask(OPEN_ACCOUNT, "", NewAccount("dave", 7, {}))["type"] == "done"
    market.restart()
    assert market.ask(OPEN_ACCOUNT, "", NewAccount("carol", 2**50))["detail"] == "carol has an account"
    carol, dave = market.portfolio("carol"), market.portfolio("dave")
    assert (carol.cash, [(p.symbol, p.quantity) for p in carol.positions]) == (125_000, [("ADAM", 30)])
    assert (dave.cash, dave.positions) == (7, [])
    assert market.stage.ledger.accounts["$bank"].balances["CASH"].total == -125_007


def test_accounts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.administration.ACCOUNTS_MAX", 2)
    market = opened()
    assert market.ask(OPEN_ACCOUNT, "", NewAccount("carol"))["reason"] == "too_many_accounts"
    assert market.ask(OPEN_ACCOUNT, "", NewAccount("bob"))["type"] == "done"


@pytest.mark.parametrize("snapshot", [False, True])
def test_the_oldest_ids_are_forgotten_but_not_those_of_open_orders(monkeypatch: pytest.MonkeyPatch, snapshot: bool) -> None:
    for module in (accounts, commands):
        monkeypatch.setattr(module, "CLIENT_ORDER_IDS_MAX", 10)
    monkeypatch.setattr("ledger.invariants.CLIENT_ORDER_IDS_MAX", 10)
    market = opened()
    market.request("alice", [Submit("open-1", "KRYP", "buy", 1, price=100), Submit("open-2", "KRYP", "buy", 1, price=100)])
    for number in range(30):
        market.request("alice", Submit(f"short-{number}", "KRYP", "buy", 1, price=100, tif="ioc"))
        market.settle()
        if number == 15:
            market.restart(snapshot=snapshot)
    known = market.stage.ledger.accounts["alice"].client_order_ids
    assert set(known) == {"open-1", "open-2", *(f"short-{number}" for number in range(22, 30))}
    assert market.request("alice", Submit("open-1", "KRYP", "buy", 1, price=100))["duplicate"] is True
    assert market.request("alice", Submit("short-29", "KRYP", "buy", 1, price=100))["duplicate"] is True
    assert market.request("alice", Cancel(client_order_id="open-2"))["order_id"] == 2


def test_the_oldest_keys_of_transfers_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "TRANSFER_KEYS_MAX", 3)
    market = opened()
    for number in range(5):
        market.deposit("alice", "CASH", 1, f"key-{number}")
    market.restart(snapshot=True)
    assert list(market.stage.ledger.transfer_keys) == ["key-2", "key-3", "key-4"]
    assert market.deposit("alice", "CASH", 1, "key-2")["detail"] == "booked before"


def test_a_journal_that_repeats_a_key_is_not_booked_twice() -> None:
    """No gate of ours writes that; a log may have been written by another."""
    market = opened()
    ledger = market.stage.ledger
    for _ in range(2):
        commands.apply(ledger, Transfer("CASH", 5, "$bank", "alice", "prize", "key"), market.now)
    assert ledger.accounts["alice"].balances["CASH"].total == 2**40 + 5
    assert ledger.accounts["$bank"].balances["CASH"].total == -(2**41) - 5
