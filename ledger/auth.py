"""The auth worker: the NATS server asks it about every log-in but those of the market's own processes.

Run as `python -P -m exchange.ledger.auth --data DIR`. Several may run; the server asks any of them. A connection is made
with what costs nothing to check, a key or a session; passwords are looked at by the registrar, which may take its time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from exchange.connection import connect
from exchange.metrics import LOGINS
from exchange.permissions import permissions
from exchange.questions import Questions
from exchange.server import APP, LOGIN_SECONDS_MAX
from exchange.worker import Worker, run

from .credentials import SECOND, CredentialStore, Passwords
from .doorkeeper import Doorkeeper, Identity, Unwelcome
from .enforcer import Enforcer
from .greed import Greed, Penalties
from .guessing import Guessing
from .login_desk import LoginDesk
from .presence import Presence, user_name
from .registrar import Registrar
from .tokens import Issuer, LoginRequest, TokenError, read_request

CALLOUT: Final = "$SYS.REQ.USER.AUTH"
QUEUE: Final = "auth"
REQUESTS_MAX: Final = 1_000
"""Log-ins looked at at a time. One more gets no answer: the server refuses it after LOGIN_SECONDS_MAX."""
REFUSAL_SECONDS: Final = 0.3
"""A refused log-in is told so only after this long, so that guessing is slow."""
logger = logging.getLogger(__name__)


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
                identity = await self._doorkeeper.identify(request.user_nkey, request.connect_opts, request.client_info.host)
        except Unwelcome:
            LOGINS.labels("unwelcome").inc()
            return
        except (nats.errors.Error, TimeoutError) as error:
            logger.warning("a log-in could not be looked at: %s", error or type(error).__name__)
            return
        except Exception:
            logger.exception("a log-in could not be looked at")
            return
        LOGINS.labels("refused" if identity is None else "granted").inc()
        if identity is None:
            await asyncio.sleep(REFUSAL_SECONDS)
        if not self._client.is_closed:
            await self._client.publish(message.reply, self._verdict(request, identity))

    def _verdict(self, request: LoginRequest, identity: Identity | None) -> bytes:
        now = int(time.time())
        if identity is None:
            return self._issuer.refuse(request, "the log-in does not fit", now)
        allowed = permissions(identity.rows, identity.name)
        name, end = user_name(identity.name, identity.credential), identity.expires // SECOND
        return self._issuer.grant(request, self._issuer.user(request.user_nkey, name, APP, allowed, now, end), now)


@asynccontextmanager
async def serving(worker: Worker) -> AsyncIterator[asyncio.Event]:
    """People can log in, and questions about log-ins are answered. The event is set if that ends by itself."""
    settings = worker.settings
    closed = asyncio.Event()

    async def on_closed() -> None:
        closed.set()

    # What the server asks carries secrets, so it comes in on a connection of its own, in an account of its own.
    callout_client = await connect(
        settings.server, "auth", settings.secrets.auth, name=f"{worker.name} callout", on_closed=on_closed
    )
    system = await connect(
        settings.server, "system", settings.secrets.system, name=f"{worker.name} system", on_closed=on_closed
    )
    telling: set[asyncio.Task[None]] = set()
    passwords = Passwords()
    questions = Questions(worker.nats, worker.name)
    try:
        store = await CredentialStore.open(worker.nats, settings.market.replicas)
        guessing, presence, penalties = Guessing(), Presence(system), Penalties()
        limits = settings.market.limits
        doorkeeper = Doorkeeper(store, guessing, presence, penalties, settings.secrets.operator, limits)
        enforcer = Enforcer(store, Greed(limits.orders_per_second), penalties, presence)
        presence.on_connected, presence.on_look = enforcer.check, enforcer.look
        await doorkeeper.prepare()
        await presence.start()
        await Callout(callout_client, doorkeeper, Issuer(settings.secrets.issuer_seed)).start()
        await LoginDesk(store, passwords, guessing, doorkeeper, enforcer).answer(questions)
        registrar = Registrar(worker.nats, store, passwords, settings.market, guessing, doorkeeper, enforcer)
        await registrar.answer(questions)

        async def on_gone(account: str) -> None:
            task = asyncio.create_task(registrar.disconnected(account))  # The ledger may take its time; others wait for us.
            telling.add(task)
            task.add_done_callback(telling.discard)

        presence.on_gone = on_gone
        yield closed
    finally:
        await questions.stop()
        await presence.stop()
        await callout_client.close()
        await system.close()
        passwords.close()


async def main(worker: Worker) -> None:
    """Serve until asked to stop."""
    async with serving(worker) as closed:
        worker.health.open = True
        logger.info("people can log in")
        waiting = [asyncio.create_task(event.wait()) for event in (worker.stopping, closed)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        if closed.is_set():
            raise ConnectionError("the connection for log-in requests is lost")


if __name__ == "__main__":
    run("auth", main)
