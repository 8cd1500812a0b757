"""The public book against the engine's own: whatever orders do, each level shows what the engine shows."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from engine.stage import EngineStage
from exchange.calendar import Calendar
from exchange.messages.base import decoder, encode
from exchange.messages.events import EventBatch
from exchange.messages.journal import CancelOrder, DefineSymbol, EngineCommand, Group, JournalBatch, PlaceOrder, ReplaceOrder
from exchange.subjects import JOURNAL
from ticks.feed import Feed, FeedState, Rows

DEFINITION = DefineSymbol("KRYP", "Kryptonite", 1, 10, 1, 1000)
decode_events = decoder(EventBatch).decode


class Market:
    """An engine that gets random commands, and a feed that hears its events."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.engine = EngineStage(1)
        self.feed = Feed(Calendar())
        self.feed.define(DEFINITION)
        self.number = self.orders = self.batches = 0
        self.placed: dict[int, PlaceOrder] = {}
        self.kinds: set[str] = set()
        self.do([DEFINITION])

    def do(self, commands: list[EngineCommand]) -> None:
        """One journal batch."""
        self.number += 1
        groups = [Group(1, msgspec.Raw(encode(commands)))]
        batch = JournalBatch(self.number, self.number * 10, "", {}, groups)
        for payload in self.engine.turn({JOURNAL: [encode(batch)]}, 0).payloads:
            self.hear(decode_events(payload))

    def hear(self, batch: EventBatch) -> None:
        """Event by event, as if each came in a part of its own, with a snapshot anywhere between them."""
        for moment in batch.moments:
            for event in moment.events:
                self.batches += 1
                self.kinds.add(type(event).__name__)
                one = msgspec.structs.replace(moment, events=[event])
                self.feed.apply(1, EventBatch(self.batches, batch.journal_through, "", [one]), Rows())
                if self.random.random() < 0.1:
                    self.feed = Feed(
                        Calendar(), msgspec.msgpack.decode(msgspec.msgpack.encode(self.feed.state()), type=FeedState)
                    )

    def step(self) -> None:
        chance = self.random.random()
        if chance < 0.1 and self.placed:
            self.do([CancelOrder(self.random.choice([*self.placed]), "a", "KRYP")])
        elif chance < 0.25 and self.placed:
            self.replace(self.random.choice([*self.placed.values()]))
        else:
            self.place()

    def price(self) -> int:
        return 1000 + 10 * self.random.randrange(-6, 7)

    def place(self) -> None:
        chance = self.random
        self.orders += 1
        kind = chance.choice(["limit"] * 6 + ["market", "stop", "stop_limit", "trailing_stop"])
        tif = (
            "ioc"
            if kind == "market"
            else chance.choice(["gtc", "gtc", "gtc", "day", "fok", "ioc"] if kind == "limit" else ["gtc"])
        )
        rests = kind in ("limit", "stop_limit") and tif in ("gtc", "day")
        waits = kind in ("stop", "stop_limit", "trailing_stop")
        order = PlaceOrder(
            self.orders,
            chance.choice("abc"),
            "",
            "KRYP",
            chance.choice(["buy", "sell"]),
            chance.randrange(1, 40),
            self.price(),
            hold=1,
            kind=kind,
            tif=tif,
            stop_price=self.price() if waits else 0,
            trail=30 if kind == "trailing_stop" else 0,
            expires=self.number * 10 + chance.randrange(1, 500) if tif == "day" else 0,
            post_only=kind == "limit" and rests and chance.random() < 0.2,
            display=chance.randrange(1, 8) if rests and chance.random() < 0.4 else 0,
            self_trade=chance.choice(["allow", "cancel_newest", "cancel_oldest", "cancel_both", "decrement"]),
        )
        self.placed[order.order_id] = order
        self.do([order])

    def replace(self, order: PlaceOrder) -> None:
        """Of what is open by the engine's own books; one that has ended is replaced in vain."""
        book = self.engine.books["KRYP"]
        resting = book.orders.get(order.order_id)
        stop = book.stops.waiting.get(order.order_id)
        open_quantity = book.open_quantity(resting) if resting else stop.order.quantity if stop else 0
        price = resting.level.price if resting and self.random.random() < 0.5 else self.price()
        command = ReplaceOrder(
            order.order_id,
            order.account,
            "KRYP",
            self.random.randrange(1, 40),
            open_quantity,
            price,
            hold=0,
            stop_price=self.price() if stop else 0,
        )
        self.do([command])


def shown(market: Market) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """What the engine's book shows, added up order by order."""
    sides: dict[Any, dict[int, int]] = {"buy": {}, "sell": {}}
    for order in market.engine.books["KRYP"]:
        level = sides[order.level.side.name]
        level[order.level.price] = level.get(order.level.price, 0) + order.remaining
    return sorted(sides["buy"].items(), reverse=True), sorted(sides["sell"].items())


def queue(market: Market) -> list[tuple[Any, int, int]]:
    """Side, price and shown quantity of each order, level by level from the best, first in the queue first."""
    orders = market.engine.books["KRYP"]
    return [(order.level.side.name, order.level.price, order.remaining) for order in orders]


@pytest.mark.parametrize("seed", range(8))
def test_the_public_book_shows_what_the_engine_shows(seed: int) -> None:
    market = Market(seed)
    for _ in range(400):
        market.step()
        book = market.feed.instruments["KRYP"].book
        assert book.levels(1000) == shown(market)
        sign = {"buy": -1, "sell": 1}
        orders = sorted(book.public_orders(0, None), key=lambda order: (order[1], sign[order[1]] * order[2], order[0]))
        assert [order[1:] for order in orders] == queue(market)
    assert market.kinds >= {"Rested", "Traded", "Cancelled", "Triggered", "Replaced", "Refreshed", "Decremented"}
