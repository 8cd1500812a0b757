"""Who is connected: as a pure fold of what the server says, and against a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from exchange.connection import connect
from exchange.permissions import guest_name
from exchange.worker import Worker
from ledger import presence as presence_module
from ledger.credentials import CredentialStore, Login, new_key, with_key
from ledger.presence import Connection, Connections, Presence, Usage, connection_of, user_name
from tests.conftest import TestServer
from tests.ledger.people import until

ALICE = Connection("server", 1, "alice", "key", "192.0.2.7")
BERT = Connection("server", 2, "bert@alice", "session", "192.0.2.8")
GUEST = Connection("server", 3, f"guest-{'a' * 32}", "", "192.0.2.7")


def test_the_last_one_to_leave_is_told() -> None:
    connections = Connections()
    for connection in (ALICE, BERT, GUEST):
        connections.add(connection)
        connections.add(connection)
    assert (connections.of("alice"), connections.guests, connections.at("192.0.2.7")) == ([ALICE], 1, 2)
    assert sorted(connections.logins()) == ["alice", "bert@alice"]
    assert connections.remove(ALICE.place) is None, "bert is there for the same account"
    assert connections.remove(GUEST.place) is None, "a guest is nobody's"
    assert connections.remove(BERT.place) == "alice"
    assert connections.remove(BERT.place) is None
    assert (connections.logins(), connections.guests, connections.at("192.0.2.7")) == ([], 0, 0)


def test_a_list_says_what_events_did_not() -> None:
    connections = Connections()
    assert connections.compare("server", [ALICE, BERT]) == []
    assert connections.of("bert@alice") == [BERT]
    assert connections.compare("server", []) == [], "perhaps it is older than what events have said"
    assert connections.compare("server", []) == ["alice"]


def test_a_list_that_is_older_than_an_event_brings_nobody_back() -> None:
    connections = Connections()
    connections.add(ALICE)
    assert connections.remove(ALICE.place) == "alice"
    assert connections.compare("server", [ALICE]) == []
    assert connections.of("alice") == []


def test_a_server_that_ends_takes_its_connections_along() -> None:
    connections = Connections()
    connections.add(ALICE)
    connections.add(BERT)
    for _ in range(5):
        assert connections.compare("next server", []) == [], "it says nothing about the others"
    again = ALICE._replace(server="next server", id=9)
    assert connections.compare("next server", [again]) == []
    assert connections.keep(["server", "next server"]) == []
    assert connections.keep(["next server"]) == []
    assert (connections.of("alice"), connections.of("bert@alice")) == ([again], [])
    assert connections.keep([]) == ["alice"]


@pytest.mark.parametrize("user", ["worker", "bots", ""])
def test_the_markets_own_are_of_no_interest(user: str) -> None:
    assert connection_of("server", 1, user, "127.0.0.1") is None
    assert connection_of("server", 1, user_name("alice", "key"), "192.0.2.7") == ALICE


@pytest.fixture
async def presence(nats_server: TestServer) -> AsyncIterator[Presence]:
    system = await connect(nats_server.url, "system", nats_server.secrets.system, name="test")
    presence = Presence(system)
    yield presence
    await presence.stop()
    await system.close()


async def test_against_a_server(nats_server: TestServer, auth_worker: Worker, presence: Presence) -> None:
    gone: list[str] = []

    async def on_gone(account: str) -> None:
        gone.append(account)

    presence.on_gone = on_gone
    secret, key = new_key(1, "robot")
    await (await CredentialStore.open(auth_worker.nats)).create("alice", with_key(Login("trader"), key))
    early = await nats_server.connect("alice", secret)
    await presence.start()
    known = presence.connections
    await until(lambda: len(known.of("alice")) == 1)  # It was there before: from the list.
    late, guest = await nats_server.connect("alice", secret), await nats_server.connect(guest_name())
    await until(lambda: len(known.of("alice")) == 2 and known.guests == 1)
    assert {connection.credential for connection in known.of("alice")} == {key.id}
    await early.close()
    await until(lambda: len(known.of("alice")) == 1)
    assert gone == []
    assert await presence.kick_all("alice") == 1
    await until(lambda: gone == ["alice"] and late.is_closed)
    await guest.close()
    await until(lambda: known.guests == 0)
    assert gone == ["alice"]


async def test_a_lost_event_is_made_up_for(
    nats_server: TestServer, auth_worker: Worker, presence: Presence, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = asyncio.Event()

    async def on_gone(_: str) -> None:
        gone.set()

    async def lose(_: object) -> None:
        pass

    presence.on_gone = on_gone
    monkeypatch.setattr(presence, "_disconnected", lose)
    secret, key = new_key(1, "robot")
    await (await CredentialStore.open(auth_worker.nats)).create("alice", with_key(Login("trader"), key))
    await presence.start()
    alice = await nats_server.connect("alice", secret)
    await until(lambda: len(presence.connections.of("alice")) == 1)
    await alice.close()
    await asyncio.wait_for(gone.wait(), 60)


@pytest.mark.parametrize(("count", "size"), [(20_000, 1), (64, 1_000_000)], ids=["many messages", "many bytes"])
async def test_a_flood_is_looked_at_at_once(
    nats_server: TestServer, presence: Presence, monkeypatch: pytest.MonkeyPatch, count: int, size: int
) -> None:
    looks: list[list[Usage]] = []

    async def on_look(_: str, listed: list[Usage]) -> None:
        looks.append(listed)

    monkeypatch.setattr(presence_module, "LOOK_SECONDS", 3_600)
    presence.on_look = on_look
    await presence.start()
    await until(lambda: len(looks) == 1)
    client = await nats_server.connect()
    for _ in range(count):
        await client.publish("nobody.listens", bytes(size))
    await client.flush()
    await until(lambda: len(looks) > 1)
