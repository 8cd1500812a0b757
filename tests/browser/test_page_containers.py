"""What docker-compose.yml describes, as plain processes, and a real browser in front of its nginx."""

from __future__ import annotations

import asyncio
import http.client
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import SHARED_LOOP, OpenScreen
from tests.browser.containers import START_SECONDS_MAX, Containers, get

pytestmark = SHARED_LOOP


async def test_the_whole_of_docker_compose(tmp_path: Path, open_screen: OpenScreen) -> None:
    if shutil.which("nginx") is None:
        pytest.fail("this test needs nginx; `make test` installs it")
    containers = Containers(tmp_path)
    try:
        await containers.up()
        written = sorted(path.name for path in (tmp_path / "data").iterdir())
        assert written == ["market.yaml", "runtime.json", "secrets.json"], "the data directory can be mounted read-only"
        await trade(containers, open_screen)
        await all_are_well(containers)
        status = await asyncio.to_thread(exchange, containers, "status", "--json")
        assert json.loads(status)["problems"] == []
        await asyncio.to_thread(sent_to_tls, containers.addresses["proxy/1"])
    finally:
        containers.down()


async def trade(containers: Containers, open_screen: OpenScreen) -> None:
    """Over TLS and nginx, page and websockets."""
    market: Any = containers
    screen = await open_screen(market, ignore_https_errors=True)
    assert containers.runtime["websocket"] == f"wss{containers.page.removeprefix('https')}/nats"
    await expect(screen.part(".asks [data-price]").last).to_be_visible()
    await screen.signed_up("alice")
    await screen.order("buy", 10)
    await screen.choose("fills")
    await expect(screen.part("#fills tbody tr").first).to_be_visible()
    await screen.page.close()


async def all_are_well(containers: Containers) -> None:
    """nginx's health page lists every worker, and each stage is led once. Whoever is slow to start is listed later."""
    expected = {"auth": 1, "ledger": 2, "engine": 2, "historian": 1, "ticks": 2, "bots": 1, "web": 1}
    health: list[dict[str, Any]] = []
    async with asyncio.timeout(START_SECONDS_MAX):
        while Counter(one["worker"] for one in health) != expected:
            containers.start_again()
            status, content = await asyncio.to_thread(get, f"{containers.page}/health")
            assert status == 200
            health = json.loads(content)
    led = Counter(part["name"] for one in health for part in one.get("parts", []) if part.get("standing") == "leading")
    assert led == dict.fromkeys(("ledger", "engine-1", "engine-2", "engine-3", "engine-4", "ticks"), 1)


def sent_to_tls(host: str) -> None:
    """Whoever comes without."""
    connection = http.client.HTTPConnection(host, 8080, timeout=5)
    connection.request("GET", "/config.json")
    answer = connection.getresponse()
    assert (answer.status, answer.headers["location"]) == (301, f"https://{host}/config.json")
    connection.close()


def exchange(containers: Containers, *arguments: str) -> str:
    """As `docker compose exec ledger exchange --data /data …`."""
    command = [sys.executable, "-m", "exchange.cli", "--data", str(containers.directory / "data"), *arguments]
    return subprocess.run(command, env=containers.environment, check=True, capture_output=True, text=True).stdout
