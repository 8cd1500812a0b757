"""The same log-ins and permissions over websockets, as a page uses them. A few lines of RFC 6455 stand for the browser."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator

import pytest

from exchange.permissions import guest_name
from exchange.worker import Worker
from ledger.credentials import CredentialStore, Login, new_session, with_session
from tests.conftest import TestServer, settle
from tests.ledger.test_permissions import ROLES, credentials_of, rows

BINARY_FRAME = 0x82


class Browser:
    """Speaks the NATS protocol in binary websocket frames; frames of up to 65 535 bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, url: str, origin: str = "http://localhost:8080") -> Browser:
        host, port = url.removeprefix("ws://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Origin: {origin}\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101"), answer
        return cls(reader, writer)

    async def login(self, user: str, password: str) -> str:
        """Returns what the server answers after its greeting: PONG, or an error."""
        assert (await self.receive()).startswith("INFO ")
        options = {"user": user, "pass": password, "verbose": False, "protocol": 1, "lang": "test", "version": "0"}
        return await self.do(f"CONNECT {json.dumps(options)}\r\n")

    async def do(self, text: str) -> str:
        """Send commands and a PING; what arrives up to the PONG (or the end)."""
        self.send(text + "PING\r\n")
        heard = ""
        async with asyncio.timeout(60):
            while "PONG\r\n" not in heard and "Authorization Violation" not in heard:
                heard += await self.receive()
        return heard

    def send(self, text: str) -> None:
        payload = text.encode()
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        self._writer.write(bytes([BINARY_FRAME, 0x80 | 126]) + len(payload).to_bytes(2, "big") + mask + masked)

    async def receive(self) -> str:
        _, length = await self._reader.readexactly(2)
        if length == 126:
            length = int.from_bytes(await self._reader.readexactly(2), "big")
        return (await self._reader.readexactly(length)).decode()

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


@pytest.fixture
async def page(nats_server: TestServer, auth_worker: Worker) -> AsyncIterator[Browser]:
    page = await Browser.open(nats_server.websocket_url)
    yield page
    await page.close()


@pytest.fixture
async def session(auth_worker: Worker) -> str:
    """alice's session token."""
    store = await CredentialStore.open(auth_worker.nats)
    secret, token = new_session(time.time_ns())
    await store.create("alice", with_session(Login("trader"), token))
    return secret


async def test_a_page_logs_in_and_may_what_its_account_may(nats_server: TestServer, page: Browser, session: str) -> None:
    worker = await nats_server.connect()
    orders = await worker.subscribe("orders.*")
    await settle(worker)
    assert (await page.login("alice", session)).startswith("PONG\r\n")
    heard = await page.do("PUB orders.alice 4\r\nmine\r\nPUB orders.bob 6\r\nforged\r\nSUB reports.bob 1\r\nSUB > 2\r\n")
    assert [line for line in heard.split("\r\n") if line.startswith("-ERR")] == [
        "-ERR 'Permissions Violation for Publish to \"orders.bob\"'",
        "-ERR 'Permissions Violation for Subscription to \"reports.bob\"'",
        "-ERR 'Permissions Violation for Subscription to \">\"'",
    ]
    await settle(worker)
    assert orders.pending_msgs == 1
    assert (await orders.next_msg()).data == b"mine"


async def test_a_page_of_a_guest_hears_the_market_only(nats_server: TestServer, page: Browser) -> None:
    assert (await page.login(guest_name(), "")).startswith("PONG\r\n")
    heard = await page.do("SUB market.> 1\r\nSUB reports.alice 2\r\nPUB orders.alice 1\r\nx\r\n")
    assert heard.count("-ERR 'Permissions Violation") == 2
    worker = await nats_server.connect()
    await worker.publish("market.KRYP.trade", b"public")
    await settle(worker)
    assert "MSG market.KRYP.trade 1 6\r\npublic" in await page.do("")


@pytest.mark.parametrize(("user", "password"), [("alice", "wrong"), ("worker", "wrong"), ("operator", "")])
async def test_a_page_with_a_wrong_password_is_refused(page: Browser, session: str, user: str, password: str) -> None:
    assert "-ERR 'Authorization Violation'" in await page.login(user, password)


@pytest.mark.parametrize("role", ROLES)
async def test_a_page_may_what_its_role_may(nats_server: TestServer, auth_worker: Worker, page: Browser, role: str) -> None:
    """The whole table, in both directions; bots have no page, but the server asks the same of them here."""
    user, password = await credentials_of(nats_server, auth_worker, role)
    assert (await page.login(user, password)).startswith("PONG\r\n")
    for number, (verb, subject, allowed) in enumerate(rows(role)):
        publishing = verb == "publish"
        heard = await page.do(f"PUB {subject} 0\r\n\r\n" if publishing else f"SUB {subject} {number}\r\nUNSUB {number}\r\n")
        kind = "Publish" if publishing else "Subscription"
        refused = f"-ERR 'Permissions Violation for {kind} to \"{subject}\"'" in heard
        assert refused is not allowed, f"{role} {verb} {subject}: {heard}"
