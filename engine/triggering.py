"""When stop orders wait, and what they become when a trade reaches them."""

from __future__ import annotations

from msgspec.structs import replace

from exchange.messages.events import Triggered
from exchange.messages.journal import PlaceOrder

from .book import Book
from .emit import Emit
from .stops import Stop


def place_stop(book: Book, order: PlaceOrder, emit: Emit) -> PlaceOrder | None:
    """Let a stop order wait, or trigger it; returns the order that then arrives in its place."""
    # Whatever does not matter any more goes, so that the same stop is the same state.
    return wait_or_trigger(book, Stop(replace(order, client_order_id="", hold=0), order.stop_price), emit)


def wait_or_trigger(book: Book, stop: Stop, emit: Emit, reached: bool = False) -> PlaceOrder | None:
    """Let a stop wait, reached already or not, or trigger it at once if it may and the last trade has reached it.

    Returns the order that then arrives.
    """
    assert stop.stop_price > 0, stop
    if book.phase == "continuous" and book.last and stop.reached_by(book.last):
        return trigger(book, stop, emit)
    book.wait(stop, reached)
    return None


def trigger(book: Book, stop: Stop, emit: Emit) -> PlaceOrder:
    """Say that a stop is triggered; returns the limit or market order that arrives in its place."""
    order = stop.order
    emit(Triggered(order.order_id, book.symbol, stop.stop_price))
    if order.kind == "stop_limit":
        return replace(order, kind="limit", stop_price=0)
    # A protection is a price: however a trailing stop was set up, at least one step.
    return replace(order, kind="market", tif="ioc", price=max(book.tick, stop.price), stop_price=0)
