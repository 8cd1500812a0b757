"""The reference price: what auctions and bands take as the price of the moment."""

from __future__ import annotations

from exchange.messages.events import ReferenceMoved

from .bands import SECOND
from .book import Book
from .emit import Emit


def move_reference(book: Book, price: int, emit: Emit) -> None:
    """It is this from here on."""
    if price != book.reference:
        book.set_reference(price)
        emit(ReferenceMoved(book.symbol, price))


def update_reference(book: Book, emit: Emit) -> None:
    """At the start of a journal batch: after its time, the reference becomes the last price, where there are bands."""
    bands = book.bands
    if bands.any and book.last and book.time >= book.reference_time + bands.reference_seconds * SECOND:
        book.reference_time = book.time
        move_reference(book, book.last, emit)
