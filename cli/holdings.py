"""What an account has: open orders, fills, cash and positions."""

from __future__ import annotations

from typing import Annotated

import typer

from exchange import subjects
from exchange.messages.account import Fill, PageQuestion, Portfolio

from .order import COLUMNS, row_of
from .output import moment, money, say, show_json, show_table
from .scope import Scope, accepted


async def orders(scope: Scope) -> None:
    """Open orders."""
    portfolio = await _portfolio(scope)
    if scope.json:
        show_json(portfolio.orders)
        return
    show_table(
        COLUMNS,
        [row_of(order) for order in portfolio.orders],
        left=("symbol", "side", "kind", "ends", "client id"),
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
    cash, held = portfolio.cash, portfolio.cash_held
    rows: list[tuple[str, ...]] = [("cash", money(cash), money(held), money(cash - held), "", "", "", "")]
    for position in portfolio.positions:
        amounts = (position.quantity, position.held, position.quantity - position.held)
        prices = (position.price, position.price * position.quantity, position.average_cost, position.unrealized)
        rows.append((position.symbol, *(f"{amount:,}" for amount in amounts), *map(money, prices)))
    standing = "" if portfolio.standing == "active" else f", {portfolio.standing}"
    say(f"{portfolio.account}, worth {money(portfolio.equity)}{standing}")
    show_table(("", "total", "held", "available", "price", "value", "bought at", "gain"), rows, left=("",), empty="")
    gain = portfolio.realized - portfolio.fees
    say(f"realized {money(gain)}" + (f" ({money(portfolio.fees)} of fees taken off)" if portfolio.fees else ""))
    say(counted(len(portfolio.orders) + portfolio.orders_left_out))


def counted(orders: int) -> str:
    """How many open orders, in words."""
    return f"{orders or 'no'} open order{'' if orders == 1 else 's'}"


async def _portfolio(scope: Scope) -> Portfolio:
    async with scope.trader() as client:
        return accepted(await client.request(subjects.api(client.account, "portfolio"), None, Portfolio))
