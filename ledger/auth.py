"""The auth worker: the NATS server asks it about every log-in but those of the market's own processes.

Run as `python -P -m exchange.ledger.auth --data DIR`. Several may run; the server asks any of them.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from exchange.connection import connect
from exchange.messages.base import ACCOUNT_PATTERN
from exchange.permissions import OPERATOR, Role, is_guest, permissions
from exchange.questions import Questions
from exchange.server import APP, LOGIN_SECONDS_MAX
from exchange.worker import Worker, run

from .credentials import TOKEN, CredentialStore, Login, Passwords, token_fits
from .registrar import Registrar
from .tokens import ConnectOptions, Issuer, LoginRequest, TokenError, read_request

CALLOUT: Final = "$SYS.REQ.USER.AUTH"
QUEUE: Final = "auth"
REQUESTS_MAX: Final = 1_000
"""Log-ins looked at at a time. One more gets no answer: the server refuses it after LOGIN_SECONDS_MAX."""
REFUSAL_SECONDS: Final = 0.3
"""A refused log-in is told so only after this long, so that guessing is slow."""

logger = logging.getLogger(__name__)


class Identity(NamedTuple):
    """Who a connection turned out to be."""

    name: str
    role: Role


class Doorkeeper:
    """Decides who a connection is."""

    def __init__(self, store: CredentialStore, passwords: Passwords, operator_password: str) -> None:
        self._store = store
        self._passwords = passwords
        self._operator_password = operator_password.encode()

    async def prepare(self) -> None:
        """The operator has a log-in in every market; its password is not stored, it stands in the secrets file."""
        await self._store.create(OPERATOR, Login(OPERATOR, created=time.time_ns()))

    async def identify(self, connection: str, options: ConnectOptions) -> Identity | None:
        """Who this is, by password, API key, session token or as a guest; None when something does not fit.

        A guest without a name is called after its connection. It hears the market but no answers: it does not know its inbox.
        """
        name, secret = options.user, options.password
        if name == "":
            return Identity(f"guest-{connection.lower()}", "guest")
        if is_guest(name):
            return Identity(name, "guest")
        if re.fullmatch(ACCOUNT_PATTERN, name) is None:
            return None
        login = await self._store.get(name)
        if TOKEN.fullmatch(secret):
            fits = login is not None and token_fits(secret, login, time.time_ns())
        elif name == OPERATOR:
            fits = hmac.compare_digest(secret.encode(), self._operator_password)
        else:
            fits = await self._passwords.fits(secret, login)
        return Identity(name, login.role) if fits and login is not None else None


class Callout:
    """Answers the server, each log-in in its own task."""

    def __init__(self, client: Client, doorkeeper: Doorkeeper, issuer: Issuer) -> None:
        self._client = client
        self._doorkeeper = doorkeeper
        self._issuer = issuer
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """From here on people can log in."""
        await self._client.subscribe(CALLOUT, queue=QUEUE, cb=self._receive)
        await self._client.flush()

    async def _receive(self, message: Msg) -> None:
        if len(self._tasks) < REQUESTS_MAX:
            task = asyncio.create_task(self._answer(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, message: Msg) -> None:
        try:
            request = read_request(message.data)
        except TokenError as error:
            logger.warning("%s", error)
            return
        try:
            async with asyncio.timeout(LOGIN_SECONDS_MAX):  # Then the server has given it up; no hashing for nobody.
                identity = await self._doorkeeper.identify(request.user_nkey, request.connect_opts)
        except (nats.errors.Error, TimeoutError) as error:
            logger.warning("a log-in could not be looked at: %s", error or type(error).__name__)
            return
        except Exception:
            logger.exception("a log-in could not be looked at")
            return
        if identity is None:
            await asyncio.sleep(REFUSAL_SECONDS)
        if not self._client.is_closed:
            await self._client.publish(message.reply, self._verdict(request, identity))

    def _verdict(self, request: LoginRequest, identity: Identity | None) -> bytes:
        now = int(time.time())
        if identity is None:
            return self._issuer.refuse(request, "the log-in does not fit", now)
        allowed = permissions(identity.role, identity.name)
        return self._issuer.grant(request, self._issuer.user(request.user_nkey, identity.name, APP, allowed, now), now)


@asynccontextmanager
async def serving(worker: Worker) -> AsyncIterator[asyncio.Event]:
    """People can log in, and questions about log-ins are answered. The event is set if that ends by itself."""
    settings = worker.settings
    closed = asyncio.Event()

    async def on_closed() -> None:
        closed.set()

    # Log-in requests carry passwords, so they come in on a connection of their own, in an account of its own.
    callout_client = await connect(
        settings.server, "auth", settings.secrets.auth, name=f"{worker.name} callout", on_closed=on_closed
    )
    passwords = Passwords()
    questions = Questions(worker.nats, worker.name)
    try:
        store = await CredentialStore.open(worker.nats)
        doorkeeper = Doorkeeper(store, passwords, settings.secrets.operator)
        await doorkeeper.prepare()
        await Callout(callout_client, doorkeeper, Issuer(settings.secrets.issuer_seed)).start()
        await Registrar(worker.nats, store, passwords, settings.market).answer(questions)
        yield closed
    finally:
        await questions.stop()
        await callout_client.close()
        passwords.close()


async def main(worker: Worker) -> None:
    """Serve until asked to stop."""
    async with serving(worker) as closed:
        logger.info("people can log in")
        waiting = [asyncio.create_task(event.wait()) for event in (worker.stopping, closed)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        if closed.is_set():
            raise ConnectionError("the connection for log-in requests is lost")


if __name__ == "__main__":
    run("auth", main)
