"""Icebergs: an order that shows a part of itself at a time; the next part goes to the back of the queue."""

from __future__ import annotations

from exchange.messages.events import Refreshed

from .book import Book, Order
from .emit import Emit


def end_part(book: Book, order: Order, emit: Emit) -> None:
    """What an order shows is used up: show its next part, or take it out of the book if there is none."""
    terms = book.terms.get(order.order_id)
    if terms is None or not terms.hidden:
        book.remove(order)
        return
    shown = order.remaining = min(terms.display, terms.hidden)
    terms.hidden -= shown
    book.move_to_back(order)
    emit(Refreshed(order.order_id, book.symbol, shown))


def reduce(book: Book, order: Order, quantity: int, emit: Emit) -> None:
    """Take a quantity off an order, what it shows first, as if it had traded."""
    if quantity < order.remaining:
        order.remaining -= quantity
        return
    if beyond := quantity - order.remaining:
        book.terms[order.order_id].hidden -= beyond
    end_part(book, order, emit)


def shrink(book: Book, order: Order, quantity: int) -> None:
    """Leave an order this open quantity, at its place: what is hidden goes first."""
    shown = min(order.remaining, quantity)
    if terms := book.terms.get(order.order_id):
        terms.hidden = quantity - shown
    order.remaining = shown
