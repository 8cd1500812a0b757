"""What a log-in does about itself: sessions, API keys, passwords, teams; against a real server."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

import argon2
import msgspec
import pytest
from nats.aio.client import Client

from exchange import questions
from exchange.messages import logins
from exchange.messages.administration import Credentials, Done
from exchange.messages.base import encode
from exchange.messages.logins import LogIn, LogOut, Member, NewKey, NewMember, NewPassword, RevokeKey, SessionInfo
from exchange.messages.requests import Refused
from exchange.permissions import guest_name, token_id
from exchange.worker import Worker
from ledger import enforcer, guessing
from ledger.credentials import KEYS_MAX, SECOND, CredentialStore, Login
from tests.conftest import TestServer, settle
from tests.ledger.people import (
    PASSWORD,
    Guest,
    StubLedger,
    ask,
    elsewhere,
    enter,
    log_in,
    new_api_key,
    new_guest,
    refused_login,
    sign_up,
    state_of,
    until,
    wrong,
)


@pytest.fixture
def long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first wait of one second may be over before a busy machine has seen the next guess."""
    monkeypatch.setattr(guessing, "WAIT_SECONDS_FIRST", 60.0)


async def test_a_refused_password_does_not_say_what_was_wrong(guest: Guest) -> None:
    await sign_up(guest, "alice")
    attempts = [("alice", "wrong horse"), ("nobody", PASSWORD), ("operator", PASSWORD), ("alice", ""), ("A*>", PASSWORD)]
    answers = [await guest.ask("log_in", LogIn(*attempt)) for attempt in attempts]
    assert answers == [Refused("log_in", "name and password do not belong together")] * len(attempts)


