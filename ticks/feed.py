"""The fold from the engines' events to all that the public may know. Pure: no clock, no socket, no file.

The state does not depend on how the logs of different shards interleave, nor on how batches are grouped into calls.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from itertools import islice
from typing import Final

import msgspec
from msgspec.structs import replace

from exchange.bands import around
from exchange.calendar import Calendar
from exchange.messages.base import Side
from exchange.messages.events import (
    Cancelled,
    Decremented,
    Event,
    EventBatch,
    Indicated,
    PhaseChanged,
    ReferenceMoved,
    Refreshed,
    Replaced,
    Rested,
    Traded,
)
from exchange.messages.journal import DefineSymbol
from exchange.messages.market_data import Depth, Orders, PublicTrade, Quote, Statistics, Status, SymbolInfo
from exchange.schedule import FOREVER, Schedule, phase_at

from .book import Book, Level, Resting
from .candles import NANOSECONDS, CandleRow, Candles, CandlesState, average
from .status import SymbolStatus

TRADES_KEPT: Final = 1_000
"""Trades in memory per symbol; older ones are asked from the store."""
IMAGE_ROWS_LEAST: Final = 2_000
"""An image of all levels is stored after so many changed ones, or four times as many as there are levels."""


class InstrumentState(msgspec.Struct, array_like=True, frozen=True):
    """An Instrument in a snapshot."""

    definition: DefineSymbol
    orders: dict[int, Resting] = {}
    arrivals: int = 0
    exhausted: dict[int, Resting] = {}
    """See Book."""
    candles: CandlesState = CandlesState()
    status: SymbolStatus = SymbolStatus()
    reference: int = 0
    last: int = 0
    volume: int = 0
    trades: int = 0
    time: int = 0
    quote: tuple[Level, Level] = ((0, 0), (0, 0))


class FeedState(msgspec.Struct, array_like=True, frozen=True):
    """A Feed in a snapshot."""

    instruments: list[InstrumentState]
    numbers: dict[int, int]
    time: int


class Rows:
    """What the store gets of a batch. All but candles are rows of integers, one after the other in one array."""

    WIDTHS: Final = {"trades": 7, "quotes": 7, "levels": 5, "images": 2}
    """Columns of each table, as in sink.py's SCHEMA."""

    def __init__(self) -> None:
        self.numbers: dict[str, array[int]] = {table: array("q") for table in self.WIDTHS}
        self.candles: list[CandleRow] = []

    def __bool__(self) -> bool:
        return bool(self.candles) or any(self.numbers.values())


