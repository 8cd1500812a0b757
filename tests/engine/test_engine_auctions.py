"""Auctions worked by hand: the price out of a table of the book, and who trades how much at it.

In a table each row is a price with the orders at that limit (5+3 are two, the 5 came first), what the buyers would buy and
the sellers would sell at that price, the volume, and the imbalance: what buyers (+) or sellers (-) would not get.
`want 7 @ 200 +1 near 199` is what the auction gives with a reference price of 199.
"""

import re
from itertools import count

import pytest

from engine.batch import apply_batch
from engine.books import Books
from exchange.messages.events import Indicated, Traded
from exchange.messages.journal import DefineSymbol, PlaceOrder, SetPhase
from tests.engine.story import play
from tests.oracle.auction import auction

TABLES = {
    # Deutsche Börse, Xetra Release 7.1, Market Model Equities (2004), price determination in auctions, examples 1 to 3. Where
    # several limits are left Xetra takes the highest (or lowest) for a surplus of bids (or asks); here the reference decides.
    "one limit has the largest volume": """
        bought |  bid | price |  ask |  sold | volume | imbalance
           200 |  200 |   202 |      |   700 |    200 |      -500
           400 |  200 |   201 |      |   700 |    400 |      -300
           700 |  300 |   200 |  100 |   700 |    700 |        +0
           700 |      |   199 |      |   600 |    600 |      +100
           700 |      |   198 |  200 |   600 |    600 |      +100
           700 |      |   197 |  400 |   400 |    400 |      +300
        want 700 @ 200 +0 near 200
        want 700 @ 200 +0 near 1
        want 700 @ 200 +0 near 999
    """,
    "several limits, and more is bought": """
        bought |  bid | price |  ask |  sold | volume | imbalance
           400 |  400 |   202 |      |   500 |    400 |      -100
           600 |  200 |   201 |      |   500 |    500 |      +100
           600 |      |   200 |      |   500 |    500 |      +100
           600 |      |   199 |  300 |   500 |    500 |      +100
           600 |      |   198 |  200 |   200 |    200 |      +400
        want 500 @ 201 +100 near 203
        want 500 @ 200 +100 near 200
        want 500 @ 199 +100 near 150
    """,
    "several limits, and more is sold": """
        bought |  bid | price |  ask |  sold | volume | imbalance
           300 |  300 |   202 |      |   600 |    300 |      -300
           500 |  200 |   201 |      |   600 |    500 |      -100
           500 |      |   200 |      |   600 |    500 |      -100
           500 |      |   199 |  400 |   600 |    500 |      -100
           500 |      |   198 |  200 |   200 |    200 |      +300
        want 500 @ 199 -100 near 150
        want 500 @ 200 -100 near 200
        want 500 @ 201 -100 near 202
    """,
    # The order book by which the Australian Stock Exchange's opening algorithm is explained (University of New South Wales,
    # trading engine course, appendix on call auctions): the largest volume from 610 to 639, the smallest surplus from 635 to
    # 639. Buying pressure made it 639 there; near 600 it is 635, which nobody has named.
    "the smallest imbalance reaches down to the tick above the next limit": """
        bought |  bid    | price |  ask | sold | volume | imbalance
             0 |         |   643 |  519 | 3089 |      0 |     -3089
             0 |         |   642 |  550 | 2570 |      0 |     -2570
             0 |         |   641 |  520 | 2020 |      0 |     -2020
           500 |  500    |   640 |  500 | 1500 |    500 |     -1000
          1500 | 500+500 |   639 |      | 1000 |   1000 |      +500
          1500 |         |   635 |      | 1000 |   1000 |      +500
          2500 | 1000    |   634 |      | 1000 |   1000 |     +1500
          3000 |  500    |   633 |      | 1000 |   1000 |     +2000
          3000 |         |   610 | 1000 | 1000 |   1000 |     +2000
        want 1000 @ 639 +500 near 650
        want 1000 @ 637 +500 near 637
        want 1000 @ 635 +500 near 600
    """,
    # MarketGrid, concepts, matching algorithms: single-price auction.
    "a long book": """
        tick 100
        bought |  bid | price |  ask |  sold | volume | imbalance
             0 |      | 13100 |   35 |   520 |      0 |      -520
            45 |   45 | 13000 |   50 |   485 |     45 |      -440
           140 |   95 | 12900 |   10 |   435 |    140 |      -295
           165 |   25 | 12800 |   15 |   425 |    165 |      -260
           200 |   35 | 12700 |   10 |   410 |    200 |      -210
           225 |   25 | 12600 |   20 |   400 |    225 |      -175
           280 |   55 | 12500 |   90 |   380 |    280 |      -100
           480 |  200 | 12400 |  155 |   290 |    290 |      +190
           560 |   80 | 12300 |  125 |   135 |    135 |      +425
           620 |   60 | 12200 |   10 |    10 |     10 |      +610
        want 290 @ 12400 +190 near 12700
    """,
    "the same volume at several prices: the smallest imbalance, though it is far from the reference": """
        bought |  bid | price |  ask |  sold | volume | imbalance
            10 |   10 |   105 |      |    14 |     10 |        -4
            10 |      |   104 |    3 |    14 |     10 |        -4
            10 |      |   103 |      |    11 |     10 |        -1
            10 |      |   102 |    1 |    11 |     10 |        -1
            13 |    3 |   101 |      |    10 |     10 |        +3
            13 |      |   100 |   10 |    10 |     10 |        +3
        want 10 @ 102 -1 near 100
        want 10 @ 103 -1 near 105
    """,
    "the same imbalance on both sides: the nearest to the reference": """
        bought |  bid | price |  ask |  sold | volume | imbalance
            10 |   10 |   102 |      |    20 |     10 |       -10
            10 |      |   101 |   10 |    20 |     10 |       -10
            20 |   10 |   100 |      |    10 |     10 |       +10
            20 |      |    99 |   10 |    10 |     10 |       +10
        want 10 @ 100 +10 near 100
        want 10 @ 101 -10 near 101
        want 10 @ 102 -10 near 200
        want 10 @ 99 +10 near 50
    """,
    "two are equally near: the higher": """
        tick 2
        bought |  bid | price |  ask |  sold | volume | imbalance
            10 |   10 |   102 |   10 |    20 |     10 |       -10
            20 |   10 |   100 |      |    10 |     10 |       +10
            20 |      |    98 |   10 |    10 |     10 |       +10
        want 10 @ 102 -10 near 101
        want 10 @ 100 +10 near 100
    """,
    "between two limits: the tick nearest to the reference": """
        tick 5
        bought |  bid | price |  ask |  sold | volume | imbalance
            10 |   10 |   120 |      |    10 |     10 |        +0
            10 |      |   115 |      |    10 |     10 |        +0
            10 |      |   110 |      |    10 |     10 |        +0
            10 |      |   105 |      |    10 |     10 |        +0
            10 |      |   100 |   10 |    10 |     10 |        +0
        want 10 @ 110 +0 near 112
        want 10 @ 115 +0 near 113
        want 10 @ 105 +0 near 107
        want 10 @ 120 +0 near 118
        want 10 @ 100 +0 near 3
    """,
    "between two limits, equally near: the higher": """
        tick 2
        bought |  bid | price |  ask |  sold | volume | imbalance
            10 |   10 |   106 |      |    10 |     10 |        +0
            10 |      |   104 |      |    10 |     10 |        +0
            10 |      |   102 |      |    10 |     10 |        +0
            10 |      |   100 |   10 |    10 |     10 |        +0
        want 10 @ 104 +0 near 103
    """,
    "two limits meet exactly": """
        bought |  bid | price |  ask |  sold | volume | imbalance
             5 |    5 |   100 |    8 |     8 |      5 |        -3
        want 5 @ 100 -3 near 500
    """,
    "no cross, no price": """
        bought |  bid | price |  ask |  sold | volume | imbalance
             0 |      |   101 |    5 |     5 |      0 |        -5
             5 |    5 |   100 |      |     0 |      0 |        +5
        want 0 @ 0 +0 near 100
    """,
    "one side only": """
        bought |  bid | price |  ask |  sold | volume | imbalance
             5 |    5 |   100 |      |     0 |      0 |        +5
        want 0 @ 0 +0 near 100
    """,
}


