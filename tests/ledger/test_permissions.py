"""Who may send and hear what, against the real server, in both directions for every role and every kind of subject."""

from __future__ import annotations

import time

import nats.errors
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from exchange.messages.administration import Credentials
from exchange.messages.base import encode
from exchange.permissions import TABLE, guest_name, is_guest, name_problem, permissions
from exchange.worker import Worker
from ledger.credentials import CredentialStore, Login, new_key, new_session, with_key, with_session
from tests.conftest import TestServer, settle

ROLES = ("guest", "trader", "member", "read", "trade", "operator", "auditor", "bots")
LOGINS = {"trader": "alice", "member": "bert@alice", "read": "alice", "trade": "alice", "auditor": "eve"}
# member: of alice's team. read, trade: API keys of alice's with that scope.
# The server takes `reports.>` for one of `reports.*`, which does no harm: nobody publishes on longer subjects.
MAY = """
                                  guest trader member read trade operator auditor bots
publish   orders.alice              -     x      x     -     x      -        -     x
publish   orders.bob                -     -      -     -     -      -        -     x
publish   orders.bert@alice         -     -      -     -     -      -        -     x
publish   orders.alice.rules        -     x      x     -     x      -        -     -
publish   orders.bob.rules          -     -      -     -     -      -        -     -
publish   orders.alice.x            -     -      -     -     -      -        -     -
publish   orders                    -     -      -     -     -      -        -     -
publish   api.alice.portfolio       -     x      x     x     -      x        x     x
publish   api.alice.reports         -     x      x     x     -      x        x     x
publish   api.alice.fills           -     x      x     x     -      x        x     x
publish   api.alice.history         -     x      x     x     -      x        x     x
publish   api.alice.statement       -     x      x     x     -      x        x     -
publish   api.alice.explain         -     x      x     x     -      x        x     -
publish   api.alice.equity          -     x      x     x     -      x        x     -
publish   api.alice.bots.start      -     x      x     -     x      x        -     -
publish   api.alice.bots.check      -     x      x     -     x      x        -     -
publish   api.alice.bots.stop       -     x      x     -     x      x        -     -
publish   api.alice.bots.list       -     x      x     -     x      x        x     -
publish   api.alice.bots.show       -     x      x     -     x      x        x     -
publish   api.bob.bots.start        -     -      -     -     -      x        -     -
publish   api.alice.bots.start.x    -     -      -     -     -      -        -     -
publish   api.bob.portfolio         -     -      -     -     -      x        x     x
publish   auth.alice.show           -     x      -     -     -      x        -     -
publish   auth.alice.key            -     x      -     -     -      x        -     -
publish   auth.alice.password       -     x      -     -     -      x        -     -
publish   auth.alice.add_member     -     x      -     -     -      x        -     -
publish   auth.alice.renew          -     x      -     -     -      x        -     -
publish   auth.alice.log_out        -     x      -     -     -      x        -     -
publish   auth.alice.revoke         -     x      -     -     -      x        -     -
publish   auth.alice.remove_member  -     x      -     -     -      x        -     -
publish   auth.alice.log_in         -     x      -     -     -      x        -     -
publish   auth.alice.sign_up        -     x      -     -     -      x        -     -
publish   auth.bert@alice.key       -     -      x     -     -      x        -     -
publish   auth.eve.password         -     -      -     -     -      x        x     -
publish   auth.bob.key              -     -      -     -     -      x        -     -
publish   auth.operator.show        -     -      -     -     -      x        -     -
publish   auth.sign_up              -     -      -     -     -      -        -     -
publish   auth.$GUEST.sign_up       x     -      -     -     -      x        -     -
publish   auth.$GUEST.log_in        x     -      -     -     -      x        -     -
publish   auth.$GUEST.key           -     -      -     -     -      x        -     -
publish   auth.guest-0123456789abcdef.log_in - - - - - x - -
publish   public.candles            x     x      x     x     x      x        x     x
publish   public.symbols            x     x      x     x     x      x        x     x
publish   public.market             x     x      x     x     x      x        x     x
publish   public.trades             x     x      x     x     x      x        x     x
publish   public.quotes             x     x      x     x     x      x        x     x
publish   public.quote              x     x      x     x     x      x        x     x
publish   public.depth              x     x      x     x     x      x        x     x
publish   public.book               x     x      x     x     x      x        x     x
publish   public.status             x     x      x     x     x      x        x     x
publish   public.statistics         x     x      x     x     x      x        x     x
publish   public                    -     -      -     -     -      -        -     -
publish   admin.open_account        -     -      -     -     -      x        -     x
publish   admin.deposit             -     -      -     -     -      x        -     x
publish   admin.create_account      -     -      -     -     -      x        -     -
publish   admin.password            -     -      -     -     -      x        -     -
publish   admin.health              -     -      -     -     -      x        x     -
publish   admin.portfolio           -     -      -     -     -      x        x     -
publish   admin.accounts            -     -      -     -     -      x        x     -
publish   admin.digest              -     -      -     -     -      x        x     -
publish   admin.history             -     -      -     -     -      x        x     -
publish   admin.statement           -     -      -     -     -      x        x     -
publish   admin.explain             -     -      -     -     -      x        x     -
publish   admin.sql                 -     -      -     -     -      x        x     -
publish   admin.export              -     -      -     -     -      x        -     -
publish   admin.copy.history        -     -      -     -     -      -        -     -
publish   admin.copy.ticks          -     -      -     -     -      -        -     -
publish   admin.freeze              -     -      -     -     -      x        -     -
publish   admin.unfreeze            -     -      -     -     -      x        -     -
publish   admin.reset               -     -      -     -     -      x        -     -
publish   admin.close               -     -      -     -     -      x        -     -
publish   admin.add_symbol          -     -      -     -     -      x        -     -
publish   admin.phase               -     -      -     -     -      x        -     -
publish   admin.disconnected        -     -      -     -     -      x        -     -
publish   market.KRYP.trade         -     -      -     -     -      -        -     -
publish   reports.alice             -     -      -     -     -      -        -     -
publish   journal                   -     -      -     -     -      -        -     -
publish   life.0123456789abcdef     -     -      -     -     -      -        -     -
publish   events.1                  -     -      -     -     -      -        -     -
publish   $JS.API.INFO              -     -      -     -     -      -        -     -
publish   $JS.API.STREAM.DELETE.X   -     -      -     -     -      -        -     -
publish   $JS.API.STREAM.MSG.GET.JOURNAL - - - - - - - -
publish   $JS.API.DIRECT.GET.X      -     -      -     -     -      -        -     -
publish   $JS.ACK.X                 -     -      -     -     -      -        -     -
publish   $KV.CREDENTIALS.alice     -     -      -     -     -      -        -     -
publish   $KV.LEASES.ledger         -     -      -     -     -      -        -     -
publish   $O.SNAPSHOTS.C.x          -     -      -     -     -      -        -     -
publish   $SRV.PING                 -     -      -     -     -      x        x     -
publish   $SRV.STATS.ledger         -     -      -     -     -      x        x     -
publish   $SYS.REQ.SERVER.PING      -     -      -     -     -      -        -     -
publish   $SYS.REQ.SERVER.X.KICK    -     -      -     -     -      -        -     -
publish   $SYS.REQ.USER.AUTH        -     -      -     -     -      -        -     -
publish   _INBOX.x                  -     -      -     -     -      -        -     -
publish   _INBOX_alice.x            -     -      -     -     -      -        -     -
publish   _INBOX_bob.x              -     -      -     -     -      -        -     -
subscribe market.>                  x     x      x     x     x      x        x     x
subscribe market.KRYP.depth         x     x      x     x     x      x        x     x
subscribe reports.alice             -     x      x     x     -      x        x     x
subscribe reports.bob               -     -      -     -     -      x        x     x
subscribe reports.*                 -     -      -     -     -      x        x     x
subscribe reports.>                 -     -      -     -     -      x        x     x
subscribe orders.alice              -     -      -     -     -      -        -     -
subscribe orders.*                  -     -      -     -     -      -        -     -
subscribe api.alice.portfolio       -     -      -     -     -      -        -     -
subscribe api.*.bots.*              -     -      -     -     -      -        -     x
subscribe api.alice.bots.start      -     -      -     -     -      -        -     x
subscribe api.*.*                   -     -      -     -     -      -        -     -
subscribe auth.alice.key            -     -      -     -     -      -        -     -
subscribe auth.>                    -     -      -     -     -      -        -     -
subscribe admin.*                   -     -      -     -     -      -        -     -
subscribe admin.health              -     -      -     -     -      -        -     x
subscribe public.*                  -     -      -     -     -      -        -     -
subscribe journal                   -     -      -     -     -      -        x     -
subscribe events.1                  -     -      -     -     -      -        x     -
subscribe events.>                  -     -      -     -     -      -        x     -
subscribe $JS.API.>                 -     -      -     -     -      -        -     -
subscribe $JS.EVENT.>               -     -      -     -     -      -        -     -
subscribe $KV.>                     -     -      -     -     -      -        -     -
subscribe $KV.CREDENTIALS.alice     -     -      -     -     -      -        -     -
subscribe $O.SNAPSHOTS.>            -     -      -     -     -      -        -     -
subscribe $SRV.>                    -     -      -     -     -      -        -     x
subscribe $SYS.>                    -     -      -     -     -      -        -     -
subscribe $SYS.REQ.USER.AUTH        -     -      -     -     -      -        -     -
subscribe >                         -     -      -     -     -      -        -     -
subscribe *                         -     -      -     -     -      -        -     -
subscribe *.alice                   -     -      -     -     -      -        -     -
subscribe _INBOX.>                  -     -      -     -     -      -        -     -
subscribe _INBOX_worker.>           -     -      -     -     -      -        -     -
subscribe _INBOX_alice.>            -     x      -     x     x      -        -     -
subscribe _INBOX_bert@alice.>       -     -      x     -     -      -        -     -
subscribe _INBOX_bob.>              -     -      -     -     -      -        -     -
subscribe _INBOX_guest.>            -     -      -     -     -      -        -     -
subscribe _INBOX_$GUEST.>           x     -      -     -     -      -        -     -
subscribe _INBOX_operator.>         -     -      -     -     -      x        -     -
subscribe _INBOX_eve.>              -     -      -     -     -      -        x     -
subscribe _INBOX_bots.>             -     -      -     -     -      -        -     x
"""
GUEST = guest_name()


