"""Holds of OCO pairs and brackets: stories worked by hand, event by event; and events that contradict the ledger."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exchange.market import Fees
from exchange.messages.base import encode
from exchange.messages.events import (
    Activated,
    Cancelled,
    CancelRefused,
    Decremented,
    Event,
    Replaced,
    Rested,
    Traded,
    Triggered,
)
from exchange.messages.requests import Bracket, Cancel, Oco, Replace, Submit
from exchange.money import format_money, parse_money
from exchange.stage import ReplayError
from ledger.stage import LedgerStage
from tests.oracle.ledger_market import TellingMarket, small_market

SELL_OCO = Oco(
    Submit("a", "KRYP", "sell", 100, price=220_000),
    Submit("b", "KRYP", "sell", 100, "stop_limit", 189_000, stop_price=190_000),
)
BUY_OCO = Oco(
    Submit("a", "KRYP", "buy", 100, price=200_000),
    Submit("b", "KRYP", "buy", 100, "stop_limit", 220_000, stop_price=210_000),
)
LONG = Bracket(
    Submit("a", "KRYP", "buy", 100, price=200_000),
    Submit("b", "KRYP", "sell", 100, price=220_000),
    Submit("c", "KRYP", "sell", 100, "stop", stop_price=190_000),
)
SHORT = Bracket(
    Submit("a", "KRYP", "sell", 100, price=200_000),
    Submit("b", "KRYP", "buy", 100, price=180_000),
    Submit("c", "KRYP", "buy", 100, "stop_limit", 210_000, stop_price=205_000),
)


def trade(number: int, maker: int, taker: int, price: int, quantity: int, side: Any) -> Traded:
    return Traded("KRYP", number, maker, taker, price, quantity, side)


def told(group: Oco | Bracket | None = None, *others: Submit) -> TellingMarket:
    """Both have 20000.00 and 1000 KRYP; alice places the group (ids from 1 on), bob the other orders."""
    market = TellingMarket(small_market(fees=Fees(maker=0, taker=10)))
    for account in ("alice", "bob"):
        market.open(account, parse_money("20000.00"), KRYP=1_000)
    for name, request in (("alice", group), *(("bob", order) for order in others)):
        if request is not None:
            assert market.request(name, request)["type"] == "accepted"
    return market


def held(market: TellingMarket) -> str:
    """Alice's cash and shares that are set aside."""
    portfolio = market.portfolio("alice")
    return f"{format_money(portfolio.cash_held)} {sum(position.held for position in portfolio.positions)}"


def bobs(side: Any, price: int, client_order_id: str = "x") -> Submit:
    return Submit(client_order_id, "KRYP", side, 200, price=price)


SELLER, BUYER = bobs("sell", 200_000), bobs("buy", 220_000)

