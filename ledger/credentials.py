"""Who may log in, and with what: one record per log-in in the KV bucket CREDENTIALS.

Nothing in it lets anybody log in: passwords are stored as argon2id hashes, keys and tokens,
which are random, as BLAKE2b hashes.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import secrets as random_source
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address, ip_network
from typing import Final

import argon2
import msgspec
from nats.aio.client import Client
from nats.js.api import KeyValueConfig
from nats.js.errors import BucketNotFoundError, KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from exchange.messages.logins import Scope
from exchange.permissions import TOKEN, TOKEN_ID_LENGTH, Role, token_digest
from exchange.streams import ensure_replicas, patiently
from exchange.subjects import CREDENTIALS

PASSWORD_LENGTH_MIN: Final = 8
PASSWORD_LENGTH_MAX: Final = 256
SESSION_SECONDS: Final = 3600
"""A session ends so long after it was last used or renewed …"""
SESSION_REMEMBERED_SECONDS: Final = 30 * 86_400
"""… one that is to be remembered after this long …"""
SESSION_RENEWED_SECONDS_MAX: Final = 7 * 86_400
"""… and one that is not, however often it is renewed, this long after its beginning."""
SESSIONS_MAX: Final = 20
"""Per log-in; the oldest ends when one more begins."""
KEYS_MAX: Final = 20
"""Per log-in; one more is refused."""
MEMBERS_MAX: Final = 50
"""Per account; one more is refused."""
ADDRESSES_MAX: Final = 20
NAME_LENGTH_MAX: Final = 64
"""Of a key or a session."""
USED_SECONDS: Final = 60
"""The last use is written down this precisely, so that logging in often costs no writing."""
CHANGES_MAX: Final = 20
"""How often a change starts again because somebody else changed the record meanwhile."""
HASHING_THREADS: Final = 2
"""Passwords hashed at a time; the others wait in line, each address in its own (see guessing.py)."""
HASHING_NICENESS: Final = 10
"""Hashing gives way to whoever trades."""
SECOND: Final = 1_000_000_000

KEY_PREFIX: Final = "key_"
SESSION_PREFIX: Final = "session_"


class Token(msgspec.Struct, frozen=True, omit_defaults=True):
    """An API key, or the token of a session. Times are nanoseconds since 1970."""

    digest: str
    created: int
    expires: int = 0
    """0 for never."""
    name: str = ""
    scopes: tuple[Scope, ...] = ("read", "trade")
    """Of a key."""
    addresses: tuple[str, ...] = ()
    """Networks that a key may be used from; empty for all."""
    used: int = 0
    address: str = ""
    """Where it was used from at that time."""
    remembered: bool = False
    """Of a session: it is renewed by being used, and lasts longer."""

    @property
    def id(self) -> str:
        """Names it in lists; no secret, because the digest is none."""
        return self.digest[:TOKEN_ID_LENGTH]

    def fits_address(self, address: str) -> bool:
        """Whether it may be used from there."""
        return not self.addresses or any(_contains(network, address) for network in self.addresses)


class Login(msgspec.Struct, frozen=True, omit_defaults=True):
    """The record of one log-in."""

    role: Role
    password: str = ""
    """argon2id hash; empty when no password fits."""
    created: int = 0
    keys: tuple[Token, ...] = ()
    sessions: tuple[Token, ...] = ()
    members: tuple[str, ...] = ()
    """Of an account's own log-in: the names of its team's other log-ins, each with a record of its own."""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Login).decode


class TooManyChanges(Exception):
    """The record changes faster than it can be written; something is wrong."""


class CredentialStore:
    """The bucket."""

    def __init__(self, bucket: KeyValue) -> None:
        self._bucket = bucket

    @classmethod
    async def open(cls, client: Client, replicas: int = 1) -> CredentialStore:
        """Find the bucket, or create it, on so many servers."""
        jetstream = client.jetstream()

        async def find() -> KeyValue:
            try:
                return await jetstream.key_value(CREDENTIALS)
            except BucketNotFoundError:
                return await jetstream.create_key_value(KeyValueConfig(bucket=CREDENTIALS, history=1, replicas=replicas))

        bucket = await patiently(find)
        await ensure_replicas(client, f"KV_{CREDENTIALS}", replicas)
        return cls(bucket)

    async def get(self, name: str) -> Login | None:
        """The record of a log-in."""
        login, _ = await self._read(name)
        return login

    async def create(self, name: str, login: Login) -> bool:
        """Take a name; False if somebody had it already."""
        try:
            await self._bucket.create(_key(name), _encode(login))
        except KeyWrongLastSequenceError:
            return False
        return True

    async def change(self, name: str, change: Callable[[Login], Login]) -> bool:
        """Replace the record by what `change` makes of it; False if there is none. What `change` raises changes nothing."""
        for _ in range(CHANGES_MAX):
            login, revision = await self._read(name)
            if login is None:
                return False
            try:
                await self._bucket.update(_key(name), _encode(change(login)), last=revision)
            except KeyWrongLastSequenceError:
                continue
            return True
        raise TooManyChanges(name)

    async def delete(self, name: str) -> None:
        """Give a name free."""
        await self._bucket.delete(_key(name))

    async def _read(self, name: str) -> tuple[Login | None, int]:
        try:
            entry = await self._bucket.get(_key(name))
        except KeyNotFoundError:
            return None, 0
        return _decode(entry.value or b""), entry.revision or 0


def _key(name: str) -> str:
    """In the bucket: keys may hold no @."""
    member, _, account = name.rpartition("@")
    return f"{account}/{member}" if member else account


# ── Passwords ─────────────────────────────────────────────────────────────────────────────────────────────────────


def password_problem(password: str) -> str:
    """Why this cannot be a password, in words; empty when it can."""
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        return f"a password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters, this one has {len(password)}"
    if TOKEN.fullmatch(password):
        return "a password must not look like an API key or a session token"
    return ""


class Passwords:
    """Hashes passwords in threads: argon2id takes about 20 ms and 19 MiB, by intention."""

    def __init__(self) -> None:
        self._hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._threads = ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="argon2", initializer=_give_way)
        # Compared with when there is no account of that name, so that the time taken does not tell.
        self._nobody = self._hasher.hash(random_source.token_hex(16))

    async def hash(self, password: str) -> str:
        """What is stored of a password."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, password)

    async def fits(self, password: str, login: Login | None) -> bool:
        """Whether this is the account's password; takes as long when there is no such account."""
        if len(password) > PASSWORD_LENGTH_MAX:
            return False
        stored = login.password if login is not None and login.password else ""
        fits = await asyncio.get_running_loop().run_in_executor(self._threads, self._verify, stored or self._nobody, password)
        return fits and stored != ""

    def close(self) -> None:
        """End the threads; what waits in line is given up."""
        self._threads.shutdown(cancel_futures=True)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except argon2.exceptions.VerificationError:
            return False


