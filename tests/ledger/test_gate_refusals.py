"""Every refusal of the gate, as tables in text. A row breaks one rule fewer than the row above, so the order is tested too."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exchange.market import Fees, Limits
from exchange.messages.base import encode
from exchange.messages.requests import CancelAll, Submit
from exchange.money import parse_money
from tests.oracle.ledger_market import SECOND, SmallMarket, small_market

# client id, side, quantity, symbol, price or "market [protection]" -> reason, and below it the detail
SUBMISSIONS = """
(37 letters)  buy   0          NONE  none      -> client_order_id
    client_order_id needs 1 to 36 printable characters, different for every order
(nothing)     buy   0          NONE  none      -> client_order_id
    client_order_id needs 1 to 36 printable characters, different for every order
(a newline)   buy   0          NONE  none      -> client_order_id
    client_order_id needs 1 to 36 printable characters, different for every order
x             buy   0          NONE  none      -> unknown_symbol
    there is no symbol NONE
x             buy   0          CASH  none      -> unknown_symbol
    there is no symbol CASH
x             buy   0          ADAM  none      -> quantity_not_positive
    the quantity must be positive, it is 0
x             buy   -10        ADAM  none      -> quantity_not_positive
    the quantity must be positive, it is -10
x             buy   1000000007 ADAM  none      -> quantity_off_lot
    ADAM trades in lots of 10; 1000000007 is not a multiple
x             buy   1000000000 ADAM  none      -> quantity_too_large
    one order may have at most 900000000 shares, this has 1000000000
x             buy   900000000  ADAM  none      -> price_missing
    a limit order needs a price
x             buy   900000000  ADAM  0         -> price_not_positive
    the price must be positive, it is 0.00
x             buy   900000000  ADAM  -0.01     -> price_not_positive
    the price must be positive, it is -0.01
x             buy   900000000  ADAM  142.01    -> price_off_tick
    prices of ADAM are multiples of 0.05; 142.01 is not
x             buy   900000000  ADAM  900719925475.00 -> price_too_large
    the largest price is 900719925474.0991, this is 900719925474.0991 and more
x             buy   900000000  ADAM  1000.80   -> value_too_large
    900000000 ADAM at 1000.80 come to more than the largest amount, 900719925474.0991
x             buy   900000000  ADAM  1420.00   -> value_too_large
    900000000 ADAM at 1420.00 come to more than the largest amount, 900719925474.0991
x             sell  900000000  ADAM  1420.00   -> value_too_large
    900000000 ADAM at 1420.00 come to more than the largest amount, 900719925474.0991
x             buy   10         ADAM  142.00    -> too_many_open_orders
    an account may have 2 open orders; cancel some first
"""
WITH_ROOM = """
x             buy   10         ADAM  142.00    -> insufficient_funds
    buying 10 ADAM at 142.00 needs 1421.42 (fees of at most 1.42 included), 1000.00 is available
x             buy   10         ADAM  market    -> insufficient_funds
    buying 10 ADAM at 149.10 needs 1492.491 (fees of at most 1.491 included), 1000.00 is available
x             buy   10         ADAM  market 120.00 -> insufficient_funds
    buying 10 ADAM at 120.00 needs 1201.20 (fees of at most 1.20 included), 1000.00 is available
x             sell  50         ADAM  142.00    -> insufficient_shares
    selling 50 ADAM needs as many shares, 40 can be sold
x             sell  50         KRYP  20.50     -> insufficient_shares
    selling 50 KRYP needs as many shares, 0 can be sold
x             sell  1          KRYP  20.50     -> insufficient_shares
    selling 1 KRYP needs as many shares, 0 can be sold
x             sell  50         ADAM  market    -> insufficient_shares
    selling 50 ADAM needs as many shares, 40 can be sold
