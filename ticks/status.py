"""The status of one symbol: its phase, what an auction would give now, and its price band. Pure, a fold of events.

`Instrument.apply` in feed.py takes the next status for each event that the engine makes of these things.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from exchange.messages.base import Phase


class SymbolStatus(msgspec.Struct, array_like=True, frozen=True):
    """Fields as in the message Status."""

    phase: Phase = "continuous"
    reason: str = ""
    indicative_price: int = 0
    indicative_volume: int = 0
    imbalance: int = 0
    imbalance_side: str = ""
    reference: int = 0
    low: int = 0
    high: int = 0
    until: int = 0
    """Of a volatility auction only: the schedule is not in the events."""

    def phase_changed(self, phase: Phase, reason: str, until: int = 0) -> SymbolStatus:
        """A phase began; what an auction would have given before says nothing any more."""
        return SymbolStatus(phase, reason, reference=self.reference, low=self.low, high=self.high, until=until)

    def indicated(self, price: int, volume: int, imbalance: int) -> SymbolStatus:
        """What the auction would give if it ended now; the imbalance is positive if buyers are left over, else negative."""
        side = "buy" if imbalance > 0 else "sell" if imbalance else ""
        return replace(self, indicative_price=price, indicative_volume=volume, imbalance=abs(imbalance), imbalance_side=side)

    def band_moved(self, reference: int, low: int, high: int) -> SymbolStatus:
        """Trades are possible between `low` and `high` from now on."""
        return replace(self, reference=reference, low=low, high=high)
