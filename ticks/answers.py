"""Answers to public.<question>: what is newest from memory, what is older from the store."""

from __future__ import annotations

import asyncio
from typing import Final, TypeVar

import msgspec

from exchange.messages.base import decoder
from exchange.messages.market_data import (
    SYMBOLS_PER_PAGE,
    BookQuestion,
    Candle,
    CandlesQuestion,
    Depth,
    DepthQuestion,
    Format,
    HistoryQuestion,
    MarketInfo,
    Orders,
    PublicTrade,
    Quote,
    Statistics,
    Status,
    SymbolInfo,
    SymbolQuestion,
    SymbolsQuestion,
)
from exchange.messages.requests import Refused
from exchange.questions import Questions
from exchange.subjects import public
from exchange.tables import encode_table

from . import pages
from .charts import Chart
from .feed import Instrument
from .pages import INTEGER_MAX
from .sink import Ticks

LEVELS_MAX: Final = 10_000
ORDERS_MAX: Final = 10_000
ROWS_MAX: Final[dict[Format, int]] = {"json": 1_000, "csv": 10_000, "parquet": 10_000, "arrow": 10_000}
CANDLES_MAX: Final = 3_500
"""What fits into one message, whatever the numbers."""
SECOND: Final = 1_000_000_000

Row = TypeVar("Row", bound=msgspec.Struct)
Page = list[Row] | bytes
"""Messages, or a file's content in another format."""
Question = DepthQuestion | BookQuestion | HistoryQuestion | CandlesQuestion

_decode_symbol: Final = decoder(SymbolQuestion).decode
_decode_symbols: Final = decoder(SymbolsQuestion).decode
_decode_depth: Final = decoder(DepthQuestion).decode
_decode_book: Final = decoder(BookQuestion).decode
_decode_history: Final = decoder(HistoryQuestion).decode
_decode_candles: Final = decoder(CandlesQuestion).decode


