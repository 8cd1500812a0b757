"""Stops, icebergs and post-only orders from the ticket to the table of open orders."""

from __future__ import annotations

import re

from playwright.async_api import expect

from tests.browser.conftest import SHARED_LOOP, OpenScreen, Screen
from tests.e2e.market_process import RunningMarket, StartMarket

pytestmark = SHARED_LOOP
COVERED = """() => [...document.querySelectorAll("#orders tr")].flatMap((row) => {
    const cells = [...row.cells].filter((cell) => cell.offsetWidth > 0), { left } = cells.pop().getBoundingClientRect();
    return cells.filter((cell) => cell.getBoundingClientRect().right > left + 1).map((cell) => cell.textContent);
})"""


async def place(screen: Screen) -> None:
    await screen.page.get_by_role("button", name="Place order").click()
    await expect(screen.part(".form-message")).to_have_text(re.compile(r"^Order \d+ is accepted\.$"))


async def cells(screen: Screen, row: int) -> list[str]:
    labels = ("side", "price", "stop", "kind", "open")
    return [await screen.part(f"#orders tbody tr >> nth={row} >> [data-label={label}]").inner_text() for label in labels]


async def test_every_kind_rests_or_waits_as_it_was_placed(market: RunningMarket, open_screen: OpenScreen) -> None:
    screen = await open_screen(market)
    page = screen.page
    await screen.signed_up("kinds")
    await screen.choose("orders")
    rows = screen.part("#orders tbody tr")

    await screen.part("[name=side][value=sell]").click()
    await screen.part(".kinds [value=stop]").click()
    await page.get_by_label("Stop price", exact=True).fill("15.00")
    await page.get_by_label("Shares", exact=True).fill("10")
    await place(screen)
    await expect(rows).to_have_count(1)
    assert await cells(screen, 0) == ["Sell", "Market", "15.00", "Stop", "10"]

    await screen.part("[name=kind][value=stop_limit]").click()
    await page.get_by_label("Price", exact=True).fill("14.50")
    await screen.part(".more summary").click()
    await screen.part("[name=tif][value=day]").click()
    await place(screen)
    await expect(rows).to_have_count(2)
    assert await cells(screen, 0) == ["Sell", "14.50", "15.00", "Stop limit, day", "10"]

    await screen.part("[name=kind][value=trailing_stop]").click()
    await page.get_by_label("Trails the price by").fill("12.5%")
    await place(screen)
    await expect(rows).to_have_count(3)
    side, price, stop, kind, _ = await cells(screen, 0)
    assert (side, price, kind) == ("Sell", "Market", "Trailing stop 12.5%, day")
    assert 16 < float(stop) < 19

    await screen.part("[name=side][value=buy]").click()
    await screen.part("[name=kind][value=limit]").click()
    await page.get_by_label("Price", exact=True).fill("15.01")
    await page.get_by_label("Shares", exact=True).fill("50")
    await page.get_by_label("Show at a time").fill("20")
    await page.get_by_label("Post-only").check()
    await expect(screen.part(".more-chosen")).to_have_text("day, post-only, shows 20")
    await place(screen)
    await expect(rows).to_have_count(4)
    assert await cells(screen, 0) == ["Buy", "15.01", "", "Limit, day, post-only, shows 20", "50"]
    for width in (1024, 1100, 1280, 1366, 1440, 1920):
        await page.set_viewport_size({"width": width, "height": 900})
        assert await page.evaluate(COVERED) == [], f"under the buttons at {width} pixels"
    await page.get_by_role("button", name="Cancel all").click()
    await expect(rows).to_have_count(0)


async def test_a_bracket_and_a_pair(market: RunningMarket, open_screen: OpenScreen) -> None:
    screen = await open_screen(market)
    page = screen.page
    await screen.signed_up("groups")
    await screen.choose("orders")
    rows = screen.part("#orders tbody tr")
    await screen.part(".more summary").click()

    # The entry trades at once, so that its legs are a pair then: both of them open, under one hold.
    await page.get_by_label("Then take profit at").fill("24.00")
    await page.get_by_label("Price", exact=True).fill("22.00")
    await page.get_by_label("Shares", exact=True).fill("10")
    await page.get_by_role("button", name="Place order").click()
    await expect(screen.part("#ticket-stopLoss-message")).to_have_text("Enter a price.")
    await page.get_by_label("or stop the loss at").fill("15.00")
    await expect(screen.part(".more-chosen")).to_have_text("bracket")
    await page.get_by_role("button", name="Place order").click()
    await expect(screen.part(".form-message")).to_have_text(re.compile(r"^Orders \d+ to \d+ are accepted\.$"))
    await expect(screen.part("#toasts")).to_contain_text("works now that its entry has ended")
    await expect(rows).to_have_count(2)
    limit, stop = await cells(screen, 0), await cells(screen, 1)
    assert stop[:3] == ["Sell", "Market", "15.00"]
    assert re.fullmatch(r"Stop, paired with \d+", stop[3])
    assert limit[:3] == ["Sell", "24.00", ""]
    assert re.fullmatch(r"Limit, paired with \d+", limit[3])
    held = screen.part("#positions tr:has-text('KRYP') [data-label=held]")
    await screen.choose("positions")
    await expect(held).to_have_text("10")

    await page.get_by_label("Then take profit at").fill("")
    await page.get_by_label("or stop the loss at").fill("")
    await screen.part("[name=side][value=sell]").click()
    await page.get_by_label("Price", exact=True).fill("23.00")
    await page.get_by_label("Instead, from a stop price on").fill("16.00")
    await page.get_by_role("button", name="Place order").click()
    await expect(screen.part(".form-message")).to_have_text(re.compile(r"^Orders \d+ and \d+ are accepted\.$"))
    await expect(held).to_have_text("20")
    await screen.choose("orders")
    await expect(rows).to_have_count(4)
    await screen.part("#orders tbody tr >> nth=0 >> [name=cancel]").click()
    await expect(rows).to_have_count(2)  # With one of them the other ends.


