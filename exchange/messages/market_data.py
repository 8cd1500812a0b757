"""Public data: ticks → anyone, on market.<symbol>.… and public.<question>.

`number` is the number of the last event batch (of the symbol's shard) that the message contains, `previous` that of the
message before on the same channel: a subscriber whose last number differs from `previous` missed something and asks for
a snapshot. Derived from the log, so that any ticks worker gives the same numbers.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from .base import Side


class PublicTrade(msgspec.Struct, frozen=True):
    """A trade as the public sees it."""

    trade_id: int
    price: int
    quantity: int
    side: Side
    """The aggressor's side."""
    time: int


class Trades(msgspec.Struct, frozen=True):
    """market.<symbol>.trade. Trade ids have no gaps, so they number the channel."""

    symbol: str
    trades: list[PublicTrade]


class Quote(msgspec.Struct, frozen=True):
    """market.<symbol>.quote: best prices and what rests there; price 0 where a side is empty."""

    symbol: str
    number: int
    previous: int
    time: int
    bid: int
    bid_quantity: int
    ask: int
    ask_quantity: int


class Depth(msgspec.Struct, frozen=True):
    """market.<symbol>.depth: price levels [price, quantity] that changed, quantity 0 for a level that went away.

    Also the answer to public.depth, with all levels asked for, best first, and `previous` 0.
    """

    symbol: str
    number: int
    previous: int
    time: int
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]


Interval = Literal["1s", "1m"]


class Candle(msgspec.Struct, frozen=True):
    """market.<symbol>.candle.<interval>, re-sent while its interval lasts; and a row of public.candles."""

    symbol: str
    interval: Interval
    start: int
    """Seconds since 1970, a multiple of the interval."""
    open: int
    high: int
    low: int
    close: int
    volume: int
    """Shares."""
    turnover: int
    """Sum of price x quantity."""
    trades: int


class MarketInfo(msgspec.Struct, frozen=True):
    """Answer to public.market."""

    title: str
    time: int
    """Of the newest journal batch: the market's clock, in nanoseconds since 1970. It steps at least once a second."""


class SymbolQuestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """Asks public.depth or public.trades about one symbol; `limit` levels a side, or trades, at most 1,000."""

    symbol: str
    limit: int = 20
    before: int = 0
    """public.trades: only trades with a smaller id; 0 for the newest."""


class CandlesQuestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """Asks public.candles for the newest `limit` candles that start before `before` (seconds; 0 for now), oldest first.

    At most 4,000 at a time, so that the answer fits into a message.
    """

    symbol: str
    interval: Interval = "1m"
    limit: int = 300
    before: int = 0


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