class Instrument:
    """One symbol. `index` is its number in the store: the place of its definition among all."""

    def __init__(self, index: int, calendar: Calendar, state: InstrumentState) -> None:
        self.index = index
        self.calendar = calendar
        self.definition = state.definition
        self.book = Book(state.orders, state.arrivals, state.exhausted)
        self.candles = Candles(state.definition.symbol, calendar, state.candles)
        self.status = state.status
        self.reference = state.reference
        """Price in the middle of the band, also while there is none."""
        self.last = state.last
        """Price of the last trade, 0 before the first."""
        self.volume = state.volume
        self.trades = state.trades
        """Id of the last trade."""
        self.time = state.time
        """Of the last event."""
        self.quote = state.quote
        """After the last batch."""
        self.recent: list[PublicTrade] = []
        """The newest trades, oldest first, among them all that are not in the store yet."""
        self.unsent: list[PublicTrade] = []
        """Those not published yet."""
        self.unsent_levels: dict[Side, set[int]] = {"buy": set(), "sell": set()}
        """Prices whose levels changed since they were published."""
        self._rows_to_image = 0

    def apply(self, event: Event, time: int, rows: Rows) -> None:
        """One event that the journal batch of this time caused; appends the rows for the store."""
        self.time = time
        if type(event) is Traded:
            self._trade(event, time, rows)
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
        elif type(event) is PhaseChanged:
            self.status = self.status.phase_changed(event.phase, event.reason, event.until)
        elif type(event) is Indicated:
            self.status = self.status.indicated(event.price, event.volume, event.imbalance)
        elif type(event) is ReferenceMoved:
            self._move_band(event.price)
        # Triggers, activations, and what came too late, change nothing that the public sees.

    def define(self, definition: DefineSymbol) -> None:
        """Rules from here on. The opening price is the reference until there is another one."""
        self.definition = definition
        self._move_band(self.reference or definition.opening_price)

    def _move_band(self, reference: int) -> None:
        self.reference = reference
        band = around(reference, self.definition.trade_band, self.definition.tick)
        self.status = self.status.band_moved(reference, *band) if band else self.status.band_moved(0, 0, 0)

    def _trade(self, event: Traded, time: int, rows: Rows) -> None:
        trade_id, price, quantity, side = event.trade_id, event.price, event.quantity, event.side
        assert trade_id == self.trades + 1, "a trade is missing"
        self.trades = trade_id
        self.last = price
        self.volume += quantity
        self.book.trade(event)
        trade = PublicTrade(trade_id, price, quantity, side, time, event.auction)
        self.recent.append(trade)
        self.unsent.append(trade)
        rows.numbers["trades"].extend((self.index, trade_id, price, quantity, side == "buy", time, event.auction))
        self.candles.add(time, price, quantity, rows.candles)

    def end_moment(self, time: int, rows: Rows) -> None:
        """All events of a journal batch, or of a part of it, were applied: the levels it changed, as they are now."""
        book, index, levels = self.book, self.index, rows.numbers["levels"]
        before = len(levels)
        for side, prices in book.take_changes().items():
            if prices:
                self.unsent_levels[side] |= prices
                buys = side == "buy"
                for price in prices:
                    levels.extend((index, time, buys, price, book.at(side, price)))
        self._rows_to_image -= (len(levels) - before) // Rows.WIDTHS["levels"]
        if self._rows_to_image <= 0 and len(levels) > before:
            self._store_image(time, rows)

    def end_batch(self, number: int, rows: Rows) -> None:
        """All of an event batch was applied."""
        quote = self.book.best()
        if quote != self.quote:
            self.quote = quote
            rows.numbers["quotes"].extend((self.index, number, self.time, *quote[0], *quote[1]))

    def trim(self, stored: int) -> None:
        """Trades up to the id `stored` are in the store: keep the newest TRADES_KEPT of them."""
        if self.recent:
            excess = min(len(self.recent) - TRADES_KEPT, stored - self.recent[0].trade_id + 1)
            del self.recent[: max(0, excess)]

    def forget(self) -> None:
        """What happened up to now need not be published."""
        self.unsent.clear()
        self.book.changed_orders.clear()
        for prices in self.unsent_levels.values():
            prices.clear()
        self.candles.forget()

    def statistics(self, number: int, now: int, previous: int = 0) -> Statistics:
        """The session day of the moment `now`, in nanoseconds."""
        opening = self.definition.opening_price
        last = self.last or opening
        day = self.calendar.day(now // NANOSECONDS).start
        bar = self.candles.live("1d")
        close = self.candles.previous_close
        if bar is not None and bar.start != day:
            close, bar = bar.close, None
        change = last - (self.candles.day_ago(now) or opening)
        return Statistics(
            self.definition.symbol,
            number,
            previous,
            self.time,
            day,
            *((bar.open, bar.high, bar.low) if bar else (0, 0, 0)),
            last,
            *((bar.volume, bar.turnover, average(bar.turnover, bar.volume), bar.trades) if bar else (0, 0, 0, 0)),
            close or opening,
            change,
            round(10_000 * change / (last - change)),
        )

    def state(self) -> InstrumentState:
        """For a snapshot."""
        return InstrumentState(
            self.definition,
            self.book.orders,
            self.book.arrivals,
            self.book.exhausted,
            self.candles.state(),
            self.status,
            self.reference,
            self.last,
            self.volume,
            self.trades,
            self.time,
            self.quote,
        )

    def _store_image(self, time: int, rows: Rows) -> None:
        """All levels, so that nobody who asks for the book at a later moment has to look further back."""
        rows.numbers["images"].extend((self.index, time))
        count = 0
        for buys, levels in zip((True, False), self.book.levels(None), strict=True):
            for level in levels:
                rows.numbers["levels"].extend((self.index, time, buys, *level))
            count += len(levels)
        self._rows_to_image = max(IMAGE_ROWS_LEAST, 4 * count)


class Feed:
    """All symbols."""

    def __init__(
        self,
        calendar: Calendar,
        state: FeedState | None = None,
        schedule_of: Callable[[str], Schedule | None] = lambda _: None,
    ) -> None:
        """`schedule_of` a symbol, by the market file: what is told of a phase's end, and nothing else, comes from there."""
        state = state or FeedState([], {}, 0)
        self.calendar = calendar
        self._schedule_of = schedule_of
        self.instruments: dict[str, Instrument] = {}
        for entry in state.instruments:
            self._add(entry)
        self.numbers = dict(state.numbers)
        """Shard → number of the last event batch contained."""
        self.time = state.time
        """Of the newest journal batch."""
        self.touched: dict[str, None] = {}
        """Symbols with events since somebody took note, in the order of their first."""

    def define(self, definition: DefineSymbol) -> None:
        """A symbol opened, or its rules changed."""
        if definition.symbol not in self.instruments:
            self._add(InstrumentState(definition))
        self.instruments[definition.symbol].define(definition)
        self.touched[definition.symbol] = None

    def apply(self, shard: int, batch: EventBatch, rows: Rows) -> None:
        """One event batch; appends the rows for the store."""
        self.numbers[shard] = batch.number
        instruments = self.instruments
        touched: dict[str, None] = {}
        for moment in batch.moments:
            time = moment.time
            inside: dict[str, None] = {}
            for event in moment.events:
                symbol = event.symbol
                inside[symbol] = None
                instruments[symbol].apply(event, time, rows)
            for symbol in inside:
                instruments[symbol].end_moment(time, rows)
            touched |= inside
        for symbol in touched:
            instruments[symbol].end_batch(batch.number, rows)
        self.touched |= touched

    def number(self, instrument: Instrument) -> int:
        """Number of the last event batch (of the symbol's shard) that is contained."""
        return self.numbers.get(instrument.definition.shard, 0)

    def quote(self, instrument: Instrument) -> Quote:
        """The best prices as a snapshot."""
        bid, ask = instrument.book.best()
        return Quote(instrument.definition.symbol, self.number(instrument), 0, instrument.time, *bid, *ask)

    def depth(self, instrument: Instrument, limit: int, previous: int = 0) -> Depth:
        """The levels as a snapshot."""
        symbol, number = instrument.definition.symbol, self.number(instrument)
        return Depth(symbol, number, previous, instrument.time, *instrument.book.levels(limit))

    def orders(self, instrument: Instrument, after: int, limit: int) -> Orders:
        """A page of the orders as a snapshot."""
        orders = instrument.book.public_orders(after, limit)
        return Orders(instrument.definition.symbol, self.number(instrument), 0, instrument.time, orders)

    def status(self, instrument: Instrument, previous: int = 0) -> Status:
        """Phase, auction and band."""
        found = replace(instrument.status, until=self._until(instrument))
        values = msgspec.structs.astuple(found)
        return Status(instrument.definition.symbol, self.number(instrument), previous, instrument.time, *values)

    def _until(self, instrument: Instrument) -> int:
        """When the phase ends, 0 if nobody knows."""
        status = instrument.status
        if status.phase == "halted" or status.until:
            return status.until
        until = phase_at(self._schedule_of(instrument.definition.symbol), self.time).until
        return until if until != FOREVER else 0

    def statistics(self, instrument: Instrument) -> Statistics:
        """The session day of now."""
        return instrument.statistics(self.number(instrument), max(self.time, instrument.time))

    def symbols(self, first: int, limit: int) -> list[SymbolInfo]:
        """What is traded, in the order of definition, from the index `first` on."""
        rows = []
        for instrument in islice(self.instruments.values(), first, first + limit):
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
                    rules.fees.maker,
                    rules.fees.taker,
                    rules.protection,
                    rules.order_quantity_max,
                    instrument.candles.day_ago(max(self.time, instrument.time)) or rules.opening_price,
                    instrument.status.phase,
                    instrument.status.reason,
                )
            )
        return rows

    def state(self) -> FeedState:
        """For a snapshot; encode it before the next `apply`."""
        return FeedState([instrument.state() for instrument in self.instruments.values()], dict(self.numbers), self.time)

    def _add(self, state: InstrumentState) -> None:
        self.instruments[state.definition.symbol] = Instrument(len(self.instruments), self.calendar, state)
