"""The client against a real server: nothing is placed twice, nothing is silently lost, and every failure has words."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

import pytest
from nats.aio.msg import Msg

from exchange import client as client_module
from exchange import subjects
from exchange.client import Client, ClientError, Forbidden, OutcomeUnknown, Unreachable, decode_answer, new_client_order_id
from exchange.messages.account import Portfolio
from exchange.messages.base import decoder, encode
from exchange.messages.market_data import LIVE_INTERVALS, SymbolInfo
from exchange.messages.requests import Accepted, CancelAll, Refused, Replace, Submit
from tests.conftest import TestServer
from ticks.candles import PUBLISHED

ORDER = Submit("mine", "KRYP", "buy", 100, price=205_000)


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are given up sooner, so that lost ones take no time."""
    monkeypatch.setattr(client_module, "ATTEMPT_SECONDS_MAX", 0.3)


async def connect(server: TestServer, user: str = "worker", patience: float = 10.0) -> Client:
    return await Client.connect(server.url, user, getattr(server.secrets, user), patience=patience)


class Gate:
    """Stands for the ledger: remembers client order ids, and loses the answers that a test wants lost."""

    def __init__(self, loses: Callable[[int], bool] = lambda request: False) -> None:
        self.requests: list[bytes] = []
        self.placed: list[str] = []
        self._loses = loses

    async def answer(self, message: Msg) -> None:
        self.requests.append(message.data)
        order: Submit = decoder(Submit).decode(message.data)
        duplicate = order.client_order_id in self.placed
        if not duplicate:
            self.placed.append(order.client_order_id)
        if not self._loses(len(self.requests)):
            await message.respond(
                encode(Accepted(self.placed.index(order.client_order_id) + 1, order.client_order_id, duplicate))
            )


async def test_a_replace_that_may_have_been_heard_is_not_sent_again(nats_server: TestServer) -> None:
    heard: list[bytes] = []

    async def lose(message: Msg) -> None:
        heard.append(message.data)

    service = await nats_server.connect("worker")
    await service.subscribe("orders.worker", cb=lose)
    await service.flush()
    async with await connect(nats_server) as client:
        with pytest.raises(OutcomeUnknown):
            await client.send(Replace(7, quantity=50))
        with pytest.raises(OutcomeUnknown):
            await client.send_all([CancelAll(), Replace(7, quantity=50)])
    assert len(heard) == 2


async def test_a_lost_answer_is_asked_for_again_with_the_same_id(nats_server: TestServer) -> None:
    gate = Gate(loses=lambda request: request <= 2)
    service = await nats_server.connect("worker")
    await service.subscribe("orders.worker", cb=gate.answer)
    await service.flush()
    async with await connect(nats_server) as client:
        outcome = await client.send(ORDER)
    assert outcome == Accepted(1, "mine", duplicate=True)
    assert gate.placed == ["mine"]
    assert gate.requests == [encode(ORDER)] * 3


async def test_only_what_is_published_can_be_followed(nats_server: TestServer) -> None:
    assert tuple(PUBLISHED) == LIVE_INTERVALS
    async with await connect(nats_server) as client:
        with pytest.raises(ValueError, match="'7m' cannot be followed, only 1s, 1m, 5m, 15m, 1h, 1d, 1w, 1mo"):
            await anext(client.market_data.candles("KRYP", "7m"))


async def test_busy_is_no_outcome(nats_server: TestServer) -> None:
    """The first attempt was accepted, its answer lost, and then the ledger was too busy to look."""
    gate = Gate(loses=lambda request: request == 1)
    service = await nats_server.connect("worker")
    requests = 0

    async def answer(message: Msg) -> None:
        nonlocal requests
        requests += 1
        if requests == 2:
            await message.respond(encode(Refused("busy", "too many requests")))
        else:
            await gate.answer(message)

    await service.subscribe("orders.worker", cb=answer)
    await service.flush()
    async with await connect(nats_server) as client:
        assert await client.send(ORDER) == Accepted(1, "mine", duplicate=True)
    assert gate.placed == ["mine"]


