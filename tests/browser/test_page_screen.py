"""Finding one's way: symbols by keyboard, the phase of a symbol, the views of the book."""

from __future__ import annotations

import re

from playwright.async_api import expect

from tests.browser.conftest import SHARED_LOOP, OpenScreen
from tests.e2e.market_process import RunningMarket

pytestmark = SHARED_LOOP

NUMBER = re.compile(r"^\d[\d,.]*$")


async def test_a_symbol_is_found_without_a_mouse(market: RunningMarket, open_screen: OpenScreen) -> None:
    screen = await open_screen(market)
    press = screen.page.keyboard.press
    await press("/")
    await screen.page.keyboard.type("adamant")
    await expect(screen.part("#search li")).to_have_count(1)
    await press("Enter")
    await expect(screen.part("h1")).to_have_text("ADAM")
    await press("/")
    await expect(screen.part("#search [aria-selected=true] b")).to_have_text("KRYP")
    await press("ArrowDown")
    await press("ArrowDown")
    await press("Enter")
    await expect(screen.part("h1")).to_have_text("PUPS")
    await press("/")
    await screen.page.keyboard.type("gold")
    await expect(screen.part("#search .empty")).to_be_visible()
    await press("Enter")
    await press("Escape")
    await expect(screen.part("h1")).to_have_text("PUPS")
    await expect(screen.part("#headline .low dd")).to_have_text(NUMBER)

    # A key of the page is a letter where one types, and can be switched off.
    await screen.page.get_by_label("Shares", exact=True).fill("")
    await screen.page.keyboard.type("/s")
    await expect(screen.page.get_by_label("Shares", exact=True)).to_have_value("/s")
    await screen.part("#shortcuts").click()
    await press("/")
    await expect(screen.part("#search")).to_be_hidden()
    await screen.part("#shortcuts").click()
    await press("/")
    await expect(screen.part("#search")).to_be_visible()


async def test_five_thousand_symbols(market: RunningMarket, open_screen: OpenScreen) -> None:
    """The switch has some of them and the one that is shown, the search finds all and lists some, and so does the operator's
    table, which begins with those that are halted."""
    screen = await open_screen(market)
    strip, ended, found, chosen, table = await screen.page.evaluate(
        """async () => {
            const { mountSymbols } = await import("./components/symbols.js");
            const { SymbolSearch } = await import("./components/symbol-search.js");
            const { Phases } = await import("./components/phases.js");
            const info = { last: 205_000, tick: 100, day_ago: 0, opening_price: 200_000, phase: "continuous", reason: "" };
            const infoOf = (_, index) => ({ ...info, symbol: `S${index}`, name: `Company ${index}` });
            const symbols = Array.from({ length: 5_000 }, infoOf);
            const root = document.body.appendChild(document.createElement("nav"));
            mountSymbols(root, { select() {} })({ symbols, symbol: "S4321" });
            const dialog = document.body.appendChild(document.createElement("dialog"));
            let chosen = null;
            const search = new SymbolSearch(dialog, { select: (symbol) => (chosen = symbol) });
            search.update({ symbols });
            search.open();
            const input = dialog.querySelector("input");
            input.value = "company 4999";
            input.dispatchEvent(new Event("input"));
            const found = dialog.querySelectorAll("li").length;
            input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
            input.value = "";
            search.open();
            const all = dialog.querySelectorAll("li").length;
            const panel = document.body.appendChild(document.createElement("section"));
            const phases = new Phases(panel, {});
            symbols[3_000] = { ...symbols[3_000], phase: "halted", reason: "news" };
            phases.show({ symbols, role: "operator" });
            const rows = [...panel.querySelectorAll("tbody tr")].map((row) => row.textContent);
            return [root.children.length, root.lastElementChild.dataset.key, [found, all], chosen,
                [rows.length, rows[0], rows[1], panel.querySelector(".range").textContent]];
        }"""
    )
    assert (strip, ended, found, chosen) == (51, "S4321", [1, 50], "S4999")
    assert table == [50, "S300020.50HaltednewsResumePhase…", "S020.50ContinuousHalt…Phase…", "50 of 5,000"]


async def test_a_halt_and_an_auction_are_said(market: RunningMarket, open_screen: OpenScreen) -> None:
    screen = await open_screen(market)
    await screen.signed_up("halted")
    await screen.part("#symbols .symbol").nth(2).click()
    await expect(screen.part(".phase")).to_have_text("Trading")
    market.ask("halt", "PUPS", "--reason", "news are pending")
    await expect(screen.part(".phase")).to_have_text("Haltednews are pending")
    await expect(screen.part(".form-message")).to_have_text("Trading is halted: only cancels are taken.")
    await screen.order("buy", 10, "7.00")
    await expect(screen.part(".form-message")).to_have_attribute("data-kind", "error")

    market.ask("phase", "PUPS", "opening_auction")
    await expect(screen.part(".phase b")).to_have_text("Opening auction")
    await screen.part("[name=kind][value=market]").click()
    await expect(screen.part(".form-message")).to_contain_text("An auction is collecting orders")
    await screen.order("buy", 2_000, "7.60")
    await expect(screen.part(".phase span")).to_have_text(re.compile(r"^now [\d,]+ at \d\.\d\d"))
    market.ask("resume", "PUPS")
    await expect(screen.part(".phase")).to_have_text("Trading")
    await expect(screen.part(".tape-rows [data-side=auction]").first).to_be_visible()


async def test_the_depth_of_the_book(market: RunningMarket, open_screen: OpenScreen) -> None:
    screen = await open_screen(market)
    await screen.part(".book-views [value=depth]").click()
    await expect(screen.part(".ladder-table")).to_be_hidden()
    await expect(screen.part(".bid-area")).to_have_attribute("d", re.compile("^M.*H.*V.*Z$"))
    await screen.part(".depth svg").hover(position={"x": 20, "y": 200})
    await expect(screen.part(".depth-words")).to_have_text(re.compile(r"^[\d,]+ bought at \d+\.\d\d or more$"))
    await screen.part(".depth svg").click(position={"x": 20, "y": 200})
    words = await screen.part(".depth-words").inner_text()
    price = await screen.page.get_by_label("Price", exact=True).input_value()
    assert price in words or float(price) < 20.5, "the price under the pointer, or nearly: the book moves"
    await screen.part(".book-views [value=levels]").click()
    await expect(screen.part(".bids [data-price]").first).to_be_visible()
