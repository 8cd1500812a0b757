"""The price band around a reference price: the engine keeps trades in it, and the public learns of it."""

from __future__ import annotations

from .money import BASIS_POINTS


def around(reference: int, width: int, tick: int) -> tuple[int, int] | None:
    """The lowest and the highest price on the tick, at most `width` basis points away; None for width 0: any price."""
    if not width:
        return None
    low = -(-reference * (BASIS_POINTS - width) // (BASIS_POINTS * tick)) * tick
    high = reference * (BASIS_POINTS + width) // (BASIS_POINTS * tick) * tick
    return max(tick, low), high
