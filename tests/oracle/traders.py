"""Random journal batches for engines, as a ledger would let them through: it learns of events late, and acts accordingly."""

from __future__ import annotations

from random import Random
from typing import Any, Final, get_args

from exchange.messages.base import Kind, Phase, SelfTrade, Side
from exchange.messages.events import Activated, Cancelled, Decremented, Event, Replaced, ReplaceRefused, Traded
from exchange.messages.journal import (
    CancelOrder,
    DefineSymbol,
    EngineCommand,
    PlaceBracket,
    PlaceOco,
    PlaceOrder,
    ReplaceOrder,
    SetPhase,
)
from tests.oracle.book import SlowExchange

SECOND: Final = 10**9
STEPS: Final = (1, SECOND // 4, SECOND, SECOND, 3 * SECOND)
"""Of time, from one batch to the next."""
SIZES: Final = (0, 1, 2, 5, 20)
"""Of batches."""
DAY: Final[tuple[Phase, ...]] = ("pre_open", "opening_auction", "continuous", "closing_auction", "closed")
MIDDLE: Final = 100
"""Prices are around this."""


class Traders:
    """Makes up batches: all kinds of orders and groups on few prices, so that they meet often, in days that go by fast."""

    def __init__(self, seed: int, symbols: tuple[str, ...], sizes: tuple[int, ...] = SIZES) -> None:
        self.random = Random(seed)
        self.sizes = sizes
        self.symbols = symbols
        self.time = SECOND
        self.phases: dict[str, Phase] = dict.fromkeys(symbols, "continuous")
        """As last commanded."""
        self.orders: list[PlaceOrder] = []
        """Order id - 1 → order."""
        self.open: dict[int, int] = {}
        """What is open of each order, as the ledger knows it."""
        self.prices: dict[int, tuple[int, int]] = {}
        """Price and stop price of each order, as the ledger knows them."""
        self.grouped: set[int] = set()
        self.replacing: set[int] = set()
        self.news: list[Event] = []
        self.commands = 0

    def batch(self) -> tuple[int, list[EngineCommand]]:
        """The time and the commands of the next batch; the first opens the symbols."""
        random = self.random
        if self.commands == 0:
            self.commands += len(self.symbols)
            return self.time, [self.define(symbol) for symbol in self.symbols]
        self.time += random.choice(STEPS)
        if random.random() < 0.5:
            self.learn()
        commands: list[EngineCommand] = []
        count = random.choice(self.sizes)
        while count and random.random() < 0.03 * count:
            commands.append(self.go_on() if random.random() < 0.8 else self.define(random.choice(self.symbols)))
        commands += [self.next_command() for _ in range(count)]
        self.commands += len(commands)
        return self.time, commands

    def hear(self, events: list[Event]) -> None:
        """What the engine said; the ledger applies it some time later."""
        self.news += events

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
                case Activated():
                    self.open[event.order_id] = event.quantity
                case Replaced():
                    self.replacing.remove(event.order_id)
                    self.open[event.order_id] = event.quantity
                    self.prices[event.order_id] = (event.price, event.stop_price)
                case ReplaceRefused():
                    self.replacing.remove(event.order_id)
        self.news.clear()

    def take(self, order_id: int, quantity: int) -> None:
        """So much less is open."""
        self.open[order_id] -= quantity
        assert self.open[order_id] >= 0
        if self.open[order_id] == 0:
            del self.open[order_id]

    def define(self, symbol: str) -> DefineSymbol:
        """With other rules each time, but for the tick."""
        bands = {"order_band": self.random.choice((0, 2_000)), "trade_band": self.random.choice((0, 300, 600, 1_000))}
        seconds = {"reference_seconds": self.random.choice((2, 7)), "volatility_auction_seconds": self.random.choice((1, 5))}
        return DefineSymbol(symbol, symbol, 1, 2, 1, MIDDLE, **bands, **seconds)

    def go_on(self) -> SetPhase:
        """Mostly as days go, sometimes anything; the continuous part of a day is its longest."""
        weights = [1 if self.phases[symbol] == "continuous" else 4 for symbol in self.symbols]
        symbol = self.random.choices(self.symbols, weights)[0]
        now = self.phases[symbol]
        following = DAY[(DAY.index(now) + 1) % len(DAY)] if now in DAY else "continuous"
        anything = self.random.choice(get_args(Phase))
        stays = "continuous" if now == "continuous" else following
        phase = self.random.choice((following, stays, stays, stays, "continuous", anything))
        self.phases[symbol] = phase
        return SetPhase(symbol, phase, self.random.choice(("", "", "", "a reason")))

    def next_command(self) -> EngineCommand:
        """Any but those that stand first."""
        random = self.random
        kind = random.random()
        if kind < 0.01:
            return self.go_on() if random.random() < 0.5 else self.define(random.choice(self.symbols))
        if self.open and kind < 0.25:
            # Of those that came last, whatever became of them, or of those that have been open for longest.
            recent = random.random() < 0.3
            order = random.choice(self.orders[-60:] if recent else [self.orders[next(iter(self.open)) - 1]])
            reason = random.choice(("owner", "owner", "disconnected"))
            return CancelOrder(order.order_id, order.account, order.symbol, reason)
        if self.open and kind < 0.4:
            order = self.orders[random.choice(list(self.open)[-60:]) - 1]
            if order.order_id not in self.replacing:
                return self.replace(order)
        if kind < 0.5:
            return random.choice((self.place_oco, self.place_bracket))()
        return self.place(self.any_order())

    def replace(self, order: PlaceOrder) -> ReplaceOrder:
        """Another price, quantity, both or none; of an order in a group no other quantity."""
        random, order_id = self.random, order.order_id
        self.replacing.add(order_id)
        known = self.open[order_id]
        price, stop_price = self.prices[order_id]
        if random.random() < 0.5:
            price += random.randint(-6, 6)
        if stop_price and random.random() < 0.5:
            stop_price += random.randint(-6, 6)
        quantity = random.choice((known, random.randint(1, known), known + random.randint(1, 9)))
        if order_id in self.grouped:
            quantity = known
        return ReplaceOrder(order_id, order.account, order.symbol, quantity, known, price, 0, stop_price)

    def place(self, order: PlaceOrder) -> PlaceOrder:
        """Remember an order."""
        self.orders.append(order)
        self.open[order.order_id] = order.quantity
        self.prices[order.order_id] = (order.price, order.stop_price)
        return order

    def place_oco(self) -> PlaceOco:
        """A limit and a stop order of the same quantity and time in force."""
        order = self.any_order(("limit",), ("gtc", "day", "gtd"))
        limit = self.place(order)
        stop = self.place(self.companion(limit, limit.side, self.stop_kind()))
        self.grouped |= {limit.order_id, stop.order_id}
        return PlaceOco(limit, stop, 0)

    def place_bracket(self) -> PlaceBracket:
        """Any entry, and two legs on the other side."""
        entry = self.place(self.any_order())
        side: Side = "sell" if entry.side == "buy" else "buy"
        until = self.any_order(("limit",), ("gtc", "day", "gtd"))
        legs = [
            self.place(self.companion(entry, side, kind, tif=until.tif, expires=until.expires))
            for kind in ("limit", self.stop_kind())
        ]
        self.grouped |= {order.order_id for order in (entry, *legs)}
        return PlaceBracket(entry, *legs, 0)

    def companion(self, order: PlaceOrder, side: Side, kind: Kind, **more: Any) -> PlaceOrder:
        """An order of the same account, symbol and quantity."""
        terms = {"tif": order.tif, "expires": order.expires} | more
        other = self.any_order((kind,), (terms["tif"],), order.quantity, side, order.symbol, order.account)
        fields = {name: getattr(other, name) for name in other.__struct_fields__}
        return PlaceOrder(**(fields | terms))

    def stop_kind(self) -> Kind:
        """Any of them."""
        return self.random.choice(("stop", "stop_limit", "trailing_stop"))

    def any_order(
        self,
        kinds: tuple[Kind, ...] = ("limit",) * 12 + ("market", "stop", "stop_limit", "trailing_stop"),
        tifs: tuple[str, ...] = ("gtc", "gtc", "gtc", "day", "gtd", "ioc", "fok"),
        quantity: int = 0,
        side: Side | None = None,
        symbol: str = "",
        account: str = "",
    ) -> PlaceOrder:
        """An order that a gate would let through."""
        random = self.random
        side = side or random.choice(("buy", "sell"))
        sign = 1 if side == "buy" else -1
        kind = random.choice(kinds)
        price = MIDDLE + random.randint(-9, 3) * sign
        quantity = quantity or random.randint(1, random.choice((5, 5, 40)))
        more: dict[str, Any] = {"tif": random.choice(tifs)}
        if len(tifs) > 3 and kind in ("limit", "market") and random.random() < 0.1:
            more["tif"] = random.choice(("opg", "cls"))
        if kind == "market" and more["tif"] == "fok":
            more["tif"] = "ioc"  # The gate refuses the other.
        if kind not in ("limit", "market"):
            more["stop_price"] = MIDDLE + random.randint(-4, 9) * sign
            price = more["stop_price"] + random.randint(-1, 6) * sign
        if kind == "trailing_stop":
            more |= random.choice(({"trail": random.randint(1, 9)}, {"trail_basis_points": random.randint(1, 900)}))
        if more["tif"] in ("day", "gtd", "opg", "cls"):
            more["expires"] = self.time + random.choice(STEPS) * random.randint(2, 20) + random.choice((-1, 0, 1))
        if kind == "limit" and more["tif"] in ("gtc", "day", "gtd"):
            more["post_only"] = random.random() < 0.1
        if kind in ("limit", "stop_limit") and more["tif"] not in ("opg", "cls"):
            more["display"] = random.choice((0, 0, 0, 1, 3, 7))
        more["self_trade"] = random.choice(get_args(SelfTrade))
        account = account or random.choice(("alice", "bob", "carol"))
        symbol = symbol or random.choice(self.symbols)
        return PlaceOrder(len(self.orders) + 1, account, "", symbol, side, quantity, price, 0, kind, **more)


def make_batches(seed: int, count: int, symbols: tuple[str, ...] = ("AAA",)) -> list[tuple[int, list[EngineCommand]]]:
    """(time, commands) of journal batches with at least so many commands."""
    traders, oracle = Traders(seed, symbols), SlowExchange()
    batches = []
    while traders.commands < count:
        batches.append(traders.batch())
        traders.hear(oracle.batch(*batches[-1]))
    return batches
