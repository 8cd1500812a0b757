"""Profit and loss: examples worked by hand, and the average against exact fractions."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

from exchange.market import Fees
from exchange.messages.requests import Submit
from exchange.money import parse_money
from ledger.accounts import Balance
from ledger.profit import average_cost, move
from tests.oracle.ledger_market import SmallMarket, small_market

# shares that come or go @ price -> total, cost, average cost, realized. Prices in units.
LONG = """
+10 @ 100  -> 10 1000 100 0
+5 @ 130   -> 15 1650 110 0
-6 @ 120   -> 9 990 110 60
-9 @ 100   -> 0 0 - -30
+1 @ 50    -> 1 50 50 -30
"""
SHORT = """
-10 @ 100  -> -10 -1000 100 0
-10 @ 120  -> -20 -2200 110 0
+5 @ 90    -> -15 -1650 110 100
+20 @ 100  -> 5 500 100 250
-8 @ 110   -> -3 -330 110 300
"""
# A third of 100 is 33.33: 34 stay with the two that are left, and no unit is lost.
ROUNDED = """
+3 @ 33    -> 3 99 33 0
+1 @ 1     -> 4 100 25 0
-1 @ 30    -> 3 75 25 5
+4 @ 1     -> 7 79 11 5
-2 @ 20    -> 5 57 11 23
-5 @ 20    -> 0 0 - 66
"""


@pytest.mark.parametrize("story", [LONG, SHORT, ROUNDED], ids=["long", "short", "rounded"])
def test_worked_examples(story: str) -> None:
    balance = Balance()
    for line in story.strip().splitlines():
        step, expected = line.split("->")
        quantity, price = (int(word) for word in step.split("@"))
        move(balance, quantity, quantity * price)
        balance.total += quantity
        average = average_cost(balance) if balance.total else "-"
        assert f"{balance.total} {balance.cost} {average} {balance.realized}" == expected.strip(), line


@pytest.mark.parametrize("seed", range(5))
def test_the_average_is_that_of_fractions_and_nothing_is_lost(seed: int) -> None:
    random = Random(seed)
    balance, exact, spent = Balance(), Fraction(0), 0
    for _ in range(2_000):
        quantity, price = random.choice((-1, 1)) * random.randint(1, 50), random.randint(1, 10**6)
        before = balance.total
        move(balance, quantity, quantity * price)
        balance.total += quantity
        spent += quantity * price
        if before * quantity >= 0:
            exact += quantity * price
        elif abs(quantity) <= abs(before):
            exact -= exact * abs(quantity) / abs(before)
        else:
            exact = Fraction(balance.total * price)
        assert balance.cost == spent + balance.realized, "what was paid is in the cost or realized, to the unit"
        assert abs(balance.cost - exact) < 60, "one unit a step, and a position closes after some"
        if not balance.total:
            exact = Fraction(0)
            assert balance.cost == 0


def test_a_portfolio_tells_it() -> None:
    market = SmallMarket(small_market(fees=Fees(maker=0, taker=10)))
    market.open("alice", parse_money("10000"), KRYP=100)  # At the opening price, 20.50.
    market.open("bob", parse_money("10000"), KRYP=100)
    market.request("bob", Submit("1", "KRYP", "sell", 100, price=parse_money("21.50")))
    market.request("alice", Submit("2", "KRYP", "buy", 100, price=parse_money("21.50")))
    market.settle()
    alice, bob = market.portfolio("alice"), market.portfolio("bob")
    (position,) = alice.positions
    assert (position.cost, position.average_cost) == (parse_money("4200"), parse_money("21.00"))
    assert position.unrealized == parse_money("100")
    assert (alice.realized, alice.fees) == (0, parse_money("2.15"))
    assert alice.equity == parse_money("12147.85") == alice.cash + 200 * parse_money("21.50")
    assert (bob.realized, bob.fees, bob.equity, bob.positions) == (parse_money("100"), 0, parse_money("12150"), [])
