"""The rule machine: against a slow interpreter over random rules and markets, and scenario by scenario."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
import pytest

from bots import syntax
from bots.definition import Definition, read_definition
from bots.holdings import Holdings
from bots.machine import Machine, Thread
from bots.state import BotState
from bots.strategy import SECOND, Instrument
from bots.syntax import Rule
from bots.view import MarketView
from exchange.messages.account import Portfolio, Position
from exchange.messages.reports import OrderAccepted, OrderCancelled, OrderFilled, Report
from exchange.messages.requests import Accepted, Cancel, Outcome, Refused, Replace, Submit
from tests.oracle.rule_flow import SYMBOLS, RuleFlow, file_of
from tests.oracle.rules import History, Oracle

START = 1_700_000_000 * SECOND
TICK = 1_000
INSTRUMENTS = {symbol: Instrument(symbol, TICK, 1, 2_000_000) for symbol in SYMBOLS}


class Market:
    """What a bot sees, and a ledger that does what it is told."""

    def __init__(self, text: str) -> None:
        self.definition = read_definition(text)
        self.view: MarketView[Thread] = MarketView(SYMBOLS)
        positions = [Position(symbol, 1_000, 0, 2_000_000) for symbol in SYMBOLS]
        self.holdings = Holdings(Portfolio("alice", 10**12, 0, positions, [], 0, 0))
        self.now = START
        self.view.tick(self.now)
        self.machine = self.make(BotState("bot", self.now))
        self.sent: list[Submit | Replace | Cancel] = []
        self.placed: dict[str, Submit] = {}
        self.names: dict[int, str] = {}
        self.reports: list[Report] = []

    def make(self, state: BotState, definition: Definition | None = None) -> Machine:
        machine = Machine(definition or self.definition, state, self.view, INSTRUMENTS, self.holdings)
        self.view.dirty.update(machine.threads)
        return machine

    def restart(self) -> None:
        """Another process with what was stored."""
        stored = msgspec.json.encode(self.machine.state)
        self.machine.close(self.view)
        self.machine = self.make(msgspec.json.decode(stored, type=BotState))

    def pass_time(self, seconds: float) -> None:
        self.now += round(seconds * SECOND)
        self.view.tick(self.now)

    def trade(self, price: float, quantity: int = 10, symbol: str = "AAA") -> None:
        self.view.symbols[symbol].trade(self.now, round(price * 10_000), quantity)

    def look(self) -> None:
        """Look at what changed."""
        self.machine.look(self.view.take_dirty(), self.now)

    def answer(self, refuse: Callable[[Submit], bool] = lambda _: False) -> list[Submit | Replace | Cancel]:
        """The ledger takes what is in the outbox, and reports that it did."""
        desk = self.machine.desk
        commands = desk.due(self.now, 100)
        outcomes: list[Outcome] = []
        reports: list[Report] = []
        for command in commands:
            name = command.client_order_id
            if isinstance(command, Submit) and name in self.placed:
                outcomes.append(Accepted(list(self.names.values()).index(name) + 1, name, duplicate=True))
            elif isinstance(command, Submit) and refuse(command):
                outcomes.append(Refused("insufficient_funds", "no", name))
            elif isinstance(command, Submit):
                number = len(self.names) + 1
                self.names[number] = name
                self.placed[name] = command
                outcomes.append(Accepted(number, name))
                price = command.price or 1
                reports.append(OrderAccepted(number, name, command.symbol, command.side, command.quantity, price, self.now))
            else:
                outcomes.append(Accepted(0, name))
                order = self.machine.state.orders.get(name)
                if isinstance(command, Cancel) and order is not None:
                    reports.append(OrderCancelled(order.order_id, order.symbol, order.remaining, "owner", self.now))
        if commands:
            desk.answered(commands, outcomes, self.now)
        for report in reports:
            self.report(report)
        self.sent += commands
        return commands

    def report(self, report: Report) -> None:
        self.reports.append(report)
        self.machine.desk.report(len(self.reports), report, self.now)
        self.view.dirty.update(self.machine.threads)

    def fill(self, name: str, price: float, quantity: int | None = None) -> None:
        order = self.machine.state.orders[name]
        quantity = order.remaining if quantity is None else quantity
        trade_id = self.machine.desk.trading(order.symbol).trade_id + 1
        rest = order.remaining - quantity
        units = round(price * 10_000)
        self.report(
            OrderFilled(order.order_id, order.symbol, trade_id, order.side, units, quantity, rest, 0, "taker", self.now)
        )

    def step(self, price: float | None = None, seconds: float = 1.0) -> list[str]:
        """A second later, perhaps with a trade: what the bot says now, each command in words."""
        self.pass_time(seconds)
        if price is not None:
            self.trade(price)
        self.look()
        return [words(command) for command in self.answer()]


def words(command: Submit | Replace | Cancel) -> str:
    if isinstance(command, Submit):
        price = f" at {command.price / 10_000:g}" if command.price else ""
        stop = f" stop {command.stop_price / 10_000:g}" if command.stop_price else ""
        return f"{command.side} {command.quantity} {command.symbol}{price}{stop} {command.kind} {command.tif}"
    return f"{type(command).__name__.lower()} {command.client_order_id}"


def one_rule(when: str, do: str = "buy 1 at 100", more: str = "") -> Market:
    return Market(f"bot: b\nsymbol: AAA\nrules:\n  - when: {when}\n    do: {do}\n{more}")


# ── Against the oracle ────────────────────────────────────────────────────────────────────────────────────────────


def numbered(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    entry = Rule(0, syntax.Not(syntax.Always()), (syntax.Order("buy", syntax.Size(syntax.Number(1.0)), label="entry"),))
    return read_definition(file_of((*rules, entry))).rules


def compare(seed: int, steps: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Random rules over a random market; how many actions were done."""
    flow = RuleFlow(seed)
    pick = flow.random
    rules = flow.rules()
    market = Market(file_of(numbered(rules)))
    history = History(now=market.now)
    oracle = Oracle(market.definition.rules, "AAA", history)
    done: list[tuple[int, syntax.Action]] = []
    perform = Thread._perform

    def recorded(thread: Thread, rule: Rule, action: syntax.Action, *rest: Any) -> None:
        done.append((rule.number, action))
        perform(thread, rule, action, *rest)

    monkeypatch.setattr(Thread, "_perform", recorded)
    monkeypatch.setattr("bots.desk.Desk.must_wait", lambda *_: False)
    prices = dict.fromkeys(SYMBOLS, 2_000_000)
    total = 0
    for _ in range(steps):
        market.pass_time(pick.choice((0.1, 0.5, 1, 1, 1, 2, 5, 40)))
        history.now = market.now
        tell(pick, market, history, prices)
        for name in list(market.machine.state.orders):
            if pick.random() < 0.3:
                own_fill(market, history, name, prices)
        market.look()
        expected = [action for thread in oracle.threads for action in thread.look()]
        assert done == expected, f"seed {seed}, second {(market.now - START) / SECOND}"
        total += len(done)
        done.clear()
        for command in market.answer(lambda _: pick.random() < 0.1):
            if (
                isinstance(command, Submit)
                and command.kind == "market"
                and command.client_order_id in market.machine.state.orders
            ):
                own_fill(market, history, command.client_order_id, prices)
        history.refusals = market.machine.state.refusals
        market.view.dirty.update(market.machine.threads)
        own = market.machine.state.orders.values()
        history.open_orders = {symbol: sum(order.symbol == symbol for order in own) for symbol in SYMBOLS}
    return total


