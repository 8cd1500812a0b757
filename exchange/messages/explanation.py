"""api.<account>.explain and admin.explain: an order's whole life, with the numbers that prove it."""

from __future__ import annotations

from typing import Literal

import msgspec

from .account import OrderRecord
from .base import Liquidity


class ExplainQuestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which order: by its id, or by the client's own id (then refused submissions are found, too)."""

    order_id: int = 0
    client_order_id: str = ""
    account: str = ""
    """admin.explain only: whose client order id it is."""


class LogPlace(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where in the logs something stands."""

    log: str
    batch: int
    event: int = 0
    """Within a batch of events, counted from 0 over all its moments."""


class QueuePlace(msgspec.Struct, frozen=True):
    """What stood before an order in the book. Shown quantities: the hidden rest of icebergs waits behind."""

    price: int
    quantity: int
    """Shown of the order itself."""
    orders_better: int
    quantity_better: int
    """At better prices."""
    orders_ahead: int
    quantity_ahead: int
    """At the same price, earlier."""
    at: LogPlace
    """Of `queue_now`: the newest batch that was looked at."""
    time: int = 0


class TradeAhead(msgspec.Struct, frozen=True):
    """A trade on the order's side of the book while it waited there."""

    trade_id: int
    price: int
    quantity: int
    at: LogPlace
    time: int


class OrderStep(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that happened to an order."""

    what: Literal["queued", "filled", "triggered", "replaced", "activated", "decremented", "ended"]
    at: LogPlace
    journal: int
    """Number of the journal batch that caused it."""
    time: int
    price: int = 0
    quantity: int = 0
    """filled, decremented: so much. queued: shown. replaced, activated: open from here on. ended: unfilled."""
    trade_id: int = 0
    fee: int = 0
    liquidity: Liquidity | None = None
    reason: str = ""
    """ended: why, see CancelReason; or `filled`, or `account_frozen`. decremented: `self_trade`, or `pair` when the other order
    of its pair lost as much."""


class OrderRefusal(msgspec.Struct, frozen=True):
    """A refused submission under the client's id."""

    account: str
    reason: str
    detail: str
    symbol: str
    side: str
    quantity: int
    price: int
    at: LogPlace
    time: int


class Explanation(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer."""

    account: str
    order: OrderRecord | None = None
    """None when the client's id was only ever refused."""
    accepted: LogPlace | None = None
    queue: QueuePlace | None = None
    """When it first rested in the book; None for one that never did."""
    queue_now: QueuePlace | None = None
    """As it stands in the book now."""
    trades_ahead: int = 0
    quantity_ahead: int = 0
    """What traded ahead of it from then on until it ended, or until now: all of it; `ahead` lists the first of them."""
    ahead: list[TradeAhead] = []
    steps: list[OrderStep] = []
    steps_left_out: int = 0
    """Older steps are told first; so many later ones did not fit into the answer."""
    refusals: list[OrderRefusal] = []
    kept_from: dict[str, int] = {}
    """Per log that `exchange up --keep` has cut, the first batch that it still has: of what was before only history tells."""
