"""A hidden value that wanders, seeded, and always comes back: what keeps a price from drifting to zero or to the sky."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, expm1, log, sqrt
from random import Random
from typing import Final

from .strategy import SECOND, Instrument

STEP_SECONDS_MAX: Final = 5.0
"""After a pause the value goes on from where it was instead of jumping."""


class Wanderer:
    """An Ornstein–Uhlenbeck process around 0, exact for any step."""

    def __init__(self, half_life: float, deviation: float, value: float = 0.0) -> None:
        """`half_life` in seconds; `deviation` is the standard deviation in the long run."""
        self._rate = log(2) / half_life
        self._deviation = deviation
        self.value = value

    def step(self, seconds: float, random: Random) -> float:
        """The value `seconds` later."""
        noise = self._deviation * sqrt(-expm1(-2 * self._rate * seconds))
        self.value = self.value * exp(-self._rate * seconds) + random.gauss(0.0, 1.0) * noise
        return self.value


class HiddenValue:
    """What a share is worth to those who know: the opening price, times a wanderer, times news that jump and fade.

    Moves in steps of whole seconds, each with randomness made of the seed and the second alone: everybody with the same seed
    learns the same news at the same time.
    """

    NEWS_HALF_LIFE: Final = 600.0

    def __init__(self, instrument: Instrument, parameters: Mapping[str, float]) -> None:
        """`parameters`: half_life (s), deviation, news (an hour), jump (its deviation), shock and shock_after (s)."""
        self._instrument = instrument
        self._numbers = parameters
        self._wanderer = Wanderer(parameters["half_life"], parameters["deviation"])
        self._news = 0.0
        self._began = 0
        self._second = 0

    def at(self, time: int) -> float:
        """The value now, in units of price."""
        now = time // SECOND
        if not self._began:
            self._began = self._second = now
        for second in range(max(self._second + 1, now - 10), now + 1):
            self._step(second)
        self._second = max(self._second, now)
        return self._instrument.opening_price * exp(self._wanderer.value + self._news)

    def _step(self, second: int) -> None:
        numbers, random = self._numbers, Random(f"{self._instrument.seed}/{self._instrument.symbol}/{second}")
        self._wanderer.step(1.0, random)
        self._news *= 0.5 ** (1 / self.NEWS_HALF_LIFE)
        if random.random() < numbers["news"] / 3600:
            self._news += random.gauss(0.0, numbers["jump"])
        if numbers["shock"] and second == self._began + int(numbers["shock_after"]):
            self._news += numbers["shock"]


class FairValue:
    """The opening price times two wanderers: a slow one (the company) and a quick one (the mood).

    `volatility` scales both; at 1 the price moves about 0.3 % a minute, 3 % a day or two around the opening price.
    """

    SLOW_HALF_LIFE: Final = 6 * 3600.0
    SLOW_DEVIATION: Final = 0.04
    QUICK_HALF_LIFE: Final = 150.0
    QUICK_DEVIATION: Final = 0.0025
    START_DEVIATIONS_MAX: Final = 3.0
    """A start further away is a price somebody made, not one to believe in."""

    def __init__(self, opening_price: int, start: float, volatility: float) -> None:
        farthest = self.START_DEVIATIONS_MAX * self.SLOW_DEVIATION * volatility
        self._opening_price = opening_price
        self._slow = Wanderer(
            self.SLOW_HALF_LIFE,
            self.SLOW_DEVIATION * volatility,
            min(max(log(start / opening_price), -farthest), farthest),
        )
        self._quick = Wanderer(self.QUICK_HALF_LIFE, self.QUICK_DEVIATION * volatility)
        self._time = 0

    def at(self, time: int, random: Random) -> float:
        """The value now, in units of price."""
        seconds = min(max((time - self._time) / SECOND, 0.0), STEP_SECONDS_MAX) if self._time else 0.0
        self._time = time
        return self._opening_price * exp(self._slow.step(seconds, random) + self._quick.step(seconds, random))
