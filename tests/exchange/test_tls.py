"""A market with TLS: what its certificate must be, who trusts it, and that nothing travels without it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from exchange.client import Client, ClientError
from exchange.connection import connect
from exchange.parent import tie_to_parent
from exchange.secrets import load_secrets
from exchange.server import NatsServer, ServerOptions
from exchange.tls import CERTIFICATE_VARIABLE, Tls, TlsError, check

DATA = Path(__file__).parents[1] / "data" / "tls"
FILES = Tls(DATA / "cert.pem", DATA / "key.pem")


def test_the_names_of_a_certificate() -> None:
    assert check(FILES) == ["market.example", "*.market.example", "192.0.2.7"]


@pytest.mark.parametrize(
    ("certificate", "key", "words"),
    [
        ("nothing.pem", "key.pem", "No such file"),
        ("cert.pem", "nameless-key.pem", "do not fit: key values mismatch"),
        ("key.pem", "cert.pem", "do not fit"),
        ("README.md", "key.pem", "do not fit"),
        ("nameless.pem", "nameless-key.pem", "names no host"),
    ],
)
def test_a_certificate_that_cannot_be_used(certificate: str, key: str, words: str) -> None:
    with pytest.raises(TlsError, match=words) as caught:
        check(Tls(DATA / certificate, DATA / key))
    assert "\n" not in str(caught.value)


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NatsServer]:
    monkeypatch.delenv(CERTIFICATE_VARIABLE, raising=False)
    origins = ("https://market.example:8080",)
    options = ServerOptions(data=tmp_path, tls=FILES, allowed_origins=origins)
    async with NatsServer(options, load_secrets(tmp_path), tie_to_parent()) as server:
        yield server


async def test_who_knows_the_certificate_connects(server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = load_secrets(tmp_path).worker
    assert server.url.startswith("tls://")
    with pytest.raises(ClientError, match="not to be trusted: self-signed certificate"):
        await Client.connect(server.url, "worker", secret, patience=1)
    monkeypatch.setenv(CERTIFICATE_VARIABLE, str(DATA / "nameless.pem"))
    with pytest.raises(ClientError, match="not to be trusted"):
        await Client.connect(server.url, "worker", secret, patience=1)
    monkeypatch.setenv(CERTIFICATE_VARIABLE, str(DATA / "nowhere.pem"))
    with pytest.raises(ClientError, match="cannot be read"):
        await Client.connect(server.url, "worker", secret, patience=1)
    monkeypatch.setenv(CERTIFICATE_VARIABLE, str(FILES.certificate))
    async with await Client.connect(server.url, "worker", secret) as client:
        assert (await client.connection()).is_connected
    worker = await connect(server.url, "worker", secret, name="test")
    assert worker.is_connected
    await worker.close()


async def test_nothing_is_served_in_the_clear(server: NatsServer, tmp_path: Path) -> None:
    """A client that sends its secret unencrypted, before it can know better, gets nothing; nor does a websocket."""
    address = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    assert b'"tls_required":true' in await reader.readline()
    writer.write(b'CONNECT {"user":"worker","pass":"%b"}\r\nPING\r\n' % load_secrets(tmp_path).worker.encode())
    async with asyncio.timeout(60):
        said = await reader.read()
    assert b"PONG" not in said
    writer.close()
    websocket = urlsplit(server.websocket_url)
    assert websocket.scheme == "wss"
    reader, writer = await asyncio.open_connection(websocket.hostname, websocket.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    async with asyncio.timeout(60):
        assert b"101" not in await reader.read()
    writer.close()


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://market.example:8080", b"101"),
        ("https://market.example", b"403"),
        ("http://market.example:8080", b"403"),
        ("https://evil.example:8080", b"403"),
        ("null", b"403"),
        ("", b"101"),  # No browser: a program may say what it likes anyway.
    ],
)
async def test_only_pages_of_the_market_may_connect(server: NatsServer, origin: str, status: bytes) -> None:
    address = urlsplit(server.websocket_url)
    context = ssl.create_default_context(cafile=FILES.certificate)
    reader, writer = await asyncio.open_connection(
        address.hostname, address.port, ssl=context, server_hostname="market.example"
    )
    said_origin = f"Origin: {origin}\r\n" if origin else ""
    writer.write(
        f"GET / HTTP/1.1\r\nHost: market.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{said_origin}"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    async with asyncio.timeout(60):
        assert (await reader.readline()).split()[1] == status
    writer.close()
