"""Ends connections that must not go on."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import nats.errors

from exchange.permissions import OPERATOR, is_guest
from exchange.proxies import SHARED

from .credentials import CredentialStore, Login, is_over, tokens
from .greed import Greed, Penalties
from .presence import PASSWORD, Connection, Presence, Usage

SESSIONS_CHECK_SECONDS: Final = 30.0
"""A connection outlives its session by this much at most."""
REVOKED_SECONDS: Final = 5.0
"""More than a log-in takes: one that began before something was revoked is looked at again when it is there."""

ANSWER_SECONDS: Final = 0.1

logger = logging.getLogger(__name__)


class Enforcer:
    """Ends connections: of whoever was greedy, and those whose key or session is no longer valid."""

    def __init__(self, store: CredentialStore, greed: Greed, penalties: Penalties, presence: Presence) -> None:
        self._store = store
        self._greed = greed
        self._penalties = penalties
        self._presence = presence
        self._checked = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()
        self._enforced: OrderedDict[str, float] = OrderedDict()
        """When it was, newest last."""

    async def enforce(self, login: str) -> None:
        """End those of a log-in's connections that could not be made again."""
        self._enforced[login] = time.monotonic()
        self._enforced.move_to_end(login)
        while time.monotonic() - next(iter(self._enforced.values())) > REVOKED_SECONDS:
            self._enforced.popitem(last=False)
        record = await self._store.get(login)
        valid = set(valid_credentials(record, time.time_ns()))
        await self._presence.kick_all(login, keep=lambda connection: connection.credential in valid)

    def soon(self, login: str) -> None:
        """The same in a moment, so that the one who asked for it still hears the answer."""
        task = asyncio.create_task(self._enforce_later(login))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def connections(self, login: str) -> list[Connection]:
        """Of a log-in, at the moment."""
        return self._presence.connections.of(login)

    async def check(self, connection: Connection) -> None:
        """The same for a connection that has just been made: what let it in may have been revoked meanwhile."""
        if connection.login in self._enforced:
            await self.enforce(connection.login)

    async def look(self, server: str, listed: list[Usage]) -> None:
        """The server's list: end whoever is greedy; and everybody whose session is over, now and then."""
        for usage, what in self._greed.look(server, listed, time.monotonic()):
            login, separator, credential = usage.authorized_user.partition("#")
            if not (separator or is_guest(login)):
                continue  # The market's own.
            # Of a guest only the address can stay out, if that tells who it is.
            name = usage.ip if is_guest(login) else login
            seconds = self._penalties.impose(name, time.monotonic()) if name not in SHARED else 0.0
            logger.warning("%s at %s was greedy (%s): disconnected, out for %.0f s", login, usage.ip, what, seconds)
            await self._presence.kick(Connection(server, usage.cid, login, credential, usage.ip))
        if time.monotonic() - self._checked > SESSIONS_CHECK_SECONDS:
            self._checked = time.monotonic()
            for login in self._presence.connections.logins():
                await self.enforce(login)

    async def _enforce_later(self, login: str) -> None:
        await asyncio.sleep(ANSWER_SECONDS)
        try:
            await self.enforce(login)
        except nats.errors.Error as error:  # The next look at all sessions does it.
            logger.warning("connections of %s could not be ended yet: %s", login, error or type(error).__name__)


def valid_credentials(login: Login | None, now: int) -> Iterable[str]:
    """Ids of all that lets one in at this moment."""
    if login is not None:
        yield from (token.id for token in tokens(login) if not is_over(token, now))
        if login.role == OPERATOR:
            yield PASSWORD
