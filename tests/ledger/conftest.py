"""Guests, the operator, and a stub for the ledger: for tests of the auth worker."""

from __future__ import annotations

import pytest
from nats.aio.client import Client

from exchange.worker import Worker
from tests.conftest import TestServer
from tests.ledger.people import Guest, StubLedger, new_guest


@pytest.fixture
async def ledger(nats_server: TestServer) -> StubLedger:
    stub = StubLedger()
    await stub.serve(await nats_server.connect())
    return stub


@pytest.fixture
async def guest(nats_server: TestServer, auth_worker: Worker, ledger: StubLedger) -> Guest:
    return await new_guest(nats_server)


@pytest.fixture
async def operator(nats_server: TestServer, auth_worker: Worker, ledger: StubLedger) -> Client:
    return await nats_server.connect("operator")