def tell(pick: Random, market: Market, history: History, prices: dict[str, int]) -> None:
    for symbol in SYMBOLS:
        for _ in range(pick.choice((0, 0, 1, 3))):
            prices[symbol] = max(prices[symbol] + pick.randint(-8, 8) * TICK, 1_900_000)
            quantity = pick.randint(1, 40)
            market.trade(prices[symbol] / 10_000, quantity, symbol)
            history.trades.append((market.now // SECOND, symbol, prices[symbol], quantity))
            history.traded[symbol] = market.now
        if pick.random() < 0.4:
            bid = pick.choice((0, prices[symbol] - pick.randint(1, 3) * TICK))
            ask = pick.choice((0, prices[symbol] + pick.randint(0, 2) * TICK))
            market.view.symbols[symbol].quote(bid, ask)
            history.quotes[symbol] = (bid, ask)
        if pick.random() < 0.05:
            history.phases[symbol] = pick.choice(("continuous", "halted"))
            market.view.symbols[symbol].enter(history.phases[symbol])


def own_fill(market: Market, history: History, name: str, prices: dict[str, int]) -> None:
    order = market.machine.state.orders[name]
    quantity = order.remaining
    history.fills.append((market.now, order.symbol, order.side, prices[order.symbol], quantity))
    history.open_orders[order.symbol] = history.open_orders.get(order.symbol, 0) - 1
    market.fill(name, prices[order.symbol] / 10_000)


def test_random_rules_do_what_the_slow_interpreter_says(monkeypatch: pytest.MonkeyPatch) -> None:
    total = 0
    for seed in range(220):
        with monkeypatch.context() as patch:
            total += compare(seed, 70, patch)
    print(f"{total} actions")
    assert total > 1_500, "the rules meet their market"