# ten basis points: a share at 20.00 holds 20.02, at 22.00 22.022, at 21.00 21.021. Order 3 is bob's in pairs, 4 in brackets.
STORIES: dict[str, tuple[Oco | Bracket, Submit, list[tuple[str, list[Event]]]]] = {
    "one hold covers both sales, and a trade of either frees its shares": (
        SELL_OCO,
        BUYER,
        [
            ("0.00 100", [Rested(1, "KRYP", "sell", 220_000, 100)]),
            ("0.00 70", [trade(1, 3, 1, 220_000, 30, "sell"), Decremented(2, "KRYP", 30)]),
            ("0.00 70", [Triggered(2, "KRYP", 190_000)]),
            ("0.00 20", [trade(2, 3, 2, 220_000, 50, "sell"), Decremented(1, "KRYP", 50)]),
            ("0.00 0", [trade(3, 3, 2, 220_000, 20, "sell"), Cancelled(1, "KRYP", 20, "pair")]),
        ],
    ),
    "the hold of a purchase is that of the dearer order": (
        BUY_OCO,
        SELLER,
        [
            ("2202.20 0", []),
            ("1321.32 0", [trade(1, 3, 1, 200_000, 40, "buy"), Decremented(2, "KRYP", 40)]),
            ("1321.32 0", [Triggered(2, "KRYP", 210_000)]),
            ("0.00 0", [trade(2, 3, 2, 200_000, 60, "buy"), Cancelled(1, "KRYP", 60, "pair")]),
        ],
    ),
    "the first half of an event frees what the second only confirms": (
        BUY_OCO,
        SELLER,
        [
            ("1321.32 0", [trade(1, 3, 1, 200_000, 40, "buy")]),
            ("1321.32 0", [Decremented(2, "KRYP", 40)]),
            ("1321.32 0", [Cancelled(1, "KRYP", 60, "expired")]),
            ("0.00 0", [Cancelled(2, "KRYP", 60, "pair")]),
        ],
    ),
    "self-trade prevention takes from both": (
        SELL_OCO,
        BUYER,
        [
            ("0.00 60", [Decremented(1, "KRYP", 40), Decremented(2, "KRYP", 40)]),
            ("0.00 0", [Decremented(1, "KRYP", 60), Cancelled(2, "KRYP", 60, "pair")]),
        ],
    ),
    "what the entry buys is set aside share by share": (
        LONG,
        SELLER,
        [
            ("2002.00 0", []),
            ("1201.20 40", [trade(1, 4, 1, 200_000, 40, "buy")]),
            ("0.00 100", [trade(2, 4, 1, 200_000, 60, "buy")]),
            ("0.00 100", [Activated(2, "KRYP", 100), Activated(3, "KRYP", 100), Rested(2, "KRYP", "sell", 220_000, 100)]),
            ("0.00 0", [Cancelled(2, "KRYP", 100, "expired"), Cancelled(3, "KRYP", 100, "pair")]),
        ],
    ),
    "an entry that ends early activates what it bought": (
        LONG,
        SELLER,
        [
            ("1201.20 40", [trade(1, 4, 1, 200_000, 40, "buy")]),
            ("0.00 40", [Cancelled(1, "KRYP", 60, "expired"), Activated(2, "KRYP", 40), Activated(3, "KRYP", 40)]),
            (
                "0.00 0",
                [
                    Triggered(3, "KRYP", 190_000),
                    trade(2, 5, 3, 200_000, 10, "sell"),
                    Decremented(2, "KRYP", 10),
                    Cancelled(3, "KRYP", 30, "no_liquidity"),
                    Cancelled(2, "KRYP", 30, "pair"),
                ],
            ),
        ],
    ),
    "an entry that bought nothing takes its legs with it": (
        LONG,
        SELLER,
        [
            (
                "0.00 0",
                [Cancelled(1, "KRYP", 100, "ioc"), Cancelled(2, "KRYP", 100, "pair"), Cancelled(3, "KRYP", 100, "pair")],
            ),
        ],
    ),
    "an entry goes on without its legs": (
        LONG,
        SELLER,
        [
            ("1601.60 20", [trade(1, 4, 1, 200_000, 20, "buy")]),
            ("1601.60 0", [Cancelled(2, "KRYP", 100, "expired"), Cancelled(3, "KRYP", 100, "pair")]),
            ("800.80 0", [trade(2, 4, 1, 200_000, 40, "buy")]),
            ("0.00 0", [Cancelled(1, "KRYP", 40, "expired")]),
        ],
    ),
    "legs that buy are covered from the start, and what is too much is freed when they work": (
        SHORT,
        bobs("buy", 200_000),
        [
            ("2102.10 100", []),
            ("2102.10 70", [trade(1, 4, 1, 200_000, 30, "sell")]),
            ("630.63 0", [Cancelled(1, "KRYP", 70, "expired"), Activated(2, "KRYP", 30), Activated(3, "KRYP", 30)]),
            ("0.00 0", [Cancelled(3, "KRYP", 30, "expired"), Cancelled(2, "KRYP", 30, "pair")]),
        ],
    ),
    "an entry that lost shares to self-trade prevention activates what it traded": (
        SHORT,
        bobs("buy", 200_000),
        [
            ("2102.10 50", [trade(1, 4, 1, 200_000, 30, "sell"), Decremented(1, "KRYP", 20)]),
            ("630.63 0", [Decremented(1, "KRYP", 50), Activated(2, "KRYP", 30), Activated(3, "KRYP", 30)]),
        ],
    ),
}


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("restarted", [False, True])
def test_stories(name: str, restarted: bool) -> None:
    """Also when a new leader continues from a snapshot of just then, after every step."""
    group, other, steps = STORIES[name]
    market = told(group, other, bobs("buy", 200_000, "y"))
    for expected, events in steps:
        market.say(*events)
        assert held(market) == expected, events
        if restarted:
            market.restart(snapshot=True)
    market.restart()


