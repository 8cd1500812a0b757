"""Volatility auctions: instead of a trade outside the band, orders are collected for a while."""

from __future__ import annotations

from exchange.messages.events import PhaseChanged
from exchange.money import format_money

from .bands import SECOND
from .book import Book, BookSide
from .emit import Emit


def reach(band: tuple[int, int], opposite: BookSide, key_max: int) -> int:
    """The key up to which the band lets an order trade that could trade up to `key_max`; it can trade with the best level."""
    best = opposite.best
    assert best is not None
    low, high = band if opposite.name == "sell" else (-band[1], -band[0])
    return min(high, key_max) if best.key >= low else best.key - 1


def price_beyond(opposite: BookSide, reached: int, key_max: int) -> int:
    """The price of the next level, which only the band keeps from trading; 0 if there is none."""
    key = next(opposite.keys.irange(reached + 1, key_max), None)
    return 0 if key is None else abs(key)


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
