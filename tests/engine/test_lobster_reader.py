"""Days that were made up, told as LOBSTER tells them: what the reader makes of them, and what of contradictions."""

from __future__ import annotations

from collections import Counter

import pytest

from engine.books import Books
from engine.matching import apply
from exchange.lobster import (
    AUCTION,
    DELETED,
    EXECUTED,
    EXECUTED_HIDDEN,
    HALT,
    NEW,
    REDUCED,
    LobsterBook,
    LobsterError,
    LobsterMessage,
    before,
    read_books,
    read_messages,
)
from exchange.lobster_reader import Reader
from exchange.messages.events import Traded
from exchange.messages.journal import PlaceOrder
from tests.oracle.nasdaq import Nasdaq

EVENTS = 400
SEEDS = range(20)
DIFFERENCES_MAX = 2
"""What went on out of view can be so that no reader could tell; in these days that is so rare."""


def replay(reader: Reader) -> None:
    """Apply all to an engine; its levels must be the row's after each message, and its trades what the reader says."""
    books = Books()
    apply(books, reader.opening())
    for number, step in enumerate(reader.steps(), start=1):
        events = apply(books, step.commands)
        trades = [(event.maker_order_id, event.quantity) for event in events if isinstance(event, Traded)]
        assert trades == step.fills, f"message {number}"
        (book,) = books.values()
        bids, asks = (
            [(level.price, sum(order.remaining for order in level.orders())) for level in side][: step.book.depth]
            for side in (book.bids, book.asks)
        )
        assert (bids, asks) == (step.book.bids, step.book.asks), f"message {number}: {step.message}"


@pytest.mark.parametrize("depth", [2, 5, 10])
def test_the_book_is_that_of_the_file_after_each_message(depth: int) -> None:
    differences: Counter[str] = Counter()
    revealed: Counter[str] = Counter()
    executions = 0
    for seed in SEEDS:
        messages, books = Nasdaq(seed, depth).day(EVENTS)
        reader = Reader("MADE", messages, books)
        replay(reader)
        differences += reader.differences
        revealed += reader.revealed
        executions += sum(message.kind == EXECUTED for message in messages)
    assert executions > 500
    assert revealed["level appeared"] > 10
    assert revealed["level grew"] > 10
    assert differences.total() <= DIFFERENCES_MAX, differences


def test_known_orders_are_filled_by_name() -> None:
    for seed in SEEDS:
        messages, books = Nasdaq(seed, 10).day(EVENTS)
        reader = Reader("MADE", messages, books)
        placed = {c.order_id: c.client_order_id for c in reader.opening() if isinstance(c, PlaceOrder)}
        seen: set[int] = set()
        for step in reader.steps():
            placed |= {c.order_id: c.client_order_id for c in step.commands if isinstance(c, PlaceOrder)}
            message = step.message
            if message.kind == NEW:
                seen.add(message.order_id)
            if message.kind == EXECUTED and message.order_id in seen and step.fills:
                assert [(placed[order_id], size) for order_id, size in step.fills] == [(str(message.order_id), message.size)]


# ── One message, its difference ───────────────────────────────────────────────────────────────────────────────────

BOOK = LobsterBook([(900, 10)], [(1100, 10)], 2)


def message(kind: int, order_id: int, size: int, price: int, side: str = "buy") -> LobsterMessage:
    return LobsterMessage(0, kind, order_id, size, price, side)  # type: ignore[arg-type]


def book(*bids: tuple[int, int]) -> LobsterBook:
    return LobsterBook(list(bids), BOOK.asks, BOOK.depth)