def _give_way() -> None:
    if sys.platform == "linux":  # Where it concerns this thread alone.
        os.setpriority(os.PRIO_PROCESS, 0, HASHING_NICENESS)


# ── Keys and sessions ─────────────────────────────────────────────────────────────────────────────────────────────


class TooManyKeys(Exception):
    """The log-in has KEYS_MAX of them."""


class KeyNameTaken(Exception):
    """The log-in has a key of that name."""


def new_key(
    now: int, name: str = "", scopes: tuple[Scope, ...] = ("read", "trade"), expires: int = 0, addresses: tuple[str, ...] = ()
) -> tuple[str, Token]:
    """An API key and what is stored of it."""
    secret = KEY_PREFIX + random_source.token_urlsafe(32)
    return secret, Token(token_digest(secret), now, expires, name, scopes, addresses)


def new_session(now: int, name: str = "", remembered: bool = False, address: str = "") -> tuple[str, Token]:
    """A session token and what is stored of it."""
    secret = SESSION_PREFIX + random_source.token_urlsafe(32)
    seconds = SESSION_REMEMBERED_SECONDS if remembered else SESSION_SECONDS
    expires = now + seconds * SECOND
    return secret, Token(token_digest(secret), now, expires, name, used=now, address=address, remembered=remembered)


def with_key(login: Login, key: Token) -> Login:
    """The record with one more API key. Raises TooManyKeys or KeyNameTaken."""
    alive = tuple(old for old in login.keys if not is_over(old, key.created))
    if len(alive) >= KEYS_MAX:
        raise TooManyKeys
    if key.name and any(old.name == key.name for old in alive):
        raise KeyNameTaken
    return msgspec.structs.replace(login, keys=(*alive, key))


def without_key(login: Login, named: str) -> Login:
    """The record without the key of that id or name."""
    return msgspec.structs.replace(login, keys=tuple(key for key in login.keys if named not in (key.id, key.name)))


def with_session(login: Login, session: Token) -> Login:
    """The record with one more session, without those that are over by then."""
    alive = tuple(old for old in login.sessions if not is_over(old, session.created))
    return msgspec.structs.replace(login, sessions=(*alive, session)[-SESSIONS_MAX:])


def without_sessions(login: Login, session: str = "") -> Login:
    """The record without the session of that id, or without any."""
    kept = tuple(old for old in login.sessions if session and old.id != session)
    return msgspec.structs.replace(login, sessions=kept)


def with_password(login: Login, stored: str, keep: str = "") -> Login:
    """The record with another password. Ends all sessions but `keep`: whoever had the old password may have begun them."""
    kept = tuple(session for session in login.sessions if session.id == keep)
    return msgspec.structs.replace(login, password=stored, sessions=kept)


def with_use(login: Login, id: str, now: int, address: str) -> Login:
    """The record that says when and from where a token was used; a remembered session lasts from then on."""

    def used(token: Token) -> Token:
        return msgspec.structs.replace(token, used=now, address=address) if token.id == id else token

    def renewed(session: Token) -> Token:
        session = used(session)
        return prolonged(session, now) if session.id == id and session.remembered else session

    return msgspec.structs.replace(login, keys=tuple(map(used, login.keys)), sessions=tuple(map(renewed, login.sessions)))


def prolonged(session: Token, now: int) -> Token:
    """A session that is in use, as long as it may last."""
    if session.remembered:
        expires = now + SESSION_REMEMBERED_SECONDS * SECOND
    else:
        expires = min(now + SESSION_SECONDS * SECOND, session.created + SESSION_RENEWED_SECONDS_MAX * SECOND)
    return msgspec.structs.replace(session, used=now, expires=max(expires, session.expires))


def find_token(secret: str, login: Login, now: int) -> Token | None:
    """The API key or session that this is the secret of, unless it is over."""
    digest = token_digest(secret)
    for token in tokens(login):
        if hmac.compare_digest(token.digest, digest) and not is_over(token, now):
            return token
    return None


def tokens(login: Login) -> Iterator[Token]:
    """All that let one in without a password."""
    yield from login.keys
    yield from login.sessions


def is_over(token: Token, now: int) -> bool:
    """Whether it has expired."""
    return 0 < token.expires <= now


def address_problem(network: str) -> str:
    """Why this is no address or network, in words; empty when it is one."""
    try:
        ip_network(network)
    except ValueError as error:
        return f"{network[:60]!r} is no address or network: {error}"[:200]
    return ""


def _contains(network: str, address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if found.version == 6 and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return found in ip_network(network)
