"""One's account: worth, orders and what became of them, statements; held against what the command line says."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

from playwright.async_api import expect

from tests.browser.conftest import SHARED_LOOP, OpenScreen, Screen
from tests.e2e.market_process import RunningMarket

pytestmark = SHARED_LOOP


async def with_orders(screen: Screen, account: str) -> None:
    """An account that has bought, and has a bracket, a pair and a plain order open."""
    await screen.signed_up(account)
    await screen.order("buy", 10)
    await expect(screen.part("#tab-fills .count")).not_to_have_text("")
    await screen.part(".more summary").click()
    for side, price, legs in (
        ("buy", "12.00", {"Then take profit at": "25.00", "or stop the loss at": "10.00"}),
        ("sell", "26.00", {"Instead, from a stop price on": "9.00"}),
        ("sell", "27.00", {}),
    ):
        for label, text in legs.items():
            await screen.page.get_by_label(label).fill(text)
        await screen.order(side, 20, price)
        await expect(screen.part("#ticket .form-message")).to_contain_text("accepted")
        for label in legs:
            await screen.page.get_by_label(label).fill("")


async def test_orders_are_changed_cancelled_and_explained(market: RunningMarket, open_screen: OpenScreen) -> None:
    screen = await open_screen(market)
    await with_orders(screen, "accountant")
    await screen.shows("account")
    await screen.part("#tab-account-orders").click()
    rows = screen.part("#account-orders tbody tr")
    await expect(rows).to_have_count(6)
    groups = await rows.evaluate_all("rows => rows.map((row) => row.dataset.group ?? null)")
    assert groups == [None, "first", "last", "first", "middle", "last"], "those of a group stand together"
    await screen.is_accessible()

    await rows.first.get_by_role("button", name="Change").click()
    await screen.page.get_by_label("Limit", exact=True).fill("27.005")
    await screen.part("#dialog [type=submit]").click()
    await expect(screen.part("#change-price-message")).to_have_text("Prices of KRYP are multiples of 0.01.")
    await screen.is_accessible()
    await screen.page.get_by_label("Open shares").fill("5000")
    await screen.page.get_by_label("Limit", exact=True).fill("28.00")
    await screen.part("#dialog [type=submit]").click()
    await expect(screen.part("#change-quantity-message")).to_contain_text("70 can be sold")  # As the market has said.
    await screen.page.get_by_label("Open shares").fill("15")
    await screen.part("#dialog [type=submit]").click()
    await expect(screen.part("#dialog")).to_be_hidden()
    await expect(rows.first.locator("[data-label=price]")).to_have_text("28.00")
    await expect(rows.first.locator("[data-label=open]")).to_have_text("15")
    await rows.first.get_by_role("button", name="Cancel").click()
    await expect(rows).to_have_count(5)
    await screen.part("#account-screen .cancel-all").click()
    await expect(rows).to_have_count(0)

    await screen.part("#tab-account-history").click()
    history = screen.part("#account-history tbody tr")
    await expect(history).to_have_count(7)
    await expect(history.first.locator("[data-label=status]")).to_have_text("Cancelled: by you")
    await expect(history.last.locator("[data-label=status]")).to_have_text("Filled")
    number = await history.first.locator("[data-label=order]").inner_text()
    await history.first.get_by_role("button", name="Why?").click()
    told: dict[str, Any] = market.ask("explain", number)
    later = [step for step in told["steps"] if step["at"] != told["queue"]["at"]]
    await expect(screen.part(".life li")).to_have_count(2 + len(later) + len(told.get("ahead", [])))
    await expect(screen.part(".life li").first).to_contain_text(f"JOURNAL {told['accepted']['batch']}")
    await expect(screen.part(".life")).to_contain_text("Changed: 15 open at 28.00")
    await expect(screen.part(".life li").last).to_contain_text("its owner cancelled it")
    await screen.is_accessible()


async def test_worth_statement_and_rules(market: RunningMarket, open_screen: OpenScreen, tmp_path: Path) -> None:
    screen = await open_screen(market)
    await screen.signed_up("saver")
    await screen.order("buy", 10)
    await expect(screen.part("#tab-fills .count")).not_to_have_text("")
    await screen.order("sell", 4)
    await expect(screen.part("#fills tr[data-side=sell]")).not_to_have_count(0)
    await screen.shows("account")
    await expect(screen.part(".equity .legend")).to_have_text(re.compile(r"^Worth [\d,.]+, paid in [\d,.]+, gained −?[\d,.]+$"))
    portfolio: dict[str, Any] = market.ask("account", "show", "saver")
    await expect(screen.part("[data-figure=cash]")).to_have_text(f"{portfolio['cash'] / 10_000:,.2f}")
    await expect(screen.part("[data-figure=realized]")).to_have_text(signed(portfolio["realized"]))
    kryp = screen.part("#account-positions tr:has-text('KRYP')")
    await expect(kryp.locator("[data-label=shares]")).to_have_text("106")
    await expect(kryp.locator("[data-label=realized]")).to_have_text(signed(portfolio["realized"]))
    last = await kryp.locator("[data-label=last]").inner_text()
    assert re.fullmatch(r"\d+\.\d\d", last)
    await screen.is_accessible()

    await screen.part("#tab-account-statement").click()
    await expect(screen.part("#account-statement tbody")).to_contain_text("Closing balance")
    await screen.is_accessible()
    async with screen.page.expect_download() as waiting:
        await screen.page.get_by_role("button", name="Download as CSV").click()
    download = await waiting.value
    assert re.fullmatch(r"saver-\d{4}-\d\d\.csv", download.suggested_filename)
    await download.save_as(tmp_path / "statement.csv")
    ours = list(csv.DictReader(io.StringIO((tmp_path / "statement.csv").read_text())))
    theirs = list(csv.DictReader(io.StringIO(market.cli("statement", "saver", "--csv").stdout)))
    assert len(ours) >= 8
    for row in (*ours, *theirs):
        row["time"] = row["time"][:23]  # To the millisecond: a browser's numbers hold no nanoseconds.
    assert ours == theirs

    await screen.page.get_by_label("Two of your own orders that would trade").select_option("decrement")
    await screen.page.get_by_label("Cancel all open orders when my last connection is lost").check()
    await expect(screen.part(".account-rules .message")).to_have_text("")
    await screen.page.reload()
    await expect(screen.page.get_by_label("Two of your own orders that would trade")).to_have_value("decrement")
    await expect(screen.page.get_by_label("Cancel all open orders when my last connection is lost")).to_be_checked()
    await expect(screen.part("body")).to_have_attribute("data-screen", "account")


def signed(units: int) -> str:
    """Money as the page writes a gain: cut to the cent, with its sign."""
    text = f"{abs(units) // 100 / 100:,.2f}"
    return f"+{text}" if units > 0 else f"−{text}" if units <= -100 else text
