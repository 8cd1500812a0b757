"""What only few resting orders have, kept beside the orders, so that the others do not pay for it."""

from __future__ import annotations

from typing import Literal

import msgspec

from exchange.messages.journal import PlaceOrder


class Terms(msgspec.Struct, gc=False, array_like=True):
    """Of an order that expires, never takes, shows only a part of itself, or is for an auction only."""

    expires: int
    """Nanoseconds since 1970; 0 for never."""
    post_only: bool
    display: int
    """Of an iceberg: as much as it shows at a time; 0 shows all."""
    hidden: int
    """Open quantity that is not shown."""
    auction: Literal["", "opg", "cls"] = ""
    """Which auction's end is its own."""

    def check(self, shown: int) -> None:
        """Every invariant; `shown` is the order's."""
        assert self.expires or self.post_only or self.display or self.auction, "an order without terms has none"
        assert self.hidden >= 0
        assert self.hidden == 0 or shown <= self.display, "what an iceberg has beyond its display is hidden"


def terms_of(order: PlaceOrder, quantity: int) -> Terms:
    """The terms on which so much of an order comes to rest."""
    hidden = max(0, quantity - order.display) if order.display else 0
    auction = order.tif if order.tif == "opg" or order.tif == "cls" else ""
    return Terms(order.expires, order.post_only, order.display, hidden, auction)
