"""The load generator measures what is there: against a real server and a service whose behaviour is known."""

from __future__ import annotations

import asyncio
from array import array
from collections import Counter, defaultdict

import msgspec
import pytest
from nats.aio.msg import Msg

from exchange.load import SECOND, Load, open_accounts, percentiles
from exchange.messages.administration import NewAccount
from exchange.messages.base import encode
from exchange.messages.journal import CancelOrder, DefineSymbol, PlaceOrder
from exchange.messages.reports import OrderAccepted, OrderFilled, Reports
from exchange.messages.requests import Cancel, Submit
from exchange.traffic import OrderFlow, Request
from exchange.wire import Wire, WireError
from tests.conftest import TestServer
from tests.oracle.book import SlowExchange

SYMBOLS = [("KRYP", 205_000, 100), ("PUPS", 72_500, 100)]
ACCOUNTS = ["load0", "load1"]
DELAY_SECONDS = 0.05


class Same:
    """The same request again and again."""

    def __init__(self, taker: str = "") -> None:
        self.sent = 0
        self._taker = taker

    def next(self) -> Request:
        self.sent += 1
        taker = f"{self._taker}-{self.sent}" if self._taker else ""
        return Request(b"orders.load0", taker.encode() or b"[]", orders=2, cancels=1, taker=taker)


async def test_counts_and_times_answers(nats_server: TestServer) -> None:
    service = await nats_server.connect()

    async def answer(message: Msg) -> None:
        await asyncio.sleep(DELAY_SECONDS)
        await message.respond(b'[{"type":"accepted"},{"type":"refused"},{"type":"accepted"}]')

    await service.subscribe("orders.load0", cb=answer)
    await service.flush()
    wire = await Wire.open(nats_server.url, "bots", nats_server.secrets.bots)
    traffic = Same()
    result = await Load(wire, traffic).closed_loop(window=1, seconds=0.3)
    assert result.requests == traffic.sent == result.acknowledgement.count
    assert 2 <= result.requests <= 0.3 / DELAY_SECONDS + 1
    assert (result.orders, result.cancels, result.refused, result.unanswered) == (
        2 * traffic.sent,
        traffic.sent,
        traffic.sent,
        0,
    )
    assert DELAY_SECONDS * 1_000 <= result.acknowledgement.p50 < DELAY_SECONDS * 1_000 + 100
    assert result.commands_per_s == pytest.approx(3 * result.requests / result.seconds)
    assert result.orders_per_s == pytest.approx(2 * result.requests / result.seconds)
    wire.close()


async def test_an_open_loop_counts_the_wait_for_a_slow_service(nats_server: TestServer) -> None:
    """One answer at a time, each slower than requests come: who is measured last has waited longest."""
    service = await nats_server.connect()

    async def answer(message: Msg) -> None:
        await asyncio.sleep(DELAY_SECONDS)
        await message.respond(b'{"type":"accepted"}')

    await service.subscribe("orders.load0", cb=answer)
    await service.flush()
    wire = await Wire.open(nats_server.url, "bots", nats_server.secrets.bots)
    result = await Load(wire, Same()).open_loop(rate=100, seconds=0.1)
    assert result.requests == 10
    assert result.acknowledgement.maximum >= 10 * DELAY_SECONDS * 1_000 - 100
    wire.close()


async def test_trades_are_followed_from_request_to_fill(nats_server: TestServer) -> None:
    service = await nats_server.connect()
    number = 0

    async def answer(message: Msg) -> None:
        nonlocal number
        number += 1
        await message.respond(b'{"type":"accepted"}')
        accepted = OrderAccepted(number, message.data.decode(), "KRYP", "buy", 1, 1, 1)
        await service.publish("reports.load0", encode(Reports(2 * number - 1, [accepted])))
        await asyncio.sleep(DELAY_SECONDS)
        filled = OrderFilled(number, "KRYP", number, "buy", 1, 1, 0, 0, "taker", 1)
        await service.publish("reports.load0", encode(Reports(2 * number, [filled])))

    await service.subscribe("orders.load0", cb=answer)
    await service.flush()
    wire = await Wire.open(nats_server.url, "bots", nats_server.secrets.bots)
    load = Load(wire, Same("taker"))
    load.follow_trades(["load0"])
    result = await load.closed_loop(window=1, seconds=0.3)
    assert result.trade is not None
    assert result.trade.count >= result.requests - 1
    assert result.acknowledgement.p50 < result.trade.p50
    assert result.trade.p50 >= DELAY_SECONDS * 1_000
    wire.close()


