"""The market for whoever operates it: phases, accounts, workers; an auditor sees the same and changes nothing."""

from __future__ import annotations

import re
from typing import Any

from playwright.async_api import expect

from exchange.messages.bots import BotInfo, BotName, BotText
from exchange.secrets import load_secrets
from exchange.subjects import api
from tests.browser.conftest import PASSWORD, SHARED_LOOP, OpenScreen
from tests.e2e.market_process import RunningMarket

pytestmark = SHARED_LOOP

BOT = "bot: buyer\nsymbol: KRYP\nstrategy: twap\nparameters: {quantity: 1000, duration: 1000, interval: 1}\n"


async def test_an_operators_day(market: RunningMarket, open_screen: OpenScreen) -> None:
    trader, operator = await open_screen(market), await open_screen(market)
    page = operator.page
    await trader.signed_up("subject")
    await trader.order("sell", 5, "25.00")
    await expect(trader.part("#tab-orders .count")).to_have_text("1")
    await expect(trader.part("#screens [data-screen=market]")).to_be_hidden()
    await operator.logged_in("operator", load_secrets(market.data).operator)
    await expect(operator.part("#ticket .place")).to_be_disabled()
    await expect(operator.part("#ticket .place-detail")).to_have_text("Whoever operates the market does not trade")
    await operator.shows("market")
    pups = operator.part(".phases tr:has-text('PUPS')")
    await expect(pups.locator("[data-label=phase]")).to_have_text("Continuous")
    await expect(operator.part(".health-word")).to_have_text(re.compile(r"^All \d+ are ready$"))
    for worker in market.runtime["workers"].keys() - {"nats"}:
        await expect(operator.part(f".workers tr:has-text('{worker}')").first).to_be_visible()
    journal = operator.part(".workers tr:has-text('ledger'):has-text('JOURNAL') [data-label=applied]")
    before = await journal.inner_text()
    await expect(journal).not_to_have_text(before)  # The ledger writes at least once a second.
    await operator.is_accessible()

    await pups.get_by_role("button", name="Halt").click()
    await page.get_by_label("Why, for everybody to read").fill("news are pending")
    await operator.is_accessible()
    await operator.part("#dialog [type=submit]").click()
    await expect(pups.locator("[data-label=phase]")).to_have_text("Halted")
    await expect(pups.locator("[data-label=why]")).to_have_text("news are pending")
    await pups.get_by_role("button", name="Resume").click()
    await expect(pups.locator("[data-label=phase]")).to_have_text("Continuous")
    for chosen, shown, why in (("opening_auction", "Opening auction", "a new beginning"), ("", "Continuous", "")):
        await pups.get_by_role("button", name="Phase…").click()
        await page.get_by_label("Phase", exact=True).select_option(chosen)
        await page.get_by_label("Why, for everybody to read").fill(why)
        await operator.part("#dialog [type=submit]").click()
        await expect(pups.locator("[data-label=phase]")).to_have_text(shown)
        await expect(pups.locator("[data-label=why]")).to_have_text(why)

    await page.get_by_label("Find by name").fill("subj")
    rows = operator.part(".accounts tbody tr")
    await expect(rows).to_have_count(1)
    await rows.get_by_role("button", name="Manage").click()
    dialog = operator.part("#dialog")
    await expect(dialog.locator("dd.orders")).to_have_text("1")
    await dialog.locator("#deposit-amount").fill("ten")
    await dialog.get_by_role("button", name="Book").click()
    await expect(operator.part("#deposit-amount-message")).to_have_text("Write an amount like 100.00 or -100.00.")
    await dialog.locator("#deposit-amount").fill("12.50")
    await operator.is_accessible()
    await dialog.get_by_role("button", name="Book").click()
    await expect(dialog.locator("dd.cash")).to_have_text("100,012.50")
    await expect(trader.part("#toasts")).to_contain_text("12.50 came into your account")
    async with await market.connect("subject", PASSWORD) as client:  # A bot whose account is frozen: its worker complains.
        assert isinstance(await client.request(api("subject", "bots.start"), BotText(BOT), BotInfo), BotInfo)
        await dialog.get_by_role("button", name="Freeze").click()
        await expect(dialog.locator("dd.standing")).to_have_text("Frozen")
        await expect(operator.part(".complaints")).to_contain_text("bots: subject: refused, account_frozen")
        assert isinstance(await client.request(api("subject", "bots.stop"), BotName("buyer"), BotInfo), BotInfo)
    await expect(trader.part("#tab-orders .count")).to_have_text("")
    await trader.shows("account")
    await expect(trader.part(".figures-panel .standing")).to_contain_text("frozen")
    await dialog.get_by_role("button", name="Unfreeze").click()
    await expect(dialog.locator("dd.standing")).to_have_text("Active")
    await dialog.get_by_role("button", name="Reset").click()
    await expect(operator.part("#end-confirm-message")).to_have_text("This is not its name.")
    await dialog.locator("#end-confirm").fill("subject")
    await dialog.get_by_role("button", name="Reset").click()
    await expect(dialog.locator("dd.cash")).to_have_text("100,000.00")
    await expect(dialog.locator("dd.standing")).to_have_text("Active")
    await dialog.locator("#end-confirm").fill("subject")
    await dialog.get_by_role("button", name="Close for ever").click()
    await expect(dialog.locator("dd.standing")).to_have_text("Closed")
    closed: dict[str, Any] = market.ask("account", "show", "subject")
    assert (closed["standing"], closed["cash"], closed["positions"]) == ("closed", 0, [])


async def test_an_auditor_sees_all_and_changes_nothing(market: RunningMarket, open_screen: OpenScreen) -> None:
    operator, auditor = await open_screen(market), await open_screen(market)
    page = operator.page
    await operator.logged_in("operator", load_secrets(market.data).operator)
    await operator.shows("market")
    await page.get_by_role("button", name="Open account").click()
    await operator.part("#dialog [type=submit]").click()
    await expect(operator.part("#open-account-message")).to_contain_text("a-z")
    await operator.is_accessible()
    for account, role in (("inspector", "auditor"), ("inspected", "trader")):
        if not await operator.part("#dialog").is_visible():
            await page.get_by_role("button", name="Open account").click()
        await operator.part("#open-account").fill(account)
        await operator.part("#open-password").fill(PASSWORD)
        await operator.part("#open-role").select_option(role)
        await operator.part("#dialog [type=submit]").click()
        await expect(operator.part("#toasts")).to_contain_text(f"{account} is open")

    await auditor.logged_in("inspector", PASSWORD)
    await auditor.shows("market")
    await expect(auditor.part(".health-word")).to_have_text(re.compile("ready"))
    await expect(auditor.part(".phases [data-label=phase]").last).to_have_text("Continuous")
    await auditor.page.get_by_label("Find by name").fill("inspected")
    await auditor.page.get_by_role("button", name="View inspected").click()
    await expect(auditor.part("#dialog dd.cash")).to_have_text("100,000.00")
    await expect(auditor.part("#dialog .operations")).to_be_hidden()
    await auditor.page.keyboard.press("Escape")
    for name in ("Halt…", "Resume", "Phase…", "Open account"):
        await expect(auditor.page.get_by_role("button", name=name)).to_have_count(0)
    await auditor.page.set_viewport_size({"width": 390, "height": 844})  # As on a phone.
    await auditor.is_accessible()
