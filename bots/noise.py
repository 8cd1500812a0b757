"""The noise trader: somebody who buys and sells for reasons of their own, at random moments, in odd sizes."""

from __future__ import annotations

from random import Random
from typing import Final

from exchange.messages.account import OpenOrder
from exchange.messages.base import Side
from exchange.messages.requests import Cancel, Submit

from .strategy import SECOND, ClientOrderIds, Command, Decision, Instrument, Observation, round_lots


class NoiseTrader:
    """Orders arrive like calls at an exchange of another kind: a Poisson process. Most take what is quoted, some wait near it.

    Buys what it sold too much of and sells what it bought too much of, gently, so that it never runs out of either.
    """

    PARAMETERS: Final[dict[str, float]] = {
        "rate": 1.0,  # orders a second, on average
        "quantity": 0,  # shares in a typical order, 0 for a two-thousandth of the inventory
        "patient": 0.3,  # share of the orders that wait near the touch instead of trading at once
        "patience": 20.0,  # seconds such an order waits at most, on average
    }
    ORDERS_MAX: Final = 12
    """Own orders that wait at a time; with so many there, only those that trade at once are sent."""
    REACH_TICKS: Final = 2
    """How far through the best price an order that trades at once may go."""
    QUANTITY_FACTOR_MAX: Final = 12.0
    """The largest order, in typical orders."""
    PERSISTENCE: Final = 0.55
    """How often an order goes the way of the one before: people come in waves."""
    TILT: Final = 2.0
    """How strongly the side depends on the inventory: with 1/TILT of it gone, the trader only buys."""

    def __init__(self, instrument: Instrument, shares: int, parameters: dict[str, float], ids: ClientOrderIds) -> None:
        """`shares` is the inventory the trader started with; `parameters` override PARAMETERS."""
        numbers = self.PARAMETERS | parameters
        self._instrument = instrument
        self._ids = ids
        self._start = max(shares, 1)
        self._rate = max(numbers["rate"], 0.001)
        self._quantity = numbers["quantity"] or shares / 2_000
        self._patient = numbers["patient"]
        self._patience = max(numbers["patience"], 0.1)
        self._arrival = 0
        self._side: Side = "buy"
        self._ends: dict[int, int] = {}
        """When each waiting order is taken back, by order id."""

    def decide(self, seen: Observation, random: Random) -> Decision:
        """Take back what waited long enough, and place an order if one arrives now."""
        if not self._arrival:  # The first is quick: somebody watches an empty chart.
            self._arrival = seen.time + round(random.uniform(0.1, 0.6) * SECOND)
        self._follow_orders(seen, random)
        order: Submit | None = None
        if seen.time >= self._arrival:
            self._arrival = seen.time + round(random.expovariate(self._rate) * SECOND)
            order = self._order(seen, random)
        commands: list[Command] = [
            Cancel(order_id=own.order_id)
            for own in seen.orders
            if self._ends[own.order_id] <= seen.time or (order is not None and _meet(own, order))
        ]
        ends = [end for end in self._ends.values() if end > seen.time]
        if order is not None:
            commands.append(order)
        return Decision(commands, min([self._arrival, *ends]))

    def _follow_orders(self, seen: Observation, random: Random) -> None:
        """Give every order that waits, also one of an earlier run, an end; forget those that are gone."""
        waiting = {order.order_id for order in seen.orders}
        self._ends = {order_id: end for order_id, end in self._ends.items() if order_id in waiting}
        for order in seen.orders:
            if order.order_id not in self._ends:
                self._ends[order.order_id] = seen.time + round((0.5 + random.expovariate(1 / self._patience)) * SECOND)

    def _order(self, seen: Observation, random: Random) -> Submit | None:
        """The next order, or None when nothing is quoted yet or the funds do not reach."""
        instrument = self._instrument
        surplus = (seen.inventory - self._start) / self._start
        if random.random() >= self.PERSISTENCE:
            self._side = "buy" if random.random() < 0.5 - self.TILT * surplus / 2 else "sell"
        side = self._side
        factor = min(random.lognormvariate(0.0, 0.9), self.QUANTITY_FACTOR_MAX)
        quantity = round_lots(self._quantity * factor, instrument.lot)
        same, other = (seen.bid, seen.ask) if side == "buy" else (seen.ask, seen.bid)
        waits = random.random() < self._patient and len(seen.orders) < self.ORDERS_MAX
        if not (same if waits else other):
            return None
        sign = 1 if side == "buy" else -1
        if waits:
            # From one tick better than the best price of the own side to four ticks behind it, but never through the other.
            price = same + sign * random.choice((1, 0, 0, -1, -1, -2, -3, -4)) * instrument.tick
            if other and sign * (other - price) <= 0:
                price = same
        else:
            price = other + sign * self.REACH_TICKS * instrument.tick
        if price <= 0 or (quantity * price > seen.cash if side == "buy" else quantity > seen.shares):
            return None
        return Submit(
            client_order_id=self._ids.next(),
            symbol=instrument.symbol,
            side=side,
            quantity=quantity,
            kind="limit" if waits else "market",
            price=price,
        )


def _meet(own: OpenOrder, order: Submit) -> bool:
    """Whether an own order that waits would trade with the new one."""
    assert order.price is not None
    return own.side != order.side and (own.price <= order.price if order.side == "buy" else own.price >= order.price)
