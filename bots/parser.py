"""Conditions and actions as people write them, parsed by a grammar. Nothing is ever evaluated as code."""

from __future__ import annotations

import re
from decimal import Decimal
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple, cast

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from . import syntax
from .vocabulary import (
    COUNT_MAX,
    EVENTS,
    FIELDS,
    FUNCTIONS,
    INTERVAL_SECONDS_MAX,
    MINUTE,
    VALUES,
    WINDOW_SECONDS_MAX,
    ArgumentKind,
)

LENGTH_MAX: Final = 2_000
OPERATORS_MAX: Final = 100
"""Operators and parentheses in one text: what comes after the parser recurses, at most so deep."""
LEVELS_MAX: Final = 20
SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
NUMBER_MAX: Final = 1e15

GRAMMAR: Final = r"""
?condition: conjunction
          | conjunction ("or" conjunction)+        -> any_of
?conjunction: negation
            | negation ("and" negation)+           -> all_of
?negation: "not" negation                          -> negated
         | test
         | test "for" DURATION                     -> held
?test: sum COMPARE sum                             -> comparison
     | sum "crosses" DIRECTION sum                 -> crosses
     | "between" TIME "and" TIME                   -> between
     | "filled" [SIDE]                             -> filled
     | "refused"                                   -> refused
     | [symbol] "phase" "is" [NEGATION] WORD       -> phase
     | "always"                                    -> always
     | "(" condition ")"

?sum: product
    | sum (PLUS | MINUS) product                   -> arithmetic
?product: factor
        | product (TIMES | DIVIDED) factor         -> arithmetic
?factor: MINUS factor                              -> negative
       | atom
?atom: NUMBER                                      -> number
     | PERCENT                                     -> percent
     | DURATION                                    -> duration
     | TIME                                        -> time
     | [symbol] NAME ["(" sum ("," sum)* ")"]      -> value
     | "(" sum ")"
symbol: SYMBOL "."

?action: SIDE size [SYMBOL] option* [exit]         -> order
       | "quote" size [SYMBOL] "around" sum "spread" sum ["levels" NUMBER] ["step" sum] -> quote
       | "cancel" [WORD]                           -> cancel
       | "replace" WORD ["size" sum] ["at" sum]    -> replace
       | "flatten" [SYMBOL]                        -> flatten
       | "wait" DURATION                           -> wait
       | "log" STRING                              -> log
       | "stop" [STRING]                           -> stop
size: sum ["of" BASIS | MONEY]
?option: "at" "market"                             -> at_market
       | "at" sum                                  -> at
       | "stop" "at" sum                           -> stop_at
       | "limit" sum                               -> limit
       | "trailing" sum                            -> trailing
       | "for" DURATION                            -> for_seconds
       | "until" TIME                              -> until
       | TIF                                       -> tif
       | "on" AUCTION                              -> auction
       | guard                                     -> guarded
       | "post" "only"                             -> post_only
       | "showing" sum                             -> showing
       | "as" WORD                                 -> label
guard: "or" "stop" "at" sum ["limit" sum]          -> stop_guard
     | "or" "trailing" sum                         -> trailing_guard
exit: "then" SIDE "at" sum guard

SIDE: "buy" | "sell"
DIRECTION: "above" | "below"
NEGATION: "not"
BASIS: "equity" | "cash" | "position"
MONEY: "money"
TIF: "day" | "ioc" | "fok"
AUCTION: "open" | "close"
COMPARE: ">=" | "<=" | "==" | "!=" | ">" | "<" | "="
PLUS: "+"
MINUS: "-"
TIMES: "*"
DIVIDED: "/"
TIME.4: /\d{1,2}:\d{2}(:\d{2})?(?![\d:])/
DURATION.3: /\d+(\.\d+)?(ms|s|m|h|d)(?![A-Za-z0-9_])/
PERCENT.2: /\d[\d_]*(\.\d+)?%/
NUMBER.1: /\d[\d_]*(\.\d+)?/
SYMBOL: /[A-Z][A-Z0-9]{0,11}(?![A-Za-z0-9_])/
NAME: /[a-z][a-z0-9_]*/
WORD: /[a-z][a-z0-9_-]*/
STRING: /"[^"\n]*"|'[^'\n]*'/
%ignore /\s+/
"""

