"""Seeded order flow for the benchmark: 55 % limit orders of which 15 % marketable, 45 % cancels of open orders."""

from __future__ import annotations

from random import Random
from typing import Final

from exchange.messages.base import Side
from exchange.messages.journal import CancelOrder, DefineSymbol, EngineCommand, PlaceOrder

from .book import Book
from .matching import apply

CANCEL_SHARE: Final = 0.45
MARKETABLE_SHARE: Final = 0.15
"""Of the limit orders."""
RESTING: Final = 10_000
"""Orders that rest when the flow begins; it keeps their number about level."""
TICK: Final = 100
OPENING_PRICE: Final = 10_000 * TICK
DISTANCE_TICKS: Final = 200
"""Mean distance of a passive order from the middle of the market."""


class Flow:
    """Makes commands. It matches them itself, because what is passive, marketable or still open depends on the book."""

    def __init__(self, symbols: int, seed: int = 1) -> None:
        self.books: dict[str, Book] = {}
        self._random = Random(seed)
        self._order_id = 0
        self._middle: dict[str, int] = {}
        self._placed: dict[str, list[int]] = {}
        self.opening: list[EngineCommand] = [self._define(f"S{number}") for number in range(1, symbols + 1)]
        """Must be applied first: the symbols, and the orders that rest when the flow begins."""
        self.opening += [self._apply(self._passive(self._any_book())) for _ in range(RESTING)]

    def commands(self, count: int) -> list[EngineCommand]:
        """The next commands of the flow."""
        return [self._apply(self._next()) for _ in range(count)]

    def _define(self, symbol: str) -> EngineCommand:
        self._middle[symbol] = OPENING_PRICE
        self._placed[symbol] = []
        return self._apply(DefineSymbol(symbol, symbol, shard=1, tick=TICK, lot=1, opening_price=OPENING_PRICE))

    def _apply(self, command: EngineCommand) -> EngineCommand:
        apply(self.books, [command])
        return command

    def _any_book(self) -> Book:
        return self._random.choice(list(self.books.values()))

    def _next(self) -> EngineCommand:
        book = self._any_book()
        if self._random.random() < CANCEL_SHARE and (order_id := self._draw_open(book)):
            return CancelOrder(order_id, "trader", book.symbol)
        return self._marketable(book) if self._random.random() < MARKETABLE_SHARE else self._passive(book)

    def _draw_open(self, book: Book) -> int:
        placed = self._placed[book.symbol]
        while placed:
            index = self._random.randrange(len(placed))
            placed[index], placed[-1] = placed[-1], placed[index]
            if (order_id := placed.pop()) in book.orders:
                return order_id
        return 0

    def _passive(self, book: Book) -> PlaceOrder:
        middle = self._middle[book.symbol] = self._middle[book.symbol] + self._random.choice((-TICK,) + 48 * (0,) + (TICK,))
        distance = (1 + int(self._random.expovariate(1 / DISTANCE_TICKS))) * TICK
        quantity = self._random.randint(1, 100)
        if self._random.random() < 0.5:
            limit = book.asks.best.price - TICK if book.asks.best else middle
            return self._place(book, "buy", quantity, max(TICK, min(middle - distance, limit)))
        limit = book.bids.best.price + TICK if book.bids.best else middle
        return self._place(book, "sell", quantity, max(middle + distance, limit))

    def _marketable(self, book: Book) -> PlaceOrder:
        # Smaller than the passive ones, so that about as many orders come into the book as leave it.
        quantity = 1 + int(self._random.expovariate(1 / 11))
        if self._random.random() < 0.5:
            return self._place(book, "buy", quantity, (book.asks.best.price if book.asks.best else OPENING_PRICE) + 5 * TICK)
        best = book.bids.best.price if book.bids.best else OPENING_PRICE
        return self._place(book, "sell", quantity, max(TICK, best - 5 * TICK))

    def _place(self, book: Book, side: Side, quantity: int, price: int) -> PlaceOrder:
        self._order_id += 1
        self._placed[book.symbol].append(self._order_id)
        return PlaceOrder(
            self._order_id, "trader", f"order-{self._order_id}", book.symbol, side, quantity, price, hold=price * quantity
        )
