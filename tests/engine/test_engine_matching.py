"""The engine against its slow twin."""

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.book import Book
from engine.books import Books
from engine.matching import HANDLERS, apply
from engine.state import book_states, books_of, open_quantities
from exchange.messages.events import Cancelled, Traded
from exchange.messages.journal import CancelOrder, DefineSymbol, EngineCommand, PlaceOrder
from tests.oracle.book import SlowExchange

SYMBOLS = ("AAA", "BBB", "CCC")


def open_orders(books: Books) -> list[tuple[object, ...]]:
    return [(row.order_id, row.symbol, row.side, row.price, row.remaining) for row in open_quantities(books)]


def compare(commands: list[EngineCommand], every: int) -> Books:
    """Events one by one; the whole book and all its invariants after `every` commands."""
    books = Books()
    oracle = SlowExchange()
    for index, command in enumerate(commands):
        assert apply(books, [command]) == oracle.batch(1, [command]), f"command {index}: {command}"
        if index % every == 0:
            assert open_orders(books) == oracle.open_orders()
            for book in books.values():
                book.check()
    assert open_orders(books) == oracle.open_orders()
    return books


@pytest.mark.parametrize("seed", range(20))
def test_short_runs_equal_the_oracle(seed, commands_of):
    compare(commands_of(seed, 500, SYMBOLS[: 1 + seed % 3]), every=1)


@pytest.mark.parametrize("seed", range(100, 109))
def test_long_runs_equal_the_oracle(seed, commands_of):
    commands = commands_of(seed, 10_000, SYMBOLS)
    books = compare(commands, every=250)
    for book in books.values():
        book.check()
    assert all(book.trades > 500 for book in books.values()), "the run is about trading"


side = st.sampled_from(("buy", "sell"))
price = st.integers(1, 6)
placing = st.tuples(
    side, st.integers(1, 9), price, st.sampled_from((("limit", "gtc"), ("limit", "ioc"), ("market", "ioc"), ("market", "gtc")))
)
cancelling = st.integers(1, 12)


@settings(max_examples=300, deadline=None)
@given(st.lists(placing | cancelling, max_size=40))
def test_any_commands_equal_the_oracle(drawn):
    commands: list[EngineCommand] = [DefineSymbol("AAA", "", 1, 1, 1, 100)]
    for order_id, item in enumerate(drawn, start=1):
        if isinstance(item, int):
            commands.append(CancelOrder(item, "alice", "AAA"))
        else:
            side, quantity, price, (kind, tif) = item
            commands.append(PlaceOrder(order_id, "alice", "", "AAA", side, quantity, price, 0, kind, tif))
    compare(commands, every=1)


@pytest.mark.parametrize("seed", range(5))
def test_trades_are_numbered_without_gaps_and_shares_are_conserved(seed, commands_of):
    commands = commands_of(seed, 3_000, SYMBOLS)
    books = Books()
    events = apply(books, commands)
    for symbol in SYMBOLS:
        trades = [event for event in events if isinstance(event, Traded) and event.symbol == symbol]
        assert [trade.trade_id for trade in trades] == list(range(1, len(trades) + 1))
        assert books[symbol].trades == len(trades)
    placed = sum(command.quantity for command in commands if isinstance(command, PlaceOrder))
    traded = sum(2 * event.quantity for event in events if isinstance(event, Traded))
    cancelled = sum(event.quantity for event in events if isinstance(event, Cancelled))
    resting = sum(order.remaining for book in books.values() for order in book)
    assert placed == traded + cancelled + resting


def test_events_do_not_depend_on_how_commands_are_batched(commands_of):
    commands = commands_of(7, 2_000, SYMBOLS)
    one_by_one = Books()
    at_once = Books()
    assert [event for command in commands for event in apply(one_by_one, [command])] == apply(at_once, commands)
    assert book_states(one_by_one) == book_states(at_once)


def test_every_command_has_its_handler():
    assert {DefineSymbol, *HANDLERS} == set(get_args(EngineCommand))


def test_defining_a_symbol_again_keeps_its_book(commands_of):
    books = Books()
    commands = commands_of(1, 200, ("AAA",))
    apply(books, commands)
    before = book_states(books)
    assert apply(books, commands[:1]) == []
    assert book_states(books) == before


def test_an_order_id_is_used_once():
    order = PlaceOrder(1, "alice", "", "AAA", "buy", 5, 100, 0)
    with pytest.raises(AssertionError, match="order 1 is in the book already"):
        apply({"AAA": Book("AAA")}, [order, order])


@pytest.mark.parametrize("change", [{"quantity": 0}, {"quantity": -1}, {"price": 0}])
def test_what_the_gate_never_lets_through_is_asserted(change):
    fields = {"quantity": 5, "price": 100} | change
    with pytest.raises(AssertionError):
        apply({"AAA": Book("AAA")}, [PlaceOrder(1, "alice", "", "AAA", "buy", hold=0, **fields)])


def test_the_same_book_has_the_same_state_whatever_its_history(commands_of):
    commands = commands_of(11, 3_000, SYMBOLS)
    books = Books()
    apply(books, commands)
    rebuilt = books_of(book_states(books))
    assert book_states(rebuilt) == book_states(books)
    for book in rebuilt.values():
        book.check()
    # The same open orders, by price instead of by time, while others come and go.
    rows = sorted(open_quantities(books), key=lambda row: row.price)
    detour = Books()
    apply(detour, reversed(commands[: len(SYMBOLS)]))
    for symbol, book in books.items():
        detour[symbol].trades, detour[symbol].last = book.trades, book.last
    for symbol, book in books.items():
        detour[symbol].set_reference(book.reference)
    far = {"buy": 50, "sell": 150}
    for row in rows:
        apply(detour, [PlaceOrder(1_000_000 + row.order_id, "bob", "", row.symbol, row.side, 1, far[row.side], 0)])
        apply(detour, [PlaceOrder(row.order_id, "alice", "", row.symbol, row.side, row.remaining, row.price, 0)])
    for row in rows:
        apply(detour, [CancelOrder(1_000_000 + row.order_id, "bob", row.symbol)])
    assert book_states(detour) == book_states(books)
