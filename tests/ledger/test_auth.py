"""Logging in and signing up, against a real server; a stub stands for the ledger."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import nkeys
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from exchange.messages.administration import Credentials, Done, NewAccount
from exchange.messages.requests import Refused
from exchange.permissions import guest_name
from exchange.worker import Worker
from ledger import auth, registrar
from ledger.credentials import SECOND, SESSION_SECONDS
from ledger.tokens import Issuer, TokenError, read_request
from tests.conftest import TestServer, settle
from tests.ledger.people import (
    PASSWORD,
    Guest,
    StubLedger,
    ask,
    enter,
    log_in,
    new_api_key,
    new_guest,
    refused_login,
    sign_up,
)

# ── Logging in ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_key_and_session_let_one_in(nats_server: TestServer, guest: Guest) -> None:
    assert await sign_up(guest, "alice") == Done("alice has an account now")
    session = await log_in(guest, "alice")
    assert 0 < session.expires - time.time_ns() <= SESSION_SECONDS * SECOND
    alice = await nats_server.connect("alice", session.secret)
    key = await new_api_key(alice, "alice")
    assert key.expires == 0
    for credential in (key.secret, session.secret):
        client = await nats_server.connect("alice", credential)
        reports = await client.subscribe("reports.alice")
        await settle(client)
        worker = await nats_server.connect()
        await worker.publish("reports.alice", b"yours")
        assert (await reports.next_msg(timeout=30)).data == b"yours"


async def test_a_refused_connection_does_not_say_what_was_wrong(nats_server: TestServer, guest: Guest) -> None:
    await sign_up(guest, "alice")
    await sign_up(guest, "bobby")
    alice = await enter(nats_server, guest, "alice")
    key = await new_api_key(alice, "alice")
    changed = key.secret[:-1] + ("A" if key.secret[-1] != "A" else "B")
    attempts = [
        ("alice", PASSWORD),  # Right, but no connection is made with a password.
        ("alice", ""),
        ("nobody", key.secret),
        ("bobby", key.secret),
        ("alice", changed),
        ("operator", PASSWORD),
        ("operator", ""),
        ("Not.A*Name>", key.secret),
        ("bert@alice", key.secret),
        ("alice@", key.secret),
        ("guest", ""),
        ("guest-short", ""),
    ]
    told = set(await asyncio.gather(*(refused_login(nats_server, *attempt) for attempt in attempts)))
    assert told == {"nats: 'Authorization Violation'"}


async def test_a_guest_without_a_name_hears_the_market(nats_server: TestServer, auth_worker: Worker) -> None:
    client = await nats_server.connect("", "")
    market = await client.subscribe("market.>")
    await settle(client)
    worker = await nats_server.connect()
    await worker.publish("market.KRYP.trade", b"public")
    assert (await market.next_msg(timeout=30)).data == b"public"


async def test_requests_beyond_the_bound_are_dropped(
    nats_server: TestServer, auth_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "REQUESTS_MAX", 0)
    begin = time.monotonic()
    await refused_login(nats_server, guest_name(), "")
    assert time.monotonic() - begin > 1, "the server waited for an answer"
    monkeypatch.setattr(auth, "REQUESTS_MAX", 1)
    await nats_server.connect(guest_name())


async def test_nobody_can_ask_in_the_servers_name(nats_server: TestServer, auth_worker: Worker) -> None:
    """Nor hear what it asks: passwords are in there."""
    auth_user, worker, bots = [await nats_server.connect(user) for user in ("auth", "worker", "bots")]
    heard = await auth_user.subscribe("$SYS.REQ.USER.AUTH")
    overheard = await worker.subscribe(">")
    await settle(auth_user, worker)
    for client in (auth_user, worker, bots):
        await client.publish("$SYS.REQ.USER.AUTH", b"forged")
        await settle(client)
    await settle(auth_user, worker)
    assert [heard.pending_msgs, overheard.pending_msgs] == [0, 1], "the worker's, in its own account, where nobody listens"
    await nats_server.connect(guest_name())
    await settle(auth_user, worker)
    assert [heard.pending_msgs, overheard.pending_msgs] == [1, 1]
    assert nats_server.errors == ['nats: permissions violation for publish to "$sys.req.user.auth"'] * 2


def auth_callout_of_nobody() -> auth.Callout:
    nothing: Any = None
    return auth.Callout(Client(), nothing, nothing)


async def test_what_cannot_be_read_is_logged_without_its_content(caplog: pytest.LogCaptureFixture) -> None:
    message = Msg(_client=Client(), subject="$SYS.REQ.USER.AUTH", reply="_INBOX.x", data=b"a.secret.b")
    with caplog.at_level(logging.WARNING):
        await auth_callout_of_nobody()._answer(message)
    assert [record.message for record in caplog.records] == ["not a log-in request (DecodeError)"]


async def test_an_answer_signed_by_another_key_lets_nobody_in(
    nats_server: TestServer, auth_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Issuer(bytes(nkeys.encode_seed(b"x" * 32, nkeys.PREFIX_BYTE_ACCOUNT)).decode())
    monkeypatch.setattr(auth.Callout, "_verdict", _forge(other))
    await refused_login(nats_server, guest_name(), "")


def _forge(issuer: Issuer) -> Any:
    real = auth.Callout._verdict

    def verdict(callout: auth.Callout, request: Any, identity: Any) -> bytes:
        callout._issuer = issuer
        return real(callout, request, identity)

    return verdict


@pytest.mark.parametrize("token", [b"", b"a.b", b"!.!.!", b"e30.e30.e30", b"e30.eyJuYXRzIjp7fX0.e30"])
def test_an_unreadable_request_is_an_error_that_quotes_nothing(token: bytes) -> None:
    with pytest.raises(TokenError, match=r"^not a log-in request \(\w+\)$"):
        read_request(token)


# ── Signing up ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_sign_up_opens_the_account_with_what_everybody_gets(guest: Guest, ledger: StubLedger) -> None:
    assert await sign_up(guest, "alice") == Done("alice has an account now")
    assert ledger.accounts == {"alice": NewAccount("alice")}


async def test_signing_up_again_with_the_same_password_changes_nothing(guest: Guest, ledger: StubLedger) -> None:
    assert await sign_up(guest, "alice") == await sign_up(guest, "alice")
    assert await sign_up(guest, "alice", "other horse") == Refused("name_taken", "the name alice is taken")


async def test_of_many_who_want_a_name_one_gets_it(nats_server: TestServer, guest: Guest) -> None:
    answers = await asyncio.gather(*(sign_up(guest, "alice", f"horse number {number}") for number in range(5)))
    assert sum(isinstance(answer, Done) for answer in answers) == 1
    assert {answer.reason for answer in answers if isinstance(answer, Refused)} == {"name_taken"}
    winner = next(number for number, answer in enumerate(answers) if isinstance(answer, Done))
    await enter(nats_server, guest, "alice", f"horse number {winner}")


async def test_an_account_without_a_login_is_nobodys_to_take(guest: Guest, operator: Client, ledger: StubLedger) -> None:
    """A bot's account, for example. The operator may make a log-in for it."""
    ledger.accounts["mm-kryp"] = NewAccount("mm-kryp")
    assert await sign_up(guest, "mm-kryp") == Refused("name_taken", "the name mm-kryp is taken")
    assert isinstance(await ask(operator, "admin.create_account", Credentials("mm-kryp", PASSWORD)), Done)


