"""The rule language once more, slow and obvious: every value is computed anew from all that ever happened.

Arithmetic is exact (fractions) except for square roots and smoothed averages. Nothing is compiled, shared or incremental. It
decides only when which rule fires and what is armed next; what an action becomes is compared by its words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import sqrt

from bots import syntax
from bots.syntax import Rule

SECOND = 10**9
TOLERANCE = Fraction(1, 10**9)


@dataclass
class History:
    """All that was public, and all that the bot was told."""

    trades: list[tuple[int, str, int, int]] = field(default_factory=list)
    """(second, symbol, price, quantity)"""
    quotes: dict[str, tuple[int, int]] = field(default_factory=dict)
    phases: dict[str, str] = field(default_factory=dict)
    traded: dict[str, int] = field(default_factory=dict)
    """Symbol → nanoseconds of its last trade."""
    fills: list[tuple[int, str, str, int, int]] = field(default_factory=list)
    """(nanoseconds, symbol, side, price, quantity) of own orders"""
    refusals: int = 0
    open_orders: dict[str, int] = field(default_factory=dict)
    now: int = 0

    def of(self, symbol: str) -> list[tuple[int, int, int]]:
        return [(second, price, quantity) for second, name, price, quantity in self.trades if name == symbol]


def candles(history: History, symbol: str, interval: int) -> list[tuple[int, int, int, int, int]]:
    """(open, high, low, close, volume) of every interval that has ended since the first trade."""
    trades = history.of(symbol)
    if not trades:
        return []
    found = []
    start, close = trades[0][0] // interval * interval, 0
    while start + interval <= history.now // SECOND:
        prices = [price for second, price, _ in trades if start <= second < start + interval] or [close]
        volume = sum(quantity for second, _, quantity in trades if start <= second < start + interval)
        close = prices[-1]
        found.append((prices[0], max(prices), min(prices), close, volume))
        start += interval
    return found


def money(units: int | Fraction) -> Fraction:
    return Fraction(units, 10_000)


class Oracle:
    """Where the rules of one bot stand."""

    def __init__(self, rules: tuple[Rule, ...], symbol: str, history: History) -> None:
        self.symbol = symbol
        self.history = history
        self.start = history.now
        self.threads = [Thread(rule, self) for rule in rules]

    # ── Values ──

    def value(self, part: syntax.Expression, armed: Armed) -> Fraction | None:
        match part:
            case syntax.Number(value=value):
                return Fraction(repr(value))
            case syntax.Negative(of=of):
                inner = self.value(of, armed)
                return None if inner is None else -inner
            case syntax.Function(name=name, arguments=arguments):
                values = [self.value(argument, armed) for argument in arguments]
                if None in values:
                    return None
                return abs(values[0]) if name == "abs" else (min if name == "min" else max)(values)
            case syntax.Arithmetic(operator=operator, left=left, right=right):
                a, b = self.value(left, armed), self.value(right, armed)
                if a is None or b is None or (operator == "/" and b == 0):
                    return None
                return {"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b}[operator]()
        assert isinstance(part, syntax.Value)
        return self.named(part, part.symbol or self.symbol, armed)

    def named(self, part: syntax.Value, symbol: str, armed: Armed) -> Fraction | None:
        name, arguments, history = part.name, part.arguments, self.history
        if name in ("bid", "ask", "mid", "spread"):
            bid, ask = history.quotes.get(symbol, (0, 0))
            known = {"bid": bid, "ask": ask, "mid": bid and ask, "spread": bid and ask}[name]
            found = {"bid": money(bid), "ask": money(ask), "mid": money(Fraction(bid + ask, 2)), "spread": money(ask - bid)}
            return found[name] if known else None
        if name == "last":
            trades = history.of(symbol)
            return money(trades[-1][1]) if trades else None
        if name in ("volume", "trades", "vwap", "high", "low", "change"):
            return self.window(name, symbol, int(arguments[0]))
        if name == "time":
            return Fraction(history.now, SECOND) % 86_400
        if name == "since":
            return self.since(str(arguments[0]), armed)
        if name == "orders":
            return Fraction(history.open_orders.get(symbol, 0))
        if name in ("position", "average_price", "realized", "unrealized", "profit"):
            return self.profit(name, symbol)
        return self.indicator(name, symbol, arguments)

    def window(self, name: str, symbol: str, seconds: int) -> Fraction | None:
        now = self.history.now // SECOND
        trades = self.history.of(symbol)
        inside = [(price, quantity) for second, price, quantity in trades if second > now - seconds]
        before = [price for second, price, _ in trades if second <= now - seconds]
        volume = sum(quantity for _, quantity in inside)
        match name:
            case "volume":
                return Fraction(volume)
            case "trades":
                return Fraction(len(inside))
            case "vwap":
                return money(Fraction(sum(price * quantity for price, quantity in inside), volume)) if volume else None
            case "change":
                return Fraction(trades[-1][1], before[-1] if before else trades[0][1]) - 1 if trades else None
        extreme = max if name == "high" else min
        return money(extreme(price for price, _ in inside)) if inside else None

    def indicator(self, name: str, symbol: str, arguments: tuple[float | str, ...]) -> Fraction | None:
        closed = candles(self.history, symbol, int(arguments[-1]))
        if name == "average":
            column = ("open", "high", "low", "close", "volume").index(str(arguments[0]))
            newest = closed[-round(float(arguments[1]) / float(arguments[2])) :]
            total = Fraction(sum(candle[column] for candle in newest))
            return (total / len(newest) / (1 if column == 4 else 10_000)) if newest else None
        count = int(arguments[0])
        closes = [candle[3] for candle in closed]
        if name == "rsi":
            return rsi(closes, count)
        if len(closed) < count:
            return None
        mean = Fraction(sum(closes[-count:]), count)
        deviation = Fraction(sqrt(sum((close - mean) ** 2 for close in closes[-count:]) / count))
        match name:
            case "sma":
                return money(mean)
            case "stddev":
                return money(deviation)
            case "bollinger_upper":
                return money(mean + Fraction(arguments[1]) * deviation)
            case "bollinger_lower":
                return money(mean - Fraction(arguments[1]) * deviation)
            case "ema":
                average = Fraction(sum(closes[:count]), count)
                for close in closes[count:]:
                    average += (close - average) * Fraction(2, count + 1)
                return money(average)
        assert name == "atr"
        ranges, before = [], closed[0][0]
        for _, high, low, close, _ in closed:
            ranges.append(max(high - low, abs(high - before), abs(low - before)))
            before = close
        average = Fraction(sum(ranges[:count]), count)
        for true_range in ranges[count:]:
            average = (average * (count - 1) + true_range) / count
        return money(average)

    def profit(self, name: str, symbol: str) -> Fraction | None:
        """By walking through all fills. What is closed leaves with its share of the cost, rounded down to a unit."""
        position = cost = realized = 0
        for _, filled, side, price, quantity in self.history.fills:
            if filled != symbol:
                continue
            sign = 1 if side == "buy" else -1
            closed = min(quantity, max(0, -sign * position))
            leaving = cost * closed // abs(position) if closed else 0
            realized += -sign * closed * price - leaving
            cost += sign * (quantity - closed) * price - leaving
            position += sign * quantity
        trades = self.history.of(symbol)
        open_profit = position * trades[-1][1] - cost if trades and position else 0
        found = {"realized": realized, "unrealized": open_profit, "profit": realized + open_profit}
        if name in found:
            return money(found[name])
        return Fraction(position) if name == "position" else money(Fraction(cost, position)) if position else None

    def since(self, event: str, armed: Armed) -> Fraction | None:
        times = {
            "start": self.start,
            "armed": armed.time,
            "fire": armed.thread.fired,
            "fill": self.history.fills[-1][0] if self.history.fills else None,
            "trade": self.history.traded.get(self.symbol),
        }
        time = times[event]
        return None if time is None else Fraction(max(self.history.now - time, 0), SECOND)

    # ── Conditions ──

    def holds(self, part: syntax.Condition, armed: Armed, place: tuple[int, ...]) -> bool | None:
        """True, False or unknown; `place` tells the parts of a condition apart that remember something."""
        match part:
            case syntax.Comparison(operator=operator):
                sign = self.sign(part, armed)
                if sign is None:
                    return None
                return {">=": sign >= 0, "<=": sign <= 0, ">": sign > 0, "<": sign < 0, "==": sign == 0, "!=": sign != 0}[
                    operator
                ]
            case syntax.Crosses(direction=direction):
                sign = self.sign(part, armed)
                if sign is None:
                    return None
                before, armed.memory[place] = armed.memory.get(place), sign
                wanted = 1 if direction == "above" else -1
                return before is not None and before != wanted and sign == wanted
            case syntax.Between(start=start, end=end):
                time = self.history.now / SECOND % 86_400
                return start <= time < end if start <= end else time >= start or time < end
            case syntax.Filled(side=side):
                return any(side in ("", fill[2]) for fill in self.history.fills[armed.fills :])
            case syntax.RefusedLately():
                return self.history.refusals > armed.refusals
            case syntax.Phase(name=name, negated=negated, symbol=symbol):
                return (self.history.phases.get(symbol or self.symbol, "continuous") == name) != negated
            case syntax.Always():
                return True
            case syntax.Not(of=of):
                inner = self.holds(of, armed, (*place, 0))
                return None if inner is None else not inner
            case syntax.Held(of=of, seconds=seconds):
                inner = self.holds(of, armed, (*place, 0))
                if not inner:
                    armed.memory.pop(place, None)
                    return inner
                return self.history.now - armed.memory.setdefault(place, self.history.now) >= seconds * SECOND
        found = [self.holds(of, armed, (*place, index)) for index, of in enumerate(part.of)]
        if isinstance(part, syntax.And):
            return False if False in found else None if None in found else True
        return True if True in found else None if None in found else False

    def sign(self, part: syntax.Comparison | syntax.Crosses, armed: Armed) -> int | None:
        a, b = self.value(part.left, armed), self.value(part.right, armed)
        if a is None or b is None:
            return None
        return 0 if abs(a - b) <= TOLERANCE * (1 + abs(b)) else 1 if a > b else -1


def rsi(closes: list[int], count: int) -> Fraction | None:
    changes = [after - before for before, after in pairwise(closes)]
    if len(changes) < count:
        return None
    gain = Fraction(sum(max(change, 0) for change in changes[:count]), count)
    loss = Fraction(sum(max(-change, 0) for change in changes[:count]), count)
    for change in changes[count:]:
        gain = (gain * (count - 1) + max(change, 0)) / count
        loss = (loss * (count - 1) + max(-change, 0)) / count
    if not gain + loss:
        return Fraction(50)
    return Fraction(100) if not loss else 100 - 100 / (1 + gain / loss)


class Armed:
    """One rule that is waited for."""

    def __init__(self, rule: Rule, thread: Thread, parent: Armed | None) -> None:
        self.rule = rule
        self.thread = thread
        self.parent = parent
        """The rule whose firing armed this one."""
        self.family: list[Armed] = []
        """Those armed together with it, itself included."""
        self.not_before = 0
        self.until_false = False
        self.begin()

    def begin(self) -> None:
        history = self.thread.oracle.history
        self.time = history.now
        self.fills, self.refusals = len(history.fills), history.refusals
        self.memory: dict[tuple[int, ...], int] = {}


class Thread:
    """One rule of the file and what follows."""

    def __init__(self, rule: Rule, oracle: Oracle) -> None:
        self.oracle = oracle
        self.fired: int | None = None
        self.waiting: tuple[Armed, int, int] | None = None
        """In the middle of actions: whose, the next one, and when."""
        self.armed = self.arm((rule,), None)

    def arm(self, rules: tuple[Rule, ...], parent: Armed | None) -> list[Armed]:
        family = [Armed(rule, self, parent) for rule in rules]
        for armed in family:
            armed.family = family
        return family

    def look(self) -> list[tuple[int, syntax.Action]]:
        """(rule, action) of what is done now."""
        now = self.oracle.history.now
        if self.waiting is not None:
            armed, action, time = self.waiting
            return self.act(armed, action) if now >= time else []
        holding = [(armed, self.oracle.holds(armed.rule.when, armed, ())) for armed in self.armed]
        for armed, holds in holding:
            if holds and not armed.until_false and now >= armed.not_before:
                return self.act(armed, 0)
            if holds is False:
                armed.until_false = False
        return []

    def act(self, armed: Armed, first: int) -> list[tuple[int, syntax.Action]]:
        self.waiting = None
        done: list[tuple[int, syntax.Action]] = []
        for index, action in enumerate(armed.rule.do[first:], first):
            if isinstance(action, syntax.Wait):
                self.waiting = (armed, index + 1, self.oracle.history.now + round(action.seconds * SECOND))
                return done
            done.append((armed.rule.number, action))
        self.go_on(armed)
        return done

    def go_on(self, armed: Armed) -> None:
        now = self.oracle.history.now
        self.fired = now
        if armed.rule.then:
            self.armed = self.arm(armed.rule.then, armed)
            return
        if armed.rule.again:
            armed.begin()
            armed.not_before = now + round(armed.rule.again.seconds * SECOND)
            armed.until_false = not armed.rule.again.seconds
            return
        ancestor = armed.parent
        while ancestor is not None and not ancestor.rule.again:
            ancestor = ancestor.parent
        if ancestor is None:
            self.armed = []
            return
        self.armed = ancestor.family
        for member in self.armed:
            member.begin()
            member.not_before, member.until_false = 0, False
        assert ancestor.rule.again is not None
        ancestor.not_before = now + round(ancestor.rule.again.seconds * SECOND)
        ancestor.until_false = not ancestor.rule.again.seconds
