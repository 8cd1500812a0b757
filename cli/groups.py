"""Groups in words: the options that make an OCO pair or a bracket of an order, and what is said of their other orders."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from exchange.messages.base import CLIENT_ORDER_ID_LENGTH_MAX, Side
from exchange.messages.requests import Accepted, Bracket, Oco, Submit

from .order import RESTS, Terms, price_of, price_words
from .problem import MISUSED, Problem

TakeProfit = Annotated[
    str,
    typer.Option(
        "--take-profit",
        metavar="PRICE",
        help="A bracket: once this order has ended, what it traded is closed at this limit …",
        show_default=False,
    ),
]
StopLoss = Annotated[
    str,
    typer.Option(
        "--stop-loss", metavar="PRICE", help="… or from this stop price on, whichever comes first.", show_default=False
    ),
]
StopLossLimit = Annotated[
    str, typer.Option("--stop-loss-limit", metavar="PRICE", help="The worst price of the latter.", show_default=False)
]
OrStop = Annotated[
    str,
    typer.Option(
        "--or-stop",
        metavar="PRICE",
        help="A pair: either this order at its --limit, or one at the market from this stop price on.",
        show_default=False,
    ),
]
SUFFIX_LENGTH: Final = 3


def command_of(order: Submit, terms: Terms) -> Submit | Oco | Bracket:
    """The order alone, or the group that the options make of it. Raises Problem for what makes no sense in any market."""
    brackets = bool(terms.take_profit or terms.stop_loss or terms.stop_loss_limit)
    if not brackets and not terms.or_stop:
        return order
    if len(order.client_order_id) > CLIENT_ORDER_ID_LENGTH_MAX - SUFFIX_LENGTH:
        most = CLIENT_ORDER_ID_LENGTH_MAX - SUFFIX_LENGTH
        raise Problem(f"--client-id has at most {most} characters in a group: its other orders' ids are made from it", MISUSED)
    if brackets and terms.or_stop:
        raise Problem(
            "--or-stop makes a pair, --take-profit and --stop-loss a bracket: an order can be in one of them", MISUSED
        )
    if brackets:
        return _bracket(order, terms)
    if order.kind != "limit" or order.tif not in RESTS:
        raise Problem("--or-stop is for orders with --limit that may stay", MISUSED)
    return Oco(order, _leg(order, "-st", order.side, stop=terms.or_stop, option="--or-stop"))


def others_of(command: Submit | Oco | Bracket, outcome: Accepted) -> list[str]:
    """What is to be said of the orders of a group behind the first."""
    first = outcome.order_id
    match command:
        case Oco(stop=stop):
            return [f"or order {first + 1}: {_words(stop)}; what one of them trades is taken off the other"]
        case Bracket(take_profit=take_profit, stop_loss=stop_loss):
            return [
                f"then order {first + 1}, to take the profit: {_words(take_profit)}",
                f"or order {first + 2}, to stop the loss: {_words(stop_loss)}",
                f"both wait until order {first} has ended, and close what it has traded",
            ]
        case _:
            return []


def _bracket(order: Submit, terms: Terms) -> Bracket:
    if not terms.take_profit or not terms.stop_loss:
        raise Problem("--take-profit and --stop-loss belong together", MISUSED)
    side: Side = "sell" if order.side == "buy" else "buy"
    return Bracket(
        order,
        _leg(order, "-tp", side, limit=terms.take_profit, option="--take-profit"),
        _leg(order, "-sl", side, limit=terms.stop_loss_limit, stop=terms.stop_loss, option="--stop-loss"),
    )


def _leg(order: Submit, suffix: str, side: Side, *, limit: str = "", stop: str = "", option: str) -> Submit:
    """Another order of the group. It stays for as long as the first would; until cancelled if that trades at once."""
    rests = order.tif in RESTS
    return Submit(
        order.client_order_id + suffix,
        order.symbol,
        side,
        order.quantity,
        kind="limit" if not stop else "stop_limit" if limit else "stop",
        price=price_of("--stop-loss-limit" if stop else option, limit),
        tif=order.tif if rests else "gtc",
        stop_price=price_of(option, stop),
        expires=order.expires if rests else 0,
        self_trade=order.self_trade,
    )


def _words(order: Submit) -> str:
    return f"{order.side} {order.quantity:,} {order.symbol} {price_words(order)}"
