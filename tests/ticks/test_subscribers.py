"""Whoever joins at any moment, loses any message, or hears another worker ends with exactly the engine's book."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any
from zlib import crc32

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audit import _levels
from engine.stage import EngineStage
from exchange import checksum
from exchange.calendar import Calendar
from exchange.market import MarketDataRules
from exchange.messages.base import Side, decoder, encode
from exchange.messages.events import EventBatch
from exchange.messages.journal import DefineSymbol, Group, JournalBatch
from exchange.messages.market_data import Depth, Orders
from exchange.public_book import DepthBook, OrderBook
from exchange.subjects import JOURNAL
from tests.oracle.subscriber import Subscriber
from tests.oracle.traders import Traders
from tests.ticks.test_ticks_engine import levels
from ticks.channels import Channels
from ticks.feed import Feed, Rows
from ticks.sent import STILL_SECONDS_MAX

RULES = MarketDataRules()
LIMIT = 10_000
decode_events = decoder(EventBatch).decode


class Market:
    """An engine with random traders; its event batches stand in a log."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.traders = Traders(seed, ("KRYP",), sizes=(1, 2, 5))
        self.engine = EngineStage(1)
        self.batches = 0
        self.log: list[EventBatch] = []
        self.step()

    def step(self) -> None:
        """One journal batch."""
        self.batches += 1
        time, commands = self.traders.batch()
        batch = JournalBatch(self.batches, time, "", {}, [Group(1, msgspec.Raw(encode(commands)))])
        for payload in self.engine.turn({JOURNAL: [encode(batch)]}, 0).payloads:
            self.log.append(decode_events(payload))
            for moment in self.log[-1].moments:
                self.traders.hear(moment.events)

    def queues(self) -> list[tuple[Side, int, int]]:
        """Side, price and shown quantity of each order in the order in which they trade, first those that buy."""
        return [(order.level.side.name, order.level.price, order.remaining) for order in self.engine.books["KRYP"]]


class Worker:
    """A ticks worker that has heard so much of the log."""

    def __init__(self, log: list[EventBatch], heard: int) -> None:
        self.log = log
        self.feed = Feed(Calendar())
        self.feed.define(DefineSymbol("KRYP", "Kryptonite", 1, 2, 1, 100))
        self.channels = Channels(self.feed, RULES)
        self.heard = 0
        while self.heard < heard:
            self.hear()
        self.channels.messages(0.0)

    @property
    def instrument(self) -> Any:
        return self.feed.instruments["KRYP"]

    def hear(self) -> None:
        if self.heard < len(self.log):
            self.feed.apply(1, self.log[self.heard], Rows())
            self.heard += 1


