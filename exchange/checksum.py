"""The checksum that market data carries, with which a subscriber proves that its book is the market's.

The sum, modulo 2^32, of one CRC-32 (the one of zlib, PNG and Ethernet) for each entry of the book:

- depth: of the text `<side>:<price>:<quantity>` of each price level, for example `buy:205500:300`;
- book: of the text `<id>:<side>:<price>:<quantity>` of each order; at a price, the smallest id is first in the queue.

An empty book has checksum 0. The sum does not depend on the order of the entries, so it can be kept up to date at the cost of
what changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from zlib import crc32

MASK: Final = 2**32 - 1


def of_level(side: str, price: int, quantity: int) -> int:
    """What a price level adds; nothing for quantity 0."""
    return crc32(f"{side}:{price}:{quantity}".encode()) if quantity else 0


def of_order(order_id: int, side: str, price: int, quantity: int) -> int:
    """What an order adds; nothing for quantity 0."""
    return crc32(f"{order_id}:{side}:{price}:{quantity}".encode()) if quantity else 0


def of_levels(bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]) -> int:
    """The checksum of a whole book of [price, quantity]."""
    return sum(of_level(side, *level) for side, levels in (("buy", bids), ("sell", asks)) for level in levels) & MASK


def of_orders(orders: Iterable[tuple[int, str, int, int]]) -> int:
    """The checksum of a whole book of [id, side, price, quantity]."""
    return sum(of_order(*order) for order in orders) & MASK
