"""What somebody sees who comes for the first time and has no account."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import SHARED_LOOP, OpenScreen
from tests.e2e.market_process import RunningMarket, StartMarket

pytestmark = SHARED_LOOP

NUMBER = re.compile(r"^\d[\d,.]*$")


async def test_everything_public_is_live(market: RunningMarket, open_screen: OpenScreen) -> None:
    screen = await open_screen(market)
    await expect(screen.part("#symbols .symbol")).to_have_count(3)
    await expect(screen.part("#chart")).to_have_attribute("data-bars", re.compile(r"^[1-9]"))
    await expect(screen.part(".asks [data-price]").last).to_be_visible()
    await expect(screen.part(".bids [data-price]").first).to_be_visible()
    await expect(screen.part("#headline .bid dd").first).to_have_text(NUMBER)
    await expect(screen.part("#headline .ask dd").first).to_have_text(NUMBER)
    newest = screen.part(".tape-rows li").first
    before = await newest.get_attribute("data-key")
    await expect(newest).not_to_have_attribute("data-key", before or "")
    await expect(screen.page).to_have_title(re.compile(r"^\d+\.\d\d KRYP · Metropolis Stock Exchange$"))
    await expect(screen.part(".bids [data-price]").nth(3)).to_be_visible()
    await expect(screen.part(".asks [data-price]").nth(3)).to_be_visible()
    prices = await screen.page.evaluate(
        "[...document.querySelectorAll('.level[data-price]')].map((row) => Number(row.dataset.price))"
    )
    assert prices == sorted(prices, reverse=True), "asks above bids, each side with its best in the middle"
    assert len(set(prices)) == len(prices)


async def test_another_symbol_and_interval(market: RunningMarket, open_screen: OpenScreen) -> None:
    screen = await open_screen(market)
    await screen.part("#symbols .symbol").nth(1).click()
    await expect(screen.part("#headline h1")).to_have_text("ADAM")
    await expect(screen.page).to_have_title(re.compile("ADAM"))
    await expect(screen.part(".bids [data-price]").first).to_be_visible()
    assert int(await screen.part(".bids [data-price]").first.get_attribute("data-price") or 0) > 1_000_000
    await screen.part(".intervals").get_by_text("1m", exact=True).click()
    await expect(screen.part("#chart")).to_have_attribute("data-bars", re.compile(r"^[1-9]"))
    await screen.page.go_back()
    await expect(screen.part("#headline h1")).to_have_text("KRYP")
    await screen.page.go_forward()
    await expect(screen.part("#headline h1")).to_have_text("ADAM")
    await screen.page.reload()
    await expect(screen.part("#headline h1")).to_have_text("ADAM")
    await expect(screen.part(".intervals [aria-pressed=true]")).to_have_text("1m")
    await screen.page.get_by_role("button", name="Sign up to trade").click()
    await expect(screen.page.get_by_role("heading", name="Sign up")).to_be_visible()
    await screen.page.get_by_role("button", name="Next").click()
    await expect(screen.part("#log-in-account-message")).to_have_text("Enter a name.")
    await screen.page.keyboard.press("Escape")
    await expect(screen.part("#log-in")).to_be_hidden()


async def test_a_market_without_orders_says_so(fresh_market: StartMarket, open_screen: OpenScreen) -> None:
    screen = await open_screen(fresh_market("--no-bots"))
    await expect(screen.part("#ladder .spread-text")).to_have_text("The book is empty")
    await expect(screen.part("#chart .chart-empty")).to_be_visible()
    await expect(screen.part("#tape .empty")).to_have_text("No trades yet.")
    await expect(screen.part("#headline .last")).to_have_text("20.50")


@pytest.mark.parametrize("scheme", ["dark", "light"])
async def test_nothing_is_wider_than_the_screen(market: RunningMarket, open_screen: OpenScreen, scheme: str) -> None:
    screen = await open_screen(market, color_scheme=scheme)
    await expect(screen.part("#headline .last")).to_have_text(NUMBER)
    background = await screen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background)[:3])) < 384) == (scheme == "dark")
    for width in (360, 390, 700, 820, 1020, 1280, 1920):
        await screen.page.set_viewport_size({"width": width, "height": 900})
        assert await screen.page.evaluate("document.documentElement.scrollWidth") <= width


async def test_a_phone_shows_one_view_at_a_time(market: RunningMarket, open_screen: OpenScreen) -> None:
    screen = await open_screen(market, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    await expect(screen.part("#chart")).to_be_visible()
    await expect(screen.part("#ticket")).to_be_hidden()
    await screen.part("#views").get_by_text("Book").tap()
    await expect(screen.part("#ladder")).to_be_visible()
    await expect(screen.part("#chart")).to_be_hidden()
    await screen.part(".bids [data-price]").first.tap()
    await expect(screen.page.get_by_role("button", name="Sign up to trade")).to_be_in_viewport()
    await screen.part("#views").get_by_text("Account").tap()
    await expect(screen.part("#account-screen .guest-panel")).to_be_visible()
    await expect(screen.part("#ticket")).to_be_hidden()
    await screen.part("#views").get_by_text("Chart").tap()
    await expect(screen.part("#chart")).to_be_visible()
    await expect(screen.part("#account-screen")).to_be_hidden()
