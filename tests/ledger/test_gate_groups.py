"""Groups of orders at the gate: refusals as tables in text, ids, duplicates, and what the journal and the reports say."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest

from exchange.market import Fees, Limits
from exchange.messages.requests import Bracket, Cancel, Oco, Replace, Submit
from exchange.money import parse_money
from tests.oracle.ledger_market import SECOND, SmallMarket, small_market

DAY = 86_400 * SECOND


def order(client_order_id: str, line: str, now: int = 0) -> Submit:
    """`buy 10 stop_limit ADAM stop=150.00 price=140.00 tif=day`."""
    side, quantity, kind, symbol, *words = line.split()
    fields: dict[str, Any] = {}
    for word in words:
        name, _, value = word.partition("=")
        name = {"stop": "stop_price"}.get(name, name)
        if name in ("price", "stop_price", "trail"):
            fields[name] = parse_money(value)
        elif name == "id":
            client_order_id = value
        elif name == "expires":
            fields[name] = now + int(value) * DAY
        else:
            fields[name] = {"post_only": True, "display": 10}.get(name, value)
    return Submit(client_order_id, symbol, side, int(quantity), kind, **fields)  # type: ignore[arg-type]


def group(text: str, now: int = 0) -> Oco | Bracket:
    """Its orders, divided by |."""
    orders = [order(name, line, now) for name, line in zip("abc", text.split("|"), strict=False)]
    return Oco(*orders) if len(orders) == 2 else Bracket(*orders)


def rows(text: str) -> list[Any]:
    """(the group, reason, detail): each in a line of its own."""
    found = re.findall(r"(.+)\n    -> (\w+) ?(.*)", text)
    return [pytest.param(*row, id=" ".join(row[0].split())) for row in found]


def market(**limits: int) -> SmallMarket:
    """Alice has 2000.00 and 40 ADAM; ADAM trades at 142.00 in lots of 10 and ticks of 0.05, and costs 10 basis points."""
    found = SmallMarket(small_market(fees=Fees(maker=3, taker=10), limits=Limits(**{"orders_per_second": 0, **limits})))
    found.open("alice", parse_money("2000.00"), ADAM=40)
    found.open("bob", parse_money("100000.00"), ADAM=1_000)
    return found


# Each row breaks one rule fewer than the row above.
OCOS = """
sell 0 market NONE id= | sell 0 limit NONE id=a
    -> client_order_id limit: client_order_id needs 1 to 36 printable characters, different for every order
sell 0 market NONE | sell 0 limit NONE id=a
    -> unknown_symbol limit: there is no symbol NONE
sell 5 market ADAM | sell 0 limit NONE id=a
    -> quantity_off_lot limit: ADAM trades in lots of 10; 5 is not a multiple
sell 40 limit ADAM price=1.01 | sell 0 limit NONE id=a
    -> price_off_tick limit: prices of ADAM are multiples of 0.05; 1.01 is not
sell 50 limit ADAM price=150.00 | sell 0 limit NONE id=a
    -> insufficient_shares limit: selling 50 ADAM needs as many shares, 40 can be sold
sell 40 market ADAM | buy 0 limit NONE id=a
    -> client_order_id stop: client_order_id a is that of another order already
sell 40 market ADAM | buy 0 limit NONE id=taken
    -> client_order_id stop: client_order_id taken is that of another order already
sell 40 market ADAM | buy 0 limit NONE
    -> unknown_symbol stop: there is no symbol NONE
sell 40 market ADAM | buy 10 stop KRYP
    -> stop_price_missing stop: a stop order needs a stop_price
sell 40 market ADAM | buy 100 limit KRYP price=21.00
    -> insufficient_funds stop: buying 100 KRYP at 21.00 needs 2102.10 (fees of at most 2.10 included), 2000.00 is available
sell 40 market ADAM | buy 10 limit KRYP price=20.00
    -> group all orders of a group are of one symbol
sell 40 market ADAM | buy 10 limit ADAM price=142.00
    -> group both orders of an OCO pair are of one side
sell 40 market ADAM | sell 10 limit ADAM price=142.00
    -> group all orders of a group have the same quantity
sell 10 market ADAM | sell 10 limit ADAM price=142.00
    -> group limit: this is a market order, it must be a limit order
sell 10 stop_limit ADAM stop=130.00 price=129.00 | sell 10 limit ADAM price=142.00
    -> group limit: this is a stop_limit order, it must be a limit order
sell 10 limit ADAM price=150.00 tif=ioc | sell 10 limit ADAM price=142.00
    -> group stop: this is a limit order, it must be stop, stop_limit or trailing_stop
