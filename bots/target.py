"""Traders that want to hold a certain position: trend followers, mean reverters, and those who believe to know a value."""

from __future__ import annotations

from math import log, tanh
from random import Random
from typing import ClassVar, Final

from exchange.messages.requests import Cancel, Submit

from .fair_value import HiddenValue
from .strategy import SECOND, ClientOrderIds, Command, Decision, Instrument, Observation

REACH_TICKS: Final = 3
"""How far through the best price an order may go."""


class TargetTrader:
    """Looks every few seconds, and trades a slice of what is missing to the wanted position, at once or not at all."""

    PARAMETERS: ClassVar[dict[str, float]] = {
        "interval": 3.0,  # seconds between two looks, on average
        "most": 0.1,  # the largest position, as a share of the inventory it began with
        "slice": 0.1,  # how much of the largest position one order trades at most
    }

    def __init__(self, instrument: Instrument, shares: int, parameters: dict[str, float], ids: ClientOrderIds) -> None:
        """`shares` is the inventory to which the position is added."""
        self.numbers = self.PARAMETERS | parameters
        self.instrument = instrument
        self._ids = ids
        self._start = shares
        self._most = max(self.numbers["most"] * shares, instrument.lot)

    def decide(self, seen: Observation, random: Random) -> Decision:
        """Trade towards the target."""
        wake = seen.time + round(max(random.expovariate(1 / max(self.numbers["interval"], 0.1)), 0.2) * SECOND)
        commands: list[Command] = [Cancel(order_id=order.order_id) for order in seen.orders]  # Of an earlier run.
        price = (seen.bid + seen.ask) / 2 if seen.bid and seen.ask else seen.last
        if price <= 0:
            return Decision(commands, wake)
        wanted = min(max(self.target(price, seen, random), -1.0), 1.0) * self._most
        order = self.order(wanted - (seen.inventory - self._start), seen)
        return Decision([*commands, order] if order else commands, wake)

    def target(self, price: float, seen: Observation, random: Random) -> float:
        """The wanted position, from -1 to 1 of the largest."""
        raise NotImplementedError

    def least(self, slice_: float) -> float:
        """The least that is worth an order, in shares."""
        return slice_ / 2

    def order(self, missing: float, seen: Observation) -> Submit | None:
        """A slice of what is missing, if it is worth an order, can be had and can be paid."""
        lot, tick = self.instrument.lot, self.instrument.tick
        slice_ = max(self.numbers["slice"] * self._most, lot)
        least = self.least(slice_)
        quantity = int(min(abs(missing), slice_) / lot) * lot
        side, other = ("buy", seen.ask) if missing > 0 else ("sell", seen.bid)
        if not other or quantity < lot or abs(missing) < least:
            return None
        price = other + (REACH_TICKS if side == "buy" else -REACH_TICKS) * tick
        affordable = seen.cash // price if side == "buy" else seen.shares
        quantity = min(quantity, affordable // lot * lot)
        if price <= 0 or quantity <= 0:
            return None
        return Submit(
            self._ids.next(), self.instrument.symbol, "buy" if missing > 0 else "sell", quantity, price=price, tif="ioc"
        )


class Average:
    """An exponential average over irregular times."""

    def __init__(self, half_life: float) -> None:
        self._half_life = max(half_life, 0.1)
        self._time = 0
        self.value = 0.0

    def add(self, value: float, time: int) -> float:
        """The average with this value."""
        if not self._time:
            self.value = value
        else:
            self.value += (value - self.value) * (1 - 0.5 ** (max(time - self._time, 0) / SECOND / self._half_life))
        self._time = time
        return self.value


class TrendFollower(TargetTrader):
    """Goes with a quick average that leaves a slow one behind."""

    PARAMETERS: ClassVar[dict[str, float]] = TargetTrader.PARAMETERS | {
        "quick": 20.0,  # half-life of the quick average, in seconds
        "slow": 120.0,  # and of the slow one
        "threshold": 0.001,  # how far apart they are for a full position, as a share of the price
    }

    def __init__(self, instrument: Instrument, shares: int, parameters: dict[str, float], ids: ClientOrderIds) -> None:
        """See TargetTrader."""
        super().__init__(instrument, shares, parameters, ids)
        self._quick, self._slow = Average(self.numbers["quick"]), Average(self.numbers["slow"])

    def target(self, price: float, seen: Observation, random: Random) -> float:
        """Of the trend's sign, and full at the threshold."""
        apart = log(self._quick.add(price, seen.time) / self._slow.add(price, seen.time))
        return tanh(apart / max(self.numbers["threshold"], 1e-6))


class MeanReversion(TargetTrader):
    """Sells what has risen above its average, buys what has fallen below it."""

    PARAMETERS: ClassVar[dict[str, float]] = TargetTrader.PARAMETERS | {
        "average": 300.0,  # half-life of the average, in seconds
        "threshold": 0.004,  # distance from it for a full position, as a share of the price
    }

    def __init__(self, instrument: Instrument, shares: int, parameters: dict[str, float], ids: ClientOrderIds) -> None:
        """See TargetTrader."""
        super().__init__(instrument, shares, parameters, ids)
        self._average = Average(self.numbers["average"])

    def target(self, price: float, seen: Observation, random: Random) -> float:
        """Against the distance."""
        return -log(price / self._average.add(price, seen.time)) / max(self.numbers["threshold"], 1e-6)


class Fundamental(TargetTrader):
    """Believes in a hidden value, the same for all of its kind, which wanders, and jumps when there is news."""

    PARAMETERS: ClassVar[dict[str, float]] = TargetTrader.PARAMETERS | {
        "half_life": 3600.0,  # of the value's way back to the opening price, in seconds
        "deviation": 0.02,  # of the value around it, in the long run
        "news": 6.0,  # an hour, on average
        "jump": 0.004,  # deviation of a piece of news; half of it is forgotten after ten minutes
        "shock": 0.0,  # one certain jump …
        "shock_after": 120.0,  # … so many seconds after the start
        "threshold": 0.004,  # mispricing for a full position, as a share of the price
    }

    def __init__(self, instrument: Instrument, shares: int, parameters: dict[str, float], ids: ClientOrderIds) -> None:
        """See TargetTrader."""
        super().__init__(instrument, shares, parameters, ids)
        self._value = HiddenValue(instrument, self.numbers)

    def target(self, price: float, seen: Observation, random: Random) -> float:
        """The cheaper, the more."""
        return log(self._value.at(seen.time) / price) / max(self.numbers["threshold"], 1e-6)


class MomentumIgnition(TargetTrader):
    """For teaching: buys quickly to make others follow, then sells to them. Illegal on real markets, and often a loss."""

    PARAMETERS: ClassVar[dict[str, float]] = TargetTrader.PARAMETERS | {
        "interval": 0.5,
        "slice": 0.25,
        "ignite": 10.0,  # seconds of buying
        "sell": 30.0,  # seconds of selling
        "rest": 200.0,  # seconds until it begins again
    }

    def __init__(self, instrument: Instrument, shares: int, parameters: dict[str, float], ids: ClientOrderIds) -> None:
        """See TargetTrader."""
        super().__init__(instrument, shares, parameters, ids)
        self._began = 0

    def target(self, price: float, seen: Observation, random: Random) -> float:
        """All, nothing, nothing."""
        numbers = self.numbers
        self._began = self._began or seen.time - round(numbers["ignite"] + numbers["sell"]) * SECOND
        into = (seen.time - self._began) / SECOND % max(numbers["ignite"] + numbers["sell"] + numbers["rest"], 1.0)
        return 1.0 if into < numbers["ignite"] else 0.0