def test_what_legs_will_sell_cannot_be_sold_elsewhere() -> None:
    market = told(LONG, SELLER)
    market.deposit("alice", "KRYP", -1_000)
    market.say(trade(1, 4, 1, 200_000, 40, "buy"))
    refused = market.request("alice", Submit("z", "KRYP", "sell", 1, price=200_000))
    assert refused["detail"] == "selling 1 KRYP needs as many shares, 0 can be sold"
    market.request("alice", Cancel(client_order_id="b"))
    market.say(Cancelled(2, "KRYP", 100, "owner"), Cancelled(3, "KRYP", 100, "pair"))
    assert market.request("alice", Submit("z", "KRYP", "sell", 40, price=200_000))["type"] == "accepted"


def test_cancels_of_both_orders_of_a_pair() -> None:
    """The second is answered by a refusal: the order had ended with the first."""
    market = told(SELL_OCO)
    market.request("alice", [Cancel(1), Cancel(2)])
    market.say(Cancelled(1, "KRYP", 100, "owner"), Cancelled(2, "KRYP", 100, "pair"), CancelRefused(2, "KRYP"))
    assert [report["type"] for report in market.reports["alice"][-3:]] == [
        *("ordercancelled", "ordercancelled", "ordercancelrefused")
    ]
    assert held(market) == "0.00 0"


def test_a_replace_of_a_pairs_order_costs_nothing_more() -> None:
    market = told(BUY_OCO, SELLER)
    market.request("alice", Replace(1, price=219_000))
    assert held(market) == "2202.20 0"
    market.say(trade(1, 3, 1, 200_000, 40, "buy"), Decremented(2, "KRYP", 40))
    market.say(Replaced(1, "KRYP", "buy", 219_000, 60, kept_place=False))
    assert held(market) == "1321.32 0"
    assert [(order.price, order.remaining) for order in market.portfolio("alice").orders] == [(219_000, 60), (220_000, 60)]
    market.restart(snapshot=True)


def test_the_reports_of_a_bracket() -> None:
    market = told(LONG, SELLER)
    market.say(trade(1, 4, 1, 200_000, 40, "buy"), Cancelled(1, "KRYP", 60, "expired"))
    market.say(Activated(2, "KRYP", 40), Activated(3, "KRYP", 40))
    brief = [{k: v for k, v in report.items() if k not in ("symbol", "time")} for report in market.reports["alice"][-2:]]
    assert brief == [{"type": "orderactivated", "order_id": order_id, "quantity": 40} for order_id in (2, 3)]
    assert [(o.order_id, o.pair, o.entry, o.quantity, o.remaining) for o in market.portfolio("alice").orders] == [
        *((2, 3, 0, 40, 40), (3, 2, 0, 40, 40))
    ]