async def test_mistakes_of_further_kinds_stand_at_their_fields(market: RunningMarket, open_screen: OpenScreen) -> None:
    screen = await open_screen(market)
    page = screen.page
    await screen.signed_up("mistaken")
    order = page.get_by_role("button", name="Place order")

    # By the page, before anything is sent.
    await screen.part(".kinds [value=stop]").click()
    await order.click()
    await expect(screen.part("#ticket-stop-message")).to_have_text("Enter a price.")
    await expect(page.get_by_label("Stop price", exact=True)).to_be_focused()
    await screen.part("[name=kind][value=trailing_stop]").click()
    await page.get_by_label("Trails the price by").fill("near")
    await expect(screen.part("#ticket-trail-message")).to_have_text("Write a distance like 0.50 or 2%.")
    await screen.part("[name=kind][value=limit]").click()
    await page.get_by_label("Shares", exact=True).fill("10")
    await screen.part(".more summary").click()
    await page.get_by_label("Show at a time").fill("10")
    await screen.part(".more summary").click()
    await order.click()
    await expect(page.get_by_label("Show at a time")).to_be_focused()  # What was closed is open again.
    await expect(screen.part("#ticket-display-message")).to_have_text("Show less than the whole order, or leave it empty.")
    await page.get_by_label("Show at a time").fill("")

    # By the market: a percentage that it takes for no distance, and an order that post-only forbids to trade.
    await screen.part(".kinds [value=stop]").click()
    await screen.part("[name=kind][value=trailing_stop]").click()
    await page.get_by_label("Trails the price by").fill("99.99%")
    await order.click()
    await expect(screen.part("#ticket-trail-message")).to_have_text(re.compile(r"^[A-Z].*\.$"))
    await expect(page.get_by_label("Trails the price by")).to_have_attribute("aria-invalid", "true")
    await screen.part("[name=kind][value=limit]").click()
    await page.get_by_label("Post-only").check()
    await page.get_by_label("Price", exact=True).fill("22.00")
    await expect(screen.part("#ticket-price-message")).to_have_text("Would trade at once, so post-only would cancel it.")
    await order.click()
    await expect(screen.part("#toasts")).to_contain_text("10 KRYP cancelled, it would have traded at once")


async def test_an_iceberg_shows_a_part_and_a_stop_follows_a_trade(fresh_market: StartMarket, open_screen: OpenScreen) -> None:
    market = fresh_market("--no-bots")
    seller, buyer = await open_screen(market), await open_screen(market)
    await seller.signed_up("seller")
    await buyer.signed_up("buyer")
    await seller.part(".more summary").click()
    await seller.page.get_by_label("Show at a time").fill("10")
    await seller.order("sell", 60, "21.00")
    ask = buyer.part(".asks [data-price='210000']")
    await expect(ask).to_contain_text("10")
    await buyer.order("buy", 14, "21.00")
    await expect(buyer.part("#positions tr:has-text('KRYP') [data-label=shares]")).to_have_text("114")
    await expect(ask).to_contain_text("6")
    await seller.choose("orders")
    await expect(seller.part("#orders [data-label=open]").last).to_have_text("46")

    # Below the last price a sale's stop waits; the trade that reaches it makes it a market order.
    await buyer.part("[name=side][value=sell]").click()
    await buyer.part(".kinds [value=stop]").click()
    await buyer.page.get_by_label("Stop price", exact=True).fill("20.90")
    await buyer.page.get_by_label("Shares", exact=True).fill("5")
    await place(buyer)
    await buyer.order("buy", 3, "20.80")
    await seller.order("buy", 20, "20.70")
    await seller.page.get_by_label("Show at a time").fill("")
    await seller.order("sell", 3, "20.80")
    await expect(buyer.part("#toasts")).to_contain_text("KRYP reached its stop price, 20.90")
    await expect(buyer.part("#toasts")).to_contain_text("Sold 5 KRYP at 20.70")
