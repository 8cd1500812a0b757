"""The edge of a bot, against a real NATS server and a ledger of a few lines that can be told to misbehave."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from random import Random

import msgspec
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from bots import worker as bots_worker
from bots.bot import Bot, Prices
from bots.strategy import SECOND, Decision, Instrument, Observation
from exchange.connection import connect
from exchange.market import BotRules, Market
from exchange.messages.account import OpenOrder, Portfolio, Position
from exchange.messages.administration import NewAccount
from exchange.messages.base import encode
from exchange.messages.reports import OrderAccepted, OrderCancelled, OrderFilled, Report, Reports, Transferred
from exchange.messages.requests import Accepted, Cancel, CancelAll, Outcome, Refused, Submit
from exchange.worker import Worker
from tests.conftest import TestServer

Commands = list[Submit | Cancel | CancelAll]
PATIENCE_SECONDS = 60


class Script:
    """A strategy that says what it was told to, and remembers what it saw."""

    def __init__(self, *steps: Commands | Exception, interval: float = 0.02) -> None:
        self.seen: list[Observation] = []
        self._asked = asyncio.Event()
        self._steps = iter(steps)
        self._interval = round(interval * SECOND)

    def decide(self, seen: Observation, random: Random) -> Decision:
        self.seen.append(seen)
        self._asked.set()
        step = next(self._steps, [])
        if isinstance(step, Exception):
            raise step
        return Decision(step, seen.time + self._interval)

    async def until_seen(self, condition: Callable[[Observation], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition(self.seen[-1]):
                self._asked.clear()
                await self._asked.wait()


class FewLinesLedger:
    """Accepts everything, knows orders by their client order ids, reports; drops or refuses what it is told to."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.orders: dict[str, OpenOrder] = {}
        self.reports: dict[str, int] = {}
        self.requests: list[bytes] = []
        self.opened: list[str] = []
        self.cancelled_all: list[tuple[str, ...]] = []
        self.ignored = 0
        """So many requests are carried out but not answered."""
        self.lost_reports = 0
        """So many messages of reports are numbered but not sent."""
        self.portfolios = 0
        self.shut = False
        """Whether every order is refused, because trading is halted."""
        self._changed = asyncio.Condition()

    async def start(self) -> None:
        for subject, handler in (
            ("orders.*", self._orders),
            ("api.*.portfolio", self._portfolio),
            ("admin.open_account", self._open),
        ):
            await self.client.subscribe(subject, cb=handler)
        await self.client.flush()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(condition)

    async def report(self, account: str, report: Report) -> None:
        """Something that happened to an account."""
        self.reports[account] = self.reports.get(account, 0) + 1
        await self.client.publish(f"reports.{account}", encode(Reports(self.reports[account], [report])))

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _open(self, message: Msg) -> None:
        self.opened.append(msgspec.json.decode(message.data, type=NewAccount).account)
        await message.respond(b'{"type":"done"}')
        await self._tell()

    async def _portfolio(self, message: Msg) -> None:
        account = message.subject.split(".")[1]
        self.portfolios += 1
        mine = [order for name, order in self.orders.items() if name.startswith(f"{account}/")]
        positions = [Position("KRYP", 1_000, 0, 205_000)]
        await message.respond(encode(Portfolio(account, 10**12, 0, positions, mine, self.reports.get(account, 0), 1)))
        await self._tell()

    async def _orders(self, message: Msg) -> None:
        account = message.subject.split(".")[1]
        self.requests.append(message.data)
        commands = msgspec.json.decode(message.data, type=Submit | Cancel | CancelAll | list[Submit | Cancel | CancelAll])
        if isinstance(commands, list) and isinstance(commands[0], CancelAll):
            self.cancelled_all.append((account, *(command.symbol for command in commands if isinstance(command, CancelAll))))
            await message.respond(encode([Accepted()] * len(commands)))
            await self._tell()
            return
        outcomes: list[Outcome] = []
        reports: list[Report] = []
        for command in commands:
            outcome, report = self._carry_out(account, command)
            outcomes.append(outcome)
            reports += report
        if reports:
            first = self.reports.get(account, 0) + 1
            self.reports[account] = first + len(reports) - 1
            if self.lost_reports:
                self.lost_reports -= 1
            else:
                await self.client.publish(f"reports.{account}", encode(Reports(first, reports)))
        if self.ignored:
            self.ignored -= 1
        else:
            await message.respond(encode(outcomes))
        await self._tell()

    def _carry_out(self, account: str, command: Submit | Cancel | CancelAll) -> tuple[Outcome, list[Report]]:
        if isinstance(command, Submit):
            name = f"{account}/{command.client_order_id}"
            if name in self.orders:
                return Accepted(self.orders[name].order_id, command.client_order_id, duplicate=True), []
            if self.shut:
                return Refused("halted", "KRYP is halted", command.client_order_id), []
            if command.quantity > 1_000:
                return Refused("insufficient_shares", "too many", command.client_order_id), []
            number, price = len(self.orders) + 1, command.price or 1
            order = OpenOrder(number, command.client_order_id, "KRYP", command.side, price, 1, 1, "limit", "gtc", 1)
            self.orders[name] = order
            return Accepted(number, command.client_order_id), [
                OrderAccepted(number, command.client_order_id, "KRYP", command.side, 1, price, 1)
            ]
        assert isinstance(command, Cancel)
        return Accepted(command.order_id), [OrderCancelled(command.order_id, "KRYP", 1, "owner", 1)]