async def test_a_command_waits_for_a_ledger_that_is_restarting(nats_server: TestServer) -> None:
    gate = Gate()
    service = await nats_server.connect("worker")
    async with await connect(nats_server) as client:
        sending = asyncio.create_task(client.send(ORDER))
        await asyncio.wait({sending}, timeout=0.3)
        assert not sending.done()
        await service.subscribe("orders.worker", cb=gate.answer)
        outcome = await sending
    assert isinstance(outcome, Accepted)
    assert (outcome.order_id, gate.placed) == (1, ["mine"]), "sent again or not, on a busy machine: placed once"


async def test_an_unknown_outcome_is_said_in_words(nats_server: TestServer) -> None:
    gate = Gate(loses=lambda request: True)
    service = await nats_server.connect("worker")
    await service.subscribe("orders.worker", cb=gate.answer)
    await service.flush()
    async with await connect(nats_server, patience=0.5) as client:
        with pytest.raises(OutcomeUnknown, match=r"the outcome is unknown: no answer to orders\.worker within 0\.5 s"):
            await client.send(ORDER)
    assert set(gate.requests) == {encode(ORDER)}


async def test_the_server_is_killed_between_order_and_answer(nats_server: TestServer) -> None:
    async with await connect(nats_server, patience=30) as client:
        sending = asyncio.create_task(client.send(ORDER))
        assert nats_server.server.process is not None
        nats_server.server.process.send_signal(signal.SIGKILL)
        await nats_server.server.wait()
        await nats_server.server.start()
        gate = Gate()
        service = await nats_server.connect("worker")
        await service.subscribe("orders.worker", cb=gate.answer)
        assert await sending == Accepted(1, "mine")
    assert gate.placed == ["mine"]


async def test_a_refused_list_refuses_every_command(nats_server: TestServer) -> None:
    service = await nats_server.connect("worker")

    async def refuse(message: Msg) -> None:
        await message.respond(encode(Refused("malformed", "too much at once")))

    await service.subscribe("orders.worker", cb=refuse)
    await service.flush()
    async with await connect(nats_server) as client:
        assert await client.send_all([ORDER, CancelAll()]) == [Refused("malformed", "too much at once")] * 2


async def test_what_may_not_be_asked_is_forbidden_at_once(nats_server: TestServer) -> None:
    async with await connect(nats_server, "bots") as client:
        with pytest.raises(Forbidden, match=r"bots may not ask admin\.digest"):
            await client.request(subjects.admin("digest"), None, Portfolio)


async def test_what_must_not_be_repeated_is_asked_once(nats_server: TestServer) -> None:
    heard: list[bytes] = []
    service = await nats_server.connect("worker")

    async def hear(message: Msg) -> None:
        heard.append(message.data)

    await service.subscribe("api.worker.key", cb=hear)
    await service.flush()
    async with await connect(nats_server) as client:
        with pytest.raises(Unreachable):
            await client.request(subjects.api("worker", "key"), None, Portfolio, repeat=False, seconds=0.2)
    assert heard == [b""]


async def test_too_large_a_request_ends_nothing(nats_server: TestServer) -> None:
    service = await nats_server.connect("worker")
    await service.subscribe("orders.worker", cb=Gate().answer)
    await service.flush()
    async with await connect(nats_server) as client:
        with pytest.raises(ClientError, match=r"public\.depth cannot be asked that"):
            await client.request("public.depth", "x" * 2_000_000, Portfolio)
        assert await client.send(ORDER) == Accepted(1, "mine")


async def test_no_server() -> None:
    with pytest.raises(Unreachable, match=r"no market answers at nats://127\.0\.0\.1:1"):
        await Client.connect("nats://127.0.0.1:1", "alice", "secret", patience=0)


def test_answers_and_refusals() -> None:
    info = SymbolInfo("KRYP", "Kryptonite", 100, 1, 205_000, 205_000, 0, 0, 0, 0)
    assert decode_answer(encode([info]), list[SymbolInfo]) == [info]
    assert decode_answer(encode(Refused("no", "never")), list[SymbolInfo]) == Refused("no", "never")
    with pytest.raises(ClientError, match="another version"):
        decode_answer(b'{"symbol": 5}', Portfolio)


def test_client_order_ids_differ() -> None:
    assert len({new_client_order_id() for _ in range(1_000)}) == 1_000
