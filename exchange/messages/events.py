"""Events: engine → ledger, historian, ticks; stream EVENTS_<shard>."""

from __future__ import annotations

from typing import Literal

import msgspec

from .base import Message, Side


class Rested(Message, frozen=True):
    """(The rest of) an order went into the book, behind all others at its price."""

    order_id: int
    symbol: str
    side: Side
    price: int
    quantity: int


class Traded(Message, frozen=True):
    """Two orders met at the maker's price."""

    symbol: str
    trade_id: int
    """1, 2, 3 … per symbol, without gaps."""
    maker_order_id: int
    taker_order_id: int
    price: int
    quantity: int
    side: Side
    """The aggressor's side."""
    auction: bool = False
    """Made by an auction, where nobody is the aggressor."""


class Cancelled(Message, frozen=True):
    """An order ended with `quantity` unfilled. `reason`: see CancelReason."""

    order_id: int
    symbol: str
    quantity: int
    reason: CancelReason


class CancelRefused(Message, frozen=True):
    """A cancel came too late: the order was not open any more."""

    order_id: int
    symbol: str


class Triggered(Message, frozen=True):
    """A stop order became a market or limit order; what that does follows at once."""

    order_id: int
    symbol: str
    price: int
    """The stop price as it stood (a trailing one has moved)."""


class Replaced(Message, frozen=True):
    """An order has a new price or quantity."""

    order_id: int
    symbol: str
    side: Side
    price: int
    quantity: int
    """Open now, before what the new price trades at once, which follows."""
    kept_place: bool
    """Whether it kept its place in the queue; otherwise Traded and Rested follow as for a new order."""
    stop_price: int = 0


class ReplaceRefused(Message, frozen=True):
    """A replace came too late: the order had ended, or more was filled than the new quantity."""

    order_id: int
    symbol: str


class Decremented(Message, frozen=True):
    """Self-trade prevention took `quantity` off an order without a trade; an order with nothing left ends with this."""

    order_id: int
    symbol: str
    quantity: int


class Refreshed(Message, frozen=True):
    """The next part of an iceberg is shown, behind all others at its price."""

    order_id: int
    symbol: str
    quantity: int
    """Shown now."""


CancelReason = Literal[
    "owner",  # The owner asked for it.
    "fok",  # Fill-or-kill: not all could be filled at once.
    "expired",  # The day or its date ended.
    "post_only",  # It would have traded at once.
    "self_trade",  # It would have traded with an order of its own account.
    "ioc",  # Immediate-or-cancel: no more could be filled at once.
    "protection",  # A market order met its protection price.
    "no_liquidity",  # A market order met an empty book.
]

Event = Rested | Traded | Cancelled | CancelRefused | Triggered | Replaced | ReplaceRefused | Refreshed | Decremented


class Moment(msgspec.Struct, frozen=True):
    """The events that one journal batch caused."""

    journal: int
    """Number of the journal batch."""
    time: int
    """Its time."""
    events: list[Event]


class EventBatch(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message of EVENTS_<shard>. A turn whose events exceed one message is split; all parts but the last say `more`."""

    number: int
    """Equals the stream sequence."""
    journal_through: int
    """Number of the last journal batch whose commands (with this batch's `more` parts) are contained."""
    previous: str
    """Digest of the payload of the batch before."""
    moments: list[Moment]
    more: bool = False
