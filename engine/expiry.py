"""Orders that end by themselves: their day, or their date, is over."""

from __future__ import annotations

from exchange.messages.events import Cancelled, Event

from .book import Books


def expire(books: Books, time: int) -> list[Event]:
    """End all orders that expire at this time or before, in order of their expiry and, at the same one, of their ids."""
    due = [
        (expires, order_id, book)
        for book in books.values()
        if book.expiring and book.expiring[0][0] <= time
        for expires, order_id in book.expiring.irange(maximum=(time + 1, 0))
    ]
    due.sort(key=lambda entry: entry[:2])
    return [Cancelled(order_id, book.symbol, book.take_out(order_id), "expired") for _, order_id, book in due]
