"""Answers to public.<question>: what is newest from memory, what is older from the store."""

from __future__ import annotations

from typing import Final

from exchange.messages.base import decoder
from exchange.messages.market_data import Candle, CandlesQuestion, Depth, MarketInfo, PublicTrade, SymbolInfo, SymbolQuestion
from exchange.messages.requests import Refused
from exchange.questions import Questions
from exchange.subjects import public

from .feed import Instrument
from .sink import Ticks

LEVELS_MAX: Final = 1_000
TRADES_MAX: Final = 1_000
CANDLES_MAX: Final = 4_000
"""What fits into one message, whatever the numbers."""
INTEGER_MAX: Final = 2**63 - 1

TRADES: Final = """
    SELECT trade_id, price, quantity, side, time FROM trades
    WHERE symbol = $symbol AND trade_id < $before AND trade_id >= $before - $limit ORDER BY trade_id DESC
"""
CANDLES: Final = """
    SELECT symbol, interval, start, open, high, low, close, volume, turnover, trades FROM candles
    WHERE symbol = $symbol AND interval = $interval AND start < $before ORDER BY start DESC LIMIT $limit
"""

_decode_symbol: Final = decoder(SymbolQuestion).decode
_decode_candles: Final = decoder(CandlesQuestion).decode


class Answers:
    """The public's questions."""

    def __init__(self, ticks: Ticks, title: str) -> None:
        self._ticks = ticks
        self._title = title

    async def open(self, questions: Questions) -> None:
        """Answer from now on."""
        await questions.answer(public("market"), self.market)
        await questions.answer(public("symbols"), self.symbols)
        await questions.answer(public("depth"), self.depth)
        await questions.answer(public("trades"), self.trades)
        await questions.answer(public("candles"), self.candles)

    async def market(self, subject: str, payload: bytes) -> MarketInfo:
        """public.market; the payload does not matter."""
        return MarketInfo(self._title, self._ticks.feed.time)

    async def symbols(self, subject: str, payload: bytes) -> list[SymbolInfo]:
        """public.symbols; the payload does not matter."""
        return self._ticks.feed.symbols()

    async def depth(self, subject: str, payload: bytes) -> Depth | Refused:
        """public.depth: the book as of the last event batch."""
        question: SymbolQuestion = _decode_symbol(payload)
        instrument = self._instrument(question.symbol)
        if refusal := _limits(question, LEVELS_MAX):
            return refusal
        return instrument if isinstance(instrument, Refused) else self._ticks.feed.depth(instrument, question.limit)

    async def trades(self, subject: str, payload: bytes) -> list[PublicTrade] | Refused:
        """public.trades, newest first."""
        question: SymbolQuestion = _decode_symbol(payload)
        instrument = self._instrument(question.symbol)
        if refusal := _limits(question, TRADES_MAX):
            return refusal
        if isinstance(instrument, Refused):
            return instrument
        recent = instrument.recent
        oldest = recent[0].trade_id if recent else instrument.trades + 1  # Ids have no gaps.
        before = min(question.before or INTEGER_MAX, instrument.trades + 1)
        end = max(0, before - oldest)
        found = recent[max(0, end - question.limit) : end][::-1]
        if len(found) < question.limit and (before := min(before, oldest)) > 1:
            parameters = {"symbol": question.symbol, "before": before, "limit": question.limit - len(found)}
            found += [PublicTrade(*row) for row in await self._ticks.database.ask(TRADES, parameters)]
        return found

    async def candles(self, subject: str, payload: bytes) -> list[Candle] | Refused:
        """public.candles, oldest first; the last may still grow."""
        question: CandlesQuestion = _decode_candles(payload)
        instrument = self._instrument(question.symbol)
        if refusal := _limits(question, CANDLES_MAX):
            return refusal
        if isinstance(instrument, Refused):
            return instrument
        series = instrument.series[question.interval]
        bars = [*series.closed, series.bar] if series.bar else []
        before = question.before or INTEGER_MAX
        oldest = min(bars[0].start, before) if bars else before
        found = [series.candle(bar) for bar in [bar for bar in bars if bar.start < before][-question.limit :]]
        if len(found) < question.limit:
            parameters = {
                "symbol": question.symbol,
                "interval": question.interval,
                "before": oldest,
                "limit": question.limit - len(found),
            }
            rows = await self._ticks.database.ask(CANDLES, parameters)
            found[:0] = [Candle(*row) for row in reversed(rows)]
        return found

    def _instrument(self, symbol: str) -> Instrument | Refused:
        found = self._ticks.feed.instruments.get(symbol)
        return found or Refused("unknown_symbol", f"{symbol[:32]} is not traded here")


def _limits(question: SymbolQuestion | CandlesQuestion, limit_max: int) -> Refused | None:
    if not 1 <= question.limit <= limit_max:
        return Refused("malformed", f"limit: expected 1 to {limit_max}, got {question.limit}")
    if not 0 <= question.before <= INTEGER_MAX:
        return Refused("malformed", f"before: expected 0 (the newest) or more, got {question.before}")
    return None
