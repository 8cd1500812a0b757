"""What happens to the other orders of a group, right after an event that changed one of them."""

from __future__ import annotations

from msgspec.structs import replace

from exchange.messages.events import Cancelled, CancelReason, Decremented

from .book import Book
from .emit import Emit
from .groups import Bracket, Pair
from .iceberg import reduce


def end(book: Book, order_id: int, quantity: int, reason: CancelReason, emit: Emit) -> None:
    """Say that an order ends, which is not in the book (any more), with so much unfilled."""
    emit(Cancelled(order_id, book.symbol, quantity, reason))
    if book.groups:
        mirror_end(book, order_id, emit)


def mirror_loss(book: Book, order_id: int, quantity: int, ended: bool, emit: Emit, traded: bool = True) -> None:
    """After an order traded so much, or lost it to self-trade prevention; `ended` if nothing of it is left."""
    group = book.groups.get(order_id)
    if group is None:
        return
    if type(group) is Bracket and traded and order_id == group.entry_id:
        group.traded += quantity
    if ended:
        mirror_end(book, order_id, emit)
    elif type(group) is Pair:
        other = group.other(order_id)
        emit(Decremented(other, book.symbol, quantity))
        _take_off(book, other, quantity, emit)


def mirror_end(book: Book, order_id: int, emit: Emit) -> None:
    """After an order ended: its partner ends too; the legs of an entry that traded wait to be activated."""
    group = book.groups.pop(order_id, None)
    if group is None:
        return
    if isinstance(group, Pair):
        _end_others(book, (group.other(order_id),), emit)
    elif order_id != group.entry_id:
        del book.groups[group.entry_id]
        _end_others(book, [leg for leg in group.legs if leg != order_id], emit)
    elif group.traded:
        del book.groups[group.take_profit_id], book.groups[group.stop_loss_id]
        book.completed[order_id] = group
        book.unsettled = True
    else:
        _end_others(book, group.legs, emit)


def _end_others(book: Book, others: list[int] | tuple[int, ...], emit: Emit) -> None:
    for order_id in others:
        del book.groups[order_id]
        emit(Cancelled(order_id, book.symbol, book.take_out(order_id), "pair"))


def _take_off(book: Book, order_id: int, quantity: int, emit: Emit) -> None:
    if (order := book.orders.get(order_id)) is not None:
        reduce(book, order, quantity, emit)
    elif (stop := book.stops.waiting.get(order_id)) is not None:
        stop.order = replace(stop.order, quantity=stop.order.quantity - quantity)
    else:
        parked = book.parked[order_id]
        book.parked[order_id] = replace(parked, quantity=parked.quantity - quantity)
