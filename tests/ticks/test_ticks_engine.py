"""The public book against a slow exchange's: whatever orders, groups and phases do, it shows what is shown there."""

from __future__ import annotations

import random

import msgspec
import pytest

from exchange.calendar import Calendar
from exchange.messages.base import Side
from exchange.messages.events import Event, EventBatch, Moment, Traded
from exchange.messages.journal import DefineSymbol
from exchange.messages.market_data import Status
from tests.oracle.book import SlowBook, SlowExchange
from tests.oracle.traders import Traders
from ticks.feed import Feed, FeedState, Rows

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
    "ReferenceMoved",
)
SIDES: tuple[Side, Side] = ("buy", "sell")
Levels = list[tuple[int, int]]


class Listener:
    """A feed that hears events one by one, as if each came in a part of its own, with a snapshot anywhere between them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.feed = Feed(Calendar())
        self.parts = 0
        self.kinds: set[str] = set()
        self.auctions = 0

    def hear(self, time: int, events: list[Event]) -> None:
        for event in events:
            self.parts += 1
            self.kinds.add(type(event).__name__)
            self.auctions += isinstance(event, Traded) and event.auction
            self.feed.apply(1, EventBatch(self.parts, 1, "", [Moment(1, time, [event])]), Rows())
            if self.random.random() < 0.05:
                state = msgspec.msgpack.decode(msgspec.msgpack.encode(self.feed.state()), type=FeedState)
                self.feed = Feed(Calendar(), state)


def queues(book: SlowBook) -> list[tuple[Side, int, int]]:
    """Side, price and shown quantity of each order in the order in which they trade, first those that buy."""
    return [(side, order.price, order.shown) for side in SIDES for order in book.queue(side)]


def levels(queued: list[tuple[Side, int, int]]) -> tuple[Levels, Levels]:
    """Bids and asks, added up order by order."""
    sides: dict[Side, dict[int, int]] = {"buy": {}, "sell": {}}
    for side, price, shown in queued:
        sides[side][price] = sides[side].get(price, 0) + shown
    return sorted(sides["buy"].items(), reverse=True), sorted(sides["sell"].items())


def status(book: SlowBook) -> tuple[object, ...]:
    """What the public knows of the phase, the auction to come and the band."""
    price, volume, imbalance = book.told
    side = {-1: "sell", 0: "", 1: "buy"}[(imbalance > 0) - (imbalance < 0)]
    band = (book.reference, *book.band()) if book.rules.trade_band else (0, 0, 0)
    return book.phase, book.reason, price, volume, abs(imbalance), side, *band, book.until


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
            instrument, slow = listener.feed.instruments[symbol], exchange.books[symbol]
            assert instrument.book.levels(1000) == levels(queues(slow))
            sign = {"buy": -1, "sell": 1}
            orders = instrument.book.public_orders(0, None)
            orders.sort(key=lambda order: (order[1], sign[order[1]] * order[2], order[0]))
            assert [order[1:] for order in orders] == queues(slow)
            number = listener.feed.number(instrument)
            assert listener.feed.status(instrument) == Status(symbol, number, 0, instrument.time, *status(slow))  # type: ignore[arg-type]
            (bid, _), (ask, _) = instrument.book.best()
            crossed += bid >= ask > 0
    assert listener.kinds >= set(TOLD)
    assert listener.auctions
    assert crossed
