"""Cost per command stays flat, memory per order stays small, and nothing is left behind."""

import sys
import time
import tracemalloc
from collections.abc import Callable
from random import Random

import pytest

from engine.book import Book
from engine.books import Books
from engine.matching import apply
from exchange.messages.journal import CancelOrder, DefineSymbol, EngineCommand, PlaceOrder, SetPhase

PROBES = 1_000
RATIO_MAX = 12
"""Caches and noise explain a factor of three; a cost that grows with the queue would be a factor of a hundred."""


def resting(count: int, levels: int) -> list[EngineCommand]:
    return [PlaceOrder(n, "alice", "", "AAA", "buy", 10, 1_000_000 - n % levels, 0) for n in range(1, count + 1)]


def cancel_anywhere(count: int, random: Random) -> list[EngineCommand]:
    return [CancelOrder(order_id, "alice", "AAA") for order_id in random.sample(range(1, count + 1), PROBES)]


def take_one_after_the_other(count: int, random: Random) -> list[EngineCommand]:
    return [PlaceOrder(count + n, "bob", "", "AAA", "sell", 10, 1, 0) for n in range(1, PROBES + 1)]


def place(count: int, random: Random) -> list[EngineCommand]:
    return [PlaceOrder(count + n, "alice", "", "AAA", "buy", 10, 1_000_000 - n % 1_000, 0) for n in range(1, PROBES + 1)]


def take_all_but_few(count: int, random: Random) -> list[EngineCommand]:
    """Nine tenths of the orders leave from the front, then one at a time: a queue that remembers its dead would be slow now."""
    many = PlaceOrder(2 * count, "bob", "", "AAA", "sell", 10 * (count - PROBES), 1, 0)
    return [many, *take_one_after_the_other(2 * count, random)]


def seconds_per_command(count: int, levels: int, probe: Callable[[int, Random], list[EngineCommand]]) -> float:
    """Processor time, so that a busy machine does not matter; the best of three."""
    best = float("inf")
    for seed in range(3):
        books = Books({"AAA": Book("AAA")})
        apply(books, resting(count, levels))
        commands = probe(count, Random(seed))
        first, commands = (commands[:-PROBES], commands[-PROBES:])
        apply(books, first)
        started = time.process_time()
        apply(books, commands)
        best = min(best, (time.process_time() - started) / len(commands))
    return best


@pytest.mark.parametrize("probe", [cancel_anywhere, take_one_after_the_other, place, take_all_but_few])
@pytest.mark.parametrize("levels", [1, 1_000])
def test_cost_does_not_grow_with_the_book(probe, levels):
    small, large = (seconds_per_command(count, levels, probe) for count in (2_000, 100_000))
    assert large < RATIO_MAX * small


def seconds_per_uncrossed_order(count: int, levels: int) -> float:
    """Half of the orders buy and half sell, and all of them trade; the best of three."""
    best = float("inf")
    for _ in range(3):
        books = Books()
        apply(books, [DefineSymbol("AAA", "", 1, 1, 1, 1_000_000), SetPhase("AAA", "opening_auction")])
        prices = (1_000_000 + n % levels * sign for n in range(count // 2) for sign in (1, -1))
        sides = ("buy", "sell") * (count // 2)
        orders = zip(sides, prices, strict=True)
        apply(books, [PlaceOrder(n, "alice", "", "AAA", side, 1, price, 0) for n, (side, price) in enumerate(orders, start=1)])
        started = time.process_time()
        events = apply(books, [SetPhase("AAA", "continuous")])
        best = min(best, (time.process_time() - started) / count)
        assert len(events) >= count // 2
        assert not books["AAA"].orders
    return best


@pytest.mark.parametrize("levels", [1, 1_000])
def test_cost_of_an_uncross_does_not_grow_per_order(levels):
    small, large = (seconds_per_uncrossed_order(count, levels) for count in (2_000, 100_000))
    assert large < RATIO_MAX * small


@pytest.mark.parametrize("levels", [1, 1_000, 50_000])
def test_memory_per_resting_order(levels):
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    book = Book("AAA")
    for order_id in range(1, 50_001):
        # Computed numbers are objects of their own, like those that come out of a decoder.
        book.rest(book.bids, -(1_000_000 + order_id % levels), order_id, 1_000 + order_id, "alice")
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (after - before) / 50_000 <= 600


def test_nothing_is_left_behind(commands_of):
    """Orders are invisible to the garbage collector, so whatever the book forgets to unlink would stay for ever."""

    def trade_sweep_and_drop() -> None:
        books = Books()
        apply(books, commands_of(3, 5_000, ("AAA", "BBB")))
        sweeps = ("buy", 200), ("sell", 1), ("sell", 1), ("buy", 200)
        apply(
            books, [PlaceOrder(10_000 + n, "bob", "", "AAA", side, 10_000, price, 0) for n, (side, price) in enumerate(sweeps)]
        )
        apply(books, [PlaceOrder(20_000 + n, "bob", "", "BBB", "buy", 1, 1 + n % 7, 0) for n in range(300)])
        apply(books, [PlaceOrder(30_000 + n, "bob", "", "BBB", "sell", 1, 200 + n, 0) for n in range(300)])

    trade_sweep_and_drop()
    before = sys.getallocatedblocks()
    for _ in range(3):
        trade_sweep_and_drop()
    assert sys.getallocatedblocks() - before < 100
