"""A client of a market: logs in, asks, and places orders without ever placing one twice.

For the command line, for tests and for programs of one's own:

    async with await Client.connect("nats://127.0.0.1:4222", "alice", key) as alice:
        outcome = await alice.send(Submit(new_client_order_id(), "KRYP", "buy", 100, price=206_000))
        async for book in alice.market_data.depth("KRYP"):
            print(book.levels("buy", 5))
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import ssl
import time
from collections.abc import Callable
from typing import Any, Final, Self, TypeVar

import msgspec
import nats.errors
from nats.aio.client import Client as Connection

from . import subjects
from .connection import PING_SECONDS, PINGS_OUTSTANDING_MAX, addresses
from .following import MarketData, all_symbols
from .messages.base import decoder, encode
from .messages.logins import LogIn, LogOut, Secret
from .messages.market_data import SymbolInfo
from .messages.requests import Bracket, Command, Oco, Outcome, Refused, Replace, Reply, Submit
from .permissions import RESERVED, TOKEN, account_of, guest_name
from .tls import client_options

ATTEMPT_SECONDS_MAX: Final = 2.0
"""An answer that takes longer is taken for lost."""
ORDER_SECONDS_MAX: Final = 1.0
"""The same of commands that can be sent again without harm, because each has a client order id."""
PATIENCE_SECONDS: Final = 12.0
"""For how long a client tries: longer than any one worker, or the server, takes to be replaced."""
RETRY_SECONDS: Final = 0.1
LOGIN_SECONDS_MAX: Final = 6
"""More than the server's own patience with a log-in."""
PASSWORD_SECONDS_MAX: Final = 30.0
"""A password may wait in line that long: the market looks at a few at a time, so that those who trade notice nothing."""
SESSION_NAME: Final = "client"
GOODBYE_SECONDS_MAX: Final = 1.0
LOGIN_UNCHECKED_SECONDS: Final = 1.5
"""A log-in that is refused only after that long was not checked by anybody: the auth worker is away."""
BUSY: Final = "busy"
"""The refusal of a worker that has too much to do to look at a request."""

Answer = TypeVar("Answer")

decode_reply: Final = decoder(Reply).decode
decode_refused: Final = decoder(Refused).decode


class ClientError(Exception):
    """Something that a refusal cannot say; the text is one line for people."""


class Unreachable(ClientError):
    """No answer from the market within the client's patience."""


class LoginRefused(ClientError):
    """The log-in's name or secret is not right, or there were too many wrong ones."""


class Forbidden(ClientError):
    """This log-in may not ask that."""


class OutcomeUnknown(ClientError):
    """A command was sent, and whether the market took it could not be learned.

    Sent again with the same client order id it is answered, and never placed twice.
    """


def new_client_order_id() -> str:
    """A client order id that nobody used before."""
    return secrets.token_hex(8)


class _Head(msgspec.Struct):
    """As much of an answer as tells whether it is a refusal."""

    type: str = ""


_decode_head: Final = decoder(_Head).decode


def decode_answer(payload: bytes, type_: type[Answer]) -> Answer | Refused:
    """An answer of the type asked for, or the refusal that came instead. Raises ClientError."""
    try:
        return _decode_answer(payload, type_)
    except msgspec.MsgspecError as error:
        raise ClientError(f"the market's answer is of another version than this program: {error}") from None


def _decode_answer(payload: bytes, type_: type[Answer]) -> Answer | Refused:
    if payload[:1] == b"{" and _decode_head(payload).type == "refused":
        refused: Refused = decode_refused(payload)
        return refused
    return msgspec.json.decode(payload, type=type_)


