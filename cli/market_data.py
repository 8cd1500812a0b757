"""What everybody may see: symbols, the book, trades, quotes and candles."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import aclosing
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer
from rich.table import Table

from exchange import subjects
from exchange.messages.market_data import (
    Candle,
    CandlesQuestion,
    Depth,
    DepthQuestion,
    Format,
    HistoryQuestion,
    PublicTrade,
    Quote,
    SymbolInfo,
)

from .moments import parse_moment, parse_span
from .output import SECOND, bar, make_table, moment, money, price, say, show_json, show_table
from .problem import MISUSED, Problem
from .scope import Scope, accepted

Answer = TypeVar("Answer")
Numbered = TypeVar("Numbered", PublicTrade, Quote)

PAGE_ROWS = 1_000
CHART_HEIGHT = 24

Symbol = Annotated[str, typer.Argument(metavar="SYMBOL", help="For example KRYP.", show_default=False)]
Limit = Annotated[int, typer.Option("--limit", min=0, help="How many, newest last; 0 for all.")]
Before = Annotated[int, typer.Option("--before", metavar="ID", help="Only those with a smaller number.", show_default=False)]
Since = Annotated[
    str, typer.Option("--since", metavar="TIME", help='"2 hours ago", "yesterday 14:00", 2026-11-20T10:00.', show_default=False)
]
Until = Annotated[str, typer.Option("--until", metavar="TIME", help="Only what was before.", show_default=False)]
FileFormat = Annotated[
    Format | None, typer.Option("--format", help="Write a file's content, numbers in 1/10 000.", show_default=False)
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Where to; standard output without it.", show_default=False),
]


async def symbols(scope: Scope) -> None:
    """What is traded here, and at which prices."""
    async with scope.guest() as client:
        infos = accepted(await client.symbols())
    if scope.json:
        show_json(infos)
        return
    columns = ["symbol", "name", "last", "24 h", "bid", "ask", "volume", "trades"]
    rows = [_symbol_row(info) for info in infos]
    if any(info.phase != "continuous" for info in infos):
        columns.append("phase")
        for row, info in zip(rows, infos, strict=True):
            row.append(_phase(info))
    show_table(columns, rows, left=("symbol", "name", "phase"), empty="no symbols")


def _symbol_row(info: SymbolInfo) -> list[str]:
    before = info.day_ago or info.opening_price
    return [
        info.symbol,
        info.name,
        price(info.last),
        f"{100 * (info.last - before) / before:+.2f} %",
        price(info.bid),
        price(info.ask),
        f"{info.volume:,}",
        f"{info.trades:,}",
    ]


def _phase(info: SymbolInfo) -> str:
    words = info.phase.replace("_", " ")
    return f"{words}: {info.reason}" if info.reason else words


async def book(
    scope: Scope,
    symbol: Symbol,
    levels: Annotated[int, typer.Option("--levels", min=1, max=1_000, help="Prices a side.")] = 10,
    watch: Annotated[bool, typer.Option("--watch", help="Show it as it changes, until Ctrl-C.")] = False,
    at: Annotated[str, typer.Option("--at", metavar="TIME", help="As it was then.", show_default=False)] = "",
) -> None:
    """The order book: asks above, bids below, best prices in the middle."""
    if watch:
        if at:
            raise Problem("--at is a moment that does not change; leave out --watch", MISUSED)
        await _watch_book(scope, symbol.upper(), levels)
        return
    depth = await _ask(scope, "depth", DepthQuestion(symbol.upper(), levels, parse_moment("--at", at)), Depth)
    if scope.json:
        show_json(depth)
        return
    say(_spread(depth))
    show_table(BOOK_COLUMNS, _book_rows(depth), left=("", "depth"), empty="the book is empty")


BOOK_COLUMNS = ("", "price", "size", "total", "depth")


def _spread(depth: Depth) -> str:
    if not depth.asks or not depth.bids:
        return depth.symbol
    spread = depth.asks[0][0] - depth.bids[0][0]
    return f"{depth.symbol}, " + (f"spread {money(spread)}" if spread > 0 else "crossed: an auction is collecting orders")


def _book_rows(depth: Depth) -> list[tuple[str, ...]]:
    totals = [list(accumulate(quantity for _, quantity in side)) for side in (depth.asks, depth.bids)]
    deepest = max((total[-1] for total in totals if total), default=0)
    asks, bids = (
        [
            (name, money(level), f"{quantity:,}", f"{total:,}", bar(total, deepest))
            for (level, quantity), total in zip(side, sums, strict=True)
        ]
        for name, side, sums in (("ask", depth.asks, totals[0]), ("bid", depth.bids, totals[1]))
    )
    return [*reversed(asks), *bids]


async def _watch_book(scope: Scope, symbol: str, levels: int) -> None:
    from exchange.public_book import DepthBook

    from .watching import until_stopped, watch

    def depth_of(book: DepthBook) -> Depth:
        sides = (book.levels("buy", levels), book.levels("sell", levels))
        return Depth(book.symbol, book.number, 0, book.time, *sides)

    def picture(book: DepthBook) -> Table:
        depth = depth_of(book)
        table = make_table(BOOK_COLUMNS, _book_rows(depth), left=("", "depth"))
        table.title = f"{_spread(depth)}, {moment(book.time)}"
        return table

    async with scope.guest() as client:
        books = client.market_data.depth(symbol)
        if not scope.json:
            await watch(books, picture)
            return
        async with until_stopped(), aclosing(books):
            async for book in books:
                show_json(depth_of(book))
                sys.stdout.flush()


async def trades(
    scope: Scope,
    symbol: Symbol,
    limit: Limit = 20,
    before: Before = 0,
    since: Since = "",
    until: Until = "",
    follow: Annotated[bool, typer.Option("--follow", help="And those to come, until Ctrl-C.")] = False,
    format_: FileFormat = None,
    output: Output = None,
) -> None:
    """The last trades, or those of a time."""
    question = _history(symbol, before, since, until)
    rows = await _pages(scope, "trades", question, limit, PublicTrade, lambda trade: trade.trade_id)
    if follow:
        await _follow_trades(scope, symbol.upper(), rows)
    elif not _written(rows, PublicTrade, format_, output, scope):
        show_table(TRADE_COLUMNS, map(_trade_row, rows), left=("side", ""), empty="no trades")


TRADE_COLUMNS = ("trade", "time", "side", "quantity", "price", "")


def _trade_row(trade: PublicTrade) -> tuple[str, ...]:
    side = "–" if trade.auction else trade.side
    row = (str(trade.trade_id), moment(trade.time), side, f"{trade.quantity:,}", money(trade.price))
    return (*row, "auction" if trade.auction else "")


async def _follow_trades(scope: Scope, symbol: str, rows: list[PublicTrade]) -> None:
    from .watching import until_stopped

    def show(trade: PublicTrade) -> None:
        if scope.json:
            show_json(trade)
        else:
            number, when, side, quantity, at, kind = _trade_row(trade)
            say(f"{number:>9}  {when:>12}  {side:4}  {quantity:>9}  {at:>12}  {kind}".rstrip())
        sys.stdout.flush()

    for trade in rows:
        show(trade)
    async with scope.guest() as client:
        following = client.market_data.trades(symbol, after=rows[-1].trade_id if rows else None)
        async with until_stopped(), aclosing(following):
            async for trade in following:
                show(trade)


async def quotes(
    scope: Scope,
    symbol: Symbol,
    limit: Limit = 20,
    before: Before = 0,
    since: Since = "",
    until: Until = "",
    format_: FileFormat = None,
    output: Output = None,
) -> None:
    """The last changes of the best prices, or those of a time."""
    question = _history(symbol, before, since, until)
    rows = await _pages(scope, "quotes", question, limit, Quote, lambda quote: quote.number)
    if not _written(rows, Quote, format_, output, scope):
        show_table(
            ("number", "time", "bid size", "bid", "ask", "ask size"),
            [
                (
                    str(quote.number),
                    moment(quote.time),
                    f"{quote.bid_quantity:,}",
                    price(quote.bid),
                    price(quote.ask),
                    f"{quote.ask_quantity:,}",
                )
                for quote in rows
            ],
            empty="no quotes",
        )


Interval = Annotated[str, typer.Option("--interval", metavar="LENGTH", help="Of one candle: 30s, 1m, 7m, 4h, 1d, 1w, 1mo.")]
Periods = Annotated[
    int, typer.Option("--periods", min=0, max=3_500, help="So many intervals, traded in or not.", show_default=False)
]
Fill = Annotated[bool, typer.Option("--fill", help="A candle of the last price where nothing was traded.")]


async def candles(
    scope: Scope,
    symbol: Symbol,
    interval: Interval = "1m",
    limit: Annotated[int, typer.Option("--limit", min=1, max=3_500, help="How many, newest last.")] = 20,
    since: Since = "",
    until: Until = "",
    periods: Periods = 0,
    fill: Fill = False,
    format_: FileFormat = None,
    output: Output = None,
) -> None:
    """Candles: open, high, low, close and volume."""
    if since or periods:
        limit = 3_500
    rows = await _candles(scope, symbol, interval, limit, since, until, periods, fill)
    if _written(rows, Candle, format_, output, scope):
        return
    show_table(
        ("start", "open", "high", "low", "close", "volume", "vwap", "trades"),
        [
            (
                moment(row.start * SECOND).removesuffix(".000"),
                *(money(units) for units in (row.open, row.high, row.low, row.close)),
                f"{row.volume:,}",
                money(row.vwap),
                f"{row.trades:,}",
            )
            for row in rows
        ],
        empty="no candles",
    )


async def chart(
    scope: Scope,
    symbol: Symbol,
    interval: Interval = "1m",
    since: Since = "",
    until: Until = "",
    periods: Periods = 0,
) -> None:
    """Candles, drawn in the terminal."""
    import shutil

    width = shutil.get_terminal_size((100, CHART_HEIGHT)).columns
    rows = await _candles(scope, symbol, interval, max(10, width // 2 - 8), since, until, periods, False)
    if scope.json:
        show_json(rows)
    elif not rows:
        say("no candles")
    else:
        from .drawing import draw

        print(draw(rows, width, CHART_HEIGHT))


async def _candles(
    scope: Scope, symbol: str, interval: str, limit: int, since: str, until: str, periods: int, fill: bool
) -> list[Candle]:
    start, end = parse_span(since, until)
    question = CandlesQuestion(symbol.upper(), interval, limit, end // SECOND, start // SECOND, periods, fill)
    return await _ask(scope, "candles", question, list[Candle])


def _history(symbol: str, before: int, since: str, until: str) -> HistoryQuestion:
    start, end = parse_span(since, until)
    return HistoryQuestion(symbol.upper(), before=before, since=start, until=end)


async def _pages(
    scope: Scope,
    name: str,
    question: HistoryQuestion,
    limit: int,
    type_: type[Numbered],
    number: Callable[[Numbered], int],
) -> list[Numbered]:
    """Up to `limit` rows (0 for all), oldest first: those after `since`, or the newest."""
    rows: list[Numbered] = []
    ascending = bool(question.since)
    async with scope.guest() as client:
        while not limit or len(rows) < limit:
            count = min(PAGE_ROWS, limit - len(rows)) if limit else PAGE_ROWS
            asked = msgspec.structs.replace(question, limit=count)
            page = accepted(await client.request(subjects.public(name), asked, list[type_]))  # type: ignore[valid-type]
            rows += page
            if len(page) < count:
                break
            edge = number(page[-1])
            question = msgspec.structs.replace(question, **({"after": edge} if ascending else {"before": edge}))
    return rows if ascending else rows[::-1]


def _written(rows: list[Any], type_: type[msgspec.Struct], format_: Format | None, output: Path | None, scope: Scope) -> bool:
    """Whether the rows went to where a program reads them."""
    if format_ is None and output is not None:
        raise Problem("--output: say in which --format", MISUSED)
    if format_ in (None, "json") and output is None:
        if format_ or scope.json:
            show_json(rows)
        return bool(format_) or scope.json
    if format_ in ("parquet", "arrow") and output is None and sys.stdout.isatty():
        raise Problem(f"{format_} is not for the terminal; name a file with --output", MISUSED)
    from exchange.tables import encode_table

    assert format_ is not None
    content = msgspec.json.encode(rows) + b"\n" if format_ == "json" else encode_table(rows, type_, format_)
    try:
        if output is None:
            sys.stdout.buffer.write(content)
        else:
            output.write_bytes(content)
            say(f"{len(rows):,} rows written to {output}")
    except OSError as error:
        raise Problem(f"{output}: {error.strerror}") from None
    return True


async def _ask(scope: Scope, question: str, message: Any, type_: type[Answer]) -> Answer:
    async with scope.guest() as client:
        return accepted(await client.request(subjects.public(question), message, type_))
