"""Refusals about an order's conditions, and of replaces, as tables in text; what the journal says of those that are accepted.

A row breaks one rule fewer than the row above, so the order is tested too.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from exchange.market import Fees, Limits
from exchange.messages.requests import Replace, Submit
from exchange.money import parse_money
from tests.oracle.ledger_market import SECOND, START, SmallMarket, small_market

DAY = 86_400 * SECOND
TOMORROW = (START // DAY + 1) * DAY

# Fields of a submission for ADAM (tick 0.05, lot 10, last price 142.00) -> reason, and below it the detail.
SUBMISSIONS = """
buy 1000 stop tif=ioc expires=past post_only display=-1 trail=0 stop=0 price=0 -> time_in_force
    a stop order waits for its stop price: its tif is gtc, day or gtd
sell 10 stop_limit tif=fok stop=140.00 price=139.00      -> time_in_force
    a stop_limit order waits for its stop price: its tif is gtc, day or gtd
sell 10 trailing_stop tif=ioc trail=1.00                 -> time_in_force
    a trailing_stop order waits for its stop price: its tif is gtc, day or gtd
buy 10 market tif=fok expires=past                       -> time_in_force
    a market order trades what it can: tif fok is for limit orders
buy 1000 stop tif=gtc expires=past post_only display=-1 trail=0 price=0 -> expires_unexpected
    expires is for tif gtd only, this is gtc
buy 1000 stop tif=day expires=past post_only display=-1 trail=0 price=0 -> expires_unexpected
    expires is for tif gtd only, this is day
buy 1000 limit expires=soon price=1.00                   -> expires_unexpected
    expires is for tif gtd only, this is gtc
buy 1000 stop tif=gtd post_only display=-1 trail=0 price=0 -> expires_missing
    tif gtd needs expires, the time at which the order ends
buy 1000 stop tif=gtd expires=past post_only display=-1 trail=0 price=0 -> expires_past
    expires is not in the future
buy 1000 stop tif=gtd expires=now post_only display=-1 trail=0 price=0 -> expires_past
    expires is not in the future
buy 1000 stop tif=gtd expires=far post_only display=-1 trail=0 price=0 -> expires_too_far
    expires is at most 366 days ahead
buy 1000 stop tif=gtd expires=soon post_only display=-1 trail=0 price=0 -> post_only
    post_only is for limit orders with tif gtc, day or gtd, this is stop with tif gtd
buy 1000 stop_limit post_only display=-1 trail=0 price=0 -> post_only
    post_only is for limit orders with tif gtc, day or gtd, this is stop_limit with tif gtc
buy 1000 limit tif=ioc post_only display=-1 trail=0      -> post_only
    post_only is for limit orders with tif gtc, day or gtd, this is limit with tif ioc
buy 1000 market post_only display=-1 trail=0             -> post_only
    post_only is for limit orders with tif gtc, day or gtd, this is market with tif gtc
buy 1000 market display=-1 trail=0 stop=0                -> display_unexpected
    display is for limit and stop_limit orders with tif gtc, day or gtd, this is market with tif gtc
buy 1000 limit tif=fok display=-1 trail=0 stop=0         -> display_unexpected
    display is for limit and stop_limit orders with tif gtc, day or gtd, this is limit with tif fok
buy 1000 stop display=-1 trail=0                         -> display_unexpected
    display is for limit and stop_limit orders with tif gtc, day or gtd, this is stop with tif gtc
buy 1000 stop_limit display=-1 trail=0                   -> display_not_positive
    display must be positive, it is -1
buy 1000 stop_limit display=1007 trail=0                 -> display_off_lot
    ADAM trades in lots of 10; display 1007 is not a multiple
buy 1000 stop_limit display=1010 trail=0                 -> display_too_large
    display must be less than the quantity 1000, it is 1010
buy 1000 stop_limit display=1000 trail=0                 -> display_too_large
    display must be less than the quantity 1000, it is 1000
buy 1000 stop_limit display=990 trail=0 points=0         -> trail_unexpected
    trail and trail_basis_points are for trailing_stop orders, this is a stop_limit order
buy 1000 limit points=0 stop=0 price=0                   -> trail_unexpected
    trail and trail_basis_points are for trailing_stop orders, this is a limit order
buy 1000 trailing_stop trail=0 points=0 stop=0 price=0   -> trail_twice
    a trailing_stop order has either trail or trail_basis_points, not both
buy 1000 trailing_stop stop=0 price=0                    -> trail_missing
    a trailing_stop order needs trail or trail_basis_points
buy 1000 trailing_stop points=0 stop=0 price=0           -> trail_basis_points
    trail_basis_points is 1 to 5000, this is 0
