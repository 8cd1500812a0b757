"""How the page feels: `python -m tests.browser.page_bench [--minutes N]`, or `make page-bench`.

Loading (bytes, time until one can use it), then a book of twenty levels a side that moves fifty times a second: the time of
each frame, and what the page's heap holds over ten minutes. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, CDPSession, Page, async_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM, NAMES
from tests.browser.mover import move, mover
from tests.e2e.market_process import RunningMarket, start_market

LOADS = 5
RATE = 50
FRAMES_SECONDS = 60
HEAP_EVERY_SECONDS = 30
PATIENCE_MS = 120_000
"""Of a step that is not measured."""
FRAME_MS_MAX = 20.0
INTERACTIVE_MS_MAX = 1_000.0
BYTES_MAX = 400_000
HEAP_GROWTH_MAX = 0.1
"""Of what it holds once it is warm."""

# When the book's first level is drawn and the ticket can be used, in milliseconds since the navigation began.
USABLE = """window.usable = new Promise((resolve) => {
    const look = () => {
        const usable = document.querySelector(".bids [data-price]") && document.querySelector(".place:not(:disabled)");
        if (usable) resolve(performance.now());
        else requestAnimationFrame(look);
    };
    look();
})"""
FRAMES = """(seconds) => new Promise((resolve) => {
    const frames = [];
    let before = null;
    const next = (now) => {
        if (before !== null) frames.push(now - before);
        before = now;
        if (now - begun < seconds * 1000) requestAnimationFrame(next);
        else resolve(frames);
    };
    const begun = performance.now();
    requestAnimationFrame(next);
})"""


async def load_once(browser: Browser, address: str) -> tuple[float, int]:
    """A first visit: milliseconds until it is usable, bytes on the wire."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    cdp, received = await context.new_cdp_session(page), [0]
    await cdp.send("Network.enable")

    def finished(event: dict[str, Any]) -> None:
        received[0] += event["encodedDataLength"]

    cdp.on("Network.loadingFinished", finished)
    await page.add_init_script(USABLE)
    await page.goto(address)
    usable = await page.evaluate("window.usable")
    await page.wait_for_load_state("networkidle")
    await context.close()
    return float(usable), received[0]


async def heap(cdp: CDPSession) -> float:
    """What is reachable, in MB."""
    await cdp.send("HeapProfiler.collectGarbage")
    usage = await cdp.send("Runtime.getHeapUsage")
    return float(usage["usedSize"]) / 1e6


async def processor_seconds(browser: Browser) -> float:
    """What the pages' processes have used: unlike the time of a frame, it says the same on a busy machine."""
    cdp = await browser.new_browser_cdp_session()
    processes = (await cdp.send("SystemInfo.getProcessInfo"))["processInfo"]
    await cdp.detach()
    return float(sum(process["cpuTime"] for process in processes if process["type"] == "renderer"))


async def measure_heap(page: Page, seconds: float) -> list[float]:
    """Every half minute, while the book moves."""
    cdp = await page.context.new_cdp_session(page)
    found, end = [await heap(cdp)], time.monotonic() + seconds
    while time.monotonic() < end:
        await asyncio.sleep(HEAP_EVERY_SECONDS)
        found.append(await heap(cdp))
    return found


async def measure(market: RunningMarket, minutes: float) -> list[str]:
    """All of it, printed as it comes; what was not good enough."""
    problems = []
    path = os.environ.get(CHROMIUM) or next(filter(None, map(shutil.which, NAMES)), None)
    async with async_playwright() as playwright, await mover(market) as client:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        loads = [await load_once(browser, market.page) for _ in range(LOADS)]
        usable, size = statistics.median(milliseconds for milliseconds, _ in loads), max(size for _, size in loads)
        print(
            f"usable after {usable:.0f} ms (median of {LOADS}: {', '.join(f'{ms:.0f}' for ms, _ in loads)}); {size:,} bytes",
            flush=True,
        )
        problems += ["usable too late"] * (usable > INTERACTIVE_MS_MAX) + ["too many bytes"] * (size > BYTES_MAX)

        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        depths = [0]

        def count(payload: str | bytes) -> None:
            data = payload if isinstance(payload, bytes) else payload.encode()
            depths[0] += data.count(b".depth ")

        page.on("websocket", lambda websocket: websocket.on("framereceived", count))
        await page.goto(market.page)
        await page.wait_for_selector(".bids [data-price]")
        moving = asyncio.create_task(move(client, FRAMES_SECONDS + 3, RATE))
        await asyncio.sleep(2)
        depths[0], begun = 0, time.monotonic()
        used = await processor_seconds(browser)
        frames = sorted(await page.evaluate(FRAMES, FRAMES_SECONDS))
        used = (await processor_seconds(browser) - used) * 1000 / len(frames)
        rate = depths[0] / (time.monotonic() - begun)
        await moving
        p50, p95, p99 = (frames[int(len(frames) * share)] for share in (0.5, 0.95, 0.99))
        shown = len(frames) / FRAMES_SECONDS
        print(f"{shown:.1f} frames/s at {rate:.0f} changes of depth a second, {FRAMES_SECONDS} s")
        print(f"{used:.1f} ms of processor time a frame")
        print(f"frame p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms, longest {frames[-1]:.0f} ms", flush=True)
        problems += ["frames too long"] * (p95 > FRAME_MS_MAX)

        moving = asyncio.create_task(move(client, minutes * 60, RATE))
        heaps = await measure_heap(page, minutes * 60)
        moves = await moving
        warm = heaps[min(2, len(heaps) - 1)]  # After a minute: the tape is full, all code has run.
        told = " ".join(f"{megabytes:.2f}" for megabytes in heaps)
        print(f"heap every {HEAP_EVERY_SECONDS} s over {minutes:g} min and {moves:,} moves: {told} MB")
        problems += ["the heap grew"] * (heaps[-1] > warm * (1 + HEAP_GROWTH_MAX))
        await browser.close()
    return problems


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long the heap is watched")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="page-bench-") as directory:
        market = start_market(Path(directory), "--no-bots")
        try:
            problems = asyncio.run(measure(market, arguments.minutes))
        finally:
            market.stop()
    for problem in problems:
        print(f"not good enough: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
