"""The embedded nats-server: what it is told, how it starts and ends, and what it says when it cannot."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import socket
import stat
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import nats.errors
import pytest
from nats.js.api import StreamConfig

from exchange.secrets import load_secrets
from exchange.server import NatsServer, ServerError, ServerOptions, find_binary, read_ports, write_config
from tests.conftest import TestServer


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
async def stopped(tmp_path: Path) -> AsyncIterator[NatsServer]:
    """A server that has not been started."""
    server = NatsServer(ServerOptions(data=tmp_path), load_secrets(tmp_path))
    yield server
    await server.stop()


def monitor(server: NatsServer, page: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{server.monitor_url}/{page}", timeout=5) as answer:
        result: dict[str, Any] = json.load(answer)
        return result


def test_the_configuration_is_private(tmp_path: Path) -> None:
    config = write_config(ServerOptions(data=tmp_path), load_secrets(tmp_path))
    assert stat.S_IMODE(config.stat().st_mode) == 0o600


async def test_it_runs_as_the_market_needs_it(nats_server: TestServer) -> None:
    server = nats_server.server
    assert (await asyncio.to_thread(monitor, server, "healthz"))["status"] == "ok"
    jetstream = (await asyncio.to_thread(monitor, server, "jsz"))["config"]
    assert jetstream["sync_always"] is True
    assert jetstream["strict"] is True
    assert Path(jetstream["store_dir"]) == nats_server.data / "jetstream"
    general = await asyncio.to_thread(monitor, server, "varz")
    assert general["max_payload"] == 1024 * 1024
    assert general["auth_required"] is True
    assert general["websocket"]["compression"] is True
    assert {general["host"], general["http_host"], general["websocket"]["host"]} == {"127.0.0.1"}


async def test_no_secret_is_in_arguments_or_logs(nats_server: TestServer) -> None:
    client = await nats_server.connect()
    await client.flush()
    assert nats_server.server.process is not None
    process = Path(f"/proc/{nats_server.server.process.pid}")
    shown = b"".join(path.read_bytes() for path in (process / "cmdline", process / "environ", nats_server.data / "nats.log"))
    secrets = nats_server.secrets
    for secret in (secrets.worker, secrets.auth, secrets.bots, secrets.system, secrets.operator, secrets.issuer_seed):
        assert secret.encode() not in shown


async def test_it_starts_and_stops_quickly(stopped: NatsServer) -> None:
    begin = time.perf_counter()
    await stopped.start()
    assert time.perf_counter() - begin < 10  # Usually 0.05 s; a busy machine takes longer.
    begin = time.perf_counter()
    await stopped.stop()
    assert time.perf_counter() - begin < 10
    assert stopped.process is not None
    assert stopped.process.returncode is not None


async def test_everything_is_kept_over_a_restart(nats_server: TestServer) -> None:
    server = nats_server.server
    ports, secrets = server.ports, nats_server.secrets
    before = await nats_server.connect()
    await before.jetstream().add_stream(StreamConfig(name="LOG", subjects=["log"]))
    assert (await before.jetstream().publish("log", b"kept")).seq == 1
    await before.close()
    assert server.process is not None
    server.process.kill()
    assert await server.wait() == -signal.SIGKILL
    await server.start()
    assert server.ports == ports
    assert read_ports(nats_server.data) == ports
    assert load_secrets(nats_server.data) == secrets
    after = await nats_server.connect()
    assert (await after.jetstream().get_msg("LOG", 1)).data == b"kept"


@pytest.mark.parametrize("which", ["client_port", "websocket_port", "monitor_port"])
async def test_a_taken_port_is_one_clear_line(tmp_path: Path, taken_port: int, which: str) -> None:
    options: dict[str, Any] = {which: taken_port}
    server = NatsServer(ServerOptions(data=tmp_path, **options), load_secrets(tmp_path))
    with pytest.raises(ServerError) as caught:
        await server.start()
    assert str(caught.value) == f"port {taken_port} is taken by another program"
    assert server.process is not None
    assert server.process.returncode is not None, "nothing is left half started"


async def test_a_missing_binary_is_one_clear_line(stopped: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXCHANGE_NATS_SERVER", "/nowhere/nats-server")
    with pytest.raises(ServerError, match="EXCHANGE_NATS_SERVER=/nowhere/nats-server: there is no such program"):
        await stopped.start()
    monkeypatch.delenv("EXCHANGE_NATS_SERVER")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ServerError, match="no nats-server found"):
        await stopped.start()
    assert stopped.process is None


async def test_a_binary_can_be_named(stopped: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXCHANGE_NATS_SERVER", "/bin/false")
    assert find_binary() == Path("/bin/false")
    with pytest.raises(ServerError, match="the NATS server did not start"):
        await stopped.start()


async def test_a_setting_it_does_not_know_is_one_clear_line(stopped: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.server._config", lambda *_: {"no_such_setting": 1})
    with pytest.raises(ServerError, match=r"did not start: .*no_such_setting"):
        await stopped.start()


async def test_an_unusable_data_directory_is_one_clear_line(tmp_path: Path) -> None:
    secrets = load_secrets(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ServerError, match="file"):
        await NatsServer(ServerOptions(data=tmp_path / "file"), secrets).start()


async def test_a_server_left_behind_is_ended_first(nats_server: TestServer) -> None:
    """Two servers on one store would destroy it; the first one's supervisor may have been killed."""
    assert nats_server.server.process is not None
    second = NatsServer(ServerOptions(data=nats_server.data), nats_server.secrets)
    await second.start()
    try:
        assert await asyncio.wait_for(nats_server.server.wait(), 30) is not None
    finally:
        await second.stop()


async def test_a_server_that_cannot_be_identified_is_left_alone(nats_server: TestServer) -> None:
    (nats_server.data / "nats.pid").write_text(str(os.getpid()))
    with pytest.raises(ServerError, match="another NATS server still uses"):
        await NatsServer(ServerOptions(data=nats_server.data), nats_server.secrets).start()
    assert nats_server.server.process is not None
    assert nats_server.server.process.returncode is None


async def test_wrong_passwords_of_static_users_are_refused(nats_server: TestServer) -> None:
    for user in ("worker", "auth", "bots", "system"):
        await nats_server.connect(user)
        with pytest.raises(nats.errors.Error, match="Authorization Violation"):
            await nats_server.connect(user, "wrong")


async def test_pages_of_other_origins_are_refused(tmp_path: Path) -> None:
    options = ServerOptions(data=tmp_path, allowed_origins=("http://market.example",))
    async with NatsServer(options, load_secrets(tmp_path)) as server:
        assert await upgrade(server.ports.websocket, "http://market.example") == 101
        assert await upgrade(server.ports.websocket, "http://evil.example") == 403


async def upgrade(port: int, origin: str) -> int:
    """Status of a websocket handshake from a page of this origin."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Origin: " + origin.encode() + b"\r\n\r\n"
    )
    status = int((await reader.readline()).split()[1])
    writer.close()
    await writer.wait_closed()
    return status


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the address space")
async def test_a_damaged_store_cannot_take_all_memory(nats_server: TestServer) -> None:
    process = nats_server.server.process
    assert process is not None
    assert resource.prlimit(process.pid, resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY
