"""The arbitrageur: two symbols whose prices belong together, one bought and the other sold when they part."""

from __future__ import annotations

from math import log
from random import Random
from typing import ClassVar

from exchange.messages.requests import Cancel, Submit

from .strategy import SECOND, ClientOrderIds, Command, Decision, Instrument, Observation, round_lots
from .target import REACH_TICKS, Average


class Arbitrageur:
    """Compares the ratio of two prices with its average: what has become dear is sold, what has become cheap is bought.

    Both legs are worth the same, and are sent in one request: at once or not at all each, so a leg may stay alone until the
    next look, which trades what is missing.
    """

    PARAMETERS: ClassVar[dict[str, float]] = {
        "interval": 1.0,  # seconds between two looks
        "average": 600.0,  # half-life of the ratio's average, in seconds
        "threshold": 0.003,  # distance from it at which it acts, as a share
        "most": 0.1,  # the largest position, as a share of the inventory it began with
    }

    def __init__(self, instrument: Instrument, shares: int, parameters: dict[str, float], ids: ClientOrderIds) -> None:
        """`shares` is the inventory of the first symbol."""
        self._numbers = self.PARAMETERS | parameters
        self._instrument = instrument
        self._ids = ids
        self._start = shares
        self._start_related: int | None = None
        self._most = max(self._numbers["most"] * shares, instrument.lot)
        self._average = Average(self._numbers["average"])

    def decide(self, seen: Observation, random: Random) -> Decision:
        """Both legs towards the position that the ratio asks for."""
        wake = seen.time + round(self._numbers["interval"] * SECOND)
        commands: list[Command] = [Cancel(order_id=order.order_id) for order in seen.orders]
        related = seen.related
        if related is None or not (seen.bid and seen.ask and related.bid and related.ask):
            return Decision(commands, wake)
        if self._start_related is None:
            self._start_related = related.inventory
        ratio = log((seen.bid + seen.ask) / (related.bid + related.ask))
        apart = ratio - self._average.add(ratio, seen.time)
        position = seen.inventory - self._start
        wanted = position
        if abs(apart) > self._numbers["threshold"]:
            wanted = round(-self._most if apart > 0 else self._most)
        elif abs(apart) < self._numbers["threshold"] / 4:
            wanted = 0
        worth = wanted * (seen.bid + seen.ask) / (related.bid + related.ask)
        first = self._leg(self._instrument, wanted - position, seen.bid, seen.ask)
        missing = -worth - (related.inventory - self._start_related)
        second = self._leg(related.instrument, missing, related.bid, related.ask)
        return Decision([*commands, *(leg for leg in (first, second) if leg)], wake)

    def _leg(self, instrument: Instrument, missing: float, bid: int, ask: int) -> Submit | None:
        if abs(missing) < max(instrument.lot, 0.02 * self._most):
            return None
        reach = REACH_TICKS * instrument.tick
        price = ask + reach if missing > 0 else max(bid - reach, instrument.tick)
        quantity = round_lots(abs(missing), instrument.lot)
        return Submit(self._ids.next(), instrument.symbol, "buy" if missing > 0 else "sell", quantity, price=price, tif="ioc")
