"""A laptop that sleeps for an hour: its clock jumps, and its connection is gone without a word."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from playwright.async_api import Browser, Route, expect

from tests.browser.conftest import SHARED_LOOP, Screen, watch
from tests.e2e.market_process import RunningMarket

pytestmark = SHARED_LOOP


class Line:
    """Connections between the page and the market that can fall silent: nothing arrives any more, and nothing is closed."""

    def __init__(self) -> None:
        self.address = ""
        self._pumps: set[asyncio.Task[None]] = set()
        self._to_page: set[asyncio.StreamWriter] = set()
        self._to_market: set[asyncio.StreamWriter] = set()

    def fall_silent(self) -> None:
        """All connections up to now: the market's side is gone, the page is not told."""
        for pump in self._pumps:
            pump.cancel()
        for writer in self._to_market:
            writer.transport.abort()

    async def serve(self, host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        from_market, to_market = await asyncio.open_connection(host, port)
        self._to_page.add(writer)
        self._to_market.add(to_market)
        self._pumps |= {asyncio.create_task(_pump(reader, to_market)), asyncio.create_task(_pump(from_market, writer))}

    async def close(self) -> None:
        """All of them."""
        self.fall_silent()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        for writer in self._to_page | self._to_market:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()


@asynccontextmanager
async def line_to(address: str) -> AsyncIterator[Line]:
    """A line to a websocket's address, with an address of its own."""
    line, target = Line(), urlsplit(address)
    assert target.hostname is not None
    assert target.port is not None
    host, port = target.hostname, target.port
    server = await asyncio.start_server(lambda reader, writer: line.serve(host, port, reader, writer), "127.0.0.1", 0)
    line.address = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield line
        await line.close()


async def test_an_hour_asleep(market: RunningMarket, browser: Browser) -> None:
    async with line_to(market.runtime["websocket"]) as line:
        context = await browser.new_context(bypass_csp=True)  # The policy knows the market's own address only.
        screen = Screen(await context.new_page(), market.page)
        page = screen.page
        watch(screen, {urlsplit(market.page).netloc, urlsplit(line.address).netloc})

        async def elsewhere(route: Route) -> None:
            answer = await route.fetch()
            await route.fulfill(response=answer, json=await answer.json() | {"websocket": line.address})

        await page.route("**/config.json", elsewhere)
        await page.clock.install()
        await page.goto(market.page)
        await expect(screen.part("body")).to_have_attribute("data-connection", "live")
        await screen.signed_up("sleeper")
        await screen.order("buy", 10, "15.00")
        await expect(screen.part("#tab-orders .count")).to_have_text("1")
        newest = await screen.part(".tape-rows li").first.get_attribute("data-key") or ""

        line.fall_silent()
        await page.clock.fast_forward("01:00:00")
        await expect(screen.part("body")).not_to_have_attribute("data-connection", "live")  # It does not look alive.
        await expect(screen.part("body")).to_have_attribute("data-connection", "live")
        await expect(screen.part(".who b")).to_have_text("sleeper")
        await expect(screen.part(".tape-rows li").first).not_to_have_attribute("data-key", newest)
        trades = await page.evaluate("[...document.querySelectorAll('.tape-rows li')].map((row) => Number(row.dataset.key))")
        assert trades == list(range(trades[0], trades[0] - len(trades), -1)), "nothing between is missing"
        await expect(screen.part("#chart")).to_have_attribute("data-bars", re.compile(r"^[1-9]"))
        await expect(screen.part("#tab-orders .count")).to_have_text("1")
        await screen.order("buy", 20, "15.05")
        await expect(screen.part("#tab-orders .count")).to_have_text("2")
        await context.close()
        assert screen.complaints == []