def rows(role: str) -> list[tuple[str, str, bool]]:
    """(verb, subject, allowed) of one role."""
    lines = [line.replace("$GUEST", GUEST).split() for line in MAY.strip().splitlines()]
    column = lines[0].index(role) + 2
    return [(line[0], line[1], line[column] == "x") for line in lines[1:]]


def matches(pattern: str, subject: str) -> bool:
    """NATS' rule for wildcards, for subjects that may hold some themselves."""
    expected, found = pattern.split("."), subject.split(".")
    if expected[-1] == ">":
        return len(found) >= len(expected) and matches(".".join(expected[:-1]), ".".join(found[: len(expected) - 1]))
    return len(expected) == len(found) and all(e in ("*", f) for e, f in zip(expected, found, strict=True))


async def connect_as(server: TestServer, worker: Worker, role: str) -> Client:
    return await server.connect(*await credentials_of(server, worker, role))


async def credentials_of(server: TestServer, worker: Worker, role: str) -> tuple[str, str]:
    """Name and password of a connection with that role."""
    if role not in LOGINS:
        return (GUEST, "") if role == "guest" else (role, getattr(server.secrets, role))
    store = await CredentialStore.open(worker.nats)
    if role in ("read", "trade"):
        secret, key = new_key(1, "key", (role,))
        record = with_key(Login("trader"), key)
    else:
        secret, session = new_session(time.time_ns())
        record = with_session(Login("auditor" if role == "auditor" else "trader"), session)
    assert await store.create(LOGINS[role], record)
    return LOGINS[role], secret


