"""The order of things within one journal batch, over several books."""

import pytest

from engine.batch import apply_batch
from engine.books import Books
from engine.state import book_states, books_of
from exchange.messages.events import (
    Activated,
    Cancelled,
    Event,
    Indicated,
    PhaseChanged,
    ReferenceMoved,
    Rested,
    Traded,
    Triggered,
)
from exchange.messages.journal import CancelOrder, DefineSymbol, EngineCommand, PlaceBracket, PlaceOrder, SetPhase
from tests.oracle.book import SlowExchange

SECOND = 10**9


class Pair:
    """An engine and its slow twin, which do the same."""

    def __init__(self) -> None:
        self.books = Books()
        self.slow = SlowExchange()

    def batch(self, time: int, *commands: EngineCommand) -> list[Event]:
        events = apply_batch(self.books, time, commands)
        assert events == self.slow.batch(time, commands)
        self.books = books_of(book_states(self.books))
        for book in self.books.values():
            book.check()
        return events


@pytest.fixture
def pair() -> Pair:
    return Pair()


def define(symbol: str, **rules: int) -> DefineSymbol:
    return DefineSymbol(symbol, "", 1, 1, 1, 100, **rules)


def order(order_id: int, symbol: str, side: str, quantity: int, price: int, **more: object) -> PlaceOrder:
    return PlaceOrder(order_id, f"account-{order_id}", "", symbol, side, quantity, price, 0, **more)


def test_leading_phases_come_before_expiry_the_others_after(pair):
    """A day order takes part in the auction that its day ends with, if the schedule says so first."""
    day = {"tif": "day", "expires": 20}
    pair.batch(1, define("AAA"), SetPhase("AAA", "closing_auction"))
    pair.batch(2, order(1, "AAA", "buy", 2, 100, **day), order(2, "AAA", "sell", 1, 100, **day))
    assert pair.batch(20, SetPhase("AAA", "closed")) == [
        PhaseChanged("AAA", "closed"),
        Traded("AAA", 1, 2, 1, 100, 1, "buy", auction=True),
        Cancelled(1, "AAA", 1, "expired"),
    ]


def test_a_phase_behind_another_command_comes_after_expiry(pair):
    day = {"tif": "day", "expires": 20}
    pair.batch(1, define("AAA"), SetPhase("AAA", "closing_auction"))
    pair.batch(2, order(1, "AAA", "buy", 2, 100, **day), order(2, "AAA", "sell", 1, 100, **day))
    assert pair.batch(20, CancelOrder(2, "account-2", "AAA"), SetPhase("AAA", "closed"))[:2] == [
        Cancelled(1, "AAA", 2, "expired"),
        Cancelled(2, "AAA", 1, "expired"),
    ]


def test_definitions_among_the_leading_phases_are_skipped(pair):
    pair.batch(1, define("AAA"), SetPhase("AAA", "closing_auction"))
    pair.batch(2, order(1, "AAA", "buy", 2, 100, tif="day", expires=20), order(2, "AAA", "sell", 1, 100))
    events = pair.batch(
        20, define("BBB"), SetPhase("BBB", "pre_open"), define("AAA", trade_band=500), SetPhase("AAA", "closed"), define("CCC")
    )
    assert events == [
        PhaseChanged("BBB", "pre_open"),
        PhaseChanged("AAA", "closed"),
        Traded("AAA", 1, 2, 1, 100, 1, "buy", auction=True),
        Cancelled(1, "AAA", 1, "expired"),
    ]


def test_what_time_brings(pair):
    """Volatility auctions that end, each with all that follows; then references; then expiries, and what follows from these."""
    rules = {"trade_band": 500, "reference_seconds": 10, "volatility_auction_seconds": 5}
    pair.batch(1, *(define(symbol, **rules) for symbol in ("BBB", "AAA", "CCC")))
    pair.batch(
        2,
        order(1, "CCC", "sell", 1, 102),
        order(2, "CCC", "buy", 1, 102),
        SetPhase("BBB", "volatility_auction"),
        SetPhase("AAA", "volatility_auction"),
        *(order(n, symbol, side, 1, 103) for n, (symbol, side) in enumerate([("BBB", "buy"), ("BBB", "sell")], start=3)),
        *(order(n, symbol, side, 1, 97) for n, (symbol, side) in enumerate([("AAA", "buy"), ("AAA", "sell")], start=5)),
        order(7, "BBB", "sell", 1, 90, tif="gtd", expires=9 * SECOND, kind="stop", stop_price=103),
        order(8, "AAA", "sell", 1, 120, tif="gtd", expires=8 * SECOND),
        order(9, "CCC", "sell", 1, 120, tif="gtd", expires=8 * SECOND),
    )
    assert pair.batch(10 * SECOND) == [
        PhaseChanged("AAA", "continuous"),
        Traded("AAA", 1, 6, 5, 97, 1, "buy", auction=True),
        ReferenceMoved("AAA", 97),
        PhaseChanged("BBB", "continuous"),
        Traded("BBB", 1, 4, 3, 103, 1, "buy", auction=True),
        ReferenceMoved("BBB", 103),
        Triggered(7, "BBB", 103),
        Cancelled(7, "BBB", 1, "no_liquidity"),
        ReferenceMoved("CCC", 102),
        Cancelled(8, "AAA", 1, "expired"),
        Cancelled(9, "CCC", 1, "expired"),
    ]


