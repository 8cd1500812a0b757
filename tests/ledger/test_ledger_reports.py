"""Reports, portfolios and gaps: a client that follows the rules always knows what the ledger knows."""

from __future__ import annotations

from random import Random
from typing import Any

from exchange.market import Fees, Limits
from exchange.messages.base import encode
from exchange.messages.requests import Cancel, CancelAll, Submit
from ledger.accounts import RECENT_REPORTS_MAX
from ledger.questions import ORDERS_LISTED_MAX
from ledger.reports import REPORTS_PER_MESSAGE_MAX
from tests.oracle.ledger_market import SmallMarket, small_market


def opened(open_orders: int = 5_000, **changes: Any) -> SmallMarket:
    market = SmallMarket(small_market(limits=Limits(open_orders, 0), **changes))
    for account in ("alice", "bob"):
        market.open(account, 2**40, KRYP=10_000)
    return market


def test_the_life_of_orders_in_reports() -> None:
    market = opened(fees=Fees(maker=5, taker=10))
    market.request("alice", [Submit("a", "KRYP", "sell", 30, price=200_000), Submit("b", "KRYP", "sell", 10, price=210_000)])
    market.request("bob", Submit("c", "KRYP", "buy", 35, price=200_000, tif="ioc"))
    market.request("alice", [Cancel(client_order_id="a"), Cancel(2)])
    market.settle()
    brief = [{k: v for k, v in report.items() if k not in ("symbol", "time")} for report in market.reports["alice"]]
    assert brief == [
        {"type": "transferred", "asset": "CASH", "amount": 2**40, "reason": "endowment"},
        {"type": "transferred", "asset": "KRYP", "amount": 10_000, "reason": "endowment"},
        {"type": "orderaccepted", "order_id": 1, "client_order_id": "a", "side": "sell", "quantity": 30, "price": 200_000},
        {"type": "orderaccepted", "order_id": 2, "client_order_id": "b", "side": "sell", "quantity": 10, "price": 210_000},
        {"type": "orderfilled", "order_id": 1, "trade_id": 1, "side": "sell", "price": 200_000, "quantity": 30}
        | {"remaining": 0, "fee": 3_000, "liquidity": "maker"},
        {"type": "ordercancelrefused", "order_id": 1},
        {"type": "ordercancelled", "order_id": 2, "quantity": 10, "reason": "owner"},
    ]
    assert [report["type"] for report in market.reports["bob"][2:]] == ["orderaccepted", "orderfilled", "ordercancelled"]
    times = [report["time"] for report in market.reports["alice"]]
    assert times == sorted(times)


def test_deposits_and_withdrawals_are_reported() -> None:
    market = opened()
    market.deposit("alice", "CASH", 500, reason="prize")
    market.deposit("alice", "KRYP", -3, reason="tax")
    assert [(r["asset"], r["amount"], r["reason"]) for r in market.reports["alice"][2:]] == [
        ("CASH", 500, "prize"),
        ("KRYP", -3, "tax"),
    ]
    assert set(market.reports) == {"alice", "bob"}, "system accounts have nobody to tell"


def test_the_operators_list_of_accounts() -> None:
    market = opened()
    market.open("anna", 5, KRYP=0)
    market.request("alice", [Submit("a", "KRYP", "sell", 30, price=200_000), Submit("b", "KRYP", "sell", 1, price=210_000)])
    market.request("bob", Submit("c", "KRYP", "buy", 10, price=200_000))
    market.settle()

    def listed(**question: Any) -> tuple[list[str], bool]:
        answer = market.ask("admin.accounts", "", encode(question))
        return [row["account"] for row in answer["accounts"]], answer["complete"]

    assert listed() == (["alice", "bob", "anna"], True)
    assert listed(limit=2) == (["alice", "bob"], False)
    assert listed(limit=2, after=2) == (["anna"], True)
    assert listed(prefix="a") == (["alice", "anna"], True)
    assert listed(prefix="a", after=1, limit=1) == (["anna"], True)
    assert market.ask("admin.accounts", "", encode({"limit": 0}))["reason"] == "malformed"
    for row in market.ask("admin.accounts")["accounts"]:
        portfolio = market.portfolio(row["account"])
        assert (row["cash"], row["equity"], row["realized"], row["fees"], row["orders"], row["standing"]) == (
            *(portfolio.cash, portfolio.equity, portfolio.realized, portfolio.fees),
            *(len(portfolio.orders), portfolio.standing),
        )


def test_a_portfolio_contains_the_reports_up_to_its_number() -> None:
    market = opened()
    market.request("alice", [Submit("a", "KRYP", "sell", 30, price=200_000), Submit("b", "KRYP", "buy", 2, price=100_000)])
    market.request("bob", Submit("c", "KRYP", "buy", 10, price=200_000))
    before = market.portfolio("alice")
    assert before.report == len(market.reports["alice"]) == 4
    assert before.positions[0].price == 205_000, "the opening price until the first trade"
    market.settle()
    after = market.portfolio("alice")
    assert (after.report, after.cash, after.cash_held) == (5, 2**40 + 2_000_000, 200_000)
    (position,) = after.positions
    assert (position.symbol, position.quantity, position.held, position.price) == ("KRYP", 9_990, 20, 200_000)
    first, second = after.orders
    assert (first.order_id, first.client_order_id, first.quantity, first.remaining, first.price) == (1, "a", 30, 20, 200_000)
    assert (second.order_id, second.side, second.kind, second.tif) == (2, "buy", "limit", "gtc")
    assert market.ask("admin.portfolio", "", b'{"account":"alice"}') == market.ask("portfolio", "alice")


