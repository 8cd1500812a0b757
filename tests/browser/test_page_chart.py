"""The chart: every interval, indicators, an order that is dragged to another price, and the way back past thousands of bars."""

from __future__ import annotations

import asyncio
import re
import time
from itertools import pairwise
from pathlib import Path

from playwright.async_api import expect

from exchange.messages.requests import Submit
from tests.browser.conftest import PASSWORD, PATIENCE_MS, SHARED_LOOP, OpenScreen, Screen
from tests.e2e.market_process import StartMarket, run_cli
from tests.e2e.traded_before import SECOND, write_past

pytestmark = SHARED_LOOP

INTERVALS = ("1s", "5s", "10s", "30s", "1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w", "1mo")


async def hover_order(screen: Screen) -> tuple[float, float]:
    """Put the pointer on the line of an own order, wherever it is; where that is."""
    box = await screen.part(".chart-canvas").bounding_box()
    assert box is not None
    x = box["x"] + box["width"] / 3
    for y in range(int(box["y"]), int(box["y"] + box["height"]), 4):
        await screen.page.mouse.move(x, y)
        if await screen.part(".chart-canvas[data-movable]").count():
            return x, y
    raise AssertionError("no line of an order is on the chart")


async def painted(screen: Screen, colour: str) -> int:
    """How many pixels of the chart's canvases have a colour of the style sheet."""
    count = """async (name) => {
        const { colour } = await import("./theme.js");
        const wanted = colour(name).match(/\\d+/g).slice(0, 3).map(Number);
        let found = 0;
        for (const canvas of document.querySelectorAll(".chart-canvas canvas")) {
            const { width, height } = canvas;
            const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
            copy.drawImage(canvas, 0, 0);
            const { data } = copy.getImageData(0, 0, width, height);
            for (let at = 0; at < data.length; at += 4) {
                found += data[at + 3] > 0 && wanted.every((part, index) => Math.abs(data[at + index] - part) < 3);
            }
        }
        return found;
    }"""
    return int(await screen.page.evaluate(count, colour))


async def until_painted(screen: Screen, colour: str, *, some: bool) -> None:
    """Wait until there are pixels of a colour, or none."""
    async with asyncio.timeout(PATIENCE_MS / 1_000):
        while (await painted(screen, colour) > 0) != some:
            await screen.page.wait_for_timeout(50)


async def test_the_chart(fresh_market: StartMarket, open_screen: OpenScreen) -> None:
    market = fresh_market("--no-bots")
    screen = await open_screen(market)
    await screen.signed_up("charter")
    assert await painted(screen, "--down") == 0
    async with await market.connect("charter", PASSWORD) as client:  # With itself, so that there are candles.
        for price in (200_000, 210_000):
            for side in ("buy", "sell"):
                await client.send(Submit(f"{side}{price}", "KRYP", side, 10, price=price, self_trade="allow"))
    await until_painted(screen, "--down", some=True)  # The fills: a sale's arrow, where every candle rises.
    for interval in INTERVALS:
        await screen.part(".intervals").get_by_text(interval, exact=True).click()
        await expect(screen.part("#chart")).to_have_attribute("data-bars", re.compile(r"^[1-9]"))
        await expect(screen.part(".legend-bar")).to_have_text(re.compile(r" C 21\.00 "))
    await expect(screen.part(".legend-bar")).to_have_text(re.compile(r"^O 20\.00  H 21\.00  L 20\.00 .* V 20$"))
    await screen.part(".indicators [value=vwap]").click()
    await screen.part(".indicators [value=sma]").click()
    await expect(screen.part(".legend-lines .of-vwap")).to_have_text("VWAP 20.50")
    await expect(screen.part(".legend-lines .of-sma")).to_have_text("SMA 20 –")  # One candle is not twenty.
    await screen.part(".indicators [value=sma]").click()
    await expect(screen.part(".legend-lines .of-sma")).to_have_count(0)

    await screen.choose("orders")
    await screen.order("buy", 10, "20.40")
    price = screen.part("#orders [data-label=price]").last
    await expect(price).to_have_text("20.40")
    x, y = await hover_order(screen)
    await screen.page.mouse.down()
    await screen.page.mouse.move(x, y - 40, steps=4)
    await screen.page.keyboard.press("Escape")
    await screen.page.mouse.up()
    x, y = await hover_order(screen)  # It is where it was.
    await screen.page.mouse.down()
    await screen.page.mouse.move(x, y - 40, steps=4)
    await screen.page.mouse.up()
    await expect(screen.part("#toasts")).to_contain_text("changed: 10 KRYP open at 20.")
    await expect(price).to_have_text(re.compile(r"^20\.[4-9]\d$"))
    await expect(price).not_to_have_text("20.40")
    await expect(screen.part("#tab-orders .count")).to_have_text("1")

    assert await painted(screen, "--accent") == 0
    market.ask("phase", "KRYP", "opening_auction")
    async with await market.connect("charter", PASSWORD) as client:
        await client.send(Submit("crossing", "KRYP", "sell", 5, price=201_000, self_trade="allow"))
    await expect(screen.part(".phase span")).to_contain_text("now 5 at 20.")
    await until_painted(screen, "--accent", some=True)  # The line where it would trade.
    market.ask("resume", "KRYP")
    await until_painted(screen, "--accent", some=False)

    # The pointer over an older candle: its values instead of the newest one's.
    await screen.part(".intervals").get_by_text("1s", exact=True).click()
    await expect(screen.part(".legend-bar")).to_have_text(re.compile(r" C 20\.\d\d "))
    box = await screen.part(".chart-canvas").bounding_box()
    assert box is not None
    for x in range(int(box["x"] + box["width"]) - 80, int(box["x"]), -6):
        await screen.page.mouse.move(x, box["y"] + 40)
        if " C 21.00 " in await screen.part(".legend-bar").inner_text():
            break
    await expect(screen.part(".legend-bar")).to_have_text(re.compile(r" C 21\.00 "))


