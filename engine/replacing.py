"""Replacing an open order: with less quantity at the same price it keeps its place, otherwise it arrives once more."""

from __future__ import annotations

from msgspec.structs import replace

from exchange.messages.base import TimeInForce
from exchange.messages.events import Replaced, ReplaceRefused
from exchange.messages.journal import PlaceOrder, ReplaceOrder

from .arriving import arrive
from .book import Book, Order
from .emit import Emit
from .iceberg import shrink
from .stops import Stop
from .triggering import wait_or_trigger


def replace_order(book: Book, command: ReplaceOrder, emit: Emit) -> None:
    """Change an open order, unless it has ended, too much of it was filled meanwhile, or the phase does not take orders."""
    assert command.price > 0, command
    order_id = command.order_id
    if book.phase == "halted" or book.phase == "closed":
        emit(ReplaceRefused(order_id, book.symbol, book.phase))
        return
    order, stop, parked = book.orders.get(order_id), book.stops.waiting.get(order_id), book.parked.get(order_id)
    placed = stop.order if stop else parked
    open_quantity = book.open_quantity(order) if order else placed.quantity if placed else 0
    filled = command.open_quantity - open_quantity
    assert filled >= 0, command
    quantity = command.quantity - filled
    if not open_quantity or quantity <= 0:
        emit(ReplaceRefused(order_id, book.symbol))
    elif order:
        _replace_resting(book, order, command.price, quantity, quantity <= open_quantity, emit)
    elif stop:
        _replace_stop(book, stop, command, quantity, emit)
    elif parked:
        _replace_parked(book, parked, command, quantity, emit)


def _replace_resting(book: Book, order: Order, price: int, quantity: int, less: bool, emit: Emit) -> None:
    order_id, side = order.order_id, order.level.side.name
    if less and price == order.level.price:
        shrink(book, order, quantity)
        emit(Replaced(order_id, book.symbol, side, price, quantity, kept_place=True))
        return
    arriving = PlaceOrder(order_id, order.account, "", book.symbol, side, quantity, price, 0, self_trade=order.self_trade)
    if terms := book.terms.get(order_id):
        tif: TimeInForce = terms.auction or ("gtd" if terms.expires else "gtc")
        arriving = replace(arriving, tif=tif, expires=terms.expires, post_only=terms.post_only, display=terms.display)
    book.remove(order)
    emit(Replaced(order_id, book.symbol, side, price, quantity, kept_place=False))
    arrive(book, arriving, emit)


def _replace_stop(book: Book, stop: Stop, command: ReplaceOrder, quantity: int, emit: Emit) -> None:
    # A trailing stop is compared as its owner knows it, and only what the owner changes ends where it has moved to.
    order, price, stop_price = stop.order, command.price, command.stop_price
    same = price == order.price and stop_price == order.stop_price
    kept = same and quantity <= order.quantity
    emit(Replaced(order.order_id, book.symbol, order.side, price, quantity, kept, stop_price))
    reached = same and order.order_id in book.stops.reached
    book.stop_waiting(stop)
    order = replace(order, quantity=quantity, price=price, stop_price=stop_price)
    arriving = wait_or_trigger(book, Stop(order, stop.stop_price if same else stop_price), emit, reached)
    if arriving:
        arrive(book, arriving, emit)


def _replace_parked(book: Book, order: PlaceOrder, command: ReplaceOrder, quantity: int, emit: Emit) -> None:
    # There is no queue to lose a place in, and for the leg of a bracket nothing that could tell.
    order_id, price = order.order_id, command.price
    kept = order.tif != "cls" or (price == order.price and quantity <= order.quantity)
    stop_price = command.stop_price if order.stop_price else 0
    emit(Replaced(order_id, book.symbol, order.side, price, quantity, kept, stop_price))
    book.parked[order_id] = replace(order, quantity=quantity, price=price, stop_price=stop_price)