def test_a_question_is_answered_after_the_commands_before_it() -> None:
    market = opened()
    market.stage.submit_request(
        "alice", "", b'{"type":"submit","client_order_id":"a","symbol":"KRYP","side":"buy","quantity":1,"price":100}'
    )
    assert market.portfolio("alice").orders[0].client_order_id == "a"


def test_gaps_are_filled_as_far_as_memory_goes() -> None:
    market = opened()
    everything = market.reports["alice"]
    for number in range(60):
        market.request("alice", [Submit(f"{number}-{i}", "KRYP", "buy", 1, price=100) for i in range(5)])
    last = len(everything)
    assert last == 302
    for after in (last, last - 1, last - 100, last - RECENT_REPORTS_MAX):
        answer = market.ask("reports", "alice", b'{"after":%d}' % after)
        assert answer["complete"]
        assert answer["number"] == after + 1
        assert answer["reports"] == everything[after:]
    for after in (last - RECENT_REPORTS_MAX - 1, 0, -5):
        answer = market.ask("reports", "alice", b'{"after":%d}' % after)
        assert not answer["complete"]
        assert answer["reports"] == everything[-RECENT_REPORTS_MAX:]
        assert answer["number"] == last - RECENT_REPORTS_MAX + 1
    beyond = market.ask("reports", "alice", b'{"after":%d}' % (last + 1))
    assert not beyond["complete"], "a client that knows more than the ledger must start anew"


def test_gaps_after_a_recovery() -> None:
    """From the logs the memory comes back; from a snapshot it begins there, and the numbers go on."""
    market = opened()
    market.request("alice", [Submit(str(i), "KRYP", "buy", 1, price=100) for i in range(5)])
    market.restart()
    assert market.reports_after("alice", 3).complete
    market.restart(snapshot=True)
    assert not market.reports_after("alice", 3).complete
    assert market.reports_after("alice", 7).complete
    market.request("alice", CancelAll())
    market.settle()
    answer = market.reports_after("alice", 7)
    assert (answer.complete, answer.number, len(answer.reports)) == (True, 8, 5)


def test_many_reports_in_one_turn_are_sent_in_several_messages() -> None:
    market = opened()
    for start in range(0, 2_500, 100):
        market.request("alice", [Submit(f"{i}", "KRYP", "sell", 1, price=200_000) for i in range(start, start + 100)])
    market.request("bob", Submit("all", "KRYP", "buy", 2_500, price=200_000))
    market.now += 1
    inputs = market.match()
    messages = [message for subject, message in market.stage.turn(inputs, market.now).messages if subject == "reports.alice"]
    assert len(messages) == -(-2_500 // REPORTS_PER_MESSAGE_MAX)
    for message in messages:
        market._receive("reports.alice", message)
    assert len(market.reports["alice"]) == 2 + 2_500 + 2_500


def test_a_portfolio_of_very_many_orders_leaves_out_the_oldest() -> None:
    market = opened()
    market.check = lambda: None  # type: ignore[method-assign]  # Quadratic here, and elsewhere tried often enough.
    for start in range(0, 2_100, 100):
        market.request("alice", [Submit('"' * 30 + f"{i}", "KRYP", "buy", 1, price=100) for i in range(start, start + 100)])
    portfolio = market.portfolio("alice")
    assert len(portfolio.orders) == ORDERS_LISTED_MAX
    assert portfolio.orders_left_out == 100
    assert portfolio.orders[-1].order_id == 2_100


def test_a_client_that_loses_messages_ends_with_the_truth() -> None:
    """It keeps its cash from reports, notices gaps by their numbers, and heals itself as the documentation says."""
    random = Random(11)
    market = opened(fees=Fees(maker=1, taker=3))
    client = {"cash": market.portfolio("alice").cash, "report": market.portfolio("alice").report, "healed": 0, "anew": 0}

    def apply(reports: list[dict[str, Any]]) -> None:
        for report in reports:
            client["report"] += 1
            if report["type"] == "orderfilled":
                sign = -1 if report["side"] == "buy" else 1
                client["cash"] += sign * report["price"] * report["quantity"] - report["fee"]
            elif report["type"] == "transferred" and report["asset"] == "CASH":
                client["cash"] += report["amount"]

    def heal() -> None:
        answer = market.ask("reports", "alice", b'{"after":%d}' % client["report"])
        client["healed"] += 1
        if answer["complete"]:
            apply(answer["reports"])
            return
        portfolio = market.portfolio("alice")
        client.update(cash=portfolio.cash, report=portfolio.report, anew=client["anew"] + 1)

    for number in range(200):
        if random.random() < 0.05:
            market.restart(snapshot=True)
        market.request("alice", Submit(f"a{number}", "KRYP", random.choice(("buy", "sell")), 10, price=200_000))
        market.request("bob", Submit(f"b{number}", "KRYP", random.choice(("buy", "sell")), 7, price=200_000))
        market.deposit("alice", "CASH", 1)
        market.settle()
        if random.random() < 0.5:
            continue  # Everything of this round is lost on the way.
        heal() if client["report"] + 1 < len(market.reports["alice"]) else apply(market.reports["alice"][client["report"] :])
        assert (client["cash"], client["report"]) == (market.portfolio("alice").cash, len(market.reports["alice"]))
    assert client["healed"] > 20
    assert client["anew"] > 0
