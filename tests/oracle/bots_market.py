"""A market for bots without processes: the real matching, a plain ledger of cash and shares, and time that jumps.

The ledger here refuses what an account cannot afford and moves what is traded, in the simplest way that is right; bots are
told everything by reports, as in the real market.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import count
from random import Random

import msgspec

from bots.holdings import Holdings
from bots.strategy import SECOND, Strategy
from bots.worker import make_strategy
from engine.books import Books
from engine.matching import apply
from exchange.market import BotRules, Market
from exchange.messages.account import Portfolio, Position
from exchange.messages.events import Cancelled, CancelRefused, Event, Rested, Traded
from exchange.messages.journal import CancelOrder, Fees, PlaceOrder
from exchange.messages.reports import OrderAccepted, OrderCancelled, OrderFilled, Report, Reports
from exchange.messages.requests import Cancel, CancelAll, Submit
from exchange.money import fee, parse_money


@dataclass
class Trader:
    """A bot and what it owns."""

    rules: BotRules
    strategy: Strategy
    random: Random
    holdings: Holdings
    cash: int
    shares: int
    reports: int = 0
    refusals: int = 0
    commands: int = 0


@dataclass
class Trade:
    time: int
    price: int
    quantity: int
    maker: str
    taker: str


@dataclass
class Sample:
    """The top of a book once a second."""

    bid: int
    ask: int
    bid_levels: int
    ask_levels: int


@dataclass
class BotsMarket:
    """All symbols and bots of a market file; `run` lets time pass."""

    market: Market
    start: int = 1_700_000_000 * SECOND
    traders: dict[str, Trader] = field(default_factory=dict)
    trades: dict[str, list[Trade]] = field(default_factory=lambda: defaultdict(list))
    samples: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))
    largest_request: int = 0
    most_orders: int = 0

    def __post_init__(self) -> None:
        self.books = Books()
        self.definitions = {definition.symbol: definition for definition in self.market.definitions()}
        apply(self.books, list(self.definitions.values()))
        self.last = {symbol: definition.opening_price for symbol, definition in self.definitions.items()}
        self.volumes = dict.fromkeys(self.definitions, 0)
        self.orders: dict[int, tuple[str, Submit, int]] = {}
        self.order_ids = count(1)
        self.client_order_ids: set[tuple[str, str]] = set()
        for rules in self.market.bots:
            cash = parse_money(rules.cash)
            position = Position(rules.symbol, rules.shares, 0, self.last[rules.symbol])
            holdings = Holdings(Portfolio(rules.account, cash, 0, [position], [], 0, 0))
            self.traders[rules.account] = Trader(
                rules,
                make_strategy(self.market, rules, "run"),
                Random(f"{self.market.seed}/{rules.account}"),
                holdings,
                cash,
                rules.shares,
            )

    def run(self, seconds: float) -> None:
        """Let bots trade for this long."""
        queue = [(self.start + number, account) for number, account in enumerate(self.traders)]
        heapq.heapify(queue)
        end = self.start + round(seconds * SECOND)
        sample_due = self.start + SECOND
        while queue[0][0] < end:
            time, account = heapq.heappop(queue)
            while sample_due <= time:
                self._sample()
                sample_due += SECOND
            wake = self._decide(time, self.traders[account])
            heapq.heappush(queue, (max(wake, time + SECOND // 1000), account))
        self.start = end

    def _decide(self, time: int, trader: Trader) -> int:
        symbol = trader.rules.symbol
        book = self.books[symbol]
        bid = book.bids.best.price if book.bids.best else 0
        ask = book.asks.best.price if book.asks.best else 0
        seen = trader.holdings.observe(time, symbol, bid, ask, self.last[symbol])._replace(volume=self.volumes[symbol])
        assert (seen.inventory, trader.holdings.cash) == (trader.shares, trader.cash), "the bot's own count is right"
        decision = trader.strategy.decide(seen, trader.random)
        self.largest_request = max(self.largest_request, len(decision.commands))
        for command in decision.commands:
            trader.commands += 1
            self._command(time, trader, command)
        self.most_orders = max(self.most_orders, len(trader.holdings.orders))
        return decision.wake

    def _command(self, time: int, trader: Trader, command: Submit | Cancel | CancelAll) -> None:
        account, symbol = trader.rules.account, trader.rules.symbol
        if isinstance(command, Submit):
            order = self._place(time, trader, command)
            if order is not None:
                self._events(time, symbol, apply(self.books, [order]))
        elif isinstance(command, Cancel):
            trader.holdings.leaving.add(command.order_id)
            self._events(time, symbol, apply(self.books, [CancelOrder(command.order_id, account, symbol)]))

    def _place(self, time: int, trader: Trader, command: Submit) -> PlaceOrder | None:
        account = trader.rules.account
        definition = self.definitions[command.symbol]
        assert (account, command.client_order_id) not in self.client_order_ids
        self.client_order_ids.add((account, command.client_order_id))
        assert command.quantity > 0
        assert command.quantity % definition.lot == 0
        last = self.last[command.symbol]
        protection = last * definition.protection // 10_000 // definition.tick * definition.tick
        price = command.price or (last + protection if command.side == "buy" else last - protection)
        assert price > 0
        assert price % definition.tick == 0
        held = sum(
            order.remaining * (order.price if command.side == "buy" else 1)
            for order in trader.holdings.orders.values()
            if order.side == command.side
        )
        needed = command.quantity * (price if command.side == "buy" else 1)
        if needed > (trader.cash if command.side == "buy" else trader.shares) - held:
            trader.refusals += 1
            return None
        order_id = next(self.order_ids)
        self.orders[order_id] = (account, command, command.quantity)
        accepted = OrderAccepted(
            order_id, command.client_order_id, command.symbol, command.side, command.quantity, price, time, command.kind
        )
        self._report(account, accepted)
        return PlaceOrder(
            order_id, account, command.client_order_id, command.symbol, command.side, command.quantity, price, needed,
            command.kind, command.tif,
        )  # fmt: skip

    def _events(self, time: int, symbol: str, events: list[Event]) -> None:
        for event in events:
            match event:
                case Traded():
                    self._trade(time, event)
                case Cancelled():
                    account, _, _ = self.orders.pop(event.order_id)
                    self._report(account, OrderCancelled(event.order_id, symbol, event.quantity, event.reason, time))
                case CancelRefused():
                    raise AssertionError("nothing happens between a decision and its cancels here")
                case Rested():
                    pass

    def _trade(self, time: int, event: Traded) -> None:
        fees: Fees = self.definitions[event.symbol].fees
        value = event.price * event.quantity
        self.last[event.symbol] = event.price
        names = []
        for order_id, points in ((event.maker_order_id, fees.maker), (event.taker_order_id, fees.taker)):
            account, command, remaining = self.orders[order_id]
            names.append(account)
            remaining -= event.quantity
            self.orders[order_id] = (account, command, remaining)
            if not remaining:
                del self.orders[order_id]
            trader = self.traders[account]
            sign = 1 if command.side == "buy" else -1
            cost = fee(value, points)
            trader.cash -= sign * value + cost
            trader.shares += sign * event.quantity
            liquidity = "maker" if order_id == event.maker_order_id else "taker"
            filled = (event.price, event.quantity, remaining, cost, liquidity, time)
            self._report(account, OrderFilled(order_id, event.symbol, event.trade_id, command.side, *filled))
        self.volumes[event.symbol] += event.quantity
        self.trades[event.symbol].append(Trade(time, event.price, event.quantity, *names))

    def _report(self, account: str, report: Report) -> None:
        trader = self.traders[account]
        trader.reports += 1
        message = msgspec.json.decode(msgspec.json.encode(Reports(trader.reports, [report])), type=Reports)
        assert trader.holdings.apply(message)

    def _sample(self) -> None:
        for symbol, book in self.books.items():
            self.samples[symbol].append(
                Sample(
                    book.bids.best.price if book.bids.best else 0,
                    book.asks.best.price if book.asks.best else 0,
                    len(book.bids.levels),
                    len(book.asks.levels),
                )
            )
