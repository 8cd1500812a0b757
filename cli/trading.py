"""Orders and what becomes of them: buy, sell, cancel, orders, fills, portfolio."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from exchange import subjects
from exchange.messages import (
    CLIENT_ORDER_ID_LENGTH_MAX,
    SYMBOL_PATTERN,
    Accepted,
    Cancel,
    CancelAll,
    Command,
    Fill,
    OpenOrder,
    OrderCancelled,
    OrderFilled,
    PageQuestion,
    Portfolio,
    Refused,
    Report,
    Reports,
    Side,
    Submit,
    decoder,
)
from exchange.money import format_money, parse_money

from .output import moment, money, say, show_json, show_table
from .problem import FAILED, MISUSED, Problem, explain
from .scope import Scope, accepted

if TYPE_CHECKING:
    from exchange.client import Client

END_SECONDS_MAX = 2.0
"""How long a command waits to hear the end of an order that ends at once."""

Symbol = Annotated[str, typer.Argument(metavar="SYMBOL", help="For example KRYP.", show_default=False)]
Quantity = Annotated[int, typer.Argument(metavar="QUANTITY", help="Shares.", show_default=False)]
Limit = Annotated[
    str,
    typer.Option(
        "--limit", metavar="PRICE", help="The worst price; without it the order trades at the market.", show_default=False
    ),
]
TimeInForce = Annotated[
    Literal["gtc", "ioc"], typer.Option("--tif", help="Stay until cancelled (gtc), or trade what is possible at once (ioc).")
]
ClientId = Annotated[
    str, typer.Option("--client-id", metavar="ID", help="Your own id; sent twice it is placed once.", show_default=False)
]


async def buy(
    scope: Scope, symbol: Symbol, quantity: Quantity, limit: Limit = "", tif: TimeInForce = "gtc", client_id: ClientId = ""
) -> None:
    """Buy shares, at a limit or at the market."""
    await _submit(scope, "buy", symbol, quantity, limit, tif, client_id)


async def sell(
    scope: Scope, symbol: Symbol, quantity: Quantity, limit: Limit = "", tif: TimeInForce = "gtc", client_id: ClientId = ""
) -> None:
    """Sell shares, at a limit or at the market."""
    await _submit(scope, "sell", symbol, quantity, limit, tif, client_id)


async def cancel(
    scope: Scope,
    order_id: Annotated[int, typer.Argument(metavar="[ID]", help="The order's id.", show_default=False)] = 0,
    client_id: Annotated[str, typer.Option("--client-id", metavar="ID", help="Or your own id.", show_default=False)] = "",
    all_: Annotated[bool, typer.Option("--all", help="Or every open order.", show_default=False)] = False,
) -> None:
    """Cancel an open order, or all of them."""
    if (order_id != 0) + (client_id != "") + all_ != 1:
        raise Problem("say which order: exchange cancel ID, --client-id ID or --all", MISUSED)
    command = CancelAll() if all_ else Cancel(order_id, client_id)
    async with scope.trader() as client:
        outcome = await _carry_out(scope, client, command, f"exchange --as {scope.account} orders")
    if scope.json:
        show_json(outcome)
    elif all_:
        say(f"cancelling {_counted(outcome.orders)}")
    else:
        say(f"cancelling order {outcome.order_id}")


async def orders(scope: Scope) -> None:
    """Open orders."""
    portfolio = await _portfolio(scope)
    if scope.json:
        show_json(portfolio.orders)
        return
    show_table(
        ("id", "placed", "symbol", "side", "price", "quantity", "open", "client id"),
        [_order_row(order) for order in portfolio.orders],
        left=("symbol", "side", "client id"),
        empty="no open orders",
    )
    if portfolio.orders_left_out:
        say(f"and {portfolio.orders_left_out} older ones")


async def fills(
    scope: Scope,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000, help="How many, newest first.")] = 20,
    before: Annotated[
        int, typer.Option("--before", metavar="ID", help="Only fills with a smaller id.", show_default=False)
    ] = 0,
    symbol: Annotated[str, typer.Option("--symbol", help="Only this symbol's.", show_default=False)] = "",
) -> None:
    """What was traded, newest first."""
    async with scope.trader() as client:
        question = PageQuestion(limit, before, symbol.upper())
        rows = accepted(await client.request(subjects.api(client.account, "fills"), question, list[Fill]))
    if scope.json:
        show_json(rows)
        return
    show_table(
        ("id", "time", "order", "symbol", "side", "quantity", "price", "value", "fee", "as"),
        [
            (
                str(fill.fill_id),
                moment(fill.time),
                str(fill.order_id),
                fill.symbol,
                fill.side,
                f"{fill.quantity:,}",
                money(fill.price),
                money(fill.price * fill.quantity),
                money(fill.fee),
                fill.liquidity,
            )
            for fill in rows
        ],
        left=("symbol", "side", "as"),
        empty="nothing was traded yet",
    )


async def portfolio(scope: Scope) -> None:
    """Cash and positions."""
    show_portfolio(await _portfolio(scope), as_json=scope.json)


def show_portfolio(portfolio: Portfolio, *, as_json: bool) -> None:
    """Cash and positions at the last prices."""
    if as_json:
        show_json(portfolio)
        return
    worth = [position.price * position.quantity for position in portfolio.positions]
    rows: list[tuple[str, ...]] = [
        ("cash", money(portfolio.cash), money(portfolio.cash_held), money(portfolio.cash - portfolio.cash_held), "", "")
    ]
    for position, value in zip(portfolio.positions, worth, strict=True):
        amounts = (position.quantity, position.held, position.quantity - position.held)
        rows.append((position.symbol, *(f"{amount:,}" for amount in amounts), money(position.price), money(value)))
    say(f"{portfolio.account}, worth {money(portfolio.cash + sum(worth))}")
    show_table(("", "total", "held", "available", "price", "value"), rows, left=("",), empty="")
    say(_counted(len(portfolio.orders) + portfolio.orders_left_out))


def _counted(orders: int) -> str:
    return f"{orders or 'no'} open order{'' if orders == 1 else 's'}"


async def _portfolio(scope: Scope) -> Portfolio:
    async with scope.trader() as client:
        return accepted(await client.request(subjects.api(client.account, "portfolio"), None, Portfolio))


async def _submit(
    scope: Scope, side: Side, symbol: str, quantity: int, limit: str, tif: Literal["gtc", "ioc"], client_id: str
) -> None:
    from exchange.client import new_client_order_id

    order = _order(side, symbol, quantity, limit, tif, client_id or new_client_order_id())
    async with scope.trader() as client:
        reports = None if scope.json or order.tif == "gtc" else await _hear_reports(client)
        again = (
            f"exchange --as {scope.account} {side} {order.symbol} {quantity}{f' --limit {limit} --tif {tif}' if limit else ''}"
        )
        outcome = await _carry_out(scope, client, order, f"{again} --client-id {order.client_order_id}")
        if scope.json:
            show_json(outcome)
            return
        at = "at the market" if order.price is None else f"at {format_money(order.price)}"
        before = "was accepted before" if outcome.duplicate else "accepted"
        say(f"order {outcome.order_id} {before}: {side} {quantity:,} {order.symbol} {at}")
        if reports is not None and not outcome.duplicate:
            await _tell_end(reports, outcome.order_id)


def _order(side: Side, symbol: str, quantity: int, limit: str, tif: Literal["gtc", "ioc"], client_id: str) -> Submit:
    symbol = symbol.upper()
    if not re.match(SYMBOL_PATTERN, symbol):
        raise Problem(f"{symbol} is not a symbol", MISUSED)
    if quantity <= 0:
        raise Problem("the quantity must be at least 1", MISUSED)
    if len(client_id) > CLIENT_ORDER_ID_LENGTH_MAX:
        raise Problem(f"--client-id has at most {CLIENT_ORDER_ID_LENGTH_MAX} characters", MISUSED)
    if not limit:
        return Submit(client_id, symbol, side, quantity, kind="market", tif="ioc")
    try:
        return Submit(client_id, symbol, side, quantity, price=parse_money(limit), tif=tif)
    except ValueError as error:
        raise Problem(f"--limit: {error}", MISUSED) from None


async def _carry_out(scope: Scope, client: Client, command: Command, ask: str) -> Accepted:
    """The command's acceptance. Raises Problem for a refusal, or when the outcome is unknown; `ask` tells how to learn it."""
    from exchange.client import OutcomeUnknown

    try:
        outcome = await client.send(command)
    except OutcomeUnknown as error:
        raise Problem(f"{error}; it may have been accepted; to learn it, and to place it if it was not: {ask}") from None
    if isinstance(outcome, Refused):
        if scope.json:
            show_json(outcome)
        raise Problem(explain(outcome), FAILED)
    return outcome


