"""All kinds, times in force and flags against the slow twin, through expiry and replacing."""

from collections import Counter

import pytest

from engine.book import Books
from engine.expiry import expire
from engine.matching import apply
from engine.state import book_states, books_of, open_quantities
from exchange.messages.journal import EngineCommand
from tests.oracle.book import SlowExchange

SYMBOLS = ("AAA", "BBB", "CCC")
BATCH_TIME = 1_000


def open_orders(books: Books) -> list[tuple[object, ...]]:
    return [(row.order_id, row.symbol, row.side, row.price, row.remaining) for row in open_quantities(books)]


def state(books: Books) -> list[tuple[object, ...]]:
    """As the oracle tells it."""
    rows: list[tuple[object, ...]] = []
    for symbol, book in sorted(books.items()):
        rows.append((symbol, book.trades, book.last, book.tick))
        for order in book:
            kept = book.terms.get(order.order_id)
            terms = (kept.expires, kept.post_only, kept.display, kept.hidden) if kept else (0, False, 0, 0)
            level = order.level
            rows.append((order.order_id, level.side.name, level.price, order.remaining, order.account, order.self_trade, terms))
        for order_id, stop in sorted(book.stops.waiting.items()):
            placed = stop.order
            rows.append((order_id, placed.kind, placed.quantity, stop.price, stop.stop_price, placed.expires))
    return rows


def compare(batches: list[list[EngineCommand]], every: int) -> Counter[str]:
    """Events one by one; the whole state and all invariants after `every` batches. Returns what happened how often."""
    books: Books = {}
    oracle = SlowExchange()
    seen: Counter[str] = Counter()
    for number, commands in enumerate(batches, start=1):
        time = BATCH_TIME * number
        events = expire(books, time)
        assert events == oracle.expire(time), f"batch {number}"
        for command in commands:
            caused = apply(books, [command])
            assert caused == oracle.apply(command), f"batch {number}: {command}"
            events += caused
        seen.update(getattr(event, "reason", type(event).__name__) for event in events)
        if number % every == 0:
            assert state(books) == oracle.state()
            assert open_orders(books) == oracle.open_orders()
            for book in books.values():
                book.check()
            restored = books_of(book_states(books))
            assert book_states(restored) == book_states(books)
            for book in restored.values():
                book.check()
    assert state(books) == oracle.state()
    return seen


@pytest.mark.parametrize("seed", range(20))
def test_short_runs_equal_the_oracle(seed, batches_of):
    compare(batches_of(seed, 500, SYMBOLS[: 1 + seed % 3]), every=1)


@pytest.mark.parametrize("seed", range(100, 110))
def test_long_runs_equal_the_oracle(seed, batches_of):
    seen = compare(batches_of(seed, 10_000, SYMBOLS[: 1 + seed % 3]), every=50)
    del seen["no_liquidity"]  # A book is seldom empty.
    assert len(seen) == 15, "every event, and every reason for a cancellation, occurs"
    assert min(seen.values()) >= 5, seen
