from collections.abc import Callable
from random import Random

import pytest

from engine.book import Books
from engine.expiry import expire
from engine.matching import apply
from exchange.messages.events import Cancelled, Decremented, Event, Replaced, ReplaceRefused, Traded
from exchange.messages.journal import CancelOrder, DefineSymbol, EngineCommand, PlaceOrder, ReplaceOrder

MakeCommands = Callable[[int, int, tuple[str, ...]], list[EngineCommand]]
BATCH_TIME = 1_000
"""Nanoseconds from one journal batch to the next, in tests; the first is at this time."""
MakeBatches = Callable[[int, int, tuple[str, ...]], list[list[EngineCommand]]]


def define(symbol: str) -> DefineSymbol:
    return DefineSymbol(symbol, symbol, shard=1, tick=1, lot=1, opening_price=100)


def make_commands(seed: int, count: int, symbols: tuple[str, ...] = ("AAA",)) -> list[EngineCommand]:
    """All kinds of commands on few prices, so that they meet often; cancels also name orders that have ended."""
    random = Random(seed)
    commands: list[EngineCommand] = [define(symbol) for symbol in symbols]
    placed: list[PlaceOrder] = []
    for _ in range(count):
        if placed and random.random() < 0.4:
            order = random.choice(placed[-60:])
            commands.append(CancelOrder(order.order_id, order.account, order.symbol))
            continue
        side = random.choice(("buy", "sell"))
        kind = "market" if random.random() < 0.1 else "limit"
        tif = "ioc" if random.random() < 0.15 else "gtc"  # Means nothing for a market order.
        price = 100 + random.randint(-8, 3) * (1 if side == "buy" else -1)
        quantity = random.randint(1, random.choice((5, 5, 40)))
        order = PlaceOrder(len(placed) + 1, "alice", "", random.choice(symbols), side, quantity, price, 0, kind, tif)
        placed.append(order)
        commands.append(order)
    return commands


@pytest.fixture
def commands_of() -> MakeCommands:
    return make_commands


class Traders:
    """Random commands of all types, as a ledger would let them through: it learns of events late, and replaces accordingly."""

    def __init__(self, seed: int, symbols: tuple[str, ...]) -> None:
        self.random = Random(seed)
        self.symbols = symbols
        self.batches: list[list[EngineCommand]] = [[DefineSymbol(name, name, 1, 2, 1, 100) for name in symbols]]
        self.books: Books = {}
        apply(self.books, self.batches[0])
        self.orders: list[PlaceOrder] = []
        self.open: dict[int, int] = {}
        """What is open of each order, as the ledger knows it."""
        self.prices: dict[int, tuple[int, int]] = {}
        """Price and stop price of each order, as the ledger knows them."""
        self.replacing: set[int] = set()
        self.news: list[Event] = []

    def next_batch(self) -> int:
        """Add a batch; returns how many commands it holds."""
        commands: list[EngineCommand] = []
        self.news += expire(self.books, BATCH_TIME * (len(self.batches) + 1))
        for _ in range(self.random.choice((0, 1, 2, 5, 20))):
            if self.random.random() < 0.3:
                self.learn()
            commands.append(self.next_command())
            self.news += apply(self.books, commands[-1:])
        self.batches.append(commands)
        return len(commands)

    def learn(self) -> None:
        """The ledger applies the events."""
        for event in self.news:
            match event:
                case Traded():
                    self.take(event.maker_order_id, event.quantity)
                    self.take(event.taker_order_id, event.quantity)
                case Decremented():
                    self.take(event.order_id, event.quantity)
                case Cancelled():
                    assert self.open.pop(event.order_id) == event.quantity
                case Replaced():
                    self.replacing.remove(event.order_id)
                    self.open[event.order_id] = event.quantity
                    self.prices[event.order_id] = (event.price, event.stop_price)
                case ReplaceRefused():
                    self.replacing.remove(event.order_id)
        self.news.clear()

    def take(self, order_id: int, quantity: int) -> None:
        self.open[order_id] -= quantity
        if self.open[order_id] == 0:
            del self.open[order_id]

    def next_command(self) -> EngineCommand:
        kind = self.random.random()
        if self.open and kind < 0.25:
            # Of those that came last, whatever became of them, or of those that have been open for longest.
            recent = self.random.random() < 0.5
            order = self.random.choice(self.orders[-60:] if recent else [self.orders[next(iter(self.open)) - 1]])
            return CancelOrder(order.order_id, order.account, order.symbol)
        if self.open and kind < 0.4:
            order = self.orders[self.random.choice(list(self.open)[-60:]) - 1]
            if order.order_id not in self.replacing:
                return self.replace(order)
        return self.place()

    def replace(self, order: PlaceOrder) -> ReplaceOrder:
        random, order_id = self.random, order.order_id
        self.replacing.add(order_id)
        known = self.open[order_id]
        price, stop_price = self.prices[order_id]
        if random.random() < 0.5:
            price += random.randint(-6, 6)
        if stop_price and random.random() < 0.5:
            stop_price += random.randint(-6, 6)
        quantity = random.choice((known, random.randint(1, known), known + random.randint(1, 9)))
        return ReplaceOrder(order_id, order.account, order.symbol, quantity, known, price, 0, stop_price)

    def place(self) -> PlaceOrder:
        random = self.random
        side = random.choice(("buy", "sell"))
        sign = 1 if side == "buy" else -1
        kind = random.choice(("limit",) * 12 + ("market", "stop", "stop_limit", "trailing_stop"))
        price = 100 + random.randint(-9, 3) * sign
        quantity = random.randint(1, random.choice((5, 5, 40)))
        more: dict[str, object] = {"tif": random.choice(("gtc", "gtc", "gtc", "day", "gtd", "ioc", "fok"))}
        if kind not in ("limit", "market"):
            more["stop_price"] = 100 + random.randint(-4, 9) * sign
            price = more["stop_price"] + random.randint(-1, 6) * sign
        if kind == "trailing_stop":
            more[random.choice(("trail", "trail_basis_points"))] = random.randint(1, 9)
            if "trail_basis_points" in more:
                more["trail_basis_points"] = random.randint(1, 900)
        if more["tif"] in ("day", "gtd"):
            more["expires"] = BATCH_TIME * (len(self.batches) + random.randint(2, 20)) + random.choice((-1, 0, 1))
        if kind == "limit" and "stop_price" not in more and more["tif"] not in ("ioc", "fok"):
            more["post_only"] = random.random() < 0.1
        if kind in ("limit", "stop_limit"):
            more["display"] = random.choice((0, 0, 0, 1, 3, 7))
        more["self_trade"] = random.choice(("allow", "cancel_newest", "cancel_oldest", "cancel_both", "decrement"))
        account = random.choice(("alice", "bob", "carol"))
        order_id = len(self.orders) + 1
        order = PlaceOrder(order_id, account, "", random.choice(self.symbols), side, quantity, price, 0, kind, **more)
        self.orders.append(order)
        self.open[order_id] = quantity
        self.prices[order_id] = (price, order.stop_price)
        return order


def make_batches(seed: int, count: int, symbols: tuple[str, ...] = ("AAA",)) -> list[list[EngineCommand]]:
    """Journal batches with at least so many commands of all types; the first opens the symbols."""
    traders = Traders(seed, symbols)
    while count > 0:
        count -= traders.next_batch()
    return traders.batches


@pytest.fixture
def batches_of() -> MakeBatches:
    return make_batches
