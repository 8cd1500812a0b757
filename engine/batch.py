"""One journal batch, as a shard applies it: the day first, then time, then the commands, then what auctions would do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from exchange.messages.events import Event, Indicated
from exchange.messages.journal import DefineSymbol, EngineCommand, SetPhase

from .book import Book
from .books import Books
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
    touched = {*books.due(time), *(command.symbol for command in leading)}
    concerned = [books[symbol] for symbol in sorted(touched)]
    for book in concerned:
        book.time = time
    _pass_time(concerned, time, events.append)
    events += expire(concerned, time)
    events += apply(books, commands[len(leading) :] if leading else commands, time)
    touched |= {command.symbol for command in commands}
    books.touched = [books[symbol] for symbol in sorted(touched)]
    _indicate(books.touched, events.append)
    books.watch(books.touched)
    return events


def _pass_time(books: Sequence[Book], time: int, emit: Emit) -> None:
    """Volatility auctions end, and reference prices follow the market."""
    for book in books:
        if book.phase == "volatility_auction" and time >= book.until:
            enter(book, "continuous", "", emit)
            settle(book, emit)
    for book in books:
        update_reference(book, emit)


def _indicate(books: Sequence[Book], emit: Emit) -> None:
    """Tell what the auctions to come would do, where it is something else than what was told."""
    for book in books:
        if book.phase in COLLECTING and (now := indication(book)) != book.told:
            book.told = now
            emit(Indicated(book.symbol, *now))
