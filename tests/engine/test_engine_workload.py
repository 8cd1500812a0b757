"""The benchmark measures what it says it measures."""

from engine.bench import measure
from engine.books import Books
from engine.matching import apply
from engine.workload import RESTING, Flow
from exchange.messages.events import CancelRefused, Traded
from exchange.messages.journal import CancelOrder, PlaceOrder

COMMANDS = 20_000


def test_the_flow_has_the_promised_mix():
    flow = Flow(symbols=5)
    commands = flow.commands(COMMANDS)
    books = Books()
    apply(books, flow.opening)
    marketable = cancels = 0
    for command in commands:
        events = apply(books, [command])
        marketable += isinstance(command, PlaceOrder) and isinstance(events[0], Traded)
        cancels += isinstance(command, CancelOrder)
        assert not isinstance(events[0], CancelRefused), "cancels are of open orders"
    assert abs(cancels / COMMANDS - 0.45) < 0.02
    assert abs(marketable / (COMMANDS - cancels) - 0.15) < 0.02
    assert len(books) == 5
    resting = sum(len(book.orders) for book in books.values())
    assert abs(resting / RESTING - 1) < 0.1, "about as many orders come as go"


def test_the_flow_is_seeded():
    assert Flow(symbols=2, seed=7).commands(500) == Flow(symbols=2, seed=7).commands(500)
    assert Flow(symbols=2, seed=7).commands(500) != Flow(symbols=2, seed=8).commands(500)


def test_the_bench_gives_its_figures():
    figures = measure(2_000)
    assert all(figures[key] > 0 for key in ("commands_per_s", "one_symbol", "five_symbols", "stage_commands_per_s"))
    assert 50 < figures["bytes_per_resting_order"] <= 600
    assert figures["costs_ns"].keys() == {"resting_1000", "one_level_1000"}