async def test_a_session_that_is_over_lets_nobody_in(
    nats_server: TestServer, guest: Guest, auth_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a connection outlive it."""
    monkeypatch.setattr(enforcer, "SESSIONS_CHECK_SECONDS", 0.1)
    await sign_up(guest, "alice")
    session = await log_in(guest, "alice")
    alice = await nats_server.connect("alice", session.secret)
    store = await CredentialStore.open(auth_worker.nats)

    def end(login: Login) -> Login:
        return msgspec.structs.replace(login, sessions=(msgspec.structs.replace(login.sessions[0], expires=time.time_ns()),))

    await store.change("alice", end)
    await refused_login(nats_server, "alice", session.secret)
    await until(lambda: alice.is_closed)


async def test_a_session_is_renewed_while_it_is_used(nats_server: TestServer, guest: Guest, auth_worker: Worker) -> None:
    await sign_up(guest, "alice")
    session = await log_in(guest, "alice")
    alice = await nats_server.connect("alice", session.secret)
    renewed = await ask(alice, "auth.alice.renew", logins.RenewSession(session.id))
    assert isinstance(renewed, SessionInfo)
    assert (renewed.id, renewed.live) == (session.id, 1)
    assert renewed.expires > session.expires
    other = await ask(alice, "auth.alice.renew", logins.RenewSession("nothing"))
    assert other == Refused("unknown_session", "there is no such session, or it is over")


async def test_the_operator_logs_in_with_the_password_of_the_secrets_file(
    nats_server: TestServer, operator: Client, guest: Guest
) -> None:
    again = await enter(nats_server, guest, "operator", nats_server.secrets.operator)
    answer = await ask(again, "auth.operator.password", NewPassword("another horse"))
    assert isinstance(answer, Refused)
    assert answer.reason == "not_allowed"
    assert await wrong(guest, "operator", "another horse") == "log_in"


async def test_200_log_in_at_once(nats_server: TestServer, guest: Guest, operator: Client) -> None:
    """40 people, five windows each. Those who are there wait for nobody: questions are answered all the while.

    The passwords of ten cost as much as any does; those of the others next to nothing, to spare the machine.
    """
    names = [f"trader-{number}" for number in range(40)]
    stored = await CredentialStore.open(await nats_server.connect())
    dear, cheap = (argon2.PasswordHasher(cost, memory, 1).hash(PASSWORD) for cost, memory in ((2, 19 * 1024), (1, 8)))
    hashed = [dear] * 10 + [cheap] * 30
    await asyncio.gather(*(stored.create(name, Login("trader", one)) for name, one in zip(names, hashed, strict=True)))

    async def one(name: str) -> Client:
        """As the page does it."""
        return await enter(nats_server, await new_guest(nats_server), name)

    arriving = asyncio.gather(*(one(name) for name in names * 5))
    answered = 0
    while not arriving.done():
        await state_of(operator, names[0])
        answered += 1
        await asyncio.sleep(0.02)
    assert all(client.is_connected for client in await arriving)
    assert answered > 20


async def test_one_log_in_cannot_take_the_places_of_the_others(
    nats_server: TestServer, guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of these questions costs an argon2, and whoever is in a team's first log-in may ask as many as it likes."""
    monkeypatch.setattr(questions, "AT_ONCE_MAX", 16)
    monkeypatch.setattr(questions, "AT_ONCE_EACH_MAX", 4)
    flood = 64
    for name in ("alice", "bob"):
        await sign_up(guest, name)
    alice = await enter(nats_server, guest, "alice")
    inbox = f"{alice._inbox_prefix.decode()}.flood"
    answers = await alice.subscribe(f"{inbox}.*")
    for number in range(flood):
        member = encode(NewMember(f"member-{number}", PASSWORD))
        await alice.publish("auth.alice.add_member", member, reply=f"{inbox}.{number}")
    await settle(alice)
    assert (await log_in(guest, "bob")).login == "bob", "neither refused as busy, nor behind them all"
    said = [(await answers.next_msg(timeout=240)).data for _ in range(flood)]
    busy = [answer for answer in said if b'"busy"' in answer]
    assert 0 < len(busy) < len(said), "those within the bound were looked at"


@pytest.mark.usefixtures("long_waits")
async def test_guessing_is_slowed_down(nats_server: TestServer, guest: Guest) -> None:
    """Who guesses must wait, even with the right password at last; others with the same name need not."""
    await sign_up(guest, "alice")
    session = await log_in(guest, "alice")
    answers = await asyncio.gather(*(wrong(guest, "alice", f"wrong horse {number}") for number in range(20)))
    assert answers == ["log_in"] * guessing.PAIR_FREE + ["slow_down"] * (20 - guessing.PAIR_FREE)
    answer = await guest.ask("log_in", LogIn("alice", PASSWORD))
    assert isinstance(answer, Refused)
    assert re.fullmatch(r"too many wrong passwords; try again in \d+ s", answer.detail)
    assert await wrong(guest, "bobby", PASSWORD) == "log_in", "each log-in has its own count"
    async with elsewhere(nats_server, "127.0.0.2") as url:
        name = guest_name()
        assert await log_in(Guest(name, await nats_server.connect(name, url=url)), "alice"), "alice herself sits elsewhere"
    assert await nats_server.connect("alice", session.secret), "and what needs no password is not concerned"


@pytest.mark.usefixtures("long_waits")
async def test_guessing_from_within_is_slowed_down_too(nats_server: TestServer, guest: Guest) -> None:
    """Whoever is logged in may ask like a guest, and is no harder to tell from others than an address."""
    await sign_up(guest, "alice")
    alice = await enter(nats_server, guest, "alice")
    guesses = [LogIn(f"bob-{number}", PASSWORD) for number in range(guessing.ADDRESS_FREE + 2)]
    answers = await asyncio.gather(*(ask(alice, "auth.alice.log_in", guess) for guess in guesses))
    reasons = [answer.reason for answer in answers if isinstance(answer, Refused)]
    assert reasons.count("log_in") >= guessing.ADDRESS_FREE
    assert "slow_down" in reasons


@pytest.mark.usefixtures("long_waits")
async def test_guessing_the_operators_password_is_slowed_down(nats_server: TestServer, guest: Guest) -> None:
    for number in range(guessing.PAIR_FREE):
        await refused_login(nats_server, "operator", f"wrong horse {number}")
    await refused_login(nats_server, "operator", nats_server.secrets.operator)


# ── Keys ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_revoked_key_ends_its_connections_at_once(nats_server: TestServer, guest: Guest) -> None:
    await sign_up(guest, "alice")
    alice = await enter(nats_server, guest, "alice")
    keys = [await new_api_key(alice, "alice", name) for name in ("first", "second", "third")]
    robots = [await nats_server.connect("alice", key.secret) for key in keys]
    await until_known(alice, "alice", 3)
    assert await ask(alice, "auth.alice.revoke", RevokeKey("first")) == Done("the API key first of alice is revoked")
    assert isinstance(await ask(alice, "auth.alice.revoke", RevokeKey(keys[1].id)), Done)
    await until(lambda: robots[0].is_closed and robots[1].is_closed)
    await refused_login(nats_server, "alice", keys[0].secret)
    assert robots[2].is_connected
    assert alice.is_connected
    assert [key.name for key in (await state_of(alice, "alice")).keys] == ["third"]
    answer = await ask(alice, "auth.alice.revoke", RevokeKey("first"))
    assert answer == Refused("unknown_key", "alice has no API key 'first'")


async def until_known(client: Client, login: str, connections: int) -> None:
    """Until the auth worker has heard of so many connections with keys."""
    async with asyncio.timeout(60):
        while sum(key.live for key in (await state_of(client, login)).keys) != connections:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_connection_ends_with_its_key(nats_server: TestServer, guest: Guest) -> None:
    """By the server itself, even if no auth worker runs then."""
    await sign_up(guest, "alice")
    alice = await enter(nats_server, guest, "alice")
    key = await new_api_key(alice, "alice", expires=time.time_ns() + 2 * SECOND)
    robot = await nats_server.connect("alice", key.secret)
    await until(lambda: robot.is_closed)
    await refused_login(nats_server, "alice", key.secret)


async def test_the_last_use_of_a_key_is_told(nats_server: TestServer, guest: Guest) -> None:
    await sign_up(guest, "alice")
    alice = await enter(nats_server, guest, "alice")
    key = await new_api_key(alice, "alice", scopes=("read",), addresses=("127.0.0.0/8",))
    (shown,) = (await state_of(alice, "alice")).keys
    assert (shown.id, shown.name, shown.scopes, shown.addresses) == (key.id, "robot", ("read",), ("127.0.0.0/8",))
    assert (shown.used, shown.address, shown.live) == (0, "", 0)
    begin = time.time_ns()
    async with elsewhere(nats_server, "127.0.0.2") as url:
        await nats_server.connect("alice", key.secret, url=url)
        async with asyncio.timeout(60):
            while not shown.used or not shown.live:
                (shown,) = (await state_of(alice, "alice")).keys
    assert begin <= shown.used <= time.time_ns()
    assert (shown.address, shown.live) == ("127.0.0.2", 1)


async def test_a_key_works_from_its_addresses_only(nats_server: TestServer, guest: Guest) -> None:
    await sign_up(guest, "alice")
    alice = await enter(nats_server, guest, "alice")
    key = await new_api_key(alice, "alice", addresses=("127.0.0.2",))
    await refused_login(nats_server, "alice", key.secret)
    async with elsewhere(nats_server, "127.0.0.2") as url:
        await nats_server.connect("alice", key.secret, url=url)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (NewKey(""), "name"),
        (NewKey("a\nb"), "name"),
        (NewKey("x" * 65), "name"),
        (NewKey("robot", scopes=()), "scopes"),
        ({"name": "robot", "scopes": ["withdraw"]}, "scopes"),
        (NewKey("robot", expires=5), "expires"),
        (NewKey("robot", expires=-5), "expires"),
        (NewKey("robot", expires=2**70), "expires"),
        (NewKey("robot", addresses=("nowhere",)), "addresses"),
        (NewKey("robot", addresses=("10.0.0.1",) * 21), "addresses"),
        ({}, "name"),
    ],
)
async def test_a_key_is_refused_in_words(nats_server: TestServer, guest: Guest, key: Any, words: str) -> None:
    await sign_up(guest, "alice")
    alice = await enter(nats_server, guest, "alice")
    answer = await ask(alice, "auth.alice.key", key)
    assert isinstance(answer, Refused)
    assert answer.reason == "malformed"
    assert words in answer.detail


