"""A market on three NATS servers, with two of each worker that may be several, under load and one disaster after the other.

    python -m tests.e2e.cluster --rounds 3

prints how long users waited after each of them (for an answer, or of an engine for events), and then counts every order and
every share as the torture does.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

from nats.aio.client import Client as Connection

from exchange.connection import connect
from exchange.health import everybody
from exchange.log import JetStreamLog
from exchange.secrets import load_secrets
from tests.e2e.market_process import RunningMarket
from tests.e2e.torture import MARKET, Torture, send_signal

MARKET_FILE = MARKET.replace("shards: 2", "shards: 4\nreplicas: 3\nworkers: {ledger: 2, engine: 2, historian: 2, ticks: 2}")
SERVERS = ("nats-1", "nats-2", "nats-3")
RESTARTED = (
    "web",
    "bots",
    "auth",
    "ticks",
    "ticks-2",
    "historian",
    "historian-2",
    "engine-1",
    "engine-2",
    "ledger",
    "ledger-2",
)
FREEZE_SECONDS = 6.0
CALM_SECONDS = 3.0
"""Between two disasters: followers follow again, and every server has caught up."""
LEADER_SECONDS_MAX = 60.0
IN_FLIGHT_SECONDS = 0.2
"""What the engine had sent is in the log by then."""
Disaster = Callable[[RunningMarket], Awaitable[list[str]]]
"""Does something to the market, and says to whom."""


class ClusterTorture(Torture):
    """Traders who send orders without a pause while the worst happens."""

    market_file = MARKET_FILE

    def __init__(self, directory: Path, seed: int) -> None:
        super().__init__(directory, seed)
        self._background: set[asyncio.Task[None]] = set()
        self.disasters: dict[str, Disaster] = {
            "leading ledger killed": lambda market: self._kill_leader(market, "ledger"),
            "leading ledger frozen for 6 s": lambda market: self._freeze_leader(market, "ledger"),
            "following ledger killed": lambda market: self._kill_follower(market, "ledger"),
            "engine of shard 1 killed": lambda market: self._kill_leader(market, "engine-1"),
            "engine of shard 1 frozen for 6 s": lambda market: self._freeze_leader(market, "engine-1"),
            "auth killed": lambda market: self._kill_named(market, "auth"),
            "historian killed": lambda market: self._kill_named(market, "historian"),
            "publishing ticks killed": lambda market: self._kill_leader(market, "ticks"),
            "bots killed": lambda market: self._kill_named(market, "bots"),
            "web killed": lambda market: self._kill_named(market, "web"),
            "a nats-server that does not lead the journal killed": self._kill_other_server,
            "the nats-server that leads the journal killed": self._kill_journals_server,
            "all three nats-servers killed": lambda market: self._kill_named(market, *SERVERS),
            "every worker restarted, one after the other": self._restart_all,
        }

    async def run_all(self, rounds: int) -> list[str]:
        """Every disaster so many times."""
        return await self.run(rounds * len(self.disasters), list(self.disasters))

    async def _round(
        self, market: RunningMarket, number: int, victims: list[str] | None, trading: list[asyncio.Task[None]]
    ) -> None:
        assert victims is not None
        name = victims[(number - 1) % len(victims)]
        await asyncio.gather(*self._background)  # Whoever was frozen has been woken, and has ended: one disaster at a time.
        await asyncio.sleep(CALM_SECONDS + self._random.random())
        before = sum(trader.commands for trader in self._traders)
        hit = await self.disasters[name](market)
        matched = asyncio.create_task(self._matched_again(market)) if "shard 1" in name else None
        await self._answer_again(number, [name, *hit], before, trading)
        row = self.rounds[-1]
        if matched is not None:
            row.acknowledged_after = max(row.acknowledged_after, await matched)
        print(f"{row.number:>5}  {name:52}  {row.acknowledged_after:>6.2f} s  {row.commands:>6}  {', '.join(hit)}", flush=True)

    async def _matched_again(self, market: RunningMarket) -> float:
        """Seconds until shard 1 has events that are not those of the engine that was hit."""
        started = time.monotonic()
        async with worker(market) as connection:
            log = JetStreamLog(connection, "EVENTS_1")
            await asyncio.sleep(IN_FLIGHT_SECONDS)
            end = await log.last()
            while await log.last() == end:
                assert time.monotonic() - started < LEADER_SECONDS_MAX, "shard 1 is not matched any more"
                await asyncio.sleep(0.02)
        return time.monotonic() - started

    async def _kill_named(self, market: RunningMarket, *names: str) -> list[str]:
        for name in names:
            send_signal(market, name, signal.SIGKILL)
        return list(names)

    async def _kill_leader(self, market: RunningMarket, part: str) -> list[str]:
        return await self._kill_named(market, await self._one_that(market, part, "leading"))

    async def _kill_follower(self, market: RunningMarket, part: str) -> list[str]:
        return await self._kill_named(market, await self._one_that(market, part, "following"))

    async def _freeze_leader(self, market: RunningMarket, part: str) -> list[str]:
        name = await self._one_that(market, part, "leading")
        pid = send_signal(market, name, signal.SIGSTOP)

        async def wake() -> None:
            await asyncio.sleep(FREEZE_SECONDS)
            if market.runtime["workers"][name] == pid:
                send_signal(market, name, signal.SIGCONT)

        task = asyncio.create_task(wake())
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return [name]

    async def _kill_journals_server(self, market: RunningMarket) -> list[str]:
        return await self._kill_named(market, await self._journals_server(market))

    async def _kill_other_server(self, market: RunningMarket) -> list[str]:
        leads = await self._journals_server(market)
        return await self._kill_named(market, self._random.choice([name for name in SERVERS if name != leads]))

    async def _restart_all(self, market: RunningMarket) -> list[str]:
        for name in RESTARTED:
            pid = send_signal(market, name, signal.SIGTERM)
            await asyncio.to_thread(market.wait_for_successor, name, pid)
            await asyncio.sleep(1.0)
        return []

    async def _journals_server(self, market: RunningMarket) -> str:
        """`nats-2` for the server that calls itself exchange-2."""
        async with worker(market) as connection:
            info = await connection.jetstream().stream_info("JOURNAL")
        assert info.cluster is not None
        return (info.cluster.leader or "").replace("exchange", "nats")

    async def _one_that(self, market: RunningMarket, part: str, standing: str) -> str:
        """The name of a process that leads, or follows, as soon as there is one."""
        deadline = time.monotonic() + LEADER_SECONDS_MAX
        while time.monotonic() < deadline:
            names = {pid: name for name, pid in market.runtime["workers"].items()}
            async with worker(market) as connection:
                answers = await everybody(connection)
            for health in answers:
                if health.pid in names and any(found.name == part and found.standing == standing for found in health.parts):
                    return str(names[health.pid])
        raise AssertionError(f"nobody is {standing} {part}")

    def table(self) -> str:
        """How long users waited, per disaster: a table for docs/performance.md."""
        waits: dict[str, list[float]] = {}
        for row in self.rounds:
            waits.setdefault(row.victims[0], []).append(row.acknowledged_after)
        lines = ["| what happened | times | shortest | median | longest wait |", "|---|---:|---:|---:|---:|"]
        lines += [
            f"| {name} | {len(seconds)} | {min(seconds):.2f} s | {median(seconds):.2f} s | {max(seconds):.2f} s |"
            for name, seconds in waits.items()
        ]
        return "\n".join(lines)


@asynccontextmanager
async def worker(market: RunningMarket) -> AsyncIterator[Connection]:
    """A connection that may see everything, for a moment."""
    connection = await connect(market.runtime["server"], "worker", load_secrets(market.data).worker, name="torture")
    try:
        yield connection
    finally:
        await connection.close()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.cluster", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--only", default="", help="disasters with this text in their name")
    arguments = parser.parse_args()
    print(f"{arguments.rounds} rounds of all disasters, seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="exchange-cluster-") as directory:
        torture = ClusterTorture(Path(directory), arguments.seed)
        torture.disasters = {name: disaster for name, disaster in torture.disasters.items() if arguments.only in name}
        try:
            found = asyncio.run(torture.run_all(arguments.rounds))
        finally:
            print(torture.table())
    print("\n".join(found))


if __name__ == "__main__":
    main()
