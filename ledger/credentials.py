"""Who may log in, and with what: one record per account in the KV bucket CREDENTIALS.

Nothing in it lets anybody log in: passwords are stored as argon2id hashes, keys and tokens,
which are random, as BLAKE2b hashes.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets as random_source
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import Final

import argon2
import msgspec
from nats.aio.client import Client
from nats.js.api import KeyValueConfig
from nats.js.errors import BucketNotFoundError, KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from exchange.permissions import Role
from exchange.subjects import CREDENTIALS

PASSWORD_LENGTH_MIN: Final = 8
PASSWORD_LENGTH_MAX: Final = 256
SESSION_SECONDS: Final = 12 * 3600
SESSIONS_MAX: Final = 10
"""Per account; the oldest ends when one more begins."""
KEYS_MAX: Final = 10
"""Per account; the oldest ends when one more is made."""
CHANGES_MAX: Final = 20
"""How often a change starts again because somebody else changed the record meanwhile."""
HASHING_THREADS: Final = 2
"""Passwords hashed at a time; the others wait in line, behind REQUESTS_MAX of auth.py."""
SECOND: Final = 1_000_000_000

KEY_PREFIX: Final = "key_"
SESSION_PREFIX: Final = "session_"
TOKEN: Final = re.compile(r"(key|session)_[A-Za-z0-9_-]{43}")
"""What a key or session token looks like; no password may, so that a token never costs an argon2."""


class Token(msgspec.Struct, frozen=True, omit_defaults=True):
    """An API key, or the token of a session."""

    digest: str
    created: int
    """Nanoseconds since 1970."""
    expires: int = 0
    """The same; 0 for never."""


class Login(msgspec.Struct, frozen=True, omit_defaults=True):
    """The record of one account."""

    role: Role
    password: str = ""
    """argon2id hash; empty when no password fits."""
    created: int = 0
    keys: tuple[Token, ...] = ()
    sessions: tuple[Token, ...] = ()


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Login).decode


class TooManyChanges(Exception):
    """The record changes faster than it can be written; something is wrong."""


class CredentialStore:
    """The bucket."""

    def __init__(self, bucket: KeyValue) -> None:
        self._bucket = bucket

    @classmethod
    async def open(cls, client: Client) -> CredentialStore:
        """Find the bucket, or create it."""
        jetstream = client.jetstream()
        try:
            return cls(await jetstream.key_value(CREDENTIALS))
        except BucketNotFoundError:
            return cls(await jetstream.create_key_value(KeyValueConfig(bucket=CREDENTIALS, history=1)))

    async def get(self, account: str) -> Login | None:
        """The record of an account."""
        login, _ = await self._read(account)
        return login

    async def create(self, account: str, login: Login) -> bool:
        """Take a name; False if somebody had it already."""
        try:
            await self._bucket.create(account, _encode(login))
        except KeyWrongLastSequenceError:
            return False
        return True

    async def change(self, account: str, change: Callable[[Login], Login]) -> bool:
        """Replace the record by what `change` makes of it; False if there is none."""
        for _ in range(CHANGES_MAX):
            login, revision = await self._read(account)
            if login is None:
                return False
            try:
                await self._bucket.update(account, _encode(change(login)), last=revision)
            except KeyWrongLastSequenceError:
                continue
            return True
        raise TooManyChanges(account)

    async def delete(self, account: str) -> None:
        """Give a name free."""
        await self._bucket.delete(account)

    async def _read(self, account: str) -> tuple[Login | None, int]:
        try:
            entry = await self._bucket.get(account)
        except KeyNotFoundError:
            return None, 0
        return _decode(entry.value or b""), entry.revision or 0


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
        self._threads = ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="argon2")
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


# ── Keys and sessions ─────────────────────────────────────────────────────────────────────────────────────────────


def new_key(now: int) -> tuple[str, Token]:
    """An API key and what is stored of it."""
    secret = KEY_PREFIX + random_source.token_urlsafe(32)
    return secret, Token(_digest(secret), now)


def new_session(now: int) -> tuple[str, Token]:
    """A session token and what is stored of it."""
    secret = SESSION_PREFIX + random_source.token_urlsafe(32)
    return secret, Token(_digest(secret), now, now + SESSION_SECONDS * SECOND)


def with_key(login: Login, key: Token) -> Login:
    """The record with one more API key."""
    return msgspec.structs.replace(login, keys=(*login.keys, key)[-KEYS_MAX:])


def with_session(login: Login, session: Token) -> Login:
    """The record with one more session, without those that are over by then."""
    alive = tuple(old for old in login.sessions if old.expires > session.created)
    return msgspec.structs.replace(login, sessions=(*alive, session)[-SESSIONS_MAX:])


def with_password(login: Login, stored: str) -> Login:
    """The record with another password. Ends all sessions: whoever had the old password may have begun them."""
    return msgspec.structs.replace(login, password=stored, sessions=())


def token_fits(secret: str, login: Login, now: int) -> bool:
    """Whether this is one of the account's API keys, or the token of a session that is not over."""
    digest = _digest(secret)
    return any(
        hmac.compare_digest(token.digest, digest) and (token.expires == 0 or token.expires > now)
        for token in (*login.keys, *login.sessions)
    )


def _digest(secret: str) -> str:
    # One round is enough: nobody guesses 256 random bits.
    return blake2b(secret.encode(), digest_size=32).hexdigest()
