"""The rule machine: against a slow interpreter over random rules and markets, and scenario by scenario."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
import pytest

from bots import syntax
from bots.definition import Definition, read_definition
from bots.groups import name_of, orders_in
from bots.holdings import Holdings
from bots.machine import Machine, Thread
from bots.state import BotState, Command
from bots.strategy import SECOND, Instrument
from bots.syntax import Rule
from bots.view import MarketView
from exchange.messages.account import Portfolio, Position
from exchange.messages.reports import OrderAccepted, OrderActivated, OrderCancelled, OrderFilled, Report
from exchange.messages.requests import Accepted, Bracket, Cancel, Oco, Outcome, Refused, Submit
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
        self.sent: list[Command] = []
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

    def answer(self, refuse: Callable[[Submit], bool] = lambda _: False) -> list[Command]:
        """The ledger takes what is in the outbox, and reports that it did."""
        desk = self.machine.desk
        commands = desk.due(self.now, 100)  # A replace goes alone.
        outcomes: list[Outcome] = []
        reports: list[Report] = []
        for command in commands:
            orders, name = orders_in(command), name_of(command)
            if orders and name in self.placed:
                outcomes.append(Accepted(list(self.names.values()).index(name) + 1, name, duplicate=True))
            elif orders and refuse(orders[0]):
                outcomes.append(Refused("insufficient_funds", "no", name))
            elif orders:
                outcomes.append(Accepted(len(self.names) + 1, name, orders=len(orders)))
                for number, order in enumerate(orders, len(self.names) + 1):
                    own = self.names[number] = order.client_order_id
                    self.placed[own] = order
                    price = order.price or 1
                    reports.append(OrderAccepted(number, own, order.symbol, order.side, order.quantity, price, self.now))
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
        return [*commands, *self.answer(refuse)] if commands else []

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


def words(command: Command) -> str:
    if isinstance(command, Oco | Bracket):
        return " + ".join(map(words, orders_in(command)))
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


# ── Scenarios ─────────────────────────────────────────────────────────────────────────────────────────────────────

EXAMPLE = """
bot: breakout
symbol: AAA
rules:
  - when: last >= 20.55 and volume(1m) > 2 * average(volume, 20m)
    do: buy 100 at 20.60 for 30s
    then:
      - when: last >= 21.00 or unrealized < -50
        do: sell position at market
    again: after 5m
"""


def test_the_example() -> None:
    market = Market(EXAMPLE)
    for _ in range(120):
        assert market.step(20.50) == []
    (buy,) = (market.trade(20.55, 2_000), market.step())[1]
    assert buy == "buy 100 AAA at 20.6 limit gtd"
    assert market.placed["bot-1-1-0-0"].expires == market.now + 30 * SECOND
    market.fill("bot-1-1-0-0", 20.55)
    assert market.step(20.80) == []
    assert market.step(21.00) == ["sell 100 AAA market ioc"]
    market.fill("bot-2-2-0-0", 21.00)
    assert market.machine.desk.own("realized", "AAA") == 45
    market.trade(20.60, 90_000)
    assert market.step() == []
    market.pass_time(295)
    market.trade(20.60, 900_000)
    assert market.step(20.60, seconds=4) == ["buy 100 AAA at 20.6 limit gtd"], "five minutes later"


def test_again_as_soon_as_it_was_false() -> None:
    market = one_rule("last > 20", more="    again: yes\n")
    market.step()
    found = [len(market.step(price)) for price in (21, 22, 20, 21, 21, 19, 21)]
    assert found == [1, 0, 0, 1, 0, 0, 1]


def test_then_leaves_the_siblings_and_again_returns_to_them() -> None:
    market = Market(
        """
bot: b
symbol: AAA
rules:
  - when: last > 20
    do: log "in"
    again: after 10s
    then:
      - {when: last > 22, do: log "profit"}
      - {when: last < 18, do: log "loss"}
      - {when: last > 21, do: log "half", then: [{when: last < 21, do: log "back"}]}
