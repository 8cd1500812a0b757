"""Profit and loss by average cost, in whole units. Pure: a fold of fills and transfers, nothing else changes it.

A balance's `cost` is what the shares there were bought for, without fees; of a short position it is minus what they were sold
for. What comes or goes by a transfer does so at the symbol's price of that moment. So that for every account, to the unit,

    cash + costs = what was paid in, less what was paid out, + realized - fees
"""

from __future__ import annotations

from .accounts import Balance, Listing


def move(balance: Balance, quantity: int, value: int) -> None:
    """Before the balance's total changes: `quantity` shares come, or go if it is negative, for `value` (of the same sign).

    What closes a position realizes its gain. The cost taken off is a share of the whole, rounded down to a unit; the last
    share takes the rest. `value` is a price times `quantity`, so that its parts are whole.
    """
    held = balance.total
    if held * quantity >= 0:
        balance.cost += value
        return
    closed = min(abs(held), abs(quantity))
    cost = balance.cost * closed // abs(held)
    paid = value * closed // abs(quantity)
    balance.realized -= paid + cost
    balance.cost += value - paid - cost


def unrealized(balance: Balance, listing: Listing) -> int:
    """What the position would gain at the last price."""
    return listing.price * balance.total - balance.cost


def average_cost(balance: Balance) -> int:
    """Of one share, rounded down to a unit."""
    return balance.cost // balance.total
