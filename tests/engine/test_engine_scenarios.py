"""Matching as stories; `story` tells how to read them."""

import pytest

from engine.books import Books
from engine.matching import apply
from exchange.messages.events import CancelRefused, Rested, Traded
from exchange.messages.journal import CancelOrder, DefineSymbol, PlaceOrder
from tests.engine.story import play

SCENARIOS = {
    "an order that meets nobody rests": """
        buy 5 @ 100                     -> rest 5 @ 100
        sell 5 @ 101                    -> rest 5 @ 101
    """,
    "trades happen at the maker's price": """
        sell 5 @ 100                    -> rest 5 @ 100
        buy 5 @ 103                     -> trade 5 @ 100 with #1
        buy 5 @ 103                     -> rest 5 @ 103
        sell 5 @ 99                     -> trade 5 @ 103 with #3
    """,
    "equal prices meet": """
        buy 3 @ 100                     -> rest 3 @ 100
        sell 3 @ 100                    -> trade 3 @ 100 with #1
    """,
    "the best price first, whoever came first": """
        sell 5 @ 102                    -> rest 5 @ 102
        sell 5 @ 100                    -> rest 5 @ 100
        sell 5 @ 101                    -> rest 5 @ 101
        buy 12 @ 102                    -> trade 5 @ 100 with #2, trade 5 @ 101 with #3, trade 2 @ 102 with #1
        buy 9 @ 102                     -> trade 3 @ 102 with #1, rest 6 @ 102
    """,
    "the highest bid first": """
        buy 5 @ 98                      -> rest 5 @ 98
        buy 5 @ 100                     -> rest 5 @ 100
        buy 5 @ 99                      -> rest 5 @ 99
        sell 12 @ 98                    -> trade 5 @ 100 with #2, trade 5 @ 99 with #3, trade 2 @ 98 with #1
    """,
    "at one price the oldest first": """
        buy 2 @ 100                     -> rest 2 @ 100
        buy 3 @ 100                     -> rest 3 @ 100
        buy 4 @ 100                     -> rest 4 @ 100
        sell 4 @ 100                    -> trade 2 @ 100 with #1, trade 2 @ 100 with #2
        sell 4 @ 100                    -> trade 1 @ 100 with #2, trade 3 @ 100 with #3
    """,
    "a partly filled order keeps its place": """
        buy 5 @ 100                     -> rest 5 @ 100
        buy 5 @ 100                     -> rest 5 @ 100
        sell 3 @ 100                    -> trade 3 @ 100 with #1
        sell 3 @ 100                    -> trade 2 @ 100 with #1, trade 1 @ 100 with #2
    """,
    "what a limit order cannot trade rests at its own price": """
        sell 5 @ 100                    -> rest 5 @ 100
        buy 8 @ 101                     -> trade 5 @ 100 with #1, rest 3 @ 101
        sell 1 @ 101                    -> trade 1 @ 101 with #2
    """,
    "immediate or cancel": """
        buy 5 @ 100 ioc                 -> cancel 5 ioc
        sell 5 @ 100                    -> rest 5 @ 100
        buy 3 @ 100 ioc                 -> trade 3 @ 100 with #2
        buy 3 @ 100 ioc                 -> trade 2 @ 100 with #2, cancel 1 ioc
        sell 5 @ 100                    -> rest 5 @ 100
        buy 3 @ 99 ioc                  -> cancel 3 ioc
        sell 5 @ 101                    -> rest 5 @ 101
    """,
    "a market order meets an empty book": """
        buy 5 @ 105 market              -> cancel 5 no_liquidity
        sell 5 @ 95 market              -> cancel 5 no_liquidity
        buy 5 @ 100                     -> rest 5 @ 100
        buy 5 @ 105 market              -> cancel 5 no_liquidity
    """,
    "a market order trades within its protection": """
        sell 2 @ 100                    -> rest 2 @ 100
        sell 2 @ 105                    -> rest 2 @ 105
        sell 2 @ 106                    -> rest 2 @ 106
        buy 5 @ 105 market              -> trade 2 @ 100 with #1, trade 2 @ 105 with #2, cancel 1 protection
        buy 1 @ 105 market              -> cancel 1 protection
        buy 1 @ 106 market              -> trade 1 @ 106 with #3
    """,
    "a market order takes the whole book": """
        buy 2 @ 100                     -> rest 2 @ 100
        sell 5 @ 95 market              -> trade 2 @ 100 with #1, cancel 3 protection
        sell 5 @ 95 market              -> cancel 5 no_liquidity
    """,
    "cancel": """
        buy 5 @ 100                     -> rest 5 @ 100
        cancel #1                       -> #1 cancel 5 owner
        sell 5 @ 100                    -> rest 5 @ 100
    """,
    "cancel what is left": """
        buy 5 @ 100                     -> rest 5 @ 100
        sell 2 @ 100                    -> trade 2 @ 100 with #1
        cancel #1                       -> #1 cancel 3 owner
    """,
    "a cancel that comes too late": """
        buy 5 @ 100                     -> rest 5 @ 100
        sell 5 @ 100                    -> trade 5 @ 100 with #1
        cancel #1                       -> #1 too late
        cancel #2                       -> #2 too late
        buy 5 @ 100 ioc                 -> cancel 5 ioc
        cancel #5                       -> #5 too late
        buy 5 @ 100                     -> rest 5 @ 100
        cancel #7                       -> #7 cancel 5 owner
        cancel #7                       -> #7 too late
    """,
    "cancel the first, the last and one from the middle": """
        buy 1 @ 100                     -> rest 1 @ 100
        buy 2 @ 100                     -> rest 2 @ 100
        buy 3 @ 100                     -> rest 3 @ 100
        buy 4 @ 100                     -> rest 4 @ 100
        buy 5 @ 100                     -> rest 5 @ 100
        cancel #3                       -> #3 cancel 3 owner
        cancel #1                       -> #1 cancel 1 owner
        cancel #5                       -> #5 cancel 5 owner
        buy 6 @ 100                     -> rest 6 @ 100
        sell 12 @ 100                   -> trade 2 @ 100 with #2, trade 4 @ 100 with #4, trade 6 @ 100 with #9
    """,
    "the best price goes away and comes back": """
        sell 1 @ 101                    -> rest 1 @ 101
        sell 1 @ 100                    -> rest 1 @ 100
        cancel #2                       -> #2 cancel 1 owner
        buy 1 @ 100                     -> rest 1 @ 100
        cancel #4                       -> #4 cancel 1 owner
        sell 1 @ 100                    -> rest 1 @ 100
        buy 2 @ 101                     -> trade 1 @ 100 with #6, trade 1 @ 101 with #1
    """,
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name):
    play(SCENARIOS[name])


