"""What is stored of passwords, keys and sessions, and what fits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from functools import partial

import argon2
import msgspec
import pytest

from ledger.credentials import (
    KEYS_MAX,
    SECOND,
    SESSION_SECONDS,
    SESSIONS_MAX,
    TOKEN,
    CredentialStore,
    Login,
    Passwords,
    new_key,
    new_session,
    password_problem,
    token_fits,
    with_key,
    with_password,
    with_session,
)
from tests.conftest import TestServer

NOW = 1_800_000_000 * SECOND


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    passwords = Passwords()
    yield passwords
    passwords.close()


@pytest.fixture
async def store(nats_server: TestServer) -> CredentialStore:
    return await CredentialStore.open(await nats_server.connect())


async def test_the_right_password_fits_and_no_other(passwords: Passwords) -> None:
    login = Login("trader", await passwords.hash("correct horse"))
    assert await passwords.fits("correct horse", login)
    for wrong in ("", "correct", "correct horse ", "Correct horse", "correct\x00horse", "x" * 10_000):
        assert not await passwords.fits(wrong, login)


async def test_nobody_has_no_password(passwords: Passwords) -> None:
    assert not await passwords.fits("anything at all", None)
    assert not await passwords.fits("", Login("operator"))


async def test_a_stored_password_is_argon2id_with_its_own_salt(passwords: Passwords) -> None:
    first, second = await passwords.hash("correct horse"), await passwords.hash("correct horse")
    assert first != second
    parameters = argon2.extract_parameters(first)
    assert parameters.type is argon2.Type.ID
    # The least that OWASP's password storage cheat sheet asks for.
    assert parameters.memory_cost >= 19 * 1024
    assert parameters.time_cost >= 2


async def test_hashing_leaves_the_event_loop_free(passwords: Passwords) -> None:
    hashing = asyncio.gather(*(passwords.hash("correct horse") for _ in range(20)))
    turns = 0
    begin = time.process_time()
    while not hashing.done():
        await asyncio.sleep(0.001)
        turns += 1
    await hashing
    assert time.process_time() - begin > 0.1, "hashing costs time by intention"
    assert turns > 20, "the loop turned many times meanwhile"


@pytest.mark.parametrize("password", ["12345678", "p" * 256, "ein längerer Satz", "🔑" * 8, "key_short"])
def test_passwords_people_may_have(password: str) -> None:
    assert password_problem(password) == ""


def test_passwords_nobody_may_have() -> None:
    assert password_problem("1234567") == "a password has 8 to 256 characters, this one has 7"
    assert password_problem("p" * 257) == "a password has 8 to 256 characters, this one has 257"
    assert password_problem(new_key(NOW)[0]) == "a password must not look like an API key or a session token"


def test_a_key_fits_for_ever_and_a_session_until_it_ends() -> None:
    key, stored_key = new_key(NOW)
    session, stored_session = new_session(NOW)
    login = with_session(with_key(Login("trader"), stored_key), stored_session)
    assert TOKEN.fullmatch(key)
    assert TOKEN.fullmatch(session)
    end = stored_session.expires
    assert end == NOW + SESSION_SECONDS * SECOND
    assert token_fits(key, login, NOW + 100 * 365 * 86_400 * SECOND)
    assert token_fits(session, login, end - 1)
    assert not token_fits(session, login, end)
    assert not token_fits(new_key(NOW)[0], login, NOW)
    assert not token_fits(stored_key.digest, login, NOW)
    assert not token_fits(key, Login("trader"), NOW)


def test_the_record_holds_nothing_that_lets_one_in() -> None:
    key, stored_key = new_key(NOW)
    session, stored_session = new_session(NOW)
    record = msgspec.json.encode(with_session(with_key(Login("trader"), stored_key), stored_session))
    assert key.encode() not in record
    assert session.encode() not in record


def test_keys_and_sessions_are_bounded() -> None:
    login = Login("trader")
    keys, sessions = [], []
    for number in range(15):
        key, stored_key = new_key(NOW + number)
        session, stored_session = new_session(NOW + number)
        login = with_session(with_key(login, stored_key), stored_session)
        keys.append(key)
        sessions.append(session)
    assert [token_fits(key, login, NOW) for key in keys] == [False] * (15 - KEYS_MAX) + [True] * KEYS_MAX
    assert [token_fits(session, login, NOW) for session in sessions] == [False] * (15 - SESSIONS_MAX) + [True] * SESSIONS_MAX


def test_sessions_that_are_over_are_forgotten_first() -> None:
    old, stored_old = new_session(NOW)
    new, stored_new = new_session(NOW + 2 * SESSION_SECONDS * SECOND)
    login = with_session(with_session(Login("trader"), stored_old), stored_new)
    assert login.sessions == (stored_new,)
    assert not token_fits(old, login, NOW)
    assert token_fits(new, login, stored_new.created)


def test_a_new_password_ends_sessions_but_not_keys() -> None:
    key, stored_key = new_key(NOW)
    session, stored_session = new_session(NOW)
    login = with_password(with_session(with_key(Login("trader"), stored_key), stored_session), "hash")
    assert token_fits(key, login, NOW)
    assert not token_fits(session, login, NOW)
    assert login.password == "hash"


def test_yesterdays_record_still_decodes() -> None:
    assert msgspec.json.decode(b'{"role":"trader","password":"h","created":5}', type=Login) == Login("trader", "h", 5)


async def test_a_name_is_taken_once(store: CredentialStore) -> None:
    assert await store.get("alice") is None
    taken = await asyncio.gather(*(store.create("alice", Login("trader", str(number))) for number in range(10)))
    assert sum(taken) == 1
    login = await store.get("alice")
    assert login is not None
    assert login.password == str(taken.index(True))


async def test_a_name_given_free_can_be_taken_again(store: CredentialStore) -> None:
    assert await store.create("alice", Login("trader", "first"))
    await store.delete("alice")
    assert await store.get("alice") is None
    assert not await store.change("alice", lambda login: login)
    assert await store.create("alice", Login("trader", "second"))


async def test_changes_at_once_are_all_kept(store: CredentialStore) -> None:
    await store.create("alice", Login("trader"))
    made = [new_key(NOW) for _ in range(8)]
    changed = await asyncio.gather(*(store.change("alice", partial(with_key, key=key)) for _, key in made))
    assert changed == [True] * 8
    login = await store.get("alice")
    assert login is not None
    assert all(token_fits(secret, login, NOW) for secret, _ in made)
