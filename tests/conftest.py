"""A real NATS server for every test that asks for one, on free ports and an own data directory; and whole markets."""

from __future__ import annotations

import argparse
import shutil
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import msgspec
import pytest
from nats.aio.client import Client

from exchange.market import Market, load_market
from exchange.parent import tie_to_parent
from exchange.secrets import Secrets, load_secrets
from exchange.server import NatsServer, ServerOptions
from exchange.settings import MARKET_FILE, RUNTIME_FILE, Settings
from exchange.subjects import inbox_prefix
from exchange.worker import Worker
from tests.e2e.market_process import fresh_market, market  # noqa: F401 - fixtures for all tests
from tests.scheduling import pytest_collection_modifyitems, pytest_xdist_make_scheduler  # noqa: F401

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell starts what it puts into the background deaf to Ctrl-C, and all that this starts would be, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

CONNECT_SECONDS_MAX = 5
"""More than the server's patience with a log-in."""


async def settle(*clients: Client) -> None:
    """Return when the server has done all that these connections asked for before, and has told them what came of it.

    Two flushes, because the PING of nats-py's `flush` overtakes whatever still waits to be written.
    """
    for client in clients:
        await client.flush()
        await client.flush()


@dataclass
class TestServer:
    """A running server; its data directory is complete enough for `python -P -m exchange.<worker> --data <data>`."""

    __test__ = False

    data: Path
    secrets: Secrets
    server: NatsServer
    clients: list[Client] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """What the server told the connections of this test, permission violations for example; texts in lower case."""

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def websocket_url(self) -> str:
        return self.server.websocket_url

    @property
    def market(self) -> Market:
        """The market file in force: the built-in one, unless the test has written another."""
        return load_market(self.data / MARKET_FILE)

    @property
    def settings(self) -> Settings:
        return Settings(data=self.data, server=self.url, secrets=self.secrets, market=self.market, state=self.data)

    async def connect(self, user: str = "worker", password: str | None = None, url: str = "") -> Client:
        """A connection with the user's own inbox, closed after the test. Static users need no password."""
        if password is None:
            password = getattr(self.secrets, user, "")

        async def on_error(error: Exception) -> None:
            self.errors.append(str(error))

        client = Client()
        self.clients.append(client)
        await client.connect(
            url or self.url,
            user=user,
            password=password,
            name=f"test {user}",
            inbox_prefix=inbox_prefix(user).encode(),
            connect_timeout=CONNECT_SECONDS_MAX,
            allow_reconnect=False,
            error_cb=on_error,
        )
        return client


@pytest.fixture
async def nats_server(tmp_path: Path) -> AsyncIterator[TestServer]:
    data = tmp_path / "market"
    secrets = load_secrets(data)
    shutil.copy(str(resources.files("exchange").joinpath("market.yaml")), data / MARKET_FILE)
    async with NatsServer(
        ServerOptions(data=data), secrets, tie_to_parent()
    ) as server:  # A killed test run leaves none behind.
        (data / RUNTIME_FILE).write_bytes(msgspec.json.encode({"server": server.url, "websocket": server.websocket_url}))
        running = TestServer(data, secrets, server)
        try:
            yield running
        finally:
            for client in running.clients:
                if not client.is_closed:
                    await client.close()


@pytest.fixture
async def auth_worker(nats_server: TestServer) -> AsyncIterator[Worker]:
    """The auth worker on `nats_server`, in this process: people can log in."""
    from ledger.auth import serving  # Only tests that ask for it pay for its imports.

    worker = Worker("auth", nats_server.settings, await nats_server.connect(), argparse.Namespace())
    async with serving(worker):
        yield worker
