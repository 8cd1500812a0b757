"""The ledger's worker on a real server: it answers when it leads, and nothing is lost when it ends, however it ends."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from nats.aio.client import Client
from nats.aio.subscription import Subscription

from exchange.messages.account import AccountRulesQuestion
from exchange.messages.administration import Deposit, Disconnected, NewAccount, PhaseRequest
from exchange.messages.base import encode
from exchange.messages.requests import CancelAll, Submit
from exchange.stage import Batches
from ledger.questions import state
from ledger.stage import LedgerStage
from tests.conftest import TestServer

SECONDS_MAX = 60


class Ledgers:
    """Worker processes on one server, and a client with all rights."""

    def __init__(self, server: TestServer, client: Client, journal: Subscription) -> None:
        self.server = server
        self.client = client
        self.journal = journal
        self.processes: list[asyncio.subprocess.Process] = []

    async def start(self) -> asyncio.subprocess.Process:
        arguments = ("-P", "-m", "exchange.ledger", "--data", str(self.server.data))
        process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stderr=asyncio.subprocess.DEVNULL)
        self.processes.append(process)
        return process

    async def lead(self) -> asyncio.subprocess.Process:
        """Start a worker and wait for its first batch: by then its doors are open."""
        process = await self.start()
        await self.journal.next_msg(SECONDS_MAX)
        return process

    async def ask(self, subject: str, message: Any = b"") -> Any:
        payload = message if isinstance(message, bytes) else encode(message)
        return json.loads((await self.client.request(subject, payload, SECONDS_MAX)).data)

    async def end(self, process: asyncio.subprocess.Process, number: int) -> int:
        process.send_signal(number)
        return await asyncio.wait_for(process.wait(), SECONDS_MAX)

    async def replayed(self, number: int) -> str:
        """The digest of a ledger that reads the journal up to a batch. There are no engines here, so no events either."""
        stage = LedgerStage(self.server.market)
        jetstream = self.client.jetstream()
        nothing: Batches = {}
        for sequence in range(1, number + 1):
            stage.replay((await jetstream.get_msg("JOURNAL", sequence)).data or b"", nothing)
        return state(stage.ledger).digest


@pytest.fixture
async def ledgers(nats_server: TestServer) -> AsyncIterator[Ledgers]:
    client = await nats_server.connect()
    running = Ledgers(nats_server, client, await client.subscribe("journal"))
    yield running
    for process in running.processes:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_orders_and_questions(ledgers: Ledgers) -> None:
    reports = await ledgers.client.subscribe("reports.alice")
    process = await ledgers.lead()
    assert (await ledgers.ask("admin.open_account", NewAccount("alice", 1_000_000, {})))["type"] == "done"
    assert (await ledgers.ask("admin.deposit", Deposit("alice", "KRYP", 10)))["type"] == "done"
    order = Submit("mine", "KRYP", "buy", 1, price=205_000)
    assert await ledgers.ask("orders.alice", order) == {"type": "accepted", "order_id": 1, "client_order_id": "mine"}
    assert [o["type"] for o in await ledgers.ask("orders.alice", [order, CancelAll()])] == ["accepted", "accepted"]
    assert (await ledgers.ask("orders.alice", b"{" * 99))["reason"] == "malformed"
    assert (await ledgers.ask("orders.bob", order))["reason"] == "unknown_account"
    portfolio = await ledgers.ask("api.alice.portfolio")
    assert (portfolio["cash_held"], portfolio["report"], portfolio["orders"][0]["order_id"]) == (205_000, 3, 1)
    assert await ledgers.ask("admin.portfolio", b'{"account":"alice"}') == portfolio
    told = [json.loads((await reports.next_msg(SECONDS_MAX)).data) for _ in range(3)]
    assert [message["number"] for message in told] == [1, 2, 3]
    answer = await ledgers.ask("api.alice.reports", b'{"after":0}')
    assert answer["reports"] == [report for message in told for report in message["reports"]]
    live = await ledgers.ask("admin.digest")
    assert await ledgers.end(process, signal.SIGTERM) == 0
    assert await ledgers.replayed(live["journal"]) == live["digest"]


async def test_phases_and_the_rules_of_an_account(ledgers: Ledgers) -> None:
    """Nobody matches here: a phase that is commanded is in the journal, and stays what it was."""
    await ledgers.lead()
    await ledgers.ask("admin.open_account", NewAccount("alice", 1_000_000, {}))
    assert await ledgers.ask("orders.alice.rules", AccountRulesQuestion(cancel_on_disconnect=True)) == {
        "account": "alice",
        "self_trade": "cancel_newest",
        "cancel_on_disconnect": True,
    }
    assert (await ledgers.ask("orders.alice.rules", b'{"self_trade":"no"}'))["reason"] == "malformed"
    await ledgers.ask("orders.alice", Submit("mine", "KRYP", "buy", 1, price=205_000))
    assert (await ledgers.ask("admin.disconnected", Disconnected("alice")))["detail"] == "1 order of alice cancelled"
    assert (await ledgers.ask("admin.phase", PhaseRequest("KRYP", "halted", "news")))["type"] == "done"
    assert (await ledgers.ask("admin.phase", PhaseRequest("NONE")))["reason"] == "unknown_symbol"
    live = await ledgers.ask("admin.digest")
    assert await ledgers.replayed(live["journal"]) == live["digest"]


async def test_an_answer_goes_to_inboxes_only(ledgers: Ledgers) -> None:
    """The server lets a trader name any subject for the answer; the worker has the right to publish on all of them."""
    heard = await ledgers.client.subscribe("reports.bob")
    await ledgers.lead()
    await ledgers.ask("admin.open_account", NewAccount("alice", 1_000_000, {}))
    large = b"[" + b" " * 70_000 + b"]"
    elsewhere = ("journal", "reports.bob", "$JS.API.STREAM.DELETE.JOURNAL")
    for reply in (*elsewhere, "_INBOX_x.>", "_INBOX_*.y", "_INBOX_..z", "_INBOX_x."):
        for subject, payload in (("orders.alice", encode(CancelAll())), ("orders.alice", large), ("api.alice.portfolio", b"")):
            await ledgers.client.publish(subject, payload, reply)
    live = await ledgers.ask("admin.digest")
    assert not heard.pending_msgs
    assert await ledgers.replayed(live["journal"]) == live["digest"], "the journal holds nothing but batches"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_a_successor_knows_everything(ledgers: Ledgers, number: signal.Signals) -> None:
    process = await ledgers.lead()
    await ledgers.ask("admin.open_account", NewAccount("alice", 2**40))
    orders = [Submit(f"{index}", "KRYP", "buy", 1, price=200_000) for index in range(100)]
    first = await ledgers.ask("orders.alice", orders)
    assert await ledgers.end(process, number) == (0 if number == signal.SIGTERM else -number)
    await ledgers.client.flush()
    while ledgers.journal.pending_msgs:
        await ledgers.journal.next_msg(SECONDS_MAX)
    await ledgers.lead()
    assert await ledgers.ask("orders.alice", orders) == [{**outcome, "duplicate": True} for outcome in first]
    live = await ledgers.ask("admin.digest")
    assert await ledgers.replayed(live["journal"]) == live["digest"]


async def test_a_follower_takes_over(ledgers: Ledgers) -> None:
    """Both hear of every batch; only one answers, and no request is taken twice."""
    leader = await ledgers.lead()
    await ledgers.start()
    await ledgers.ask("admin.open_account", NewAccount("alice", 2**40))
    for index in range(20):
        answer = await ledgers.ask("orders.alice", Submit(f"{index}", "KRYP", "buy", 1, price=200_000))
        assert answer["order_id"] == index + 1
    await ledgers.end(leader, signal.SIGKILL)
    last = (await ledgers.client.jetstream().get_last_msg("JOURNAL", "journal")).seq
    while json.loads((await ledgers.journal.next_msg(SECONDS_MAX)).data)["number"] <= (last or 0):
        pass
    answer = await ledgers.ask("orders.alice", Submit("0", "KRYP", "buy", 1, price=200_000))
    assert answer == {"type": "accepted", "order_id": 1, "client_order_id": "0", "duplicate": True}
    assert (await ledgers.ask("orders.alice", Submit("new", "KRYP", "buy", 1, price=200_000)))["order_id"] == 21
