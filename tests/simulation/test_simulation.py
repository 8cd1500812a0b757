"""Small disasters, each from one seed. `python -m tests.simulation.test_simulation --seeds 10000` is the long form."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

import pytest

from exchange.subjects import JOURNAL
from tests.simulation.market import run_seed
from tests.simulation.world import World, simulate

SEEDS = 300
MISHAPS = ("deaths", "freezes", "retirements", "outages", "superseded", "cut_logs")
SEEDS_PER_TEST = 10
TOLD = (
    *(b'"triggered"', b'"replaced"', b'"replacerefused"', b'"decremented"', b'"refreshed"', b'"expired"', b'"post_only"'),
    *(b'"fok"', b'"activated"', b'"indicated"', b'"referencemoved"', b'"volatility_auction"', b'"auction_over"', b'"pair"'),
    *(b'"disconnected"', b'"auction":true'),
)
"""What engines are to have said in some story."""


def run(seed: int) -> World:
    worlds: list[World] = []

    async def story() -> None:
        worlds.append(await run_seed(seed))

    simulate(story)
    return worlds[0]


@pytest.mark.parametrize("first", range(0, SEEDS, SEEDS_PER_TEST))
def test_nothing_is_lost_or_doubled(first: int) -> None:
    for seed in range(first, first + SEEDS_PER_TEST):
        try:
            run(seed)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise


def test_the_mishaps_do_happen() -> None:
    """A simulation in which nothing goes wrong proves nothing. Each is rare, but not so rare that a few stories have none."""
    mishaps: Counter[str] = Counter()
    missing = set(TOLD)
    for seed in range(SEEDS // 5):
        world = run(seed)
        mishaps += Counter({name: getattr(world, name) for name in MISHAPS})
        told = b"".join(payload for name, log in world.logs.items() if name != JOURNAL for payload in log)
        missing -= {words for words in missing if words in told}
        if not missing and mishaps["deaths"] > 20 and mishaps["superseded"] > 3 and all(mishaps[name] for name in MISHAPS):
            return
    pytest.fail(f"no story has {missing}, and together they have {mishaps}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    started = time.perf_counter()
    totals: Counter[str] = Counter()
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        try:
            world = run(seed)
        except BaseException:
            print(f"seed {seed} failed; again with: python -m tests.simulation.test_simulation --first {seed} --seeds 1")
            raise
        totals += Counter({name: getattr(world, name) for name in MISHAPS})
        if sys.stdout.isatty():
            print(f"\r{seed}", end="", flush=True)
    print(f"{arguments.seeds} seeds passed in {time.perf_counter() - started:.0f} s: {dict(totals)}")


if __name__ == "__main__":
    main()
