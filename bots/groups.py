"""Commands of two or three orders: an order that is one of a pair, and one whose position is closed by a pair."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from exchange.messages.base import Side
from exchange.messages.requests import Bracket, Cancel, Oco, Replace, Submit
from exchange.money import format_money

Placing = Submit | Oco | Bracket
"""A command that places orders."""


def orders_in(command: Placing | Replace | Cancel) -> tuple[Submit, ...]:
    """The orders that a command places; their ids at the ledger follow each other."""
    match command:
        case Submit():
            return (command,)
        case Oco(limit=limit, stop=stop):
            return limit, stop
        case Bracket(entry=entry, take_profit=take_profit, stop_loss=stop_loss):
            return entry, take_profit, stop_loss
        case _:
            return ()


def name_of(command: Placing | Replace | Cancel) -> str:
    """What the answer to it calls it: the client order id of its first order."""
    orders = orders_in(command)
    return orders[0].client_order_id if orders else command.client_order_id  # type: ignore[union-attr]


def pair(order: Submit, stop: Submit) -> Oco:
    """The limit order, or the stop order in its stead; both end at the same time."""
    return Oco(order, replace(stop, side=order.side, tif=order.tif, expires=order.expires))


def bracket(entry: Submit, take: Submit, stop: Submit) -> Bracket:
    """What the entry opens is closed by one of the others, which stay until then, however long the entry may wait."""
    side: Side = "sell" if entry.side == "buy" else "buy"
    return Bracket(entry, replace(take, side=side), replace(stop, side=side))


def stop_order(
    ids: Iterator[str], order: Submit, stop: int | None, limit: int | None, trail: tuple[int | None, int | None]
) -> Submit:
    """The stop order of a pair, of an order's quantity; whose it is and how long it stays is the caller's to say."""
    kind = "stop_limit" if limit else "stop" if stop else "trailing_stop"
    return Submit(
        next(ids),
        order.symbol,
        order.side,
        order.quantity,
        kind=kind,  # type: ignore[arg-type]
        price=limit,
        stop_price=stop,
        trail=trail[0],
        trail_basis_points=trail[1],
    )


def words(command: Placing) -> str:
    """What is placed."""
    match command:
        case Submit():
            return _words(command)
        case Oco(limit=limit, stop=stop):
            return f"{_words(limit)} or {_stop_words(stop)}"
        case Bracket(entry=entry, take_profit=take, stop_loss=stop):
            return f"{_words(entry)} then {take.side} at {format_money(take.price or 0)} or {_stop_words(stop)}"


def _words(order: Submit) -> str:
    at = f" at {format_money(order.price)}" if order.price else ""
    auction = {"opg": " on open", "cls": " on close"}.get(order.tif, "")
    return f"{order.side} {order.quantity} {order.symbol}{at}{auction}"


def _stop_words(order: Submit) -> str:
    if order.stop_price is None:
        return "trailing"
    return f"stop at {format_money(order.stop_price)}" + (f" limit {format_money(order.price)}" if order.price else "")
