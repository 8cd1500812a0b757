"""Fill-or-kill: whether an order can be filled completely and at once."""

from __future__ import annotations

from exchange.messages.journal import PlaceOrder

from .book import Book, BookSide


def fillable(book: Book, opposite: BookSide, key_max: int, order: PlaceOrder) -> bool:
    """Whether the levels up to `key_max` would fill the order, without changing anything.

    Hidden quantity counts. Quantity of the order's own account does not, where its trading is prevented; and unless the mode
    cancels only such resting orders, nothing behind the first of them counts either, because the order would end there.
    """
    missing = order.quantity
    prevents, goes_on = order.self_trade != "allow", order.self_trade == "cancel_oldest"
    for level in opposite:
        if level.key > key_max:
            return False
        hidden = 0  # An iceberg's next part stands behind everything that its level shows.
        for maker in level.orders():
            if prevents and maker.account == order.account:
                if not goes_on:
                    return False
                continue
            missing -= maker.remaining
            hidden += book.open_quantity(maker) - maker.remaining
            if missing <= 0:
                return True
        missing -= hidden
        if missing <= 0:
            return True
    return False
