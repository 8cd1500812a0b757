"""The ticket beyond its usual fields: by keyboard alone, large orders, one click, dates, self-trades, protection, fees."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from playwright.async_api import expect

from tests.browser.conftest import SHARED_LOOP, OpenScreen
from tests.e2e.market_process import RunningMarket, StartMarket

pytestmark = SHARED_LOOP

ACCEPTED = re.compile(r"^Order \d+ is accepted\.$")


async def test_an_order_by_keyboard_alone(market: RunningMarket, open_screen: OpenScreen) -> None:
    screen = await open_screen(market)
    await screen.signed_up("typist")
    await screen.choose("orders")
    press = screen.page.keyboard.press
    await screen.part("h1").evaluate("() => document.activeElement.blur()")
    await press("s")
    await expect(screen.part("#ticket")).to_have_attribute("data-side", "sell")
    await expect(screen.page.get_by_label("Shares", exact=True)).to_be_focused()
    await screen.page.keyboard.type("12")
    await press("ArrowUp")
    await press("Shift+ArrowUp")
    await press("ArrowDown")
    await expect(screen.page.get_by_label("Shares", exact=True)).to_have_value("22")
    await press("Shift+Tab")
    await expect(screen.page.get_by_label("Price", exact=True)).to_be_focused()
    await press("Control+A")
    await screen.page.keyboard.type("29.99")
    await press("ArrowUp")
    await press("Enter")
    await expect(screen.part(".form-message")).to_have_text(ACCEPTED)
    await expect(screen.part("#orders tbody tr")).to_have_count(1)
    await expect(screen.part("#orders [data-label=price]").last).to_have_text("30.00")


async def test_a_large_order_is_confirmed(market: RunningMarket, open_screen: OpenScreen) -> None:
    screen = await open_screen(market)
    await screen.signed_up("generous")
    await screen.choose("orders")
    await screen.order("buy", 2_000, "15.00")
    confirm = screen.page.get_by_role("button", name="Confirm order")
    await expect(confirm).to_be_focused()
    await expect(screen.part(".form-message")).to_have_text(re.compile(r"^A large order: 2\d% of all"))
    await screen.page.keyboard.press("Escape")
    await expect(confirm).to_have_count(0)
    await expect(screen.part("#orders tbody tr")).to_have_count(0)
    await screen.page.get_by_role("button", name="Place order").click()
    await screen.page.get_by_label("Shares", exact=True).fill("1900")  # Another order is another question.
    await screen.page.get_by_role("button", name="Place order").click()
    await confirm.click()
    await expect(screen.part(".form-message")).to_have_text(ACCEPTED)
    await expect(screen.part("#orders tbody tr")).to_have_count(1)


async def test_one_click(market: RunningMarket, open_screen: OpenScreen) -> None:
    screen = await open_screen(market)
    await screen.signed_up("quick")
    await screen.choose("orders")
    await screen.page.get_by_label("Shares", exact=True).fill("10")
    await screen.part(".one-click").click()
    await screen.part(".bids [data-price]").nth(6).click()
    await expect(screen.part("#orders tbody tr")).to_have_count(1)
    price = await screen.part("#orders [data-label=price]").last.inner_text()
    await expect(screen.part(f".bids [data-price='{round(float(price) * 100) * 100}'] .mine")).to_have_text("10")
    await screen.part(".one-click").click()
    await screen.part(".asks [data-price]").first.click()
    await expect(screen.page.get_by_label("Price", exact=True)).not_to_have_value(price)
    await expect(screen.part("#tab-orders .count")).to_have_text("1")


async def test_what_else_an_order_can_have(fresh_market: StartMarket, open_screen: OpenScreen, tmp_path: Path) -> None:
    rules = tmp_path / "fees.yaml"
    rules.write_text(
        "title: Fees\nsymbols: [{symbol: KRYP, name: Kryptonite, tick: 0.01, opening_price: 20}]\n"
        "fees: {maker: 10, taker: 20}\naccounts: {sign_up: open, cash: 10_000, shares: {KRYP: 100}}\n"
    )
    market = fresh_market(str(rules), "--no-bots")
    screen = await open_screen(market)
    page = screen.page
    await screen.signed_up("thorough")
    await screen.choose("orders")
    await screen.part(".more summary").click()

    # A date, and the fee of what rests: 0.1% of 200.00. What is set aside has the taker's, 0.2%.
    await page.get_by_label("Price", exact=True).fill("20.00")
    await page.get_by_label("Shares", exact=True).fill("10")
    await expect(screen.part("#ticket .value")).to_have_text("200.00")
    await expect(screen.part("#ticket .fee")).to_have_text("0.20")
    await expect(screen.part("#ticket .left")).to_have_text("9,799.60")
    await screen.part("[name=tif][value=gtd]").click()
    moment = await page.get_by_label("Until").input_value()  # In a week.
    assert moment > datetime.now().isoformat()
    await page.get_by_label("Until").fill("2001-01-01T10:00")
    await page.get_by_role("button", name="Place order").click()
    await expect(screen.part("#ticket-expires-message")).to_have_text("This moment is over.")
    await page.get_by_label("Until").fill("2999-01-01T10:00")
    await page.get_by_role("button", name="Place order").click()
    await expect(screen.part("#ticket-expires-message")).to_have_text(re.compile("days ahead"))  # By the market.
    await page.get_by_label("Until").fill(moment)
    await page.get_by_role("button", name="Place order").click()
    await expect(screen.part(".form-message")).to_have_text(ACCEPTED)
    until = datetime.fromisoformat(moment)
    words = re.compile(rf"^Limit, until {until:%d} \w+ ({until:%Y} )?{until:%H:%M}$")
    await expect(screen.part("#orders [data-label=kind]").last).to_have_text(words)
    await expect(screen.part("#cash .available")).to_have_text("9,799.60")

    # It would trade with the order that is there: both are made smaller.
    await page.get_by_label("If it meets an order of yours").select_option("decrement")
    await screen.order("sell", 4, "20.00")
    await expect(screen.part("#toasts")).to_contain_text("4 KRYP taken off")
    await expect(screen.part("#orders [data-label=open]").last).to_have_text("6")

    # A market order with a worst price of its own finds nothing there.
    await screen.part("[name=kind][value=market]").click()
    await page.get_by_label("Worst price", exact=True).fill("20.50")
    await expect(screen.part("#ticket-quantity-message")).to_have_text("Nothing is offered for purchase right now.")
    await page.get_by_role("button", name="Place order").click()
    await expect(screen.part("#toasts")).to_contain_text("KRYP cancelled")
    await expect(screen.part("#orders tbody tr")).to_have_count(1)
