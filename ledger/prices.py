"""What an order may cost at most, and prices the market itself computes: protection, and where a trailing stop begins."""

from __future__ import annotations

from exchange.messages.base import Side
from exchange.money import BASIS_POINTS, fee

from .accounts import Listing, Order
from .bands import away


def cost_max(price: int, quantity: int, fee_max: int) -> int:
    """What buying can cost at most, fees included.

    Each fill's fee is rounded up, and every share may be a fill of its own: so the fee is that of one share, times shares.
    That makes the hold the same for every share, to be released share by share without a remainder.
    """
    return (price + fee(price, fee_max)) * quantity if fee_max else price * quantity


def replaced_hold(order: Order, price: int) -> int:
    """What each share of an order needs once it is replaced by one with this price."""
    if order.command.side == "sell":
        return 1
    if order.command.kind == "trailing_stop":  # Its price is the engine's; the hold was computed for the worst one.
        return order.hold // order.remaining
    return cost_max(price, 1, max(order.fees.maker, order.fees.taker, 0))


def protection(side: Side, reference: int, listing: Listing) -> int:
    """How far from a reference price a market order may trade: rounded to the tick that is still within, at least one tick."""
    return away(side, reference, listing.definition.protection, listing.definition.tick)


def trailing_stop(side: Side, trail: int, trail_basis_points: int, listing: Listing) -> int:
    """Where a trailing stop begins: its trail away from the last price, on the tick that is farther from the market."""
    reference, tick = listing.price, listing.definition.tick
    distance = trail or -(-reference * trail_basis_points // BASIS_POINTS)
    if side == "buy":
        return -(-(reference + distance) // tick) * tick
    return max((reference - distance) // tick * tick, tick)