async def test_a_service_that_is_away_is_told(nats_server: TestServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.load.ANSWER_SECONDS_MAX", 0.1)
    wire = await Wire.open(nats_server.url, "bots", nats_server.secrets.bots)
    result = await Load(wire, Same()).closed_loop(window=3, seconds=0.05)
    assert (result.requests, result.unanswered, result.acknowledgement.count) == (3, 3, 0)
    wire.close()


async def test_a_lost_connection_is_an_error(nats_server: TestServer) -> None:
    wire = await Wire.open(nats_server.url, "bots", nats_server.secrets.bots)
    running = asyncio.create_task(Load(wire, Same()).closed_loop(window=1, seconds=60))
    await asyncio.sleep(0)
    await nats_server.server.stop()
    with pytest.raises(WireError, match="connection"):
        await running


async def test_a_wrong_password_is_an_error(nats_server: TestServer) -> None:
    with pytest.raises(WireError, match="Authorization"):
        await Wire.open(nats_server.url, "bots", "guess")


async def test_accounts_are_opened(nats_server: TestServer) -> None:
    service = await nats_server.connect()
    opened: list[NewAccount] = []

    async def answer(message: Msg) -> None:
        opened.append(msgspec.json.decode(message.data, type=NewAccount))
        await message.respond(b'{"type":"done"}' if len(opened) < 3 else b'{"type":"refused","reason":"account_name"}')

    await service.subscribe("admin.open_account", cb=answer)
    await service.flush()
    bots = await nats_server.connect("bots")
    await open_accounts(bots, ACCOUNTS, 7, {"KRYP": 1})
    assert opened == [NewAccount(account, 7, {"KRYP": 1}) for account in ACCOUNTS]
    with pytest.raises(RuntimeError, match="load9 could not be opened"):
        await open_accounts(bots, ["load9"], 7, {})


def test_percentiles() -> None:
    latencies = array("q", (number * 1_000_000 for number in range(1_000, 0, -1)))
    result = percentiles(latencies)
    assert (result.count, result.p50, result.p99, result.p999, result.maximum) == (1_000, 501, 991, 1_000, 1_000)
    assert percentiles(array("q")).p50 == 0
    assert SECOND == 10**9


@pytest.mark.parametrize("per_request", [1, 20])
def test_the_flow_trades_and_keeps_the_book_bounded(per_request: int) -> None:
    """Against the slow book: every cancel names an order that was placed, and as much leaves the book as comes."""
    flow = OrderFlow(ACCOUNTS, SYMBOLS, per_request, seed=5)
    slow = SlowExchange()
    for symbol, price, tick in SYMBOLS:
        slow.batch(1, [DefineSymbol(symbol, symbol, 1, tick, 1, price)])
    ids: dict[str, tuple[int, str]] = {}
    counts: Counter[str] = Counter()
    sides: dict[str, Counter[str]] = defaultdict(Counter)
    while counts["commands"] < 5_000:
        request = flow.next()
        decoded = msgspec.json.decode(request.payload, type=Submit | Cancel | list[Submit | Cancel])
        commands = decoded if isinstance(decoded, list) else [decoded]
        assert len(commands) == per_request == request.orders + request.cancels
        assert request.subject in (b"orders.load0", b"orders.load1")
        for command in commands:
            counts["commands"] += 1
            if isinstance(command, Cancel):
                counts["cancels"] += 1
                order_id, symbol = ids[command.client_order_id]
                slow.batch(1, [CancelOrder(order_id, "", symbol)])
                continue
            assert command.client_order_id not in ids
            assert command.price is not None
            sides[command.symbol][command.side] += 1
            ids[command.client_order_id] = (len(ids) + 1, command.symbol)
            place = PlaceOrder(len(ids), "", "", command.symbol, command.side, command.quantity, command.price, 0, "limit")
            events = slow.batch(1, [msgspec.structs.replace(place, tif=command.tif)])
            counts["trades"] += sum(type(event).__name__ == "Traded" for event in events)
    assert 0.42 < counts["cancels"] / counts["commands"] < 0.5
    assert counts["trades"] > 200
    assert 20 < len(slow.open_orders()) <= 2 * OrderFlow.OPEN_ORDERS + 20
    for counted in sides.values():
        assert counted["buy"] == pytest.approx(counted["sell"], rel=0.2)
