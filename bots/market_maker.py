"""The market maker: a ladder of orders on both sides of a hidden value, leaning against what it has bought or sold."""

from __future__ import annotations

from math import ceil, exp, floor
from random import Random
from typing import ClassVar, Final

from exchange.messages.account import OpenOrder
from exchange.messages.base import Side
from exchange.messages.requests import Cancel, Submit

from .fair_value import FairValue
from .strategy import SECOND, ClientOrderIds, Command, Decision, Instrument, Observation, round_lots


class MarketMaker:
    """Keeps `levels` prices quoted on each side, one order a price.

    Only what changed is cancelled and placed anew, so that a step of one tick costs two cancels and two orders. Cancels
    stand first in a request: the bot never meets its own orders. At most 2 x (LEVELS_MAX + SLACK) orders rest.
    """

    PARAMETERS: ClassVar[dict[str, float]] = {
        "levels": 10,  # prices quoted on each side, at most LEVELS_MAX
        "spread": 10,  # between best bid and best ask, in basis points, but two ticks at least
        "quantity": 0,  # shares at the best price, 0 for a thousandth of the inventory; deeper levels hold more
        "lean": 0.5,  # how far quotes move when the whole inventory was sold, as a natural logarithm of the price
        "volatility": 1.0,  # see FairValue
    }
    LEVELS_MAX: Final = 20
    """With twice as many orders placed as cancelled at worst, a decision still fits into one request."""
    SLACK: Final = 3
    """An order this many levels deeper than the ladder still rests: a price that swings to and fro changes nothing there."""
    STEP_TICKS_MIN: Final = 0.7
    """The ladder stays where it is until its middle has moved this far."""
    DEPTH_GROWTH: Final = 0.3
    """Each level holds this much more of the best price's quantity."""
    INTERVAL: Final = SECOND // 2

    def __init__(self, instrument: Instrument, shares: int, parameters: dict[str, float], ids: ClientOrderIds) -> None:
        """`shares` is the inventory the maker wants to have; `parameters` override PARAMETERS."""
        numbers = self.PARAMETERS | parameters
        self._instrument = instrument
        self._ids = ids
        self._target = max(shares, 1)
        self._levels = min(max(int(numbers["levels"]), 1), self.LEVELS_MAX)
        self._half_spread = numbers["spread"] / 2 / 10_000
        self._quantity = numbers["quantity"] or shares / 1_000
        self._lean = numbers["lean"]
        self._volatility = numbers["volatility"]
        self._value: FairValue | None = None
        self._middle = 0.0

    def decide(self, seen: Observation, random: Random) -> Decision:
        """Move the ladder to where the value and the inventory say, and fill its holes."""
        bid, ask = self._best_prices(seen, random)
        commands: list[Command] = []
        quoted: set[tuple[Side, int]] = set()
        for order in seen.orders:
            place = (order.side, order.price)
            if place not in quoted and self._in_reach(order, bid, ask):
                quoted.add(place)
            else:
                commands.append(Cancel(order_id=order.order_id))
        # What the cancels free is not yet free when the orders behind them are checked, so it is not spent here.
        commands += self._side("buy", bid, -self._instrument.tick, quoted, seen.cash, random)
        commands += self._side("sell", ask, self._instrument.tick, quoted, seen.shares, random)
        return Decision(commands, seen.time + self.INTERVAL)

    def _best_prices(self, seen: Observation, random: Random) -> tuple[int, int]:
        """Where the ladder begins on each side, in units of price."""
        tick = self._instrument.tick
        lean = exp(-self._lean * (seen.inventory - self._target) / self._target)
        if self._value is None:
            self._value = FairValue(self._instrument.opening_price, max(seen.last, tick) / lean, self._volatility)
        middle = self._value.at(seen.time, random) * lean
        if abs(middle - self._middle) >= self.STEP_TICKS_MIN * tick:
            self._middle = middle
        half = max(self._half_spread * self._middle, tick)
        bid = max(floor((self._middle - half) / tick), 1) * tick
        ask = max(ceil((self._middle + half) / tick) * tick, bid + tick)
        return bid, ask

    def _in_reach(self, order: OpenOrder, bid: int, ask: int) -> bool:
        depth = (self._levels - 1 + self.SLACK) * self._instrument.tick
        return bid - depth <= order.price <= bid if order.side == "buy" else ask <= order.price <= ask + depth

    def _side(
        self, side: Side, best: int, step: int, quoted: set[tuple[Side, int]], available: int, random: Random
    ) -> list[Command]:
        """Orders for the prices of one side that nothing is quoted at, best first, for as long as funds last."""
        commands: list[Command] = []
        for level in range(self._levels):
            price = best + level * step
            if price <= 0 or (side, price) in quoted:
                continue
            wanted = self._quantity * (1 + self.DEPTH_GROWTH * level) * random.lognormvariate(0.0, 0.35)
            quantity = round_lots(wanted, self._instrument.lot)
            cost = quantity * price if side == "buy" else quantity
            if cost > available:
                break
            available -= cost
            commands.append(
                Submit(
                    client_order_id=self._ids.next(), symbol=self._instrument.symbol, side=side, quantity=quantity, price=price
                )
            )
        return commands
