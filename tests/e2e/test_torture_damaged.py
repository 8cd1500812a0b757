"""A log that was shortened or altered: workers refuse to start, and say which sequence is wrong."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from nats.aio.client import Client as Connection

from exchange.connection import connect
from exchange.log import JetStreamLog
from exchange.secrets import load_secrets
from exchange.server import NatsServer, ServerOptions
from tests.e2e.market_process import start_market
from tests.e2e.verdict import read_log

WORKERS = {
    "ledger": ("exchange.ledger",),
    "engine": ("exchange.engine",),
    "historian": ("exchange.ledger.historian",),
    "ticks": ("exchange.ticks",),
    "ledger's audit": ("exchange.ledger.audit",),
    "engine's audit": ("exchange.engine.audit", "--shard", "1"),
}
AFTER_THE_END = {"JOURNAL": ["ledger", "engine", "historian"], "EVENTS_1": ["ledger", "engine", "historian", "ticks"]}
"""Who has read a log to its end when a market is stopped: ticks ends before the ledger does."""
TRADES = 5
EXIT_SECONDS_MAX = 180.0
Change = Callable[[list[bytes]], list[bytes]]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data of a market with its bots that was stopped in order: snapshots tell where the logs ended."""
    return _data(tmp_path_factory.mktemp("stopped"), kill=False)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data of a market that was killed before the first snapshot: recovery reads the logs from their start."""
    return _data(tmp_path_factory.mktemp("killed"), kill=True)


def _data(directory: Path, kill: bool) -> Path:
    market = start_market(directory)

    def busy() -> bool:
        return any(len(market.ask("trades", symbol, "--limit", "100")) >= TRADES for symbol in ("KRYP", "ADAM", "PUPS"))

    market.wait_until(busy, "the bots do not trade")
    if kill:
        market.process.kill()
        market.process.wait()
    else:
        assert market.stop() == 0
    return market.data


def shorten(batches: list[bytes]) -> list[bytes]:
    return batches[:-1]


def alter_last(batches: list[bytes]) -> list[bytes]:
    return [*batches[:-1], _flip(batches[-1])]


def alter_middle(batches: list[bytes]) -> list[bytes]:
    middle = next(index for index in range(len(batches) // 2, 0, -1) if b'"time"' in batches[index])
    return [*batches[:middle], _flip(batches[middle]), *batches[middle + 1 :]]


def _flip(payload: bytes) -> bytes:
    """Another digit in a time: still a batch, but not the one that was written."""
    place = payload.rindex(b'"time":') + 20
    digit = b"1" if payload[place : place + 1] != b"1" else b"2"
    return payload[:place] + digit + payload[place + 1 :]


@asynccontextmanager
async def server_on(data: Path) -> AsyncIterator[Connection]:
    """Run a server on a market's data; a worker's connection."""
    secrets = load_secrets(data)
    for left in ("runtime.json", "lock"):
        (data / left).unlink(missing_ok=True)
    async with NatsServer(ServerOptions(data=data), secrets) as server:
        (data / "runtime.json").write_bytes(msgspec.json.encode({"server": server.url}))
        connection = await connect(server.url, "worker", secrets.worker, name="vandal")
        yield connection
        await connection.close()


async def start_on(data: Path, log: str, change: Change, workers: list[str]) -> tuple[int, dict[str, str]]:
    """Change a log of a market, then start workers on it: how long the log was, and what each worker said at its end."""
    async with server_on(data) as connection:
        batches = await read_log(connection, log)
        await connection.jetstream().delete_stream(log)
        damaged = JetStreamLog(connection, log)
        await damaged.create()
        for number, payload in enumerate(change(batches), start=1):
            await damaged.append(number, payload)
        return len(batches), await all_said(data, workers)


async def all_said(data: Path, workers: list[str]) -> dict[str, str]:
    """What each worker says at its end, which must come soon."""
    said = await asyncio.gather(*(_said(data, WORKERS[worker]) for worker in workers))
    return dict(zip(workers, said, strict=True))


async def _said(data: Path, module: tuple[str, ...]) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "EXCHANGE_SERVER"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", *module, "--data", str(data)), stderr=asyncio.subprocess.PIPE, env=environment
    )
    try:
        async with asyncio.timeout(EXIT_SECONDS_MAX):
            _, errors = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise AssertionError(f"{module[0]} runs on a damaged log") from None
    assert process.returncode == 1
    return errors.decode().strip().splitlines()[-1]


@pytest.mark.parametrize("log", ["JOURNAL", "EVENTS_1"])
async def test_a_shortened_log_is_refused(stopped: Path, tmp_path: Path, log: str) -> None:
    data = Path(shutil.copytree(stopped, tmp_path / "data"))
    number, said = await start_on(data, log, shorten, AFTER_THE_END[log])
    for worker, line in said.items():
        assert f"{log}: ends at sequence {number - 1}, but " in line, (worker, line)
        assert f"sequence {number}" in line, (worker, line)


@pytest.mark.parametrize("log", ["JOURNAL", "EVENTS_1"])
async def test_an_altered_last_batch_is_refused(stopped: Path, tmp_path: Path, log: str) -> None:
    data = Path(shutil.copytree(stopped, tmp_path / "data"))
    number, said = await start_on(data, log, alter_last, AFTER_THE_END[log])
    for worker, line in said.items():
        assert f"{log}: sequence {number} is not what" in line, (worker, line)
        assert "altered" in line, (worker, line)


@pytest.mark.parametrize("log", ["JOURNAL", "EVENTS_1"])
async def test_an_altered_batch_in_the_middle_is_refused(killed: Path, tmp_path: Path, log: str) -> None:
    data = Path(shutil.copytree(killed, tmp_path / "data"))
    batches: list[bytes] = []

    def change(before: list[bytes]) -> list[bytes]:
        batches.extend(before)
        return alter_middle(before)

    _, said = await start_on(data, log, change, ["ledger", "engine"])
    altered = next(index for index, (a, b) in enumerate(zip(batches, alter_middle(batches), strict=True), 1) if a != b)
    for worker, line in said.items():
        assert f"{log}: sequence {altered + 1} does not continue sequence {altered}" in line, (worker, line)


@pytest.mark.parametrize("log", ["JOURNAL", "EVENTS_1"])
async def test_a_log_shortened_before_the_first_snapshot_is_refused(killed: Path, tmp_path: Path, log: str) -> None:
    """The other log remembers: it says how much of this one it contains."""
    data = Path(shutil.copytree(killed, tmp_path / "data"))
    number, said = await start_on(data, log, lambda batches: batches[: len(batches) // 2], ["ledger", "engine"])
    for worker, line in said.items():
        assert f"{log}: ends at sequence {number // 2}, but" in line, (worker, line)


@pytest.mark.parametrize("log", ["JOURNAL", "EVENTS_1"])
async def test_a_byte_that_changed_on_the_disk_is_found(stopped: Path, killed: Path, tmp_path: Path, log: str) -> None:
    """The server leaves the batch out without a word. Whoever reads the log from its start refuses it."""
    for before, workers in ((stopped, ["ledger's audit", "engine's audit"]), (killed, ["ledger", "engine"])):
        data = Path(shutil.copytree(before, tmp_path / before.parent.name))
        block = data / "jetstream" / "APP" / "streams" / log / "msgs" / "1.blk"
        content = block.read_bytes()
        place = content.index(b'"time":', len(content) // 2) + 20
        number = int(content[content.rindex(b'{"number":', 0, place) :].split(b",")[0].partition(b":")[2])
        block.write_bytes(content[:place] + (b"1" if content[place : place + 1] != b"1" else b"2") + content[place + 1 :])
        async with server_on(data):
            for worker, line in (await all_said(data, workers)).items():
                # After a hard end the server forgets all from there on, after an orderly one only that batch.
                ends = f"{log}: ends at sequence {number - 1}, but "
                assert f"{log}: sequence {number} is missing" in line or ends in line, (worker, line)
