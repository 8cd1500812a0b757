"""Orders that end by themselves: their day, or their date, is over."""

from __future__ import annotations

from collections.abc import Sequence

from exchange.messages.events import Event

from .book import Book
from .mirror import end
from .settling import settle


def expire(books: Sequence[Book], time: int) -> list[Event]:
    """End all orders that expire at this time or before, in order of their expiry and, at the same one, of their ids. `books`,
    in order of their symbols, are at least those that have any.

    What follows from that, follows when all have ended.
    """
    due = [
        (expires, order_id, book)
        for book in books
        if book.expiring and book.expiring[0][0] <= time
        for expires, order_id in book.expiring.irange(maximum=(time + 1, 0))
    ]
    due.sort(key=lambda entry: entry[:2])
    events: list[Event] = []
    emit = events.append
    for _, order_id, book in due:
        if quantity := book.take_out(order_id):  # Nothing if it was the other order of a pair that has expired.
            end(book, order_id, quantity, "expired", emit)
    for book in books:
        if book.unsettled:
            settle(book, emit)
    return events