sell 10 limit ADAM price=150.00 tif=ioc | sell 10 stop ADAM stop=130.00
    -> group both orders of a pair have the same tif, gtc, day or gtd, and the same expires
sell 10 limit ADAM price=150.00 tif=cls | sell 10 stop ADAM stop=130.00
    -> group both orders of a pair have the same tif, gtc, day or gtd, and the same expires
sell 10 limit ADAM price=150.00 tif=day | sell 10 stop ADAM stop=130.00
    -> group both orders of a pair have the same tif, gtc, day or gtd, and the same expires
sell 10 limit ADAM price=150.00 tif=gtd expires=1 | sell 10 stop ADAM stop=130.00 tif=gtd expires=2
    -> group both orders of a pair have the same tif, gtc, day or gtd, and the same expires
sell 10 limit ADAM price=150.00 tif=gtd expires=1 | sell 10 stop ADAM stop=130.00 tif=gtd expires=1
    -> accepted
sell 10 limit ADAM price=150.00 tif=day | sell 10 trailing_stop ADAM trail=5.00 tif=day
    -> accepted
sell 20 limit ADAM price=150.00 display | sell 20 stop_limit ADAM stop=130.00 price=129.00 display
    -> accepted
sell 40 limit ADAM price=150.00 post_only | sell 40 stop ADAM stop=130.00
    -> accepted
buy 10 limit ADAM price=100.00 | buy 10 stop ADAM stop=180.00
    -> accepted
buy 10 limit ADAM price=100.00 | buy 10 stop ADAM stop=190.30
    -> accepted
buy 10 limit ADAM price=100.00 | buy 10 stop ADAM stop=190.35
    -> insufficient_funds stop: buying 10 ADAM at 199.85 needs 2000.499 (fees of at most 1.999 included), 2000.00 is available
"""
BRACKETS = """
buy 10 limit ADAM | sell 10 limit NONE | sell 10 limit NONE
    -> price_missing entry: a limit order needs a price
buy 20 limit ADAM price=100.00 | sell 10 limit NONE | sell 10 limit NONE
    -> insufficient_funds entry: buying 20 ADAM at 100.00 needs 2002.00 (fees of at most 2.00 included), 2000.00 is available
buy 10 limit ADAM price=100.00 | sell 10 limit NONE | sell 10 limit NONE
    -> unknown_symbol take_profit: there is no symbol NONE
buy 10 limit ADAM price=100.00 | buy 10 limit ADAM price=900000000000.00 | sell 10 limit NONE
    -> value_too_large take_profit: 10 ADAM at 900000000000.00 come to more than the largest amount, 900719925474.0991
buy 10 limit ADAM price=100.00 | buy 10 limit ADAM price=110.00 | sell 10 limit NONE
    -> unknown_symbol stop_loss: there is no symbol NONE
buy 10 limit ADAM price=100.00 | buy 10 limit ADAM price=110.00 | sell 20 limit KRYP price=20.00
    -> group all orders of a group are of one symbol
buy 10 limit ADAM price=100.00 | sell 20 limit ADAM price=110.00 | buy 10 limit ADAM price=20.00
    -> group the entry is a buy, so both legs sell
sell 10 limit ADAM price=100.00 | buy 10 limit ADAM price=90.00 | sell 10 stop ADAM stop=110.00
    -> group the entry is a sell, so both legs buy
buy 10 limit ADAM price=100.00 | sell 20 stop ADAM stop=110.00 | sell 20 limit ADAM price=20.00 tif=day
    -> group all orders of a group have the same quantity
buy 10 limit ADAM price=100.00 | sell 10 stop ADAM stop=110.00 | sell 10 limit ADAM price=20.00 tif=day
    -> group take_profit: this is a stop order, it must be a limit order
buy 10 limit ADAM price=100.00 | sell 10 limit ADAM price=110.00 | sell 10 limit ADAM price=20.00 tif=day
    -> group stop_loss: this is a limit order, it must be stop, stop_limit or trailing_stop
buy 10 limit ADAM price=100.00 | sell 10 limit ADAM price=110.00 | sell 10 stop ADAM stop=90.00 tif=day
    -> group both orders of a pair have the same tif, gtc, day or gtd, and the same expires
buy 10 market ADAM | sell 10 limit ADAM price=160.00 | sell 10 stop ADAM stop=90.00
    -> accepted
buy 1000 limit ADAM price=1.00 tif=fok | sell 1000 limit ADAM price=160.00 | sell 1000 trailing_stop ADAM trail=5.00
    -> accepted
sell 10 limit ADAM price=150.00 tif=cls | buy 10 limit ADAM price=100.00 | buy 10 stop ADAM stop=190.30
    -> accepted
sell 10 limit ADAM price=150.00 | buy 10 limit ADAM price=2.00 | buy 10 market ADAM price=0
    -> price_not_positive stop_loss: the price must be positive, it is 0.00