@pytest.mark.parametrize(
    ("credentials", "reason", "detail"),
    [
        (Credentials("Alice", PASSWORD), "account_name", "a-z, 0-9"),
        (Credentials("operator", PASSWORD), "account_name", "reserved"),
        (Credentials("guest-aaaaaaaaaaaaaaaa", PASSWORD), "account_name", "reserved"),
        (Credentials("alice", "short"), "password", "a password has 8 to 256 characters, this one has 5"),
        (Credentials("alice", "x" * 257), "password", "this one has 257"),
        (Credentials("alice", PASSWORD, cash=5), "not_allowed", "only the operator"),
        (Credentials("alice", PASSWORD, shares={"KRYP": 5}), "not_allowed", "only the operator"),
        ({"account": "alice"}, "malformed", "password"),
        ({"account": 5, "password": PASSWORD}, "malformed", "account"),
        ([], "malformed", ""),
    ],
)
async def test_a_sign_up_is_refused_in_words(
    guest: Guest, ledger: StubLedger, credentials: Any, reason: str, detail: str
) -> None:
    answer = await guest.ask("sign_up", credentials)
    assert isinstance(answer, Refused)
    assert answer.reason == reason
    assert detail in answer.detail
    assert ledger.accounts == {}


async def test_a_market_can_take_no_sign_ups(nats_server: TestServer, ledger: StubLedger) -> None:
    market = nats_server.market
    closed = msgspec.structs.replace(market, accounts=msgspec.structs.replace(market.accounts, sign_up="off"))
    settings = msgspec.structs.replace(nats_server.settings, market=closed)
    worker = Worker("auth", settings, await nats_server.connect(), argparse.Namespace())
    async with auth.serving(worker):
        answer = await sign_up(await new_guest(nats_server), "alice")
        assert isinstance(answer, Refused)
        assert answer.reason == "sign_up_off"
        operator = await nats_server.connect("operator")
        assert isinstance(await ask(operator, "admin.create_account", Credentials("alice", PASSWORD)), Done)


