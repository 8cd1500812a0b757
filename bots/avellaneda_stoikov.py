"""The market maker of Avellaneda and Stoikov (2008), "High-frequency trading in a limit order book", with a ladder."""

from __future__ import annotations

from math import ceil, floor, log
from random import Random
from typing import ClassVar, Final

from .fair_value import FairValue
from .market_maker import MarketMaker
from .strategy import SECOND, ClientOrderIds, Instrument, Observation


class AvellanedaStoikov(MarketMaker):
    """Quotes around a reservation price r = s - q g v t with a spread of g v t + 2/g ln(1 + g/k), all in ticks.

    s: what a share is worth, from the market and from the maker's own belief; q: the inventory beyond the wanted one, in orders
    of typical size; g: risk aversion; v: variance of the price per second, measured; t: the time ahead; k: how fast fills
    become rarer with distance. The horizon does not shrink: this maker never closes.
    """

    PARAMETERS: ClassVar[dict[str, float]] = MarketMaker.PARAMETERS | {
        "risk_aversion": 0.02,  # g, per tick
        "horizon": 10.0,  # t, in seconds
        "decay": 0.8,  # k, per tick
        "insight": 0.5,  # how much of s is the maker's own belief, 0 to 1; the rest is what the market shows
    }
    VARIANCE_HALF_LIFE: Final = 60.0
    PRICE_HALF_LIFE: Final = 5.0
    VARIANCE_MIN: Final = 0.02
    VOLATILITY_MAX: Final = 0.0006
    """Per second: moves that quotes which move make themselves must not build up."""
    HALF_TICKS_MAX: Final = 60.0
    SHIFT_MAX: Final = 0.03
    """The farthest that the inventory moves the quotes, as a share of the price."""

    def __init__(self, instrument: Instrument, shares: int, parameters: dict[str, float], ids: ClientOrderIds) -> None:
        """See MarketMaker."""
        super().__init__(instrument, shares, parameters, ids)
        self._numbers = self.PARAMETERS | parameters
        self._price = 0.0
        self._seen = 0.0
        self._variance = 1.0
        self._time = 0

    def _best_prices(self, seen: Observation, random: Random) -> tuple[int, int]:
        tick, numbers = self._instrument.tick, self._numbers
        if self._value is None:
            self._value = FairValue(self._instrument.opening_price, max(seen.last, tick), self._volatility)
        belief = self._value.at(seen.time, random) / tick
        self._follow((seen.bid + seen.ask) / 2 / tick if seen.bid and seen.ask else seen.last / tick or belief, seen.time)
        worth = numbers["insight"] * belief + (1 - numbers["insight"]) * self._price
        risk = max(numbers["risk_aversion"], 1e-6)
        carried = risk * self._variance * numbers["horizon"]
        excess = (seen.inventory - self._target) / max(self._quantity, 1)
        farthest = self.SHIFT_MAX * worth
        wanted = worth - min(max(excess * carried, -farthest), farthest)
        if abs(wanted - self._middle) >= self.STEP_TICKS_MIN:
            self._middle = wanted
        half = min(max((carried + 2 / risk * log(1 + risk / numbers["decay"])) / 2, 0.5), self.HALF_TICKS_MAX)
        bid = max(floor(self._middle - half), 1) * tick
        return bid, max(ceil(self._middle + half) * tick, bid + tick)

    def _follow(self, price: float, time: int) -> None:
        """Smooth the market's price, and measure how much it moves."""
        seconds = min(max((time - self._time) / SECOND, 0.0), self.PRICE_HALF_LIFE) if self._time else 0.0
        self._time = time
        if not seconds:
            self._price, self._seen = self._price or price, self._seen or price
            return
        self._price += (price - self._price) * (1 - 0.5 ** (seconds / self.PRICE_HALF_LIFE))
        move, self._seen = price - self._seen, price
        weight = 1 - 0.5 ** (seconds / self.VARIANCE_HALF_LIFE)
        variance = self._variance + (move * move / seconds - self._variance) * weight
        self._variance = min(max(variance, self.VARIANCE_MIN), (self.VOLATILITY_MAX * self._price) ** 2)
