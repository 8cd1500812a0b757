"""Signing up, trading, cancelling, being refused: each by hand, against a market that runs."""

from __future__ import annotations

import asyncio
import re

from playwright.async_api import expect

from tests.browser.conftest import PASSWORD, SHARED_LOOP, OpenScreen
from tests.e2e.market_process import RunningMarket, StartMarket

pytestmark = SHARED_LOOP

FILLS = """[...document.querySelectorAll('#fills tbody tr')].map((row) =>
    [row.dataset.key, ...['shares', 'value'].map((label) => row.querySelector(`[data-label=${label}]`).textContent)])"""


async def test_a_purchase_against_the_market_maker(market: RunningMarket, open_screen: OpenScreen) -> None:
    screen = await open_screen(market)
    await screen.signed_up("buyer")
    shares = await screen.amount("#positions tr:has-text('KRYP') [data-label=shares]")
    cash = await screen.amount("#cash .available")
    bars = int(await screen.part("#chart").get_attribute("data-bars") or 0)
    await expect(screen.part(".asks [data-price]").last).to_be_visible()

    await screen.order("buy", 7)
    await expect(screen.part("#toasts")).to_contain_text("Bought")
    await expect(screen.part("#positions tr:has-text('KRYP') [data-label=shares]")).to_have_text(str(shares + 7))
    await screen.choose("fills")
    await expect(screen.part("#fills tbody tr")).not_to_have_count(0)
    fills = await screen.page.evaluate(FILLS)
    assert sum(int(quantity) for _, quantity, _ in fills) == 7
    spent = sum(int(re.sub(r"\D", "", value)) for _, _, value in fills)
    await expect(screen.part("#cash .available")).to_have_text(f"{(cash - spent) / 100:,.2f}")
    trade = fills[0][0].split("/")[1]
    await expect(screen.part(f".tape-rows li[data-key='{trade}']")).to_have_attribute("data-side", "buy")
    await screen.is_accessible()
    assert int(await screen.part("#chart").get_attribute("data-bars") or 0) >= max(bars, 1)


async def test_an_order_that_rests_and_is_cancelled(market: RunningMarket, open_screen: OpenScreen) -> None:
    screen = await open_screen(market)
    await screen.signed_up("patient")
    await screen.choose("orders")
    cash = await screen.amount("#cash .available")
    for price in ("15.01", "15.02", "15.03"):
        await screen.order("buy", 10, price)
        await expect(screen.part("#orders tbody")).to_contain_text(price)
    await expect(screen.part("#cash .held")).to_have_text("450.60")
    assert await screen.amount("#cash .available") == cash - 45_060

    await screen.page.get_by_role("button", name="Cancel KRYP Buy 15.02").click()
    await expect(screen.part("#orders tbody tr")).to_have_count(2)
    await expect(screen.part("#cash .held")).to_have_text("300.40")
    await screen.page.get_by_role("button", name="Cancel all").click()
    await expect(screen.part("#orders .empty")).to_be_visible()
    await expect(screen.part("#cash .held")).to_have_text("0.00")
    assert await screen.amount("#cash .available") == cash


async def test_a_screen_reader_says_what_became_of_an_order_and_no_more(market: RunningMarket, open_screen: OpenScreen) -> None:
    screen = await open_screen(market)
    await screen.signed_up("listener")
    await screen.listen()
    newest = screen.part(".tape-rows li").first
    for _ in range(5):  # Prices, book, tape and worth change all the time.
        await expect(newest).not_to_have_attribute("data-key", await newest.get_attribute("data-key") or "")
    assert await screen.heard() == []
    await screen.order("buy", "1.5", "20.50")
    await expect(screen.part("#ticket-quantity-message")).to_have_text("Shares are whole numbers, like 100.")
    assert await screen.heard() == ["Shares are whole numbers, like 100."]
    await screen.order("buy", 1)
    await expect(screen.part("#toasts")).to_contain_text("Bought 1 KRYP at")
    accepted, bought = await screen.heard()
    assert accepted.startswith("Order ")
    assert accepted.endswith(" is accepted.")
    assert bought.startswith("Bought 1 KRYP at ")