WORDS: Final = {
    "SIDE": "buy, sell",
    "DIRECTION": "above, below",
    "NEGATION": "not",
    "BASIS": "equity, cash, position",
    "MONEY": "money",
    "TIF": "day, ioc, fok",
    "AUCTION": "open, close",
    "COMPARE": "a comparison (>=, <=, >, <, ==, !=)",
    "PLUS": "+",
    "MINUS": "-",
    "TIMES": "*",
    "DIVIDED": "/",
    "TIME": "a time of day (16:30)",
    "DURATION": "a duration (30s, 5m, 2h)",
    "PERCENT": "a percentage (2%)",
    "NUMBER": "a number",
    "SYMBOL": "a symbol (KRYP)",
    "NAME": "a value (last, position, sma(20, 1m) …)",
    "WORD": "a name",
    "STRING": 'a text in quotes ("…")',
    "$END": "the end",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": "a comma",
    "DOT": "a dot",
}
_OPERAND: Final = {"MINUS", "LPAR", "NAME", "NUMBER", "PERCENT", "DURATION", "TIME", "SYMBOL"}


OPTION_WORDS: Final = {
    "limit": "a price",
    "stop": "stop at",
    "trail": "trailing",
    "seconds": "for",
    "tif": "day, ioc, fok or an auction",
    "post_only": "post only",
    "display": "showing",
    "label": "a name",
    "guard": "or stop",
}
"""What the fields of an order are called in a file."""

Option = tuple[str, Any, Token | None]
"""Field of syntax.Order, its value, and where it stands."""


class Misread(NamedTuple):
    """A mistake at a character of a text."""

    offset: int
    text: str


class Parsed(NamedTuple):
    """A condition, an expression or an action; None if there were mistakes."""

    node: Any
    mistakes: tuple[Misread, ...]


