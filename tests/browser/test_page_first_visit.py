"""The first visit: everything is live at once, a short tour is offered once, and signing up takes two steps."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import PASSWORD, SHARED_LOOP, OpenScreen
from tests.e2e.market_process import RunningMarket

pytestmark = SHARED_LOOP

# How much of the screen moved, and how far, without anybody's doing; below 0.1 counts as good. A tape's rows are meant to move.
MOVED = """() => new Promise((resolve) => {
    const moved = [], isTrade = ({ node }) => node?.matches?.(".trade");
    new PerformanceObserver((list) => moved.push(...list.getEntries())).observe({ type: "layout-shift", buffered: true });
    const counted = ({ hadRecentInput, sources }) => !hadRecentInput && !sources.every(isTrade);
    setTimeout(() => resolve(moved.filter(counted).reduce((sum, { value }) => sum + value, 0)), 100);
})"""


@pytest.mark.parametrize("small", [False, True], ids=["desk", "phone"])
async def test_the_tour_and_two_steps(market: RunningMarket, open_screen: OpenScreen, small: bool) -> None:
    options = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True} if small else {}
    screen = await open_screen(market, tour=True, **options)
    page, card = screen.page, screen.part(".tour-card")
    await expect(screen.part(".tape-rows li").first).to_be_attached()
    await expect(card).to_contain_text("First time here?")
    assert await page.evaluate(MOVED) < 0.1
    await screen.is_accessible()
    await page.get_by_role("button", name="Show me around").click()
    for number, place in enumerate(("#headline", "#chart", "#ladder", "#ticket"), 1):
        await expect(card).to_contain_text(f"{number} of 5")
        box, ring = await screen.part(place).bounding_box(), await screen.part(".tour-ring").bounding_box()
        assert box
        assert ring
        assert (round(box["x"]), round(box["y"])) == (round(ring["x"]), round(ring["y"]))
        await card.get_by_role("button", name="Next").click()
    await screen.is_accessible()
    await card.get_by_role("button", name="Sign up").click()
    await expect(card).to_have_count(0)

    await expect(screen.part("#log-in .step")).to_have_text("Step 1 of 2")
    await screen.is_accessible()
    await page.get_by_label("Name", exact=True).fill("maker-kryp")
    await page.keyboard.press("Enter")
    await expect(screen.part("#log-in .step")).to_have_text("Step 2 of 2")
    await screen.is_accessible()
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(screen.part("#log-in-account-message")).to_have_text(re.compile("taken"))
    await expect(screen.part("#log-in .step")).to_have_text("Step 1 of 2")
    await page.get_by_label("Name", exact=True).fill("newcomer-s" if small else "newcomer")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await expect(screen.part(".who b")).to_have_text("newcomer-s" if small else "newcomer")
    await page.reload()
    await expect(screen.part(".who b")).to_have_text("newcomer-s" if small else "newcomer")
    await expect(card).to_have_count(0)


async def test_a_tour_that_was_declined_does_not_come_back(market: RunningMarket, open_screen: OpenScreen) -> None:
    screen = await open_screen(market, tour=True)
    await screen.page.get_by_role("button", name="No, thanks").click()
    await expect(screen.part(".tour-card")).to_have_count(0)
    await screen.page.reload()
    await expect(screen.part(".bids [data-price]").first).to_be_visible()
    await expect(screen.part(".tour-card")).to_have_count(0)
    await screen.is_accessible()