@pytest.fixture
async def ledger(nats_server: TestServer) -> FewLinesLedger:
    ledger = FewLinesLedger(await nats_server.connect())
    await ledger.start()
    return ledger


@pytest.fixture
async def start(nats_server: TestServer, monkeypatch: pytest.MonkeyPatch) -> Callable[[Script], Awaitable[Bot]]:
    monkeypatch.setattr(Bot, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(Bot, "REPORT_SECONDS_MAX", 0.2)
    client = await connect(nats_server.url, "bots", nats_server.secrets.bots, name="bots")

    async def run(script: Script, related: tuple[Instrument, Prices] | None = None) -> Bot:
        bot = Bot(client, NewAccount("maker", 0, {}), "KRYP", script, Prices(), "seed", related=related)
        tasks.append(asyncio.create_task(bot.run()))
        return bot

    tasks: list[asyncio.Task[None]] = []
    yield run
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await client.close()


def order(name: str, quantity: int = 1) -> Submit:
    return Submit(name, "KRYP", "buy", quantity, price=200_000)


async def test_sees_its_own_orders_before_it_decides_again(ledger: FewLinesLedger, start: Callable) -> None:
    script = Script([order("a"), order("b")], [Cancel(order_id=1)], [order("c")])
    await start(script)
    await ledger.until(lambda: len(ledger.requests) == 3)
    assert ledger.opened == ["maker"]
    assert [own.client_order_id for own in script.seen[1].orders] == ["a", "b"]
    assert script.seen[1].cash == 10**12 - 2 * 200_000
    assert [own.client_order_id for own in script.seen[2].orders] == ["b"]


async def test_an_unanswered_request_is_sent_again_unchanged(ledger: FewLinesLedger, start: Callable) -> None:
    ledger.ignored = 2
    script = Script([order("a")], [order("b")])
    await start(script)
    await ledger.until(lambda: len(ledger.requests) == 4)
    assert ledger.requests[0] == ledger.requests[1] == ledger.requests[2]
    assert len(ledger.orders) == 2
    assert [own.client_order_id for own in script.seen[1].orders] == ["a"]


async def test_after_long_silence_the_portfolio_tells(
    ledger: FewLinesLedger, start: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bot, "ATTEMPTS_MAX", 2)
    ledger.ignored = 2
    script = Script([order("a")], [order("b")])
    await start(script)
    await ledger.until(lambda: len(ledger.requests) == 3)
    assert ledger.portfolios == 2
    assert [own.client_order_id for own in script.seen[1].orders] == ["a"]


async def test_a_lost_report_is_noticed(ledger: FewLinesLedger, start: Callable) -> None:
    ledger.lost_reports = 1
    script = Script([order("a")], [order("b")], [order("c")])
    await start(script)
    await ledger.until(lambda: len(ledger.requests) == 3)
    assert ledger.portfolios == 2
    assert [own.client_order_id for own in script.seen[2].orders] == ["a", "b"]


async def test_its_profit_is_what_it_earned_in_its_symbol(ledger: FewLinesLedger, start: Callable) -> None:
    script = Script([order("a")])
    bot = await start(script)
    await ledger.until(lambda: len(ledger.orders) == 1)
    await ledger.report("maker", OrderFilled(9, "ADAM", 1, "buy", 1_420_000, 3, 0, 500, "taker", 1))  # By hand.
    await ledger.report("maker", Transferred("CASH", -70_000, "a withdrawal", 1))
    await ledger.report("maker", OrderFilled(1, "KRYP", 2, "buy", 200_000, 1, 0, 7, "maker", 1))
    await script.until_seen(lambda seen: seen.inventory == 1_001)
    assert script.seen[-1].cash == 10**12 - 3 * 1_420_000 - 500 - 70_000 - 200_000 - 7
    assert bot.profit() == 205_000 - 200_000 - 7


async def test_with_two_symbols_the_shares_of_both_count(ledger: FewLinesLedger, start: Callable) -> None:
    related = Prices()
    related.last = 1_400_000
    script = Script([order("a")])
    bot = await start(script, (Instrument("ADAM", 500, 10, 1_420_000), related))
    await ledger.until(lambda: len(ledger.orders) == 1)
    await ledger.report("maker", OrderFilled(9, "ADAM", 1, "buy", 1_420_000, 10, 0, 0, "taker", 1))
    await script.until_seen(lambda seen: seen.related is not None and seen.related.inventory == 10)
    assert bot.profit() == 10 * (1_400_000 - 1_420_000)
    await bot.leave()
    assert ledger.cancelled_all == [("maker", "KRYP", "ADAM")]


async def test_refusals_stop_nothing(ledger: FewLinesLedger, start: Callable, caplog: pytest.LogCaptureFixture) -> None:
    script = Script(*([order(f"big-{number}", 2_000), order(f"a-{number}")] for number in range(3)))
    await start(script)
    await ledger.until(lambda: len(ledger.orders) == 3)
    assert [record.getMessage() for record in caplog.records] == ["maker: refused, insufficient_shares: too many"]


async def test_a_halt_is_waited_out_with_one_order_at_a_time(
    ledger: FewLinesLedger, start: Callable, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bot, "SHUT_SECONDS", 0.05)
    script = Script(*([order(f"{step}{number}") for number in range(3)] for step in "abcdef"))
    ledger.shut = True
    bot = await start(script)
    await ledger.until(lambda: len(ledger.requests) == 3)
    assert [[command["client_order_id"] for command in msgspec.json.decode(request)] for request in ledger.requests] == [
        ["a0", "a1", "a2"],
        ["b0"],
        ["c0"],
    ]
    ledger.shut = False
    await ledger.until(lambda: len(ledger.orders) == 7)
    assert [name.split("/")[1] for name in ledger.orders] == ["d0", "e0", "e1", "e2", "f0", "f1", "f2"]
    assert bot.account == "maker"
    assert [record.getMessage() for record in caplog.records] == ["maker: refused, halted: KRYP is halted"]


async def test_a_strategy_that_fails_is_stopped_and_says_so_and_others_go_on(
    nats_server: TestServer, ledger: FewLinesLedger, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = ([order(f"o-{number}")] for number in itertools.count())
    scripts = {"good": Script(*itertools.islice(endless, 1_000)), "bad": Script([order("x")], ValueError("lost its mind"))}
    monkeypatch.setattr(bots_worker, "make_strategy", lambda market, rules, run: scripts[rules.account])
    rules = [BotRules(name, "noise", "KRYP") for name in scripts]
    market = msgspec.structs.replace(nats_server.market, bots=rules)
    settings = msgspec.structs.replace(nats_server.settings, market=market)
    assert isinstance(market, Market)
    client = await connect(nats_server.url, "bots", nats_server.secrets.bots, name="bots")
    worker = Worker("bots", settings, client, argparse.Namespace())
    running = asyncio.create_task(bots_worker.main(worker))
    await ledger.until(lambda: ledger.cancelled_all == [("bad", "KRYP")])
    placed = len(ledger.orders)
    await ledger.until(lambda: len(ledger.orders) > placed + 3)
    assert "bad: stopped" in caplog.text
    assert "lost its mind" in caplog.text
    worker.stopping.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await running
    await client.close()
    assert ledger.cancelled_all == [("bad", "KRYP"), ("good", "KRYP")]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR and "good" in record.getMessage()]
