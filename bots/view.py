"""What the bots of one worker see of the market: one cell for each value anybody reads, kept current by what is published.

Pure: messages and times come with the calls. Two bots that read the same (symbol, value, arguments) share a cell, and with it
the window or the candles behind it. A cell that changes marks its readers; nobody else is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Final, Generic, TypeVar

from exchange.messages.market_data import Quote, Trades
from exchange.money import UNITS

from .series import Atr, Bar, Bollinger, Candles, Ema, Indicator, Mean, Rsi, Window
from .strategy import SECOND
from .syntax import Value

CONTINUOUS: Final = "continuous"
"""The phase of a symbol whose status nobody has told."""

Reader = TypeVar("Reader")


class Cell(Generic[Reader]):
    """A value and who reads it."""

    __slots__ = ("readers", "value")

    def __init__(self, value: float | None = None) -> None:
        self.value = value
        """In whole currency, shares or seconds; None while it is unknown."""
        self.readers: set[Reader] = set()


class SymbolView(Generic[Reader]):
    """One symbol."""

    def __init__(self, dirty: set[Reader]) -> None:
        self._dirty = dirty
        self.last_units = 0
        self.bid_units = 0
        self.ask_units = 0
        self.phase = CONTINUOUS
        self.phase_cell: Cell[Reader] = Cell(0)
        self.traded: Cell[Reader] = Cell()
        """When the last trade was, in nanoseconds."""
        self.last: Cell[Reader] = Cell()
        self.bid: Cell[Reader] = Cell()
        self.ask: Cell[Reader] = Cell()
        self.mid: Cell[Reader] = Cell()
        self.spread: Cell[Reader] = Cell()
        self.windows: dict[int, Window] = {}
        self.candles: dict[int, Candles] = {}
        self._derived: dict[tuple[object, ...], Cell[Reader]] = {}
        self._of_window: dict[int, list[tuple[Cell[Reader], Callable[[], float | None]]]] = {}
        self._of_candles: dict[int, list[tuple[Cell[Reader], Callable[[], float | None]]]] = {}
        self._second = 0

    def set(self, cell: Cell[Reader], value: float | None) -> None:
        """Change a cell and mark its readers."""
        if cell.value != value:
            cell.value = value
            self._dirty |= cell.readers

    def trade(self, time: int, price: int, quantity: int) -> None:
        """A trade at `time` nanoseconds, at `price` units."""
        second = time // SECOND
        self.pass_time(second)
        second = max(second, self._second)  # The ledger's clock may be behind this one's.
        bar = Bar(second, price, price, price, price, quantity, price * quantity, 1)
        self.last_units = price
        self.set(self.last, price / UNITS)
        self.set(self.traded, time)
        for seconds, window in self.windows.items():
            window.add(bar)
            self._refresh(self._of_window[seconds])
        for interval, candles in self.candles.items():
            if candles.add(bar):
                self._refresh(self._of_candles[interval])

    def quote(self, bid: int, ask: int) -> None:
        """Best prices, 0 where there is none."""
        self.bid_units, self.ask_units = bid, ask
        self.set(self.bid, bid / UNITS if bid else None)
        self.set(self.ask, ask / UNITS if ask else None)
        both = bool(bid and ask)
        self.set(self.mid, (bid + ask) / 2 / UNITS if both else None)
        self.set(self.spread, (ask - bid) / UNITS if both else None)

    def begin(self, last: int, bid: int, ask: int) -> None:
        """Prices from before the first message, in units; 0 where there is none."""
        if last:
            self.last_units = last
            self.set(self.last, last / UNITS)
        self.quote(bid, ask)

    def enter(self, phase: str) -> None:
        """The symbol's market is in another phase."""
        if phase != self.phase:
            self.phase = phase
            self.set(self.phase_cell, (self.phase_cell.value or 0) + 1)

    def pass_time(self, second: int) -> None:
        """Trades leave windows, candles close."""
        if second <= self._second:
            return
        self._second = second
        for seconds, window in self.windows.items():
            if window.expire(second):
                self._refresh(self._of_window[seconds])
        for interval, candles in self.candles.items():
            if candles.pass_time(second):
                self._refresh(self._of_candles[interval])

    def cell(self, name: str, arguments: tuple[float | str, ...]) -> Cell[Reader]:
        """The cell of a value of the market; what it needs is kept from now on."""
        if not arguments:
            found: Cell[Reader] = getattr(self, name)
            return found
        key = (name, *arguments)
        if key not in self._derived:
            self._derived[key] = cell = Cell[Reader]()
            *_, seconds = arguments
            if name in ("volume", "trades", "vwap", "high", "low", "change"):
                self._want_window(name, int(seconds), cell)
            else:
                self._want_indicator(name, arguments, int(seconds), cell)
        return self._derived[key]

    def cells(self) -> Iterator[Cell[Reader]]:
        """Every cell of the symbol."""
        yield from (self.phase_cell, self.traded, self.last, self.bid, self.ask, self.mid, self.spread)
        yield from self._derived.values()

    def prime(self, interval: int, history: list[Bar]) -> None:
        """Candles from before the first message, oldest first."""
        self.candles[interval].prime(history)
        self._refresh(self._of_candles[interval])

    def prime_window(self, seconds: int, history: list[Bar]) -> None:
        """The same for a window: bars of a second, or coarser ones for what is long ago."""
        self.windows[seconds].prime(history, self._second)
        self._refresh(self._of_window[seconds])

    def _want_window(self, name: str, seconds: int, cell: Cell[Reader]) -> None:
        window = self.windows.setdefault(seconds, Window(seconds))
        ways: dict[str, Callable[[], float | None]] = {
            "volume": lambda: window.volume,
            "trades": lambda: window.trades,
            "vwap": window.vwap,
            "high": window.high,
            "low": window.low,
            "change": lambda: window.change(self.last_units) if self.last_units else None,
        }
        self._of_window.setdefault(seconds, []).append((cell, ways[name]))
        cell.value = ways[name]()

    def _want_indicator(self, name: str, arguments: tuple[float | str, ...], interval: int, cell: Cell[Reader]) -> None:
        if interval not in self.candles:
            self.candles[interval] = Candles(interval)
        candles = self.candles[interval]
        key = (name, *arguments)
        candles.want(key, lambda: _indicator(name, arguments))
        self._of_candles.setdefault(interval, []).append((cell, lambda: candles.value(key)))
        cell.value = candles.value(key)

    def _refresh(self, cells: Iterable[tuple[Cell[Reader], Callable[[], float | None]]]) -> None:
        for cell, compute in cells:
            self.set(cell, compute())


