"""The price of an auction by brute force: every tick is tried."""

from __future__ import annotations

from collections.abc import Sequence

Interest = Sequence[tuple[int, int]]
"""Of one side: (limit, quantity) of each order."""


def auction(buys: Interest, sells: Interest, tick: int, reference: int) -> tuple[int, int, int]:
    """Price, volume and imbalance (bought less sold at the price) of an auction; all 0 when nothing would trade.

    The largest volume; then the smallest imbalance, whoever's; then the nearest to the reference; then the higher of two.
    """
    limits = {limit for limit, _ in [*buys, *sells]}
    if not buys or not sells:
        return 0, 0, 0
    lowest = -(-min(limits) // tick) * tick
    prices = limits | set(range(lowest, max(limits) + 1, tick))
    tried = [(price, *_at(price, buys, sells)) for price in sorted(prices)]
    price, bought, sold = max(
        tried, key=lambda row: (min(row[1], row[2]), -abs(row[1] - row[2]), -abs(row[0] - reference), row[0])
    )
    volume = min(bought, sold)
    return (price, volume, bought - sold) if volume else (0, 0, 0)


def _at(price: int, buys: Interest, sells: Interest) -> tuple[int, int]:
    """What would be bought and what would be sold at a price."""
    bought = sum([quantity for limit, quantity in buys if limit >= price])
    sold = sum([quantity for limit, quantity in sells if limit <= price])
    return bought, sold