async def arrived_on(subscription: Subscription) -> list[Msg]:
    """What has come so far."""
    return [await subscription.next_msg() for _ in range(subscription.pending_msgs)]


def concrete(pattern: str) -> str:
    return pattern.replace("*", "any").replace(">", "any.thing")


@pytest.mark.parametrize("role", ROLES)
async def test_what_a_role_may_publish(nats_server: TestServer, auth_worker: Worker, role: str) -> None:
    client = await connect_as(nats_server, auth_worker, role)
    everything = await nats_server.connect()
    heard = await everything.subscribe(">")
    await settle(everything)
    probes = [(subject, allowed) for verb, subject, allowed in rows(role) if verb == "publish"]
    for subject, _ in probes:
        await client.publish(subject, b"probe")
    await settle(client, everything)
    arrived = [message.subject for message in await arrived_on(heard) if message.data == b"probe"]
    assert arrived == [subject for subject, allowed in probes if allowed]
    refused = [f'nats: permissions violation for publish to "{subject.lower()}"' for subject, allowed in probes if not allowed]
    assert [error for error in nats_server.errors if "permissions" in error] == refused
    assert client.is_connected, "a violation is refused, the connection stays"


@pytest.mark.parametrize("role", ROLES)
async def test_what_a_role_may_hear(nats_server: TestServer, auth_worker: Worker, role: str) -> None:
    client = await connect_as(nats_server, auth_worker, role)
    everything = await nats_server.connect()
    heard: list[str] = []
    for verb, pattern, _ in rows(role):
        if verb != "subscribe":
            continue
        subscription = await client.subscribe(pattern)
        await settle(client)
        await everything.publish(concrete(pattern), b"probe")
        await settle(everything, client)
        if subscription.pending_msgs:
            heard.append(pattern)
        await subscription.unsubscribe()
    assert heard == [pattern for verb, pattern, allowed in rows(role) if verb == "subscribe" and allowed]
    assert client.is_connected


async def test_a_guest_hears_its_own_answers_only(nats_server: TestServer, auth_worker: Worker) -> None:
    first, second = guest_name(), guest_name()
    client = await nats_server.connect(first)
    await client.subscribe(f"_INBOX_{first}.>")
    await settle(client)
    assert nats_server.errors == []
    await client.subscribe(f"_INBOX_{second}.>")
    await settle(client)
    assert nats_server.errors == [f'nats: permissions violation for subscription to "_inbox_{second}.>"']


