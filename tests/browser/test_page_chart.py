"""The chart: every interval, indicators, and an order that is dragged to another price."""

from __future__ import annotations

import re

from playwright.async_api import expect

from exchange.messages.requests import Submit
from tests.browser.conftest import PASSWORD, SHARED_LOOP, OpenScreen, Screen
from tests.e2e.market_process import StartMarket

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


async def test_the_chart(fresh_market: StartMarket, open_screen: OpenScreen) -> None:
    market = fresh_market("--no-bots")
    screen = await open_screen(market)
    await screen.signed_up("charter")
    async with await market.connect("charter", PASSWORD) as client:  # With itself, so that there are candles.
        for price in (200_000, 210_000):
            for side in ("buy", "sell"):
                await client.send(Submit(f"{side}{price}", "KRYP", side, 10, price=price, self_trade="allow"))
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