@v_args(inline=True)
class _Builder(Transformer[Token, Any]):
    """Makes syntax out of what the grammar recognises, bottom up; collects what the grammar cannot say."""

    def __init__(self) -> None:
        super().__init__()
        self.mistakes: list[Misread] = []
        self._bare: dict[int, tuple[syntax.Value, Misread]] = {}
        """Names that are no values by themselves, until a value takes them as its argument; by the node's identity."""

    def take_mistakes(self) -> list[Misread]:
        """Those of the text that was parsed last."""
        mistakes = [*self.mistakes, *(misread for _, misread in self._bare.values())]
        self.mistakes, self._bare = [], {}
        return mistakes

    # ── Expressions ──

    def number(self, token: Token) -> syntax.Number:
        value = float(token.replace("_", ""))
        if value > NUMBER_MAX:
            self._complain(token, "this number is too large")
        return syntax.Number(value)

    def percent(self, token: Token) -> syntax.Number:
        return syntax.Number(float(Decimal(token[:-1].replace("_", "")) / 100), "percent")

    def duration(self, token: Token) -> syntax.Number:
        return syntax.Number(self._seconds(token), "duration")

    def time(self, token: Token) -> syntax.Number:
        return syntax.Number(self._time_of_day(token), "time")

    def negative(self, _: Token, of: syntax.Expression) -> syntax.Expression:
        return syntax.Negative(of)

    def arithmetic(self, left: syntax.Expression, operator: Token, right: syntax.Expression) -> syntax.Expression:
        return syntax.Arithmetic(cast(Any, str(operator)), left, right)

    def symbol(self, token: Token) -> Token:
        return token

    def value(self, symbol: Token | None, name: Token, *arguments: Any) -> syntax.Expression:
        given = tuple(argument for argument in arguments if argument is not None)
        if name in FUNCTIONS:
            least, most = FUNCTIONS[name]
            if symbol is not None or not least <= len(given) <= most:
                self._complain(name, f"{name} takes {least if least == most else f'{least} to {most}'} expressions")
                return syntax.Number(0)
            return syntax.Function(str(name), given)
        signature = VALUES.get(name)
        if not given and (name in FIELDS or name in EVENTS):
            bare = syntax.Value(str(name), str(symbol or ""))
            wanted = f"expected {name}({', '.join(signature.arguments)})" if signature else _unknown(str(name))
            self._bare[id(bare)] = (bare, Misread(name.start_pos or 0, wanted))
            return bare
        if signature is None:
            self._complain(name, _unknown(str(name)))
            return syntax.Number(0)
        if symbol is not None and (signature.scope == "clock" or name in ("cash", "equity")):
            self._complain(symbol, f"{name} is not a symbol's")
        return syntax.Value(str(name), str(symbol or ""), self._arguments(name, signature.arguments, given))

    def _arguments(
        self, name: Token, kinds: tuple[ArgumentKind, ...], given: tuple[syntax.Expression, ...]
    ) -> tuple[float | str, ...]:
        wanted = ", ".join(kinds)
        if kinds[-1:] == ("interval",) and len(given) == len(kinds) - 1:
            given += (syntax.Number(MINUTE, "duration"),)
        if len(given) != len(kinds):
            self._complain(name, f"expected {name}({wanted})" if kinds else f"{name} takes nothing in parentheses")
            return ()
        found: list[float | str] = []
        for kind, argument in zip(kinds, given, strict=True):
            value = _argument(kind, argument)
            self._bare.pop(id(argument), None)
            if value is None:
                self._complain(name, f"expected {name}({wanted}), with {_EXPECTED[kind]} as {kind}")
                return ()
            found.append(value)
        return tuple(found)

    # ── Conditions ──

    def comparison(self, left: syntax.Expression, operator: Token, right: syntax.Expression) -> syntax.Condition:
        return syntax.Comparison(cast(Any, "==" if operator == "=" else str(operator)), left, right)

    def crosses(self, left: syntax.Expression, direction: Token, right: syntax.Expression) -> syntax.Condition:
        return syntax.Crosses(cast(Any, str(direction)), left, right)

    def between(self, start: Token, end: Token) -> syntax.Condition:
        return syntax.Between(self._time_of_day(start), self._time_of_day(end))

    def filled(self, side: Token | None) -> syntax.Condition:
        return syntax.Filled(cast(Any, str(side or "")))

    def refused(self) -> syntax.Condition:
        return syntax.RefusedLately()

    def phase(self, symbol: Token | None, negation: Token | None, name: Token) -> syntax.Condition:
        return syntax.Phase(str(name), negation is not None, str(symbol or ""))

    def always(self) -> syntax.Condition:
        return syntax.Always()

    def negated(self, of: syntax.Condition) -> syntax.Condition:
        return syntax.Not(of)

    def held(self, of: syntax.Condition, seconds: Token) -> syntax.Condition:
        return syntax.Held(of, self._seconds(seconds))

    def all_of(self, *of: syntax.Condition) -> syntax.Condition:
        return syntax.And(of)

    def any_of(self, *of: syntax.Condition) -> syntax.Condition:
        return syntax.Or(of)

    # ── Actions ──

    def size(self, amount: syntax.Expression, unit: Token | None) -> syntax.Size:
        return syntax.Size(amount, cast(Any, str(unit or "shares")))

    def order(
        self, side: Token, size: syntax.Size, symbol: Token | None, *options: Option | syntax.Exit | None
    ) -> syntax.Action:
        fields: dict[str, Any] = {}
        for option in options:
            if option is None or isinstance(option, syntax.Exit):
                fields["exit"] = option
                continue
            name, value, token = option
            if name in fields or (name == "tif" and "seconds" in fields):
                self._complain(token or side, f"{OPTION_WORDS.get(name, name)} is there twice")
            fields[name] = value
        market = fields.pop("market", False)
        order = syntax.Order(cast(Any, str(side)), size, str(symbol or ""), **fields)
        for text in _order_problems(order, market):
            self._complain(side, text)
        return order

    def at_market(self) -> Option:
        return ("market", True, None)

    def at(self, price: syntax.Expression) -> Option:
        return ("limit", price, None)

    def stop_at(self, price: syntax.Expression) -> Option:
        return ("stop", price, None)

    def limit(self, price: syntax.Expression) -> Option:
        return ("limit", price, None)

    def trailing(self, distance: syntax.Expression) -> Option:
        return ("trail", distance, None)

    def for_seconds(self, seconds: Token) -> Option:
        return ("seconds", self._seconds(seconds), seconds)

    def until(self, time: Token) -> Option:
        return ("until", self._time_of_day(time), time)

    def tif(self, tif: Token) -> Option:
        return ("tif", str(tif), tif)

    def auction(self, which: Token) -> Option:
        return ("tif", "opg" if which == "open" else "cls", which)

    def stop_guard(self, stop: syntax.Expression, limit: syntax.Expression | None) -> syntax.Guard:
        return syntax.Guard(stop, limit)

    def trailing_guard(self, distance: syntax.Expression) -> syntax.Guard:
        return syntax.Guard(trail=distance)

    def guarded(self, guard: syntax.Guard) -> Option:
        return ("guard", guard, None)

    def exit(self, side: Token, take: syntax.Expression, guard: syntax.Guard) -> syntax.Exit:
        return syntax.Exit(cast(Any, str(side)), take, guard)

    def post_only(self) -> Option:
        return ("post_only", True, None)

    def showing(self, shares: syntax.Expression) -> Option:
        return ("display", shares, None)

    def label(self, name: Token) -> Option:
        if name in ("all", "buys", "sells"):
            self._complain(name, f"an order cannot be called {name}: that is what cancel uses")
        return ("label", str(name), name)

    def quote(
        self,
        size: syntax.Size,
        symbol: Token | None,
        around: syntax.Expression,
        spread: syntax.Expression,
        levels: Token | None,
        step: syntax.Expression | None,
    ) -> syntax.Action:
        count = float(levels.replace("_", "")) if levels is not None else 1
        if levels is not None and (count != int(count) or not 1 <= count <= LEVELS_MAX):
            self._complain(levels, f"expected 1 to {LEVELS_MAX} levels")
            count = 1
        return syntax.Quote(size, around, spread, int(count), step, str(symbol or ""))

    def cancel(self, which: Token | None) -> syntax.Action:
        return syntax.CancelOrders(str(which or "all"))

    def replace(self, label: Token, size: syntax.Expression | None, price: syntax.Expression | None) -> syntax.Action:
        if size is None and price is None:
            self._complain(label, "expected size, at, or both after the name")
        return syntax.ReplaceOrder(str(label), size, price)

    def flatten(self, symbol: Token | None) -> syntax.Action:
        return syntax.Flatten(str(symbol or ""))

    def wait(self, seconds: Token) -> syntax.Action:
        return syntax.Wait(self._seconds(seconds))

    def log(self, text: Token) -> syntax.Action:
        return syntax.Log((text,))  # Its braces are parsed by `parse_action`.

    def stop(self, text: Token | None) -> syntax.Action:
        return syntax.Stop(str(text)[1:-1] if text is not None else "")

    # ── Helpers ──

    def _seconds(self, token: Token) -> float:
        unit = token.lstrip("0123456789.")
        seconds = float(token[: -len(unit)]) * SECONDS[unit]
        if seconds > 366 * SECONDS["d"]:
            self._complain(token, "a duration is at most a year")
        return seconds

    def _time_of_day(self, token: Token) -> float:
        hours, minutes, seconds = (*map(int, token.split(":")), 0)[:3]
        if hours > 24 or minutes > 59 or seconds > 59:
            self._complain(token, "a time of day is between 00:00 and 24:00")
        return hours * 3600.0 + minutes * 60 + seconds

    def _complain(self, token: Token, text: str) -> None:
        self.mistakes.append(Misread(token.start_pos or 0, text))


