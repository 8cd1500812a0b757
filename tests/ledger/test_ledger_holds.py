"""Holds of stops, replaces and decrements: examples worked by hand, event by event; and events no engine could have said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exchange.digest import digest
from exchange.market import Fees
from exchange.messages.base import encode
from exchange.messages.events import (
    Cancelled,
    Decremented,
    Event,
    EventBatch,
    Moment,
    Replaced,
    ReplaceRefused,
    Traded,
    Triggered,
)
from exchange.messages.requests import Cancel, CancelAll, Replace, Submit
from exchange.money import format_money, parse_money
from exchange.stage import ReplayError
from exchange.subjects import events_log
from ledger.stage import LedgerStage
from tests.oracle.ledger_market import START, SmallMarket, small_market


class Told:
    """A market whose engine is the test: it says itself what events there are."""

    def __init__(self, **fees: int) -> None:
        self.market = SmallMarket(small_market(fees=Fees(**fees)))
        for account in ("alice", "bob"):
            self.market.open(account, parse_money("10000.00"), KRYP=1_000)
        self.number = 0
        self.previous = ""

    def say(self, *events: Event) -> None:
        self.number += 1
        journal = len(self.market.journal)
        payload = encode(EventBatch(self.number, journal, self.previous, [Moment(journal, START, list(events))]))
        self.previous = digest(payload)
        self.market.turn({events_log(1): [payload]})

    def held(self, account: str = "alice") -> str:
        portfolio = self.market.portfolio(account)
        return f"{format_money(portfolio.cash_held)} {portfolio.positions[0].held}"

    def report(self, account: str = "alice") -> dict[str, Any]:
        report = dict(self.market.reports[account][-1])
        del report["time"], report["symbol"]
        return report


# Alice buys, at 20.00; bob's order 2 sells to her. Ten basis points of fees: a share at 20.00 holds 20.02, at 21.00 21.021.
# quantity and price of the order, and what it is to become -> held at first, with the replace, and
#   for each number of shares filled before it arrives: what is held after it is answered.
BUYS = """
100 @ 20.00 to  60 @ 20.00 -> 2002.00 2002.00   0: 1201.20   40: 400.40   59: 20.02   60: refused 800.80  100: refused 0.00
100 @ 20.00 to 150 @ 20.00 -> 2002.00 3003.00   0: 3003.00   40: 2202.20   99: 1021.02  100: refused 0.00
100 @ 20.00 to 100 @ 21.00 -> 2002.00 2102.10   0: 2102.10   40: 1261.26   99: 21.021  100: refused 0.00
100 @ 20.00 to 100 @ 19.00 -> 2002.00 2002.00   0: 1901.90   40: 1141.14  100: refused 0.00
100 @ 20.00 to  50 @ 50.00 -> 2002.00 2502.50   0: 2502.50   49: 50.05     50: refused 1001.00
100 @ 20.00 to 150 @ 10.00 -> 2002.00 2502.50   0: 1501.50   99: 510.51   100: refused 0.00
"""


@pytest.mark.parametrize("line", BUYS.strip().splitlines())
def test_the_hold_of_a_replace_covers_every_outcome_and_fits_in_the_end(line: str) -> None:
    left, right = line.split("->")
    old_quantity, _, old_price, _, quantity, _, price = left.split()
    first, pending, *outcomes = right.split()
    ends: list[tuple[int, bool, str]] = []
    while outcomes:
        filled = int(outcomes.pop(0).rstrip(":"))
        refused = outcomes[0] == "refused"
        ends.append((filled, refused, outcomes[1] if refused else outcomes[0]))
        del outcomes[: 2 if refused else 1]
    for filled, refused, expected in ends:
        told = Told(maker=0, taker=10)
        told.market.request("alice", Submit("a", "KRYP", "buy", int(old_quantity), price=parse_money(old_price)))
        told.market.request("bob", Submit("b", "KRYP", "sell", 200, price=1_000))
        assert told.held() == f"{first} 0"
        told.market.request("alice", Replace(1, "", int(quantity), parse_money(price)))
        assert told.held() == f"{pending} 0"
        events: list[Event] = [Traded("KRYP", 1, 1, 2, parse_money(old_price), filled, "sell")] if filled else []
        left_open = int(quantity) - filled
        answer: Event = Replaced(1, "KRYP", "buy", parse_money(price), left_open, kept_place=False)
        told.say(*events, ReplaceRefused(1, "KRYP") if refused else answer)
        assert told.held() == f"{expected} 0", f"{filled} filled before"
        if refused:
            assert told.report() == {"type": "orderreplacerefused", "order_id": 1}
            continue
        assert told.report() == {
            "type": "orderreplaced",
            "order_id": 1,
            "price": parse_money(price),
            "quantity": left_open,
            "kept_place": False,
        }
        (order,) = told.market.portfolio("alice").orders
        assert (order.remaining, order.quantity - order.remaining, order.price) == (left_open, filled, parse_money(price))


def test_a_sale_holds_the_shares_that_a_replace_adds() -> None:
    told = Told()
    told.market.request("alice", Submit("a", "KRYP", "sell", 100, price=200_000))
    told.market.request("bob", Submit("b", "KRYP", "buy", 30, price=200_000))
    told.market.request("alice", Replace(client_order_id="a", quantity=130))
    assert told.held() == "0.00 130"
    told.say(Traded("KRYP", 1, 1, 2, 200_000, 30, "buy"))
    assert told.held() == "0.00 100"
    told.say(Replaced(1, "KRYP", "sell", 200_000, 100, kept_place=False))
    assert told.held() == "0.00 100"
    told.market.request("alice", Replace(1, quantity=10))
    told.say(Replaced(1, "KRYP", "sell", 200_000, 10, kept_place=True))
    assert told.held() == "0.00 10"


def test_an_order_that_ends_while_a_replace_is_pending_gives_everything_back() -> None:
    told = Told(maker=0, taker=10)
    told.market.request("alice", Submit("a", "KRYP", "buy", 100, price=200_000))
    assert told.market.request("alice", [Replace(1, quantity=200), Cancel(1)])[1]["type"] == "accepted"
    assert told.held() == "4004.00 0"
    told.say(Cancelled(1, "KRYP", 100, "owner"))
    assert told.held() == "0.00 0"
    told.market.restart(snapshot=True)
    told.say(ReplaceRefused(1, "KRYP"))
    assert told.held() == "0.00 0"
    assert told.report()["type"] == "orderreplacerefused"


def test_a_trailing_stop_keeps_the_hold_of_its_placement() -> None:
    """Last price 20.50, trail 1.00: a buy begins at 21.50, within 5 % of that is 22.57. Its limit stays 1.07 above its stop."""
    told = Told()
    told.market.request("alice", Submit("a", "KRYP", "buy", 10, "trailing_stop", trail=10_000))
    told.market.request("bob", Submit("b", "KRYP", "sell", 10, price=195_000))
    assert told.held() == "225.70 0"
    told.market.request("alice", Replace(1, quantity=20))
    assert told.held() == "451.40 0"
    told.say(Replaced(1, "KRYP", "buy", 225_700, 20, kept_place=False))
    (order,) = told.market.portfolio("alice").orders
    assert (order.price, order.stop_price, order.trail, order.quantity) == (225_700, 215_000, 10_000, 20)
    told.say(Triggered(1, "KRYP", 190_000), Traded("KRYP", 1, 2, 1, 200_700, 10, "buy"), Cancelled(1, "KRYP", 10, "protection"))
    assert [report["type"] for report in told.market.reports["alice"][-3:]] == [
        *("ordertriggered", "orderfilled", "ordercancelled"),
    ]
    assert told.market.reports["alice"][-3]["price"] == 190_000
    assert told.held() == "0.00 0"
    assert format_money(told.market.portfolio("alice").cash) == "9799.30"


def test_a_trailing_sale_may_only_trade_near_where_its_stop_has_moved() -> None:
    """Begins at 19.50, protection 18.53; having moved to 25.00 it is 24.03."""
    told = Told()
    told.market.request("alice", Submit("a", "KRYP", "sell", 10, "trailing_stop", trail=10_000))
    told.market.request("bob", Submit("b", "KRYP", "buy", 10, price=240_300))
    told.say(Triggered(1, "KRYP", 250_000), Traded("KRYP", 1, 2, 1, 240_300, 10, "sell"))
    assert told.held() == "0.00 0"


def test_a_new_stop_price_of_a_stop_moves_its_protection() -> None:
    told = Told()
    told.market.request("alice", Submit("a", "KRYP", "buy", 10, "stop", stop_price=220_000))
    assert told.held() == "231.00 0"
    told.market.request("alice", Replace(1, stop_price=240_000))
    assert told.held() == "252.00 0"
    told.say(Replaced(1, "KRYP", "buy", 252_000, 10, kept_place=False, stop_price=240_000))
    (order,) = told.market.portfolio("alice").orders
    assert (order.price, order.stop_price) == (252_000, 240_000)
    assert told.report() == {
        "type": "orderreplaced",
        "order_id": 1,
        "price": 252_000,
        "quantity": 10,
        "kept_place": False,
        "stop_price": 240_000,
    }
    told.say(Triggered(1, "KRYP", 240_000), Cancelled(1, "KRYP", 10, "no_liquidity"))
    assert told.held() == "0.00 0"


def test_a_stop_limit_that_has_triggered_is_a_limit_order() -> None:
    told = Told()
    told.market.request("alice", Submit("a", "KRYP", "buy", 10, "stop_limit", 200_000, stop_price=190_000))
    told.say(Triggered(1, "KRYP", 190_000))
    assert told.market.request("alice", Replace(1, stop_price=180_000))["reason"] == "stop_price_unexpected"
    told.market.request("alice", Replace(1, price=210_000))
    assert told.held() == "210.00 0"
    told.say(Replaced(1, "KRYP", "buy", 210_000, 10, kept_place=False))
    (order,) = told.market.portfolio("alice").orders
    assert (order.kind, order.price, order.stop_price) == ("stop_limit", 210_000, 0)


def test_a_decrement_frees_its_part_on_both_sides() -> None:
    told = Told(maker=0, taker=10)
    told.market.request("alice", Submit("a", "KRYP", "sell", 30, price=200_000))
    told.market.request("alice", Submit("b", "KRYP", "buy", 50, price=200_000, self_trade="decrement"))
    assert told.held() == "1001.00 30"
    told.say(Decremented(1, "KRYP", 30), Decremented(2, "KRYP", 30))
    assert told.held() == "400.40 0"
    assert told.report() == {"type": "orderdecremented", "order_id": 2, "quantity": 30, "remaining": 20}
    (order,) = told.market.portfolio("alice").orders
    assert (order.order_id, order.quantity, order.remaining) == (2, 20, 20)


def test_cancel_all_takes_waiting_stops_with_it() -> None:
    market = SmallMarket(engines=True)
    market.open("alice", parse_money("10000.00"), KRYP=100)
    stops = [
        Submit("a", "KRYP", "buy", 1, "stop", stop_price=250_000),
        Submit("b", "KRYP", "sell", 1, "trailing_stop", trail=100),
    ]
    market.request("alice", stops)
    market.settle()
    assert market.request("alice", CancelAll())["orders"] == 2
    market.settle()
    assert not market.stage.ledger.orders


LIMIT, STOP, TRAILING, OTHER = 1, 2, 3, 4
CONTRADICTIONS: dict[str, list[Event]] = {
    "a trigger of what waits for nothing": [Triggered(LIMIT, "KRYP", 200_000)],
    "a trigger at another price": [Triggered(STOP, "KRYP", 220_100)],
    "a second trigger": [Triggered(STOP, "KRYP", 220_000)] * 2,
    "a trailing stop that moved to where it costs more": [Triggered(TRAILING, "KRYP", 215_100)],
    "a trade above where the limit of a trailing stop has moved": [
        Triggered(TRAILING, "KRYP", 190_000),
        Traded("KRYP", 1, OTHER, TRAILING, 200_800, 1, "buy"),
    ],
    "a trade of what waits": [Traded("KRYP", 1, OTHER, STOP, 200_000, 1, "buy")],
    "a decrement of what waits": [Decremented(STOP, "KRYP", 1)],
    "a decrement of nothing": [Decremented(OTHER, "KRYP", 0)],
    "a decrement of too much": [Decremented(OTHER, "KRYP", 11)],
    "a replace that nobody asked for": [Replaced(OTHER, "KRYP", "sell", 200_000, 10, kept_place=True)],
    "a replace by another price": [Replaced(LIMIT, "KRYP", "buy", 190_100, 15, kept_place=False)],
    "a replace by another quantity": [Replaced(LIMIT, "KRYP", "buy", 190_000, 14, kept_place=False)],
    "a replace without what was filled": [
        Traded("KRYP", 1, OTHER, LIMIT, 200_000, 1, "buy"),
        Replaced(LIMIT, "KRYP", "buy", 190_000, 15, kept_place=False),
    ],
    "a second answer": [ReplaceRefused(LIMIT, "KRYP")] * 2,
    "a refusal that nobody asked for": [ReplaceRefused(STOP, "KRYP")],
}


def batch(told: Told, *events: Event) -> dict[str, list[bytes]]:
    payload = encode(EventBatch(told.number + 1, 1, told.previous, [Moment(1, START, list(events))]))
    return {events_log(1): [payload]}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_events_that_contradict_the_ledger_are_not_applied(name: str) -> None:
    told = Told()
    told.market.request("alice", Submit("1", "KRYP", "buy", 10, price=200_000))
    told.market.request("alice", Submit("2", "KRYP", "buy", 10, "stop", stop_price=220_000))
    told.market.request("alice", Submit("3", "KRYP", "buy", 10, "trailing_stop", trail=10_000))
    told.market.request("bob", Submit("4", "KRYP", "sell", 10, price=200_000))
    told.market.request("alice", Replace(1, "", 15, 190_000))
    with pytest.raises(ReplayError):
        told.market.stage.turn(batch(told, *CONTRADICTIONS[name]), told.market.now)


def test_a_journal_whose_replace_does_not_fit_is_not_applied() -> None:
    told = Told()
    told.market.request("alice", Submit("1", "KRYP", "buy", 10, price=200_000))
    told.market.request("alice", Replace(1, "", 15))
    written = json.loads(told.market.journal[-2 if b"replaceorder" not in told.market.journal[-1] else -1])
    (command,) = written["groups"][0]["commands"]
    for changes in ({"order_id": 9}, {"account": "bob"}, {"open_quantity": 9}, {"hold": -1}, {"hold": 10**9}):
        follower = LedgerStage(told.market.market)
        for payload, inputs in zip(told.market.journal[:-1], told.market.inputs[:-1], strict=True):
            follower.replay(payload, inputs)
        spoiled = encode({**written, "groups": [{"shard": 1, "commands": [{**command, **changes}]}]})
        with pytest.raises(ReplayError):
            follower.replay(spoiled, {})


def test_a_snapshot_of_a_state_without_replaces_is_what_it_always_was() -> None:
    told = Told()
    told.market.request("alice", Submit("1", "KRYP", "buy", 10, price=200_000))
    assert b"replaces" not in told.market.stage.snapshot()
    told.market.request("alice", Replace(1, "", 15))
    assert b"replaces" in told.market.stage.snapshot()
    told.market.restart(snapshot=True)
    assert told.market.request("alice", Replace(1, "", 15))["reason"] == "replace_pending"