class Answers:
    """The public's questions. Whatever raises ValueError is malformed."""

    def __init__(self, ticks: Ticks, title: str) -> None:
        self._ticks = ticks
        self._feed = ticks.feed
        self._title = title

    async def open(self, questions: Questions) -> None:
        """Answer from now on."""
        for name in (
            "market",
            "symbols",
            "quote",
            "depth",
            "book",
            "status",
            "statistics",
            "trades",
            "quotes",
            "candles",
        ):
            await questions.answer(public(name), getattr(self, name))

    async def market(self, subject: str, payload: bytes) -> MarketInfo:
        """public.market; the payload does not matter."""
        return MarketInfo(self._title, self._feed.time)

    async def symbols(self, subject: str, payload: bytes) -> list[SymbolInfo] | Refused:
        """public.symbols: a page; without a payload the first."""
        after = _decode_symbols(payload or b"{}").after
        last = self._instrument(after) if after else None
        return last if isinstance(last, Refused) else self._feed.symbols(last.index + 1 if last else 0, SYMBOLS_PER_PAGE)

    async def quote(self, subject: str, payload: bytes) -> Quote | Refused:
        """public.quote: the best prices as of the last event batch."""
        instrument = self._instrument(_decode_symbol(payload).symbol)
        return instrument if isinstance(instrument, Refused) else self._feed.quote(instrument)

    async def status(self, subject: str, payload: bytes) -> Status | Refused:
        """public.status: phase, auction and price band."""
        instrument = self._instrument(_decode_symbol(payload).symbol)
        return instrument if isinstance(instrument, Refused) else self._feed.status(instrument)

    async def statistics(self, subject: str, payload: bytes) -> Statistics | Refused:
        """public.statistics: the session day so far."""
        instrument = self._instrument(_decode_symbol(payload).symbol)
        return instrument if isinstance(instrument, Refused) else self._feed.statistics(instrument)

    async def depth(self, subject: str, payload: bytes) -> Depth | Refused:
        """public.depth: the levels as of the last event batch, or at a past moment."""
        question: DepthQuestion = _decode_depth(payload)
        instrument = self._instrument(question.symbol)
        refusal = _out_of_bounds(question, LEVELS_MAX)
        if refusal or isinstance(instrument, Refused):
            return refusal or instrument  # type: ignore[return-value]
        if not question.at:
            return self._feed.depth(instrument, question.limit)
        if question.at > self._feed.time:
            return Refused("malformed", "at: that moment has not come yet")
        await self._ticks.settled()
        levels = await pages.depth(self._ticks.database, instrument, question.at, question.limit)
        return Depth(question.symbol, 0, 0, question.at, *levels)

    async def book(self, subject: str, payload: bytes) -> Orders | Refused:
        """public.book: the orders as of the last event batch."""
        question: BookQuestion = _decode_book(payload)
        instrument = self._instrument(question.symbol)
        refusal = _out_of_bounds(question, ORDERS_MAX)
        if refusal or isinstance(instrument, Refused):
            return refusal or instrument  # type: ignore[return-value]
        return self._feed.orders(instrument, question.after, question.limit)

    async def trades(self, subject: str, payload: bytes) -> Page[PublicTrade] | Refused:
        """public.trades."""
        question: HistoryQuestion = _decode_history(payload)
        instrument = self._instrument(question.symbol)
        refusal = _out_of_bounds(question, ROWS_MAX[question.format])
        if refusal or isinstance(instrument, Refused):
            return refusal or instrument  # type: ignore[return-value]
        return await _page(await pages.trades(self._ticks.database, instrument, question), PublicTrade, question.format)

    async def quotes(self, subject: str, payload: bytes) -> Page[Quote] | Refused:
        """public.quotes."""
        question: HistoryQuestion = _decode_history(payload)
        instrument = self._instrument(question.symbol)
        refusal = _out_of_bounds(question, ROWS_MAX[question.format])
        if refusal or isinstance(instrument, Refused):
            return refusal or instrument  # type: ignore[return-value]
        await self._ticks.settled()
        return await _page(await pages.quotes(self._ticks.database, instrument, question), Quote, question.format)

    async def candles(self, subject: str, payload: bytes) -> Page[Candle] | Refused:
        """public.candles, oldest first; the last may still grow."""
        question: CandlesQuestion = _decode_candles(payload)
        instrument = self._instrument(question.symbol)
        refusal = _out_of_bounds(question, CANDLES_MAX)
        if refusal or isinstance(instrument, Refused):
            return refusal or instrument  # type: ignore[return-value]
        now = max(self._feed.time, instrument.time) // SECOND
        try:
            chart = Chart(self._ticks.database, instrument, question, now)
        except ValueError as error:
            return Refused("malformed", f"interval: {error}")
        return await _page(await chart.candles(self._feed.number(instrument)), Candle, question.format)

    def _instrument(self, symbol: str) -> Instrument | Refused:
        found = self._feed.instruments.get(symbol)
        return found or Refused("unknown_symbol", f"{symbol[:32]} is not traded here")


async def _page(rows: list[Row], type_: type[Row], format_: Format) -> Page[Row]:
    """Rows as the messages they are, or as a file."""
    return rows if format_ == "json" else await asyncio.to_thread(encode_table, rows, type_, format_)


def _out_of_bounds(question: Question, limit_max: int) -> Refused | None:
    """A number in a question that cannot be meant."""
    if not 1 <= question.limit <= limit_max:
        return Refused("malformed", f"limit: expected 1 to {limit_max}, got {question.limit}")
    for name in ("before", "after", "since", "until", "at"):
        if not 0 <= getattr(question, name, 0) <= INTEGER_MAX:
            return Refused("malformed", f"{name}: expected 0 or more, got {getattr(question, name)}")
    if not 0 <= getattr(question, "periods", 0) <= CANDLES_MAX:
        return Refused("malformed", f"periods: expected 1 to {CANDLES_MAX}, or 0 for no bound")
    return None