def _indicator(name: str, arguments: tuple[float | str, ...]) -> Indicator:
    if name == "average":
        field, seconds, interval = arguments
        return Mean(str(field), max(1, round(float(seconds) / float(interval))), partial=True)
    count = int(arguments[0])
    match name:
        case "sma":
            return Mean("close", count)
        case "ema":
            return Ema(count)
        case "rsi":
            return Rsi(count)
        case "atr":
            return Atr(count)
        case "stddev":
            return Bollinger(count, 1, mean=0)
        case "bollinger_upper":
            return Bollinger(count, float(arguments[1]))
        case "bollinger_lower":
            return Bollinger(count, -float(arguments[1]))
    raise AssertionError(name)


class MarketView(Generic[Reader]):
    """All symbols, and the time."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self.dirty: set[Reader] = set()
        """Readers of what has changed since somebody emptied this."""
        self.symbols: dict[str, SymbolView[Reader]] = {symbol: SymbolView(self.dirty) for symbol in symbols}
        self.time = 0
        """Nanoseconds since 1970; never goes back."""
        self.clock: Cell[Reader] = Cell()
        """Read by whatever depends on the time; changes with each `tick`."""

    def add(self, symbol: str) -> None:
        """A symbol was opened."""
        self.symbols[symbol] = SymbolView(self.dirty)

    def take_dirty(self) -> list[Reader]:
        """Empty `dirty`; whom it contained."""
        taken = list(self.dirty)
        self.dirty.clear()
        return taken

    def hear_trades(self, message: Trades) -> None:
        """market.<symbol>.trade."""
        view = self.symbols[message.symbol]
        for trade in message.trades:
            view.trade(trade.time, trade.price, trade.quantity)

    def hear_quote(self, message: Quote) -> None:
        """market.<symbol>.quote."""
        self.symbols[message.symbol].quote(message.bid, message.ask)

    def cells(self) -> Iterator[Cell[Reader]]:
        """Every cell anybody may read."""
        yield self.clock
        for view in self.symbols.values():
            yield from view.cells()

    def tick(self, now: int) -> None:
        """Time passes."""
        if now > self.time:
            self.time = now
            for view in self.symbols.values():
                view.pass_time(now // SECOND)
            self.clock.value = now
            self.dirty |= self.clock.readers

    def cell(self, value: Value, symbol: str) -> Cell[Reader]:
        """The cell of a value whose scope is the market."""
        return self.symbols[value.symbol or symbol].cell(value.name, value.arguments)


def time_of_day(time: int) -> float:
    """Seconds since midnight UTC."""
    return time / SECOND % 86_400


def weekday(time: int) -> int:
    """1 for Monday to 7 for Sunday, UTC."""
    return datetime.fromtimestamp(time // SECOND, UTC).isoweekday()
