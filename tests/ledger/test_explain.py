"""An order's explanation against a market that watches its queues while it makes them up."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exchange.messages.base import encode
from exchange.messages.events import Event, EventBatch, Rested, Traded
from exchange.messages.explanation import ExplainQuestion, Explanation
from exchange.messages.requests import Refused
from ledger.explain import Explain
from ledger.history import History
from tests.ledger.test_history import SHARDS, fill
from tests.ledger.test_history_groups import tell
from tests.oracle.flow import Flow


class WatchedFlow(Flow):
    """Notes what stands before an order when it first rests, and every trade on its side of the book from then on."""

    def __init__(self, seed: int) -> None:
        self.places: dict[int, tuple[int, int, int, int]] = {}
        self.ahead: dict[int, list[int]] = {}
        super().__init__(seed, shards=SHARDS)

    def place(self, order: dict) -> tuple[int, int, int, int]:
        sign = -1 if order["side"] == "buy" else 1
        shown = [
            other for other in self.orders.values()
            if other is not order and other["shown"] and (other["symbol"], other["side"]) == (order["symbol"], order["side"])
        ]  # fmt: skip
        better = [other["shown"] for other in shown if sign * other["limit"] < sign * order["limit"]]
        level = [other for other in shown if other["limit"] == order["limit"]]
        before = [other["shown"] for other in level if not order["queue"] or other["queue"] < order["queue"]]
        return len(better), sum(better), len(before), sum(before)

    def _show(self, order: dict) -> None:
        if order["order_id"] not in self.places:
            self.places[order["order_id"]] = self.place(order)
            self.ahead[order["order_id"]] = []
        super()._show(order)

    def _trade(self, maker: dict, taker: dict, happened: list[Event], crossing: tuple[int, int] | None = None) -> None:
        trade_id = len(self.trades[maker["symbol"]]) + 1
        waited = [maker, taker] if crossing else [maker]
        for order_id, trades in self.ahead.items():
            order = self.orders[order_id]
            ahead = [one for one in waited if (order["symbol"], order["side"]) == (one["symbol"], one["side"])]
            if ahead and order is not ahead[0] and order["status"] == "open":
                trades.append(trade_id)
        super()._trade(maker, taker, happened, crossing)

    def event(self, log: str, batch: int, index: int) -> Event:
        """What the logs hold at a place."""
        decoded = msgspec.json.decode(self.logs[log][batch - 1], type=EventBatch)
        return [event for moment in decoded.moments for event in moment.events][index]


@pytest.mark.parametrize("seed", range(2))
async def test_every_order_of_a_random_market(tmp_path: Path, seed: int) -> None:
    flow = WatchedFlow(seed)
    for _ in range(40):
        flow.step()
    flow.flush()
    history = fill(History(tmp_path / "history.duckdb", SHARDS), flow, random.Random(seed))
    explain = Explain(history)
    waited = 0
    for order in flow.orders.values():
        told = await explain.any("admin.explain", encode(ExplainQuestion(order["order_id"])))
        assert isinstance(told, Explanation)
        assert told.account == order["account"]
        assert told.order is not None
        assert (told.order.filled, told.order.status, told.order.open) == (order["filled"], order["status"], order["open"])
        assert told.accepted is not None
        assert f'"client_order_id":"c{order["order_id"]}"' in flow.logs["JOURNAL"][told.accepted.batch - 1].decode()
        check_steps(flow, order, told)
        if order["order_id"] not in flow.places:
            assert (told.queue, told.queue_now, told.ahead) == (None, None, [])
            continue
        waited += 1
        assert told.queue is not None
        place = told.queue
        found = (place.orders_better, place.quantity_better, place.orders_ahead, place.quantity_ahead)
        assert found == flow.places[order["order_id"]], order
        assert [trade.trade_id for trade in told.ahead] == flow.ahead[order["order_id"]][:100]
        assert told.trades_ahead == len(flow.ahead[order["order_id"]])
        now = told.queue_now
        assert (now is not None) == (order["shown"] > 0)
        if now is not None:
            assert (now.orders_better, now.quantity_better, now.orders_ahead, now.quantity_ahead) == flow.place(order)
            assert (now.price, now.quantity) == (order["limit"], min(order["open"], order["display"] or order["open"]))
    assert waited > 20
    history.close()


def check_steps(flow: WatchedFlow, order: dict[str, Any], told: Explanation) -> None:
    """Every step stands in the logs where it says it does, and the fills are all there, each with its fee."""
    number = order["order_id"]
    for step in told.steps:
        event = flow.event(step.at.log, step.at.batch, step.at.event)
        if isinstance(event, Traded):
            assert number in (event.maker_order_id, event.taker_order_id)
        else:
            assert event.order_id == number
        if step.what == "queued" and isinstance(event, Rested):
            assert (step.price, step.quantity) == (event.price, event.quantity)
    fills = [fill for fill in flow.fills[order["account"]] if fill[0] == number]
    steps = [step for step in told.steps if step.what == "filled"]
    assert [(s.trade_id, s.price, s.quantity, s.fee, s.liquidity, s.time) for s in steps] == [
        (trade_id, price, quantity, fee, role, time) for _, _, trade_id, _, price, quantity, fee, role, time in fills
    ]
    places = [(step.at.batch, step.at.event) for step in told.steps]
    assert places == sorted(places)
    assert (told.steps[-1].what == "ended" if told.steps else False) == (order["status"] != "open")


async def test_who_may_ask_what(tmp_path: Path) -> None:
    flow = WatchedFlow(2)
    for _ in range(40):
        flow.step()
    flow.flush()
    history = fill(History(tmp_path / "history.duckdb", SHARDS), flow, random.Random(2))
    explain = Explain(history)
    order = flow.orders[3]
    other = next(account for account in flow.accounts if account != order["account"])
    mine = await explain.own(f"api.{order['account']}.explain", encode(ExplainQuestion(3)))
    assert mine == await explain.own(f"api.{order['account']}.explain", encode(ExplainQuestion(client_order_id="c3")))
    assert mine == await explain.any("", encode(ExplainQuestion(client_order_id="c3", account=order["account"])))
    refused = flow.accounts[0], "'; DROP TABLE placed; --"
    for subject, question, reason in (
        (f"api.{other}.explain", ExplainQuestion(3), "unknown_order"),
        (f"api.{other}.explain", ExplainQuestion(3, account=order["account"]), "unknown_order"),
        (f"api.{other}.explain", ExplainQuestion(client_order_id="c3"), "unknown_order"),
        ("api.nobody.explain", ExplainQuestion(3), "unknown_order"),
        (f"api.{other}.explain", ExplainQuestion(10**40), "unknown_order"),
        (f"api.{other}.explain", ExplainQuestion(), "malformed"),
        (f"api.{other}.explain", ExplainQuestion(3, "c3"), "malformed"),
    ):
        answer = await explain.own(subject, encode(question))
        assert isinstance(answer, Refused)
        assert answer.reason == reason
    answer = await explain.any("", encode(ExplainQuestion(client_order_id="c3")))
    assert isinstance(answer, Refused)
    assert "account" in answer.detail
    told = await explain.own(f"api.{refused[0]}.explain", encode(ExplainQuestion(client_order_id=refused[1])))
    assert isinstance(told, Explanation)
    assert told.order is None
    assert {refusal.reason for refusal in told.refusals} == {"malformed"}
    for refusal in told.refusals:
        assert "DROP TABLE" in flow.logs["JOURNAL"][refusal.at.batch - 1].decode()
    history.close()


async def test_auctions_pairs_and_brackets(tmp_path: Path) -> None:
    """The story of test_history_groups: what it writes down of each order, in order."""
    history = History(tmp_path / "history.duckdb", 1)
    tell(history)
    if write := history.seal():
        write()
    explain = Explain(history)

    async def steps(order_id: int) -> list[tuple[Any, ...]]:
        told = await explain.any("", encode(ExplainQuestion(order_id)))
        assert isinstance(told, Explanation)
        return [(step.what, step.quantity, step.liquidity, step.reason) for step in told.steps]

    auction = ("filled", 20, "auction", "")
    assert await steps(1) == [("queued", 30, None, ""), auction, ("ended", 10, None, "auction_over")]
    assert await steps(2) == [("queued", 20, None, ""), auction, ("ended", 0, None, "filled")]
    assert await steps(3) == [
        ("queued", 10, None, ""),
        ("filled", 4, "maker", ""),
        ("decremented", 5, None, "pair"),
        ("ended", 1, None, "pair"),
    ]
    assert (await steps(4))[0] == ("decremented", 4, None, "pair")
    assert await steps(9) == [("replaced", 8, None, ""), ("activated", 5, None, ""), ("queued", 5, None, "")]
    told = await explain.any("", encode(ExplainQuestion(9)))
    assert isinstance(told, Explanation)
    assert told.queue_now is not None
    assert (told.queue_now.price, told.queue_now.quantity) == (1210, 5)
    assert (await steps(10)) == [("activated", 5, None, "")]
    history.close()