class Reader:
    """Keeps a book of exchange/public_book.py of what it hears; a snapshot is under way for a while."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        self._ask = ask
        self.book: Any = None
        self.early: list[Any] = []
        self.answers: list[Any] = []
        self.mismatches = 0
        self._again()

    def _again(self) -> None:
        self.book = None
        self.answers = [self._ask()]

    def hear(self, message: Depth | Orders) -> None:
        if self.book is None:
            self.early.append(message)
        elif problem := self.book.apply(message):
            self.mismatches += problem == "checksum"
            self.early = [message]
            self._again()

    def answer(self) -> None:
        if self.answers:
            self.book = self.answers.pop()
            early, self.early = self.early, []
            for message in early:
                self.hear(message)


class Wire:
    """An engine, two workers of which one publishes, and subscribers that lose messages."""

    def __init__(self, seed: int) -> None:
        self.market = Market(seed)
        self.workers = [Worker(self.market.log, 0), Worker(self.market.log, 0)]
        self.workers[0].channels.open()
        self.now = 0.0
        self.join()

    def join(self) -> None:
        self.depth = Reader(lambda: DepthBook(self.levels(), LIMIT))
        self.orders = Reader(self.order_book)
        self.snapshots: list[Depth] = []
        self.oracle = Subscriber(lambda: self.snapshots.append(self.levels()))

    def any(self) -> Worker:
        """The worker that happens to be asked: often not the one that publishes."""
        return self.workers[self.market.random.random() < 0.5]

    def levels(self) -> Depth:
        worker = self.any()
        return worker.feed.depth(worker.instrument, LIMIT)

    def order_book(self) -> OrderBook:
        """In pages, each from any worker; again while a later page is older than the first."""
        while True:
            pages = [self.page(0)]
            while len(pages[-1].orders) == 3:
                pages.append(self.page(pages[-1].orders[-1][0]))
            if min(page.number for page in pages) == pages[0].number:
                return OrderBook(pages)

    def page(self, after: int) -> Orders:
        worker = self.any()
        return worker.feed.orders(worker.instrument, after, 3)

    def publish(self, seconds: float, lost: bool = False) -> None:
        self.now += seconds
        for worker in self.workers:
            for subject, message in worker.channels.messages(self.now):
                if lost:
                    continue
                if isinstance(message, Orders):
                    self.orders.hear(message)
                elif subject == "market.KRYP.depth":
                    assert isinstance(message, Depth)
                    self.depth.hear(message)
                    self.oracle.on_depth(message)

    def answer(self) -> None:
        self.depth.answer()
        self.orders.answer()
        while self.snapshots:
            self.oracle.on_snapshot(self.snapshots.pop(0))

    def act(self, action: str) -> None:
        match action:
            case "step":
                self.market.step()
            case "hear 0" | "hear 1":
                self.workers[int(action[-1])].hear()
            case "publish":
                self.publish(0.02)
            case "second":
                self.publish(1.0)
            case "lose":
                self.publish(0.02, lost=True)
            case "lose second":
                self.publish(1.0, lost=True)
            case "answer":
                self.answer()
            case "join":
                self.join()
            case "fail over":  # The other worker, wherever it stands, publishes; this one starts anew.
                self.workers = [self.workers[1], Worker(self.market.log, self.workers[0].heard)]
                self.workers[0].channels.open()

    def settle(self) -> None:
        """From here on nothing is lost, and everybody hears everything."""
        for worker in self.workers:
            while worker.heard < len(self.market.log):
                worker.hear()
        for _ in range(4):
            self.publish(STILL_SECONDS_MAX)
            self.answer()


ACTIONS = st.sampled_from(
    ["step", "step", "hear 0", "hear 1", "publish", "publish", "second", "lose", "lose second", "answer", "join", "fail over"]
)


@given(st.integers(0, 10**6), st.lists(ACTIONS, min_size=20, max_size=150))
@settings(deadline=None, max_examples=400)
def test_every_subscriber_ends_with_the_engines_book(seed: int, actions: Sequence[str]) -> None:
    wire = Wire(seed)
    for action in actions:
        wire.act(action)
    wire.settle()
    market = wire.market
    book: DepthBook = wire.depth.book
    assert (book.levels("buy"), book.levels("sell")) == levels(market.queues()) == wire.oracle.book
    engine = market.engine.books["KRYP"]
    assert book.checksum == checksum.of_levels(*map(_levels, (engine.bids, engine.asks)))
    orders: OrderBook = wire.orders.book
    found = [order[1:] for side in ("buy", "sell") for order in orders.queue(side)]  # type: ignore[arg-type]
    assert found == market.queues()
    assert wire.depth.mismatches == wire.orders.mismatches == 0


def test_a_wrong_book_is_noticed_by_its_checksum() -> None:
    """What no number can tell: one level, or one order, is not as it should be."""
    wire = Wire(1)
    while len(wire.market.engine.books["KRYP"].orders) < 20:
        wire.act("step")
    wire.settle()
    for reader, entries in ((wire.depth, wire.depth.book.bids or wire.depth.book.asks), (wire.orders, wire.orders.book.orders)):
        key = next(iter(entries))
        entries[key] = (*entries[key][:3], entries[key][3] + 1) if isinstance(entries[key], tuple) else entries[key] + 1
        assert reader.mismatches == 0
        wire.publish(STILL_SECONDS_MAX)
        assert reader.mismatches == 1
        wire.answer()
        wire.publish(STILL_SECONDS_MAX)
        assert reader.mismatches == 1
    assert (wire.depth.book.levels("buy"), wire.depth.book.levels("sell")) == levels(wire.market.queues())


def test_checksums_as_they_are_written_down() -> None:
    """The worked example of docs/market-data.md."""
    levels = ([(205_500, 300), (205_400, 120)], [(205_700, 50)])
    texts = [b"buy:205500:300", b"buy:205400:120", b"sell:205700:50"]
    assert checksum.of_levels(*levels) == sum(map(crc32, texts)) % 2**32 == 771_270_333
    orders = [(17, "buy", 205_500, 200), (21, "buy", 205_500, 100)]
    assert checksum.of_orders(orders) == sum(map(crc32, [b"17:buy:205500:200", b"21:buy:205500:100"])) % 2**32


def test_ids_of_orders_tell_nothing_of_their_owners() -> None:
    """Public ids count arrivals; an iceberg's parts have nothing in common."""
    market = Market(5)
    while len(market.engine.books["KRYP"].orders) < 20:
        market.step()
    ids = [order[0] for order in Worker(market.log, len(market.log)).instrument.book.public_orders(0, None)]
    assert ids == sorted(ids)
    engine_ids = sorted(market.engine.books["KRYP"].orders)
    assert len(ids) == len(engine_ids)
    assert ids != engine_ids


@pytest.mark.parametrize("size", [2, 3, LIMIT])
def test_a_book_deeper_than_its_snapshot_is_not_held_against_the_checksum(size: int) -> None:
    levels = [(100 - number, 5) for number in range(3)]
    book = DepthBook(Depth("KRYP", 5, 0, 1, levels[:size], []), size)
    assert book.apply(Depth("KRYP", 6, 5, 2, [], [(200, 1)], 12345)) == ("checksum" if size == LIMIT else None)
