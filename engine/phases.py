"""What each phase of a symbol's day takes of the orders that arrive."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from exchange.messages.base import Phase
from exchange.messages.journal import PlaceOrder

from .book import Book
from .emit import Emit
from .mirror import end
from .triggering import place_stop

COLLECTING: Final[frozenset[Phase]] = frozenset(("pre_open", "opening_auction", "volatility_auction", "closing_auction"))
"""Orders rest without meeting; the book may be crossed."""
OPENING: Final[frozenset[Phase]] = frozenset(("pre_open", "opening_auction"))
"""Orders for the opening auction come in."""


def admitted(book: Book, order: PlaceOrder, emit: Emit) -> PlaceOrder | None:
    """The order as it meets the book now; None when it waits for its price or its auction, or the phase has ended it."""
    phase, tif = book.phase, order.tif
    if phase == "halted" or phase == "closed":
        end(book, order.order_id, order.quantity, phase, emit)
    elif order.kind != "limit" and order.kind != "market":
        return place_stop(book, order, emit)
    elif tif == "cls" and phase != "closing_auction":
        book.park(order)
    elif tif == "opg" and phase not in OPENING:
        end(book, order.order_id, order.quantity, "auction_over", emit)
    elif tif == "opg" or tif == "cls":
        # A market order is one that would pay its protection price, if that is where the auction ends.
        return order if order.kind == "limit" else replace(order, kind="limit")
    elif phase in COLLECTING and (order.kind == "market" or tif == "ioc" or tif == "fok"):
        end(book, order.order_id, order.quantity, "auction", emit)
    else:
        return order
    return None
