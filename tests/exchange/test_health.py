"""How workers are, as they say themselves: over NATS to whoever may ask, and over HTTP."""

from __future__ import annotations

import asyncio
import http.client
import logging
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import msgspec
import pytest

from exchange import probes
from exchange.health import HealthDesk, decode_health, everybody
from exchange.messages.health import Health
from exchange.probes import answer
from tests.conftest import TestServer
from tests.e2e.market_process import RunningMarket

WORKERS = ("auth", "bots", "engine", "historian", "ledger", "ticks", "web")


def get(address: str, path: str) -> tuple[int, bytes]:
    """Status and content of an answer over HTTP."""
    parts = urlsplit(address)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    try:
        connection.request("GET", path)
        answered = connection.getresponse()
        return answered.status, answered.read()
    finally:
        connection.close()


async def all_of(market: RunningMarket) -> dict[str, Health]:
    """Worker → its health, when all of them are ready."""
    async with await market.connect("operator") as operator:
        while True:
            found = {health.worker: health for health in await everybody(await operator.connection())}
            if sorted(found) == sorted(WORKERS) and all(health.ready for health in found.values()):
                return found


async def test_every_worker_says_how_it_is(market: RunningMarket) -> None:
    found = await all_of(market)
    assert {health.pid for health in found.values()} == set(market.runtime["workers"].values()) - {
        market.runtime["workers"]["nats"]
    }
    standings = {part.name: part.standing for health in found.values() for part in health.parts}
    assert standings == {"ledger": "leading", "engine-1": "leading", "ticks": "leading", "historian": ""}
    for health in found.values():
        for part in health.parts:
            assert part.positions.keys() == {"JOURNAL", "EVENTS_1"}
            assert part.positions["JOURNAL"].applied > 0


async def test_http_tells_the_same(market: RunningMarket) -> None:
    for worker, told in (await all_of(market)).items():
        assert await asyncio.to_thread(get, told.http, "/healthz") == (200, b"ok\n")
        status, content = await asyncio.to_thread(get, told.http, "/readyz")
        asked = decode_health(content)
        assert (status, asked.worker, asked.pid, asked.started) == (200, worker, told.pid, told.started)
        assert (await asyncio.to_thread(get, told.http, "/secrets.json"))[0] == 404
        status, content = await asyncio.to_thread(get, told.http, "/healthz/all")
        if worker == "bots":
            assert (status, content) == (503, b"[]"), "the user `bots` may not ask others"
        else:
            everyone = msgspec.json.decode(content, type=list[Health])
            assert {health.worker for health in everyone} == set(WORKERS)


async def test_a_worker_that_lost_the_server_is_alive_and_not_ready(nats_server: TestServer) -> None:
    desk = HealthDesk("web", await nats_server.connect())
    await desk.start()
    assert (await desk.report()).why == "starting"
    desk.open = True
    assert [health.ready for health in await desk.everybody()] == [True]
    logging.getLogger("nats").warning("the server %s", "goes")
    await nats_server.server.stop()
    while (told := await desk.report()).ready:  # noqa: ASYNC110 - nats-py tells nobody
        await asyncio.sleep(0)
    assert told.why == "no connection to the NATS server"
    assert [(line.level, line.text) for line in told.complaints] == [("WARNING", "the server goes")]
    loop = asyncio.get_running_loop()
    assert (await asyncio.to_thread(answer, desk, loop, "/readyz"))[0] == 503
    assert (await asyncio.to_thread(answer, desk, loop, "/healthz"))[0] == 200, "that is no reason to kill it"


async def test_an_event_loop_that_hangs_is_noticed(nats_server: TestServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "HANG_SECONDS", 0.1)
    desk, loop = HealthDesk("web", await nats_server.connect()), asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as thread:
        hanging = thread.submit(answer, desk, loop, "/healthz").result()  # Nothing else happens until the thread is done.
    assert hanging == (503, "text/plain", b"the event loop hangs\n")
    assert (await asyncio.to_thread(answer, desk, loop, "/healthz"))[0] == 200
