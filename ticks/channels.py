"""What is published on market.<symbol>.…, and when. Pure: the time comes with the call.

Every trade is sent, at once. All other channels are conflated: what changed since the last message goes into one message, at
most as many a second for each symbol and channel as the market file says, in the mean; the first change after a pause is sent
at once. Of the book every change of every order is sent, in turn; of the others only what is true when the message is made.

A message that is nearly due leaves together with a change that arrives, because then it tells of something new: waiting for the
last moment would mean to send what is as old as the time since the last change. The one after it is due no earlier for that.

Every CHECK_SECONDS, depth and book of each symbol send a message with a checksum, even if nothing changed: whoever lost the
last change learns of it then. The image of the best levels is sent at its own steady pace.

One worker publishes at a time. Whoever begins (`open`) sends each channel's present state with `previous` 0, so that
subscribers who followed another worker, or this one before a restart, take a snapshot; whoever does not publish folds in
silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf
from typing import Final

from exchange import checksum, subjects
from exchange.market import MarketDataRules
from exchange.messages.base import Side
from exchange.messages.market_data import Candle, Depth, Orders, Quote, Statistics, Status, Trades

from .book import Level
from .candles import PUBLISHED, candle
from .feed import Feed, Instrument
from .status import SymbolStatus

CHECK_SECONDS: Final = 1.0
EARLY: Final = 0.5
"""By so much of the pause between two messages one may leave before it is due, together with a change."""
SPREAD: Final = 0.618
"""Each channel's first pause is longer by a part of its own, multiples of this: not all of them are to be due at once."""
TOP_LEVELS: Final = 20
TRADES_PER_MESSAGE_MAX: Final = 1_000
"""More go into several messages."""
CHANGES_PER_MESSAGE_MAX: Final = 5_000
"""When more levels or orders changed at once, an empty message with `previous` 0 tells subscribers to take a snapshot."""

PublicMessage = Trades | Quote | Depth | Orders | Candle | Status | Statistics
Messages = list[tuple[str, PublicMessage]]
"""(subject, message)"""
CHANGING: Final = ("quote", "depth", "book", "candle", "status", "statistics")
CHECKED: Final = ("depth", "book")


class _Checksum:
    """The checksum of what subscribers know, kept up to date at the cost of what changed."""

    def __init__(self, entries: Iterable[tuple[object, int]]) -> None:
        self._entries = dict(entries)
        self._total = sum(self._entries.values())

    def put(self, key: object, value: int) -> None:
        """An entry of the book adds this much now."""
        self._total += value - self._entries.pop(key, 0)
        if value:
            self._entries[key] = value

    @property
    def value(self) -> int:
        return self._total & checksum.MASK


class _Sent:
    """What subscribers of one symbol know."""

    def __init__(self) -> None:
        self.pending: set[str] = set()
        """Channels that may have something to send."""
        self.checks: set[str] = set()
        """Those of them whose next message carries a checksum."""
        self.due: dict[str, float] = {}
        """Nothing is sent on a channel before."""
        self.numbers: dict[str, int] = {}
        """Of the last message on a channel."""
        self.quote: tuple[Level, Level] | None = None
        self.status: SymbolStatus | None = None
        self.trades: dict[str, int] = {}
        """Id of the last trade that is in a channel's messages."""
        self.levels = _Checksum([])
        self.orders = _Checksum([])

    def step(self, channel: str, number: int) -> int:
        """A message is sent; the number of the one before."""
        previous = self.numbers.get(channel, 0)
        self.numbers[channel] = number
        return previous


