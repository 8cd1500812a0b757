"""The order book of one symbol: price levels, best first, and in each level a queue of orders, oldest first.

A level is found by its price in a dict, its neighbour in a sorted list of keys, and the best level of each side is
remembered, so the sorted list is only touched when a level appears or goes away. A queue is a doubly linked list through
the orders themselves: taking the first, appending and taking one out of the middle cost the same however long it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from sys import intern

import msgspec
from sortedcontainers import SortedList

from exchange.messages.base import Phase, SelfTrade, Side
from exchange.messages.journal import DefineSymbol, PlaceOrder

from .bands import SECOND, Bands, bands_of
from .groups import Bracket, Groups, Pair
from .stops import Stop, Stops
from .terms import Terms


class Order(msgspec.Struct, gc=False, eq=False):
    """An open order, linked into the queue of its level."""

    # gc=False: a million orders are never visited by the garbage collector. In return no reference cycle may be left behind:
    # `remove` and `remove_level` cut the links to what leaves the book, `Book.__del__` those of what is still in it.

    order_id: int
    remaining: int
    """What is shown; an iceberg's hidden rest is in its terms."""
    level: Level
    account: str
    """Interned: all orders of an account share one string, which `is` compares."""
    self_trade: SelfTrade
    """What its owner wants if it arrives once more, because it was replaced."""
    previous: Order | None = None
    next: Order | None = None


class Level(msgspec.Struct, gc=False, eq=False):
    """All orders of one side at one price; never empty."""

    key: int
    """Ascending from the best: the price of a sell level, minus the price of a buy level."""
    price: int
    side: BookSide
    head: Order | None = None
    tail: Order | None = None

    def orders(self) -> Iterator[Order]:
        """The queue, oldest first."""
        order = self.head
        while order is not None:
            yield order
            order = order.next


class BookSide:
    """The levels of one side."""

    __slots__ = ("best", "keys", "levels", "name")

    def __init__(self, name: Side) -> None:
        self.name: Side = name
        self.levels: dict[int, Level] = {}
        self.keys: SortedList[int] = SortedList()
        self.best: Level | None = None

    def __iter__(self) -> Iterator[Level]:
        """The levels, best first."""
        return map(self.levels.__getitem__, self.keys)

    def add_level(self, key: int) -> Level:
        """A new level, which must get its first order at once."""
        level = self.levels[key] = Level(key, abs(key), self)
        self.keys.add(key)
        if self.best is None or key < self.best.key:
            self.best = level
        return level

    def remove_level(self, level: Level) -> None:
        """Take out a level whose last order leaves."""
        level.head = level.tail = None
        del self.levels[level.key]
        keys = self.keys
        keys.remove(level.key)
        if self.best is level:
            self.best = self.levels[keys[0]] if keys else None