buy 1000 trailing_stop points=5001 stop=0 price=0        -> trail_basis_points
    trail_basis_points is 1 to 5000, this is 5001
buy 1000 trailing_stop trail=0 stop=0 price=0            -> trail_not_positive
    the trail must be positive, it is 0.00
buy 1000 trailing_stop trail=142.01 stop=0 price=0       -> trail_off_tick
    prices of ADAM are multiples of 0.05; the trail 142.01 is not
buy 1000 trailing_stop trail=142.00 stop=0 price=0       -> trail_too_large
    the trail must be below the last price 142.00, it is 142.00
buy 1000 trailing_stop trail=141.95 stop=0 price=0       -> stop_price_unexpected
    a trailing_stop order begins its trail away from the last price; stop_price is for stop and stop_limit
buy 1000 limit stop=0 price=0                            -> stop_price_unexpected
    a limit order waits for no trade price; stop_price is for stop and stop_limit
buy 1000 market stop=0 price=0                           -> stop_price_unexpected
    a market order waits for no trade price; stop_price is for stop and stop_limit
buy 1000 stop price=0                                    -> stop_price_missing
    a stop order needs a stop_price
buy 1000 stop_limit price=0                              -> stop_price_missing
    a stop_limit order needs a stop_price
buy 1000 stop stop=0 price=0                             -> stop_price_not_positive
    the stop_price must be positive, it is 0.00
buy 1000 stop stop=142.01 price=0                        -> stop_price_off_tick
    prices of ADAM are multiples of 0.05; the stop_price 142.01 is not
buy 1000 stop stop=huge price=0                          -> stop_price_too_large
    the largest price is 900719925474.0991, the stop_price is 900719925474.0991 and more
buy 1000 stop stop=150.00 price=0                        -> price_unexpected
    a stop order takes no price: it has the market's protection; stop_limit takes one
buy 1000 trailing_stop trail=1.00 price=0                -> price_unexpected
    a trailing_stop order takes no price: it has the market's protection; stop_limit takes one
buy 1000 stop_limit stop=150.00                          -> price_missing
    a stop_limit order needs a price
buy 1000 stop_limit stop=150.00 price=0                  -> price_not_positive
    the price must be positive, it is 0.00
buy 1000 stop_limit stop=150.00 price=150.01             -> price_off_tick
    prices of ADAM are multiples of 0.05; 150.01 is not
buy 1000000 stop stop=900000000.00                       -> value_too_large
    1000000 ADAM at 945000000.00 come to more than the largest amount, 900719925474.0991
buy 10 stop stop=200.00                                  -> insufficient_funds
    buying 10 ADAM at 210.00 needs 2102.10 (fees of at most 2.10 included), 2000.00 is available
buy 20 trailing_stop points=5000                         -> insufficient_funds
    buying 20 ADAM at 223.65 needs 4477.474 (fees of at most 4.474 included), 2000.00 is available
sell 50 trailing_stop points=5000                        -> insufficient_shares
    selling 50 ADAM needs as many shares, 40 can be sold
