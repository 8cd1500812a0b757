"""Holds, fees, rebates and settlement: examples worked by hand, in text and decimals."""

from __future__ import annotations

import pytest

from exchange.market import Fees
from exchange.messages.base import encode
from exchange.messages.events import Cancelled, CancelRefused, Event, EventBatch, Moment, Rested, Traded
from exchange.messages.requests import Submit
from exchange.money import format_money, parse_money
from exchange.stage import ReplayError
from exchange.subjects import events_log
from tests.oracle.ledger_market import START, SmallMarket, small_market

# One line per step. "buy 10 @ 20.50" is by alice, "sell …" by bob; both start with 10000.00 and 1000 KRYP. After the arrow:
# alice's cash and what of it is held, her shares; bob's cash, his shares and what of them is held; the fees collected.
NO_FEES = """
fees 0 0
buy 10 @ 20.60            -> alice 10000.00 206.00 1000   bob 10000.00 1000 0   fees 0.00
sell 4 @ 20.50            -> alice 9917.60 123.60 1004    bob 10082.40 996 0    fees 0.00
cancel buy                -> alice 9917.60 0.00 1004      bob 10082.40 996 0    fees 0.00
sell 5 @ 20.00            -> alice 9917.60 0.00 1004      bob 10082.40 996 5    fees 0.00
buy 3 @ 20.50             -> alice 9857.60 0.00 1007      bob 10142.40 993 2    fees 0.00
buy 3 @ 20.50             -> alice 9817.60 20.50 1009     bob 10182.40 991 0    fees 0.00
"""
# 10 basis points are 0.0206 a share at 20.60; the taker's better price and lower fee give back the difference at once.
FEES = """
fees 5 10
sell 100 @ 20.60          -> alice 10000.00 0.00 1000     bob 10000.00 1000 100 fees 0.00
buy 150 @ 20.70           -> alice 7937.94 1036.035 1100  bob 12058.97 900 0    fees 3.09
sell 50 @ 20.00           -> alice 6902.4225 0.00 1150    bob 13092.935 850 0   fees 4.6425
"""
# The maker is paid 2 of the taker's 7 basis points. A hold never counts on a rebate: it has the taker's fee in it.
REBATE = """
fees -2 7
buy 100 @ 20.00           -> alice 10000.00 2001.40 1000  bob 10000.00 1000 0   fees 0.00
sell 60 @ 20.00           -> alice 8800.24 800.56 1060    bob 11199.16 940 0    fees 0.60
cancel buy                -> alice 8800.24 0.00 1060      bob 11199.16 940 0    fees 0.60
"""
# One basis point of 20.51 is 0.002051, charged as 0.0021 when shares trade one by one: the hold has 0.0021 for each share.
ROUNDING = """
fees 1 1
buy 3 @ 20.51             -> alice 10000.00 61.5363 1000  bob 10000.00 1000 0   fees 0.00
sell 1 @ 20.51            -> alice 9979.4879 41.0242 1001 bob 10020.5079 999 0  fees 0.0042
sell 1 @ 20.51            -> alice 9958.9758 20.5121 1002 bob 10041.0158 998 0  fees 0.0084
sell 1 @ 20.51            -> alice 9938.4637 0.00 1003    bob 10061.5237 997 0  fees 0.0126
"""
# A rebate is rounded down: two basis points of 20.51 are 0.004102, paid as 0.0041; the taker's three, 0.006153, cost 0.0062.
ROUNDED_REBATE = """
fees -2 3
sell 1 @ 20.51            -> alice 10000.00 0.00 1000     bob 10000.00 1000 1   fees 0.00
buy 1 @ 20.51             -> alice 9979.4838 0.00 1001    bob 10020.5141 999 0  fees 0.0021
"""
# Protection is five percent of the last price, here the opening price 20.50: 21.525, within is 21.52. Nothing is left over.
MARKET = """
fees 0 0
sell 5 @ 21.50            -> alice 10000.00 0.00 1000     bob 10000.00 1000 5   fees 0.00
buy 2 at market           -> alice 9957.00 0.00 1002      bob 10043.00 998 3    fees 0.00
cancel sell               -> alice 9957.00 0.00 1002      bob 10043.00 998 0    fees 0.00
sell 9 @ 22.58            -> alice 9957.00 0.00 1002      bob 10043.00 998 9    fees 0.00
buy 2 at market           -> alice 9957.00 0.00 1002      bob 10043.00 998 9    fees 0.00
cancel sell               -> alice 9957.00 0.00 1002      bob 10043.00 998 0    fees 0.00
sell 9 @ 22.57            -> alice 9957.00 0.00 1002      bob 10043.00 998 9    fees 0.00
buy 9 at market           -> alice 9753.87 0.00 1011      bob 10246.13 989 0    fees 0.00
"""
EXAMPLES = {
    "no fees": NO_FEES,
    "fees": FEES,
    "rebate": REBATE,
    "rounding": ROUNDING,
    "rounded rebate": ROUNDED_REBATE,
    "market": MARKET,
}