async def test_keys_are_bounded_and_have_names_of_their_own(nats_server: TestServer, guest: Guest) -> None:
    await sign_up(guest, "alice")
    alice = await enter(nats_server, guest, "alice")
    for number in range(KEYS_MAX - 1):
        await new_api_key(alice, "alice", f"robot {number}")
    again = await ask(alice, "auth.alice.key", NewKey("robot 5"))
    assert again == Refused("key_name", "alice has an API key called 'robot 5'")
    await new_api_key(alice, "alice")
    more = await ask(alice, "auth.alice.key", NewKey("one more"))
    assert isinstance(more, Refused)
    assert more.reason == "too_many_keys"


async def test_only_traders_have_keys(operator: Client) -> None:
    assert await ask(operator, "admin.create_account", Credentials("eve", PASSWORD, role="auditor")) == Done(
        "eve can log in as auditor"
    )
    for name in ("eve", "operator"):
        answer = await ask(operator, f"auth.{name}.key", NewKey("robot"))
        assert isinstance(answer, Refused)
        assert answer.reason == "not_allowed"


# ── Sessions and passwords ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_new_password_holds_at_once(nats_server: TestServer, guest: Guest) -> None:
    await sign_up(guest, "alice")
    sessions = [await log_in(guest, "alice") for _ in range(2)]
    alice, other = [await nats_server.connect("alice", session.secret) for session in sessions]
    key = await new_api_key(alice, "alice")
    robot = await nats_server.connect("alice", key.secret)
    await until_known(alice, "alice", 1)
    short = await ask(alice, "auth.alice.password", NewPassword("short", PASSWORD))
    assert short == Refused("password", "a password has 8 to 256 characters, this one has 5")
    stolen = await ask(alice, "auth.alice.password", NewPassword("other horse", "a guess"))
    assert stolen == Refused("log_in", "the password so far is not right")
    changed = await ask(alice, "auth.alice.password", NewPassword("other horse", PASSWORD, keep=token_id(sessions[0].secret)))
    assert changed == Done("alice has a new password; all other sessions have ended")
    await until(lambda: other.is_closed)
    assert await wrong(guest, "alice", PASSWORD) == "log_in"
    await refused_login(nats_server, "alice", sessions[1].secret)
    await enter(nats_server, guest, "alice", "other horse")
    await nats_server.connect("alice", key.secret)
    assert alice.is_connected
    assert robot.is_connected


