"""The sentences of refusals for a symbol's phase and its price band: see refusals.py for their order."""

from __future__ import annotations

from typing import Final

from exchange.messages.base import Phase
from exchange.messages.requests import Refused, Submit
from exchange.money import format_money

from .refusals import AUCTION, AUCTION_OVER, CLOSED, HALTED, PRICE_OUTSIDE_BAND, for_submission

OPENING: Final = ("pre_open", "opening_auction")
NAMES: Final[dict[Phase, str]] = {
    "pre_open": "before its opening auction",
    "opening_auction": "in its opening auction",
    "volatility_auction": "in a volatility auction",
    "closing_auction": "in its closing auction",
}


def stopped(command: Submit, phase: Phase, reason: str) -> Refused:
    """Halted or closed: nothing is taken until trading is resumed, or the next day begins."""
    words = f"{command.symbol} is {phase}{f': {reason}' if reason else ''}; orders can only be cancelled"
    return for_submission(command, HALTED if phase == "halted" else CLOSED, words)


def auction(command: Submit, phase: Phase) -> Refused:
    """What trades at once or not at all."""
    what = "a market order" if command.kind == "market" else f"tif {command.tif}"
    return for_submission(
        command,
        AUCTION,
        f"{command.symbol} is {NAMES[phase]}: nothing trades at once, so {what} is not taken; limit orders with tif gtc, day "
        f"or gtd are, and limit or market orders with tif {'opg or cls' if phase in OPENING else 'cls'}",
    )


def auction_over(command: Submit) -> Refused:
    """For an opening that was, or that there is none of."""
    return for_submission(
        command, AUCTION_OVER, f"tif opg is for the opening auction of {command.symbol}, which is not collecting orders now"
    )


def price_outside_band(command: Submit, price: int, lowest: int, highest: int) -> Refused:
    """Too far from the reference price."""
    return for_submission(
        command,
        PRICE_OUTSIDE_BAND,
        f"limits for {command.symbol} are {format_money(lowest)} to {format_money(highest)} now, this is {format_money(price)}",
    )
