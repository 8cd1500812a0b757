"""Something of the market dies while somebody looks at it: the page says so, and comes back by itself."""

from __future__ import annotations

import re
import signal

from playwright.async_api import expect

from exchange.messages.administration import Done
from exchange.messages.logins import NewPassword
from exchange.subjects import auth
from tests.browser.conftest import PASSWORD, SHARED_LOOP, OpenScreen, Screen
from tests.e2e.market_process import RunningMarket, StartMarket

pytestmark = SHARED_LOOP


async def trades_go_on(screen: Screen) -> None:
    newest = screen.part(".tape-rows li").first
    before = await newest.get_attribute("data-key")
    await expect(newest).not_to_have_attribute("data-key", before or "")


async def test_the_nats_server_dies(fresh_market: StartMarket, open_screen: OpenScreen) -> None:
    market = fresh_market()
    guest, trader = await open_screen(market), await open_screen(market)
    await trader.signed_up("steady")
    await trader.order("buy", 10, "15.00")
    await trader.choose("orders")
    await expect(trader.part("#orders tbody tr")).to_have_count(1)

    pid = market.kill("nats")
    for screen in (guest, trader):
        await expect(screen.part("#connection")).to_contain_text("Reconnecting")
        await expect(screen.part("#notice")).to_have_text(re.compile("Prices are not live"))
    await expect(trader.page.get_by_role("button", name="Place order")).to_be_disabled()
    market.wait_for_successor("nats", pid)
    for screen in (guest, trader):
        await expect(screen.part("#connection")).to_have_text("Live")
        await expect(screen.part("#notice")).to_be_hidden()
        await trades_go_on(screen)

    await expect(trader.part(".who b")).to_have_text("steady")
    await trader.order("buy", 20, "15.05")
    await expect(trader.part("#orders tbody tr")).to_have_count(2)
    await expect(trader.part("#cash .held")).to_have_text("451.00")


async def test_nothing_is_sent_on_a_socket_that_is_closing(market: RunningMarket, open_screen: OpenScreen) -> None:
    """The browser would complain of it, and `open_screen` of that."""
    screen = await open_screen(market)
    state = await screen.page.evaluate(
        """async (address) => {
            const { Socket } = await import("./link.js");
            const socket = new Socket(address);
            await new Promise((resolve) => socket.addEventListener("open", resolve));
            socket.close();
            socket.send("PING");
            return socket.readyState;
        }""",
        market.runtime["websocket"],
    )
    assert state == 2, "it was closing"


async def test_an_order_placed_while_the_ledger_is_away_is_placed_once(
    fresh_market: StartMarket, open_screen: OpenScreen
) -> None:
    market = fresh_market()
    screen = await open_screen(market)
    await screen.signed_up("insistent")
    await screen.choose("orders")

    pid = market.kill("ledger", signal.SIGSTOP)
    await screen.order("buy", 10, "15.00")
    await expect(screen.part(".form-message")).to_have_text(re.compile("Asking again"))
    await expect(screen.part("#connection")).to_have_text("Delayed")
    market.kill("ledger", signal.SIGKILL)
    market.wait_for_successor("ledger", pid)
    await expect(screen.part(".form-message")).to_have_text(re.compile(r"^Order \d+ is accepted\.$"))
    await expect(screen.part("#orders tbody tr")).to_have_count(1)
    await expect(screen.part("#cash .held")).to_have_text("150.00")
    await expect(screen.part("#connection")).to_have_text("Live")


async def test_a_session_that_was_taken_back_ends(fresh_market: StartMarket, open_screen: OpenScreen) -> None:
    market = fresh_market("--no-bots")
    screen = await open_screen(market)
    await screen.signed_up("revoked")
    client = await market.connect("revoked", PASSWORD)
    async with client:
        await client.request(auth("revoked", "password"), NewPassword(f"another {PASSWORD}", PASSWORD), Done)
    await expect(screen.part("#toasts")).to_contain_text("Your session has ended")
    await expect(screen.page.get_by_role("button", name="Sign up to trade")).to_be_visible()
    await expect(screen.part("#connection")).to_have_text("Live")


async def test_nobody_is_logged_out_because_the_auth_worker_is_away(fresh_market: StartMarket, open_screen: OpenScreen) -> None:
    market = fresh_market("--no-bots")
    screen = await open_screen(market)
    await screen.signed_up("patient")
    auth = market.kill("auth", signal.SIGSTOP)
    market.wait_for_successor("nats", market.kill("nats"))
    await expect(screen.part("#connection")).to_contain_text("Reconnecting")
    refusals: list[str] = []
    screen.page.on("websocket", lambda websocket: refusals.append(websocket.url))
    while len(refusals) < 2:  # Each attempt is refused by the server itself, after its own patience.
        await screen.page.wait_for_event("websocket")
    await expect(screen.part(".who b")).to_have_text("patient")
    market.kill("auth", signal.SIGKILL)
    market.wait_for_successor("auth", auth)
    await expect(screen.part("#connection")).to_have_text("Live")
    await expect(screen.part(".who b")).to_have_text("patient")