class Channels:
    """Turns what changed in a feed into messages."""

    def __init__(self, feed: Feed, rules: MarketDataRules) -> None:
        self._feed = feed
        self._open = False
        self._sent: dict[str, _Sent] = {}
        self._waiting: dict[str, None] = {}
        """Symbols with pending channels."""
        self._check_due = self._top_due = 0.0
        self._rhythms = 0
        """Channels that have begun to send."""
        self._top_pause = 1 / rules.top
        self._pauses = {name: 1 / getattr(rules, name) for name in ("quote", "depth", "book", "candle", "statistics")}
        self._pauses |= {"status": 0.0, "top": 0.0}
        self._makers: dict[str, Callable[[str, Instrument, _Sent], Messages]] = {
            "quote": self._quote,
            "depth": self._depth,
            "book": self._book,
            "top": self._top,
            "candle": self._candles,
            "status": self._status,
            "statistics": self._statistics,
        }

    def open(self) -> None:
        """Publish from now on, beginning with the present state."""
        self._open = True
        self._sent.clear()
        self._waiting.clear()
        self._check_due = self._top_due = 0.0
        for symbol, instrument in self._feed.instruments.items():
            instrument.forget()
            instrument.unsent = instrument.recent[-1:]
            self._feed.touched[symbol] = None

    def close(self) -> None:
        """Publish no more."""
        self._open = False
        self._waiting.clear()

    def pause(self, now: float) -> float:
        """Seconds until more is due; infinite when nothing will ever be."""
        if not self._open:
            return inf
        due = min(self._check_due, self._top_due)
        for symbol in self._waiting:
            sent = self._sent[symbol]
            due = min(due, min(sent.due.get(channel, 0.0) for channel in sent.pending))
        return max(0.0, due - now)

    def messages(self, now: float) -> Messages:
        """All that is due at `now` (seconds of a clock that never goes back)."""
        if not self._open:
            for symbol in self._feed.touched:
                self._feed.instruments[symbol].forget()
            self._feed.touched.clear()
            return []
        messages: Messages = []
        changed = set(self._feed.touched)
        for symbol in self._feed.touched:
            messages += self._trades(symbol)
            self._await(symbol, CHANGING)
        self._feed.touched.clear()
        self._keep_pace(now)
        for symbol in list(self._waiting):
            instrument, sent = self._feed.instruments[symbol], self._sent[symbol]
            for channel, make in self._makers.items():
                pause = self._pauses[channel]
                if channel not in sent.pending or sent.due.get(channel, 0.0) - EARLY * pause * (symbol in changed) > now:
                    continue
                sent.pending.remove(channel)
                if made := make(symbol, instrument, sent):
                    messages += made
                    sent.due[channel] = max(now, sent.due.get(channel) or self._first_due(now, pause)) + pause
            if not sent.pending:
                del self._waiting[symbol]
        return messages

    def _first_due(self, now: float, pause: float) -> float:
        """As if a channel that sends its first message had been due at another moment than the others."""
        self._rhythms += 1
        return now + self._rhythms * SPREAD % 1 * pause

    def _await(self, symbol: str, channels: Iterable[str]) -> _Sent:
        sent = self._sent.get(symbol)
        if sent is None:
            sent = self._sent[symbol] = _Sent()
            sent.pending.update(CHANGING)
        sent.pending.update(channels)
        self._waiting[symbol] = None
        return sent

    def _keep_pace(self, now: float) -> None:
        if self._check_due <= now:
            self._check_due = now + CHECK_SECONDS
            for symbol in self._feed.instruments:
                self._await(symbol, CHECKED).checks.update(CHECKED)
        if self._top_due <= now:
            self._top_due = now + self._top_pause
            for symbol in self._feed.instruments:
                self._await(symbol, ("top",))

    def _trades(self, symbol: str) -> Messages:
        unsent = self._feed.instruments[symbol].unsent
        parts = [unsent[start : start + TRADES_PER_MESSAGE_MAX] for start in range(0, len(unsent), TRADES_PER_MESSAGE_MAX)]
        unsent.clear()
        return [(subjects.trade(symbol), Trades(symbol, part)) for part in parts]

    def _quote(self, symbol: str, instrument: Instrument, sent: _Sent) -> Messages:
        quote = instrument.book.best()
        if quote == sent.quote:
            return []
        sent.quote = quote
        number = self._feed.number(instrument)
        message = Quote(symbol, number, sent.step("quote", number), instrument.time, *quote[0], *quote[1])
        return [(subjects.quote(symbol), message)]

    def _depth(self, symbol: str, instrument: Instrument, sent: _Sent) -> Messages:
        book, unsent = instrument.book, instrument.unsent_levels
        count = len(unsent["buy"]) + len(unsent["sell"])
        checks = "depth" in sent.checks
        anew = "depth" not in sent.numbers or count > CHANGES_PER_MESSAGE_MAX
        if not (count or checks or anew):
            return []
        sent.checks.discard("depth")
        changes: dict[Side, list[Level]] = {"buy": [], "sell": []}
        if anew:
            levels = zip(("buy", "sell"), book.levels(None), strict=True)
            sent.levels = _Checksum(((side, at[0]), checksum.of_level(side, *at)) for side, part in levels for at in part)
            sent.numbers.pop("depth", None)
        else:
            for side, prices in unsent.items():
                changes[side] = [(price, book.at(side, price)) for price in sorted(prices, reverse=side == "buy")]
                for price, quantity in changes[side]:
                    sent.levels.put((side, price), checksum.of_level(side, price, quantity))
        for prices in unsent.values():
            prices.clear()
        number = self._feed.number(instrument)
        value = sent.levels.value if checks else None
        message = Depth(symbol, number, sent.step("depth", number), instrument.time, changes["buy"], changes["sell"], value)
        return [(subjects.depth(symbol), message)]

    def _book(self, symbol: str, instrument: Instrument, sent: _Sent) -> Messages:
        book, changes = instrument.book, instrument.book.changed_orders
        checks = "book" in sent.checks
        anew = "book" not in sent.numbers or len(changes) > CHANGES_PER_MESSAGE_MAX
        if not (changes or checks or anew):
            return []
        sent.checks.discard("book")
        book.changed_orders = []
        if anew:
            changes = []
            orders = book.public_orders(0, None)
            sent.orders = _Checksum((order[0], checksum.of_order(*order)) for order in orders)
            sent.numbers.pop("book", None)
        else:
            for order_id, order in {order[0]: order for order in changes}.items():
                sent.orders.put(order_id, checksum.of_order(*order))
        number = self._feed.number(instrument)
        value = sent.orders.value if checks else None
        message = Orders(symbol, number, sent.step("book", number), instrument.time, changes, value)
        return [(subjects.book(symbol), message)]

    def _top(self, symbol: str, instrument: Instrument, sent: _Sent) -> Messages:
        previous = sent.step("top", self._feed.number(instrument))
        return [(subjects.top(symbol), self._feed.depth(instrument, TOP_LEVELS, previous))]

    def _candles(self, symbol: str, instrument: Instrument, sent: _Sent) -> Messages:
        if instrument.trades == sent.trades.get("candle"):
            return []
        sent.trades["candle"] = instrument.trades
        messages: Messages = []
        number = self._feed.number(instrument)
        for interval in PUBLISHED:
            closed, live = instrument.candles.unsent[interval], instrument.candles.live(interval)
            for bar in [*closed, *([live] if live else [])]:
                message = candle(symbol, interval, bar, number, sent.step(interval, number))
                messages.append((subjects.candle(symbol, interval), message))
            closed.clear()
        return messages

    def _status(self, symbol: str, instrument: Instrument, sent: _Sent) -> Messages:
        if instrument.status == sent.status:
            return []
        sent.status = instrument.status
        previous = sent.step("status", self._feed.number(instrument))
        return [(subjects.status(symbol), self._feed.status(instrument, previous))]

    def _statistics(self, symbol: str, instrument: Instrument, sent: _Sent) -> Messages:
        if instrument.trades == sent.trades.get("statistics"):
            return []
        sent.trades["statistics"] = instrument.trades
        number = self._feed.number(instrument)
        message = instrument.statistics(number, instrument.time, sent.step("statistics", number))
        return [(subjects.statistics(symbol), message)]
