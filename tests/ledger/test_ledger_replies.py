"""A request may name any subject for its answer; the ledger, which may publish everywhere, answers into inboxes only."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import msgspec
import nats.errors
import pytest
from nats.aio.client import Client

from exchange.messages.administration import Done, NewAccount
from exchange.messages.base import encode
from exchange.messages.requests import Refused
from exchange.subjects import JOURNAL
from exchange.worker import Worker
from ledger.credentials import CredentialStore, Login, new_key, with_key
from tests.conftest import TestServer, settle


@pytest.fixture
async def ledger(nats_server: TestServer) -> AsyncIterator[asyncio.subprocess.Process]:
    """The ledger's worker, with an account for alice."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "exchange.ledger", "--data", nats_server.data), stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            await process.stderr.readuntil(b"leading")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def open_account(worker: Client, account: str) -> Done | Refused:
    """The ledger opens its doors a moment after it says that it leads."""
    async with asyncio.timeout(60):
        while True:
            try:
                answer = await worker.request("admin.open_account", encode(NewAccount(account)), timeout=5)
            except nats.errors.NoRespondersError:
                await asyncio.sleep(0.01)
                continue
            return msgspec.json.decode(answer.data, type=Done | Refused)


@pytest.mark.parametrize("target", ["journal", f"$JS.API.STREAM.DELETE.{JOURNAL}", "$KV.LEASES.ledger"])
async def test_no_answer_reaches_a_log(
    nats_server: TestServer, auth_worker: Worker, ledger: asyncio.subprocess.Process, target: str
) -> None:
    worker = await nats_server.connect()
    assert isinstance(await open_account(worker, "alice"), Done)
    store = await CredentialStore.open(worker)
    secret, key = new_key(1)
    await store.create("alice", with_key(Login("trader"), key))
    alice = await nats_server.connect("alice", secret)
    await alice.publish("orders.alice", b"{}", reply=target)
    await alice.publish("api.alice.portfolio", b"", reply=target)
    await settle(alice)
    assert (await alice.request("orders.alice", b"{}", timeout=30)).data.startswith(b'{"type":"refused"')
    assert isinstance(await open_account(worker, "bobby"), Done), "the ledger still leads and appends"
    last = await worker.jetstream().get_last_msg(JOURNAL, "journal")
    assert b'"number":' in (last.data or b"")
    assert ledger.returncode is None