class Client:
    """One log-in at one market; `server` may name several addresses with commas between them, any of which will do.

    Its connection never reconnects by itself, because what waited in it would be sent late: when it breaks, the next
    attempt opens another one.
    """

    def __init__(self, server: str, login: str, secret: str, patience: float) -> None:
        self.login = login or guest_name()
        self.account = account_of(self.login)
        self._server = server
        self._secret = secret
        # The market's own log-ins have secrets that nobody could guess, and need no session.
        self._has_password = not RESERVED.fullmatch(self.login) and TOKEN.fullmatch(secret) is None
        self._session: Secret | None = None
        self._patience = patience
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._complaint = ""
        self._complained: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.market_data = MarketData(self)
        """Trades, books, candles and so on, to be followed."""
        self.on_lost: set[Callable[[], None]] = set()
        """Called when the connection is lost."""

    @classmethod
    async def connect(cls, server: str, login: str = "", secret: str = "", *, patience: float = PATIENCE_SECONDS) -> Self:
        """Log in with a password, an API key or a session token; without a login as a guest.

        With a password the client gets itself a session, which ends when it is closed. Raises LoginRefused or Unreachable.
        """
        client = cls(server, login, secret, patience)
        deadline = time.monotonic() + patience
        while True:
            try:
                await client.connection()
                return client
            except Unreachable:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(RETRY_SECONDS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; nothing that was answered is lost."""
        if self._session is not None and self._connection is not None and self._connection.is_connected:
            subject, session = subjects.auth(self.login, "log_out"), self._session.id
            with contextlib.suppress(nats.errors.Error):
                await self._connection.request(subject, encode(LogOut(session)), timeout=GOODBYE_SECONDS_MAX)
        await self._hang_up()

    async def _hang_up(self) -> None:
        if self._connection is not None and not self._connection.is_closed:
            await self._connection.close()

    async def connection(self) -> Connection:
        """The open connection, for subscriptions. It is another one after a break. Raises LoginRefused or Unreachable."""
        async with self._connecting:
            if self._connection is None or not self._connection.is_connected:
                await self._hang_up()
                if self._has_password and self._session is None:
                    self._session = await self._begin_session()
                try:
                    self._connection = await self._open()
                except LoginRefused:
                    if self._session is None:
                        raise
                    self._session = None  # It is over; the password gets another one.
                    raise Unreachable("the session has ended") from None
            return self._connection

    async def _begin_session(self) -> Secret:
        """For a password, which is told to nobody but the auth worker, over a guest's connection."""
        wanted = LogIn(self.login, self._secret, SESSION_NAME)
        async with Client(self._server, "", "", self._patience) as guest:
            subject = subjects.auth(guest.login, "log_in")
            try:
                found = await guest.request(subject, wanted, Secret, seconds=PASSWORD_SECONDS_MAX)
            except Unreachable as error:
                raise Unreachable(f"log-ins cannot be checked at the moment; try again shortly ({error})") from None
        if not isinstance(found, Refused):
            return found
        if found.reason == BUSY:
            raise Unreachable(found.detail)
        raise LoginRefused(f"the log-in of {self.login} was refused: {found.detail}")

    async def reconnected(self) -> Connection:
        """The open connection, for whoever can wait until there is one. Raises LoginRefused."""
        while True:
            try:
                return await self.connection()
            except Unreachable:
                await asyncio.sleep(RETRY_SECONDS)

    async def insist(self, subject: str, message: Any, type_: type[Answer]) -> Answer:
        """Ask until there is an answer. Raises ClientError with the words of a refusal, Forbidden or LoginRefused."""
        while True:
            try:
                answer = await self.request(subject, message, type_)
            except Unreachable:
                continue
            if not isinstance(answer, Refused):
                return answer
            if answer.reason != BUSY:
                raise ClientError(answer.detail)
            await asyncio.sleep(RETRY_SECONDS)

    async def request(
        self,
        subject: str,
        message: Any,
        type_: type[Answer],
        *,
        repeat: bool = True,
        seconds: float | None = None,
    ) -> Answer | Refused:
        """Ask, and ask again while nobody answers. `message` None asks without a payload.

        An answer that takes longer than `seconds` (without them ATTEMPT_SECONDS_MAX) is taken for lost. With `repeat` False
        it is asked again only if nobody can have heard it. Raises Unreachable, Forbidden or LoginRefused.
        """
        payload = b"" if message is None else encode(message)
        return decode_answer(await self._answer(subject, payload, repeat, seconds), type_)

    async def symbols(self) -> list[SymbolInfo] | Refused:
        """What is traded, in the order of definition. Raises Unreachable, Forbidden or LoginRefused."""
        return await all_symbols(lambda page: self.request(subjects.public("symbols"), page, list[SymbolInfo]))

    async def send(self, command: Command) -> Outcome:
        """Have a command carried out exactly once, however often it must be sent for that. Raises OutcomeUnknown.

        A Replace is not sent again once somebody may have heard it: what was filled meanwhile would be asked for once more.
        """
        outcome = await self._send(command)
        assert not isinstance(outcome, list), "one command has one outcome"
        return outcome

    async def send_all(self, commands: list[Command]) -> list[Outcome]:
        """Up to COMMANDS_PER_REQUEST_MAX commands in one request. Raises OutcomeUnknown."""
        outcomes = await self._send(commands)
        return outcomes if isinstance(outcomes, list) else [outcomes] * len(commands)

    async def _send(self, commands: Command | list[Command]) -> Reply:
        listed = commands if isinstance(commands, list) else [commands]
        repeat = not any(isinstance(command, Replace) for command in listed)
        seconds = ORDER_SECONDS_MAX if all(isinstance(command, Submit | Oco | Bracket) for command in listed) else None
        deadline = time.monotonic() + self._patience
        try:
            while True:
                reply: Reply = decode_reply(
                    await self._answer(subjects.orders(self.account), encode(commands), repeat, seconds)
                )
                # Busy is no outcome: an earlier attempt, whose answer was lost, may have been accepted.
                if not isinstance(reply, Refused) or reply.reason != BUSY:
                    return reply
                if time.monotonic() > deadline:
                    raise Unreachable(f"the market was too busy for {self._patience:g} s")
                await asyncio.sleep(RETRY_SECONDS)
        except Unreachable as error:
            raise OutcomeUnknown(f"the outcome is unknown: {error}") from None

    async def _answer(self, subject: str, payload: bytes, repeat: bool = True, seconds: float | None = None) -> bytes:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return await self._attempt(subject, payload, seconds or ATTEMPT_SECONDS_MAX)
            except (nats.errors.NoRespondersError, Unreachable) as error:
                problem = str(error) if isinstance(error, Unreachable) else f"nobody answers {subject}"
            except (nats.errors.MaxPayloadError, nats.errors.BadSubjectError) as error:
                raise ClientError(f"{subject} cannot be asked that: {error}") from None
            except (nats.errors.Error, OSError, TimeoutError):
                problem = f"no answer to {subject}"
                if not repeat:
                    raise Unreachable(problem) from None
            if time.monotonic() > deadline:
                raise Unreachable(f"{problem} within {self._patience:g} s")
            await asyncio.sleep(RETRY_SECONDS)

    async def _attempt(self, subject: str, payload: bytes, seconds: float) -> bytes:
        connection = await self.connection()
        answer = asyncio.ensure_future(connection.request(subject, payload, timeout=seconds))
        try:
            while not answer.done():
                if f'"{subject.lower()}"' in self._complaint:
                    raise Forbidden(f"{self.login} may not ask {subject}")
                if self._closed.done():
                    raise nats.errors.ConnectionClosedError
                pending: set[asyncio.Future[Any]] = {answer, self._closed, self._complained}
                await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            return (await answer).data
        finally:
            answer.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await answer

    async def _open(self) -> Connection:
        closed = self._closed = asyncio.get_running_loop().create_future()
        self._complaint = ""

        async def on_closed() -> None:
            if not closed.done():
                closed.set_result(None)
            for tell in self.on_lost:
                tell()

        async def on_error(error: Exception) -> None:
            self._complaint = str(error).lower()
            complained, self._complained = self._complained, asyncio.get_running_loop().create_future()
            complained.set_result(None)

        options: dict[str, Any] = {"reconnect_time_wait": RETRY_SECONDS}
        try:
            options |= client_options(self._server)
        except OSError as error:
            raise ClientError(f"the market's certificate cannot be read: {error.strerror or error}") from None
        started = time.monotonic()
        connection = Connection()
        try:
            await connection.connect(
                addresses(self._server),
                user=self.login,
                password=self._session.secret if self._session else self._secret,
                name="exchange client",
                inbox_prefix=subjects.inbox_prefix(self.login).encode(),
                connect_timeout=LOGIN_SECONDS_MAX,
                allow_reconnect=False,
                max_reconnect_attempts=1,  # nats-py would try to reach a dead server for two minutes.
                ping_interval=PING_SECONDS,
                max_outstanding_pings=PINGS_OUTSTANDING_MAX,
                error_cb=on_error,
                closed_cb=on_closed,
                **options,
            )
            return connection
        except (nats.errors.Error, OSError, TimeoutError) as error:
            with contextlib.suppress(
                Exception
            ):  # nats-py leaves the socket open when a log-in fails, and may wait for ever for TLS.
                await asyncio.wait_for(connection.close(), GOODBYE_SECONDS_MAX)
            if isinstance(error, ssl.SSLCertVerificationError):
                raise ClientError(f"the certificate of {self._server} is not to be trusted: {error.verify_message}") from None
            if "authorization" not in str(error).lower():
                raise Unreachable(f"no market answers at {self._server}") from None
            if time.monotonic() - started > LOGIN_UNCHECKED_SECONDS:
                raise Unreachable("log-ins cannot be checked at the moment; try again shortly") from None
            raise LoginRefused(f"the log-in of {self.login} was refused: the password or key is not right") from None
