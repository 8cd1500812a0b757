"""The sentences of refusals for what an order's conditions are: see refusals.py for their order."""

from __future__ import annotations

from exchange.messages.requests import Refused, Submit
from exchange.money import MONEY_MAX, format_money

from .refusals import (
    DISPLAY_NOT_POSITIVE,
    DISPLAY_OFF_LOT,
    DISPLAY_TOO_LARGE,
    DISPLAY_UNEXPECTED,
    EXPIRES_MISSING,
    EXPIRES_PAST,
    EXPIRES_TOO_FAR,
    EXPIRES_UNEXPECTED,
    POST_ONLY,
    PRICE_UNEXPECTED,
    STOP_PRICE_MISSING,
    STOP_PRICE_NOT_POSITIVE,
    STOP_PRICE_OFF_TICK,
    STOP_PRICE_TOO_LARGE,
    STOP_PRICE_UNEXPECTED,
    TIME_IN_FORCE,
    TRAIL_BASIS_POINTS,
    TRAIL_MISSING,
    TRAIL_NOT_POSITIVE,
    TRAIL_OFF_TICK,
    TRAIL_TOO_LARGE,
    TRAIL_TWICE,
    TRAIL_UNEXPECTED,
    for_submission,
    money,
    whole,
)


def time_in_force(command: Submit) -> Refused:
    """A stop order that may not wait."""
    return for_submission(
        command, TIME_IN_FORCE, f"a {command.kind} order waits for its stop price: its tif is gtc, day or gtd"
    )


def market_fok(command: Submit) -> Refused:
    """All or nothing needs a price."""
    return for_submission(command, TIME_IN_FORCE, "a market order trades what it can: tif fok is for limit orders")


def expires_missing(command: Submit) -> Refused:
    """Good till a date that is not there."""
    return for_submission(command, EXPIRES_MISSING, "tif gtd needs expires, the time at which the order ends")


def expires_unexpected(command: Submit) -> Refused:
    """A date that counts for nothing."""
    return for_submission(command, EXPIRES_UNEXPECTED, f"expires is for tif gtd only, this is {command.tif}")


def expires_past(command: Submit) -> Refused:
    """The order would end before it begins."""
    return for_submission(command, EXPIRES_PAST, "expires is not in the future")


def expires_too_far(command: Submit, days_max: int) -> Refused:
    """Later than the market plans."""
    return for_submission(command, EXPIRES_TOO_FAR, f"expires is at most {days_max} days ahead")


def post_only(command: Submit) -> Refused:
    """Only what may rest can promise not to take."""
    return for_submission(
        command, POST_ONLY, f"post_only is for limit orders with tif gtc, day or gtd, this is {_terms(command)}"
    )


def display_unexpected(command: Submit) -> Refused:
    """Only what may rest can be shown in parts."""
    return for_submission(
        command,
        DISPLAY_UNEXPECTED,
        f"display is for limit and stop_limit orders with tif gtc, day or gtd, this is {_terms(command)}",
    )


def display_not_positive(command: Submit) -> Refused:
    """Less than nothing; 0 shows all."""
    return for_submission(command, DISPLAY_NOT_POSITIVE, f"display must be positive, it is {whole(command.display)}")


def display_off_lot(command: Submit, lot: int) -> Refused:
    """Not a multiple of the symbol's lot."""
    return for_submission(
        command,
        DISPLAY_OFF_LOT,
        f"{command.symbol} trades in lots of {lot}; display {whole(command.display)} is not a multiple",
    )


def display_too_large(command: Submit) -> Refused:
    """There would be nothing to hide."""
    return for_submission(
        command, DISPLAY_TOO_LARGE, f"display must be less than the quantity {command.quantity}, it is {whole(command.display)}"
    )


def trail_unexpected(command: Submit) -> Refused:
    """Nothing that could trail."""
    return for_submission(
        command, TRAIL_UNEXPECTED, f"trail and trail_basis_points are for trailing_stop orders, this is a {command.kind} order"
    )


def trail_missing(command: Submit) -> Refused:
    """A trailing stop without its distance."""
    return for_submission(command, TRAIL_MISSING, "a trailing_stop order needs trail or trail_basis_points")


def trail_twice(command: Submit) -> Refused:
    """Two distances."""
    return for_submission(command, TRAIL_TWICE, "a trailing_stop order has either trail or trail_basis_points, not both")


def trail_basis_points(command: Submit, basis_points_max: int) -> Refused:
    """No distance at all, or too far to be one."""
    return for_submission(
        command,
        TRAIL_BASIS_POINTS,
        f"trail_basis_points is 1 to {basis_points_max}, this is {whole(command.trail_basis_points or 0)}",
    )


def trail_not_positive(command: Submit, trail: int) -> Refused:
    """Nothing, or less."""
    return for_submission(command, TRAIL_NOT_POSITIVE, f"the trail must be positive, it is {money(trail)}")


def trail_off_tick(command: Submit, trail: int, tick: int) -> Refused:
    """Not a multiple of the symbol's tick."""
    return for_submission(
        command,
        TRAIL_OFF_TICK,
        f"prices of {command.symbol} are multiples of {format_money(tick)}; the trail {money(trail)} is not",
    )


def trail_too_large(command: Submit, trail: int, reference: int) -> Refused:
    """The stop price of a sale would be below zero."""
    return for_submission(
        command, TRAIL_TOO_LARGE, f"the trail must be below the last price {format_money(reference)}, it is {money(trail)}"
    )


def stop_price_unexpected(command: Submit) -> Refused:
    """Nothing that waits for a price of the trader's."""
    why = "begins its trail away from the last price" if command.kind == "trailing_stop" else "waits for no trade price"
    return for_submission(
        command, STOP_PRICE_UNEXPECTED, f"a {command.kind} order {why}; stop_price is for stop and stop_limit"
    )


def stop_price_triggered(command: Submit) -> Refused:
    """Too late to wait for another price."""
    return for_submission(command, STOP_PRICE_UNEXPECTED, "the order has triggered; its stop_price cannot be changed any more")


def stop_price_missing(command: Submit) -> Refused:
    """A stop without the price it waits for."""
    return for_submission(command, STOP_PRICE_MISSING, f"a {command.kind} order needs a stop_price")


def stop_price_not_positive(command: Submit, stop_price: int) -> Refused:
    """Nothing, or less."""
    return for_submission(command, STOP_PRICE_NOT_POSITIVE, f"the stop_price must be positive, it is {money(stop_price)}")


def stop_price_off_tick(command: Submit, stop_price: int, tick: int) -> Refused:
    """Not a multiple of the symbol's tick."""
    return for_submission(
        command,
        STOP_PRICE_OFF_TICK,
        f"prices of {command.symbol} are multiples of {format_money(tick)}; the stop_price {money(stop_price)} is not",
    )


def stop_price_too_large(command: Submit, stop_price: int) -> Refused:
    """More than any amount of money."""
    return for_submission(
        command, STOP_PRICE_TOO_LARGE, f"the largest price is {format_money(MONEY_MAX)}, the stop_price is {money(stop_price)}"
    )


def price_unexpected(command: Submit) -> Refused:
    """A limit where the market computes one."""
    return for_submission(
        command,
        PRICE_UNEXPECTED,
        f"a {command.kind} order takes no price: it has the market's protection; stop_limit takes one",
    )


def price_of_market_order(command: Submit) -> Refused:
    """A market order that waits for its answer has no limit to be changed."""
    return for_submission(command, PRICE_UNEXPECTED, "the price of a market order cannot be changed")


def _terms(command: Submit) -> str:
    return f"{command.kind} with tif {command.tif}"
