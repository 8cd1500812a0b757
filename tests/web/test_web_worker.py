"""The web worker as a process: it says where it listens, serves, and goes when it is told."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.conftest import TestServer
from tests.exchange.test_health import get

SECONDS_MAX = 60.0
POLL_SECONDS = 0.02


@asynccontextmanager
async def web_worker(data: Path, port: int = 0) -> AsyncIterator[asyncio.subprocess.Process]:
    command = (sys.executable, "-P", "-m", "exchange.web", "--data", str(data), "--port", str(port))
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_serves_and_stops(nats_server: TestServer) -> None:
    told = nats_server.data / "web.json"
    async with web_worker(nats_server.data) as process, asyncio.timeout(SECONDS_MAX):
        while not told.exists():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(POLL_SECONDS)
        address = json.loads(told.read_text())["http"]
        assert await asyncio.to_thread(get, address, "/healthz") == (200, b'{"status":"ok"}')
        status, config = await asyncio.to_thread(get, address, "/config.json")
        assert status == 200
        assert json.loads(config) == {
            "title": nats_server.market.title,
            "sign_up": True,
            "invitation": False,
            "websocket": nats_server.websocket_url,
        }
        process.send_signal(signal.SIGTERM)
        _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()


async def test_a_taken_port_is_one_line(nats_server: TestServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with web_worker(nats_server.data, taken.getsockname()[1]) as process, asyncio.timeout(SECONDS_MAX):
            _, errors = await process.communicate()
    assert process.returncode == 1
    assert "Traceback" not in errors.decode()
    assert "in use" in errors.decode()
