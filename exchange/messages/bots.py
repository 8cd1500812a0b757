"""Questions about bots: api.<account>.bots.<verb>, answered by the bots worker. A bot trades as the account that started it."""

from __future__ import annotations

from typing import Literal

import msgspec

from .base import Side

BotStatus = Literal["running", "finished", "stopped"]


class BotText(msgspec.Struct, frozen=True, omit_defaults=True):
    """Asks bots.check or bots.start: a bot file. Starting a bot that runs replaces its rules and keeps what still fits."""

    text: str
    name: str = ""
    """Of the bot, if the file does not say."""


class BotMistake(msgspec.Struct, frozen=True):
    """A place in a bot file that cannot be used; line and column count from 1."""

    line: int
    column: int
    text: str


class BotCheck(msgspec.Struct, frozen=True):
    """Answer to bots.check; without mistakes the file can be started."""

    name: str
    mistakes: list[BotMistake]


class BotName(msgspec.Struct, frozen=True):
    """Asks bots.show or bots.stop."""

    name: str


class BotInfo(msgspec.Struct, frozen=True):
    """One row of bots.list, and the answer to bots.start and bots.stop."""

    name: str
    symbol: str
    status: BotStatus
    reason: str
    """Why it stopped."""
    started: int
    """Nanoseconds since 1970."""
    orders: int
    """Open ones."""
    profit: int
    """Realized and unrealized, in units."""
    strategy: str = ""
    """Empty for a bot with rules."""


class BotRule(msgspec.Struct, frozen=True):
    """A rule that is armed."""

    number: int
    """Place in the file."""
    when: str
    armed: int
    not_before: int


class BotOrder(msgspec.Struct, frozen=True):
    """An open order of a bot."""

    client_order_id: str
    order_id: int
    symbol: str
    side: Side
    price: int
    remaining: int
    label: str


class BotPosition(msgspec.Struct, frozen=True):
    """What a bot has traded in one symbol; money in units."""

    symbol: str
    quantity: int
    cost: int
    realized: int
    unrealized: int


class BotDecision(msgspec.Struct, frozen=True):
    """Something a bot did, or was told, and why."""

    time: int
    rule: int
    """Its number; 0 for what no rule decided."""
    why: str
    actions: list[str]


class BotDetail(msgspec.Struct, frozen=True):
    """Answer to bots.show."""

    info: BotInfo
    text: str
    rules: list[BotRule]
    orders: list[BotOrder]
    positions: list[BotPosition]
    decisions: list[BotDecision]
    """Oldest first."""
