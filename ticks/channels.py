"""What is published on market.<symbol>.…, and when. Pure: the time comes with the call.

Every trade is sent, at once. All other channels are conflated: what changed since the last message goes into one message, at
most as many a second for each symbol and channel as the market file says, in the mean; the first change after a pause is sent
at once. Of the book every change of every order is sent, in turn; of the others only what is true when the message is made.

A message that is nearly due leaves together with a change that arrives, because then it tells of something new: waiting for the
last moment would mean to send what is as old as the time since the last change. The one after it is due no earlier for that.

Every CHECK_SECONDS, depth and book of a symbol send a message with a checksum, also after the last change: whoever lost that
learns of it then. The image of the best levels is sent at a steady pace of its own. Where nothing happens, each pause is twice
as long as the one before, up to STILL_SECONDS_MAX, so that thousands of symbols of which few are traded cost what those few do.

One worker publishes at a time. Whoever begins (`open`) sends each channel's present state with `previous` 0, so that
subscribers who followed another worker, or this one before a restart, take a snapshot; whoever does not publish folds in
silence.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Final

from exchange import checksum, subjects
from exchange.agenda import Agenda
from exchange.market import MarketDataRules
from exchange.messages.base import Side
from exchange.messages.market_data import Candle, Depth, Orders, Quote, Statistics, Status, Trades

from .book import Level
from .candles import PUBLISHED, candle
from .feed import Feed, Instrument
from .running_checksum import RunningChecksum
from .sent import Sent

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
SIZES: Final[dict[type[PublicMessage], int]] = {Quote: 0, Status: 0, Depth: 1, Trades: 2, Orders: 4}
"""What leaves together leaves in this order, others between trades and orders: a short message is not to wait for long ones."""


def _size(message: tuple[str, PublicMessage]) -> int:
    return SIZES.get(type(message[1]), 3)


class Channels:
    """Turns what changed in a feed into messages."""

    def __init__(self, feed: Feed, rules: MarketDataRules) -> None:
        self._feed = feed
        self._open = False
        self._sent: dict[str, Sent] = {}
        self._agenda: Agenda[float] = Agenda()
        """When to look at each symbol."""
        self._rhythms = 0
        """Channels that have begun to send."""
        self._unsettled: list[RunningChecksum] = []
        self._top_pause = 1 / rules.top
        self._pauses = {name: 1 / getattr(rules, name) for name in ("quote", "depth", "book", "candle", "statistics")}
        self._pauses |= {"status": 0.0, "top": 0.0}
        self._makers: dict[str, Callable[[str, Instrument, Sent], Messages]] = {
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
        self._agenda = Agenda()
        for symbol, instrument in self._feed.instruments.items():
            instrument.forget()
            instrument.unsent = instrument.recent[-1:]
            self._feed.touched[symbol] = None

    def close(self) -> None:
        """Publish no more."""
        self._open = False

    def pause(self, now: float) -> float:
        """Seconds until more is due; infinite when nothing will ever be."""
        first = self._agenda.first
        return max(0.0, first - now) if self._open and first is not None else inf

    def messages(self, now: float) -> Messages:
        """All that is due at `now` (seconds of a clock that never goes back), in the order of `SIZES`. Then call `settle`."""
        if not self._open:
            for symbol in self._feed.touched:
                self._feed.instruments[symbol].forget()
            self._feed.touched.clear()
            return []
        messages: Messages = []
        changed = dict(self._feed.touched)
        self._feed.touched.clear()
        for symbol in changed:
            messages += self._trades(symbol)
        for symbol in changed | dict.fromkeys(self._agenda.due(now)):
            messages += self._others(symbol, now, symbol in changed)
        messages.sort(key=_size)
        return messages

    def settle(self) -> None:
        """What can wait until the messages are on their way."""
        for running in self._unsettled:
            running.settle()
        self._unsettled.clear()

    def _others(self, symbol: str, now: float, changed: bool) -> Messages:
        """What a symbol has to send, but for trades."""
        instrument, sent = self._feed.instruments[symbol], self._sent.get(symbol)
        if sent is None:
            sent = self._sent[symbol] = Sent(self._top_pause, len(self._sent) * SPREAD % 1)
            sent.look(now, changed=False)  # All channels begin; what is steady does not go on as if there had been a change.
        else:
            sent.look(now, changed)
        messages: Messages = []
        for channel, make in self._makers.items():
            pause = self._pauses[channel]
            if channel not in sent.pending or sent.due.get(channel, 0.0) - EARLY * pause * changed > now:
                continue
            sent.pending.remove(channel)
            if made := make(symbol, instrument, sent):
                messages += made
                sent.due[channel] = max(now, sent.due.get(channel) or self._first_due(now, pause)) + pause
        self._agenda.put(symbol, sent.next_due)
        return messages

    def _first_due(self, now: float, pause: float) -> float:
        """As if a channel that sends its first message had been due at another moment than the others."""
        self._rhythms += 1
        return now + self._rhythms * SPREAD % 1 * pause

    def _trades(self, symbol: str) -> Messages:
        unsent = self._feed.instruments[symbol].unsent
        parts = [unsent[start : start + TRADES_PER_MESSAGE_MAX] for start in range(0, len(unsent), TRADES_PER_MESSAGE_MAX)]
        unsent.clear()
        return [(subjects.trade(symbol), Trades(symbol, part)) for part in parts]

    def _quote(self, symbol: str, instrument: Instrument, sent: Sent) -> Messages:
        quote = instrument.book.best()
        if quote == sent.quote:
            return []
        sent.quote = quote
        number = self._feed.number(instrument)
        message = Quote(symbol, number, sent.step("quote", number), instrument.time, *quote[0], *quote[1])
        return [(subjects.quote(symbol), message)]

    def _depth(self, symbol: str, instrument: Instrument, sent: Sent) -> Messages:
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
            whole = {(side, price): (side, price, quantity) for side, part in levels for price, quantity in part}
            sent.levels = RunningChecksum(checksum.of_level, whole)
            sent.numbers.pop("depth", None)
        else:
            for side, prices in unsent.items():
                changes[side] = [(price, book.at(side, price)) for price in sorted(prices, reverse=side == "buy")]
                sent.levels.change({(side, price): (side, price, quantity) for price, quantity in changes[side]})
        for prices in unsent.values():
            prices.clear()
        self._unsettled.append(sent.levels)
        number = self._feed.number(instrument)
        value = sent.levels.value if checks else None
        message = Depth(symbol, number, sent.step("depth", number), instrument.time, changes["buy"], changes["sell"], value)
        return [(subjects.depth(symbol), message)]

    def _book(self, symbol: str, instrument: Instrument, sent: Sent) -> Messages:
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
            sent.orders = RunningChecksum(checksum.of_order, {order[0]: order for order in orders})
            sent.numbers.pop("book", None)
        else:
            sent.orders.change({order[0]: order for order in changes})
        self._unsettled.append(sent.orders)
        number = self._feed.number(instrument)
        value = sent.orders.value if checks else None
        message = Orders(symbol, number, sent.step("book", number), instrument.time, changes, value)
        return [(subjects.book(symbol), message)]

    def _top(self, symbol: str, instrument: Instrument, sent: Sent) -> Messages:
        previous = sent.step("top", self._feed.number(instrument))
        return [(subjects.top(symbol), self._feed.depth(instrument, TOP_LEVELS, previous))]

    def _candles(self, symbol: str, instrument: Instrument, sent: Sent) -> Messages:
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

    def _status(self, symbol: str, instrument: Instrument, sent: Sent) -> Messages:
        if instrument.status == sent.status:
            return []
        sent.status = instrument.status
        previous = sent.step("status", self._feed.number(instrument))
        return [(subjects.status(symbol), self._feed.status(instrument, previous))]

    def _statistics(self, symbol: str, instrument: Instrument, sent: Sent) -> Messages:
        if instrument.trades == sent.trades.get("statistics"):
            return []
        sent.trades["statistics"] = instrument.trades
        number = self._feed.number(instrument)
        message = instrument.statistics(number, instrument.time, sent.step("statistics", number))
        return [(subjects.statistics(symbol), message)]
