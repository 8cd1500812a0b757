"""A real browser on the page of a real market. Whatever the browser complains about fails the test.

Starting a browser takes seconds, so all tests share one (and its event loop), each with windows of its own.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Locator, Page, async_playwright, expect

from tests.e2e.market_process import RunningMarket

CHROMIUM = "EXCHANGE_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)
SHARED_LOOP = pytest.mark.asyncio(loop_scope="session")
"""Every test file here needs it as its `pytestmark`."""
PATIENCE_MS = 20_000
"""Far above what anything takes: the machine may be busy with other things."""
PASSWORD = "correct horse battery"
AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OUTAGE = re.compile(r"WebSocket connection to '.*' failed")
"""What a browser itself writes to the console when a server is not there; no page can prevent it."""

expect.set_options(timeout=PATIENCE_MS)


LISTEN = """() => {
    window.heard = [];
    const live = "[role=status], [role=alert], [role=log], [aria-live=polite], [aria-live=assertive]";
    new MutationObserver((changes) => {
        const elements = changes.map(({ target }) => target.closest ? target : target.parentElement);
        const regions = elements.map((element) => element?.closest("[aria-live], " + live));
        for (const region of new Set(regions.filter((found) => found?.matches(live) && found.ariaLive !== "off"))) {
            const text = region.checkVisibility() ? region.textContent.trim() : "";
            if (text !== "") window.heard.push(text);
        }
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""
"""Writes down what the live regions say, as a screen reader would: the whole text of one in which something changed."""


@dataclass
class Screen:
    """One browser window with the page of a market."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)
    """Errors and warnings of the console, uncaught exceptions, and requests to anywhere else."""

    def part(self, selector: str) -> Locator:
        return self.page.locator(selector)

    async def signed_up(self, account: str) -> None:
        """Open an account and be logged in to it."""
        await self.part("#account-menu [name=sign-up]").click()
        await self.page.get_by_label("Name", exact=True).fill(account)
        await self.page.get_by_role("button", name="Next").click()
        await self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        await self.page.get_by_role("button", name="Open account").click()
        await expect(self.part("#log-in")).to_be_hidden()
        await expect(self.part(".who b")).to_have_text(account)
        await expect(self.part("#cash .total")).not_to_have_text("–")

    async def logged_in(self, login: str, password: str) -> None:
        await self.part("#account-menu [name=log-in]").click()
        await self.page.get_by_label("Name", exact=True).fill(login)
        await self.page.get_by_label("Password", exact=True).fill(password)
        await self.part("#log-in [type=submit]").click()
        await expect(self.part("#log-in")).to_be_hidden()
        await expect(self.part(".who b")).to_have_text(login)

    async def shows(self, name: str) -> None:
        """Go to another screen: trade, account, bots or market."""
        await self.part(f"#screens [data-screen={name}]").click()
        await expect(self.part("body")).to_have_attribute("data-screen", name)

    async def is_accessible(self) -> None:
        """Nothing that axe-core can find is wrong with what is shown now, in both themes."""
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(AXE)  # Not as a script of the page: its policy allows its own only.
        for scheme, rules in (("dark", AXE_RULES), ("light", "color-contrast")):  # All else is the same in both.
            await self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            options = {"runOnly": rules, "resultTypes": ["violations"]}
            found = await self.page.evaluate("(options) => axe.run(document, options)", options)
            assert [
                f"{scheme}: {problem['id']}: {node['target']} {node['failureSummary']}"
                for problem in found["violations"]
                for node in problem["nodes"]
            ] == []

    async def listen(self) -> None:
        """Hear what a screen reader would say by itself, from now on."""
        await self.page.evaluate(LISTEN)

    async def heard(self) -> list[str]:
        """What it said since the last call."""
        texts: list[str] = await self.page.evaluate("window.heard.splice(0)")
        return texts

    async def order(self, side: str, quantity: int | str, price: str = "") -> None:
        """Fill the ticket and press the button: a limit order at a price, a market order without."""
        await self.part(f"[name=side][value={side}]").click()
        await self.part(f"[name=kind][value={'limit' if price else 'market'}]").click()
        if price:
            await self.page.get_by_label("Price", exact=True).fill(price)
        await self.page.get_by_label("Shares", exact=True).fill(str(quantity))
        await self.page.get_by_role("button", name="Place order").click()

    async def choose(self, tab: str) -> None:
        """Show positions, orders or fills."""
        await self.part(f"#tab-{tab}").click()

    async def amount(self, selector: str) -> int:
        """A number on the screen without its decimal point and grouping: 1,234.50 is 123450."""
        text = await self.part(selector).inner_text()
        digits = re.sub(r"[^0-9−]", "", text)
        assert digits, f"{selector} shows {text!r}"
        return int(digits.replace("−", "-"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = os.environ.get(CHROMIUM) or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.fail(f"these tests need Chromium; `make test` installs it, and {CHROMIUM} names another one")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        await browser.close()


OpenScreen = Callable[..., Awaitable[Screen]]


@pytest_asyncio.fixture(loop_scope="session")
async def open_screen(browser: Browser) -> AsyncIterator[OpenScreen]:
    """Opens windows, each like that of another person: `await open_screen(market, viewport=…, color_scheme=…)`.

    Nobody is offered the tour of a first visit, except with `tour`.
    """
    screens: list[Screen] = []
    contexts: list[BrowserContext] = []

    async def open_one(market: RunningMarket, *, tour: bool = False, **options: Any) -> Screen:
        context = await browser.new_context(**({"viewport": {"width": 1440, "height": 900}} | options))
        contexts.append(context)
        if not tour:
            await context.add_init_script("localStorage.setItem('exchange.tour', 'done')")
        screen = Screen(await context.new_page(), market.page)
        screens.append(screen)
        origins = {urlsplit(market.page).netloc, urlsplit(market.runtime["websocket"]).netloc}
        watch(screen, origins)
        await screen.page.goto(market.page, timeout=3 * PATIENCE_MS)
        await expect(screen.part("body")).to_have_attribute("data-connection", "live")
        return screen

    yield open_one
    for context in contexts:
        await context.close()
    assert [complaint for screen in screens for complaint in screen.complaints] == []


def watch(screen: Screen, origins: set[str]) -> None:
    """Write down whatever should not happen in a window."""

    def on_request(url: str) -> None:
        if urlsplit(url).netloc not in origins:
            screen.complaints.append(f"request to {url}")

    def on_console(kind: str, text: str) -> None:
        if kind in ("error", "warning") and not OUTAGE.match(text):
            screen.complaints.append(f"console {kind}: {text}")

    screen.page.on("request", lambda request: on_request(request.url))
    screen.page.on("websocket", lambda websocket: on_request(websocket.url))
    screen.page.on("console", lambda message: on_console(message.type, message.text))
    screen.page.on("pageerror", lambda error: screen.complaints.append(f"uncaught: {error}"))
