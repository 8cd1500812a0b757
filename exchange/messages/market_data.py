"""Public data: ticks → anyone, on market.<symbol>.… and public.<question>; what a subscriber does with it: docs/market-data.md.

`number` is the number of the last event batch (of the symbol's shard) that the message contains, `previous` that of the
message before on the same channel: a subscriber whose last number is less than `previous` missed something and asks for
a snapshot. Derived from the log, so that any ticks worker gives the same numbers. Messages state what is, not what to add,
so that it does no harm to hear of something twice. A message with `previous` 0 begins anew: take a snapshot.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from .base import Phase, Side

Format = Literal["json", "csv", "parquet", "arrow"]
"""Of a page of history; all but the first are a file's content instead of messages."""


LIVE_INTERVALS: Final = ("1s", "1m", "5m", "15m", "1h", "1d", "1w", "1mo")
"""Of candles that are published as they grow; any other can be asked for."""


class PublicTrade(msgspec.Struct, frozen=True, omit_defaults=True):
    """A trade as the public sees it."""

    trade_id: int
    price: int
    quantity: int
    side: Side
    """The aggressor's side."""
    time: int
    auction: bool = False
    """It was made by an auction, where nobody is the aggressor."""


class Trades(msgspec.Struct, frozen=True):
    """market.<symbol>.trade. Trade ids have no gaps, so they number the channel; public.trades fills what is missing."""

    symbol: str
    trades: list[PublicTrade]


class Quote(msgspec.Struct, frozen=True):
    """market.<symbol>.quote and public.quote: best prices and what rests there; price 0 where a side is empty.

    Also a row of public.quotes, with `previous` 0: the best prices after a journal batch that changed them.
    """

    symbol: str
    number: int
    previous: int
    time: int
    bid: int
    bid_quantity: int
    ask: int
    ask_quantity: int


class Depth(msgspec.Struct, frozen=True, omit_defaults=True):
    """market.<symbol>.depth: price levels [price, quantity] that changed, quantity 0 for a level that went away.

    Once a second there is one with a `checksum` (see exchange/checksum.py), more rarely where nothing changes.
    market.<symbol>.top: the best 20 levels of each side, complete, at a steady pace.
    Also the answer to public.depth, with all levels asked for, best first, and `previous` 0.
    """

    symbol: str
    number: int
    previous: int
    time: int
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]
    checksum: int | None = None
    """Of all levels, as they are after this message."""


PublicOrder = tuple[int, Side, int, int]
"""Id, side, price, quantity shown. Ids count a symbol's arrivals at the end of a queue, so that at a price the smallest is
first; an iceberg's next part is a new arrival. They tell nothing about the order's account, nor its id there."""


class Orders(msgspec.Struct, frozen=True, omit_defaults=True):
    """market.<symbol>.book: every change of every resting order in turn, as it is after it; quantity 0 for one that left.

    A `checksum` comes as in Depth. Also a page of public.book, by ascending id, with `previous` 0.
    """

    symbol: str
    number: int
    previous: int
    time: int
    orders: list[PublicOrder]
    checksum: int | None = None
    """Of all orders, as they are after this message."""


class Candle(msgspec.Struct, frozen=True, omit_defaults=True):
    """market.<symbol>.candle.<interval>, re-sent while its interval lasts; and a row of public.candles."""

    symbol: str
    interval: str
    """As in exchange/calendar.py: `1s`, `5m`, `1h`, `1mo`."""
    start: int
    """Seconds since 1970, when its period began by the market's calendar."""
    open: int
    high: int
    low: int
    close: int
    volume: int
    """Shares."""
    turnover: int
    """Sum of price x quantity."""
    trades: int
    vwap: int = 0
    """Turnover / volume, rounded; the close where nothing was traded."""
    number: int = 0
    """Of public.candles only the newest row, which still grows, has one."""
    previous: int = 0