"""
    )

    def said(price: float) -> list[str]:
        before = len(market.machine.state.decisions)
        market.step(price)
        return [text.removeprefix("log: ") for one in market.machine.state.decisions[before:] for text in one.actions]

    assert [said(price) for price in (20.5, 21.5, 17, 23, 20.5)] == [["in"], ["half"], ["back"], [], []]
    market.pass_time(10)
    assert [said(price) for price in (20.5, 17, 23)] == [["in"], ["loss"], []]


def test_actions_wait_and_flatten_waits_for_cancels() -> None:
    market = one_rule("last > 20", '["buy 7 at market", "buy 5 at 19 as low", wait 3s, flatten, "log \'done at {last}\'"]')
    assert market.step(21) == ["buy 7 AAA market ioc", "buy 5 AAA at 19 limit gtc"]
    market.fill("bot-1-1-0-0", 21)
    assert market.step() == []
    assert market.step() == []
    assert market.step() == ["cancel bot-1-1-1-0"]
    assert market.step() == ["sell 7 AAA market ioc"]
    assert market.machine.state.decisions[-1].actions[-1] == "log: done at 21"


def test_every_kind_of_order() -> None:
    orders = {
        "sell 10 stop at 19.5": ("stop", None, 195_000, "gtc"),
        "sell 10 stop at 19.5 limit 19.4 day": ("stop_limit", 194_000, 195_000, "day"),
        "sell 10 at 20.55 ioc": ("limit", 206_000, None, "ioc"),
        "buy 10 at 20.55 fok": ("limit", 205_000, None, "fok"),
        "buy 10": ("market", None, None, "ioc"),
    }
    for text, (kind, price, stop, tif) in orders.items():
        market = one_rule("last > 20", text)
        market.step(21)
        (order,) = market.placed.values()
        assert (order.kind, order.price, order.stop_price, order.tif) == (kind, price, stop, tif), text
    (trail,) = placed("sell 10 trailing 2.5%")
    assert (trail.kind, trail.trail, trail.trail_basis_points) == ("trailing_stop", None, 250)
    (trail,) = placed("sell 10 trailing 0.50")
    assert (trail.trail, trail.trail_basis_points) == (5_000, None)
    (iceberg,) = placed("buy 100 BBB at 20 post only showing 10")
    assert (iceberg.symbol, iceberg.post_only, iceberg.display) == ("BBB", True, 10)
    (opening,) = placed("buy 10 at 20 on open")
    assert (opening.kind, opening.tif) == ("limit", "opg")
    (closing,) = placed("sell 10 on close")
    assert (closing.kind, closing.tif) == ("market", "cls")


def test_pairs_and_brackets() -> None:
    market = one_rule("last > 20", "sell 10 at 22 day or stop at 19.5 limit 19.4")
    assert market.step(21) == ["sell 10 AAA at 22 limit day + sell 10 AAA at 19.4 stop 19.5 stop_limit day"]
    assert market.machine.state.decisions[-1].actions == ["sell 10 AAA at 22.00 or stop at 19.50 limit 19.40"]
    market = one_rule("last > 20", "buy 10 at 21 for 30s as entry then sell at last + 2 or trailing 2%")
    market.step(21)
    entry, take, stop = market.placed.values()
    assert (entry.tif, take.tif, stop.tif) == ("gtd", "gtc", "gtc"), "what protects a position stays"
    assert (take.side, take.price, take.quantity) == ("sell", 230_000, 10)
    assert (stop.side, stop.kind, stop.trail_basis_points, stop.quantity) == ("sell", "trailing_stop", 200, 10)
    assert [own.order_id for own in market.machine.state.orders.values()] == [1, 2, 3]


def test_what_a_group_may_add_to_the_position() -> None:
    """A pair counts once, and what waits for an entry not at all."""
    market = limited(
        "{position: 100}", "[buy 100 at 21 as entry then sell at 23 or stop at 19, sell 60 at 24 or stop at 18]", ""
    )
    assert len(market.step(21)) == 2
    assert not market.machine.state.stopped
    market.fill("bot-1-1-0-0", 21)
    for order_id in (3, 2):
        market.report(OrderActivated(order_id, "AAA", 100, market.now))
    assert market.machine.desk.own("position", "AAA") == 100
    market.machine.desk._check_position("AAA", "sell", 40, market.now)  # 100 - 100 - 60 - 40
    assert not market.machine.state.stopped
    market.machine.desk._check_position("AAA", "sell", 41, market.now)
    assert market.machine.state.stopped == "position could become -101 AAA, the limit is 100"


def test_a_refused_or_unplaced_group_leaves_no_order_behind() -> None:
    market = one_rule("always", "buy 10 at 21 then sell at 22 or stop at 20")
    market.look()
    market.answer(lambda order: True)
    assert not market.machine.state.orders
    assert market.machine.state.refusals == 1
    market = one_rule("always", "buy 10 at 21 then sell at 22 or stop at 20")
    market.look()
    market.now += 61 * SECOND
    (cancel,) = market.machine.desk.due(market.now, 100)
    market.machine.desk.answered([cancel], [Refused("unknown_order", "", name_of(cancel))], market.now)
    assert not market.machine.state.orders


def placed(action: str) -> list[Submit]:
    market = one_rule("last > 20", action)
    market.step(21)
    return list(market.placed.values())


def test_sizes() -> None:
    sizes = {"1000 money at 20": 50, "1% of equity at 20": 50_020 + 1_000, "0.1% of cash at 25": 4_000}
    for text, quantity in sizes.items():
        market = one_rule("last > 20", f"buy {text}")
        market.holdings.prices.clear()
        market.step(21)
        assert [order.quantity for order in market.placed.values()] == [
            quantity if "equity" not in text else int((10**8 + 1_000 * 21) * 0.01 / 20)
        ], text
    assert placed("sell position at market") == []
    assert placed("buy 5 at bid") == [], "nobody bids"


def test_a_ladder_moves_only_what_must_move() -> None:
    market = one_rule("always", "quote 10 around mid spread 0.4 levels 2 step 0.2", "    again: after 1s\n")
    market.view.symbols["AAA"].quote(200_000, 202_000)
    first = market.step()
    assert sorted(first) == [f"{side} 10 AAA at {price} limit gtc" for side, price in
                             (("buy", 19.7), ("buy", 19.9), ("sell", 20.3), ("sell", 20.5))]  # fmt: skip
    assert market.step() == []
    market.view.symbols["AAA"].quote(202_000, 204_000)
    assert sorted(market.step()) == [
        "buy 10 AAA at 20.1 limit gtc",
        "cancel bot-1-1-0-1",
        "cancel bot-1-1-0-2",
        "sell 10 AAA at 20.7 limit gtc",
    ]


def limited(limits: str, do: str = "buy 60 at 20", more: str = "    again: after 1s\n") -> Market:
    return Market(f"bot: b\nsymbol: AAA\nlimits: {limits}\nrules:\n  - when: always\n    do: {do}\n{more}")


def test_limits_stop_the_bot_and_cancel_its_orders() -> None:
    market = limited("{position: 100}")
    assert market.step() == ["buy 60 AAA at 20 limit gtc"]
    assert market.step() == ["cancel bot-1-1-0-0"]
    assert market.machine.state.stopped == "position could become 120 AAA, the limit is 100"
    assert market.machine.status == "stopped"
    assert market.step(21) == []

    market = limited("{orders_per_minute: 3}", "buy 1 at 20")
    assert [len(market.step()) for _ in range(4)] == [1, 1, 1, 3]
    assert market.machine.state.stopped == "more than 3 orders within a minute"

    market = limited("{loss: 10}", "[buy 100, buy 1 at 15]", "")
    market.step(20)
    market.fill("bot-1-1-0-0", 20)
    assert market.step(19.91) == []
    assert market.step(19.89) == ["cancel bot-1-1-1-0"]
    assert market.machine.state.stopped == "loss 11.00 is more than the limit of 10.00"


def test_own_fills_refusals_and_phases() -> None:
    market = one_rule("filled buy", "log x".replace("x", "'x'"))
    market = Market(
        "bot: b\nsymbol: AAA\nrules:\n"
        "  - {when: always, do: buy 10 at 20, then: [{when: filled buy, do: sell 10 at 22}, {when: refused, do: flatten}]}\n"
        "  - {when: BBB.phase is halted, do: cancel}\n"
    )
    market.step()
    assert market.step() == []
    market.view.symbols["BBB"].enter("halted")
    assert market.step() == ["cancel bot-1-1-0-0"]
    market = Market(
        "bot: b\nsymbol: AAA\nrules:\n  - {when: always, do: buy 10 at 20, then: [{when: filled buy, do: sell 10 at 22}]}\n"
    )
    market.step()
    market.fill("bot-1-1-0-0", 20, 4)
    assert market.step() == ["sell 10 AAA at 22 limit gtc"]


def test_a_changed_file_keeps_the_rules_that_did_not_change() -> None:
    text = "bot: b\nsymbol: AAA\nrules:\n  - {when: last > 20, do: buy 1 at 19}\n"
    market = Market(text)
    market.step(21)
    changed = read_definition(text + "  - {when: last > 21, do: buy 2 at 19}\n")
    market.machine.close(market.view)
    market.machine = market.make(market.machine.state, changed)
    assert market.step(22) == ["buy 2 AAA at 19 limit gtc"], "the first rule has fired and does not again"
    assert len(market.machine.state.orders) == 2


# ── Killed at any point ───────────────────────────────────────────────────────────────────────────────────────────


class Crash(Exception):
    """kill -9."""


@pytest.mark.parametrize("seed", range(40))
def test_killed_at_any_point_no_order_is_placed_twice(seed: int) -> None:
    """The host's turn (look, store, send, hear), ended at random between any two of its steps; then another process goes on.

    Each firing is carried out once: as many orders as firings that were stored, whatever was sent how often.
    """
    pick = Random(seed)
    market = one_rule("last > 20 and since(start) >= 0s", '["buy 1 at 19", wait 1s, "buy 2 at 18"]', "    again: after 2s\n")
    stored = msgspec.json.encode(market.machine.state)
    crashes = 0

    def perhaps() -> None:
        if pick.random() < chance:
            raise Crash

    for turn in range(300):
        chance = 0.15 if turn < 295 else 0  # The last turns are undisturbed.
        try:
            market.pass_time(0.5)
            market.trade(21)
            market.look()
            perhaps()
            stored = msgspec.json.encode(market.machine.state)
            perhaps()
            commands = market.machine.desk.due(market.now, 100)
            outcomes: list[Outcome] = []
            reports: list[Report] = []
            for command in commands:  # The ledger has them, whatever becomes of the bot.
                name = command.client_order_id
                new = name not in market.placed
                market.placed.setdefault(name, command)
                number = list(market.placed).index(name) + 1
                outcomes.append(Accepted(number, name, duplicate=not new))
                if new:
                    reports.append(OrderAccepted(number, name, "AAA", "buy", command.quantity, 190_000, market.now))
            market.reports += reports
            perhaps()
            market.machine.desk.answered(commands, outcomes, market.now)
            hear(market)
            perhaps()
            stored = msgspec.json.encode(market.machine.state)
        except Crash:
            crashes += 1
            market.machine.close(market.view)
            market.machine = market.make(msgspec.json.decode(stored, type=BotState))
            hear(market)
    assert crashes > 50
    state = market.machine.state
    names = list(market.placed)
    firings = {tuple(name.split("-")[1:3]) for name in names}
    assert len(names) == len(set(names))
    assert len(firings) >= 30
    for rule, firing in sorted(firings, key=lambda pair: int(pair[1]))[:-1]:
        assert [name for name in names if name.startswith(f"bot-{rule}-{firing}-")] == [
            f"bot-{rule}-{firing}-0-0",
            f"bot-{rule}-{firing}-2-0",
        ]
    assert {int(firing) for _, firing in firings} == set(range(1, state.firings + 1)), "no firing was skipped or repeated"
    assert set(state.orders) | {pending.command.client_order_id for pending in state.outbox} == set(names)


def hear(market: Market) -> None:
    """The reports that the machine has not seen, as the account asks for them after a restart."""
    for number, report in enumerate(market.reports, 1):
        market.machine.desk.report(number, report, market.now)
    market.view.dirty.update(market.machine.threads)
