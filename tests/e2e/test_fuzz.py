"""The short forms of `make fuzz` and `make attack`."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests.e2e.attack import TRADER, attacking, measure, new_key
from tests.e2e.fuzz import MARKET, fuzz
from tests.e2e.market_process import RunningMarket, StartMarket

MESSAGES = 6_000


async def test_hostile_messages_are_answered_and_break_nothing(fresh_market: StartMarket, tmp_path: Path) -> None:
    rules = tmp_path / "fuzzed.yaml"
    rules.write_text(MARKET)
    market = fresh_market(str(rules))
    seed = time.time_ns() % 1_000_000
    outcomes = await fuzz(market, MESSAGES, seed)
    assert sum(outcomes.values()) == MESSAGES, f"seed {seed}"
    assert outcomes["accepted"] > MESSAGES / 50, "much of it reached the books"


async def test_floods_hurt_nobody_else(fresh_market: StartMarket) -> None:
    """Every order of another trader is answered, no worker dies, whoever floods is thrown out. `make attack` has the times."""
    market = fresh_market()
    workers = market.runtime["workers"]
    key = await new_key(market, TRADER)
    for attack in ("orders", "portfolios", "unread", "wildcards"):
        async with attacking(market, attack, nice=0):
            _, unanswered = await measure(market, key, 1.0)
            assert not unanswered, f"{attack}\n{market.output}"
            if attack in ("orders", "portfolios"):
                thrown_out = f"mallory-{attack} at "
                await asyncio.to_thread(market.wait_until, lambda text=thrown_out: text in greedy(market), f"{attack} go on")
    assert market.runtime["workers"] == workers, market.output


def greedy(market: RunningMarket) -> str:
    """What the auth worker's log says of those it threw out."""
    return "\n".join(line for line in (market.data / "log" / "auth.log").read_text().splitlines() if "was greedy" in line)