async def test_older_candles_come_as_one_scrolls_back(
    fresh_market: StartMarket, open_screen: OpenScreen, tmp_path: Path
) -> None:
    seconds = 4_000  # Two whole pages of the chart, and a part of one.
    write_past(tmp_path / "past", [200_000 + 100 * (n // 20) for n in range(seconds)], time.time_ns() - 60 * SECOND)
    restored = run_cli(tmp_path, "restore", str(tmp_path / "past"))
    assert restored.returncode == 0, restored.stderr
    market = fresh_market("--no-bots")
    screen = await open_screen(market)
    await screen.part(".intervals").get_by_text("1s", exact=True).click()
    chart, legend = screen.part("#chart"), screen.part(".legend-bar")
    await expect(chart).to_have_attribute("data-bars", "1500")
    await expect(legend).to_have_text("O 21.99  H 21.99  L 21.99  C 21.99  0.00%  V 1")
    box = await screen.part(".chart-canvas").bounding_box()
    assert box is not None
    left, right, y = box["x"] + 20, box["x"] + box["width"] - 120, box["y"] + 60
    mouse = screen.page.mouse

    async def price_at(x: float) -> float:
        """Of the bar there, as the legend says once it is drawn; the newest one's where there is none."""
        await mouse.move(x, y)
        await screen.page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        return float((await legend.inner_text()).split()[1])

    async def drag() -> float:
        """Pull the past into view; the price of the bar that was pulled to the right."""
        await mouse.move(left, y)
        await mouse.down()
        await mouse.move(right, y, steps=5)
        await mouse.up()
        return await price_at(right)

    async with asyncio.timeout(5 * PATIENCE_MS / 1_000):  # Dozens of movements, each drawn.
        while await price_at(left) > 21.80:
            await mouse.move(right, y)
            await mouse.wheel(0, 200)  # Bars become narrower.
        pulled = [await price_at(right)]
        while pulled[-1] > 20.10:
            bars = await chart.get_attribute("data-bars")
            pulled.append(await drag())
            if bars != "4000" and await price_at(left) == 21.99:  # Beyond the oldest: more is on its way.
                await expect(chart).not_to_have_attribute("data-bars", str(bars))
    await expect(chart).to_have_attribute("data-bars", "4000")
    steps = [before - after for before, after in pairwise(pulled)]
    assert min(steps) > 0, pulled
    assert max(steps) < 0.5, "what comes before it moves nothing: a page of bars would be 0.75"