"""
UNITS = {"huge": 9_007_199_254_750_000, "0": 0}
TIMES = {"past": START - SECOND, "soon": START + SECOND, "far": START + 367 * DAY}


def rows(text: str) -> list[Any]:
    """(left of the arrow, reason, detail)."""
    found: list[list[str]] = []
    for line in text.strip().splitlines():
        if line.startswith(" "):
            found[-1][2] = line.strip()
        else:
            found.append([*(part.strip() for part in line.split("->")), ""])
    return [pytest.param(*row, id=" ".join(row[0].split())) for row in found]


def fields(words: list[str], now: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word in words:
        name, _, value = word.partition("=")
        if name in ("price", "trail", "stop", "stop_price"):
            found["stop_price" if name == "stop" else name] = UNITS[value] if value in UNITS else parse_money(value)
        elif name == "expires":
            found[name] = now if value == "now" else TIMES[value]
        elif name == "post_only":
            found[name] = True
        elif name in ("tif", "self_trade"):
            found[name] = value
        else:
            found["trail_basis_points" if name == "points" else name] = int(value)
    return found


def submission(line: str, now: int = 0) -> Submit:
    side, quantity, kind, *words = line.split()
    return Submit("x", "ADAM", side, int(quantity), kind, **fields(words, now))  # type: ignore[arg-type]


def market(engines: bool = False) -> SmallMarket:
    found = SmallMarket(small_market(fees=Fees(maker=3, taker=10), limits=Limits(1_000, 0)), engines=engines)
    found.open("alice", parse_money("2000.00"), ADAM=40)
    found.open("bob", parse_money("10000.00"), ADAM=1_000)
    return found


@pytest.mark.parametrize(("order", "reason", "detail"), rows(SUBMISSIONS))
def test_refusals_in_order_of_precedence(order: str, reason: str, detail: str) -> None:
    found = market()
    answer = found.request("alice", submission(order, found.now + 1_000_000))  # The time of the batch to come.
    assert (answer["type"], answer.get("reason"), answer.get("detail")) == ("refused", reason, detail)
    assert f'"reason":"{reason}"' in found.journal[-1].decode(), "history must be able to say why"


# What stands in the journal, besides names and `self_trade` cancel_newest. Protection is 5 %, the last price 142.00.
JOURNAL = """
buy 10 limit price=142.00                  -> price 1420000 hold 14214200
buy 10 limit price=142.00 self_trade=allow -> price 1420000 hold 14214200 self_trade none
buy 10 market tif=day                      -> price 1491000 hold 14924910 tif ioc
buy 10 limit price=142.00 tif=day          -> price 1420000 hold 14214200 tif day expires midnight
buy 10 limit price=142.00 tif=gtd expires=soon -> price 1420000 hold 14214200 tif gtd expires soon
buy 10 stop stop=150.00 tif=day            -> price 1575000 hold 15765750 tif day expires midnight stop_price 1500000
sell 10 stop stop=130.05                   -> price 1235500 hold 10 stop_price 1300500
buy 10 stop_limit stop=150.00 price=140.00 -> price 1400000 hold 14014000 stop_price 1500000
sell 20 stop_limit stop=150.00 price=160.00 display=10 -> price 1600000 hold 20 stop_price 1500000 display 10
sell 10 trailing_stop trail=2.00           -> price 1330000 hold 10 stop_price 1400000 trail 20000
buy 10 trailing_stop trail=2.00            -> price 1512000 hold 15135120 stop_price 1440000 trail 20000
sell 10 trailing_stop points=123           -> price 1332500 hold 10 stop_price 1402500 trail_basis_points 123
buy 10 trailing_stop points=123            -> price 1509000 hold 15105090 stop_price 1437500 trail_basis_points 123
sell 10 trailing_stop points=5000          -> price 674500 hold 10 stop_price 710000 trail_basis_points 5000
"""


@pytest.mark.parametrize("line", JOURNAL.strip().splitlines())
def test_what_the_journal_says(line: str) -> None:
    found = market()
    left, right = line.split("->")
    assert found.request("alice", submission(left))["type"] == "accepted"
    (group,) = json.loads(found.journal[-1])["groups"]
    (command,) = group["commands"]
    names = {"midnight": TOMORROW, "soon": TIMES["soon"]}
    words = right.split()
    expected = {
        name: names.get(value, int(value) if value.isdigit() else value)
        for name, value in zip(words[::2], words[1::2], strict=True)
    }
    expected = {"self_trade": "cancel_newest"} | expected
    if expected["self_trade"] == "none":  # `allow`, as old logs have it.
        del expected["self_trade"]
    for name in ("type", "order_id", "account", "client_order_id", "symbol", "side", "quantity", "kind"):
        command.pop(name, None)
    assert command == expected


def test_the_day_ends_at_midnight_utc() -> None:
    found = market(engines=True)
    found.now = TOMORROW - 2 * SECOND
    day = Submit("a", "KRYP", "buy", 1, price=100, tif="day")
    for name, expires in (("a", TOMORROW), ("b", TOMORROW + DAY)):
        found.request("alice", msgspec.structs.replace(day, client_order_id=name))
        (order,) = found.portfolio("alice").orders
        assert (order.client_order_id, order.expires) == (name, expires)
        found.now = expires - 2_000_000
        found.turn()
        found.settle()
        assert order.order_id in found.stage.ledger.orders, "the last millisecond"
        found.turn(elapsed=SECOND)
        found.settle()
        assert found.reports["alice"][-1]["reason"] == "expired"


# ── Replaces ──

# Alice: order 1 rests (buy 10 ADAM at 100.00), 2 is a stop (sell 10 at 120.00), 3 a stop_limit (buy 10 at 150.00, limit 48.00),
# 4 a trailing stop (sell 10), 5 has a replace pending, 6 is a market order nobody has answered, 7 is bob's.
REPLACES = """
quantity=0                                           -> malformed
    a replace names its order by order_id or by client_order_id
order_id=99 quantity=0 price=0 stop_price=0          -> unknown_order
    there is no open order 99
order_id=7 quantity=0 price=0 stop_price=0           -> unknown_order
    there is no open order 7