async def test_a_stolen_session_cannot_guess_the_password(nats_server: TestServer, guest: Guest) -> None:
    await sign_up(guest, "alice")
    thief = await enter(nats_server, guest, "alice")
    guesses = [NewPassword("thief's horse", f"guess {number}") for number in range(guessing.PAIR_FREE + 1)]
    answers = [await ask(thief, "auth.alice.password", guess) for guess in guesses]
    assert [answer.reason for answer in answers if isinstance(answer, Refused)][-2:] == ["log_in", "slow_down"]
    assert await log_in(guest, "alice"), "alice is not locked out by that"


async def test_logging_out_everywhere_ends_sessions_and_leaves_keys(nats_server: TestServer, guest: Guest) -> None:
    await sign_up(guest, "alice")
    sessions = [await log_in(guest, "alice", name=f"page {number}") for number in range(3)]
    pages = [await nats_server.connect("alice", session.secret) for session in sessions]
    robot = await nats_server.connect("alice", (await new_api_key(pages[0], "alice")).secret)
    await until_known(pages[0], "alice", 1)
    assert isinstance(await ask(pages[0], "auth.alice.log_out", LogOut(sessions[2].id)), Done)
    await until(lambda: pages[2].is_closed)
    assert pages[0].is_connected
    assert pages[1].is_connected
    assert [session.name for session in (await state_of(pages[0], "alice")).sessions] == ["page 0", "page 1"]
    answer = await ask(pages[0], "auth.alice.log_out")
    assert answer == Done("alice is logged out everywhere; API keys stay"), "told to one who ends, too"
    await until(lambda: pages[0].is_closed and pages[1].is_closed)
    await refused_login(nats_server, "alice", sessions[0].secret)
    assert robot.is_connected


async def test_the_operator_gives_another_password(nats_server: TestServer, guest: Guest, operator: Client) -> None:
    await sign_up(guest, "alice")
    alice = await enter(nats_server, guest, "alice")
    assert isinstance(await ask(operator, "admin.password", Credentials("alice", "other horse")), Done)
    await until(lambda: alice.is_closed)
    await enter(nats_server, guest, "alice", "other horse")
    for account, reason in (("nobody", "unknown_account"), ("operator", "not_allowed"), ("NOT A NAME", "unknown_account")):
        answer = await ask(operator, "admin.password", Credentials(account, "other horse"))
        assert isinstance(answer, Refused)
        assert answer.reason == reason


