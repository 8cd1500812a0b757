"""Makes log-ins and changes them: signing up, sessions, API keys, passwords. A log-in's account is opened by the ledger."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
import nats.errors
from nats.aio.client import Client

from exchange import subjects
from exchange.market import Market
from exchange.messages.administration import AccountQuestion, Credentials, Done, NewAccount, NewPassword, Secret
from exchange.messages.base import ACCOUNT_PATTERN, decoder, encode
from exchange.messages.requests import Refused
from exchange.permissions import OPERATOR, name_problem
from exchange.questions import Questions

from . import refusals
from .credentials import (
    CredentialStore,
    Login,
    Passwords,
    Token,
    new_key,
    new_session,
    password_problem,
    with_key,
    with_password,
    with_session,
)

SIGN_UP_OFF: Final = "sign_up_off"
NOT_ALLOWED: Final = "not_allowed"
NAME_TAKEN: Final = "name_taken"
PASSWORD: Final = "password"
UNAVAILABLE: Final = "unavailable"

LEDGER_SECONDS_MAX: Final = 10.0
"""How long a sign-up waits for the ledger, which may be restarting; its client must be more patient than that."""
ASK_SECONDS_MAX: Final = 2.0
ASK_AGAIN_SECONDS: Final = 0.2

_decode_credentials = decoder(Credentials).decode
_decode_new_password = decoder(NewPassword).decode


class _Answer(msgspec.Struct, frozen=True):
    """As much of any answer as tells a refusal from the rest."""

    type: str = ""
    reason: str = ""
    detail: str = ""


_decode_answer = msgspec.json.Decoder(_Answer).decode


class LedgerSilent(Exception):
    """The ledger did not answer in time."""


class Registrar:
    """Answers auth.sign_up, admin.create_account, and api.<account>.session, .key and .password."""

    def __init__(
        self,
        client: Client,
        store: CredentialStore,
        passwords: Passwords,
        market: Market,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self._client = client
        self._store = store
        self._passwords = passwords
        self._market = market
        self._now = now

    async def answer(self, questions: Questions) -> None:
        """Take the questions that are the registrar's."""
        await questions.answer(subjects.auth("sign_up"), self.sign_up)
        await questions.answer(subjects.admin("create_account"), self.create_account)
        await questions.answer(subjects.api("*", "session"), self.session)
        await questions.answer(subjects.api("*", "key"), self.key)
        await questions.answer(subjects.api("*", "password"), self.password)

    async def sign_up(self, _: str, data: bytes) -> Done | Refused:
        """A guest becomes a trader. Asked again with the same password it goes on where it stopped."""
        if self._market.accounts.sign_up == "off":
            return Refused(SIGN_UP_OFF, "this market takes no sign-ups; ask its operator for an account")
        credentials = _decode_credentials(data)
        if credentials.cash is not None or credentials.shares is not None:
            return Refused(NOT_ALLOWED, "only the operator decides what an account starts with")
        return await self._create(credentials, adopt=False)

    async def create_account(self, _: str, data: bytes) -> Done | Refused:
        """The operator makes a log-in, if need be for an account that exists without one (a bot's, for example)."""
        return await self._create(_decode_credentials(data), adopt=True)

    async def session(self, subject: str, _: bytes) -> Secret | Refused:
        """A token that a page keeps instead of the password."""
        return await self._issue(subject, new_session, with_session)

    async def key(self, subject: str, _: bytes) -> Secret | Refused:
        """An API key for a program."""
        return await self._issue(subject, new_key, with_key)

    async def password(self, subject: str, data: bytes) -> Done | Refused:
        """Another password; all sessions end, API keys stay."""
        account, password = _account(subject), _decode_new_password(data).password
        if account == OPERATOR:
            return Refused(NOT_ALLOWED, "the operator's password stands in the market's secrets file")
        if problem := password_problem(password):
            return Refused(PASSWORD, problem)
        stored = await self._passwords.hash(password)
        if not await self._change(account, lambda login: with_password(login, stored)):
            return refusals.unknown_account(account)
        return Done(f"{account} has a new password; all sessions have ended")

    async def _create(self, credentials: Credentials, *, adopt: bool) -> Done | Refused:
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
                if not new:  # Somebody was faster.
                    login = await self._store.get(account)
            if not new and not await self._passwords.fits(password, login):
                return taken
            request = NewAccount(account, credentials.cash, credentials.shares)
            answer = await self._ask_ledger(subjects.admin("open_account"), request)
        except LedgerSilent:
            return Refused(UNAVAILABLE, "the ledger does not answer; try again in a moment, with the same password")
        if answer.type == "refused":
            if new:
                await self._store.delete(account)
            return Refused(answer.reason, answer.detail)
        return Done(answer.detail)

    async def _issue(
        self, subject: str, new: Callable[[int], tuple[str, Token]], added: Callable[[Login, Token], Login]
    ) -> Secret | Refused:
        account = _account(subject)
        secret, token = new(self._now())
        if not await self._change(account, lambda login: added(login, token)):
            return refusals.unknown_account(account)
        return Secret(account, secret, token.expires)

    async def _change(self, account: str, change: Callable[[Login], Login]) -> bool:
        return re.fullmatch(ACCOUNT_PATTERN, account) is not None and await self._store.change(account, change)

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


def _account(subject: str) -> str:
    """Whose question it is: the server lets nobody but the account itself and the operator publish there."""
    return subject.split(".")[1]
