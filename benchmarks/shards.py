"""How many orders engine workers match when they share four shards: `python -m benchmarks.shards`.

A journal is appended as fast as one real nats-server takes it, by this process, to workers that already lead their shards. A
run ends when all four logs of events contain all of the journal that concerns them.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from time import perf_counter

import msgspec
import uvloop

from cli.usage import usage
from engine.stage import decode_journal
from engine.workload import Flow
from exchange.connection import connect
from exchange.digest import digest
from exchange.log import JetStreamLog, decode_header
from exchange.messages.base import encode
from exchange.messages.journal import DefineSymbol, EngineCommand, Group, JournalBatch
from exchange.parent import tie_to_parent
from exchange.secrets import load_secrets
from exchange.server import NatsServer, ServerOptions
from exchange.settings import MARKET_FILE, RUNTIME_FILE

SHARDS = 4
BATCH = 500
SYMBOLS = "\n".join(f"  - {{symbol: S{number}, name: S, opening_price: 100}}" for number in range(1, SHARDS + 1))
MARKET = f"title: Shards\nsymbols:\n{SYMBOLS}\nshards: {SHARDS}\n"


def batches(commands: list[EngineCommand]) -> list[bytes]:
    """A journal of them, each batch with a group for every shard."""
    payloads: list[bytes] = []
    for start in range(0, len(commands), BATCH):
        groups: defaultdict[int, list[EngineCommand]] = defaultdict(list)
        for command in commands[start : start + BATCH]:
            shard = int(command.symbol[1:])
            groups[shard].append(
                msgspec.structs.replace(command, shard=shard) if isinstance(command, DefineSymbol) else command
            )
        encoded = [Group(shard, msgspec.Raw(encode(group))) for shard, group in sorted(groups.items())]
        number = len(payloads) + 1
        previous = digest(payloads[-1]) if payloads else ""
        payloads.append(encode(JournalBatch(number, number * 1_000_000, previous, {}, encoded)))
    return payloads


async def run(opening: list[bytes], rest: list[bytes], workers: int) -> tuple[float, float, float]:
    """Seconds that the rest took, and processor seconds of the engines and of the server."""
    with tempfile.TemporaryDirectory(prefix="exchange-shards-") as directory:
        data = Path(directory)
        secrets = load_secrets(data)
        (data / MARKET_FILE).write_text(MARKET)
        async with NatsServer(ServerOptions(data=data), secrets, tie_to_parent()) as server:
            (data / RUNTIME_FILE).write_bytes(encode({"server": server.url}))
            client = await connect(server.url, "worker", secrets.worker, name="bench")
            journal = JetStreamLog(client, "JOURNAL")
            await journal.create()
            logs = [JetStreamLog(client, f"EVENTS_{shard}") for shard in range(1, SHARDS + 1)]
            for log in logs:
                await log.create()
            command = ("-P", "-m", "exchange.engine", "--data", str(data))
            engines = [
                await asyncio.create_subprocess_exec(
                    sys.executable, *command, stderr=asyncio.subprocess.DEVNULL, preexec_fn=tie_to_parent()
                )
                for _ in range(workers)
            ]
            await append(journal, 0, opening)
            await contained(logs, ends(opening))
            await asyncio.sleep(3 * workers)  # Until the shards are shared evenly.
            assert server.process is not None
            pids = [*(engine.pid for engine in engines), server.process.pid]
            end = ends(rest)
            before = [used.seconds for pid in pids if (used := usage(pid))]
            started = perf_counter()
            await append(journal, len(opening), rest)
            await contained(logs, end)
            seconds = perf_counter() - started
            spent = [used.seconds - was for pid, was in zip(pids, before, strict=True) if (used := usage(pid))]
            for engine in engines:
                engine.terminate()
                await engine.wait()
            await client.close()
    return seconds, sum(spent[:-1]), spent[-1]


async def append(journal: JetStreamLog, after: int, payloads: list[bytes]) -> None:
    """As the ledger does: one at a time."""
    for number, payload in enumerate(payloads, after + 1):
        await journal.append(number, payload)


def ends(payloads: list[bytes]) -> dict[int, int]:
    """Shard → number of the last of these batches that has something for it."""
    return {group.shard: batch.number for batch in map(decode_journal, payloads) for group in batch.groups}


async def contained(logs: list[JetStreamLog], numbers: dict[int, int]) -> None:
    """Wait until the log of each shard contains that batch of the journal."""
    for shard, log in enumerate(logs, 1):
        while not (last := await log.last()) or decode_header(await log.get(last)).journal_through < numbers[shard]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shards", description=__doc__)
    parser.add_argument("--commands", type=int, default=400_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    flow = Flow(SHARDS)
    payloads = batches([*flow.opening, *flow.commands(arguments.commands)])
    opening = -(-len(flow.opening) // BATCH)
    for _ in range(arguments.rounds):
        for workers in (1, 2):
            seconds, engines, server = await run(payloads[:opening], payloads[opening:], workers)
            rate = arguments.commands / seconds
            each = 1e6 / arguments.commands
            print(
                f"{workers} workers: {rate:,.0f} commands/s; processor time a command: "
                f"engines {engines * each:.1f} µs, server {server * each:.1f} µs",
                flush=True,
            )


if __name__ == "__main__":
    uvloop.run(main())