_EXPECTED: Final[dict[ArgumentKind, str]] = {
    "window": f"a duration of 1 to {WINDOW_SECONDS_MAX} whole seconds (20m)",
    "interval": f"a duration of 1 to {INTERVAL_SECONDS_MAX} whole seconds (1m)",
    "count": f"a whole number from 1 to {COUNT_MAX}",
    "number": "a number",
    "field": f"one of {', '.join(FIELDS)}",
    "event": f"one of {', '.join(EVENTS)}",
}


def _argument(kind: ArgumentKind, given: syntax.Expression) -> float | str | None:
    """The argument as the value takes it; None if it cannot be one."""
    if isinstance(given, syntax.Value):
        known = FIELDS if kind == "field" else EVENTS if kind == "event" else ()
        return given.name if given.name in known and not given.symbol else None
    if not isinstance(given, syntax.Number):
        return None
    whole = given.value == int(given.value)
    if kind in ("window", "interval"):
        return given.value if given.unit == "duration" and whole and 1 <= given.value <= WINDOW_SECONDS_MAX else None
    if kind == "count":
        return given.value if given.unit == "number" and whole and 1 <= given.value <= COUNT_MAX else None
    return given.value if kind == "number" and given.unit == "number" else None


def _order_problems(order: syntax.Order, market: bool) -> list[str]:
    """What the options of an order contradict each other in."""
    limit, waits, tif = order.limit is not None, order.stop is not None or order.trail is not None, order.tif
    ends = bool(order.seconds) + (order.until is not None) + (tif is not None)
    auction = tif in ("opg", "cls")
    found = {
        "at market and a limit exclude each other": market and limit,
        "trailing finds its own prices: without stop and limit": order.trail is not None and (order.stop is not None or limit),
        "for, until and day, ioc, fok exclude each other": ends > 1,
        "post only needs a limit, and an order that may stay": order.post_only and (not limit or tif in ("ioc", "fok")),
        "showing needs a limit, and an order that may stay": order.display is not None and (not limit or tif in ("ioc", "fok")),
        "a stop waits: ioc and fok do not": waits and tif in ("ioc", "fok"),
        "on open and on close are for orders with a limit or at the market": auction and waits,
        "or stop needs a limit, and an order that may stay": (
            order.guard is not None and (not limit or waits or auction or tif in ("ioc", "fok"))
        ),
        "an order is one of a pair, or is closed by one: not both": order.guard is not None and order.exit is not None,
        "then closes what the order opens, so it is of the other side": (
            order.exit is not None and order.exit.side == order.side
        ),
        "an order at the market does not stay: for, until, day and fok need a price": (
            not limit and not waits and bool(order.seconds or order.until is not None or tif in ("day", "fok"))
        ),
    }
    return [text for text, wrong in found.items() if wrong]