@pytest.mark.parametrize("account", ["nobody", "NOT-A-NAME", "a" * 60, "bert@nobody", "@"])
@pytest.mark.parametrize(
    ("question", "content"),
    [
        ("show", None),
        ("key", NewKey("robot")),
        ("revoke", RevokeKey("robot")),
        ("log_out", LogOut()),
        ("password", NewPassword(PASSWORD, PASSWORD)),
        ("renew", logins.RenewSession("x")),
        ("add_member", NewMember("bert", PASSWORD)),
        ("remove_member", Member("bert")),
    ],
)
async def test_an_account_without_a_login_has_none_of_it(operator: Client, account: str, question: str, content: Any) -> None:
    answer = await ask(operator, f"auth.{account}.{question}", content)
    assert isinstance(answer, Refused)
    assert answer.reason in ("unknown_account", "unknown_session", "malformed")


# ── Teams ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_team_has_several_log_ins_for_one_account(nats_server: TestServer, guest: Guest) -> None:
    await sign_up(guest, "alice")
    alice = await enter(nats_server, guest, "alice")
    added = await ask(alice, "auth.alice.add_member", NewMember("bert", "member horse"))
    assert added == Done("bert@alice can log in and trade for alice")
    assert (await state_of(alice, "alice")).members == ("bert",)
    bert = await enter(nats_server, guest, "bert@alice", "member horse")
    shown = await state_of(bert, "bert@alice")
    assert (shown.login, shown.account, shown.role) == ("bert@alice", "alice", "trader")
    worker = await nats_server.connect()
    orders = await worker.subscribe("orders.alice")
    await settle(worker)
    await bert.publish("orders.alice", b"bert's")
    await settle(bert, worker)
    assert (await orders.next_msg(timeout=30)).data == b"bert's"
    assert await wrong(guest, "bert@alice", PASSWORD) == "log_in", "the password is his own"
    changed = await ask(bert, "auth.bert@alice.password", NewPassword("new member horse", "member horse"))
    assert isinstance(changed, Done)
    again = await ask(alice, "auth.alice.add_member", NewMember("bert", "another horse"))
    assert again == Refused("name_taken", "bert@alice is in the team")


async def test_whoever_leaves_the_team_is_out_at_once(nats_server: TestServer, guest: Guest) -> None:
    await sign_up(guest, "alice")
    alice = await enter(nats_server, guest, "alice")
    await ask(alice, "auth.alice.add_member", NewMember("bert", "member horse"))
    bert = await enter(nats_server, guest, "bert@alice", "member horse")
    robot = await nats_server.connect("bert@alice", (await new_api_key(bert, "bert@alice")).secret)
    await until_known(bert, "bert@alice", 1)
    assert isinstance(await ask(alice, "auth.alice.remove_member", Member("bert")), Done)
    await until(lambda: bert.is_closed and robot.is_closed)
    assert await wrong(guest, "bert@alice", "member horse") == "log_in"
    assert (await state_of(alice, "alice")).members == ()
    assert alice.is_connected
    gone = await ask(alice, "auth.alice.remove_member", Member("bert"))
    assert isinstance(gone, Refused)


@pytest.mark.parametrize("name", ["", "Bert", "bert@alice", "a" * 33, "b.c", "*"])
async def test_names_of_members(nats_server: TestServer, guest: Guest, name: str) -> None:
    await sign_up(guest, "alice")
    alice = await enter(nats_server, guest, "alice")
    answer = await ask(alice, "auth.alice.add_member", NewMember(name, "member horse"))
    assert isinstance(answer, Refused)
    assert answer.reason == "malformed"


# ── Staff ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_auditors_and_operators_have_no_account(
    nats_server: TestServer, guest: Guest, operator: Client, ledger: StubLedger
) -> None:
    for name, role in (("eve", "auditor"), ("olga", "operator")):
        assert isinstance(await ask(operator, "admin.create_account", Credentials(name, PASSWORD, role=role)), Done)
        person = await enter(nats_server, guest, name)
        assert (await state_of(person, name)).role == role
    assert ledger.accounts == {}
    assert isinstance(await sign_up(guest, "eve"), Refused)
    again = await ask(operator, "admin.create_account", Credentials("eve", PASSWORD, role="operator"))
    assert again == Refused("name_taken", "the name eve is taken")
    rich = await ask(operator, "admin.create_account", Credentials("rich", PASSWORD, cash=5, role="auditor"))
    assert isinstance(rich, Refused)
    nobody = await guest.ask("sign_up", Credentials("mallory", PASSWORD, role="operator"))
    assert isinstance(nobody, Refused)
    assert nobody.reason == "not_allowed"
