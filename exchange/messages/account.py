"""Questions about an account: api.<account>.<question>."""

from __future__ import annotations

from typing import Literal

import msgspec

from .base import Kind, Liquidity, SelfTrade, Side, TimeInForce
from .journal import Standing
from .reports import Report


class OpenOrder(msgspec.Struct, frozen=True, omit_defaults=True):
    """An order that can still trade."""

    order_id: int
    client_order_id: str
    symbol: str
    side: Side
    price: int
    """The worst at which it may trade, as it is now."""
    quantity: int
    """Of the whole order: what was filled and what remains."""
    remaining: int
    kind: Kind
    tif: TimeInForce
    time: int
    stop_price: int = 0
    """Where it triggers (a trailing stop: as it was placed); 0 for one that does not wait for that, or not any more."""
    trail: int = 0
    trail_basis_points: int = 0
    expires: int = 0
    post_only: bool = False
    display: int = 0
    """How much is shown at a time; 0 for all."""
    self_trade: SelfTrade = "cancel_newest"
    """Omitted for what the gate chooses when nobody says otherwise."""
    pair: int = 0
    """Id of the other order of its OCO pair; 0 for none."""
    entry: int = 0
    """Of the leg of a bracket: id of the entry for whose end it waits; 0 for an order that works."""


class Position(msgspec.Struct, frozen=True):
    """Shares of one symbol."""

    symbol: str
    quantity: int
    held: int
    """Set aside for open sell orders; quantity - held can be sold."""
    price: int
    """Last price, or the opening price before the first trade."""
    cost: int = 0
    """What the shares were bought for, without fees; negative for a short position. See ledger/profit.py."""
    average_cost: int = 0
    """Of one share, rounded down to a unit."""
    unrealized: int = 0
    """price x quantity - cost."""
    realized: int = 0
    """In this symbol, before fees."""


class Portfolio(msgspec.Struct, frozen=True):
    """Answer to api.<account>.portfolio, by the ledger. Everything as of report number `report`."""

    account: str
    cash: int
    cash_held: int
    positions: list[Position]
    orders: list[OpenOrder]
    report: int
    """Number of the last report this answer contains: reports from `report + 1` on change it."""
    time: int
    orders_left_out: int = 0
    """How many older open orders did not fit into the answer."""
    realized: int = 0
    """What selling (or buying back) gained, in all symbols, before fees; since the account was opened or reset."""
    fees: int = 0
    """Paid since then, less rebates."""
    equity: int = 0
    """Cash and all positions at their prices."""
    standing: Standing = "active"


class ReportsQuestion(msgspec.Struct, frozen=True):
    """Asks api.<account>.reports for what was missed after report number `after`."""

    after: int


class ReportsAnswer(msgspec.Struct, frozen=True):
    """The reports after `after`; `complete` is False when some are too old to be in memory: ask for the portfolio again."""

    number: int
    reports: list[Report]
    complete: bool


class AccountRulesQuestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """Asks orders.<account>.rules for the account's rules, after changing those that are given."""

    self_trade: SelfTrade | None = None
    """For orders that do not say themselves."""
    cancel_on_disconnect: bool | None = None
    """Cancel all open orders when the account's last connection is lost."""


class AccountRules(msgspec.Struct, frozen=True):
    """Answer to orders.<account>.rules, by the ledger."""

    account: str
    self_trade: SelfTrade
    cancel_on_disconnect: bool


class EquityQuestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """Asks the historian (api.<account>.equity) what the account was worth at moments from `start` to `end`, evenly apart."""

    start: int = 0
    """Nanoseconds since 1970; 0 for when the account was opened."""
    end: int = 0
    """0 for now."""
    points: int = 200
    """How many steps to take between the two, at most 500."""


class EquityPoint(msgspec.Struct, frozen=True):
    """One row of api.<account>.equity."""

    time: int
    equity: int
    """Cash and all shares at their last prices."""
    paid_in: int
    """What transfers have brought, less what they took; shares at their prices at the first point from then on. What equity is
    more than that was gained by trading."""


class PageQuestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """Asks the historian (api.<account>.fills, api.<account>.history) for at most 1,000 rows before an id, newest first."""

    limit: int = 100
    before: int = 0
    """Only rows with a smaller id; 0 for the newest."""
    symbol: str = ""


class Fill(msgspec.Struct, frozen=True):
    """One row of api.<account>.fills."""

    fill_id: int
    order_id: int
    symbol: str
    trade_id: int
    side: Side
    price: int
    quantity: int
    fee: int
    liquidity: Liquidity
    time: int


class OrderRecord(msgspec.Struct, frozen=True):
    """One row of api.<account>.history: an order and what became of it so far."""

    order_id: int
    client_order_id: str
    symbol: str
    side: Side
    kind: Kind
    tif: TimeInForce
    price: int
    quantity: int
    filled: int
    status: Literal["open", "filled", "cancelled"]
    reason: str
    time: int
    stop_price: int = 0
    """As it was placed, like `price` and `quantity`."""
    trail: int = 0
    trail_basis_points: int = 0
    expires: int = 0
    post_only: bool = False
    display: int = 0
    self_trade: SelfTrade = "allow"
    open: int = 0
    """What can still trade; 0 for an order that ended."""
    pair: int = 0
    """As it was placed: id of the other order of its OCO pair, or of the other leg of its bracket; 0 for none."""
    entry: int = 0
    """As it was placed: of the leg of a bracket, id of the entry; 0 for none."""
