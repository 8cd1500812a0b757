"""The fold from the engines' events to all that the public may know. Pure: no clock, no socket, no file.

The state does not depend on how the logs of different shards interleave, nor on how batches are grouped into calls.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from exchange.messages.events import Cancelled, Decremented, Event, EventBatch, Refreshed, Replaced, Rested, Traded
from exchange.messages.journal import DefineSymbol
from exchange.messages.market_data import Depth, Interval, PublicTrade, SymbolInfo

from .book import Book, Resting
from .candles import SECONDS, Bar, Series

TRADES_KEPT: Final = 1_000
"""Trades in memory per symbol; older ones are asked from the store."""


class TradeRow(NamedTuple):
    """A trade for the store."""

    symbol: str
    trade: PublicTrade


class CandleRow(NamedTuple):
    """A closed candle for the store."""

    symbol: str
    interval: Interval
    bar: Bar


class InstrumentState(msgspec.Struct, array_like=True, frozen=True):
    """An Instrument in a snapshot."""

    definition: DefineSymbol
    orders: dict[int, Resting]
    bars: dict[Interval, Bar]
    last: int
    volume: int
    trades: int
    time: int
    exhausted: dict[int, Resting] | tuple[int, Resting] | None = None
    """See Book. Not a dict in snapshots made before there were auctions."""


class FeedState(msgspec.Struct, array_like=True, frozen=True):
    """A Feed in a snapshot."""

    instruments: list[InstrumentState]
    numbers: dict[int, int]
    time: int


class Instrument:
    """One symbol."""

    def __init__(self, state: InstrumentState) -> None:
        symbol = state.definition.symbol
        self.definition = state.definition
        exhausted = state.exhausted
        self.book = Book(state.orders, dict([exhausted]) if isinstance(exhausted, tuple) else exhausted)
        self.series: dict[Interval, Series] = {
            interval: Series(symbol, interval, state.bars.get(interval)) for interval in SECONDS
        }
        self.last = state.last
        """Price of the last trade, 0 before the first."""
        self.volume = state.volume
        self.trades = state.trades
        """Id of the last trade."""
        self.time = state.time
        """Of the last event."""
        self.recent: list[PublicTrade] = []
        """The newest trades, oldest first, among them all that are not in the store yet."""
        self.unsent: list[PublicTrade] = []
        """Those not published yet."""

    def apply(self, event: Event, time: int, trades: list[TradeRow], candles: list[CandleRow]) -> None:
        """One event that the journal batch of this time caused; appends the rows for the store."""
        self.time = time
        if type(event) is Traded:
            assert event.trade_id == self.trades + 1, "a trade is missing"
            self.trades = event.trade_id
            self.last = event.price
            self.volume += event.quantity
            self.book.trade(event)
            trade = PublicTrade(event.trade_id, event.price, event.quantity, event.side, time)
            self.recent.append(trade)
            self.unsent.append(trade)
            trades.append(TradeRow(event.symbol, trade))
            for interval, series in self.series.items():
                if (closed := series.add(time, event.price, event.quantity)) is not None:
                    candles.append(CandleRow(event.symbol, interval, closed))
        elif type(event) is Rested:
            self.book.rest(event)
        elif type(event) is Cancelled:
            self.book.cancel(event.order_id)
        elif type(event) is Refreshed:
            self.book.refresh(event)
        elif type(event) is Replaced:
            self.book.replace(event)
        elif type(event) is Decremented:
            self.book.decrement(event)
        # Triggers, activations, phases, and what came too late, change nothing in the book.

    def trim(self, stored: int) -> None:
        """Trades up to the id `stored` are in the store: keep the newest TRADES_KEPT of them."""
        if self.recent:
            excess = min(len(self.recent) - TRADES_KEPT, stored - self.recent[0].trade_id + 1)
            del self.recent[: max(0, excess)]

    def state(self) -> InstrumentState:
        """For a snapshot."""
        bars: dict[Interval, Bar] = {interval: series.bar for interval, series in self.series.items() if series.bar}
        return InstrumentState(
            self.definition, self.book.orders, bars, self.last, self.volume, self.trades, self.time, self.book.exhausted
        )


class Feed:
    """All symbols."""

    def __init__(self, state: FeedState | None = None) -> None:
        state = state or FeedState([], {}, 0)
        self.instruments = {entry.definition.symbol: Instrument(entry) for entry in state.instruments}
        self.numbers = dict(state.numbers)
        """Shard → number of the last event batch contained."""
        self.time = state.time
        """Of the newest journal batch."""
        self.touched: dict[str, None] = {}
        """Symbols with events since somebody took note, in the order of their first."""

    def define(self, definition: DefineSymbol) -> None:
        """A symbol opened, or its rules changed."""
        if (instrument := self.instruments.get(definition.symbol)) is not None:
            instrument.definition = definition
        else:
            self.instruments[definition.symbol] = Instrument(InstrumentState(definition, {}, {}, 0, 0, 0, 0))

    def apply(self, shard: int, batch: EventBatch) -> tuple[list[TradeRow], list[CandleRow]]:
        """One event batch; returns the rows for the store."""
        trades: list[TradeRow] = []
        candles: list[CandleRow] = []
        self.numbers[shard] = batch.number
        instruments, touched = self.instruments, self.touched
        for moment in batch.moments:
            time = moment.time
            for event in moment.events:
                touched[event.symbol] = None
                instruments[event.symbol].apply(event, time, trades, candles)
        return trades, candles

    def number(self, instrument: Instrument) -> int:
        """Number of the last event batch (of the symbol's shard) that is contained."""
        return self.numbers.get(instrument.definition.shard, 0)

    def depth(self, instrument: Instrument, limit: int) -> Depth:
        """The book as a snapshot."""
        return Depth(instrument.definition.symbol, self.number(instrument), 0, instrument.time, *instrument.book.levels(limit))

    def symbols(self) -> list[SymbolInfo]:
        """What is traded, in the order of definition."""
        rows = []
        for instrument in self.instruments.values():
            rules = instrument.definition
            (bid, _), (ask, _) = instrument.book.best()
            last = instrument.last or rules.opening_price
            rows.append(
                SymbolInfo(
                    rules.symbol,
                    rules.name,
                    rules.tick,
                    rules.lot,
                    rules.opening_price,
                    last,
                    bid,
                    ask,
                    instrument.volume,
                    instrument.trades,
                )
            )
        return rows

    def state(self) -> FeedState:
        """For a snapshot; encode it before the next `apply`."""
        return FeedState([instrument.state() for instrument in self.instruments.values()], dict(self.numbers), self.time)