class Book:
    """All open orders of one symbol: those that rest, the stop orders that wait for a price, and those parked for later."""

    __slots__ = (
        "asks",
        "band",
        "bands",
        "bids",
        "completed",
        "expiring",
        "groups",
        "last",
        "looking",
        "orders",
        "parked",
        "phase",
        "phase_reason",
        "reference",
        "reference_time",
        "stops",
        "symbol",
        "terms",
        "tick",
        "time",
        "told",
        "trades",
        "unsettled",
        "until",
    )

    def __init__(self, symbol: str, trades: int = 0, last: int = 0, tick: int = 1) -> None:
        self.symbol = symbol
        self.trades = trades
        """Also the id of the last trade."""
        self.last = last
        """Price of the last trade; 0 before the first."""
        self.tick = tick
        """Smallest price step; a trailing stop stays on it."""
        self.bids = BookSide("buy")
        self.asks = BookSide("sell")
        self.orders: dict[int, Order] = {}
        """All resting orders by id."""
        self.terms: dict[int, Terms] = {}
        """Of those resting orders that have any, by id."""
        self.stops = Stops()
        self.expiring: SortedList[tuple[int, int]] = SortedList()
        """(expires, order id) of all open orders that expire."""
        self.parked: dict[int, PlaceOrder] = {}
        """By id: orders for the closing auction until it comes, legs of brackets until their entries have ended."""
        self.groups: Groups = {}
        self.phase: Phase = "continuous"
        self.phase_reason = ""
        self.until = 0
        """When a volatility auction ends, in nanoseconds since 1970."""
        self.told = (0, 0, 0)
        """What the public knows of the auction to come: price, volume, imbalance."""
        self.bands = Bands()
        self.reference = 0
        """The reference price."""
        self.reference_time = 0
        """Of the journal batch in which it last followed the market."""
        self.band: tuple[int, int] | None = None
        """The lowest and the highest price of a trade now."""
        self.time = 0
        """Of the journal batch that is being applied. Not part of the state."""
        self.completed: dict[int, Bracket] = {}
        """By entry id: entries of the present command have ended, and their legs come next."""
        self.looking = False
        """Stops that came in another phase have not looked at the last price yet."""
        self.unsettled = False
        """Something follows from what happened: see settling.py."""

    def __del__(self) -> None:
        for order in self.orders.values():
            order.previous = order.next = None
        for side in (self.bids, self.asks):
            for level in side.levels.values():
                level.head = level.tail = None
            side.levels.clear()
            side.best = None

    def __iter__(self) -> Iterator[Order]:
        """All open orders: bids, then asks, best first, oldest first."""
        for side in (self.bids, self.asks):
            for level in side:
                yield from level.orders()

    def rest(
        self, side: BookSide, key: int, order_id: int, quantity: int, account: str, self_trade: SelfTrade = "allow"
    ) -> None:
        """Put an order behind all others of its level."""
        orders = self.orders
        assert order_id not in orders, f"order {order_id} is in the book already"
        level = side.levels.get(key)
        if level is None:
            level = side.add_level(key)
        tail = level.tail
        order = orders[order_id] = Order(order_id, quantity, level, intern(account), self_trade, tail)
        if tail is None:
            level.head = order
        else:
            tail.next = order
        level.tail = order

    def keep_terms(self, order_id: int, terms: Terms) -> int:
        """Remember the terms of an order that comes to rest; returns how much of it is hidden."""
        self.terms[order_id] = terms
        if terms.expires:
            self.expiring.add((terms.expires, order_id))
        return terms.hidden

    def open_quantity(self, order: Order) -> int:
        """What can still trade, shown or hidden."""
        terms = self.terms.get(order.order_id)
        return order.remaining + terms.hidden if terms is not None else order.remaining

    def move_to_back(self, order: Order) -> None:
        """Put an order behind all others of its level, which it stays in."""
        level, previous, following = order.level, order.previous, order.next
        if following is None:
            return
        following.previous = previous
        if previous is not None:
            previous.next = following
        else:
            level.head = following
        tail = level.tail
        assert tail is not None
        tail.next = order
        order.previous, order.next = tail, None
        level.tail = order

    def remove(self, order: Order) -> None:
        """Take an order out, wherever it stands, and forget its terms."""
        order_id = order.order_id
        del self.orders[order_id]
        if self.terms and (terms := self.terms.pop(order_id, None)) is not None and terms.expires:
            self.expiring.remove((terms.expires, order_id))
        level, previous, following = order.level, order.previous, order.next
        if previous is not None:
            previous.next = following
        elif following is not None:
            level.head = following
        else:
            level.side.remove_level(level)
            return
        if following is not None:
            following.previous = previous
        else:
            level.tail = previous

    def wait(self, stop: Stop, reached: bool = False) -> None:
        """Let a stop order wait, for its price or, if that was reached already, for the moment in which it may trigger."""
        order_id, expires = stop.order.order_id, stop.order.expires
        assert order_id not in self.orders, f"order {order_id} is in the book already"
        self.stops.add(stop, reached)
        if expires:
            self.expiring.add((expires, order_id))

    def stop_waiting(self, stop: Stop) -> None:
        """Take out a stop order that waits."""
        self.stops.remove(stop)
        if stop.order.expires:
            self.expiring.remove((stop.order.expires, stop.order.order_id))

    def follow(self, prices: tuple[int, ...]) -> None:
        """After trades at these prices, in this order: trailing stops move, and some are reached."""
        stops = self.stops
        for price in prices:
            stops.follow(price, self.tick)
        if stops.reached:
            self.unsettled = True

    def look_at_last(self) -> None:
        """Stops may trigger from here on: those that came meanwhile are to look at the last price."""
        self.looking = self.unsettled = True

    def park(self, order: PlaceOrder) -> None:
        """Keep an order for later. One for the closing auction may expire meanwhile, the leg of a bracket does not."""
        self.parked[order.order_id] = order
        if order.tif == "cls" and order.expires:
            self.expiring.add((order.expires, order.order_id))

    def unpark(self, order_id: int) -> PlaceOrder:
        """Take out an order that was kept for later."""
        order = self.parked.pop(order_id)
        if order.tif == "cls" and order.expires:
            self.expiring.remove((order.expires, order_id))
        return order

    def take_out(self, order_id: int) -> int:
        """Take out an order, resting, waiting or parked; returns the quantity that was open, 0 if the order is not."""
        if (order := self.orders.get(order_id)) is not None:
            quantity = self.open_quantity(order)
            self.remove(order)
            return quantity
        if (stop := self.stops.waiting.get(order_id)) is not None:
            self.stop_waiting(stop)
            return stop.order.quantity
        return self.unpark(order_id).quantity if order_id in self.parked else 0

    def define(self, rules: DefineSymbol) -> None:
        """Rules from here on. The opening price is the reference until there is another one."""
        self.tick = rules.tick
        self.bands = bands_of(rules)
        self.set_reference(self.reference or rules.opening_price)

    def set_reference(self, price: int) -> None:
        """Another reference price, and the band around it."""
        self.reference = price
        self.band = self.bands.around(price, self.tick)

    def set_phase(self, phase: Phase, reason: str, until: int) -> None:
        """Another phase; nothing is known of an auction that begins."""
        self.phase, self.phase_reason, self.until = phase, reason, until
        self.told = (0, 0, 0)

    @property
    def moment(self) -> int | None:
        """The time from which on something may happen here without a command; None for never."""
        moments = [self.until] if self.phase == "volatility_auction" else []
        if self.bands.any and self.last:
            moments.append(self.reference_time + self.bands.reference_seconds * SECOND)
        if self.expiring:
            moments.append(self.expiring[0][0])
        return min(moments, default=None)

    def check(self) -> None:
        """Every invariant, slowly; tests call it after each command."""
        assert self.trades >= 0
        assert (self.last > 0) == (self.trades > 0), "the last price is that of a trade"
        queued = {order.order_id: order for order in self}
        assert queued == self.orders, "the index holds exactly the orders that are queued"
        for side, sign in ((self.bids, -1), (self.asks, 1)):
            assert list(side.keys) == sorted(side.levels), "the sorted keys are the keys of the levels"
            assert side.best is (side.levels[side.keys[0]] if side.keys else None), "the best level is remembered"
            for key, level in side.levels.items():
                assert level.side is side
                assert level.key == key == sign * level.price
                assert level.price > 0
                _check_queue(level)
        if self.bids.best and self.asks.best and self.phase == "continuous":
            assert self.bids.best.price < self.asks.best.price, "a book in which orders meet is never crossed"
        assert self.terms.keys() <= self.orders.keys(), "terms are those of resting orders"
        for order_id, terms in self.terms.items():
            terms.check(self.orders[order_id].remaining)
        self.stops.check(self.last if self.phase == "continuous" else 0)
        assert not self.stops.waiting.keys() & self.orders.keys(), "an order rests or waits"
        assert not self.parked.keys() & (self.orders.keys() | self.stops.waiting.keys()), "or is parked"
        expiring = {(terms.expires, order_id) for order_id, terms in self.terms.items() if terms.expires}
        expiring |= {(stop.order.expires, order_id) for order_id, stop in self.stops.waiting.items() if stop.order.expires}
        expiring |= {
            (order.expires, order_id) for order_id, order in self.parked.items() if order.tif == "cls" and order.expires
        }
        assert list(self.expiring) == sorted(expiring), "the index holds exactly the orders that expire"
        assert not self.completed
        assert not self.looking
        assert not self.unsettled, "what follows from a command is part of it"
        assert self.band == self.bands.around(self.reference, self.tick)
        self._check_groups()

    def _check_groups(self) -> None:
        for order_id, group in self.groups.items():
            assert self._open(order_id), "whoever is one of a group is open"
            if isinstance(group, Pair):
                assert order_id in (group.limit_id, group.stop_id)
                assert self.groups[group.other(order_id)] is group, "a pair is one of two"
                assert self._open(order_id) == self._open(group.other(order_id)), "both have the same open"
            else:
                assert order_id in (group.entry_id, *group.legs)
                assert all(self.groups[member] is group for member in (group.entry_id, *group.legs))
                assert all(leg in self.parked for leg in group.legs), "legs wait for their entry"
        legs = {leg for group in self.groups.values() if isinstance(group, Bracket) for leg in group.legs}
        assert all(order.tif == "cls" or order_id in legs for order_id, order in self.parked.items())

    def _open(self, order_id: int) -> int:
        if (order := self.orders.get(order_id)) is not None:
            return self.open_quantity(order)
        placed = stop.order if (stop := self.stops.waiting.get(order_id)) else self.parked.get(order_id)
        return placed.quantity if placed else 0


def _check_queue(level: Level) -> None:
    queue = list(level.orders())
    assert queue, "a level is never empty"
    assert level.tail is queue[-1]
    for previous, order in zip([None, *queue], queue, strict=False):
        assert order.previous is previous, "links are mutual"
        assert order.level is level
        assert order.remaining > 0
        assert order.account is intern(order.account), "accounts are interned"