"""


@pytest.mark.parametrize(("text", "reason", "detail"), [*rows(OCOS), *rows(BRACKETS)])
def test_refusals_in_order_of_precedence(text: str, reason: str, detail: str) -> None:
    found = market()
    found.request("alice", Submit("taken", "KRYP", "buy", 1, price=100))
    found.request("alice", Cancel(client_order_id="taken"))
    found.settle()
    before = len(found.reports["alice"])
    wanted = group(text, found.now)
    answer = found.request("alice", wanted)
    first = wanted.limit if isinstance(wanted, Oco) else wanted.entry
    if reason == "accepted":
        count = 2 if isinstance(wanted, Oco) else 3
        assert answer == {"type": "accepted", "order_id": 2, "client_order_id": "a", "orders": count}
        assert [report["order_id"] for report in found.reports["alice"][before:]] == list(range(2, 2 + count))
        return
    assert (answer["reason"], answer["detail"]) == (reason, detail)
    assert answer.get("client_order_id", "") == first.client_order_id, "a group is called after its first order"
    (record,) = json.loads(found.journal[-1])["refusals"]
    role = detail.partition(":")[0]
    about = getattr(wanted, role) if hasattr(wanted, role) and reason != "group" else first
    assert (record["reason"], record["symbol"]) == (reason, about.symbol), "history must be able to say which order it was"
    assert found.stage.ledger.next_order_id == 2
    assert len(found.reports["alice"]) == before


OCO = "sell 10 limit ADAM price=150.00 | sell 10 stop ADAM stop=130.00"
BRACKET = "buy 10 limit ADAM price=100.00 | sell 10 limit ADAM price=110.00 | sell 10 stop_limit ADAM stop=90.00 price=89.00"


def test_all_orders_of_a_group_count_as_open() -> None:
    found = market(open_orders=3)
    found.request("alice", Submit("1", "KRYP", "buy", 1, price=100))
    refused = found.request("alice", group(BRACKET))
    assert refused["reason"] == "too_many_open_orders"
    assert refused["detail"] == "entry: an account may have 3 open orders; cancel some first"
    assert found.request("alice", group(OCO))["type"] == "accepted"
    found.request("alice", Cancel(client_order_id="1"))
    found.settle()
    assert found.request("alice", Submit("2", "KRYP", "buy", 1, price=100))["type"] == "accepted"


def test_a_group_costs_as_many_commands_as_it_has_orders() -> None:
    found = market(orders_per_second=4)
    found.turn(elapsed=10 * SECOND)
    answers = found.request("alice", [group(BRACKET), Cancel(99), Cancel(99)])
    assert [answer.get("reason", answer["type"]) for answer in answers] == ["accepted", "unknown_order", "rate"]
    found.turn(elapsed=SECOND // 2)  # Room for two commands.
    renamed = msgspec.structs.replace
    bracket = group(BRACKET)
    assert isinstance(bracket, Bracket)
    other = Bracket(*(renamed(leg, client_order_id=f"x{leg.client_order_id}") for leg in _orders(bracket)))
    assert found.request("alice", other) == {
        "type": "refused",
        "reason": "rate",
        "detail": "more than 4 commands a second; wait a moment",
        "client_order_id": "xa",
    }
    assert found.request("alice", group(BRACKET))["duplicate"] is True, "a duplicate costs nothing"
    assert found.request("alice", [Cancel(99)] * 3)[2]["reason"] == "rate", "a refused group took nothing"


def test_a_group_is_possible_however_slow_an_account_must_be() -> None:
    found = market(orders_per_second=1)
    found.turn(elapsed=10 * SECOND)
    assert found.request("alice", group(BRACKET))["type"] == "accepted"
    found.turn(elapsed=2 * SECOND)
    assert found.request("alice", Cancel(99))["reason"] == "rate"
    found.turn(elapsed=SECOND)
    assert found.request("alice", Cancel(99))["reason"] == "unknown_order"


def _orders(bracket: Bracket) -> tuple[Submit, Submit, Submit]:
    return bracket.entry, bracket.take_profit, bracket.stop_loss


def test_a_group_sent_again_is_answered_and_not_placed() -> None:
    found = market()
    for text, count in ((OCO, 2), (BRACKET, 3)):
        found = market()
        first = found.request("alice", group(text))
        assert found.request("alice", group(text)) == {**first, "duplicate": True}
        changed = group("sell 0 market NONE | sell 0 limit NONE" + " | buy 0 limit NONE" * (count - 2))
        assert found.request("alice", changed) == {**first, "duplicate": True}, "whatever the rest says now"
        assert found.stage.ledger.next_order_id == count + 1
        leg = found.request("alice", Submit("b", "NONE", "buy", 1))
        assert (leg["order_id"], leg["duplicate"]) == (2, True), "a leg's id is an id like any other"


def test_what_reports_and_portfolio_say_of_a_group() -> None:
    found = market()
    found.request("alice", group(OCO))
    found.request(
        "alice", group(BRACKET.replace("ADAM", "ADAM id=x", 1).replace("110.00", "110.00 id=y").replace("89.00", "89.00 id=z"))
    )
    accepted = [report for report in found.reports["alice"] if report["type"] == "orderaccepted"]
    links = [(report["order_id"], report.get("pair", 0), report.get("entry", 0)) for report in accepted]
    assert links == [(1, 2, 0), (2, 1, 0), (3, 0, 0), (4, 5, 3), (5, 4, 3)]
    orders = found.portfolio("alice").orders
    assert [(o.order_id, o.pair, o.entry) for o in orders] == links
    found.settle()
    found.request("bob", Submit("b", "ADAM", "sell", 10, price=1_000_000))
    found.settle()
    told = [report for report in found.reports["alice"] if report["type"] == "orderactivated"]
    assert [(report["order_id"], report["quantity"]) for report in told] == [(4, 10), (5, 10)]
    # The stop of the first pair was reached by the entry's price.
    assert [(o.order_id, o.pair, o.entry) for o in found.portfolio("alice").orders if o.order_id > 3] == [(4, 5, 0), (5, 4, 0)]


# Alice: a sale 1 and 2, a purchase 3 and 4 (10 KRYP, its hold is that of the stop, 23.1231 a share); a bracket 5, 6, 7.
REPLACES = """
order_id=1
    -> nothing_to_change the order has this quantity, price and stop_price already