def tell(market: SmallMarket) -> str:
    """The right side of the arrow."""
    alice, bob = market.portfolio("alice"), market.portfolio("bob")
    shares = {portfolio.account: portfolio.positions[0] for portfolio in (alice, bob)}
    fees = market.stage.ledger.accounts["$fees"].balances["CASH"].total
    return (
        f"alice {format_money(alice.cash)} {format_money(alice.cash_held)} {shares['alice'].quantity} "
        f"bob {format_money(bob.cash)} {shares['bob'].quantity} {shares['bob'].held} fees {format_money(fees)}"
    )


@pytest.mark.parametrize("name", EXAMPLES)
def test_worked_examples(name: str) -> None:
    first, *lines = EXAMPLES[name].strip().splitlines()
    _, maker, taker = first.split()
    market = SmallMarket(small_market(fees=Fees(maker=int(maker), taker=int(taker))))
    for account in ("alice", "bob"):
        market.open(account, parse_money("10000.00"), KRYP=1_000)
    last: dict[str, str] = {}
    for number, line in enumerate(lines):
        step, expected = line.split("->")
        words = step.split()
        if words[0] == "cancel":
            account = "alice" if words[1] == "buy" else "bob"
            answer = market.request(account, b'{"type":"cancel","client_order_id":"%b"}' % last[words[1]].encode())
        else:
            side, quantity = words[0], int(words[1])
            at_market = words[-1] == "market"
            price = None if at_market else parse_money(words[-1])
            last[side] = f"order-{number}"
            order = Submit(last[side], "KRYP", side, quantity, "market" if at_market else "limit", price)  # type: ignore[arg-type]
            answer = market.request("alice" if side == "buy" else "bob", order)
        assert answer["type"] == "accepted"
        market.settle()
        assert tell(market) == " ".join(expected.split()), step


PROTECTION = """
buy  20.50 5% tick 0.01 own -      -> 21.52
sell 20.50 5% tick 0.01 own -      -> 19.48
buy  20.00 5% tick 0.05 own -      -> 21.00
sell 20.00 5% tick 0.05 own -      -> 19.00
buy  142.00 5% tick 0.05 own -     -> 149.10
sell 142.05 5% tick 0.05 own -     -> 134.95
buy  0.01 5% tick 0.01 own -       -> 0.01
sell 0.01 5% tick 0.01 own -       -> 0.01
sell 0.01 99.99% tick 0.01 own -   -> 0.01
buy  20.50 5% tick 0.01 own 21.00  -> 21.00
buy  20.50 5% tick 0.01 own 25.00  -> 21.52
sell 20.50 5% tick 0.01 own 20.00  -> 20.00
sell 20.50 5% tick 0.01 own 1.00   -> 19.48
"""


@pytest.mark.parametrize("line", PROTECTION.strip().splitlines())
def test_protection_of_market_orders(line: str) -> None:
    """Rounded to the tick that is still within the percentage; an own protection counts as far as it is tighter."""
    left, expected = line.split("->")
    side, last, percent, _, tick, _, own = left.split()
    rules = small_market(protection=float(percent.rstrip("%")))
    rules.symbols[0] = type(rules.symbols[0])("KRYP", "Kryptonite", last, tick=tick)
    market = SmallMarket(rules)
    market.open("alice", 2**40, KRYP=10)
    price = None if own == "-" else parse_money(own)
    assert market.request("alice", Submit("x", "KRYP", side, 1, "market", price))["type"] == "accepted"  # type: ignore[arg-type]
    (report,) = [report for report in market.reports["alice"] if report["type"] == "orderaccepted"]
    assert format_money(report["price"]) == expected.strip()
    assert report["tif"] == "ioc"


