"""The checksum of what subscribers of a channel know, kept up to date at the cost of what changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from exchange.checksum import MASK


class RunningChecksum:
    """Changes wait until `settle`: it is asked for once a second, and no message that goes without it shall wait for it."""

    def __init__(self, of: Callable[..., int], entries: dict[Any, tuple[Any, ...]]) -> None:
        """`of` says what an entry of the book, a level or an order, adds; `entries` are all of them, by key."""
        self._of = of
        self._waiting = entries
        self._values: dict[Any, int] = {}
        self._total = 0

    def change(self, entries: dict[Any, tuple[Any, ...]]) -> None:
        """How these entries are now."""
        self._waiting |= entries

    def settle(self) -> None:
        """Take in what waits."""
        of, values, total = self._of, self._values, self._total
        for key, entry in self._waiting.items():
            value = of(*entry)
            total += value - values.pop(key, 0)
            if value:
                values[key] = value
        self._total = total
        self._waiting.clear()

    @property
    def value(self) -> int:
        """Of all that changed up to now."""
        self.settle()
        return self._total & MASK