@pytest.mark.parametrize("role", ROLES)
def test_every_permission_is_tried_above(role: str) -> None:
    """A row added to the table without a line in the test is noticed."""
    row = "trader" if role == "member" else role
    allowed = permissions((row,), GUEST if role == "guest" else LOGINS.get(role, role))  # type: ignore[arg-type]
    for verb, patterns in (("publish", allowed.publish), ("subscribe", allowed.subscribe)):
        tried = [subject for row_verb, subject, may in rows(role) if row_verb == verb and may]
        for pattern in patterns:
            assert any(matches(pattern, subject) for subject in tried), f"{role} may {verb} {pattern}, but nothing tries it"


def test_every_row_of_the_table_is_tried_above() -> None:
    assert set(TABLE) - {"worker"} == set(ROLES) - {"member"}


def test_a_key_with_both_scopes_may_what_each_may_and_nothing_else() -> None:
    read, trade, both = (permissions(rows, "alice") for rows in (("read",), ("trade",), ("read", "trade")))  # type: ignore[arg-type]
    trader = permissions(("trader",), "alice")
    assert set(both.publish) == {*read.publish, *trade.publish} == {*trader.publish} - {"auth.alice.*"}
    assert set(both.subscribe) == {*read.subscribe, *trade.subscribe} == {*trader.subscribe}


def test_only_workers_may_do_everything() -> None:
    for role, row in TABLE.items():
        assert (">" in row.publish or ">" in row.subscribe) == (role == "worker")
        for subject in (*row.publish, *row.subscribe):
            assert role == "worker" or not subject.startswith((">", "*", "$JS", "$KV", "$O", "$SYS"))
        assert role == "worker" or not [subject for subject in row.publish if subject.startswith(("journal", "events"))]


@pytest.mark.parametrize("target", ["journal", "$KV.CREDENTIALS.bob", "$JS.API.STREAM.DELETE.KV_CREDENTIALS", "orders.bob"])
async def test_an_answer_goes_to_an_inbox_or_nowhere(nats_server: TestServer, auth_worker: Worker, target: str) -> None:
    """The server does not check where a request wants its answer; a worker that obeyed would publish with its own rights."""
    client = await connect_as(nats_server, auth_worker, "trader")
    name = guest_name()
    guest = await nats_server.connect(name)
    everything = await nats_server.connect()
    tricked = await everything.subscribe(target)
    await settle(everything)
    await client.publish("auth.alice.show", b"", reply=target)
    await guest.publish(f"auth.{name}.sign_up", encode(Credentials("mallory", "short")), reply=target)
    await settle(client, guest)
    assert await client.request("auth.alice.show", b"", timeout=30), "asked later, answered as usual"
    assert (await guest.request(f"auth.{name}.sign_up", b"", timeout=30)).data.startswith(b'{"type":"refused"')
    await settle(everything)
    assert await arrived_on(tricked) == []
    assert await (await CredentialStore.open(auth_worker.nats)).get("alice") is not None


async def test_bots_answer_questions_about_their_health(nats_server: TestServer, auth_worker: Worker) -> None:
    bots = await nats_server.connect("bots")
    operator = await nats_server.connect("operator")

    async def answer(message: Msg) -> None:
        await message.respond(b"alive")

    await bots.subscribe("$SRV.PING.bots", cb=answer)
    await settle(bots)
    assert (await operator.request("$SRV.PING.bots", timeout=30)).data == b"alive"
    with pytest.raises(nats.errors.NoRespondersError):
        await operator.request("$SRV.PING.nobody", timeout=5)


def test_guests_names_are_random_and_recognised() -> None:
    names = {guest_name() for _ in range(100)}
    assert len(names) == 100
    assert all(is_guest(name) for name in names)
    for name in (
        "guest",
        "guest-",
        "guest-short",
        "guest-ABCDEFABCDEFABCDEF",
        "guest-" + "a" * 65,
        "alice",
        "guest-aaaaaaaaaaaaaaaa.b",
    ):
        assert not is_guest(name)


@pytest.mark.parametrize("name", ["alice", "a", "0", "a" * 32, "mm-kryp", "a_b", "guardian", "worker2", "operators"])
def test_names_people_may_have(name: str) -> None:
    assert name_problem(name) == ""


@pytest.mark.parametrize(
    "name",
    [
        *("", "A", "a" * 33, "-a", "_a", "a.b", "a b", "a*", ">", "$bank", "ü", "alice\n", "\x00", "../a"),
        *("operator", "worker", "auth", "bots", "system", "admin", "auditor", "guest", "guest-1", "guests", "guest_x"),
    ],
)
def test_names_nobody_may_have(name: str) -> None:
    assert name_problem(name) != ""