async def test_a_flood_of_sign_ups_behind_a_proxy(
    nats_server: TestServer, ledger: StubLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where all have one address, all together may sign up only so fast; who has an account notices nothing of it."""
    monkeypatch.setattr(registrar, "SHARED_BURST", 3)
    monkeypatch.setattr(registrar, "SHARED_PER_SECOND_MAX", 0.0)
    worker = Worker("auth", nats_server.settings, await nats_server.connect(), argparse.Namespace())
    async with auth.serving(worker):
        answers = [await sign_up(await new_guest(nats_server), f"sock-puppet-{number}") for number in range(5)]
        assert [type(answer) for answer in answers] == [Done] * 3 + [Refused] * 2
        assert answers[-1] == Refused("slow_down", "too many sign-ups at the moment; try again in a minute")
        assert len(ledger.accounts) == 3
        await enter(nats_server, await new_guest(nats_server), "sock-puppet-0")


async def test_a_market_by_invitation(nats_server: TestServer, ledger: StubLedger) -> None:
    market = nats_server.market
    rules = msgspec.structs.replace(market.accounts, sign_up="invitation", invitations=["spring-cup", "autumn-cup"])
    settings = msgspec.structs.replace(nats_server.settings, market=msgspec.structs.replace(market, accounts=rules))
    worker = Worker("auth", settings, await nats_server.connect(), argparse.Namespace())
    async with auth.serving(worker):
        guest = await new_guest(nats_server)
        for code in ("", "winter-cup", "spring-cup "):
            answer = await guest.ask("sign_up", Credentials("alice", PASSWORD, invitation=code))
            assert answer == Refused("invitation", "this market takes sign-ups by invitation; the code is not right")
        assert ledger.accounts == {}
        for account, code in (("alice", "spring-cup"), ("bobby", "autumn-cup")):
            assert isinstance(await guest.ask("sign_up", Credentials(account, PASSWORD, invitation=code)), Done)
        for _ in range(20):
            answer = await guest.ask("sign_up", Credentials("carla", PASSWORD, invitation="guess"))
        assert isinstance(answer, Refused)
        assert answer.reason == "slow_down"


async def test_a_lost_request_to_the_ledger_is_sent_again(
    guest: Guest, ledger: StubLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registrar, "ASK_SECONDS_MAX", 0.1)
    ledger.silent = 2
    assert isinstance(await sign_up(guest, "alice"), Done)
    assert "alice" in ledger.accounts


async def test_a_sign_up_goes_on_when_the_ledger_is_back(
    nats_server: TestServer, guest: Guest, ledger: StubLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registrar, "ASK_SECONDS_MAX", 0.1)
    monkeypatch.setattr(registrar, "LEDGER_SECONDS_MAX", 0.3)
    ledger.silent = 1_000
    answer = await sign_up(guest, "alice")
    assert isinstance(answer, Refused)
    assert answer.reason == "unavailable"
    ledger.silent = 0
    assert isinstance(await sign_up(guest, "alice", "other horse"), Refused), "the name is kept for who was first"
    assert await sign_up(guest, "alice") == Done("alice has an account now")
    await enter(nats_server, guest, "alice")


async def test_a_refusal_of_the_ledger_leaves_the_name_free(operator: Client, ledger: StubLedger) -> None:
    ledger.refusal = Refused("unknown_symbol", "there is no symbol XXX")
    wanted = Credentials("alice", PASSWORD, shares={"XXX": 5})
    assert await ask(operator, "admin.create_account", wanted) == ledger.refusal
    ledger.refusal = None
    wanted = Credentials("alice", "other horse", cash=7, shares={"KRYP": 5})
    assert isinstance(await ask(operator, "admin.create_account", wanted), Done)
    assert ledger.accounts == {"alice": NewAccount("alice", 7, {"KRYP": 5})}


# ── The worker ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def process(nats_server: TestServer) -> AsyncIterator[asyncio.subprocess.Process]:
    """The auth worker as `exchange up` starts it; its log goes to a pipe."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "exchange.ledger.auth", "--data", nats_server.data), stderr=asyncio.subprocess.PIPE
    )
    yield process
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def until_ready(process: asyncio.subprocess.Process) -> bytes:
    assert process.stderr is not None
    async with asyncio.timeout(60):
        return await process.stderr.readuntil(b"people can log in")