async def _hear_reports(client: Client) -> asyncio.Queue[Report]:
    heard: asyncio.Queue[Report] = asyncio.Queue()  # As long as the reports of END_SECONDS_MAX.
    decode = decoder(Reports).decode
    connection = await client.connection()

    async def hear(message: object) -> None:
        for report in decode(message.data).reports:  # type: ignore[attr-defined]
            heard.put_nowait(report)

    await connection.subscribe(subjects.reports(client.account), cb=hear)
    return heard


async def _tell_end(reports: asyncio.Queue[Report], order_id: int) -> None:
    """Say what the order traded until it ends."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(END_SECONDS_MAX):
            while True:
                match await reports.get():
                    case OrderFilled(order_id=id_) as filled if id_ == order_id:
                        fee = f", fee {money(filled.fee)}" if filled.fee else ""
                        say(f"filled {filled.quantity:,} at {money(filled.price)}{fee}")
                        if not filled.remaining:
                            return
                    case OrderCancelled(order_id=id_) as cancelled if id_ == order_id:
                        say(f"ended with {cancelled.quantity:,} unfilled ({cancelled.reason})")
                        return
    say("what became of it is not known yet; see: exchange fills")


def _order_row(order: OpenOrder) -> tuple[str, ...]:
    return (
        str(order.order_id),
        moment(order.time),
        order.symbol,
        order.side,
        money(order.price),
        f"{order.quantity:,}",
        f"{order.remaining:,}",
        order.client_order_id,
    )
