"""A book kept from market data against the digest that the engine's own code computes from the journal."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

from exchange.checksum import of_levels
from exchange.client import Client
from exchange.messages.base import Side
from exchange.public_book import DepthBook, OrderBook
from tests.e2e.market_process import RunningMarket

PATIENCE = 30.0
SYMBOL = "KRYP"


def engine_checksum(market: RunningMarket, number: int) -> int:
    """Of the book after event batch `number`, recomputed by the engine from the journal alone."""
    command = [sys.executable, "-P", "-m", "exchange.engine.audit", "--data", str(market.data), "--shard", "1"]
    finished = subprocess.run([*command, "--events", str(number)], capture_output=True, text=True, check=True, timeout=PATIENCE)
    checksum: int = json.loads(finished.stdout)["checksums"][SYMBOL]
    return checksum


async def test_books_of_a_running_market_are_the_engines(market: RunningMarket) -> None:
    async with await Client.connect(market.runtime["server"]) as client, asyncio.timeout(PATIENCE):
        data, seen = client.market_data, {}
        async for book in data.depth(SYMBOL):
            assert isinstance(book, DepthBook)
            seen[book.number] = book.checksum
            if len(seen) == 8:
                break
        async for orders in data.orders(SYMBOL):
            assert isinstance(orders, OrderBook)
            levels: dict[Side, dict[int, int]] = {"buy": {}, "sell": {}}
            for _, side, price, quantity in orders.orders.values():
                levels[side][price] = levels[side].get(price, 0) + quantity
            if orders.number > max(seen):
                seen[orders.number] = of_levels(levels["buy"].items(), levels["sell"].items())
                break
        assert data.healed["checksum"] == 0
    for number in (min(seen), max(seen)):
        assert await asyncio.to_thread(engine_checksum, market, number) == seen[number]
