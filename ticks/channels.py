"""What is published on market.<symbol>.…, and when. Pure: the time comes with the call.

Every trade is sent, at once. Quote, depth and candles are conflated: what changed since the last message goes into one message,
at most CHANGES_PER_SECOND_MAX times a second for each symbol; the first change after a pause is sent at once.

One worker publishes at a time. Whoever begins (`open`) sends each channel's present state with `previous` 0, so that
subscribers who followed another worker, or this one before a restart, take a snapshot; whoever ends (`close`) goes on folding
in silence.
"""

from __future__ import annotations

from typing import Final

from exchange import subjects
from exchange.messages.market_data import Candle, Depth, Quote, Trades

from .book import Level
from .feed import Feed, Instrument

CHANGES_PER_SECOND_MAX: Final = 50
PAUSE_SECONDS: Final = 1 / CHANGES_PER_SECOND_MAX
TRADES_PER_MESSAGE_MAX: Final = 1_000
"""More go into several messages."""
LEVELS_PER_MESSAGE_MAX: Final = 5_000
"""When more changed at once, an empty message with `previous` 0 tells subscribers to take a snapshot instead."""

PublicMessage = Trades | Quote | Depth | Candle
NO_QUOTE: Final[tuple[Level, Level]] = ((-1, 0), (-1, 0))


class _Sent:
    """What subscribers of one symbol know."""

    def __init__(self) -> None:
        self.due = 0.0
        """Nothing conflated is sent before."""
        self.quote = NO_QUOTE
        self.quote_number = self.depth_number = 0


class Channels:
    """Turns what changed in a feed into messages."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._open = False
        self._sent: dict[str, _Sent] = {}

    def open(self) -> None:
        """Publish from now on, beginning with the present state."""
        self._open = True
        self._sent.clear()
        for symbol, instrument in self._feed.instruments.items():
            self._feed.touched[symbol] = None
            instrument.unsent = instrument.recent[-1:]
            for series in instrument.series.values():
                series.unsent = {series.bar.start: series.bar} if series.bar else {}

    def close(self) -> None:
        """Publish no more."""
        self._open = False

    @property
    def waiting(self) -> bool:
        """Whether conflated changes wait for the next call of `messages`."""
        return bool(self._feed.touched)

    def pause(self, now: float) -> float:
        """Seconds until more of what waits is due."""
        return max(0.0, min((self._sent[symbol].due for symbol in self._feed.touched), default=now) - now)

    def messages(self, now: float) -> list[tuple[str, PublicMessage]]:
        """(subject, message) of all that is due at `now` (seconds of a clock that never goes back)."""
        if not self._open:
            self._forget()
            return []
        messages: list[tuple[str, PublicMessage]] = []
        for symbol in list(self._feed.touched):
            instrument = self._feed.instruments[symbol]
            sent = self._sent.setdefault(symbol, _Sent())
            for start in range(0, len(instrument.unsent), TRADES_PER_MESSAGE_MAX):
                trades = instrument.unsent[start : start + TRADES_PER_MESSAGE_MAX]
                messages.append((subjects.trade(symbol), Trades(symbol, trades)))
            instrument.unsent.clear()
            if sent.due <= now:
                sent.due = now + PAUSE_SECONDS
                messages += self._changes(symbol, instrument, sent)
                del self._feed.touched[symbol]
        return messages

    def _changes(self, symbol: str, instrument: Instrument, sent: _Sent) -> list[tuple[str, PublicMessage]]:
        messages: list[tuple[str, PublicMessage]] = []
        number = self._feed.number(instrument)
        quote = instrument.book.best()
        if quote != sent.quote:
            message = Quote(symbol, number, sent.quote_number, instrument.time, *quote[0], *quote[1])
            messages.append((subjects.quote(symbol), message))
            sent.quote = quote
            sent.quote_number = number
        first = not sent.depth_number
        if first or instrument.book.changes:
            too_many = instrument.book.changes > LEVELS_PER_MESSAGE_MAX
            bids, asks = instrument.book.take_changes()
            if first or too_many:
                depth = Depth(symbol, number, 0, instrument.time, [], [])
            else:
                depth = Depth(symbol, number, sent.depth_number, instrument.time, bids, asks)
            messages.append((subjects.depth(symbol), depth))
            sent.depth_number = number
        for interval, series in instrument.series.items():
            messages += [(subjects.candle(symbol, interval), candle) for candle in series.take_unsent()]
        return messages

    def _forget(self) -> None:
        for symbol in self._feed.touched:
            instrument = self._feed.instruments[symbol]
            instrument.unsent.clear()
            instrument.book.forget_changes()
            for series in instrument.series.values():
                series.unsent.clear()
        self._feed.touched.clear()