order_id=5 quantity=0 price=0 stop_price=0           -> replace_pending
    an earlier replace of the order is not answered yet; wait for its report
order_id=5                                           -> replace_pending
    an earlier replace of the order is not answered yet; wait for its report
order_id=1                                           -> nothing_to_change
    the order has this quantity, price and stop_price already
order_id=1 quantity=10 price=100.00                  -> nothing_to_change
    the order has this quantity, price and stop_price already
order_id=4 quantity=10                               -> nothing_to_change
    the order has this quantity, price and stop_price already
order_id=1 quantity=0 price=0 stop_price=0           -> quantity_not_positive
    the quantity must be positive, it is 0
order_id=1 quantity=1000007 price=0 stop_price=0     -> quantity_off_lot
    ADAM trades in lots of 10; 1000007 is not a multiple
order_id=1 quantity=1000010 price=0 stop_price=1     -> quantity_too_large
    one order may have at most 1000000 shares, this has 1000010
order_id=1 quantity=1000000 price=0 stop_price=1     -> stop_price_unexpected
    a limit order waits for no trade price; stop_price is for stop and stop_limit
order_id=4 quantity=1000000 price=0 stop_price=1     -> stop_price_unexpected
    a trailing_stop order begins its trail away from the last price; stop_price is for stop and stop_limit
order_id=2 quantity=1000000 price=0 stop_price=0     -> stop_price_not_positive
    the stop_price must be positive, it is 0.00
order_id=2 quantity=1000000 price=0 stop_price=1.01  -> stop_price_off_tick
    prices of ADAM are multiples of 0.05; the stop_price 1.01 is not
order_id=2 quantity=1000000 price=0 stop_price=huge  -> stop_price_too_large
    the largest price is 900719925474.0991, the stop_price is 900719925474.0991 and more
order_id=2 quantity=1000000 price=0 stop_price=1.00  -> price_unexpected
    a stop order takes no price: it has the market's protection; stop_limit takes one
order_id=4 quantity=1000000 price=0                  -> price_unexpected
    a trailing_stop order takes no price: it has the market's protection; stop_limit takes one
order_id=6 quantity=1000000 price=0                  -> price_unexpected
    the price of a market order cannot be changed
order_id=1 quantity=1000000 price=0                  -> price_not_positive
    the price must be positive, it is 0.00
order_id=1 quantity=1000000 price=1.01               -> price_off_tick
    prices of ADAM are multiples of 0.05; 1.01 is not
order_id=1 quantity=1000000 price=huge               -> price_too_large
    the largest price is 900719925474.0991, this is 900719925474.0991 and more
order_id=1 quantity=1000000 price=1000000.00         -> value_too_large
    1000000 ADAM at 1000000.00 come to more than the largest amount, 900719925474.0991
order_id=1 quantity=20 price=50.10                   -> insufficient_funds
    the change needs 501.501 more, fees included, 500.50 is available
order_id=1 price=150.05                              -> insufficient_funds
    the change needs 501.001 more, fees included, 500.50 is available
order_id=2 quantity=30                               -> insufficient_shares
    the change needs 20 ADAM more, 10 can be sold
order_id=1 quantity=20 price=50.00                   -> accepted
order_id=1 price=150.00                              -> accepted
order_id=2 quantity=20                               -> accepted
"""


@pytest.mark.parametrize(("replace", "reason", "detail"), rows(REPLACES))
def test_refused_replaces_in_order_of_precedence(replace: str, reason: str, detail: str) -> None:
    """Alice is left with 500.50 and 10 ADAM that no order holds; 500.50 more is just what the accepted changes need."""
    found = market()
    found.request(
        "alice",
        [
            Submit("1", "ADAM", "buy", 10, price=1_000_000),
            Submit("2", "ADAM", "sell", 10, "stop", stop_price=1_200_000),
            Submit("3", "ADAM", "buy", 10, "stop_limit", 480_000, stop_price=1_500_000),
            Submit("4", "ADAM", "sell", 10, "trailing_stop", trail=10_000),
            Submit("5", "KRYP", "buy", 1, price=100_000),
            Submit("6", "ADAM", "sell", 10, "market"),
            Replace(5, price=80_000),
        ],
    )
    found.request("bob", Submit("7", "ADAM", "buy", 10, price=100_000))
    account = found.stage.ledger.accounts["alice"]
    found.deposit("alice", "CASH", parse_money("500.50") - account.available("CASH"))
    found.deposit("alice", "ADAM", 10 - account.available("ADAM"))
    answer = found.request("alice", Replace(**fields(replace.split())))
    assert answer.get("reason", answer["type"]) == reason
    assert answer.get("detail", "") == detail
