"""500 messages of AAPL on NASDAQ, 21 June 2012: the engine's book is NASDAQ's after each, and the same orders are filled."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from engine.stage import EngineStage
from exchange.lobster import EXECUTED, LobsterBook, read_books, read_messages
from exchange.lobster_reader import Reader, Step
from exchange.messages.base import decoder, encode
from exchange.messages.events import EventBatch, Traded
from exchange.messages.journal import EngineCommand, Group, JournalBatch, PlaceOrder
from exchange.subjects import JOURNAL

DATA = Path(__file__).parent.parent / "data"
decode = decoder(EventBatch).decode


def read() -> Reader:
    lines = {kind: (DATA / f"AAPL_2012-06-21_{kind}_10.csv").read_text().splitlines() for kind in ("message", "orderbook")}
    return Reader("AAPL", list(read_messages(lines["message"])), list(read_books(lines["orderbook"])))


class Engine:
    """The stage with its journal."""

    def __init__(self) -> None:
        self.stage = EngineStage(1)
        self._number = 0

    def carry_out(self, commands: list[EngineCommand]) -> list[Traded]:
        """One journal batch; its trades."""
        self._number += 1
        groups = [Group(1, msgspec.Raw(encode(commands)))]
        journal = encode(JournalBatch(self._number, self._number, "", {}, groups))
        payloads = self.stage.turn({JOURNAL: [journal]}, now=0).payloads
        events = [event for payload in payloads for moment in decode(payload).moments for event in moment.events]
        return [event for event in events if isinstance(event, Traded)]

    def book(self, depth: int) -> LobsterBook:
        """What is visible."""
        book = self.stage.books["AAPL"]
        bids, asks = (
            [(level.price, sum(order.remaining for order in level.orders())) for level in side][:depth]
            for side in (book.bids, book.asks)
        )
        return LobsterBook(bids, asks, depth)


@pytest.fixture(scope="module")
def replayed() -> tuple[Reader, list[tuple[Step, list[Traded], LobsterBook]], dict[int, str]]:
    """The reader, after each message what the engine made of it, and the names of all orders."""
    reader, engine = read(), Engine()
    names: dict[int, str] = {}

    def carry_out(commands: list[EngineCommand]) -> list[Traded]:
        names.update({c.order_id: c.client_order_id for c in commands if isinstance(c, PlaceOrder)})
        return engine.carry_out(commands)

    assert not carry_out(reader.opening())
    found = [(step, carry_out(step.commands), engine.book(step.book.depth)) for step in reader.steps()]
    engine.stage.books["AAPL"].check()
    return reader, found, names


def test_after_each_message_the_levels_are_those_of_the_file(replayed) -> None:
    _, found, _ = replayed
    assert len(found) == 500
    for number, (step, _, book) in enumerate(found, start=1):
        assert book == step.book, f"message {number}: {step.message}"


def test_each_execution_fills_the_very_order_that_nasdaq_filled(replayed) -> None:
    _, found, names = replayed
    executions = unknown = 0
    for step, trades, _ in found:
        message = step.message
        if message.kind != EXECUTED:
            assert not trades
            continue
        executions += 1
        (trade,) = trades
        assert (trade.price, trade.quantity, trade.side != message.side) == (message.price, message.size, True)
        name = names[trade.maker_order_id]
        unknown += name.startswith("unknown-")
        assert name == str(message.order_id) or (name.startswith("unknown-") and str(message.order_id) not in names.values())
    # Four executions are of orders that rested before the file begins.
    assert (executions, unknown) == (63, 4)


def test_no_difference_is_left(replayed) -> None:
    reader, _, _ = replayed
    assert reader.differences == Counter()
    assert reader.left == {"hidden execution": 25}
    # Below the tenth level: eight levels came into view for the first time, three had changed since they went out of view.
    assert reader.revealed == {"level appeared": 8, "level vanished": 2, "level grew": 1}
