"""What everybody may see: symbols, the book, trades and candles."""

from __future__ import annotations

from itertools import accumulate
from typing import Annotated, Any, TypeVar

import typer

from exchange import subjects
from exchange.messages.market_data import Candle, CandlesQuestion, Depth, Interval, PublicTrade, SymbolInfo, SymbolQuestion

from .output import SECOND, bar, moment, money, price, say, show_json, show_table
from .scope import Scope, accepted

Answer = TypeVar("Answer")

Symbol = Annotated[str, typer.Argument(metavar="SYMBOL", help="For example KRYP.", show_default=False)]


async def symbols(scope: Scope) -> None:
    """What is traded here, and at which prices."""
    rows = await _ask(scope, "symbols", None, list[SymbolInfo])
    if scope.json:
        show_json(rows)
        return
    show_table(
        ("symbol", "name", "last", "change", "bid", "ask", "volume", "trades"),
        [
            (
                row.symbol,
                row.name,
                price(row.last),
                f"{100 * (row.last - row.opening_price) / row.opening_price:+.2f} %",
                price(row.bid),
                price(row.ask),
                f"{row.volume:,}",
                f"{row.trades:,}",
            )
            for row in rows
        ],
        left=("symbol", "name"),
        empty="no symbols",
    )


async def book(
    scope: Scope,
    symbol: Symbol,
    levels: Annotated[int, typer.Option("--levels", min=1, max=1_000, help="Prices a side.")] = 10,
) -> None:
    """The order book: asks above, bids below, best prices in the middle."""
    depth = await _ask(scope, "depth", SymbolQuestion(symbol.upper(), levels), Depth)
    if scope.json:
        show_json(depth)
        return
    totals = [list(accumulate(quantity for _, quantity in side)) for side in (depth.asks, depth.bids)]
    deepest = max((total[-1] for total in totals if total), default=0)
    asks, bids = (
        [
            (name, money(level), f"{quantity:,}", f"{total:,}", bar(total, deepest))
            for (level, quantity), total in zip(side, sums, strict=True)
        ]
        for name, side, sums in (("ask", depth.asks, totals[0]), ("bid", depth.bids, totals[1]))
    )
    spread = depth.asks[0][0] - depth.bids[0][0] if asks and bids else None
    words = (
        "" if spread is None else f", spread {money(spread)}" if spread > 0 else ", crossed: an auction is collecting orders"
    )
    say(f"{depth.symbol}{words}")
    columns = ("", "price", "size", "total", "depth")
    show_table(columns, [*reversed(asks), *bids], left=("", "depth"), empty="the book is empty")


async def trades(
    scope: Scope,
    symbol: Symbol,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000, help="How many, newest last.")] = 20,
    before: Annotated[
        int, typer.Option("--before", metavar="ID", help="Only trades with a smaller id.", show_default=False)
    ] = 0,
) -> None:
    """The last trades."""
    rows = await _ask(scope, "trades", SymbolQuestion(symbol.upper(), limit, before), list[PublicTrade])
    if scope.json:
        show_json(rows)
        return
    show_table(
        ("trade", "time", "side", "quantity", "price"),
        [
            (str(trade.trade_id), moment(trade.time), trade.side, f"{trade.quantity:,}", money(trade.price))
            for trade in sorted(rows, key=lambda trade: trade.trade_id)
        ],
        left=("side",),
        empty="no trades",
    )


async def candles(
    scope: Scope,
    symbol: Symbol,
    interval: Annotated[Interval, typer.Option("--interval", help="Length of one candle.")] = "1m",
    limit: Annotated[int, typer.Option("--limit", min=1, max=4_000, help="How many, newest last.")] = 20,
    before: Annotated[
        int, typer.Option("--before", metavar="SECONDS", help="Only candles that start before (Unix time).", show_default=False)
    ] = 0,
) -> None:
    """Candles: open, high, low, close and volume."""
    rows = await _ask(scope, "candles", CandlesQuestion(symbol.upper(), interval, limit, before), list[Candle])
    if scope.json:
        show_json(rows)
        return
    show_table(
        ("start", "open", "high", "low", "close", "volume", "turnover", "trades"),
        [
            (
                moment(row.start * SECOND).removesuffix(".000"),
                *(money(units) for units in (row.open, row.high, row.low, row.close)),
                f"{row.volume:,}",
                money(row.turnover),
                f"{row.trades:,}",
            )
            for row in rows
        ],
        empty="no candles",
    )


async def _ask(scope: Scope, question: str, message: Any, type_: type[Answer]) -> Answer:
    async with scope.guest() as client:
        return accepted(await client.request(subjects.public(question), message, type_))