ACTIVE: list[Event] = [trade(1, 4, 1, 200_000, 100, "buy"), Activated(2, "KRYP", 100), Activated(3, "KRYP", 100)]
CONTRADICTIONS: dict[str, list[Event]] = {
    "a leg is activated while the entry is open": [trade(1, 4, 1, 200_000, 40, "buy"), Activated(2, "KRYP", 40)],
    "a leg is activated with more than the entry bought": [trade(1, 4, 1, 200_000, 100, "buy"), Activated(2, "KRYP", 101)],
    "a leg is activated with less than the entry bought": [trade(1, 4, 1, 200_000, 100, "buy"), Activated(2, "KRYP", 99)],
    "a leg is activated twice": [*ACTIVE, Activated(3, "KRYP", 100)],
    "an entry is activated": [Activated(1, "KRYP", 100)],
    "an order of nobody's is activated": [Activated(4, "KRYP", 200)],
    "an order that never was is activated": [Activated(99, "KRYP", 1)],
    "a leg that waits trades": [trade(1, 2, 5, 220_000, 10, "buy")],
    "a leg that waits loses something": [Decremented(2, "KRYP", 1)],
    "a stop that belongs to no pair loses something": [Decremented(6, "KRYP", 1)],
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_events_that_contradict_the_ledger_are_not_applied(name: str) -> None:
    market = told(LONG, SELLER, Submit("y", "KRYP", "buy", 10, price=220_000))
    market.request("bob", Submit("z", "KRYP", "buy", 10, "stop", stop_price=220_000))
    with pytest.raises(ReplayError):
        market.say(*CONTRADICTIONS[name])


SPOILED: dict[str, tuple[Oco | Bracket, str, dict[str, Any]]] = {
    "a hold that no quantity divides": (SELL_OCO, "", {"hold": 101}),
    "more than the account has": (SELL_OCO, "", {"hold": 100_000}),
    "an order with a hold of its own": (SELL_OCO, "limit", {"hold": 1}),
    "unequal quantities": (SELL_OCO, "stop", {"quantity": 99}),
    "two sides": (SELL_OCO, "stop", {"side": "buy"}),
    "two symbols": (SELL_OCO, "stop", {"symbol": "ADAM"}),
    "two accounts": (SELL_OCO, "stop", {"account": "bob"}),
    "ids that do not follow": (LONG, "stop_loss", {"order_id": 9}),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_journal_whose_group_does_not_fit_is_not_applied(name: str) -> None:
    group, role, changes = SPOILED[name]
    market = told(group)
    (number,) = [number for number, payload in enumerate(market.journal) if b'"placeo' in payload or b"placebracket" in payload]
    written = json.loads(market.journal[number])
    (command,) = written["groups"][0]["commands"]
    spoiled = {**command, **changes} if not role else {**command, role: {**command[role], **changes}}
    follower = LedgerStage(market.market)
    for payload, inputs in zip(market.journal[:number], market.inputs[:number], strict=True):
        follower.replay(payload, inputs)
    with pytest.raises(ReplayError):
        follower.replay(encode({**written, "groups": [{"shard": 1, "commands": [spoiled]}]}), {})


def test_a_symbol_or_an_account_that_is_not_there_has_no_phase_and_no_rules() -> None:
    market = told()
    for shard, command in (
        (1, {"type": "setphase", "symbol": "NONE", "phase": "halted"}),
        (0, {"type": "setaccountrules", "account": "$bank", "self_trade": "allow", "cancel_on_disconnect": False}),
    ):
        follower = LedgerStage(market.market)
        *before, last = zip(market.journal, market.inputs, strict=True)
        for payload, inputs in before:
            follower.replay(payload, inputs)
        written = {**json.loads(last[0]), "groups": [{"shard": shard, "commands": [command]}]}
        with pytest.raises(ReplayError):
            follower.replay(encode(written), last[1])


def test_a_moment_that_is_cut_between_the_halves_of_an_event() -> None:
    """A turn of an engine may be split anywhere; the ledger is whole in between, also as a snapshot."""
    market = told(SELL_OCO, BUYER)
    events = [trade(1, 3, 1, 220_000, 100, "sell"), Cancelled(2, "KRYP", 100, "pair")]
    for event in events:
        market.say(event, more=event is events[0])
        market.restart(snapshot=True)
        market.restart()
        assert held(market) == "0.00 0"
