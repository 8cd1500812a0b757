"""What the gate takes in which phase of a symbol's day. It knows the phase a moment late; what slips through, the engine ends.

| phase                               | taken                                                              |
|-------------------------------------|--------------------------------------------------------------------|
| pre_open, opening_auction           | all but ioc, fok, and market orders that are not for an auction    |
| volatility_auction, closing_auction | the same, but nothing for the opening                              |
| continuous                          | all but what is for the opening                                    |
| halted, closed                      | nothing                                                            |

Cancels are always taken, replaces except in the last two.
"""

from __future__ import annotations

from typing import Final

from exchange.messages.base import TimeInForce
from exchange.messages.requests import Refused, Submit

from . import phase_refusals as refusals
from .accounts import Listing

FOR_AUCTIONS: Final[tuple[TimeInForce, ...]] = ("opg", "cls")


def stopped(command: Submit, listing: Listing) -> Refused | None:
    """Whether the symbol takes no orders and no changes now."""
    phase = listing.phase
    return refusals.stopped(command, phase, listing.phase_reason) if phase in ("halted", "closed") else None


def refused(command: Submit, listing: Listing) -> Refused | None:
    """Why the phase does not allow a new order."""
    if refusal := stopped(command, listing):
        return refusal
    phase, tif = listing.phase, command.tif
    at_once = tif in ("ioc", "fok") or (command.kind == "market" and tif not in FOR_AUCTIONS)
    if at_once and phase != "continuous":
        return refusals.auction(command, phase)
    return refusals.auction_over(command) if tif == "opg" and phase not in refusals.OPENING else None
