"""The engine's state as canonical bytes: the same books give the same bytes, whatever the way that led to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from exchange.messages import Side

from .book import Book, BookSide
from .matching import Books

LevelState = tuple[int, list[tuple[int, int]]]
"""A price and its queue, oldest first, of (order id, remaining)."""


class BookState(msgspec.Struct, frozen=True):
    """One book: its levels best first."""

    symbol: str
    trades: int
    bids: list[LevelState]
    asks: list[LevelState]


class EngineState(msgspec.Struct, frozen=True):
    """All a successor needs to go on: the books in order of their symbols, and where the output stands."""

    number: int
    """Of the last batch that was made."""
    previous: str
    """Its digest."""
    pending: list[str]
    """Batches that were made but are not in the log yet."""
    books: list[BookState]


class OpenQuantity(msgspec.Struct, frozen=True, gc=False):
    """An open order as the book knows it; for audits."""

    order_id: int
    symbol: str
    side: Side
    price: int
    remaining: int


encode_state: Final = msgspec.json.Encoder().encode
decode_state: Final = msgspec.json.Decoder(EngineState).decode


def book_states(books: Books) -> list[BookState]:
    """The books in order of their symbols."""
    return [BookState(symbol, book.trades, _levels(book.bids), _levels(book.asks)) for symbol, book in sorted(books.items())]


def books_of(states: list[BookState]) -> Books:
    """The books of a state."""
    books: Books = {}
    for state in states:
        book = books[state.symbol] = Book(state.symbol, state.trades)
        for side, sign, levels in ((book.bids, -1, state.bids), (book.asks, 1, state.asks)):
            for price, queue in levels:
                for order_id, remaining in queue:
                    book.rest(side, sign * price, order_id, remaining)
    return books


def open_quantities(books: Books) -> Iterator[OpenQuantity]:
    """All open orders: by symbol, bids before asks, best first, oldest first."""
    for symbol, book in sorted(books.items()):
        for order in book:
            level = order.level
            yield OpenQuantity(order.order_id, symbol, level.side.name, level.price, order.remaining)


def _levels(side: BookSide) -> list[LevelState]:
    return [(level.price, [(order.order_id, order.remaining) for order in level.orders()]) for level in side]
