"""The sentences of refusals for groups of orders: see refusals.py for their order."""

from __future__ import annotations

from exchange.messages.requests import Refused, Submit
from exchange.money import format_money

from .refusals import CLIENT_ORDER_ID, GROUP, GROUPED, clip, for_submission


def of_order(role: str, first: Submit, refused: Refused) -> Refused:
    """One of a group's orders is refused, and with it the group: it is named, the group is called after its first order."""
    return for_submission(first, refused.reason, f"{role}: {refused.detail}")


def known(command: Submit) -> Refused:
    """Another order of a group has a client's id that is taken."""
    return for_submission(
        command, CLIENT_ORDER_ID, f"client_order_id {clip(command.client_order_id, 36)} is that of another order already"
    )


def symbols(first: Submit) -> Refused:
    """Orders of two symbols."""
    return for_submission(first, GROUP, "all orders of a group are of one symbol")


def sides_of_oco(first: Submit) -> Refused:
    """One buys, one sells."""
    return for_submission(first, GROUP, "both orders of an OCO pair are of one side")


def sides_of_bracket(first: Submit) -> Refused:
    """Legs that do not close what the entry opens."""
    side = "sell" if first.side == "buy" else "buy"
    return for_submission(first, GROUP, f"the entry is a {first.side}, so both legs {side}")


def quantities(first: Submit) -> Refused:
    """Unequal orders."""
    return for_submission(first, GROUP, "all orders of a group have the same quantity")


def limit_kind(first: Submit, role: str, kind: str) -> Refused:
    """The limit order of a pair is something else."""
    return for_submission(first, GROUP, f"{role}: this is a {kind} order, it must be a limit order")


def stop_kind(first: Submit, role: str, kind: str) -> Refused:
    """The stop order of a pair is something else."""
    return for_submission(first, GROUP, f"{role}: this is a {kind} order, it must be stop, stop_limit or trailing_stop")


def time_in_force(first: Submit) -> Refused:
    """Orders of a pair that would not end together, or not wait."""
    return for_submission(first, GROUP, "both orders of a pair have the same tif, gtc, day or gtd, and the same expires")


def quantity_fixed(command: Submit) -> Refused:
    """A replace of one order of a group would make them unequal."""
    return for_submission(
        command,
        GROUPED,
        "the order is one of a group, whose quantities stay equal: only its price and stop_price can be changed",
    )


def hold_exceeded(command: Submit, share_hold: int) -> Refused:
    """A replace of one order of a pair would cost more than both have set aside."""
    return for_submission(
        command,
        GROUPED,
        f"the pair has {format_money(share_hold)} a share set aside, fees included; the new price needs more",
    )
