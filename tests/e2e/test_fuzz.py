"""The short forms of `make fuzz` and `make attack`."""

from __future__ import annotations

import time
from pathlib import Path

from tests.e2e.attack import run
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
    results = await run(market, ["orders", "portfolios", "unread", "wildcards"], 2.0)
    assert [result for result in results if result.unanswered or not result.unharmed] == []
    assert thrown_out(market) >= {"mallory-orders", "mallory-portfolios"}


def thrown_out(market: RunningMarket) -> set[str]:
    """Whom the auth worker's log calls greedy."""
    lines = (market.data / "log" / "auth.log").read_text().splitlines()
    return {line.split(" WARNING ")[1].split(" at ")[0] for line in lines if "was greedy" in line}
