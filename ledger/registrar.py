"""Makes log-ins: signing up, accounts and staff by the operator, teams. A log-in's account is opened by the ledger."""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
import nats.errors
from nats.aio.client import Client

from exchange import subjects
from exchange.market import Market
from exchange.messages import logins
from exchange.messages.administration import AccountQuestion, Credentials, Disconnected, Done, NewAccount
from exchange.messages.base import ACCOUNT_PATTERN, decoder, encode
from exchange.messages.requests import Refused
from exchange.permissions import name_problem
from exchange.proxies import SHARED
from exchange.questions import Questions

from . import refusals
from .credentials import MEMBERS_MAX, CredentialStore, Login, Passwords, password_problem
from .doorkeeper import Doorkeeper
from .enforcer import Enforcer
from .greed import Arrivals
from .guessing import Guessing, Throttle, TooManyGuesses
from .login_desk import NOT_ALLOWED, PASSWORD, SLOW_DOWN, login_of, quoted

SIGN_UP_OFF: Final = "sign_up_off"
INVITATION: Final = "invitation"
NAME_TAKEN: Final = "name_taken"
TOO_MANY_MEMBERS: Final = "too_many_members"
UNAVAILABLE: Final = "unavailable"

LEDGER_SECONDS_MAX: Final = 10.0
"""How long a sign-up waits for the ledger, which may be restarting; its client must be more patient than that."""
ASK_SECONDS_MAX: Final = 2.0
ASK_AGAIN_SECONDS: Final = 0.2
SIGN_UPS_FREE: Final = 100
"""From one address, where addresses tell people apart; then each costs a wait, as a wrong password does."""
SHARED_PER_SECOND_MAX: Final = 1.0
"""From all whose address says nothing about who they are, together …"""
SHARED_BURST: Final = 200
"""… of which so many may come at once: a class that begins."""

_decode_credentials = decoder(Credentials).decode
_decode_new_member = decoder(logins.NewMember).decode
_decode_member = decoder(logins.Member).decode

logger = logging.getLogger(__name__)


class _Answer(msgspec.Struct, frozen=True):
    """As much of any answer as tells a refusal from the rest."""

    type: str = ""
    reason: str = ""
    detail: str = ""


_decode_answer = msgspec.json.Decoder(_Answer).decode


class LedgerSilent(Exception):
    """The ledger did not answer in time."""