def _unknown(name: str) -> str:
    close = get_close_matches(name, [*VALUES, *FUNCTIONS], 1)
    return f"there is no value {name!r}{f'; did you mean {close[0]}?' if close else ''}"


_builder: Final = _Builder()


@cache
def _lark() -> Lark:
    """Made when a rule is first read: that takes a tenth of a second, which a worker without rules need not spend."""
    return Lark(GRAMMAR, parser="lalr", start=["condition", "action", "sum"], transformer=_builder, maybe_placeholders=True)


def parse_condition(text: str) -> Parsed:
    """A syntax.Condition."""
    return _parse(text, "condition")


def parse_expression(text: str) -> Parsed:
    """A syntax.Expression."""
    return _parse(text, "sum")


@lru_cache(maxsize=4096)
def parse_action(text: str) -> Parsed:
    """A syntax.Action."""
    parsed = _parse(text, "action")
    if not isinstance(parsed.node, syntax.Log) or parsed.mistakes:
        return parsed
    quoted = parsed.node.parts[0]
    assert isinstance(quoted, str)
    begin = text.index(quoted) + 1
    parts: list[str | syntax.Expression] = []
    mistakes: list[Misread] = []
    for index, piece in enumerate(re.split(r"\{([^{}]*)\}", quoted[1:-1])):
        if index % 2:
            inner = parse_expression(piece)
            mistakes += [Misread(begin + 1 + misread.offset, misread.text) for misread in inner.mistakes]
            parts.append(inner.node)
        elif piece:
            parts.append(piece)
        begin += len(piece) + index % 2 * 2
    return Parsed(None if mistakes else syntax.Log(tuple(parts)), tuple(mistakes))


@lru_cache(maxsize=4096)
def _parse(text: str, start: str) -> Parsed:
    if len(text) > LENGTH_MAX:
        return Parsed(None, (Misread(0, f"longer than {LENGTH_MAX} characters"),))
    if len(re.findall(r"[-+*/(]|\bnot\b", text)) > OPERATORS_MAX:
        return Parsed(None, (Misread(0, f"more than {OPERATORS_MAX} operators and parentheses; split it into several rules"),))
    try:
        node = _lark().parse(text, start=start)
    except UnexpectedInput as error:
        _builder.take_mistakes()
        return Parsed(None, (_misread(error, text, start),))
    mistakes = tuple(_builder.take_mistakes())
    return Parsed(None if mistakes else node, mistakes)


def _misread(error: UnexpectedInput, text: str, start: str) -> Misread:
    if isinstance(error, UnexpectedToken):
        expected = set(error.accepts or error.expected)
        offset = len(text.rstrip()) if error.token.type == "$END" else error.token.start_pos or 0
        got = "the text ends" if error.token.type == "$END" else f"got {str(error.token)[:30]!r}"
    else:
        assert isinstance(error, UnexpectedCharacters)
        offset = error.pos_in_stream or 0
        until_there = _lark().parse_interactive(text[:offset], start=start)
        until_there.exhaust_lexer()
        expected = set(until_there.accepts())  # type: ignore[no-untyped-call]
        _builder.take_mistakes()
        got = f"got {text[offset : offset + 20].split()[0]!r}"
    names = []
    if expected >= _OPERAND - {"SYMBOL"}:
        expected -= _OPERAND
        names = ["a number", "a value (last, position, sma(20, 1m) …)"]
    names += [WORDS.get(name, name.lower()) for name in sorted(expected) if name != "__ANON_0"]
    return Misread(offset, f"expected {_either(names)}; {got}")


def _either(names: list[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
