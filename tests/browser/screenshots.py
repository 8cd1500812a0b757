"""Pictures of every screen of a real market with bots, for docs/screenshots: `make screenshots`."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

from exchange.secrets import load_secrets
from tests.browser.conftest import ARGUMENTS, CHROMIUM, NAMES, PASSWORD, Screen
from tests.e2e.market_process import RunningMarket, start_market

PICTURES = Path(__file__).parents[2] / "docs" / "screenshots"
WARM_SECONDS = 150
"""Until there are enough trades for a chart."""
SETTLE_MS = 1_500
PATIENCE_MS = 240_000
"""The machine may be busy with other things."""
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
BOT = """bot: breakout
symbol: KRYP
limits: {position: 500, loss: 1000, orders_per_minute: 60}
rules:
  - when: last > sma(20, 1s)
    do: buy 10 at market
    then:
      - when: unrealized > 2 or unrealized < -2
        do:
          - log "out at {last}"
          - flatten
    again: after 5s
"""


async def take(page: Page, name: str) -> None:
    """A picture of what is shown, once it is still."""
    await page.wait_for_timeout(SETTLE_MS)
    await page.screenshot(path=PICTURES / f"{name}.png", animations="disabled", caret="hide")
    print(name, flush=True)


async def open_screen(
    browser: Browser, market: RunningMarket, scheme: str, *, tour: bool = False, small: bool = False
) -> Screen:
    """A window as somebody has it who has been here before, unless with `tour`."""
    size = PHONE if small else DESK
    context = await browser.new_context(viewport=size, color_scheme=scheme, is_mobile=small, has_touch=small)  # type: ignore[arg-type]
    await context.add_init_script("localStorage.setItem('exchange.interval', '1s')")
    if not tour:
        await context.add_init_script("localStorage.setItem('exchange.tour', 'done')")
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    await page.goto(market.page)
    await page.wait_for_selector("body[data-connection=live]")
    return Screen(page, market.page)


async def trade(screen: Screen) -> None:
    """Orders of several kinds, so that there is something to see."""
    await screen.signed_up("alice")
    for side, quantity in (("buy", 120), ("sell", 40), ("buy", 30)):
        await screen.order(side, quantity)
        await screen.page.wait_for_timeout(SETTLE_MS)
    best = await screen.part(".bids [data-price]").first.get_attribute("data-price")
    bid = int(best or 0) / 10_000
    await screen.order("buy", 50, f"{bid - 0.08:.2f}")
    await screen.part(".more summary").click()
    await screen.page.get_by_label("Then take profit at").fill(f"{bid + 0.5:.2f}")
    await screen.page.get_by_label("or stop the loss at").fill(f"{bid - 0.5:.2f}")
    await screen.order("buy", 20, f"{bid - 0.1:.2f}")
    await screen.page.wait_for_timeout(SETTLE_MS)
    await screen.page.get_by_label("Then take profit at").fill("")
    await screen.page.get_by_label("or stop the loss at").fill("")
    await screen.part(".more summary").click()
    await screen.order("sell", 60, f"{bid + 0.12:.2f}")


async def start_bots(screen: Screen) -> None:
    """One by a file, one by the form."""
    page = screen.page
    await screen.shows("bots")
    await page.get_by_role("button", name="New bot").click()
    await screen.part(".bot-editor .segments [value=file]").click()
    await page.get_by_label("The bot's file").fill(BOT)
    await page.get_by_role("button", name="Start bot").click()
    await page.wait_for_selector(".bot-list tr:has-text('breakout')")
    await page.get_by_role("button", name="New bot").click()
    await screen.part(".bot-editor .segments [value=form]").click()
    await screen.part("[name=made]").select_option("strategy")
    await screen.part(".bot-fields [name=name]").fill("slow-buyer")
    await screen.part("[name=strategy]").select_option("twap")
    await screen.part("[name=symbol]").select_option("PUPS")
    await page.get_by_role("button", name="Start bot").click()
    await page.wait_for_selector(".bot-list tr:has-text('slow-buyer')")
    await screen.part(".bot-list tr:has-text('breakout') .row-link").first.click()


async def of_a_trader(screen: Screen, name: str) -> None:
    """The screens of somebody who trades, on a desk."""
    page = screen.page
    await screen.shows("trade")
    await screen.choose("orders")
    await take(page, f"trade-{name}")
    await screen.shows("account")
    await screen.part("#tab-account-orders").click()
    await take(page, f"account-{name}")
    await screen.part("#tab-account-history").click()
    await page.locator("#account-history tr:has-text('Filled') [name=why]").first.click()
    await take(page, f"why-{name}")
    await page.keyboard.press("Escape")


async def of_bots(screen: Screen, name: str) -> None:
    """What a bot does and why, and how another one is made."""
    page = screen.page
    await screen.shows("bots")
    await take(page, f"bots-{name}")
    await page.get_by_role("button", name="New bot").click()
    await take(page, f"new-bot-{name}")
    await page.get_by_role("button", name="Cancel", exact=True).click()


async def of_a_phone(screen: Screen) -> None:
    """One view at a time."""
    page = screen.page
    for view in ("chart", "book", "trade", "account", "bots"):
        kind = "button[value" if view in ("chart", "book", "trade") else "a[data-screen"
        await screen.part(f"#views {kind}={view}]").tap()
        await take(page, f"phone-{view}")


async def main() -> None:
    """Take all of them."""
    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir(parents=True)
    chromium = os.environ.get(CHROMIUM) or next(filter(None, map(shutil.which, NAMES)), None)
    if chromium is None:
        sys.exit("pictures need Chromium; `make test` installs it")
    with tempfile.TemporaryDirectory() as directory:
        market = start_market(Path(directory))
        try:
            await asyncio.sleep(WARM_SECONDS)
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
                await take_all(browser, market)
                await browser.close()
        finally:
            market.stop()


async def take_all(browser: Browser, market: RunningMarket) -> None:
    """Of a guest, of a trader before and with bots, of an operator, and of a phone."""
    guest = await open_screen(browser, market, "dark", tour=True)
    await take(guest.page, "first-visit-dark")
    alice = await open_screen(browser, market, "dark")
    await trade(alice)
    for scheme in ("dark", "light"):
        await alice.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        await of_a_trader(alice, scheme)
    await start_bots(alice)
    await alice.page.wait_for_timeout(20 * SETTLE_MS)
    operator = await open_screen(browser, market, "dark")
    await operator.logged_in("operator", load_secrets(market.data).operator)
    await operator.shows("market")
    for scheme in ("dark", "light"):
        for screen in (alice, operator):
            await screen.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        await take(operator.page, f"market-{scheme}")
        await of_bots(alice, scheme)
    phone = await open_screen(browser, market, "dark", small=True)
    await phone.logged_in("alice", PASSWORD)
    await of_a_phone(phone)


if __name__ == "__main__":
    asyncio.run(main())
