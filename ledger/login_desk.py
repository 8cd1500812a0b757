"""What a log-in does about itself: begins and ends sessions, makes and revokes API keys, changes its password."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import msgspec

from exchange import subjects
from exchange.messages import logins
from exchange.messages.administration import Credentials, Done
from exchange.messages.base import decoder
from exchange.messages.requests import Refused
from exchange.permissions import LOGIN, OPERATOR, account_of
from exchange.questions import Questions

from . import refusals
from .credentials import (
    ADDRESSES_MAX,
    KEYS_MAX,
    NAME_LENGTH_MAX,
    CredentialStore,
    KeyNameTaken,
    Login,
    Passwords,
    Token,
    TooManyKeys,
    address_problem,
    is_over,
    new_key,
    new_session,
    password_problem,
    prolonged,
    with_key,
    with_password,
    with_session,
    without_key,
    without_sessions,
)
from .doorkeeper import Doorkeeper
from .enforcer import Enforcer
from .guessing import Guessing, TooManyGuesses

NOT_ALLOWED: Final = "not_allowed"
PASSWORD: Final = "password"
LOG_IN: Final = "log_in"
SLOW_DOWN: Final = "slow_down"
KEY_NAME: Final = "key_name"
TOO_MANY_KEYS: Final = "too_many_keys"
UNKNOWN_KEY: Final = "unknown_key"
UNKNOWN_SESSION: Final = "unknown_session"
REFUSAL_SECONDS: Final = 0.3
"""A wrong password is refused only after this long."""

_decode_credentials = decoder(Credentials).decode
_decode_log_in = decoder(logins.LogIn).decode
_decode_renewal = decoder(logins.RenewSession).decode
_decode_log_out = decoder(logins.LogOut).decode
_decode_new_password = decoder(logins.NewPassword).decode
_decode_new_key = decoder(logins.NewKey).decode
_decode_revocation = decoder(logins.RevokeKey).decode


class LoginDesk:
    """Answers auth.<guest>.log_in, auth.<login>.… and admin.password."""

    def __init__(
        self,
        store: CredentialStore,
        passwords: Passwords,
        guessing: Guessing,
        doorkeeper: Doorkeeper,
        enforcer: Enforcer,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._guessing = guessing
        self._doorkeeper = doorkeeper
        self._enforcer = enforcer
        self._now = now

    async def answer(self, questions: Questions) -> None:
        """Take the questions that are the desk's."""
        await questions.answer(subjects.admin("password"), self.reset_password)
        for verb, handler in {
            "log_in": self.log_in,
            "renew": self.renew,
            "log_out": self.log_out,
            "show": self.show,
            "password": self.password,
            "key": self.key,
            "revoke": self.revoke,
        }.items():
            await questions.answer(subjects.auth("*", verb), handler)

    async def log_in(self, subject: str, data: bytes) -> logins.Secret | Refused:
        """A session for a password. Wrong ones are slowed down, and a name that nobody has is treated like a wrong password."""
        wanted = _decode_log_in(data)
        name, address = wanted.login, self._doorkeeper.address_of(login_of(subject))
        if problem := _label_problem("name", wanted.name):
            return refusals.malformed(problem)
        wrong = Refused(LOG_IN, "name and password do not belong together")
        if LOGIN.fullmatch(name) is None:
            return wrong
        try:
            fits = await self._guessing.attempt(name, address, lambda: self._fits(name, wanted.password))
        except TooManyGuesses as error:
            return Refused(SLOW_DOWN, str(error))
        if not fits:
            await asyncio.sleep(REFUSAL_SECONDS)
            return wrong
        secret, session = new_session(self._now(), wanted.name, wanted.remember, address)
        await self._store.change(name, lambda login: with_session(login, session))
        login = await self._get(name)
        return logins.Secret(name, secret, session.id, session.expires, login.role if login else "")

    async def renew(self, subject: str, data: bytes) -> logins.SessionInfo | Refused:
        """A session that is in use lasts longer."""
        name, wanted, now = login_of(subject), _decode_renewal(data).session, self._now()
        renewed: list[Token] = []

        def renew(session: Token) -> Token:
            if session.id != wanted or is_over(session, now):
                return session
            renewed[:] = [prolonged(session, now)]
            return renewed[0]

        def change(login: Login) -> Login:
            return msgspec.structs.replace(login, sessions=tuple(map(renew, login.sessions)))

        if not await self._change(name, change) or not renewed:
            return Refused(UNKNOWN_SESSION, "there is no such session, or it is over")
        return self._session_info(name, renewed[0])

    async def log_out(self, subject: str, data: bytes) -> Done | Refused:
        """End one session or all, with their connections."""
        name = login_of(subject)
        session = _decode_log_out(data).session if data else ""
        if not await self._change(name, lambda login: without_sessions(login, session)):
            return refusals.unknown_account(name)
        self._enforcer.soon(name)  # Whoever asks may be among those that end, and hears the answer first.
        return Done(f"{name} is logged out {'there' if session else 'everywhere; API keys stay'}")

    async def show(self, subject: str, _: bytes) -> logins.LoginState | Refused:
        """All that lets one in."""
        name = login_of(subject)
        login = await self._get(name)
        if login is None:
            return refusals.unknown_account(name)
        now = self._now()
        keys = [self._key_info(name, key) for key in login.keys if not is_over(key, now)]
        sessions = [self._session_info(name, session) for session in login.sessions if not is_over(session, now)]
        return logins.LoginState(name, account_of(name), login.role, keys, sessions, login.members)

    async def password(self, subject: str, data: bytes) -> Done | Refused:
        """Another password; all other sessions end, API keys stay. A stolen session is not enough for that."""
        name, wanted = login_of(subject), _decode_new_password(data)
        if name == OPERATOR:
            return Refused(NOT_ALLOWED, "the operator's password stands in the market's secrets file")
        if problem := password_problem(wanted.password):
            return Refused(PASSWORD, problem)
        if await self._get(name) is None:
            return refusals.unknown_account(name)
        try:
            # In a line of its own: nobody outside can lock the owner out of this.
            if not await self._guessing.attempt(name, f"session of {name}", lambda: self._fits(name, wanted.current)):
                return Refused(LOG_IN, "the password so far is not right")
        except TooManyGuesses as error:
            return Refused(SLOW_DOWN, str(error))
        return await self._set_password(name, wanted.password, wanted.keep)

    async def key(self, subject: str, data: bytes) -> logins.Secret | Refused:
        """An API key for a program."""
        name, wanted = login_of(subject), _decode_new_key(data)
        if problem := _key_problem(wanted, self._now()):
            return refusals.malformed(problem)
        scopes = tuple(sorted(set(wanted.scopes)))
        secret, key = new_key(self._now(), wanted.name, scopes, wanted.expires, wanted.addresses)
        login = await self._get(name)
        if login is None:
            return refusals.unknown_account(name)
        if login.role != "trader":
            return Refused(NOT_ALLOWED, f"{name} does not trade; only log-ins of traders have API keys")
        try:
            await self._change(name, lambda login: with_key(login, key))
        except TooManyKeys:
            return Refused(TOO_MANY_KEYS, f"{name} has {KEYS_MAX} API keys, the most there may be; revoke one first")
        except KeyNameTaken:
            return Refused(KEY_NAME, f"{name} has an API key called {quoted(wanted.name)}")
        return logins.Secret(name, secret, key.id, key.expires)

    async def revoke(self, subject: str, data: bytes) -> Done | Refused:
        """An API key ends, and then its connections: they could not come back."""
        name, named = login_of(subject), _decode_revocation(data).key
        login = await self._get(name)
        if login is None:
            return refusals.unknown_account(name)
        key = next((key for key in login.keys if named in (key.id, key.name)), None)
        if key is None:
            return Refused(UNKNOWN_KEY, f"{name} has no API key {quoted(named)}")
        await self._change(name, lambda login: without_key(login, key.id))
        await self._enforcer.enforce(name)
        return Done(f"the API key {key.name or key.id} of {name} is revoked")

    async def reset_password(self, _: str, data: bytes) -> Done | Refused:
        """The operator gives a log-in another password; all its sessions end."""
        wanted = _decode_credentials(data)
        if wanted.account == OPERATOR:
            return Refused(NOT_ALLOWED, "the operator's password stands in the market's secrets file")
        if problem := password_problem(wanted.password):
            return Refused(PASSWORD, problem)
        return await self._set_password(wanted.account, wanted.password)

    async def _set_password(self, name: str, password: str, keep: str = "") -> Done | Refused:
        stored = await self._passwords.hash(password)
        if not await self._change(name, lambda login: with_password(login, stored, keep)):
            return refusals.unknown_account(name)
        self._enforcer.soon(name)
        return Done(f"{name} has a new password; all {'other ' if keep else ''}sessions have ended")

    async def _fits(self, name: str, password: str) -> bool:
        if name == OPERATOR:
            return self._doorkeeper.is_operators(password)
        return await self._passwords.fits(password, await self._store.get(name))

    async def _get(self, name: str) -> Login | None:
        return await self._store.get(name) if LOGIN.fullmatch(name) else None

    async def _change(self, name: str, change: Callable[[Login], Login]) -> bool:
        return LOGIN.fullmatch(name) is not None and await self._store.change(name, change)

    def _key_info(self, name: str, key: Token) -> logins.KeyInfo:
        live = self._live(name, key)
        return logins.KeyInfo(
            key.id, key.name, key.scopes, key.created, key.expires, key.addresses, key.used, key.address, live
        )

    def _session_info(self, name: str, session: Token) -> logins.SessionInfo:
        live = self._live(name, session)
        return logins.SessionInfo(
            session.id, session.name, session.created, session.expires, session.used, session.address, live
        )

    def _live(self, name: str, token: Token) -> int:
        return sum(connection.credential == token.id for connection in self._enforcer.connections(name))


def login_of(subject: str) -> str:
    """Whose question it is: the server lets nobody but the log-in itself and operators publish there."""
    return subject.split(".")[1]


def quoted(text: str) -> str:
    """A stranger's text for an answer."""
    return refusals.clip(repr(text), refusals.TEXT_LENGTH_MAX)


def _key_problem(key: logins.NewKey, now: int) -> str:
    if problem := _label_problem("name", key.name):
        return problem
    if not key.scopes:
        return "scopes: expected read, trade or both"
    if key.expires and not now < key.expires < 2**63:
        return "expires: expected a time to come in nanoseconds since 1970, or 0 for never"
    if len(key.addresses) > ADDRESSES_MAX:
        return f"addresses: expected at most {ADDRESSES_MAX}, got {len(key.addresses)}"
    return next((f"addresses: {problem}" for address in key.addresses if (problem := address_problem(address))), "")


def _label_problem(field: str, text: str) -> str:
    if 1 <= len(text) <= NAME_LENGTH_MAX and text.isprintable():
        return ""
    return f"{field}: expected 1 to {NAME_LENGTH_MAX} printable characters"