async def test_refusals_stand_next_to_their_field(market: RunningMarket, open_screen: OpenScreen) -> None:
    screen = await open_screen(market)
    await screen.signed_up("refused")
    quantity = screen.part("#ticket-quantity-message")
    price = screen.part("#ticket-price-message")

    # By the page, before anything is sent.
    await screen.order("buy", 10, "20.505")
    await expect(price).to_have_text("Prices of KRYP are multiples of 0.01.")
    await expect(screen.page.get_by_label("Price", exact=True)).to_be_focused()
    await screen.order("buy", "1.5", "20.50")
    await expect(quantity).to_have_text("Shares are whole numbers, like 100.")
    await screen.order("buy", "", "20.50")
    await expect(quantity).to_have_text("Enter how many shares.")

    # By the market.
    await screen.order("buy", 2_000_000, "0.01")
    await expect(quantity).to_have_text(re.compile(r"^One order .* 1000000 shares.*\.$"))
    await expect(screen.page.get_by_label("Shares", exact=True)).to_have_attribute("aria-invalid", "true")
    await screen.order("buy", 10_000, "15.00")
    await expect(quantity).to_have_text(re.compile(r"^Buying 10000 KRYP at 15.00 needs 150000.00.* 100000.00 .*\.$"))
    await screen.order("sell", 101, "30.00")
    await expect(quantity).to_have_text(re.compile(r"^Selling 101 KRYP .* 100 .*\.$"))

    # And a sound order is not in the way of any of it.
    await screen.order("sell", 1, "30.00")
    await expect(screen.part(".form-message")).to_have_text(re.compile(r"^Order \d+ is accepted\.$"))
    await expect(quantity).to_have_text("")


async def test_a_session_outlives_a_reload_and_ends_with_logging_out(market: RunningMarket, open_screen: OpenScreen) -> None:
    screen = await open_screen(market)
    await screen.signed_up("returning")
    await screen.page.reload()
    await expect(screen.part(".who b")).to_have_text("returning")
    await expect(screen.part("#cash .available")).to_have_text("100,000.00")
    stored = await screen.page.evaluate("JSON.stringify([{ ...sessionStorage }, { ...localStorage }])")
    assert PASSWORD not in stored
    await screen.page.get_by_role("button", name="Log out").click()
    await expect(screen.page.get_by_role("button", name="Sign up to trade")).to_be_visible()
    await expect(screen.part("body")).to_have_attribute("data-connection", "live")
    await screen.page.reload()
    await expect(screen.page.get_by_role("button", name="Sign up to trade")).to_be_visible()


async def test_wrong_log_ins_are_said_at_their_field(market: RunningMarket, open_screen: OpenScreen) -> None:
    screen = await open_screen(market)
    await screen.signed_up("owner")
    await screen.page.get_by_role("button", name="Log out").click()
    await screen.part("#account-menu [name=log-in]").click()
    await screen.page.get_by_label("Name").fill("owner")
    await screen.page.get_by_label("Password").fill("wrong password")
    await screen.part("#log-in [type=submit]").click()
    await expect(screen.part("#log-in-password-message")).to_have_text("Name and password do not belong together.")
    await screen.part("#log-in [name=switch]").click()
    await screen.page.get_by_role("button", name="Next").click()
    await screen.page.get_by_role("button", name="Open account").click()
    await expect(screen.part("#log-in-account-message")).to_have_text(re.compile("taken"))
    await screen.page.get_by_label("Name").fill("owner2")
    await screen.page.get_by_role("button", name="Next").click()
    await screen.page.get_by_label("Password").fill("short")
    await screen.page.get_by_role("button", name="Open account").click()
    await expect(screen.part("#log-in-password-message")).to_have_text(re.compile("8"))
    await screen.part("#log-in [name=switch]").click()
    await screen.page.get_by_label("Name").fill("owner")
    await screen.page.get_by_label("Password").fill(PASSWORD)
    await screen.part("#log-in [type=submit]").click()
    await expect(screen.part(".who b")).to_have_text("owner")


async def test_two_people_trade_with_each_other(fresh_market: StartMarket, open_screen: OpenScreen) -> None:
    market = fresh_market("--no-bots")
    seller, buyer = await open_screen(market), await open_screen(market, viewport={"width": 1280, "height": 800})
    await asyncio.gather(seller.signed_up("seller"), buyer.signed_up("buyer"))
    await seller.order("sell", 60, "21.00")
    ask = buyer.part(".asks [data-price='210000']")
    await expect(ask).to_contain_text("60")
    await ask.click()
    await expect(buyer.page.get_by_label("Price", exact=True)).to_have_value("21.00")

    await buyer.order("buy", 25, "21.00")
    await expect(buyer.part("#toasts")).to_contain_text("Bought 25 KRYP at 21.00")
    await expect(seller.part("#toasts")).to_contain_text("Sold 25 KRYP at 21.00")
    await expect(buyer.part("#cash .available")).to_have_text("99,475.00")
    await expect(seller.part("#cash .available")).to_have_text("100,525.00")
    for screen, shares in ((buyer, 125), (seller, 75)):
        await expect(screen.part("#positions tr:has-text('KRYP') [data-label=shares]")).to_have_text(str(shares))
        await expect(screen.part("#headline .last")).to_have_text("21.00")
        await expect(screen.part(".asks [data-price='210000']")).to_contain_text("35")
        await expect(screen.part(".tape-rows li")).to_have_count(1)
        await expect(screen.part("#chart")).to_have_attribute("data-bars", "1")
    await seller.choose("orders")
    await expect(seller.part("#orders [data-label=open]").last).to_have_text("35")
    await expect(seller.part("#tab-fills .count")).to_have_text("1")