def test_self_trades_only_cost_the_fees() -> None:
    market = SmallMarket(small_market(fees=Fees(maker=5, taker=10)))
    market.open("alice", parse_money("10000.00"), KRYP=10)
    buy = Submit("2", "KRYP", "buy", 10, price=200_000, self_trade="allow")
    market.request("alice", [Submit("1", "KRYP", "sell", 10, price=200_000), buy])
    market.settle()
    assert format_money(market.portfolio("alice").cash) == "9999.70"
    assert [r["liquidity"] for r in market.reports["alice"] if r["type"] == "orderfilled"] == ["maker", "taker"]


def test_an_order_keeps_the_fees_it_was_accepted_with() -> None:
    """The hold was computed from them. A market file with higher fees counts for new orders."""
    market = SmallMarket(small_market(fees=Fees(maker=0, taker=10)))
    for account in ("alice", "bob"):
        market.open(account, parse_money("1001.00"), KRYP=100)
    market.request("alice", Submit("1", "KRYP", "buy", 50, price=200_000))
    market.restart(small_market(fees=Fees(maker=500, taker=1_000)))
    market.request("bob", Submit("2", "KRYP", "sell", 50, price=200_000))
    market.settle()
    assert format_money(market.portfolio("alice").cash) == "1.00"
    assert format_money(market.portfolio("bob").cash) == "1901.00"
    assert market.request("alice", Submit("3", "KRYP", "buy", 1, price=200_000))["reason"] == "insufficient_funds"


BUY, SELL, OTHER = 1, 2, 3
CONTRADICTIONS: dict[str, Event] = {
    "an order that never was": Traded("KRYP", 1, 99, BUY, 200_000, 1, "buy"),
    "two buyers": Traded("KRYP", 1, BUY, OTHER, 200_000, 1, "buy"),
    "the wrong aggressor": Traded("KRYP", 1, SELL, BUY, 200_000, 1, "sell"),
    "dearer than the buyer's limit": Traded("KRYP", 1, SELL, BUY, 210_100, 1, "buy"),
    "cheaper than the seller's limit": Traded("KRYP", 1, SELL, BUY, 189_900, 1, "buy"),
    "more than was left": Traded("KRYP", 1, SELL, BUY, 200_000, 11, "buy"),
    "nothing": Traded("KRYP", 1, SELL, BUY, 200_000, 0, "buy"),
    "another symbol": Traded("ADAM", 1, SELL, BUY, 200_000, 1, "buy"),
    "a cancel of what never was": Cancelled(99, "KRYP", 1, "ioc"),
    "a cancel of another quantity": Cancelled(BUY, "KRYP", 9, "ioc"),
    "a cancel that nobody asked for": Cancelled(BUY, "KRYP", 10, "owner"),
    "a refusal that nobody asked for": CancelRefused(BUY, "KRYP"),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_events_that_contradict_the_ledger_are_not_applied(name: str) -> None:
    market = SmallMarket()
    for account in ("alice", "bob"):
        market.open(account, parse_money("10000.00"), KRYP=100)
    market.request("alice", Submit("1", "KRYP", "buy", 10, price=210_000))
    market.request("bob", Submit("2", "KRYP", "sell", 10, price=190_000))
    market.request("alice", Submit("3", "KRYP", "buy", 10, price=180_000))
    batch = encode(EventBatch(1, 1, "", [Moment(1, START, [CONTRADICTIONS[name]])]))
    with pytest.raises(ReplayError):
        market.stage.turn({events_log(1): [batch]}, market.now)


def test_events_from_another_history_are_not_applied() -> None:
    market = SmallMarket()
    rested = [Rested(1, "KRYP", "buy", 1, 1)]
    for batch, words in (
        (EventBatch(2, 1, "", []), "batch 2 does not follow 0"),
        (EventBatch(1, 99, "", [Moment(99, START, rested)]), "knows journal 99, this ledger 0"),
    ):
        with pytest.raises(ReplayError, match=words):
            market.stage.turn({events_log(1): [encode(batch)]}, market.now)
