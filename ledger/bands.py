"""How far from a reference price a price may be, on the ticks that are still within. Pure."""

from __future__ import annotations

from exchange.messages.base import Side
from exchange.money import BASIS_POINTS


def away(side: Side, reference: int, basis_points: int, tick: int) -> int:
    """The price on the far side of the reference for a buyer (above) or a seller (below): rounded to the tick that is still
    within, at least one tick."""
    if side == "buy":
        price = reference * (BASIS_POINTS + basis_points) // BASIS_POINTS // tick * tick
    else:
        price = -(-reference * (BASIS_POINTS - basis_points) // BASIS_POINTS // tick) * tick
    return max(price, tick)


def band(reference: int, basis_points: int, tick: int) -> tuple[int, int]:
    """The lowest and the highest price within."""
    return away("sell", reference, basis_points, tick), away("buy", reference, basis_points, tick)
