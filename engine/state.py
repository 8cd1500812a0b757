"""The engine's state as canonical bytes: the same books give the same bytes, whatever the way that led to them.

State of another version than this code's does not decode; the logs then tell all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from exchange.messages.base import Phase, SelfTrade, Side
from exchange.messages.journal import PlaceOrder

from .bands import Bands
from .book import Book, BookSide
from .books import Books
from .groups import Bracket, Pair
from .stops import Stop
from .terms import Terms

LevelState = tuple[int, list[tuple[int, int, str, SelfTrade]]]
"""A price and its queue, oldest first, of (order id, shown quantity, account, self-trade mode)."""


class BookState(msgspec.Struct, frozen=True):
    """One book: its levels best first; terms and stops in order of their order ids."""

    symbol: str
    trades: int
    last: int
    tick: int
    bids: list[LevelState]
    asks: list[LevelState]
    terms: list[tuple[int, Terms]]
    """Of the orders that have any, by order id."""
    stops: list[tuple[PlaceOrder, int, bool]]
    """Those that wait, where their stop prices stand, and whether a trade has reached them."""
    parked: list[PlaceOrder]
    """In order of their ids, like pairs and brackets."""
    pairs: list[Pair]
    brackets: list[Bracket]
    phase: Phase
    phase_reason: str
    until: int
    told: tuple[int, int, int]
    bands: Bands
    reference: int
    reference_time: int


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
    """Its limit; of a stop order that waits, the limit or protection it was placed with."""
    remaining: int
    """Shown or not."""


encode_state: Final = msgspec.json.Encoder().encode
decode_state: Final = msgspec.json.Decoder(EngineState).decode


def book_states(books: Books) -> list[BookState]:
    """The books in order of their symbols."""
    return [_book_state(book) for _, book in sorted(books.items())]


def books_of(states: list[BookState]) -> Books:
    """The books of a state."""
    books = Books()
    for state in states:
        book = books[state.symbol] = Book(state.symbol, state.trades, state.last, state.tick)
        for side, sign, levels in ((book.bids, -1, state.bids), (book.asks, 1, state.asks)):
            for price, queue in levels:
                for order_id, shown, account, self_trade in queue:
                    book.rest(side, sign * price, order_id, shown, account, self_trade)
        for order_id, terms in state.terms:
            book.keep_terms(order_id, msgspec.structs.replace(terms))
        for order, stop_price, reached in state.stops:
            book.wait(Stop(order, stop_price), reached)
        for order in state.parked:
            book.park(order)
        for pair in state.pairs:
            book.groups[pair.limit_id] = book.groups[pair.stop_id] = pair
        for bracket in state.brackets:
            for order_id in (bracket.entry_id, *bracket.legs):
                book.groups[order_id] = bracket
        book.set_phase(state.phase, state.phase_reason, state.until)
        book.told = state.told
        book.bands = state.bands
        book.reference_time = state.reference_time
        book.set_reference(state.reference)
    books.watch(books.values())
    return books


def open_quantities(books: Books) -> Iterator[OpenQuantity]:
    """All open orders by symbol: bids before asks, best first, oldest first; then waiting stops, then parked ones, by id."""
    for symbol, book in sorted(books.items()):
        for order in book:
            level = order.level
            yield OpenQuantity(order.order_id, symbol, level.side.name, level.price, book.open_quantity(order))
        for _, stop in sorted(book.stops.waiting.items()):
            placed = stop.order
            yield OpenQuantity(placed.order_id, symbol, placed.side, placed.price, placed.quantity)
        for _, placed in sorted(book.parked.items()):
            yield OpenQuantity(placed.order_id, symbol, placed.side, placed.price, placed.quantity)


def _book_state(book: Book) -> BookState:
    groups = sorted(book.groups.items())
    return BookState(
        symbol=book.symbol,
        trades=book.trades,
        last=book.last,
        tick=book.tick,
        bids=_levels(book.bids),
        asks=_levels(book.asks),
        # Copies: terms change, a state does not.
        terms=[(order_id, msgspec.structs.replace(terms)) for order_id, terms in sorted(book.terms.items())],
        stops=[
            (stop.order, stop.stop_price, order_id in book.stops.reached)
            for order_id, stop in sorted(book.stops.waiting.items())
        ],
        parked=[order for _, order in sorted(book.parked.items())],
        pairs=[group for order_id, group in groups if isinstance(group, Pair) and order_id == group.limit_id],
        # A copy, like the terms: what its entry has traded changes.
        brackets=[
            msgspec.structs.replace(group)
            for order_id, group in groups
            if isinstance(group, Bracket) and order_id == group.entry_id
        ],
        phase=book.phase,
        phase_reason=book.phase_reason,
        until=book.until,
        told=book.told,
        bands=book.bands,
        reference=book.reference,
        reference_time=book.reference_time,
    )


def _levels(side: BookSide) -> list[LevelState]:
    return [
        (level.price, [(order.order_id, order.remaining, order.account, order.self_trade) for order in level.orders()])
        for level in side
    ]
