"""Execution of one large order in small parts: evenly in time (TWAP), or along with what others trade (VWAP)."""

from __future__ import annotations

from random import Random
from typing import ClassVar

from .strategy import SECOND, ClientOrderIds, Decision, Instrument, Observation
from .target import TargetTrader


class Twap(TargetTrader):
    """Trades a quantity in equal parts over a time, however many shares others trade."""

    PARAMETERS: ClassVar[dict[str, float]] = {
        "quantity": 1000.0,  # shares to buy; negative to sell
        "duration": 600.0,  # seconds
        "interval": 10.0,  # seconds between two parts, on average
    }

    def __init__(self, instrument: Instrument, shares: int, parameters: dict[str, float], ids: ClientOrderIds) -> None:
        """See TargetTrader."""
        quantity = (self.PARAMETERS | parameters)["quantity"]
        super().__init__(instrument, shares, {"slice": 1.0, "most": 0.0} | parameters, ids)
        self._most = max(abs(quantity), instrument.lot)
        self._sign = 1 if quantity > 0 else -1
        self._began = 0
        self._volume = 0

    def decide(self, seen: Observation, random: Random) -> Decision:
        """The next part, if it is due; nothing once all is done."""
        if not self._began:
            self._began, self._volume = seen.time, seen.volume
        return super().decide(seen, random)

    def target(self, price: float, seen: Observation, random: Random) -> float:
        """What should be done by now, as a share of all."""
        return self._sign * min(self.done(seen), 1.0)

    def least(self, slice_: float) -> float:
        """Every lot that is due."""
        return self.instrument.lot

    def done(self, seen: Observation) -> float:
        """Evenly in time."""
        return (seen.time - self._began) / SECOND / max(self.numbers["duration"], 1.0)


class Vwap(Twap):
    """Trades a share of what everybody trades, so that its average price is near the market's, until all is done."""

    PARAMETERS: ClassVar[dict[str, float]] = {
        "quantity": 1000.0,  # shares to buy; negative to sell
        "participation": 0.1,  # share of what is traded that is its own
        "interval": 5.0,  # seconds between two parts, on average
    }

    def done(self, seen: Observation) -> float:
        """Along with the volume."""
        return (seen.volume - self._volume) * self.numbers["participation"] / self._most
