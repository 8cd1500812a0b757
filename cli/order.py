"""An order in words: what somebody writes on the command line as a Submit, and an open order as a row of a table."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Final

import msgspec
import typer

from exchange.messages.account import OpenOrder
from exchange.messages.base import CLIENT_ORDER_ID_LENGTH_MAX, SYMBOL_PATTERN, Kind, SelfTrade, Side, TimeInForce
from exchange.messages.events import CancelReason, ReplaceRefusal
from exchange.messages.requests import Submit
from exchange.money import BASIS_POINTS, format_money, parse_money

from .output import SECOND, moment, money
from .problem import MISUSED, Problem

Symbol = Annotated[str, typer.Argument(metavar="SYMBOL", help="For example KRYP.", show_default=False)]
Quantity = Annotated[int, typer.Argument(metavar="QUANTITY", help="Shares.", show_default=False)]
Limit = Annotated[
    str,
    typer.Option(
        "--limit", metavar="PRICE", help="The worst price; without it the order trades at the market.", show_default=False
    ),
]
Stop = Annotated[
    str, typer.Option("--stop", metavar="PRICE", help="Wait until a trade reaches this price.", show_default=False)
]
Trail = Annotated[
    str,
    typer.Option(
        "--trail", metavar="AMOUNT|PERCENT%", help="A stop that follows the price at this distance.", show_default=False
    ),
]
Tif = Annotated[
    TimeInForce | None,
    typer.Option(
        "--tif",
        help="Stay until cancelled (gtc, the default), for the day (day) or up to a date (gtd); "
        "trade at once what is possible (ioc), or all or nothing (fok); trade in the opening (opg) or closing (cls) auction.",
        show_default=False,
    ),
]
Until = Annotated[
    str,
    typer.Option(
        "--until", metavar="TIME", help='When it ends, like "2026-12-01 17:30" in this time zone.', show_default=False
    ),
]
PostOnly = Annotated[bool, typer.Option("--post-only", help="Cancel it rather than trade at once.", show_default=False)]
Display = Annotated[int, typer.Option("--display", metavar="N", help="Show only so many shares at a time.", show_default=False)]
SelfTrading = Annotated[
    SelfTrade | None,
    typer.Option("--self-trade", help="What happens when it would trade with an order of your own.", show_default=False),
]
ClientId = Annotated[
    str, typer.Option("--client-id", metavar="ID", help="Your own id; sent twice it is placed once.", show_default=False)
]

ENDINGS: Final[dict[CancelReason, str]] = {
    "owner": "you cancelled it",
    "fok": "not all of it could be filled at once",
    "expired": "its time was over",
    "post_only": "it would have traded at once",
    "self_trade": "it would have traded with an order of yours",
    "ioc": "no more could be filled at once",
    "protection": "the price moved beyond the market's protection",
    "no_liquidity": "nothing was offered",
    "pair": "the other order of its pair ended, or its entry traded nothing",
    "halted": "trading is halted",
    "closed": "the market is closed",
    "auction": "an auction is collecting orders, and it would have to trade at once",
    "auction_over": "the auction that it was for is over",
    "volatility": "it would have traded outside the price band",
    "disconnected": "your connection was lost",
}
"""Why an order ended, for people."""
REPLACE_REFUSALS: Final[dict[ReplaceRefusal, str]] = {
    "late": "it had ended, or more had been filled",
    "halted": "trading is halted",
    "closed": "the market is closed",
}
"""Why an order was not replaced, for people."""
RESTS: Final = ("gtc", "day", "gtd")
AUCTIONS: Final = ("opg", "cls")
WRITTEN: Final = (
    *("limit", "stop", "trail", "tif", "until", "self_trade"),
    *("take_profit", "stop_loss", "stop_loss_limit", "or_stop"),
)
"""Options with a value, named as the fields of Terms."""


class Terms(msgspec.Struct, frozen=True):
    """The options of buy and sell, as they were written; empty or None where they were not."""

    limit: str = ""
    stop: str = ""
    trail: str = ""
    tif: TimeInForce | None = None
    until: str = ""
    post_only: bool = False
    display: int = 0
    self_trade: SelfTrade | None = None
    take_profit: str = ""
    stop_loss: str = ""
    stop_loss_limit: str = ""
    or_stop: str = ""

    @property
    def line(self) -> str:
        """The same as options, to be written again."""
        written = [
            f"--{field.replace('_', '-')} {chr(34) + value + chr(34) if ' ' in value else value}"
            for field in WRITTEN
            if (value := getattr(self, field))
        ]
        written += ["--post-only"] * self.post_only + [f"--display {self.display}"] * bool(self.display)
        return "".join(f" {option}" for option in written)

    @property
    def kind(self) -> Kind:
        """What the prices make it."""
        if self.trail:
            return "trailing_stop"
        if self.stop:
            return "stop_limit" if self.limit else "stop"
        return "limit" if self.limit else "market"


def order_of(side: Side, symbol: str, quantity: int, terms: Terms, client_id: str, now: int) -> Submit:
    """The order to send; `now` in nanoseconds. Raises Problem for what makes no sense in any market."""
    symbol = symbol.upper()
    if not re.match(SYMBOL_PATTERN, symbol):
        raise Problem(f"{symbol} is not a symbol", MISUSED)
    if quantity <= 0:
        raise Problem("the quantity must be at least 1", MISUSED)
    if len(client_id) > CLIENT_ORDER_ID_LENGTH_MAX:
        raise Problem(f"--client-id has at most {CLIENT_ORDER_ID_LENGTH_MAX} characters", MISUSED)
    kind = terms.kind
    tif = _tif(terms, kind, quantity)
    trail, trail_basis_points = trail_of(terms.trail) if terms.trail else (None, None)
    return Submit(
        client_id,
        symbol,
        side,
        quantity,
        kind=kind,
        price=price_of("--limit", terms.limit),
        tif=tif,
        stop_price=price_of("--stop", terms.stop),
        trail=trail,
        trail_basis_points=trail_basis_points,
        expires=expires_of(terms.until, now) if terms.until else 0,
        post_only=terms.post_only,
        display=terms.display,
        self_trade=terms.self_trade,
    )


def _tif(terms: Terms, kind: Kind, quantity: int) -> TimeInForce:
    """The time in force that the options mean together."""
    tif = terms.tif or ("gtd" if terms.until else "ioc" if kind == "market" else "gtc")
    if terms.trail and (terms.stop or terms.limit):
        raise Problem("--trail finds its own prices: without --stop and --limit", MISUSED)
    if (tif == "gtd") != bool(terms.until):
        raise Problem("--tif gtd and --until TIME belong together", MISUSED)
    if kind == "market" and tif not in ("ioc", *AUCTIONS):
        raise Problem(f"an order without --limit trades at once or in an auction; --tif {tif} needs a price", MISUSED)
    if kind in ("stop", "stop_limit", "trailing_stop") and tif not in RESTS:
        raise Problem(f"an order with --stop or --trail waits; --tif {tif} does not", MISUSED)
    if terms.post_only and (kind != "limit" or tif not in RESTS):
        raise Problem("--post-only is for orders with --limit that may stay", MISUSED)
    if terms.display < 0:
        raise Problem("--display is a number of shares", MISUSED)
    if terms.display and terms.display >= quantity:
        raise Problem("--display is less than the whole order", MISUSED)
    if terms.display and (kind not in ("limit", "stop_limit") or tif not in RESTS):
        raise Problem("--display is for orders with --limit that may stay", MISUSED)
    return tif


def price_of(option: str, text: str) -> int | None:
    """A price, None where none is written. Raises Problem."""
    try:
        return parse_money(text) if text else None
    except ValueError as error:
        raise Problem(f"{option}: {error}", MISUSED) from None


def trail_of(text: str) -> tuple[int | None, int | None]:
    """A distance in money or in basis points: "0.50" → (5000, None), "2.5%" → (None, 250). Raises Problem."""
    if not text.endswith("%"):
        amount = price_of("--trail", text)
        if amount is not None and amount <= 0:
            raise Problem("--trail: the distance must be more than 0", MISUSED)
        return amount, None
    try:
        basis_points = Decimal(text[:-1]) * 100
    except InvalidOperation:
        raise Problem(f"--trail: {text!r} is not a percentage; write it like 2.5%", MISUSED) from None
    if not basis_points.is_finite() or basis_points != basis_points.to_integral_value():
        raise Problem("--trail: a percentage has at most two decimals", MISUSED)
    if not 0 < basis_points < BASIS_POINTS:
        raise Problem("--trail: a percentage is between 0 and 100", MISUSED)
    return None, int(basis_points)


def expires_of(text: str, now: int) -> int:
    """When an order ends, in nanoseconds; a date alone is the end of that day, here. Raises Problem."""
    try:
        time = datetime.fromisoformat(text)
        if re.fullmatch(r"[\d-]+", text):
            time += timedelta(days=1)
        expires = int(time.astimezone().timestamp()) * SECOND
    except (ValueError, OverflowError):
        raise Problem(f'--until: {text!r} is not a time; write it like "2026-12-01 17:30"', MISUSED) from None
    if expires <= now:
        raise Problem(f"--until: {text} is over", MISUSED)
    return expires


def price_words(order: Submit) -> str:
    """At which prices it trades, and where only there."""
    limit = "at the market" if order.price is None else f"at {format_money(order.price)}"
    if order.tif in AUCTIONS:
        return f"{limit} in the {'opening' if order.tif == 'opg' else 'closing'} auction"
    if order.trail is not None:
        return f"{limit}, with a stop that trails by {format_money(order.trail)}"
    if order.trail_basis_points is not None:
        return f"{limit}, with a stop that trails by {_percent(order.trail_basis_points)}"
    return limit if order.stop_price is None else f"{limit} from {format_money(order.stop_price)} on"


COLUMNS: Final = ("id", "placed", "symbol", "side", "price", "quantity", "open", "kind", "stop", "ends", "client id")


def row_of(order: OpenOrder) -> tuple[str, ...]:
    """The cells of COLUMNS."""
    kind = order.kind.replace("_", " ")
    if order.trail or order.trail_basis_points:
        kind += f" by {money(order.trail) if order.trail else _percent(order.trail_basis_points)}"
    if order.post_only:
        kind += ", post-only"
    if order.display:
        kind += f", shows {order.display:,}"
    if order.pair:
        kind += f", paired with {order.pair}"
    if order.entry:
        kind += f", waits for {order.entry}"
    return (
        str(order.order_id),
        moment(order.time),
        order.symbol,
        order.side,
        money(order.price),
        f"{order.quantity:,}",
        f"{order.remaining:,}",
        kind,
        money(order.stop_price) if order.stop_price else "",
        f"{order.tif} {moment(order.expires).removesuffix('.000')}" if order.expires else order.tif,
        order.client_order_id,
    )


def _percent(basis_points: int) -> str:
    return f"{Decimal(basis_points) / 100:f}%"