order_id=1 quantity=0 price=0
    -> grouped the order is one of a group, whose quantities stay equal: only its price and stop_price can be changed
order_id=5 quantity=20
    -> grouped the order is one of a group, whose quantities stay equal: only its price and stop_price can be changed
order_id=6 quantity=5
    -> grouped the order is one of a group, whose quantities stay equal: only its price and stop_price can be changed
order_id=1 price=0
    -> price_not_positive the price must be positive, it is 0.00
order_id=3 price=900719925474
    -> value_too_large 10 KRYP at 900719925474.00 come to more than the largest amount, 900719925474.0991
order_id=3 price=23.11
    -> grouped the pair has 23.1231 a share set aside, fees included; the new price needs more
order_id=3 price=23.10
    -> accepted
order_id=4 stop_price=22.10
    -> grouped the pair has 23.1231 a share set aside, fees included; the new price needs more
order_id=4 stop_price=21.90
    -> accepted
order_id=1 quantity=10 price=900.00
    -> accepted
order_id=6 price=900.00
    -> accepted
order_id=7 stop_price=80.00 price=79.00
    -> accepted
order_id=5 price=101.00
    -> accepted
order_id=5 price=1000.00
    -> insufficient_funds the change needs 9009.00 more, fees included, 867.769 is available
"""


@pytest.mark.parametrize(("replace", "reason", "detail"), rows(REPLACES))
def test_refused_replaces_in_order_of_precedence(replace: str, reason: str, detail: str) -> None:
    found = market()
    pair = "buy 10 limit KRYP price=20.00 id=c | buy 10 stop KRYP stop=22.00 id=d"
    bracket = "buy 10 limit ADAM price=100.00 id=e | sell 10 limit ADAM price=110.00 id=f"
    bracket += " | sell 10 stop_limit ADAM stop=90.00 price=89.00 id=g"
    for text in (OCO, pair, bracket):
        assert found.request("alice", group(text))["type"] == "accepted"
    found.deposit("alice", "CASH", parse_money("100.00"))
    fields = dict(word.split("=") for word in replace.split())
    command = Replace(
        int(fields["order_id"]),
        "",
        int(fields["quantity"]) if "quantity" in fields else None,
        *(parse_money(fields[name]) if name in fields else None for name in ("price", "stop_price")),
    )
    held = _held(found)
    answer = found.request("alice", command)
    assert (answer.get("reason", answer["type"]), answer.get("detail", "")) == (reason, detail)
    if reason == "accepted" and command.order_id != 5:
        assert _held(found) == held, "the pair's hold is enough"
    found.settle()
    if reason == "accepted":
        (replaced,) = [report for report in found.reports["alice"] if report["type"] == "orderreplaced"]
        assert replaced["order_id"] == command.order_id


def _held(found: SmallMarket) -> list[int]:
    portfolio = found.portfolio("alice")
    return [portfolio.cash_held, *(position.held for position in portfolio.positions)]
