"""The dialog about one's own log-in; and names that would be programs, if a page let them."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import PASSWORD, SHARED_LOOP, OpenScreen
from tests.e2e.market_process import RunningMarket, StartMarket

pytestmark = SHARED_LOOP
HOSTILE = "<img src=x onerror=\"document.title='robbed'\">"


async def test_sessions_keys_and_the_password(market: RunningMarket, open_screen: OpenScreen) -> None:
    here, there = await open_screen(market), await open_screen(market)
    await here.signed_up("keeper")
    await there.part("#account-menu [name=log-in]").click()
    await there.page.get_by_label("Name", exact=True).fill("keeper")
    await there.page.get_by_label("Password", exact=True).fill(PASSWORD)
    await there.part("#log-in [type=submit]").click()
    await expect(there.part(".who b")).to_have_text("keeper")

    await here.part(".who").click()
    sessions, keys = here.part("[data-list=sessions] li"), here.part("[data-list=keys] li")
    await expect(sessions).to_have_count(2)
    await here.page.get_by_label("Name of a new key").fill(HOSTILE)
    await here.part("[data-form=key] button").click()
    await expect(here.part(".new-key code")).to_have_text(re.compile(r"^key_[\w-]{43}$"))
    secret = await here.part(".new-key code").inner_text()
    await expect(keys.locator("b")).to_have_text(HOSTILE)
    await here.is_accessible()
    assert await here.part("img").count() == 0
    async with await market.connect("keeper", secret) as robot:
        assert robot.account == "keeper"
    await keys.get_by_role("button", name="Revoke").click()
    await expect(keys).to_have_count(0)

    await here.page.get_by_label("Password so far").fill("a guess at it")
    await here.page.get_by_label("New password").fill(f"new {PASSWORD}")
    await here.part("[data-form=password] button").click()
    await expect(here.part("#log-ins .message")).to_have_text("The password so far is not right.")
    await here.page.get_by_label("Password so far").fill(PASSWORD)
    await here.part("[data-form=password] button").click()
    await expect(sessions).to_have_count(1)
    await expect(there.part("#toasts")).to_contain_text("Your session has ended")
    await expect(there.part("#account-menu [name=log-in]")).to_be_visible()

    await here.part("[name=everywhere]").click()
    await expect(here.part("#log-ins")).to_be_hidden()
    await expect(here.part("#account-menu [name=log-in]")).to_be_visible()
    await expect(here.part("body")).to_have_attribute("data-connection", "live")


async def test_names_are_text(fresh_market: StartMarket, open_screen: OpenScreen, tmp_path: Path) -> None:
    rules = tmp_path / "hostile.yaml"
    quoted = HOSTILE.replace("'", "''")
    rules.write_text(f"title: '{quoted}'\nsymbols:\n  - {{symbol: KRYP, name: '{quoted}', opening_price: 20}}\n")
    market = fresh_market(str(rules))
    screen = await open_screen(market)
    await expect(screen.part("#title")).to_have_text(HOSTILE)
    await expect(screen.part("#headline")).to_contain_text(HOSTILE)
    assert await screen.part("img").count() == 0
    assert await screen.page.title() != "robbed"


@pytest.mark.parametrize("script", ["inline", "attribute", "elsewhere", "eval"])
async def test_what_got_in_all_the_same_would_not_run(market: RunningMarket, browser: Browser, script: str) -> None:
    """The policy, tried by the browser itself: scripts and connections that are not the market's own."""
    page = await browser.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    await page.goto(market.page)
    attempts = {
        "inline": "{ const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s); }",
        "attribute": "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">')",
        "elsewhere": "fetch('http://127.0.0.1:9/').catch(() => {})",
        "eval": "try { (0, eval)('window.ran = 1') } catch (error) { console.error(error.message) }",
    }
    # Not through evaluate, which the policy does not concern: as a script of the page's own that a robber has changed.
    await page.route("**/robber.js*", lambda route: route.fulfill(body=attempts[script], content_type="text/javascript"))
    await page.evaluate("import('/robber.js?1')")
    for _ in range(200):
        if any("Content Security Policy" in text for text in refused):
            break
        await page.wait_for_timeout(50)
    assert any("Content Security Policy" in text for text in refused), refused
    assert await page.evaluate("window.ran") is None
    await page.close()


async def test_a_page_of_another_origin_cannot_connect(market: RunningMarket, browser: Browser) -> None:
    """A websocket to the market, opened by a page that is not the market's."""
    page = await browser.new_page()
    await page.route("http://evil.example/", lambda route: route.fulfill(body="<p>evil</p>", content_type="text/html"))
    await page.goto("http://evil.example/")
    connecting = """(address) => new Promise((resolve) => {
      const socket = new WebSocket(address);
      socket.onopen = () => resolve("open");
      socket.onerror = () => resolve("refused");
    })"""
    assert await page.evaluate(connecting, market.runtime["websocket"]) == "refused"
    await page.goto(market.page)
    assert await page.evaluate(connecting, market.runtime["websocket"]) == "open"
    assert urlsplit(market.page).hostname == "127.0.0.1"
    await page.close()