def read(table: str) -> tuple[int, list[tuple[int, list[int], list[int]]], list[tuple[int, ...]]]:
    """Tick, (price, bids, asks) of each row, and (volume, price, imbalance, reference) of each wish; checks the sums."""
    tick, rows, sums, wishes = 1, [], [], []
    for line in table.strip().splitlines():
        if "tick" in line:
            tick = int(line.split()[1])
        elif "want" in line:
            wishes.append(tuple(map(int, re.findall(r"[-+]?\d+", line))))
        elif "bought" not in line:
            bought, bids, price, asks, sold, volume, imbalance = (cell.strip() for cell in line.split("|"))
            rows.append((int(price), *([int(part) for part in cell.split("+") if part] for cell in (bids, asks))))
            sums.append((int(bought), int(sold), int(volume), int(imbalance)))
    for (price, _, _), (bought, sold, volume, imbalance) in zip(rows, sums, strict=True):
        assert bought == sum(sum(bids) for limit, bids, _ in rows if limit >= price)
        assert sold == sum(sum(asks) for limit, _, asks in rows if limit <= price)
        assert (volume, imbalance) == (min(bought, sold), bought - sold)
    return tick, rows, wishes


@pytest.mark.parametrize("name", TABLES)
def test_table(name):
    tick, rows, wishes = read(TABLES[name])
    orders = [
        (side, quantity, price)
        for price, *columns in rows
        for side, quantities in zip(("buy", "sell"), columns, strict=True)
        for quantity in quantities
    ]
    for volume, price, imbalance, reference in wishes:
        interest = [[(limit, quantity) for side, quantity, limit in orders if side == name] for name in ("buy", "sell")]
        assert auction(*interest, tick, reference) == (price, volume, imbalance)
        books = Books()
        apply_batch(books, 1, [DefineSymbol("AAA", "", 1, tick, 1, reference), SetPhase("AAA", "opening_auction")])
        ids = count(1)
        events = apply_batch(books, 2, [PlaceOrder(next(ids), "alice", "", "AAA", *order, 0) for order in orders])
        told = [event for event in events if isinstance(event, Indicated)]
        assert told == ([Indicated("AAA", price, volume, imbalance)] if volume else [])
        trades = [event for event in apply_batch(books, 3, [SetPhase("AAA", "continuous")]) if isinstance(event, Traded)]
        assert sum(trade.quantity for trade in trades) == volume
        assert {trade.price for trade in trades} == ({price} if volume else set())
        books["AAA"].check()


