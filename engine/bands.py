"""Price bands: how far from the reference price a trade may be."""

from __future__ import annotations

from typing import Final

import msgspec

from exchange.bands import around
from exchange.messages.journal import DefineSymbol

SECOND: Final = 10**9
"""In nanoseconds."""


class Bands(msgspec.Struct, frozen=True, array_like=True):
    """What a symbol's rules say of its reference price and the bands around it; widths in basis points, 0 for none."""

    order: int = 0
    """Of limits: the gate's, and here only a reason to keep the reference price moving."""
    trade: int = 0
    reference_seconds: int = 60
    auction_seconds: int = 60
    """How long a volatility auction lasts."""

    @property
    def any(self) -> bool:
        """Whether the reference price follows the market between auctions."""
        return self.order > 0 or self.trade > 0

    def around(self, reference: int, tick: int) -> tuple[int, int] | None:
        """The lowest and the highest price of a trade; None if it may have any."""
        return around(reference, self.trade, tick)


def bands_of(command: DefineSymbol) -> Bands:
    """The bands of a symbol from here on."""
    return Bands(command.order_band, command.trade_band, command.reference_seconds, command.volatility_auction_seconds)
