"""Fill-or-kill: whether an order can be filled completely and at once."""

from __future__ import annotations

from exchange.messages.journal import PlaceOrder

from .book import Book, BookSide, Order
from .groups import Pair


def fillable(book: Book, opposite: BookSide, key_max: int, order: PlaceOrder) -> bool:
    """Whether the levels up to `key_max` would fill the order, without changing anything.

    Hidden quantity counts. Quantity of the order's own account does not, where its trading is prevented; and unless the mode
    cancels only such resting orders, nothing behind the first of them counts either, because the order would end there.
    """
    missing = order.quantity
    prevents, goes_on = order.self_trade != "allow", order.self_trade == "cancel_oldest"
    counted = _Counted(book)
    for level in opposite:
        if level.key > key_max:
            return False
        makers: list[Order] = []
        for maker in level.orders():
            if prevents and maker.account == order.account:
                if not goes_on:
                    return False
                continue
            makers.append(maker)
            missing -= counted.take(maker, maker.remaining)
            if missing <= 0:
                return True
        # An iceberg's next part stands behind everything that its level shows.
        if book.terms:
            missing -= sum(counted.take(maker, book.open_quantity(maker)) for maker in makers)
            if missing <= 0:
                return True
    return False


class _Counted:
    """What was counted of each order; what is counted of one order of a pair is gone from the other."""

    def __init__(self, book: Book) -> None:
        self._groups = book.groups
        self._counted: dict[int, int] = {}

    def take(self, maker: Order, up_to: int) -> int:
        """Count an order up to so much of it; returns what is new of that."""
        counted, order_id = self._counted, maker.order_id
        new = max(0, up_to - counted.get(order_id, 0))
        counted[order_id] = counted.get(order_id, 0) + new
        if type(pair := self._groups.get(order_id)) is Pair:
            other = pair.other(order_id)
            counted[other] = counted.get(other, 0) + new
        return new
