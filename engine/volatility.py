"""Volatility auctions: instead of a trade outside the band, orders are collected for a while."""

from __future__ import annotations

from exchange.messages.events import PhaseChanged
from exchange.money import format_money

from .bands import SECOND
from .book import Book, BookSide
from .emit import Emit
from .groups import Pair


def reach(band: tuple[int, int], opposite: BookSide, key_max: int) -> int:
    """The key up to which the band lets an order trade that could trade up to `key_max`; it can trade with the best level."""
    best = opposite.best
    assert best is not None
    low, high = band if opposite.name == "sell" else (-band[1], -band[0])
    return min(high, key_max) if best.key >= low else best.key - 1


def price_beyond(book: Book, opposite: BookSide, reached: int, key_max: int) -> int:
    """The price of the next trade, which only the band prevents; 0 if there is none.

    What a fill-or-kill order left standing within the band counts as traded, and with it the other orders of its pairs.
    """
    gone: set[int] = set()
    for level in opposite:
        if level.key > key_max:
            break
        if level.key <= reached:
            pairs = ((maker.order_id, book.groups.get(maker.order_id)) for maker in level.orders())
            gone.update(pair.other(order_id) for order_id, pair in pairs if type(pair) is Pair)
        elif any(maker.order_id not in gone for maker in level.orders()):
            return level.price
    return 0


def start_auction(book: Book, price: int, emit: Emit) -> None:
    """A trade at this price was about to leave the band."""
    assert book.band is not None
    low, high = map(format_money, book.band)
    reason = f"a trade at {format_money(price)} would have left the band {low} to {high}"
    book.set_phase("volatility_auction", reason, auction_end(book))
    emit(PhaseChanged(book.symbol, book.phase, book.phase_reason, book.until))


def auction_end(book: Book) -> int:
    """When a volatility auction that begins now ends, in nanoseconds since 1970."""
    return book.time + book.bands.auction_seconds * SECOND