class Registrar:
    """Answers auth.<guest>.sign_up, auth.<account>.add_member and .remove_member, and admin.create_account."""

    def __init__(
        self,
        client: Client,
        store: CredentialStore,
        passwords: Passwords,
        market: Market,
        guessing: Guessing,
        doorkeeper: Doorkeeper,
        enforcer: Enforcer,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self._client = client
        self._store = store
        self._passwords = passwords
        self._market = market
        self._guessing = guessing
        self._doorkeeper = doorkeeper
        self._enforcer = enforcer
        self._sign_ups = Throttle(SIGN_UPS_FREE)
        self._shared_sign_ups = Arrivals(SHARED_PER_SECOND_MAX, SHARED_BURST)
        self._now = now

    async def answer(self, questions: Questions) -> None:
        """Take the questions that are the registrar's."""
        await questions.answer(subjects.admin("create_account"), self.create_account)
        await questions.answer(subjects.auth("*", "sign_up"), self.sign_up)
        await questions.answer(subjects.auth("*", "add_member"), self.add_member)
        await questions.answer(subjects.auth("*", "remove_member"), self.remove_member)

    # ── Guests ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def sign_up(self, subject: str, data: bytes) -> Done | Refused:
        """A guest becomes a trader. Asked again with the same password it goes on where it stopped."""
        rules = self._market.accounts
        if rules.sign_up == "off":
            return Refused(SIGN_UP_OFF, "this market takes no sign-ups; ask its operator for an account")
        credentials = _decode_credentials(data)
        if credentials.cash is not None or credentials.shares is not None or credentials.role != "trader":
            return Refused(NOT_ALLOWED, "only the operator decides what an account starts with")
        address, now = self._doorkeeper.address_of(login_of(subject)), time.monotonic()
        if address in SHARED:
            if not self._shared_sign_ups.welcome("", now):
                return Refused(SLOW_DOWN, "too many sign-ups at the moment; try again in a minute")
        elif (seconds := self._sign_ups.wait(address, now)) > 0:
            return Refused(SLOW_DOWN, f"too many sign-ups from one address; try again in {max(1, round(seconds))} s")
        else:
            self._sign_ups.failed(address, now)
        if rules.sign_up == "invitation":

            async def invited() -> bool:
                given = credentials.invitation.encode()
                return any(hmac.compare_digest(code.encode(), given) for code in rules.invitations)

            try:
                if not await self._guessing.attempt(f"{INVITATION} {address}", address, invited):
                    return Refused(INVITATION, "this market takes sign-ups by invitation; the code is not right")
            except TooManyGuesses as error:
                return Refused(SLOW_DOWN, str(error))
        return await self._create(credentials, adopt=False, address=address)

    # ── Teams ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def add_member(self, subject: str, data: bytes) -> Done | Refused:
        """One more log-in for an account. Asked again with the same name it changes nothing but what a crash left undone."""
        account, wanted = login_of(subject), _decode_new_member(data)
        if problem := _member_problem(account, wanted.name) or password_problem(wanted.password):
            return refusals.malformed(problem)
        owner = await self._store.get(account)
        if owner is None:
            return refusals.unknown_account(account)
        if owner.role != "trader":
            return Refused(NOT_ALLOWED, f"{account} does not trade; only accounts have teams")
        if wanted.name not in owner.members and len(owner.members) >= MEMBERS_MAX:
            return Refused(TOO_MANY_MEMBERS, f"a team has at most {MEMBERS_MAX} members")
        async with self._guessing.in_line(account, 1):
            stored = await self._passwords.hash(wanted.password)
        # First the list: whoever is not in it could not be removed.
        await self._store.change(account, lambda login: _with_member(login, wanted.name))
        name = f"{wanted.name}@{account}"
        if not await self._store.create(name, Login("trader", stored, self._now())):
            return Refused(NAME_TAKEN, f"{name} is in the team")
        return Done(f"{name} can log in and trade for {account}")

    async def remove_member(self, subject: str, data: bytes) -> Done | Refused:
        """A log-in ends: first what lets it in, then its connections, then its place in the list."""
        account, member = login_of(subject), _decode_member(data).name
        owner = await self._store.get(account) if re.fullmatch(ACCOUNT_PATTERN, account) else None
        if owner is None or member not in owner.members:
            return Refused(refusals.UNKNOWN_ACCOUNT, f"{quoted(member)} is not in the team of {account}")
        name = f"{member}@{account}"
        await self._store.delete(name)
        await self._enforcer.enforce(name)
        await self._store.change(account, lambda login: _without_member(login, member))
        return Done(f"{name} is no longer in the team")

    # ── The operator ──────────────────────────────────────────────────────────────────────────────────────────────

    async def create_account(self, _: str, data: bytes) -> Done | Refused:
        """The operator makes a log-in, if need be for an account that exists without one (a bot's, for example)."""
        credentials = _decode_credentials(data)
        if credentials.role != "trader":
            return await self._create_staff(credentials)
        return await self._create(credentials, adopt=True)

    async def _create_staff(self, credentials: Credentials) -> Done | Refused:
        name, role = credentials.account, credentials.role
        if problem := name_problem(name):
            return Refused(refusals.ACCOUNT_NAME, refusals.clip(problem, refusals.TEXT_LENGTH_MAX))
        if problem := password_problem(credentials.password):
            return Refused(PASSWORD, problem)
        if credentials.cash is not None or credentials.shares is not None:
            return Refused(NOT_ALLOWED, f"an {role} has no account to start with anything")
        try:
            taken = await self._ledger_knows(name)
        except LedgerSilent:
            return Refused(UNAVAILABLE, "the ledger does not answer; try again in a moment")
        login = Login(role, await self._passwords.hash(credentials.password), self._now())
        if taken or not await self._store.create(name, login):
            return Refused(NAME_TAKEN, f"the name {name} is taken")
        return Done(f"{name} can log in as {role}")

    async def _create(self, credentials: Credentials, *, adopt: bool, address: str = "") -> Done | Refused:
        account, password = credentials.account, credentials.password
        if problem := name_problem(account):
            return Refused(refusals.ACCOUNT_NAME, refusals.clip(problem, refusals.TEXT_LENGTH_MAX))
        if problem := password_problem(password):
            return Refused(PASSWORD, problem)
        taken = Refused(NAME_TAKEN, f"the name {account} is taken")
        new = False
        try:
            login = await self._store.get(account)
            if login is None:
                if not adopt and await self._ledger_knows(account):
                    return taken  # A bot's account, or one that the operator opened: it is nobody's to take.
                login = Login("trader", await self._passwords.hash(password), self._now())
                new = await self._store.create(account, login)
                if not new:
                    login = await self._store.get(account)
            if login is not None and login.role != "trader":
                return taken
            # Else somebody was faster, or it is the same person once more. Guessing here is slowed as in logging in.
            if not new and not await self._guessing.attempt(account, address, lambda: self._passwords.fits(password, login)):
                return taken
            request = NewAccount(account, credentials.cash, credentials.shares)
            answer = await self._ask_ledger(subjects.admin("open_account"), request)
        except TooManyGuesses:
            return taken
        except LedgerSilent:
            return Refused(UNAVAILABLE, "the ledger does not answer; try again in a moment, with the same password")
        if answer.type == "refused":
            if new:
                await self._store.delete(account)
            return Refused(answer.reason, answer.detail)
        return Done(answer.detail)

    async def disconnected(self, account: str) -> None:
        """An account's last connection is gone: the ledger knows whether its orders end with that."""
        try:
            await self._ask_ledger(subjects.admin("disconnected"), Disconnected(account))
        except LedgerSilent:
            logger.warning("the ledger could not be told that %s is disconnected; its orders stay", account)

    async def _ledger_knows(self, account: str) -> bool:
        answer = await self._ask_ledger(subjects.admin("portfolio"), AccountQuestion(account))
        return not (answer.type == "refused" and answer.reason == refusals.UNKNOWN_ACCOUNT)

    async def _ask_ledger(self, subject: str, question: Any) -> _Answer:
        """Ask until there is an answer: both questions may be asked any number of times."""
        try:
            async with asyncio.timeout(LEDGER_SECONDS_MAX):
                while True:
                    try:
                        reply = await self._client.request(subject, encode(question), timeout=ASK_SECONDS_MAX)
                        answer = _decode_answer(reply.data)
                        if answer.type != "refused" or answer.reason != refusals.BUSY:
                            return answer
                    except nats.errors.Error:
                        pass  # Nobody leads at the moment, or the answer was lost.
                    await asyncio.sleep(ASK_AGAIN_SECONDS)
        except TimeoutError:
            raise LedgerSilent(subject) from None


def _member_problem(account: str, name: str) -> str:
    if re.fullmatch(ACCOUNT_PATTERN, account) is None:
        return f"{quoted(account)} has no team; only an account's own log-in has one"
    if re.fullmatch(ACCOUNT_PATTERN, name) is None:
        return "name: expected 1 to 32 characters, a-z, 0-9, - and _, a letter or a digit first"
    return ""


def _with_member(login: Login, name: str) -> Login:
    return msgspec.structs.replace(login, members=(*(member for member in login.members if member != name), name))


def _without_member(login: Login, name: str) -> Login:
    return msgspec.structs.replace(login, members=tuple(member for member in login.members if member != name))
