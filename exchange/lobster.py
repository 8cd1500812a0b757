"""Files in LOBSTER's format: a day of one symbol on NASDAQ, order by order.

A day is two files without headers: messages (what changed the visible book) and, row for row, the visible book after each
message, price and size of some ten levels a side. lobster_reader.py turns them into commands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from .messages.base import Side

NEW: Final = 1
REDUCED: Final = 2
DELETED: Final = 3
EXECUTED: Final = 4
EXECUTED_HIDDEN: Final = 5
AUCTION: Final = 6
HALT: Final = 7
TAKING: Final = (REDUCED, DELETED, EXECUTED)
"""Messages that take something off a visible order."""
SECOND_DIGITS: Final = 9

Level = tuple[int, int]
"""Price, quantity."""


class LobsterError(ValueError):
    """A file that is not in LOBSTER's format; the text names the line."""


class LobsterMessage(NamedTuple):
    """One row of the message file."""

    time: int
    """Nanoseconds since midnight, New York."""
    kind: int
    order_id: int
    size: int
    price: int
    side: Side
    """Of the resting order."""


class LobsterBook(NamedTuple):
    """One row of the order book file: the visible levels, best first."""

    bids: list[Level]
    asks: list[Level]
    depth: int
    """How many levels of a side are visible at most."""


def read_messages(lines: Iterable[str]) -> Iterator[LobsterMessage]:
    """The rows of a message file. Raises LobsterError."""
    for number, line in enumerate(lines, start=1):
        try:
            time, kind, order_id, size, price, direction, *_ = line.strip().split(",")
            side: Side = "buy" if int(direction) > 0 else "sell"
            yield LobsterMessage(_nanoseconds(time), int(kind), int(order_id), int(size), int(price), side)
        except ValueError:
            raise LobsterError(
                f"messages, line {number}: expected time,type,order,size,price,direction: {line[:80]!r}"
            ) from None


def read_books(lines: Iterable[str]) -> Iterator[LobsterBook]:
    """The rows of an order book file. Raises LobsterError."""
    for number, line in enumerate(lines, start=1):
        try:
            values = [int(value) for value in line.split(",")]
        except ValueError:
            values = []
        if not values or len(values) % 4:
            raise LobsterError(f"order book, line {number}: expected ask,size,bid,size for each level: {line[:80]!r}")
        # A level that is empty has size 0 and a price that is none.
        asks = [(price, size) for price, size in zip(values[0::4], values[1::4], strict=True) if size]
        bids = [(price, size) for price, size in zip(values[2::4], values[3::4], strict=True) if size]
        yield LobsterBook(bids, asks, len(values) // 4)


def _nanoseconds(seconds: str) -> int:
    whole, _, rest = seconds.partition(".")
    return int(whole + rest[:SECOND_DIGITS].ljust(SECOND_DIGITS, "0"))


def before(message: LobsterMessage, book: LobsterBook) -> LobsterBook:
    """The book before a message, as far as it can be told from the message and the book after it."""
    change = {NEW: -message.size, REDUCED: message.size, DELETED: message.size, EXECUTED: message.size}.get(message.kind, 0)
    levels = dict(book.bids if message.side == "buy" else book.asks)
    size = levels.get(message.price, 0) + change
    levels[message.price] = size
    if size <= 0:
        del levels[message.price]
    changed = sorted(levels.items(), reverse=message.side == "buy")
    # The level that a new one pushed out of view is not known any more: all that is known was in view.
    return LobsterBook(changed, book.asks, book.depth) if message.side == "buy" else LobsterBook(book.bids, changed, book.depth)
