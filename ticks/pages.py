"""Pages of history from the store: trades, quotes and the depth of a past moment.

Queries are bounded by number or time on both sides, because DuckDB then looks only where such rows are. Where there is no such
bound, one is guessed and moved away until enough is found (`widen`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from exchange.database import Database, Row
from exchange.messages.base import Side
from exchange.messages.market_data import HistoryQuestion, PublicTrade, Quote

from .book import Level
from .feed import Instrument

INTEGER_MAX: Final = 2**63 - 1
SECOND: Final = 1_000_000_000
WIDTH: Final = 60 * SECOND
"""Of the first guess; each further one is WIDER times as wide."""
WIDER: Final = 16

TRADES: Final = """
    SELECT trade_id, price, quantity, buys, time, auction FROM trades
    WHERE symbol = $symbol AND trade_id > $after AND trade_id < $before AND time >= $low AND time < $high
    ORDER BY trade_id {order} LIMIT $limit
"""
QUOTES: Final = """
    SELECT number, time, bid, bid_quantity, ask, ask_quantity FROM quotes
    WHERE symbol = $symbol AND number > $after AND number < $before AND time >= $low AND time < $high
    ORDER BY number {order} LIMIT $limit
"""
IMAGE: Final = "SELECT coalesce(max(time), 0) FROM images WHERE symbol = $symbol AND time <= $at"
LEVELS: Final = """
    SELECT buys, price, arg_max(quantity, rowid) AS shown FROM levels
    WHERE symbol = $symbol AND time >= $image AND time <= $at GROUP BY buys, price HAVING shown > 0 ORDER BY price
"""


async def widen(
    ask: Callable[[int, int, int], Awaitable[list[Row]]], low: int, high: int, limit: int, width: int, *, ascending: bool
) -> list[Row]:
    """The first `limit` rows of [low, high) in the given direction. `ask(low, high, limit)` gives those of a part of it."""
    found: list[Row] = []
    while low < high and len(found) < limit:
        if ascending:
            edge = min(low + width, high)
            found += await ask(low, edge, limit - len(found))
            low = edge
        else:
            edge = max(high - width, low)
            found += await ask(edge, high, limit - len(found))
            high = edge
        width *= WIDER
    return found


def is_ascending(question: HistoryQuestion) -> bool:
    """Whether a page begins with its oldest row."""
    return bool(question.after or question.since)


async def trades(database: Database, instrument: Instrument, question: HistoryQuestion) -> list[PublicTrade]:
    """A page of trades: what is newest from memory, what is older from the store."""
    ascending = is_ascending(question)
    before, until = question.before or INTEGER_MAX, question.until or INTEGER_MAX
    memory = [
        trade
        for trade in instrument.recent
        if question.after < trade.trade_id < before and question.since <= trade.time < until
    ]
    oldest = instrument.recent[0].trade_id if instrument.recent else instrument.trades + 1
    before = min(before, oldest)
    if not ascending:
        found = memory[::-1][: question.limit]
        return found + await _stored_trades(database, instrument, question, before, question.limit - len(found))
    found = await _stored_trades(database, instrument, question, before, question.limit)
    return (found + memory)[: question.limit]


async def _stored_trades(
    database: Database, instrument: Instrument, question: HistoryQuestion, before: int, limit: int
) -> list[PublicTrade]:
    ascending, after, until = is_ascending(question), question.after, question.until or INTEGER_MAX
    if limit == 0 or before - after <= 1:
        return []
    low, high = question.since, min(until, instrument.time + 1)
    width = WIDTH
    if not question.since and not question.until:  # Ids have no gaps, so they bound the page themselves.
        after, before = (after, min(before, after + limit + 1)) if ascending else (max(after, before - limit - 1), before)
        width = INTEGER_MAX
    query = TRADES.format(order="" if ascending else "DESC")

    async def ask(low: int, high: int, limit: int) -> list[Row]:
        parameters = {"symbol": instrument.index, "after": after, "before": before, "low": low, "high": high, "limit": limit}
        return await database.ask(query, parameters)

    rows = await widen(ask, low, high, limit, width, ascending=ascending)
    return [
        PublicTrade(trade_id, price, quantity, _side(buys), time, auction)
        for trade_id, price, quantity, buys, time, auction in rows
    ]


async def quotes(database: Database, instrument: Instrument, question: HistoryQuestion) -> list[Quote]:
    """A page of quotes; all of them must be in the store."""
    ascending = is_ascending(question)
    bounds = {"symbol": instrument.index, "after": question.after, "before": question.before or INTEGER_MAX}
    query = QUOTES.format(order="" if ascending else "DESC")
    low, high = question.since, min(question.until or INTEGER_MAX, instrument.time + 1)
    if question.after and not low:
        low = await _time_of_quote(database, instrument, question.after)
    if question.before and not ascending:
        high = min(high, await _time_of_quote(database, instrument, question.before) + 1)

    async def ask(low: int, high: int, limit: int) -> list[Row]:
        return await database.ask(query, bounds | {"low": low, "high": high, "limit": limit})

    rows = await widen(ask, low, high, question.limit, WIDTH, ascending=ascending)
    symbol = instrument.definition.symbol
    return [Quote(symbol, number, 0, time, *prices) for number, time, *prices in rows]


async def _time_of_quote(database: Database, instrument: Instrument, number: int) -> int:
    """When the quotes with greater numbers begin, or shortly before."""
    query = "SELECT max(time) FROM quotes WHERE symbol = $symbol AND number <= $number AND number > $number - $span"
    span = 1_000
    while span < WIDER * (number + 1_000):
        rows = await database.ask(query, {"symbol": instrument.index, "number": number, "span": span})
        if rows[0][0] is not None:
            return int(rows[0][0])
        span *= WIDER
    return 0


async def depth(database: Database, instrument: Instrument, at: int, limit: int) -> tuple[list[Level], list[Level]]:
    """Bids and asks, best first, after all that happened up to a moment; it must be in the store."""
    ((image,),) = await database.ask(IMAGE, {"symbol": instrument.index, "at": at})
    rows = await database.ask(LEVELS, {"symbol": instrument.index, "image": image, "at": at})
    bids = [(price, quantity) for buys, price, quantity in reversed(rows) if buys]
    return bids[:limit], [(price, quantity) for buys, price, quantity in rows if not buys][:limit]


def _side(buys: bool) -> Side:
    return "buy" if buys else "sell"
