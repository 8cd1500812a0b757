"""Requests: trader → ledger, on orders.<account>, and the answers to them."""

from __future__ import annotations

from .base import Kind, Message, SelfTrade, Side, TimeInForce


class Submit(Message, frozen=True):
    """A new order. Sent again with the same `client_order_id` it is answered, never placed twice."""

    client_order_id: str
    symbol: str
    side: Side
    quantity: int
    kind: Kind = "limit"
    price: int | None = None
    """The limit. For a market order an optional protection price; without one the market's own protection applies."""
    tif: TimeInForce = "gtc"
    """Time in force. A market order is `ioc`, whatever this says, and refused with `fok`. Of a stop: how long it waits."""
    stop_price: int | None = None
    """Kinds stop and stop_limit: the trade price at which (a buy: or above, a sell: or below) the order becomes a market or a
    limit order."""
    trail: int | None = None
    """Kind trailing_stop: how far the stop price stays behind the best trade price since, in money …"""
    trail_basis_points: int | None = None
    """… or in basis points of it."""
    expires: int = 0
    """tif gtd: when the order ends, in nanoseconds since 1970."""
    post_only: bool = False
    """Never takes: cancelled instead of trading at once."""
    display: int = 0
    """Iceberg: at most so much is shown at a time; each refresh goes to the back of the queue. 0 shows all."""
    self_trade: SelfTrade | None = None
    """Overrides the market's rule."""


class Replace(Message, frozen=True):
    """Change an open order's price or open quantity. Less quantity at the same price keeps its place in the queue."""

    order_id: int = 0
    client_order_id: str = ""
    """Names the order, as in Cancel."""
    quantity: int | None = None
    """New open quantity; what was filled stays filled."""
    price: int | None = None
    """New limit; for a stop order that has not triggered its limit (stop_limit), see `stop_price` for the trigger."""
    stop_price: int | None = None


class Cancel(Message, frozen=True):
    """Cancel one open order, named by its id or by the client's own id."""

    order_id: int = 0
    client_order_id: str = ""


class CancelAll(Message, frozen=True):
    """Cancel every open order of the account, or those of one symbol."""

    symbol: str = ""


class Oco(Message, frozen=True):
    """Two orders of which only one is to be filled: a limit order, and a stop order of the same symbol, side and quantity.

    They live and die together: what one trades is taken off the other, and when one ends, the other is cancelled. One hold,
    that of the dearer, covers both.
    """

    limit: Submit
    stop: Submit


class Bracket(Message, frozen=True):
    """An order, and the pair that closes what it opens: both legs are of the other side and of the entry's quantity.

    They wait until the entry has ended; then they are an OCO pair of the quantity that the entry traded, or cancelled if it
    traded nothing.
    """

    entry: Submit
    take_profit: Submit
    """A limit order."""
    stop_loss: Submit
    """A stop, stop_limit or trailing_stop order."""


Command = Submit | Replace | Cancel | CancelAll | Oco | Bracket
Request = Command | list[Command]
"""One command, or up to COMMANDS_PER_REQUEST_MAX of them; the answer has the same shape."""


class Accepted(Message, frozen=True):
    """The journal holds the command. What becomes of it is told by reports."""

    order_id: int = 0
    """The order's id; 0 for a CancelAll."""
    client_order_id: str = ""
    duplicate: bool = False
    """True when this client order id had been accepted before: this is that order, nothing new was placed."""
    orders: int = 1
    """How many orders the command concerned (a CancelAll concerns many). Those of a group have the ids from `order_id` on."""


class Refused(Message, frozen=True):
    """The command or question changed nothing, and why."""

    reason: str
    """A word a program can test, for example `insufficient_funds`; see ledger/refusals.py."""
    detail: str = ""
    """The same for people: "buying 100 KRYP at 20.60 needs 2060.00, 1000.00 is available"."""
    client_order_id: str = ""


Outcome = Accepted | Refused
Reply = Outcome | list[Outcome]
