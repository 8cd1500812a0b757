"""Events: engine → ledger, historian, ticks; stream EVENTS_<shard>."""

from __future__ import annotations

from typing import Literal

import msgspec

from .base import Message, Phase, Side


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
    """Part of an uncross: there is no aggressor; the maker is the seller, the taker the buyer, and `side` buy."""


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
    """A replace came too late: the order had ended, or more was filled than the new quantity; or `reason`."""

    order_id: int
    symbol: str
    reason: ReplaceRefusal = "late"


class Decremented(Message, frozen=True):
    """An order lost `quantity` without a trade: to self-trade prevention, or because the other order of its pair traded it.

    An order with nothing left ends with this.
    """

    order_id: int
    symbol: str
    quantity: int


class Refreshed(Message, frozen=True):
    """The next part of an iceberg is shown, behind all others at its price."""

    order_id: int
    symbol: str
    quantity: int
    """Shown now."""


class Activated(Message, frozen=True):
    """The entry of a bracket has ended: this leg of it arrives now, with what the entry traded."""

    order_id: int
    symbol: str
    quantity: int


class PhaseChanged(Message, frozen=True):
    """A symbol's phase; what that causes (an uncross, orders that end, stops that trigger) follows."""

    symbol: str
    phase: Phase
    reason: str = ""
    until: int = 0
    """Of a volatility auction: when it ends, in nanoseconds since 1970."""


class Indicated(Message, frozen=True):
    """What an auction would do now. Told at the end of each journal batch that changed it, in phases that collect orders."""

    symbol: str
    price: int
    """0 when nothing would trade."""
    volume: int
    imbalance: int
    """What would be left at that price: positive, of the buyers; negative, of the sellers."""


class ReferenceMoved(Message, frozen=True):
    """The reference price, of price bands and of auctions, is another one from here on."""

    symbol: str
    price: int


ReplaceRefusal = Literal["late", "halted", "closed"]
"""Why a replace was refused: it came too late, or the symbol's phase, which changed meanwhile, did not allow it."""

CancelReason = Literal[
    "owner",  # The owner asked for it.
    "fok",  # Fill-or-kill: not all could be filled at once.
    "expired",  # The day or its date ended.
    "post_only",  # It would have traded at once.
    "self_trade",  # It would have traded with an order of its own account.
    "ioc",  # Immediate-or-cancel: no more could be filled at once.
    "protection",  # A market order met its protection price.
    "no_liquidity",  # A market order met an empty book.
    "pair",  # The other order of its pair ended, or the entry of its bracket traded nothing.
    "halted",  # The symbol was halted when it arrived.
    "closed",  # The symbol was closed when it arrived.
    "auction",  # It trades at once or not at all, and an auction was collecting orders when it arrived.
    "auction_over",  # It was for an auction only (opg, cls), and that is over.
    "volatility",  # It trades at once or not at all, and would have traded outside the price band.
    "disconnected",  # Its owner's connection was lost.
]

Event = (
    Rested
    | Traded
    | Cancelled
    | CancelRefused
    | Triggered
    | Replaced
    | ReplaceRefused
    | Refreshed
    | Decremented
    | Activated
    | PhaseChanged
    | Indicated
    | ReferenceMoved
)


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
