"""The past of an account: its orders and what became of them."""

from __future__ import annotations

from typing import Annotated

import typer

from exchange import subjects
from exchange.messages.account import OrderRecord, PageQuestion

from .output import moment, price, show_json, show_table
from .scope import Scope, accepted


async def history(
    scope: Scope,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000, help="How many, newest first.")] = 20,
    before: Annotated[
        int, typer.Option("--before", metavar="ID", help="Only orders with a smaller id.", show_default=False)
    ] = 0,
    symbol: Annotated[str, typer.Option("--symbol", help="Only this symbol's.", show_default=False)] = "",
) -> None:
    """All orders and what became of them, newest first."""
    async with scope.trader() as client:
        question = PageQuestion(limit, before, symbol.upper())
        rows = accepted(await client.request(subjects.api(client.account, "history"), question, list[OrderRecord]))
    if scope.json:
        show_json(rows)
        return
    show_table(
        ("id", "time", "symbol", "side", "kind", "quantity", "price", "filled", "status", "client id"),
        [
            (
                str(order.order_id),
                moment(order.time),
                order.symbol,
                order.side,
                order.kind.replace("_", " "),
                f"{order.quantity:,}",
                price(order.price),
                f"{order.filled:,}",
                order.status + (f" ({order.reason})" if order.reason else ""),
                order.client_order_id,
            )
            for order in rows
        ],
        left=("symbol", "side", "kind", "status", "client id"),
        empty="no orders yet",
    )