async def test_the_worker_runs_as_a_process_and_stops_when_asked(
    nats_server: TestServer, process: asyncio.subprocess.Process, ledger: StubLedger
) -> None:
    await until_ready(process)
    guest = await new_guest(nats_server)
    assert isinstance(await sign_up(guest, "alice"), Done)
    await enter(nats_server, guest, "alice")
    process.send_signal(signal.SIGTERM)
    _, log = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, log.decode()
    assert PASSWORD.encode() not in log


async def test_log_ins_outlive_the_worker(
    nats_server: TestServer, process: asyncio.subprocess.Process, ledger: StubLedger
) -> None:
    """Who is connected stays connected; who comes meanwhile is refused after a while; a new worker knows everybody."""
    await until_ready(process)
    guest = await new_guest(nats_server)
    await sign_up(guest, "alice")
    session = await log_in(guest, "alice")
    alice = await nats_server.connect("alice", session.secret)
    process.kill()
    await process.wait()
    await refused_login(nats_server, "alice", session.secret)
    assert alice.is_connected
    worker = Worker("auth", nats_server.settings, await nats_server.connect(), argparse.Namespace())
    async with auth.serving(worker):
        await nats_server.connect("alice", session.secret)


async def test_two_workers_share_the_work(nats_server: TestServer, auth_worker: Worker, ledger: StubLedger) -> None:
    second = Worker("auth", nats_server.settings, await nats_server.connect(), argparse.Namespace())
    async with auth.serving(second):
        guests = await asyncio.gather(*(new_guest(nats_server) for _ in range(10)))
        names = [f"trader-{number}" for number in range(10)]
        answers = await asyncio.gather(*(sign_up(guest, name) for guest, name in zip(guests, names, strict=True)))
        assert all(isinstance(answer, Done) for answer in answers)
        await asyncio.gather(*(enter(nats_server, guest, name) for guest, name in zip(guests, names, strict=True)))