x             sell  40         ADAM  market    -> accepted
y             buy   40         KRYP  20.50     -> accepted
"""
IDS = {"(37 letters)": "x" * 37, "(nothing)": "", "(a newline)": "x\n"}


def rows(text: str) -> list[Any]:
    """(left of the arrow, reason, detail)."""
    found: list[list[str]] = []
    for line in text.strip().splitlines():
        if line.startswith(" "):
            found[-1][2] = line.strip()
        else:
            found.append([*(part.strip() for part in line.split("->")), ""])
    return [pytest.param(*row, id=" ".join(f"{row[0]} {row[1]}".split())) for row in found]


def submission(line: str) -> Submit:
    """The command on the left of the arrow. Prices are written as people do, and may be impossible."""
    client_order_id = next((name for name in IDS if line.startswith(name)), line.split()[0])
    side, quantity, symbol, *price = line.removeprefix(client_order_id).split()
    kind = "market" if price[0] == "market" else "limit"
    word = price[-1]
    units = None if word in ("market", "none") else _units(word)
    return Submit(IDS.get(client_order_id, client_order_id), symbol, side, int(quantity), kind, units)  # type: ignore[arg-type]


def _units(word: str) -> int:
    return 9_007_199_254_750_000 if word == "900719925475.00" else parse_money(word)


def market(open_orders: int = 1_000) -> SmallMarket:
    rules = small_market(fees=Fees(maker=3, taker=10), limits=Limits(open_orders, 0, order_quantity=900_000_000))
    found = SmallMarket(rules)
    found.open("alice", parse_money("1000.00"), ADAM=40)
    return found


def expect(found: SmallMarket, order: str, reason: str, detail: str = "") -> None:
    answer = found.request("alice", submission(order))
    if reason == "accepted":
        assert answer["type"] == "accepted"
        return
    assert (answer["type"], answer["reason"], answer.get("detail", "")) == ("refused", reason, detail)
    recorded = found.journal[-1].decode()
    assert f'"reason":"{reason}"' in recorded, "history must be able to say why"


@pytest.mark.parametrize(("order", "reason", "detail"), rows(SUBMISSIONS))
def test_refusals_in_order_of_precedence(order: str, reason: str, detail: str) -> None:
    full = market(open_orders=2)
    full.request("alice", [Submit("1", "KRYP", "buy", 1, price=200), Submit("2", "KRYP", "buy", 1, price=200)])
    expect(full, order, reason, detail)


@pytest.mark.parametrize(("order", "reason", "detail"), rows(WITH_ROOM))
def test_refusals_for_lack_of_means(order: str, reason: str, detail: str) -> None:
    expect(market(), order, reason, detail)


def test_held_means_are_not_available() -> None:
    found = market()
    found.request("alice", [Submit("1", "ADAM", "sell", 40, price=2_000_000), Submit("2", "KRYP", "buy", 48, price=205_000)])
    expect(found, "3 sell 10 ADAM 142.00", "insufficient_shares", "selling 10 ADAM needs as many shares, 0 can be sold")
    needs = "buying 1 KRYP at 20.50 needs 20.5205 (fees of at most 0.0205 included), 15.016 is available"
    expect(found, "4 buy 1 KRYP 20.50", "insufficient_funds", needs)


def test_refusals_of_whole_requests_in_order_of_precedence() -> None:
    found = market()
    many = encode([CancelAll()] * 101)
    for account, payload, reason in (
        ("nobody", b"{" * 101, "malformed"),
        ("alice", b"{" * 101, "malformed"),
        ("nobody", many, "unknown_account"),
        ("$bank", many, "unknown_account"),
        ("alice", many, "too_many_commands"),
    ):
        assert found.request(account, payload)["reason"] == reason
    assert found.request("alice", [CancelAll()] * 100) == [{"type": "accepted", "orders": 0}] * 100
    assert found.request("alice", b"[]") == []


def test_the_rate_hides_what_is_wrong_but_not_a_duplicate() -> None:
    found = SmallMarket(small_market(limits=Limits(orders_per_second=3)))
    found.open("alice", 10_000_000)
    found.turn(elapsed=10 * SECOND)
    order, wrong = Submit("x", "KRYP", "buy", 1, price=200), Submit("", "NONE", "buy", 0)
    answers = found.request("alice", [order, wrong, CancelAll(), wrong, order, CancelAll()])
    assert [answer.get("reason", answer["type"]) for answer in answers] == [
        *("accepted", "client_order_id", "accepted"),
        *("rate", "accepted", "rate"),
    ]
    assert answers[3]["detail"] == "more than 3 commands a second; wait a moment"
    assert answers[4]["duplicate"] is True
    batch = found.journal[-1].decode()
    assert '"rate_refusals":2' in batch, "refusals for the rate are only counted"
    assert batch.count('"reason"') == 1
    assert found.request("alice", [wrong])[0]["reason"] == "rate"
    found.turn(elapsed=SECOND // 3)
    assert [a["reason"] for a in found.request("alice", [wrong, wrong])] == ["client_order_id", "rate"], "one third of a second"
    found.turn(elapsed=20 * SECOND)
    assert [a["reason"] for a in found.request("alice", [wrong] * 4)] == ["client_order_id"] * 3 + ["rate"], (
        "never more at once"
    )
    assert found.request("alice", b"malformed")["reason"] == "rate", "what cannot be read costs as much as a command"
    found.now -= 3_600 * SECOND
    assert found.request("alice", [wrong])[0]["reason"] == "client_order_id", "a clock that is set back locks nobody out"


def test_refusals_for_the_rate_alone_write_no_batch() -> None:
    found = SmallMarket(small_market(limits=Limits(orders_per_second=1)))
    found.open("alice")
    found.request("alice", CancelAll())
    found.turn(elapsed=SECOND // 10)
    written = len(found.journal)
    assert found.request("alice", [CancelAll(), CancelAll()])[0]["reason"] == "rate"
    assert len(found.journal) == written
    found.turn(elapsed=SECOND)
    assert '"rate_refusals":2' in found.journal[-1].decode(), "they are counted in the next one"
    found.turn(elapsed=SECOND)
    assert "rate_refusals" not in found.journal[-1].decode()


CANCELS = """
{}                                            -> malformed
    a cancel names its order by order_id or by client_order_id
{"order_id": 7}                               -> unknown_order
    there is no open order 7
{"order_id": -1}                              -> unknown_order
    there is no open order -1
{"order_id": 123456789012345678901234567890}  -> unknown_order
    there is no open order 9007199254740991 and more
{"client_order_id": "nope"}                   -> unknown_order
    there is no open order nope
{"order_id": 2}                               -> unknown_order
    there is no open order 2
{"client_order_id": "bobs"}                   -> unknown_order
    there is no open order bobs
{"order_id": 3}                               -> unknown_order
    there is no open order 3
{"client_order_id": "done"}                   -> unknown_order
    there is no open order done
{"order_id": 1}                               -> accepted
{"client_order_id": "mine"}                   -> accepted
{"order_id": 1, "client_order_id": "nope"}    -> accepted
"""


@pytest.mark.parametrize(("cancel", "reason", "detail"), rows(CANCELS))
def test_cancels(cancel: str, reason: str, detail: str) -> None:
    """Order 1 is alice's own, 2 is bob's, 3 was alice's and is not open any more."""
    found = market()
    found.open("bob", parse_money("1000.00"))
    found.request("alice", Submit("mine", "KRYP", "buy", 1, price=200))
    found.request("bob", Submit("bobs", "KRYP", "buy", 1, price=200))
    found.request("alice", Submit("done", "KRYP", "buy", 1, price=200, tif="ioc"))
    found.settle()
    answer = found.request("alice", json.dumps({"type": "cancel", **json.loads(cancel)}).encode())
    assert answer.get("reason", answer["type"]) == reason
    assert answer.get("detail", "") == detail
    if reason == "accepted":
        assert (answer["order_id"], answer["client_order_id"]) == (1, "mine")


def test_cancel_all() -> None:
    found = market()
    orders = [Submit(str(number), "KRYP" if number % 2 else "ADAM", "buy", 10, price=500) for number in range(6)]
    found.request("alice", orders)
    assert found.request("alice", CancelAll("NONE"))["reason"] == "unknown_symbol"
    assert found.request("alice", CancelAll("KRYP")) == {"type": "accepted", "orders": 3}
    # The same again concerns the same orders, and the journal gets only what it does not have yet.
    assert found.request("alice", [CancelAll("KRYP"), CancelAll(), CancelAll()])[0]["orders"] == 3
    assert found.journal[-1].decode().count("cancelorder") == 3
    found.settle()
    assert not found.stage.ledger.orders
    assert [report["reason"] for report in found.reports["alice"][-6:]] == ["owner"] * 6
