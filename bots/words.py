"""Rules in words: what the parser reads, written back, with the present values where somebody asks why."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from . import syntax
from .vocabulary import VALUES

_BINDS = {"+": 1, "-": 1, "*": 2, "/": 2}
AUCTIONS = {"opg": "on open", "cls": "on close"}


def number_words(value: float) -> str:
    """At most four decimals for what is large, six digits for what is small."""
    text = f"{value:.4f}" if abs(value) >= 0.01 or value == 0 else f"{value:.6g}"
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def duration_words(seconds: float) -> str:
    """90 → "90s", 300 → "5m"."""
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        if seconds and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds * 1000:.0f}ms"


def time_words(seconds: float) -> str:
    """59400 → "16:30"."""
    hours, rest = divmod(int(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours:02d}:{minutes:02d}" + (f":{rest:02d}" if rest else "")


def expression_words(part: syntax.Expression, binds: int = 0) -> str:
    """An expression; `binds` is how tightly what stands around it does."""
    match part:
        case syntax.Number():
            return _number(part)
        case syntax.Value():
            return _value(part)
        case syntax.Function():
            return f"{part.name}({', '.join(map(expression_words, part.arguments))})"
        case syntax.Negative():
            return f"-{expression_words(part.of, 3)}"
        case syntax.Arithmetic():
            own = _BINDS[part.operator]
            text = f"{expression_words(part.left, own)} {part.operator} {expression_words(part.right, own + 1)}"
            return f"({text})" if own < binds else text
        case _:
            assert_never(part)


def condition_words(part: syntax.Condition, binds: int = 0) -> str:
    """A condition; `binds`: 1 inside `and`, 2 after `not` and before `for`."""
    match part:
        case syntax.Comparison():
            text, own = f"{expression_words(part.left)} {part.operator} {expression_words(part.right)}", 3
        case syntax.Crosses():
            text, own = f"{expression_words(part.left)} crosses {part.direction} {expression_words(part.right)}", 3
        case syntax.Between():
            text, own = f"between {time_words(part.start)} and {time_words(part.end)}", 3
        case syntax.Filled():
            text, own = f"filled {part.side}".rstrip(), 3
        case syntax.RefusedLately():
            text, own = "refused", 3
        case syntax.Phase():
            text, own = f"{part.symbol}{'.' * bool(part.symbol)}phase is {'not ' * part.negated}{part.name}", 3
        case syntax.Always():
            text, own = "always", 3
        case syntax.Not():
            text, own = f"not {condition_words(part.of, 2)}", 2
        case syntax.And():
            text, own = " and ".join(condition_words(of, 2) for of in part.of), 1
        case syntax.Or():
            text, own = " or ".join(condition_words(of, 1) for of in part.of), 0
        case syntax.Held():
            text, own = f"{condition_words(part.of, 3)} for {duration_words(part.seconds)}", 2
        case _:
            assert_never(part)
    return f"({text})" if own < binds else text


def action_words(part: syntax.Action) -> str:
    """An action."""
    match part:
        case syntax.Order():
            return _order(part)
        case syntax.Quote():
            levels = f" levels {part.levels}" * (part.levels > 1 or part.step is not None)
            step = f" step {expression_words(part.step)}" if part.step is not None else ""
            ladder = f"around {expression_words(part.around)} spread {expression_words(part.spread)}{levels}{step}"
            return f"quote {_size(part.size)}{_after(part.symbol)} {ladder}"
        case syntax.CancelOrders():
            return "cancel" if part.which == "all" else f"cancel {part.which}"
        case syntax.ReplaceOrder():
            size = f" size {expression_words(part.size)}" if part.size is not None else ""
            return f"replace {part.label}{size}" + (f" at {expression_words(part.price)}" if part.price is not None else "")
        case syntax.Flatten():
            return f"flatten{_after(part.symbol)}"
        case syntax.Wait():
            return f"wait {duration_words(part.seconds)}"
        case syntax.Log():
            text = "".join(piece if isinstance(piece, str) else f"{{{expression_words(piece)}}}" for piece in part.parts)
            return f"log {_quoted(text)}"
        case syntax.Stop():
            return f"stop {_quoted(part.text)}" if part.text else "stop"
        case _:
            assert_never(part)


def explained(part: syntax.Condition, value: Callable[[syntax.Expression], float | None]) -> str:
    """The values that the parts of a condition compare, as they are now."""
    match part:
        case syntax.Comparison() | syntax.Crosses():
            sides = [side for side in (part.left, part.right) if _changes(side)]
            found = [f"{expression_words(side)} = {_shown(value(side))}" for side in sides]
            return ", ".join(found) or condition_words(part)
        case syntax.Not() | syntax.Held():
            return explained(part.of, value)
        case syntax.And() | syntax.Or():
            return ", ".join(dict.fromkeys(explained(of, value) for of in part.of))
        case _:
            return condition_words(part)


def _changes(part: syntax.Expression) -> bool:
    match part:
        case syntax.Number():
            return False
        case syntax.Value():
            return True
        case syntax.Negative(of=of):
            return _changes(of)
        case syntax.Function(arguments=arguments):
            return any(map(_changes, arguments))
        case syntax.Arithmetic(left=left, right=right):
            return _changes(left) or _changes(right)


def _shown(value: float | None) -> str:
    return "unknown" if value is None else number_words(value)


def _number(part: syntax.Number) -> str:
    match part.unit:
        case "percent":
            return f"{part.value * 100:.10g}%"
        case "duration":
            return duration_words(part.value)
        case "time":
            return time_words(part.value)
        case "number":
            return f"{part.value:.0f}" if part.value == int(part.value) else repr(part.value)


def _value(part: syntax.Value) -> str:
    symbol = f"{part.symbol}." if part.symbol else ""
    kinds = VALUES[part.name].arguments
    written = [
        argument
        if isinstance(argument, str)
        else duration_words(argument)
        if kind in ("window", "interval")
        else number_words(argument)
        for kind, argument in zip(kinds, part.arguments, strict=True)
    ]
    return f"{symbol}{part.name}" + (f"({', '.join(written)})" if written else "")


def _size(size: syntax.Size) -> str:
    amount = expression_words(size.amount)
    if size.unit == "shares":
        return amount
    return f"{amount} money" if size.unit == "money" else f"{amount} of {size.unit}"


def _order(order: syntax.Order) -> str:
    text = f"{order.side} {_size(order.size)}{_after(order.symbol)}"
    if order.stop is not None:
        text += f" stop at {expression_words(order.stop)}"
    if order.trail is not None:
        text += f" trailing {expression_words(order.trail)}"
    if order.limit is not None:
        text += f" {'limit' if order.stop is not None else 'at'} {expression_words(order.limit)}"
    if order.guard is not None:
        text += _guard(order.guard)
    if order.seconds:
        text += f" for {duration_words(order.seconds)}"
    if order.until is not None:
        text += f" until {time_words(order.until)}"
    if order.tif is not None:
        text += f" {AUCTIONS.get(order.tif, order.tif)}"
    if order.post_only:
        text += " post only"
    if order.display is not None:
        text += f" showing {expression_words(order.display)}"
    if order.label:
        text += f" as {order.label}"
    if order.exit is not None:
        text += f" then {order.exit.side} at {expression_words(order.exit.take)}{_guard(order.exit.guard)}"
    return text


def _guard(guard: syntax.Guard) -> str:
    if guard.stop is None:
        return f" or trailing {expression_words(guard.trail)}" if guard.trail is not None else ""
    limit = f" limit {expression_words(guard.limit)}" if guard.limit is not None else ""
    return f" or stop at {expression_words(guard.stop)}{limit}"


def _after(symbol: str) -> str:
    return f" {symbol}" if symbol else ""


def _quoted(text: str) -> str:
    return f'"{text}"' if '"' not in text else f"'{text}'"