SCENARIOS = {
    "better prices first, then the oldest": """
        phase opening_auction           -> opening_auction
        buy 3 @ 100                     -> rest 3 @ 100
        buy 3 @ 102                     -> rest 3 @ 102
        buy 3 @ 100                     -> rest 3 @ 100
        buy 3 @ 101                     -> rest 3 @ 101
        sell 4 @ 100                    -> rest 4 @ 100, indicates 4 @ 101 +2
        sell 4 @ 99                     -> rest 4 @ 99, indicates 8 @ 100 +4
        phase continuous                -> continuous, cross 3 @ 100 from #7 to #3, cross 1 @ 100 from #7 to #5,
                                           cross 2 @ 100 from #6 to #5, cross 2 @ 100 from #6 to #2
        sell 4 @ 100                    -> trade 1 @ 100 with #2, trade 3 @ 100 with #4
    """,
    "what is left keeps its place": """
        phase opening_auction           -> opening_auction
        sell 5 @ 100                    -> rest 5 @ 100
        sell 5 @ 100                    -> rest 5 @ 100
        buy 3 @ 100                     -> rest 3 @ 100, indicates 3 @ 100 -7
        phase continuous                -> continuous, cross 3 @ 100 from #2 to #4
        buy 3 @ 100                     -> trade 2 @ 100 with #2, trade 1 @ 100 with #3
    """,
    "market orders on the opening go before limits, as orders at their protection": """
        phase pre_open                  -> pre_open
        sell 5 @ 100                    -> rest 5 @ 100
        buy 5 @ 101                     -> rest 5 @ 101, indicates 5 @ 100 +0
        buy 4 @ 105 market opg          -> rest 4 @ 105, indicates 5 @ 100 +4
        sell 1 @ 95 market opg          -> rest 1 @ 95, indicates 6 @ 100 +3
        phase opening_auction           -> opening_auction, indicates 6 @ 100 +3
        phase continuous                -> continuous, cross 1 @ 100 from #5 to #4, cross 3 @ 100 from #2 to #4,
                                           cross 2 @ 100 from #2 to #3
    """,
    "a market order's protection holds in the auction": """
        phase pre_open                  -> pre_open
        sell 5 @ 108                    -> rest 5 @ 108
        buy 5 @ 105 market opg          -> rest 5 @ 105
        phase continuous                -> continuous, #3 cancel 5 auction_over
    """,
    "what an iceberg hides counts for the price, and trades in parts": """
        phase opening_auction           -> opening_auction
        sell 9 @ 100 display=2          -> rest 2 @ 100
        sell 2 @ 100                    -> rest 2 @ 100
        sell 3 @ 101                    -> rest 3 @ 101
        buy 7 @ 101                     -> rest 7 @ 101, indicates 7 @ 100 -4
        phase continuous                -> continuous, cross 2 @ 100 from #2 to #5, #2 shows 2, cross 2 @ 100 from #3 to #5,
                                           cross 2 @ 100 from #2 to #5, #2 shows 2, cross 1 @ 100 from #2 to #5
        buy 3 @ 100                     -> trade 1 @ 100 with #2, #2 shows 2, trade 2 @ 100 with #2, #2 shows 1
    """,
    "two icebergs, the seller's next part first": """
        phase opening_auction           -> opening_auction
        sell 5 @ 100 display=2          -> rest 2 @ 100
        buy 4 @ 100 display=2           -> rest 2 @ 100, indicates 4 @ 100 -1
        phase continuous                -> continuous, cross 2 @ 100 from #2 to #3, #2 shows 2, #3 shows 2,
                                           cross 2 @ 100 from #2 to #3, #2 shows 1
    """,
    "no cross": """
        phase opening_auction           -> opening_auction
        sell 5 @ 101                    -> rest 5 @ 101
        buy 4 @ 100                     -> rest 4 @ 100
        phase continuous                -> continuous
        buy 1 @ 101                     -> trade 1 @ 101 with #2
    """,
    "trades are numbered on, and the last price is the auction's": """
        buy 1 @ 90                      -> rest 1 @ 90
        sell 1 @ 90                     -> trade 1 @ 90 with #1
        phase closing_auction           -> closing_auction
        sell 5 @ 101                    -> rest 5 @ 101
        buy 5 @ 101                     -> rest 5 @ 101, indicates 5 @ 101 +0
        phase continuous                -> continuous, cross 5 @ 101 from #4 to #5, reference 101
        sell 1 @ 95 stop=102            -> trigger 102, cancel 1 no_liquidity
    """,
    "a coarser tick: the limits themselves are prices, too": """
        phase opening_auction           -> opening_auction
        sell 5 @ 101                    -> rest 5 @ 101
        symbol tick=10                  ->
        buy 5 @ 101                     -> rest 5 @ 101, indicates 5 @ 101 +0
        phase continuous                -> continuous, cross 5 @ 101 from #2 to #4, reference 101
    """,
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name):
    play(SCENARIOS[name])
