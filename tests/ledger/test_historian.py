"""The historian as a process on a real server."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import msgspec
import nats.errors
from nats.aio.client import Client

from exchange.log import JetStreamLog
from exchange.messages.account import Fill, OrderRecord, PageQuestion
from exchange.messages.administration import HistoryQuestion, HistoryState
from exchange.messages.base import encode
from exchange.messages.requests import Refused
from exchange.subjects import JOURNAL, events_log
from tests.oracle.flow import Flow

PATIENCE = 90.0


async def ask(client: Client, subject: str, question: Any, answer: Any) -> Any:
    """The answer, as soon as somebody gives one."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                message = await client.request(subject, encode(question), timeout=PATIENCE)
                return msgspec.json.decode(message.data, type=answer)
            except nats.errors.NoRespondersError:
                await asyncio.sleep(0.02)  # Nobody can be asked when there will be somebody.


async def append(client: Client, flow: Flow, through: dict[str, int]) -> None:
    """Whatever the logs do not hold yet, events after the journal batches they come from."""
    for name in sorted(flow.logs, key=lambda name: name != JOURNAL):
        log = JetStreamLog(client, name)
        await log.create()
        for payload in flow.logs[name][through.get(name, 0) :]:
            through[name] = through.get(name, 0) + 1
            await log.append(through[name], payload)


async def start(data: object) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "exchange.ledger.historian", "--data", str(data), stderr=asyncio.subprocess.PIPE
    )


async def test_questions_across_a_kill(nats_server: Any) -> None:
    flow, through = Flow(7, shards=1), {}
    client = await nats_server.connect()
    process = await start(nats_server.data)
    try:
        for round_number in range(3):
            for _ in range(20):
                flow.step()
            flow.flush()
            await append(client, flow, through)
            position = HistoryQuestion(len(flow.logs[JOURNAL]), {1: len(flow.logs[events_log(1)])})
            state = await ask(client, "admin.history", position, HistoryState)
            assert state.balances == {
                account: kept
                for account, assets in flow.balances.items()
                if (kept := {asset: amount for asset, amount in assets.items() if amount})
            }
            for account in flow.accounts:
                fills = await ask(client, f"api.{account}.fills", PageQuestion(limit=1000), list[Fill])
                assert len(fills) == len(flow.fills[account])
                orders = await ask(client, f"api.{account}.history", PageQuestion(limit=1000), list[OrderRecord])
                assert [(o.order_id, o.filled, o.status) for o in reversed(orders)] == [
                    (o["order_id"], o["filled"], o["status"]) for o in flow.orders.values() if o["account"] == account
                ]
            refused = await ask(client, f"api.{flow.accounts[0]}.fills", {"limit": "many"}, Refused)
            assert refused.reason == "malformed"
            if round_number == 1:
                process.kill()
                await process.wait()
                process = await start(nats_server.data)
        process.terminate()
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_second_one_on_the_same_file_says_so_in_one_line(nats_server: Any) -> None:
    client = await nats_server.connect()
    first = await start(nats_server.data)
    second = None
    try:
        await ask(client, "api.alice.fills", {}, list[Fill])
        second = await start(nats_server.data)
        _, errors = await asyncio.wait_for(second.communicate(), PATIENCE)
        assert second.returncode == 1
        assert len(errors.decode().strip().splitlines()) == 1
        assert "history.duckdb" in errors.decode()
        assert "lock" in errors.decode()
    finally:
        for process in (first, second):
            if process is not None and process.returncode is None:
                process.kill()
                await process.wait()
