from __future__ import annotations

import asyncio

import pytest
from nats.aio.msg import Msg

from exchange.connection import connect
from tests.conftest import TestServer


async def test_a_cancellation_that_comes_with_the_answer_is_not_forgotten(nats_server: TestServer) -> None:
    service = await nats_server.connect()
    asked, answer = asyncio.Event(), asyncio.Event()

    async def respond(message: Msg) -> None:
        asked.set()
        await answer.wait()
        await message.respond(b"")

    await service.subscribe("question", cb=respond)
    await service.flush()
    client = await connect(nats_server.url, "worker", nats_server.secrets.worker, name="test")
    task = asyncio.create_task(client.request("question", b"", timeout=10))
    await asked.wait()
    (future,) = client._resp_map.values()
    future.add_done_callback(lambda _: task.cancel())
    answer.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await client.request("question", b"", timeout=10)).data == b""
    await client.close()
