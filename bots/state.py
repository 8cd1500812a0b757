"""What a rule bot must remember to go on after anything: where its rules stand, its orders, and what may be unsent."""

from __future__ import annotations

import msgspec

from exchange.messages.base import Side
from exchange.messages.requests import Bracket, Cancel, Oco, Replace, Submit

from .trading import Trading

Command = Submit | Replace | Cancel | Oco | Bracket
DECISIONS_MAX = 30
"""Kept for `exchange bot show`."""


class RuleState(msgspec.Struct, omit_defaults=True):
    """An armed rule."""

    armed: int = 0
    """When, in nanoseconds."""
    not_before: int = 0
    until_false: bool = False
    """It has just fired, and fires again only after its condition was false."""
    marks: tuple[int, int, int] = (0, 0, 0)
    """The bot's buys, sells and refusals when it was armed."""


class ThreadState(msgspec.Struct, omit_defaults=True):
    """Where one rule of the file and all that follows from it stands."""

    fingerprint: str = ""
    """Of the rule: a changed file keeps the state of the rules that did not change."""
    path: list[int] = []
    """Which rules have fired on the way: the rules armed now are `then` of the last one, or the rule itself."""
    armed: list[RuleState] = []
    fired: int = 0
    """When one of its rules fired last; 0 for never."""
    doing: tuple[int, int, int, int] | None = None
    """In the middle of its actions: index among the armed, next action, when it goes on, and the firing's number."""
    finished: bool = False


class OwnOrder(msgspec.Struct, omit_defaults=True):
    """An order of the bot that may be open."""

    symbol: str
    side: Side
    remaining: int
    price: int = 0
    """The limit, 0 for none."""
    label: str = ""
    order_id: int = 0
    """0 until the ledger has told."""
    leaving: bool = False
    """Its cancel was decided."""
    group: str = ""
    """Client order id of the first order of its group; empty for an order that came alone."""
    idle: bool = False
    """It adds nothing to what the bot's orders may make of its position: it waits for its entry, or its twin counts."""


class Pending(msgspec.Struct):
    """A command that was decided and whose answer was not seen."""

    command: Command
    time: int
    tried: bool = False
    """Sent at least once, by this run of the worker or, after a restart, possibly by the one before."""


class Decision(msgspec.Struct, omit_defaults=True):
    """What was done and why, for people."""

    time: int
    rule: int
    """Its number in the file; 0 for what no rule decided."""
    why: str = ""
    actions: list[str] = []


class BotState(msgspec.Struct, omit_defaults=True):
    """All of it."""

    instance: str
    """Tells this bot's client order ids from all others, also from those of an earlier bot of the same name."""
    started: int
    threads: list[ThreadState] = []
    firings: int = 0
    orders: dict[str, OwnOrder] = {}
    """By client order id."""
    outbox: list[Pending] = []
    trading: dict[str, Trading] = {}
    buys: int = 0
    """Fills."""
    sells: int = 0
    refusals: int = 0
    filled: int = 0
    """When an order was filled last."""
    report: int = 0
    """The last of the account's reports that is contained."""
    stopped: str = ""
    """Why; empty while the bot works."""
    decisions: list[Decision] = []
