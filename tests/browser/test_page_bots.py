"""Bots: made by a form or as a file that the market checks while one types; what they do is told with its reason."""

from __future__ import annotations

import re

from playwright.async_api import expect

from tests.browser.conftest import SHARED_LOOP, OpenScreen
from tests.e2e.market_process import RunningMarket

pytestmark = SHARED_LOOP


async def test_a_bot_from_its_form_to_its_end(market: RunningMarket, open_screen: OpenScreen) -> None:
    screen = await open_screen(market)
    page = screen.page
    await screen.shows("bots")
    await expect(screen.part(".bot-list .empty")).to_contain_text("sign up in two steps")
    await screen.signed_up("botanist")
    await expect(screen.part(".bot-list .empty")).to_contain_text("No bots yet")
    await screen.is_accessible()

    await page.get_by_role("button", name="New bot").click()
    await screen.part(".bot-fields [name=name]").fill("riser")
    await page.get_by_label("Number", exact=True).fill("2o")
    await expect(screen.part(".mistakes li")).to_have_text(re.compile(r"^Line 5, column \d+: expected .+"))
    await expect(screen.part(".gutter .wrong")).to_have_text("5")
    await screen.is_accessible()
    await page.get_by_role("button", name="Start bot").click()
    await expect(screen.part(".bot-editor-parts > .message")).to_have_text("1 mistake")
    await page.get_by_label("Number", exact=True).fill("1.00")
    await page.get_by_label("Close at a gain of").fill("1000")
    await expect(screen.part("#bot-file-state")).to_have_text("No mistakes. riser can be started.")
    await page.get_by_role("button", name="Start bot").click()
    row = screen.part(".bot-list tr:has-text('riser')")
    await expect(row.locator("[data-label=status]")).to_have_text("Running")
    log = screen.part(".decisions li")
    await expect(log.first).to_contain_text("buy 10 KRYP")
    await expect(log.last).to_contain_text("last =")
    await expect(screen.part(".waits")).to_have_text("unrealized >= 1000")
    await expect(screen.part(".has")).to_contain_text("10 KRYP")
    await screen.is_accessible()

    await page.get_by_role("button", name="Edit").click()
    file = page.get_by_label("The bot's file")
    await expect(file).to_have_value(re.compile("flatten"))
    await file.fill((await file.input_value()).replace("flatten", "flaten"))
    await expect(screen.part(".mistakes li")).to_have_count(1)
    await screen.part(".mistakes button").click()
    assert (await file.evaluate("(area) => area.value.slice(area.selectionStart, area.selectionEnd)")).startswith("flaten")
    await file.fill("bot: riser\nsymbol: KRYP\nrules:\n  - when: last > 1000\n    do: buy 1\n")
    await page.get_by_role("button", name="Start bot").click()
    await expect(screen.part(".waits")).to_have_text("last > 1000")
    await page.get_by_role("button", name="Stop").click()
    await expect(row).to_have_count(0)
    await expect(screen.part("#toasts")).to_contain_text("riser is stopped")


async def test_a_strategy_on_a_phone(market: RunningMarket, open_screen: OpenScreen) -> None:
    screen = await open_screen(market, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = screen.page
    await screen.signed_up("strategist")
    await screen.part("#views").get_by_text("Bots").tap()
    await page.get_by_role("button", name="New bot").tap()
    await screen.part("[name=made]").select_option("strategy")
    await screen.part("[name=strategy]").select_option("arbitrageur")
    await expect(screen.part("[name=related]")).to_have_value("ADAM")
    await screen.part("[name=strategy]").select_option("twap")
    await page.get_by_label("Shares at most").fill("")
    await page.get_by_label("Stop at a loss of").fill("")
    await screen.part("[name=parameter-quantity]").fill("3")
    await screen.part("[name=parameter-duration]").fill("2")
    await screen.part("[name=parameter-interval]").fill("1")
    await expect(screen.part("#bot-file-state")).to_contain_text("can be started")
    await screen.is_accessible()
    await page.get_by_role("button", name="Start bot").tap()
    await expect(screen.part(".bot-list tbody tr")).to_have_count(1)
    await expect(screen.part(".bot-list [data-label=symbol]").last).to_have_text("KRYP")
    await page.get_by_role("button", name="Stop").tap()
    await expect(screen.part(".bot-list tbody tr")).to_have_count(0)
    await screen.part("#views").get_by_text("Account").tap()
    await expect(screen.part("#account-positions tbody tr")).not_to_have_count(0)
    await screen.is_accessible()
