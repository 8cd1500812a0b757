"""What conditions and actions are made of once they are parsed: immutable, comparable, without places in a file."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from exchange.messages.base import Side, TimeInForce

Unit = Literal["number", "percent", "duration", "time"]


class Node(msgspec.Struct, frozen=True):
    """Base of all parts."""


class Number(Node, frozen=True):
    """20.55; 2% (0.02); 20m (seconds); 16:30 (seconds since midnight UTC)."""

    value: float
    unit: Unit = "number"


class Value(Node, frozen=True):
    """Something that changes: last, ADAM.bid, sma(20, 1m), position."""

    name: str
    symbol: str = ""
    """Empty for the bot's own symbol."""
    arguments: tuple[float | str, ...] = ()
    """With those left out in the file: always as many as the signature has."""


class Function(Node, frozen=True):
    """abs, min, max."""

    name: str
    arguments: tuple[Expression, ...]


class Negative(Node, frozen=True):
    """-x."""

    of: Expression


class Arithmetic(Node, frozen=True):
    """x + y and so on."""

    operator: Literal["+", "-", "*", "/"]
    left: Expression
    right: Expression


Expression = Number | Value | Function | Negative | Arithmetic


class Comparison(Node, frozen=True):
    """x >= y and so on."""

    operator: Literal[">=", "<=", ">", "<", "==", "!="]
    left: Expression
    right: Expression


class Crosses(Node, frozen=True):
    """x crosses above y: it was not above it when last looked at, and is now."""

    direction: Literal["above", "below"]
    left: Expression
    right: Expression


class Between(Node, frozen=True):
    """Between two times of day (UTC, seconds since midnight), over midnight if the second is smaller."""

    start: float
    end: float


class Filled(Node, frozen=True):
    """One of the bot's orders was filled, if only in part, since the rule was armed."""

    side: Side | Literal[""] = ""


class RefusedLately(Node, frozen=True):
    """One of the bot's orders was refused since the rule was armed."""


class Phase(Node, frozen=True):
    """The market of a symbol is, or is not, in a phase."""

    name: str
    negated: bool = False
    symbol: str = ""


class Always(Node, frozen=True):
    """True."""


class Not(Node, frozen=True):
    """Not x."""

    of: Condition


class And(Node, frozen=True):
    """All of them."""

    of: tuple[Condition, ...]


class Or(Node, frozen=True):
    """At least one of them."""

    of: tuple[Condition, ...]


class Held(Node, frozen=True):
    """True for so many seconds without interruption."""

    of: Condition
    seconds: float


Condition = Comparison | Crosses | Between | Filled | RefusedLately | Phase | Always | Not | And | Or | Held


class Size(Node, frozen=True):
    """How much: shares, money at the order's price, or a part of what there is."""

    amount: Expression
    unit: Literal["shares", "money", "equity", "cash", "position"] = "shares"


class Guard(Node, frozen=True):
    """or stop at, or trailing: the stop order of a pair."""

    stop: Expression | None = None
    limit: Expression | None = None
    trail: Expression | None = None


class Exit(Node, frozen=True):
    """then sell at … or stop at …: the pair that closes what an order opens."""

    side: Side
    take: Expression
    guard: Guard


class Order(Node, frozen=True):
    """buy or sell. Without any price it trades at the market."""

    side: Side
    size: Size
    symbol: str = ""
    limit: Expression | None = None
    stop: Expression | None = None
    trail: Expression | None = None
    """A distance in money, or a share of the price when it is written in percent."""
    tif: TimeInForce | None = None
    seconds: float = 0
    """for: how long it stays."""
    until: float | None = None
    """until: a time of day."""
    post_only: bool = False
    display: Expression | None = None
    label: str = ""
    guard: Guard | None = None
    exit: Exit | None = None


class Quote(Node, frozen=True):
    """A ladder on both sides; orders that are where they should be stay."""

    size: Size
    around: Expression
    spread: Expression
    levels: int = 1
    step: Expression | None = None
    """Between levels; None for a tick."""
    symbol: str = ""


class CancelOrders(Node, frozen=True):
    """Of the bot's own orders: all, buys, sells, or those with a label."""

    which: str = "all"


class ReplaceOrder(Node, frozen=True):
    """The open orders with a label get another price, size or both."""

    label: str
    size: Expression | None = None
    price: Expression | None = None


class Flatten(Node, frozen=True):
    """Cancel all orders in a symbol and trade the position away at the market."""

    symbol: str = ""


class Wait(Node, frozen=True):
    """Go on with the next action later."""

    seconds: float


class Log(Node, frozen=True):
    """Say something; expressions in braces are filled in."""

    parts: tuple[str | Expression, ...]


class Stop(Node, frozen=True):
    """End the bot and cancel its orders."""

    text: str = ""


Action = Order | Quote | CancelOrders | ReplaceOrder | Flatten | Wait | Log | Stop


class Again(NamedTuple):
    """When a rule is armed again."""

    seconds: float
    """After so long; 0 as soon as its condition has been false in between."""


class Rule(NamedTuple):
    """When … do … then … again."""

    number: int
    """Place in the file, from 1, rules in `then` counted where they stand."""
    when: Condition
    do: tuple[Action, ...]
    then: tuple[Rule, ...] = ()
    again: Again | None = None
    name: str = ""
