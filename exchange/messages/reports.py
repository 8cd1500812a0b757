"""Reports: ledger → trader, on reports.<account>."""

from __future__ import annotations

import msgspec

from .base import Kind, Liquidity, Message, SelfTrade, Side, TimeInForce
from .events import CancelReason, ReplaceRefusal
from .journal import Standing


class OrderAccepted(Message, frozen=True):
    """The order is in the journal; its hold is placed."""

    order_id: int
    client_order_id: str
    symbol: str
    side: Side
    quantity: int
    price: int
    time: int
    kind: Kind = "limit"
    tif: TimeInForce = "gtc"
    stop_price: int = 0
    """Where the order triggers; 0 for one that never waits for that."""
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


class OrderFilled(Message, frozen=True):
    """A fill and what it cost. `remaining` 0 ends the order."""

    order_id: int
    symbol: str
    trade_id: int
    side: Side
    price: int
    quantity: int
    remaining: int
    fee: int
    liquidity: Liquidity
    time: int


class OrderCancelled(Message, frozen=True):
    """The order ended with `quantity` unfilled."""

    order_id: int
    symbol: str
    quantity: int
    reason: CancelReason
    time: int


class OrderCancelRefused(Message, frozen=True):
    """A cancel came too late."""

    order_id: int
    symbol: str
    time: int


class OrderTriggered(Message, frozen=True):
    """A stop order became a market or limit order; what it does is told next."""

    order_id: int
    symbol: str
    price: int
    """The stop price as it stood."""
    time: int


class OrderReplaced(Message, frozen=True):
    """The order has this price and open quantity now; fills at the new price are told next."""

    order_id: int
    symbol: str
    price: int
    quantity: int
    """Open."""
    kept_place: bool
    time: int
    stop_price: int = 0


class OrderReplaceRefused(Message, frozen=True):
    """A replace came too late: the order had ended, or more was filled than the new quantity."""

    order_id: int
    symbol: str
    time: int
    reason: ReplaceRefusal = "late"


class OrderDecremented(Message, frozen=True):
    """Self-trade prevention took `quantity` off without a trade. `remaining` 0 ends the order."""

    order_id: int
    symbol: str
    quantity: int
    remaining: int
    time: int


class OrderActivated(Message, frozen=True):
    """The entry of a bracket has ended: this leg of it is a working order now, of this quantity."""

    order_id: int
    symbol: str
    quantity: int
    time: int


class Transferred(Message, frozen=True):
    """Money or shares came (positive) or went (negative) other than by a trade."""

    asset: str
    amount: int
    reason: str
    time: int


class AccountChanged(Message, frozen=True):
    """The operator froze, unfroze, reset or closed the account."""

    standing: Standing
    """From here on."""
    reset: bool
    reason: str
    time: int


Report = (
    OrderAccepted
    | OrderFilled
    | OrderCancelled
    | OrderCancelRefused
    | OrderTriggered
    | OrderReplaced
    | OrderReplaceRefused
    | OrderDecremented
    | OrderActivated
    | Transferred
    | AccountChanged
)


class Reports(msgspec.Struct, frozen=True):
    """One message on reports.<account>; `number` is that of its first report, the others follow without gaps."""

    number: int
    reports: list[Report]
