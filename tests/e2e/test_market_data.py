"""A book kept from market data against the digest that the engine's own code computes from the journal."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from exchange.checksum import of_levels
from exchange.client import Client, ClientError
from exchange.messages.base import Side
from exchange.messages.market_data import Candle, CandlesQuestion
from exchange.public_book import DepthBook, OrderBook
from exchange.subjects import public
from tests.e2e.market_process import RunningMarket, StartMarket

PATIENCE = 90.0
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


async def test_a_symbol_added_while_the_market_runs(fresh_market: StartMarket, tmp_path: Path) -> None:
    """From its first moment on it is followed like the others: every trade once, the engine's book, candles, status."""
    market = fresh_market("--no-bots")
    async with await Client.connect(market.runtime["server"]) as client:
        with pytest.raises(ClientError, match="NEWS is not traded here"):
            await anext(client.market_data.depth("NEWS"))
        await asyncio.to_thread(market.ask, "symbol", "add", "NEWS", "--price", "12.50")
        status = await anext(client.market_data.statuses("NEWS"))
        assert (status.phase, status.until) == ("continuous", 0)
        books = client.market_data.depth("NEWS")
        await anext(books)
        await asyncio.to_thread(trade_news, market)
        async with asyncio.timeout(PATIENCE):
            trades = client.market_data.trades("NEWS", after=0)
            assert [(await anext(trades)).trade_id for _ in range(3)] == [1, 2, 3]
            async for book in books:
                if book.levels("sell", 5) == [(125_500, 7)]:
                    break
        assert client.market_data.healed["checksum"] == 0
        (candle,) = await client.insist(public("candles"), CandlesQuestion("NEWS", "1d"), list[Candle])
        assert (candle.open, candle.volume, candle.trades) == (125_500, 3, 3)
    await asyncio.to_thread(start_bot_on_news, market, tmp_path)


def start_bot_on_news(market: RunningMarket, directory: Path) -> None:
    """The bots worker runs since before there was such a symbol. After a restart it goes on, though no market file names it."""
    (directory / "reader.yaml").write_text("bot: reader\nsymbol: NEWS\nrules:\n  - when: last > 99\n    do: buy 1 at 1\n")
    assert market.ask("--as", "buyer", "bot", "start", str(directory / "reader.yaml"))["symbol"] == "NEWS"
    market.wait_for_successor("bots", market.kill("bots"))
    assert [(bot["name"], bot["reason"]) for bot in market.ask("--as", "buyer", "bot", "list")] == [("reader", "")]


def trade_news(market: RunningMarket) -> None:
    for name, shares in (("seller", "NEWS=10"), ("buyer", "NEWS=0")):
        market.ask("account", "create", name, "--cash", "1000", "--shares", shares, password="correct-horse-7")
    market.ask("--as", "seller", "sell", "NEWS", "10", "--limit", "12.55")
    for _ in range(3):
        market.ask("--as", "buyer", "buy", "NEWS", "1", "--limit", "12.55")