def test_a_scheduled_phase_stands_before_an_auction_that_ends(pair):
    pair.batch(1, define("AAA", trade_band=500, volatility_auction_seconds=5), SetPhase("AAA", "volatility_auction"))
    assert pair.batch(9 * SECOND, SetPhase("AAA", "halted")) == [PhaseChanged("AAA", "halted")]
    assert pair.batch(99 * SECOND) == []


def test_a_phase_in_the_middle_comes_after_an_auction_that_ends(pair):
    pair.batch(1, define("AAA", trade_band=500, volatility_auction_seconds=5), SetPhase("AAA", "volatility_auction"))
    events = pair.batch(9 * SECOND, order(1, "AAA", "buy", 1, 99), SetPhase("AAA", "halted"))
    assert events == [PhaseChanged("AAA", "continuous"), Rested(1, "AAA", "buy", 99, 1), PhaseChanged("AAA", "halted")]


def test_expired_entries_activate_after_all_that_expires_by_symbol(pair):
    pair.batch(1, define("BBB"), define("AAA"))
    for first, symbol in ((1, "BBB"), (11, "AAA")):
        entry = order(first, symbol, "buy", 5, 100, tif="gtd", expires=20)
        legs = order(first + 1, symbol, "sell", 5, 110), order(first + 2, symbol, "sell", 5, 80, kind="stop", stop_price=90)
        pair.batch(2, PlaceBracket(entry, *legs, 0), order(first + 3, symbol, "sell", 2, 100))
    assert pair.batch(20) == [
        Cancelled(1, "BBB", 3, "expired"),
        Cancelled(11, "AAA", 3, "expired"),
        Activated(12, "AAA", 2),
        Activated(13, "AAA", 2),
        Rested(12, "AAA", "sell", 110, 2),
        Activated(2, "BBB", 2),
        Activated(3, "BBB", 2),
        Rested(2, "BBB", "sell", 110, 2),
    ]


def test_indications_come_last_by_symbol_once_per_batch(pair):
    pair.batch(1, define("BBB"), define("AAA"), SetPhase("AAA", "pre_open"), SetPhase("BBB", "pre_open"))
    events = pair.batch(
        2,
        order(1, "BBB", "buy", 1, 100),
        order(2, "BBB", "sell", 3, 100),
        order(3, "AAA", "buy", 1, 100),
        order(4, "AAA", "sell", 1, 100),
        order(5, "BBB", "buy", 5, 100),
    )
    assert [event for event in events if not isinstance(event, Rested)] == [
        Indicated("AAA", 100, 1, 0),
        Indicated("BBB", 100, 3, 3),
    ]
    there_and_back = pair.batch(3, order(6, "AAA", "buy", 1, 100), CancelOrder(6, "account-6", "AAA"))
    assert not any(isinstance(event, Indicated) for event in there_and_back)


def test_halted_and_back_within_a_batch_tells_it_again(pair):
    pair.batch(1, define("AAA"), SetPhase("AAA", "pre_open"))
    pair.batch(2, order(1, "AAA", "buy", 1, 100), order(2, "AAA", "sell", 1, 100))
    assert pair.batch(3, SetPhase("AAA", "halted"), SetPhase("AAA", "pre_open")) == [
        PhaseChanged("AAA", "halted"),
        PhaseChanged("AAA", "pre_open"),
        Indicated("AAA", 100, 1, 0),
    ]


def test_a_new_book_is_continuous_and_its_reference_is_the_opening_price(pair):
    assert pair.batch(1, define("AAA")) == []
    book = pair.books["AAA"]
    assert (book.phase, book.phase_reason, book.until, book.reference, book.last) == ("continuous", "", 0, 100, 0)


def test_a_symbol_that_opens_and_starts_its_day_in_one_batch(pair):
    events = pair.batch(
        1, define("AAA"), SetPhase("AAA", "pre_open", scheduled=True), order(1, "AAA", "buy", 1, 100, tif="opg")
    )
    assert events == [PhaseChanged("AAA", "pre_open"), Rested(1, "AAA", "buy", 100, 1)]
