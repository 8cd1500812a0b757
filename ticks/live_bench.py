"""`python -P -m exchange.ticks.live_bench`: a ticks worker on a server of its own, as JSON.

- How long it takes from an event batch that the log has acknowledged to the message at a subscriber: TRADES_PER_S trades, all
  channels published, SUBSCRIBERS connections that hear all of them.
- How fast it catches up with a log from its first batch on, stored in DuckDB.

Server, worker, all subscribers and the writer of the log share this machine. The subscribers are a process of their own
(`listeners.py`), so that they delay neither the log's writer nor its clock; the kernel says when it had each message for them.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import shutil
import sys
import tempfile
from array import array
from importlib import resources
from pathlib import Path
from time import perf_counter, time_ns
from typing import Any, Final

import msgspec
import nats.errors
from nats.aio.client import Client

from exchange.connection import connect
from exchange.load import percentiles
from exchange.log import JetStreamLog, Log
from exchange.messages.base import encode
from exchange.messages.market_data import SymbolInfo
from exchange.parent import tie_to_parent
from exchange.secrets import Secrets, load_secrets
from exchange.server import NatsServer, ServerOptions
from exchange.settings import MARKET_FILE, RUNTIME_FILE
from exchange.subjects import JOURNAL, events_log, public

from .listeners import Heard
from .workload import SYMBOLS, TradeFlow

TRADES_PER_S: Final = 20_000
BATCHES_PER_S: Final = 200
SUBSCRIBERS: Final = 50
WARM_SECONDS: Final = 2.0
SETTLE_SECONDS: Final = 0.3
"""What was sent has arrived by then."""


class Bench:
    """A server, a log and a worker."""

    def __init__(self, data: Path, secrets: Secrets, server: NatsServer, client: Client) -> None:
        self._data = data
        self._secrets = secrets
        self._server = server
        self._client = client
        self._flow = TradeFlow()
        self._acknowledged: dict[int, int] = {}
        """Time of a journal batch → when the log had its events. Nanoseconds since 1970."""

    async def latency(self, seconds: float) -> dict[str, Any]:
        """Of every message of every subscriber."""
        worker = await self._start_worker()
        listeners = await self._start_listeners()
        journal, events = await self._logs()
        count, first = round((seconds + WARM_SECONDS) * BATCHES_PER_S), time_ns()
        times = [first + number * 1_000_000_000 // BATCHES_PER_S for number in range(count)]
        pairs = [self._flow.batches(TRADES_PER_S // BATCHES_PER_S, time) for time in times]
        gc.freeze()
        behind = 0.0
        started = perf_counter()
        for number, (time, pair) in enumerate(zip(times, pairs, strict=True)):
            due = started + number / BATCHES_PER_S
            behind = max(behind, perf_counter() - due if number >= WARM_SECONDS * BATCHES_PER_S else 0.0)
            await asyncio.sleep(max(due - perf_counter(), 0))
            await journal.append(number + 1, pair[0])
            await events.append(number + 1, pair[1])
            self._acknowledged[time] = time_ns()
        await asyncio.sleep(SETTLE_SECONDS)
        output, _ = await listeners.communicate(b"")  # Whose end is the end of their input.
        heard = msgspec.msgpack.decode(output, type=Heard)
        worker.terminate()
        await worker.wait()
        whole = seconds + WARM_SECONDS
        since = first + round(WARM_SECONDS * 1e9)
        return {
            "trades_per_s": TRADES_PER_S,
            "subscribers": SUBSCRIBERS,
            "messages_per_s": heard.messages / whole,
            "megabytes_per_s": heard.size / whole / 1e6,
            "log_behind_ms_max": behind * 1_000,
            "arrived": {channel: self._ages(since, *columns[:2]) for channel, columns in heard.channels.items()},
            "read": {channel: self._ages(since, columns[0], columns[2]) for channel, columns in heard.channels.items()},
        }

    def _ages(self, since: int, changes: bytes, heard: bytes) -> dict[str, float]:
        """Of the newest change in each message, from the log's answer on; one that came before that was as fast as it."""
        pairs = zip(array("q", changes), array("q", heard), strict=True)
        ages = percentiles(
            array("q", (max(0, then - self._acknowledged.get(time, then)) for time, then in pairs if time >= since))
        )
        return {"p50_ms": ages.p50, "p99_ms": ages.p99, "p999_ms": ages.p999}

    async def catch_up(self, trades: int) -> dict[str, float]:
        """A worker that begins with an empty file, until it answers with all trades."""
        journal, events = await self._logs()
        number = await events.last()
        for pair in self._flow.all_batches(trades - self._flow.trades, 250, time_ns(), 60.0):
            number += 1
            await journal.append(number, pair[0])
            await events.append(number, pair[1])
        for path in self._data.glob("ticks.duckdb*"):
            path.unlink()
        started = perf_counter()
        worker = await self._start_worker()
        seconds = perf_counter() - started
        worker.terminate()
        await worker.wait()
        return {"trades": self._flow.trades, "seconds": seconds, "trades_per_s": self._flow.trades / seconds}

    async def _logs(self) -> tuple[Log, Log]:
        logs = JetStreamLog(self._client, JOURNAL), JetStreamLog(self._client, events_log(1))
        for log in logs:
            await log.create()
        return logs

    async def _start_listeners(self) -> asyncio.subprocess.Process:
        """Returns when all subscribe to everything."""
        arguments = ["-P", "-m", "exchange.ticks.listeners", self._server.url, str(SUBSCRIBERS), *SYMBOLS]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            preexec_fn=tie_to_parent(),
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{self._secrets.worker}\n".encode())
        if await process.stdout.readline() != b"ready\n":
            raise RuntimeError("the subscribers ended")
        return process

    async def _start_worker(self) -> asyncio.subprocess.Process:
        """Returns when it answers: it has then caught up."""
        arguments = ["-P", "-m", "exchange.ticks", "--data", str(self._data)]
        process = await asyncio.create_subprocess_exec(sys.executable, *arguments, preexec_fn=tie_to_parent())
        while True:
            try:
                answer = await self._client.request(public("symbols"), b"", timeout=5)
            except nats.errors.NoRespondersError:
                if process.returncode is not None:
                    raise RuntimeError("the ticks worker ended") from None
                await asyncio.sleep(0.01)
                continue
            infos = msgspec.json.decode(answer.data, type=list[SymbolInfo])
            assert sum(info.trades for info in infos) == self._flow.trades
            return process


async def measure(seconds: float, trades: int) -> dict[str, Any]:
    """Both figures."""
    with tempfile.TemporaryDirectory(prefix="exchange-bench-") as directory:
        data = Path(directory)
        secrets = load_secrets(data)
        shutil.copy(str(resources.files("exchange").joinpath("market.yaml")), data / MARKET_FILE)
        async with NatsServer(ServerOptions(data=data), secrets, tie_to_parent()) as server:
            (data / RUNTIME_FILE).write_bytes(encode({"server": server.url, "websocket": server.websocket_url}))
            client = await connect(server.url, "worker", secrets.worker, name="bench")
            bench = Bench(data, secrets, server, client)
            figures = {"publish": await bench.latency(seconds), "catch_up": await bench.catch_up(trades)}
            await client.close()
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -P -m exchange.ticks.live_bench", description="Measures a ticks worker.")
    parser.add_argument("--seconds", type=float, default=10.0, help="of load")
    parser.add_argument("--trades", type=int, default=1_000_000, help="to catch up with")
    arguments = parser.parse_args()
    import uvloop

    print(json.dumps(uvloop.run(measure(arguments.seconds, arguments.trades))))


if __name__ == "__main__":
    main()
