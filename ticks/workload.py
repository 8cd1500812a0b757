"""Logs for measurements: a market in which every second event is a trade, at prices that wander."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

import msgspec

from exchange.digest import digest
from exchange.messages.base import Side, encode
from exchange.messages.events import Event, EventBatch, Moment, Rested, Traded
from exchange.messages.journal import DefineSymbol, Group, JournalBatch

SYMBOLS: Final = ("AAA", "BBB", "CCC")
PRICE: Final = 200_000
TICK: Final = 100
RESTING: Final = 50
"""Orders a side and symbol that rest at first."""


class TradeFlow:
    """Makes journal batches and the event batches that they cause; every trade has a maker that rested before."""

    def __init__(self, seed: int = 1) -> None:
        self._random = Random(seed)
        self._number = 0
        self._previous = {"journal": "", "events": ""}
        self._orders = 0
        self._trades = dict.fromkeys(SYMBOLS, 0)
        self._makers: dict[str, list[tuple[int, Side, int]]] = {symbol: [] for symbol in SYMBOLS}
        self._price = dict.fromkeys(SYMBOLS, PRICE)

    @property
    def trades(self) -> int:
        """Made so far."""
        return sum(self._trades.values())

    def batches(self, trades: int, time: int) -> tuple[bytes, bytes]:
        """The next journal batch, at a time in nanoseconds, and the event batch that it causes."""
        self._number += 1
        groups = []
        events: list[Event] = []
        if self._number == 1:
            definitions = [DefineSymbol(symbol, symbol.title(), 1, TICK, 1, PRICE) for symbol in SYMBOLS]
            groups = [Group(1, msgspec.Raw(encode(definitions)))]
            for symbol in SYMBOLS:
                events += [self._rest(symbol) for _ in range(2 * RESTING)]
        for number in range(trades):
            events += self._trade(SYMBOLS[number % len(SYMBOLS)])
        journal = encode(JournalBatch(self._number, time, self._previous["journal"], {}, groups))
        moments = [Moment(self._number, time, events)]
        batch = encode(EventBatch(self._number, self._number, self._previous["events"], moments))
        self._previous = {"journal": digest(journal), "events": digest(batch)}
        return journal, batch

    def all_batches(self, trades: int, per_batch: int, start: int, seconds: float) -> Iterator[tuple[bytes, bytes]]:
        """So many trades within so many seconds of the market's time, from `start` (nanoseconds) on."""
        count = trades // per_batch
        for number in range(count):
            yield self.batches(per_batch, start + round(number / count * seconds * 1e9))

    def _rest(self, symbol: str) -> Rested:
        self._orders += 1
        side: Side = "buy" if self._orders % 2 else "sell"
        distance = (1 + int(self._random.random() * 10)) * TICK
        price = self._price[symbol] - distance if side == "buy" else self._price[symbol] + distance
        self._makers[symbol].append((self._orders, side, price))
        return Rested(self._orders, symbol, side, price, 10)

    def _trade(self, symbol: str) -> tuple[Event, Event]:
        """Any order that rests is traded away, and a new one rests."""
        makers = self._makers[symbol]
        index = int(self._random.random() * len(makers))
        makers[index], makers[-1] = makers[-1], makers[index]
        order_id, side, price = makers.pop()
        self._trades[symbol] += 1
        self._orders += 1
        self._price[symbol] += (TICK if self._random.random() < 0.5 else -TICK) * (self._orders % 64 == 0)
        aggressor: Side = "sell" if side == "buy" else "buy"
        traded = Traded(symbol, self._trades[symbol], order_id, self._orders, price, 10, aggressor)
        return traded, self._rest(symbol)
