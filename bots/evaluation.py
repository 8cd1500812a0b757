"""Conditions and expressions as functions of the cells they read. Three-valued: what is not known makes nothing true.

A condition is compiled once for each bot; looking at it costs about as much as the few comparisons it consists of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, Protocol, assert_never

from exchange.messages.base import Side

from . import syntax
from .strategy import SECOND
from .view import Cell, MarketView, Reader, time_of_day, weekday
from .vocabulary import VALUES

Number = Callable[[], float | None]
Truth = Callable[[], bool | None]

TOLERANCE: Final = 1e-9
"""Decimal numbers are binary inside: what differs by no more than this, relatively, is equal."""


class Own(Protocol):
    """What a bot knows about itself."""

    def own(self, name: str, symbol: str) -> float | None:
        """A value whose scope is the bot or its account."""

    def happened(self, event: str, rule: int) -> int | None:
        """When an event was, in nanoseconds; `armed` and `fire` are those of the rule."""

    def filled(self, side: Side | str, rule: int) -> bool:
        """Whether an own order was filled since the rule was armed."""

    def refused(self, rule: int) -> bool:
        """Whether an own order was refused since the rule was armed."""


class Compiler(Generic[Reader]):
    """Compiles what one rule says. Registers `reader`, if any, with every cell read; `resets` forget what parts remember."""

    def __init__(self, view: MarketView[Reader], symbol: str, own: Own, rule: int, reader: Reader | None = None) -> None:
        self.resets: list[Callable[[], None]] = []
        self._view = view
        self._symbol = symbol
        self._own = own
        self._rule = rule
        self._reader = reader

    # ── Expressions ──

    def expression(self, part: syntax.Expression) -> Number:
        """A function that tells the present value, None while it is unknown."""
        match part:
            case syntax.Number():
                value = part.value
                return lambda: value
            case syntax.Value():
                return self._value(part)
            case syntax.Negative():
                of = self.expression(part.of)
                return lambda: None if (value := of()) is None else -value
            case syntax.Function():
                return self._function(part)
            case syntax.Arithmetic():
                return self._arithmetic(part)
            case _:
                assert_never(part)

    def _value(self, part: syntax.Value) -> Number:
        scope = VALUES[part.name].scope
        symbol, own, rule, view = part.symbol or self._symbol, self._own, self._rule, self._view
        if scope == "market":
            cell = self._read(view.cell(part, self._symbol))
            return lambda: cell.value
        if scope == "clock":
            self._read(view.clock)
            if part.name == "since":
                event = str(part.arguments[0])
                return lambda: None if (at := own.happened(event, rule)) is None else max(view.time - at, 0) / SECOND
            return (lambda: time_of_day(view.time)) if part.name == "time" else (lambda: weekday(view.time))
        if part.name in ("unrealized", "profit"):
            self._read(view.symbols[symbol].last)
        elif part.name == "equity":
            for seen in view.symbols.values():
                self._read(seen.last)
        return lambda: own.own(part.name, symbol)

    def _function(self, part: syntax.Function) -> Number:
        arguments = [self.expression(argument) for argument in part.arguments]
        functions: dict[str, Callable[[list[float]], float]] = {"abs": lambda known: abs(known[0]), "min": min, "max": max}
        function = functions[part.name]

        def apply() -> float | None:
            values = [argument() for argument in arguments]
            known = [value for value in values if value is not None]
            return function(known) if len(known) == len(values) else None

        return apply

    def _arithmetic(self, part: syntax.Arithmetic) -> Number:
        left, right, operator = self.expression(part.left), self.expression(part.right), part.operator

        def compute() -> float | None:
            a, b = left(), right()
            if a is None or b is None:
                return None
            if operator == "+":
                return a + b
            if operator == "-":
                return a - b
            if operator == "*":
                return a * b
            return a / b if b else None

        return compute

    # ── Conditions ──

    def condition(self, part: syntax.Condition) -> Truth:
        """A function that tells whether it holds now, None while that is unknown. Parts that remember are always looked at."""
        match part:
            case syntax.Comparison():
                return self._comparison(part)
            case syntax.Crosses():
                return self._crosses(part)
            case syntax.Held():
                return self._held(part)
            case syntax.Not():
                of = self.condition(part.of)
                return lambda: None if (holds := of()) is None else not holds
            case syntax.And() | syntax.Or():
                return self._several(part)
            case _:
                return self._simple(part)

    def _simple(self, part: syntax.Between | syntax.Filled | syntax.RefusedLately | syntax.Phase | syntax.Always) -> Truth:
        own, rule, view = self._own, self._rule, self._view
        match part:
            case syntax.Between(start=start, end=end):
                self._read(view.clock)
                if start <= end:
                    return lambda: start <= time_of_day(view.time) < end
                return lambda: not end <= time_of_day(view.time) < start
            case syntax.Filled(side=side):
                return lambda: own.filled(side, rule)
            case syntax.RefusedLately():
                return lambda: own.refused(rule)
            case syntax.Phase(name=name, negated=negated):
                seen = view.symbols[part.symbol or self._symbol]
                self._read(seen.phase_cell)
                return lambda: (seen.phase == name) != negated
            case syntax.Always():
                return lambda: True
            case _:
                assert_never(part)

    def _comparison(self, part: syntax.Comparison) -> Truth:
        difference = self._difference(part.left, part.right)
        verdicts: dict[str, Callable[[int], bool]] = {
            ">=": lambda sign: sign >= 0,
            "<=": lambda sign: sign <= 0,
            ">": lambda sign: sign > 0,
            "<": lambda sign: sign < 0,
            "==": lambda sign: sign == 0,
            "!=": lambda sign: sign != 0,
        }
        table = {sign: verdicts[part.operator](sign) for sign in (-1, 0, 1)}
        return lambda: None if (sign := difference()) is None else table[sign]

    def _crosses(self, part: syntax.Crosses) -> Truth:
        difference = self._difference(part.left, part.right)
        beyond = 1 if part.direction == "above" else -1
        before: int | None = None

        def crosses() -> bool | None:
            nonlocal before
            sign = difference()
            if sign is None:
                return None
            was, before = before, sign
            return was is not None and was != beyond and sign == beyond

        def reset() -> None:
            nonlocal before
            before = None

        self.resets.append(reset)
        return crosses

    def _held(self, part: syntax.Held) -> Truth:
        of, view, wanted = self.condition(part.of), self._read_clock(), round(part.seconds * SECOND)
        since: int | None = None

        def held() -> bool | None:
            nonlocal since
            if not (holds := of()):
                since = None
                return holds
            if since is None:
                since = view.time
            return view.time - since >= wanted

        def reset() -> None:
            nonlocal since
            since = None

        self.resets.append(reset)
        return held

    def _several(self, part: syntax.And | syntax.Or) -> Truth:
        remembering = len(self.resets)
        of = [self.condition(condition) for condition in part.of]
        decisive = isinstance(part, syntax.Or)

        def together() -> bool | None:
            found = [condition() for condition in of]
            if decisive in found:
                return decisive
            return None if None in found else not decisive

        def briefly() -> bool | None:
            known = True
            for condition in of:
                if (holds := condition()) is decisive:
                    return decisive
                known &= holds is not None
            return not decisive if known else None

        return briefly if len(self.resets) == remembering else together

    def _difference(self, left: syntax.Expression, right: syntax.Expression) -> Callable[[], int | None]:
        """The sign of left - right."""
        one, other = self.expression(left), self.expression(right)

        def sign() -> int | None:
            a, b = one(), other()
            if a is None or b is None:
                return None
            if abs(a - b) <= TOLERANCE * (1 + abs(b)):
                return 0
            return 1 if a > b else -1

        return sign

    def _read(self, cell: Cell[Reader]) -> Cell[Reader]:
        if self._reader is not None:
            cell.readers.add(self._reader)
        return cell

    def _read_clock(self) -> MarketView[Reader]:
        self._read(self._view.clock)
        return self._view