@pytest.mark.parametrize(
    ("messages", "last", "difference"),
    [
        ([message(NEW, 1, 5, 1100)], BOOK, {"crossing": 1}),
        ([message(NEW, 1, 5, 900), message(EXECUTED, 1, 5, 900)], BOOK, {}),  # Unknown orders let it through.
        ([message(REDUCED, 7, 11, 900)], book(), {"unknown order": 1}),
        ([message(EXECUTED, 7, 5, 800)], BOOK, {"price": 1, "unknown order": 1}),
        ([message(HALT, 0, 0, 0)], book((900, 12)), {"level": 1}),
        ([message(AUCTION, 0, 10, 900)], BOOK, {}),
        ([message(EXECUTED_HIDDEN, 0, 10, 950)], BOOK, {}),
        ([message(EXECUTED, 7, 4, 900)], book((900, 6)), {}),
        ([message(DELETED, 7, 10, 900)], book(), {}),
    ],
)
def test_what_contradicts_is_counted(messages: list[LobsterMessage], last: LobsterBook, difference: dict[str, int]) -> None:
    reader = Reader("MADE", [message(HALT, 0, 0, 0), *messages], [BOOK, *([book((900, 15))] * (len(messages) - 1)), last])
    replay(reader)
    assert reader.differences == Counter(difference)


def test_an_order_of_the_unseen_part_of_a_queue_lets_the_executed_one_through() -> None:
    """A level comes into view with 10; then order 1, placed before, is executed though 4 unknown shares stood in front."""
    rows = [BOOK, book((900, 10), (800, 6)), book((900, 10), (800, 16)), book((800, 16)), book((800, 10))]
    messages = [
        message(HALT, 0, 0, 0),
        message(NEW, 2, 6, 800),
        message(NEW, 1, 10, 800),
        message(DELETED, 7, 10, 900),
        message(EXECUTED, 1, 6, 800),
    ]
    reader = Reader("MADE", messages, rows)
    replay(reader)
    assert reader.revealed == {"unknown order requeued": 1}
    assert not reader.differences


def test_an_execution_out_of_turn_is_counted_and_leaves_the_book_without_a_trade() -> None:
    rows = [BOOK, book((900, 10), (800, 6)), book((900, 10), (800, 16)), book((800, 16)), book((800, 10)), book((800, 6))]
    messages = [
        message(HALT, 0, 0, 0),
        message(NEW, 1, 6, 800),
        message(NEW, 2, 10, 800),
        message(DELETED, 7, 10, 900),
        message(EXECUTED, 2, 6, 800),
        message(REDUCED, 1, 4, 800),
    ]
    reader = Reader("MADE", messages, rows)
    replay(reader)
    assert reader.differences == {"priority": 1}


def test_the_book_before_the_first_message() -> None:
    assert before(message(NEW, 1, 10, 900), BOOK).bids == []
    assert before(message(NEW, 1, 4, 900), BOOK).bids == [(900, 6)]
    assert before(message(DELETED, 1, 3, 950), BOOK).bids == [(950, 3), (900, 10)]
    assert before(message(EXECUTED, 1, 3, 1100, "sell"), BOOK).asks == [(1100, 13)]
    assert before(message(EXECUTED_HIDDEN, 0, 3, 950), BOOK) == BOOK


def test_rows_are_read_exactly() -> None:
    (row,) = read_messages(["34200.00426064,1,16113584,18,5853200,-1"])
    assert row == LobsterMessage(34_200_004_260_640, NEW, 16113584, 18, 5853200, "sell")
    (visible,) = read_books(["5859400,200,5853300,18,9999999999,0,-9999999999,0"])
    assert visible == LobsterBook([(5853300, 18)], [(5859400, 200)], 2)


@pytest.mark.parametrize("line", ["", "1,2,3", "a,1,1,1,1,1", "1.5,1,1,1,x,1"])
def test_a_line_that_is_none_is_named(line: str) -> None:
    with pytest.raises(LobsterError, match="line 2"):
        list(read_messages(["34200.1,1,1,18,5853200,1", line]))
    with pytest.raises(LobsterError, match="line 2"):
        list(read_books(["5859400,200,5853300,18", line]))


def test_files_of_different_lengths_are_refused() -> None:
    with pytest.raises(LobsterError, match="as many messages"):
        Reader("MADE", [message(HALT, 0, 0, 0)], [])