class Status(msgspec.Struct, frozen=True, omit_defaults=True):
    """market.<symbol>.status and public.status: the phase, and what an auction would give now."""

    symbol: str
    number: int
    previous: int
    time: int
    phase: Phase = "continuous"
    reason: str = ""
    """Why it is halted."""
    indicative_price: int = 0
    """What an auction would trade at now; 0 where there is none."""
    indicative_volume: int = 0
    imbalance: int = 0
    """Shares that would be left over at that price …"""
    imbalance_side: str = ""
    """… and on which side."""
    reference: int = 0
    """Of the price band; 0 where there is none."""
    low: int = 0
    high: int = 0
    until: int = 0
    """When the phase ends, by the schedule or as a volatility auction (nanoseconds); 0 where nobody can say: without a
    schedule, and of a halt, which ends when the operator says so."""


class Statistics(msgspec.Struct, frozen=True, omit_defaults=True):
    """market.<symbol>.statistics and public.statistics: the session day up to now. Prices are 0 before its first trade."""

    symbol: str
    number: int
    previous: int
    time: int
    day: int
    """When the session day began, in seconds since 1970."""
    open: int
    high: int
    low: int
    last: int
    """Of any day; the opening price before the first trade."""
    volume: int
    turnover: int
    vwap: int
    trades: int
    previous_close: int
    """Of the session day before that had trades; the opening price in the first."""
    change: int
    """Last price minus that of 24 hours ago, to the minute."""
    change_basis_points: int


class MarketInfo(msgspec.Struct, frozen=True):
    """Answer to public.market."""

    title: str
    time: int
    """Of the newest journal batch: the market's clock, in nanoseconds since 1970. It steps at least once a second."""


class SymbolQuestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """Asks public.quote, public.status or public.statistics about one symbol."""

    symbol: str


class DepthQuestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """Asks public.depth for `limit` levels a side, at most 10,000."""

    symbol: str
    limit: int = 20
    at: int = 0
    """As it was after all that happened up to this moment (nanoseconds); 0 for now. The answer's number is 0 then."""


class BookQuestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """Asks public.book for `limit` orders, at most 10,000, with an id greater than `after`.

    Later pages may be newer than the first: the changes since the first one's number, applied in turn, make them agree.
    """

    symbol: str
    limit: int = 10_000
    after: int = 0


class HistoryQuestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """Asks public.trades or public.quotes for a page of `limit` rows, at most 1,000 as JSON and 10,000 in other formats.

    Oldest first where `since` or `after` is given, newest first otherwise. Numbers are trade ids, or numbers of quotes.
    """

    symbol: str
    limit: int = 20
    before: int = 0
    """Only rows with a smaller number; 0 for no bound."""
    after: int = 0
    """Only rows with a greater number."""
    since: int = 0
    """Only rows of this moment (nanoseconds) or later."""
    until: int = 0
    """Only rows of before this moment; 0 for no bound."""
    format: Format = "json"


class CandlesQuestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """Asks public.candles for the newest `limit` candles, oldest first, at most 3,500 so that the answer fits into a message.

    An interval is any number of seconds, minutes, hours, days, weeks or months: `7m`, `4h`, `1mo`. All bounds in seconds.
    """

    symbol: str
    interval: str = "1m"
    limit: int = 300
    before: int = 0
    """Only candles that start earlier; 0 for now."""
    since: int = 0
    """Only candles of the period of this moment or later."""
    periods: int = 0
    """So many periods, with trades or without: the first ones from `since`, else the last ones up to `before`."""
    fill: bool = False
    """A period without trades has a candle of the price before it, instead of none."""
    format: Format = "json"


SYMBOLS_PER_PAGE: Final = 1_000


class SymbolsQuestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """public.symbols: the next SYMBOLS_PER_PAGE after that symbol, the first ones without it, in the order of definition."""

    after: str = ""


class SymbolInfo(msgspec.Struct, frozen=True):
    """One row of public.symbols."""

    symbol: str
    name: str
    tick: int
    lot: int
    opening_price: int
    last: int
    """Last price; the opening price before the first trade."""
    bid: int
    ask: int
    volume: int
    """Shares traded since the market began."""
    trades: int
    maker_fee: int = 0
    """In basis points of a trade's value; a negative one is a rebate."""
    taker_fee: int = 0
    protection: int = 0
    """How far from the last price a market order without a price may trade, in basis points."""
    order_quantity_max: int = 0
    """How many shares one order may have."""
    day_ago: int = 0
    """Price of 24 hours ago, to the minute; the opening price where there was none."""
    phase: Phase = "continuous"
    reason: str = ""
    """Why it is halted."""
