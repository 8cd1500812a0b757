"""One journal batch, as a shard applies it: the day first, then time, then the commands, then what auctions would do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from exchange.messages.events import Event, Indicated
from exchange.messages.journal import DefineSymbol, EngineCommand, SetPhase

from .book import Books
from .emit import Emit
from .entering import enter
from .expiry import expire
from .matching import apply
from .phases import COLLECTING
from .reference import update_reference
from .settling import settle
from .uncross import indication


def apply_batch(books: Books, time: int, commands: Sequence[EngineCommand]) -> list[Event]:
    """Apply the shard's commands of a batch of this time, and what time itself brings; returns what happened."""
    leading = list(takewhile(lambda command: type(command) is SetPhase or type(command) is DefineSymbol, commands))
    events = apply(books, leading, time)
    _pass_time(books, time, events.append)
    events += expire(books, time)
    events += apply(books, commands[len(leading) :] if leading else commands, time)
    _indicate(books, events.append)
    return events


def _pass_time(books: Books, time: int, emit: Emit) -> None:
    """Volatility auctions end, and reference prices follow the market."""
    moving = [book for book in books.values() if book.bands.any or book.phase == "volatility_auction"]
    moving.sort(key=lambda book: book.symbol)
    for book in moving:
        book.time = time
        if book.phase == "volatility_auction" and time >= book.until:
            enter(book, "continuous", "", emit)
            settle(book, emit)
    for book in moving:
        update_reference(book, emit)


def _indicate(books: Books, emit: Emit) -> None:
    """Tell what the auctions to come would do, where it is something else than what was told."""
    collecting = [book for book in books.values() if book.phase in COLLECTING]
    for book in sorted(collecting, key=lambda book: book.symbol):
        if (now := indication(book)) != book.told:
            book.told = now
            emit(Indicated(book.symbol, *now))
