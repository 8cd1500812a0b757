"""What somebody unkind can take of the web worker: real connections to uvicorn, as the worker runs it, in this process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn

from exchange.proxies import Shared
from tests.web.test_page_server import MARKET
from web import connections
from web.connections import Connection
from web.page import load_page
from web.server import application
from web.worker import Server

REQUEST = b"GET /vendor/nats.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
PATIENCE_SECONDS = 0.3


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(connections, "PATIENCE_SECONDS", PATIENCE_SECONDS)
    listener = socket.create_server(("127.0.0.1", 0))
    app = application(load_page(), MARKET, lambda: True)
    server = Server(uvicorn.Config(app, http=Connection, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    yield listener.getsockname()[1]
    server.should_exit = True
    await serving
    assert Connection.counts == {}


async def heard(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the server ends the connection, in whatever way."""
    content = b""
    async with asyncio.timeout(60):
        try:
            while part := await reader.read(65_536):
                content += part
        except ConnectionError:
            pass
    return content


@pytest.mark.parametrize("said", [b"", b"GET / HT", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\nx"])
async def test_who_says_nothing_or_not_all_is_cut_off(port: int, said: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    answer = await heard(reader)
    assert answer == b"" or (said.startswith(b"POST") and answer.startswith(b"HTTP/1.1 405"))
    writer.close()


async def test_who_says_a_word_at_a_time_is_cut_off(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\n")
    hearing = asyncio.create_task(heard(reader))
    while not hearing.done():
        writer.write(b"X-A: b\r\n")
        await asyncio.wait({hearing}, timeout=PATIENCE_SECONDS / 10)
    assert hearing.result() == b""
    writer.close()


async def test_who_never_reads_is_cut_off(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        await asyncio.to_thread(client.sendall, REQUEST * 50)
        async with asyncio.timeout(60):
            while not Connection.counts:  # noqa: ASYNC110 - the server counts
                await asyncio.sleep(0.01)
            while Connection.counts:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_one_address_has_its_share_of_connections(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "PATIENCE_SECONDS", 30.0)
    monkeypatch.setattr(connections, "CONNECTIONS_PER_ADDRESS_MAX", 3)
    proxy = await asyncio.open_connection("127.0.0.1", port)
    monkeypatch.setattr(connections, "SHARED", _Nobody(""))
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
    assert await heard(opened[-1][0]) == b"", "the fourth"
    for reader, writer in (proxy, *opened[:2]):
        writer.write(REQUEST)
        assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
    for _, writer in (proxy, *opened):
        writer.close()


class _Nobody(Shared):
    def __contains__(self, address: str) -> bool:
        return False


@pytest.mark.parametrize("said", [b"\x16\x03\x01\x02\x00", b"GET /" + b"x" * 100_000, b"GET / HTTP/1.1\r\nX: " + b"x" * 99_999])
async def test_what_is_no_request_is_refused(port: int, said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "PATIENCE_SECONDS", 30.0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said + b"\r\n\r\n")
    assert (await heard(reader)).startswith(b"HTTP/1.1 400")
    writer.close()
