"""`exchange backup` and `exchange restore`: a market as files, while it runs, and a market from them."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exchange.market import MarketError, load_market
from exchange.parent import tie_to_parent
from exchange.secrets import SecretsError, keep_private, load_secrets
from exchange.server import ServerError
from exchange.settings import MARKET_FILE, STATE_VARIABLE

from .directory import DataDirectory
from .listening import choose_listening
from .output import say, show_json
from .problem import Problem
from .scope import Scope
from .servers import addresses_of, make_servers

if TYPE_CHECKING:
    from nats.aio.client import Client

    from exchange.backup import Manifest

TARGET = typer.Argument(metavar="DIR", help="A directory that is new, or empty.", show_default=False)
SOURCE = typer.Argument(metavar="DIR", help="Made by `exchange backup`.", show_default=False, exists=True, file_okay=False)


async def backup(scope: Scope, directory: Annotated[Path, TARGET]) -> None:
    """Copy the whole market as it is at one moment, while it runs: all logs, log-ins, bots, the market file and the secrets.

    Who holds a backup holds the market's secrets: keep it as safe as the data directory.
    """
    from exchange.backup import back_up

    keep_private()
    started = time.monotonic()
    async with _working(scope, scope.address) as client:
        manifest = await back_up(client, scope.data_directory, _state(scope), directory)
    _say(scope, manifest, f"in {directory}", time.monotonic() - started)


async def restore(scope: Scope, directory: Annotated[Path, SOURCE]) -> None:
    """Make a market of a backup, in a new data directory (--data); then `exchange up`, and `exchange audit` proves it.

    With --server, into servers that run and are empty; the data directory then gets the files only.
    """
    from exchange.backup import restore_files, restore_logs

    keep_private()
    started = time.monotonic()
    if scope.server:
        with _one_line():
            restore_files(directory, scope.data_directory, _state(scope))
        async with _working(scope, scope.server) as client:
            manifest = await restore_logs(client, directory, load_market(scope.data_directory / MARKET_FILE).replicas)
    else:
        with DataDirectory.take(scope.data_directory) as data:
            with _one_line():
                restore_files(directory, data.path, data.path)
            manifest = await _restore_alone(scope, directory, data.path)
    _say(scope, manifest, f"restored into {scope.data_directory}", time.monotonic() - started)


async def _restore_alone(scope: Scope, source: Path, data: Path) -> Manifest:
    """Into servers of its own, which run for that long only."""
    from exchange.backup import restore_logs

    rules = load_market(data / MARKET_FILE)
    ports = dict.fromkeys(("--port", "--nats-port", "--ws-port"), 0)
    listening = choose_listening(None, False, [], "")
    servers = make_servers(data, rules, load_secrets(data), ports, listening, tie_to_parent())
    try:
        await asyncio.gather(*(server.start() for server in servers))
        async with _working(scope, addresses_of(servers)["server"]) as client:
            return await restore_logs(client, source, rules.replicas)
    except ServerError as error:
        raise Problem(str(error)) from None
    finally:
        for server in servers:
            await server.stop()


@asynccontextmanager
async def _working(scope: Scope, address: str) -> AsyncIterator[Client]:
    """A connection with the rights of a worker, whose password stands in the data directory."""
    from exchange.connection import connect

    with _one_line():
        client = await connect(address, "worker", load_secrets(scope.data_directory).worker, name="backup")
        try:
            yield client
        finally:
            await client.close()


@contextmanager
def _one_line() -> Iterator[None]:
    import nats.errors

    from exchange.backup_base import BackupError
    from exchange.log import AppendDoubtful, AppendRefused, LogDamaged

    problems = (BackupError, AppendDoubtful, AppendRefused, LogDamaged, MarketError, SecretsError, OSError, sqlite3.Error)
    try:
        yield
    except (*problems, nats.errors.Error, TimeoutError) as error:
        raise Problem(str(error) or type(error).__name__) from None


def _state(scope: Scope) -> Path:
    """Where the bots worker on this machine keeps its own."""
    return Path(os.environ.get(STATE_VARIABLE) or scope.data_directory)


def _say(scope: Scope, manifest: Manifest, where: str, seconds: float) -> None:
    if scope.json:
        show_json(manifest)
        return
    logs = ", ".join(f"{name} {number:,}" for name, number in manifest.logs.items())
    say(f"{where}, in {seconds:.1f} s")
    say(f"batches: {logs}; log-ins: {manifest.logins}; files: {', '.join(manifest.files)}")
