"""Decides who a connection is, by what costs nothing to check. Passwords are the log-in desk's, which may take its time."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Callable
from typing import Final, NamedTuple

import nats.errors

from exchange.market import Limits
from exchange.messages.logins import Scope
from exchange.permissions import LOGIN, OPERATOR, TOKEN, Role, is_guest
from exchange.proxies import SHARED

from .credentials import SECOND, USED_SECONDS, CredentialStore, Login, Token, TooManyChanges, find_token, with_use
from .greed import Arrivals, Penalties
from .guessing import Guessing, TooManyGuesses
from .presence import PASSWORD, Presence
from .tokens import ConnectOptions

LOGIN_CONNECTIONS_MAX: Final = 100
"""One more is refused."""
GUESTS_MAX: Final = 5_000
"""The same for all guests together; the market file says how many from one address."""
USES_MAX: Final = 100
"""Uses being written down at a time; of one more it is not said when it was."""

logger = logging.getLogger(__name__)


class Identity(NamedTuple):
    """Who a connection turned out to be."""

    name: str
    rows: tuple[Role | Scope, ...]
    """Of the table of permissions, together."""
    credential: str = ""
    """What it logged in with: the id of a token."""
    expires: int = 0
    """Nanoseconds since 1970 when the server must end the connection; 0 for never."""


class Unwelcome(Exception):
    """The log-in is not answered, so that whoever asks has to wait and cannot tell why."""


class Doorkeeper:
    """Decides who a connection is."""

    def __init__(
        self,
        store: CredentialStore,
        guessing: Guessing,
        presence: Presence,
        penalties: Penalties,
        operator_password: str,
        limits: Limits,
    ) -> None:
        self._addresses: dict[str, str] = {}
        """Of the newest GUESTS_MAX guests that were let in."""
        self._store = store
        self._guessing = guessing
        self._presence = presence
        self._penalties = penalties
        self._limits = limits
        self._arrivals = Arrivals()
        self._uses: set[asyncio.Task[None]] = set()
        self._operator_password = operator_password.encode()

    async def prepare(self) -> None:
        """The operator has a log-in in every market; its password is not stored, it stands in the secrets file."""
        await self._store.create(OPERATOR, Login(OPERATOR, created=time.time_ns()))

    async def identify(self, connection: str, options: ConnectOptions, address: str) -> Identity | None:
        """Who this is, by API key, session or as a guest; None when something does not fit. Raises Unwelcome.

        A guest without a name is called after its connection. It hears the market but no answers: it does not know its inbox.
        """
        name, secret, now = options.user, options.password, time.monotonic()
        if any(self._penalties.hold(held, now) for held in (name, address)):
            raise Unwelcome
        if address not in SHARED:
            if not self._arrivals.welcome(address, now):
                raise Unwelcome
            if self._presence.connections.at(address) >= self._limits.connections_per_address:
                return None
        if name == "" or is_guest(name):
            return self._guest(name or f"guest-{connection.lower()}", address)
        if LOGIN.fullmatch(name) is None or len(self._presence.connections.of(name)) >= LOGIN_CONNECTIONS_MAX:
            return None
        if name == OPERATOR and TOKEN.fullmatch(secret) is None:
            return await self._operator(secret, address)
        login = await self._store.get(name)
        token = find_token(secret, login, time.time_ns()) if login is not None else None
        if login is None or token is None or not token.fits_address(address):
            return None
        self._note_use(name, token, address)
        if token in login.sessions:
            return Identity(name, (login.role,), token.id)  # Its end can move, so the market ends its connections itself.
        return Identity(name, token.scopes, token.id, token.expires)

    def address_of(self, asker: str) -> str:
        """Where a guest sits; empty when another auth worker let it in. Whoever is logged in is an address of its own."""
        return self._addresses.get(asker, "") if is_guest(asker) else f"{asker}'s log-in"

    def is_operators(self, secret: str) -> bool:
        """Whether this is the password of the secrets file."""
        return hmac.compare_digest(secret.encode(), self._operator_password)

    def _guest(self, name: str, address: str) -> Identity | None:
        if self._presence.connections.guests >= GUESTS_MAX:
            return None
        self._addresses.pop(name, None)
        self._addresses[name] = address
        if len(self._addresses) > GUESTS_MAX:
            del self._addresses[next(iter(self._addresses))]
        return Identity(name, ("guest",))

    async def _operator(self, secret: str, address: str) -> Identity | None:
        async def fits() -> bool:
            return self.is_operators(secret)

        try:
            known = await self._guessing.attempt(OPERATOR, address, fits)
        except TooManyGuesses:
            return None
        return Identity(OPERATOR, ("operator",), PASSWORD) if known else None

    def _note_use(self, name: str, token: Token, address: str) -> None:
        """Write it down, meanwhile: nobody waits for that."""
        now = time.time_ns()
        fresh = now - token.used < USED_SECONDS * SECOND and address == token.address
        if fresh or len(self._uses) >= USES_MAX:
            return
        task = asyncio.create_task(self._write_use(name, lambda login: with_use(login, token.id, now, address)))
        self._uses.add(task)
        task.add_done_callback(self._uses.discard)

    async def _write_use(self, name: str, change: Callable[[Login], Login]) -> None:
        try:
            await self._store.change(name, change)
        except (nats.errors.Error, TooManyChanges) as error:
            logger.warning("the use of a log-in could not be written down: %s", error or type(error).__name__)
