"""What is stored of passwords, keys and sessions, and what fits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from functools import partial

import argon2
import msgspec
import pytest

from exchange.permissions import TOKEN, token_id
from ledger.credentials import (
    KEYS_MAX,
    SECOND,
    SESSION_REMEMBERED_SECONDS,
    SESSION_RENEWED_SECONDS_MAX,
    SESSION_SECONDS,
    SESSIONS_MAX,
    CredentialStore,
    KeyNameTaken,
    Login,
    Passwords,
    TooManyKeys,
    address_problem,
    find_token,
    new_key,
    new_session,
    password_problem,
    prolonged,
    with_key,
    with_password,
    with_session,
    with_use,
    without_key,
    without_sessions,
)
from tests.conftest import TestServer

NOW = 1_800_000_000 * SECOND


def fits(secret: str, login: Login, now: int) -> bool:
    return find_token(secret, login, now) is not None


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
    assert fits(key, login, NOW + 100 * 365 * 86_400 * SECOND)
    assert fits(session, login, end - 1)
    assert not fits(session, login, end)
    assert not fits(new_key(NOW)[0], login, NOW)
    assert not fits(stored_key.digest, login, NOW)
    assert not fits(key, Login("trader"), NOW)


def test_the_record_holds_nothing_that_lets_one_in() -> None:
    key, stored_key = new_key(NOW)
    session, stored_session = new_session(NOW)
    record = msgspec.json.encode(with_session(with_key(Login("trader"), stored_key), stored_session))
    assert key.encode() not in record
    assert session.encode() not in record


def test_keys_and_sessions_are_bounded() -> None:
    login = Login("trader")
    sessions = []
    for number in range(SESSIONS_MAX + 5):
        session, stored_session = new_session(NOW + number)
        login = with_session(login, stored_session)
        sessions.append(session)
    assert [fits(session, login, NOW) for session in sessions] == [False] * 5 + [True] * SESSIONS_MAX
    for number in range(KEYS_MAX):
        login = with_key(login, new_key(NOW, f"key {number}")[1])
    with pytest.raises(TooManyKeys):
        with_key(login, new_key(NOW, "one more")[1])
    assert len(without_key(login, "key 3").keys) == KEYS_MAX - 1


def test_names_of_keys_are_taken_once_and_free_again_when_the_key_is_over() -> None:
    login = with_key(Login("trader"), new_key(NOW, "robot", expires=NOW + 5)[1])
    with pytest.raises(KeyNameTaken):
        with_key(login, new_key(NOW, "robot")[1])
    secret, key = new_key(NOW + 5, "robot")
    login = with_key(login, key)
    assert login.keys == (key,)
    assert token_id(secret) == key.id


def test_a_key_ends_when_it_should() -> None:
    secret, key = new_key(NOW, "robot", expires=NOW + 5)
    login = with_key(Login("trader"), key)
    assert [fits(secret, login, NOW + seconds) for seconds in (4, 5)] == [True, False]


@pytest.mark.parametrize(
    ("addresses", "address", "allowed"),
    [
        ((), "192.0.2.7", True),
        (("192.0.2.7",), "192.0.2.7", True),
        (("192.0.2.7",), "192.0.2.8", False),
        (("10.0.0.0/8", "192.0.2.0/24"), "192.0.2.8", True),
        (("192.0.2.0/24",), "::ffff:192.0.2.8", True),
        (("2001:db8::/32",), "2001:db8::1", True),
        (("2001:db8::/32",), "192.0.2.8", False),
        (("192.0.2.0/24",), "", False),
        (("192.0.2.0/24",), "somewhere", False),
    ],
)
def test_addresses_of_a_key(addresses: tuple[str, ...], address: str, allowed: bool) -> None:
    assert new_key(NOW, addresses=addresses)[1].fits_address(address) is allowed


@pytest.mark.parametrize("text", ["", "192.0.2", "192.0.2.1/24", "192.0.2.0/33", "example.com", "x" * 5000])
def test_what_is_no_address(text: str) -> None:
    assert 0 < len(address_problem(text)) <= 200
    assert address_problem("192.0.2.0/24") == address_problem("::1") == ""


def test_a_session_in_use_lasts_longer_but_not_for_ever() -> None:
    _, short = new_session(NOW)
    _, long = new_session(NOW, remembered=True)
    login = with_session(with_session(Login("trader"), short), long)
    later = NOW + 1800 * SECOND
    used = with_use(with_use(login, short.id, later, "192.0.2.7"), long.id, later, "192.0.2.7")
    assert [(session.used, session.address) for session in used.sessions] == [(later, "192.0.2.7")] * 2
    assert used.sessions[0].expires == short.expires, "it is renewed by asking for that"
    assert used.sessions[1].expires == later + SESSION_REMEMBERED_SECONDS * SECOND
    assert prolonged(short, later).expires == later + SESSION_SECONDS * SECOND
    end = NOW + SESSION_RENEWED_SECONDS_MAX * SECOND
    assert prolonged(short, end - SECOND).expires == end


def test_logging_out_of_one_session_or_all() -> None:
    _, one = new_session(NOW)
    _, other = new_session(NOW)
    login = with_session(with_session(Login("trader"), one), other)
    assert without_sessions(login, one.id).sessions == (other,)
    assert without_sessions(login).sessions == ()
    assert with_password(login, "hash", one.id).sessions == (one,)


def test_sessions_that_are_over_are_forgotten_first() -> None:
    old, stored_old = new_session(NOW)
    new, stored_new = new_session(NOW + 2 * SESSION_SECONDS * SECOND)
    login = with_session(with_session(Login("trader"), stored_old), stored_new)
    assert login.sessions == (stored_new,)
    assert not fits(old, login, NOW)
    assert fits(new, login, stored_new.created)


def test_a_new_password_ends_sessions_but_not_keys() -> None:
    key, stored_key = new_key(NOW)
    session, stored_session = new_session(NOW)
    login = with_password(with_session(with_key(Login("trader"), stored_key), stored_session), "hash")
    assert fits(key, login, NOW)
    assert not fits(session, login, NOW)
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
    assert await store.create("bert@alice", Login("trader", "member"))
    await store.delete("alice")
    assert await store.get("bert@alice") == Login("trader", "member"), "a record of its own"
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
    assert all(fits(secret, login, NOW) for secret, _ in made)
