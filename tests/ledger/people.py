"""People who log in, for tests with a real server and the auth worker; a stub stands for the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec
import nats.errors
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from exchange.messages.administration import AccountQuestion, Credentials, Done, NewAccount
from exchange.messages.base import encode
from exchange.messages.logins import LogIn, LoginState, NewKey, Secret, SessionInfo
from exchange.messages.requests import Refused
from exchange.permissions import guest_name
from tests.conftest import TestServer, settle

PASSWORD = "correct horse"
Answer = Done | Refused | Secret | LoginState | SessionInfo


class StubLedger:
    """Opens accounts as the ledger does: once, and again without effect."""

    def __init__(self) -> None:
        self.accounts: dict[str, NewAccount] = {}
        self.refusal: Refused | None = None
        self.silent = 0
        """How many requests get lost from here on."""
        self.asked = asyncio.Event()

    async def open_account(self, message: Msg) -> None:
        self.asked.set()
        if self.silent:
            self.silent -= 1
            return
        request = msgspec.json.decode(message.data, type=NewAccount)
        if self.refusal is None:
            self.accounts.setdefault(request.account, request)
        await message.respond(encode(self.refusal or Done(f"{request.account} has an account now")))

    async def portfolio(self, message: Msg) -> None:
        account = msgspec.json.decode(message.data, type=AccountQuestion).account
        known = account in self.accounts
        await message.respond(encode({"account": account} if known else Refused("unknown_account", "there is no such account")))

    async def serve(self, client: Client) -> None:
        await client.subscribe("admin.open_account", cb=self.open_account)
        await client.subscribe("admin.portfolio", cb=self.portfolio)
        await settle(client)


@dataclass
class Guest:
    """A guest's connection, which is asked to become somebody."""

    name: str
    client: Client

    async def ask(self, verb: str, question: Any) -> Answer:
        return await ask(self.client, f"auth.{self.name}.{verb}", question)


async def new_guest(server: TestServer) -> Guest:
    name = guest_name()
    return Guest(name, await server.connect(name))


async def ask(client: Client, subject: str, question: Any = None) -> Answer:
    data = b"" if question is None else encode(question)
    answer = (await client.request(subject, data, timeout=240)).data  # Passwords wait in line, on a busy machine for long.
    head = msgspec.json.decode(answer, type=dict[str, Any])
    type_: Any = Done | Refused
    if "type" not in head:
        type_ = LoginState if "keys" in head else Secret if "secret" in head else SessionInfo
    result: Answer = msgspec.json.decode(answer, type=type_)
    return result


async def sign_up(guest: Guest, account: str, password: str = PASSWORD) -> Answer:
    return await guest.ask("sign_up", Credentials(account, password))


async def log_in(guest: Guest, login: str, password: str = PASSWORD, **more: Any) -> Secret:
    """A session."""
    answer = await guest.ask("log_in", LogIn(login, password, **more))
    assert isinstance(answer, Secret), answer
    return answer


async def enter(server: TestServer, guest: Guest, login: str, password: str = PASSWORD) -> Client:
    """A connection with a session for a password."""
    return await server.connect(login, (await log_in(guest, login, password)).secret)


async def wrong(guest: Guest, login: str, password: str) -> str:
    """The reason why a password gets no session."""
    answer = await guest.ask("log_in", LogIn(login, password))
    assert isinstance(answer, Refused), answer
    return answer.reason


async def state_of(client: Client, login: str) -> LoginState:
    answer = await ask(client, f"auth.{login}.show")
    assert isinstance(answer, LoginState), answer
    return answer


async def new_api_key(client: Client, login: str, name: str = "robot", **more: Any) -> Secret:
    answer = await ask(client, f"auth.{login}.key", NewKey(name, **more))
    assert isinstance(answer, Secret), answer
    return answer


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what the server tells connections by itself."""
    async with asyncio.timeout(15):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def refused_login(server: TestServer, user: str, password: str) -> str:
    with pytest.raises(nats.errors.Error) as caught:
        await server.connect(user, password)
    return str(caught.value)


@asynccontextmanager
async def elsewhere(server: TestServer, address: str) -> AsyncIterator[str]:
    """The server's URL for clients that should seem to sit at another address: what is sent there comes from it."""
    target = urlsplit(server.url)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
        except OSError:
            pass
        finally:
            writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward = await asyncio.open_connection(target.hostname, target.port, local_addr=(address, 0))
        await asyncio.gather(carry(reader, onward[1]), carry(onward[0], writer))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as carrier:
        yield f"nats://127.0.0.1:{carrier.sockets[0].getsockname()[1]}"
