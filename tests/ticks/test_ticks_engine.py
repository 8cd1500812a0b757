"""The public book against a slow exchange's: whatever orders, groups and phases do, each level shows what is shown there."""

from __future__ import annotations

import random

import msgspec
import pytest

from exchange.messages.events import Event, EventBatch, Moment, Traded
from exchange.messages.journal import DefineSymbol
from tests.oracle.book import SlowBook, SlowExchange
from tests.oracle.traders import Traders
from ticks.feed import Feed, FeedState

SYMBOLS = ("AAA", "BBB")
TOLD = (
    "Rested",
    "Traded",
    "Cancelled",
    "Triggered",
    "Replaced",
    "Refreshed",
    "Decremented",
    "Activated",
    "PhaseChanged",
    "Indicated",
)
Levels = list[tuple[int, int]]


class Listener:
    """A feed that hears events one by one, as if each came in a part of its own, with a snapshot anywhere between them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.feed = Feed()
        self.parts = 0
        self.kinds: set[str] = set()
        self.auctions = 0

    def hear(self, time: int, events: list[Event]) -> None:
        for event in events:
            self.parts += 1
            self.kinds.add(type(event).__name__)
            self.auctions += isinstance(event, Traded) and event.auction
            self.feed.apply(1, EventBatch(self.parts, 1, "", [Moment(1, time, [event])]))
            if self.random.random() < 0.05:
                self.feed = Feed(msgspec.msgpack.decode(msgspec.msgpack.encode(self.feed.state()), type=FeedState))


def shown(book: SlowBook) -> tuple[Levels, Levels]:
    """What a slow book shows, added up order by order."""
    sides: dict[str, dict[int, int]] = {"buy": {}, "sell": {}}
    for order in book.resting:
        sides[order.side][order.price] = sides[order.side].get(order.price, 0) + order.shown
    return sorted(sides["buy"].items(), reverse=True), sorted(sides["sell"].items())


@pytest.mark.parametrize("seed", range(8))
def test_the_public_book_shows_what_is_shown(seed: int) -> None:
    traders, exchange, listener = Traders(seed, SYMBOLS), SlowExchange(), Listener(seed)
    crossed = 0
    while traders.commands < 1_500:
        time, commands = traders.batch()
        events = exchange.batch(time, commands)
        traders.hear(events)
        for command in commands:
            if isinstance(command, DefineSymbol):
                listener.feed.define(command)
        listener.hear(time, events)
        for symbol in SYMBOLS:
            book = listener.feed.instruments[symbol].book
            assert book.levels(1000) == shown(exchange.books[symbol])
            (bid, _), (ask, _) = book.best()
            crossed += bid >= ask > 0
    assert listener.kinds >= set(TOLD)
    assert listener.auctions
    assert crossed
