"""A book that moves fifty times a second: the page ends with exactly the market's book, and has not grown. `make page-bench`
measures how smoothly."""

from __future__ import annotations

import asyncio
from typing import Any

from playwright.async_api import Page

from exchange.client import Client
from exchange.messages.market_data import Depth, DepthQuestion
from exchange.subjects import public
from tests.browser.conftest import PATIENCE_MS, SHARED_LOOP, OpenScreen
from tests.browser.mover import LEVELS, SYMBOL, move, mover
from tests.e2e.market_process import StartMarket

pytestmark = SHARED_LOOP

SHOWN = """() => [".bids", ".asks"].map((side) => [...document.querySelectorAll(`${side} [data-price]`)].map((row) =>
    [Number(row.dataset.price), Number(row.querySelector(".size").textContent.replaceAll(",", ""))]))"""
MOVES = 250
TAPE_LENGTH = 60


async def grown(page: Page) -> dict[str, Any]:
    """What must not become more and more: elements, and what listens."""
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable")
    await session.send("HeapProfiler.collectGarbage")
    metrics = {metric["name"]: metric["value"] for metric in (await session.send("Performance.getMetrics"))["metrics"]}
    await session.detach()
    elements = await page.evaluate("document.querySelectorAll('*').length")
    return {"elements": elements, "listeners": metrics["JSEventListeners"], "documents": metrics["Documents"]}


async def best_levels(guest: Client, bids: int, asks: int) -> list[list[list[int]]]:
    """So many best levels of the market's book a side, as the page draws them: the highest price first."""
    book = await guest.request(public("depth"), DepthQuestion(SYMBOL, LEVELS), Depth)
    assert isinstance(book, Depth)
    return [[list(level) for level in book.bids[:bids]], [list(level) for level in reversed(book.asks[:asks])]]


async def test_a_busy_book_is_followed_and_nothing_piles_up(fresh_market: StartMarket, open_screen: OpenScreen) -> None:
    market = fresh_market("--no-bots")
    async with await mover(market) as client:
        screen = await open_screen(market)
        while await screen.part(".tape-rows li").count() < TAPE_LENGTH:
            await move(client, 1, moves_per_trade=1)
        before = await grown(screen.page)
        assert await move(client, MOVES / 50) > MOVES / 10
        async with await market.connect() as guest, asyncio.timeout(PATIENCE_MS / 1000):
            while (shown := await screen.page.evaluate(SHOWN)) != await best_levels(guest, *map(len, shown)):
                await screen.page.wait_for_timeout(50)  # Until the last of the moves has come through, to both of them.
        assert len(shown[0]) >= 5
        after = await grown(screen.page)
        assert {name: after[name] - before[name] for name in after if after[name] > before[name]} == {}