def test_books_of_different_symbols_do_not_meet():
    books = Books()
    apply(books, [DefineSymbol("AAA", "", 1, 1, 1, 100), DefineSymbol("BBB", "", 1, 1, 1, 100)])
    sell = PlaceOrder(1, "alice", "", "AAA", "sell", 5, 100, 0)
    buy = PlaceOrder(2, "bob", "", "BBB", "buy", 5, 100, 0)
    assert apply(books, [sell, buy]) == [Rested(1, "AAA", "sell", 100, 5), Rested(2, "BBB", "buy", 100, 5)]
    assert apply(books, [CancelOrder(1, "alice", "BBB")]) == [CancelRefused(1, "BBB")]


def test_a_trade_names_the_aggressors_side():
    books = Books()
    orders = [("buy", 5, 100), ("sell", 5, 103), ("sell", 1, 100), ("buy", 1, 103)]
    placed = [PlaceOrder(number, "alice", "", "AAA", *order, 0) for number, order in enumerate(orders, start=1)]
    apply(books, [DefineSymbol("AAA", "", 1, 1, 1, 100), *placed[:2]])
    assert apply(books, placed[2:3]) == [Traded("AAA", 1, 1, 3, 100, 1, "sell")]
    assert apply(books, placed[3:]) == [Traded("AAA", 2, 2, 4, 103, 1, "buy")]
