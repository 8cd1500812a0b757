"""The gate's checks of an order's conditions: how long it lives, how it may trade, and what it waits for.

Which condition goes with which kind and time in force:

- stop, stop_limit and trailing_stop orders wait: `gtc`, `day` or `gtd`. How long they wait is all that their time in force
  says; `ioc` and `fok` are refused for them. A stop_limit that triggers is a limit order with the same time in force, the
  others trade at once what they can.
- A market order trades at once what it can: `ioc` whatever it says, but `fok`, a promise it would not keep, is refused. With
  `opg` and `cls` it is for an auction, a limit order at its protection price there.
- `opg` and `cls` are for limit and market orders, for an auction and nothing else.
- `expires` is for `gtd`; for `day`, `opg` and `cls` it is the end of the day.
- `post_only` is for limit orders that may rest, `display` for those and for stop_limit orders.
- `trail` or `trail_basis_points` is for trailing_stop, `stop_price` for stop and stop_limit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from msgspec.structs import replace

from exchange.messages.base import TimeInForce
from exchange.messages.journal import PlaceOrder
from exchange.messages.requests import Refused, Submit
from exchange.money import MONEY_MAX

from . import condition_refusals as refusals
from . import phases
from .accounts import Listing
from .prices import trailing_stop

DAY: Final = 86_400_000_000_000
EXPIRES_DAYS_MAX: Final = 366
TRAIL_BASIS_POINTS_MAX: Final = 5_000
RESTING: Final = ("gtc", "day", "gtd")
"""Times in force of orders that may rest or wait."""
STOPS: Final = ("stop", "stop_limit", "trailing_stop")
FOR_THE_DAY: Final = ("day", "opg", "cls")

EndOfDay = Callable[[str, int], int]
"""(symbol, time) → when orders for the day end; see exchange/schedule.py."""


class Conditions(NamedTuple):
    """An order's conditions as the journal states them."""

    tif: TimeInForce = "gtc"
    expires: int = 0
    stop_price: int = 0


def conditions(command: Submit, listing: Listing, time: int, end_of_day: EndOfDay) -> Conditions | Refused:
    """Check them; `time` is that of the batch. In the order of refusals.py."""
    refused = (
        phases.refused(command, listing)
        or _lifetime(command, time)
        or _flags(command, listing)
        or _trail(command, listing)
        or stop_price_refused(command, listing)
    )
    if refused:
        return refused
    if command.kind == "market" and command.tif not in phases.FOR_AUCTIONS:
        return Conditions("ioc")
    if command.kind == "trailing_stop":
        stop_price = trailing_stop(command.side, command.trail or 0, command.trail_basis_points or 0, listing)
    else:
        stop_price = command.stop_price or 0
    expires = end_of_day(command.symbol, time) if command.tif in FOR_THE_DAY else command.expires
    return Conditions(command.tif, expires, stop_price)


def with_conditions(order: PlaceOrder, command: Submit, found: Conditions) -> PlaceOrder:
    """The order, complete."""
    return replace(
        order,
        stop_price=found.stop_price,
        trail=command.trail or 0,
        trail_basis_points=command.trail_basis_points or 0,
        expires=found.expires,
        post_only=command.post_only,
        display=command.display,
    )


def _lifetime(command: Submit, time: int) -> Refused | None:
    if command.kind in STOPS and command.tif not in RESTING:
        return refusals.time_in_force(command)
    if command.kind == "market" and command.tif == "fok":
        return refusals.market_fok(command)
    expires = command.expires
    if command.tif != "gtd":
        return refusals.expires_unexpected(command) if expires else None
    if not expires:
        return refusals.expires_missing(command)
    if expires <= time:
        return refusals.expires_past(command)
    if expires > time + EXPIRES_DAYS_MAX * DAY:
        return refusals.expires_too_far(command, EXPIRES_DAYS_MAX)
    return None


def _flags(command: Submit, listing: Listing) -> Refused | None:
    if command.post_only and (command.kind != "limit" or command.tif not in RESTING):
        return refusals.post_only(command)
    display = command.display
    if not display:
        return None
    if command.kind not in ("limit", "stop_limit") or command.tif not in RESTING:
        return refusals.display_unexpected(command)
    if display < 0:
        return refusals.display_not_positive(command)
    if display % listing.definition.lot:
        return refusals.display_off_lot(command, listing.definition.lot)
    if display >= command.quantity:
        return refusals.display_too_large(command)
    return None


def _trail(command: Submit, listing: Listing) -> Refused | None:
    trail, basis_points = command.trail, command.trail_basis_points
    if command.kind != "trailing_stop":
        return None if trail is None and basis_points is None else refusals.trail_unexpected(command)
    if trail is not None and basis_points is not None:
        return refusals.trail_twice(command)
    if basis_points is not None:
        return (
            None
            if 1 <= basis_points <= TRAIL_BASIS_POINTS_MAX
            else refusals.trail_basis_points(command, TRAIL_BASIS_POINTS_MAX)
        )
    if trail is None:
        return refusals.trail_missing(command)
    if trail <= 0:
        return refusals.trail_not_positive(command, trail)
    if trail % listing.definition.tick:
        return refusals.trail_off_tick(command, trail, listing.definition.tick)
    if trail >= listing.price:
        return refusals.trail_too_large(command, trail, listing.price)
    return None


def stop_price_refused(command: Submit, listing: Listing) -> Refused | None:
    """Check the stop price."""
    stop_price = command.stop_price
    if command.kind not in ("stop", "stop_limit"):
        return None if stop_price is None else refusals.stop_price_unexpected(command)
    tick = listing.definition.tick
    if stop_price is None:
        return refusals.stop_price_missing(command)
    if stop_price <= 0:
        return refusals.stop_price_not_positive(command, stop_price)
    if stop_price % tick:
        return refusals.stop_price_off_tick(command, stop_price, tick)
    if stop_price > MONEY_MAX:
        return refusals.stop_price_too_large(command, stop_price)
    return None
