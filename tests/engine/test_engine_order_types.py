"""All kinds, times in force, flags, groups and phases against the slow twin: through days, auctions and bands."""

from collections import Counter
from itertools import zip_longest

import pytest

from engine.batch import apply_batch
from engine.books import Books
from engine.state import EngineState, book_states, books_of, decode_state, encode_state, open_quantities
from exchange.messages.events import Cancelled, Event, PhaseChanged, ReplaceRefused, Traded
from exchange.messages.journal import EngineCommand
from tests.oracle.book import SlowExchange
from tests.oracle.traders import SIZES, Traders

SYMBOLS = ("AAA", "BBB", "CCC")


def open_orders(books: Books) -> list[tuple[object, ...]]:
    return [(row.order_id, row.symbol, row.side, row.price, row.remaining) for row in open_quantities(books)]


def state(books: Books) -> list[tuple[object, ...]]:
    """As the oracle tells it."""
    rows: list[tuple[object, ...]] = []
    for symbol, book in sorted(books.items()):
        rows.append((symbol, book.trades, book.last, book.tick, book.phase, book.phase_reason, book.reference))
        for order in book:
            kept = book.terms.get(order.order_id)
            terms = (kept.expires, kept.post_only, kept.display, kept.hidden) if kept else (0, False, 0, 0)
            level = order.level
            rows.append((order.order_id, level.side.name, level.price, order.remaining, order.account, order.self_trade, terms))
        for order_id, stop in sorted(book.stops.waiting.items()):
            placed = stop.order
            rows.append((order_id, placed.kind, placed.quantity, stop.price, stop.stop_price, placed.expires))
    return rows


def restored(books: Books) -> Books:
    """Through bytes and back, and the bytes say all."""
    saved = encode_state(EngineState(0, "", [], book_states(books)))
    again = books_of(decode_state(saved).books)
    assert encode_state(EngineState(0, "", [], book_states(again))) == saved
    for book in again.values():
        book.check()
    return again


def compare(seed: int, count: int, symbols: tuple[str, ...], sizes: tuple[int, ...], every: int) -> Counter[str]:
    """Events one by one; the whole state and all invariants after `every` batches, going on with books out of a snapshot.

    Returns what happened how often.
    """
    books = Books()
    oracle, traders = SlowExchange(), Traders(seed, symbols, sizes)
    seen: Counter[str] = Counter()
    batches = 0
    while traders.commands < count:
        time, commands = traders.batch()
        events = oracle.batch(time, commands)
        compare_events(apply_batch(books, time, commands), events, commands)
        traders.hear(events)
        seen.update(map(kind_of, events))
        batches += 1
        if batches % every == 0:
            compare_books(books, oracle)
            books = restored(books)
    compare_books(books, oracle)
    return seen


def compare_events(events: list[Event], expected: list[Event], commands: list[EngineCommand]) -> None:
    for index, (event, wanted) in enumerate(zip_longest(events, expected)):
        assert event == wanted, f"event {index} of {commands} after {events[:index]}"


def compare_books(books: Books, oracle: SlowExchange) -> None:
    for book in books.values():
        book.check()
    assert state(books) == oracle.state()
    assert sorted(open_orders(books)) == sorted(oracle.open_orders())


def kind_of(event: Event) -> str:
    name = type(event).__name__
    match event:
        case Cancelled() | ReplaceRefused():
            return f"{name} {event.reason}"
        case PhaseChanged():
            return f"{name} {event.phase}"
        case Traded(auction=True):
            return "Traded in an auction"
    return name


@pytest.mark.parametrize("seed", range(20))
def test_short_runs_equal_the_oracle(seed):
    """One command at a time, everything checked after each."""
    compare(seed, 500, SYMBOLS[: 1 + seed % 3], (0, 1, 1, 1), every=1)


@pytest.mark.parametrize("seed", range(100, 112))
def test_long_runs_equal_the_oracle(seed):
    seen = compare(seed, 10_000, SYMBOLS[: 1 + seed % 3], SIZES, every=50)
    del seen["Cancelled no_liquidity"]  # A book is seldom empty.
    assert len(seen) == 35, sorted(seen)
    assert min(seen.values()) >= 3, seen
