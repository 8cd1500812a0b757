"""The books of a shard, and which of them time concerns next."""

from __future__ import annotations

from collections.abc import Iterable

from exchange.agenda import Agenda

from .book import Book


class Books(dict[str, Book]):
    """By symbol. A batch looks at the books that its commands name and at those whose moment has come, not at all there are."""

    def __init__(self, books: dict[str, Book] | None = None) -> None:
        super().__init__(books or {})
        self.touched: list[Book] = []
        """Of the batch that was applied last, in order of their symbols."""
        self._agenda: Agenda[int] = Agenda()
        self.watch(self.values())

    def watch(self, books: Iterable[Book]) -> None:
        """Something happened to these: see when time concerns them next."""
        for book in books:
            self._agenda.put(book.symbol, book.moment)

    def due(self, time: int) -> list[str]:
        """The symbols of those whose moment has come by this time."""
        return self._agenda.due(time)
