"""Which market a command means, as whom it acts, and how it answers: the options that all commands share."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import platformdirs

from exchange.messages.requests import Refused
from exchange.permissions import OPERATOR
from exchange.secrets import SECRETS_FILE, SecretsError, load_secrets
from exchange.settings import SettingsError, load_runtime
from exchange.tls import CERTIFICATE_VARIABLE

from .logins import find_login
from .problem import FAILED, MISUSED, Problem, explain

if TYPE_CHECKING:
    from exchange.client import Client


Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Scope:
    """The shared options of one call."""

    account: str = ""
    """Who acts (--as); empty for a guest."""
    data: Path | None = None
    """The market's data directory, where it was named."""
    server: str = ""
    """The address of the market's server, where it was named."""
    json: bool = False
    """Answer in JSON: messages as they are on the wire, so prices and money are integers in 1/10 000."""

    @property
    def data_directory(self) -> Path:
        """The data directory that is meant, whether it exists or not."""
        named = self.data or (Path(os.environ["EXCHANGE_DATA"]) if os.environ.get("EXCHANGE_DATA") else None)
        return (named or platformdirs.user_data_path("exchange")).expanduser().absolute()

    @property
    def market(self) -> str:
        """Names the market in the file of log-ins."""
        return self.server if self._by_address else str(self.data_directory.resolve())

    @property
    def _by_address(self) -> bool:
        return bool(self.server) and self.data is None

    @property
    def address(self) -> str:
        """Where the market's server listens. Raises Problem when no market runs."""
        if self.server:
            return self.server
        runtime = self.runtime()
        server = runtime.get("server")
        if not isinstance(server, str) or not server:
            raise Problem(f"the market on {self.data_directory} is just starting; try again in a moment")
        if certificate := runtime.get("certificate"):
            os.environ.setdefault(CERTIFICATE_VARIABLE, str(certificate))
        return server

    def runtime(self) -> dict[str, Any]:
        """What runs on the data directory now. Raises Problem when nothing does."""
        try:
            runtime: dict[str, Any] = load_runtime(self.data_directory)
        except SettingsError as error:
            raise Problem(str(error)) from None
        except ValueError:
            raise Problem(f"{self.data_directory}: runtime.json is not a file of this program") from None
        if not _runs(runtime.get("pid")):
            raise Problem(f"no market runs on {self.data_directory}; start one with: exchange up --data {self.data_directory}")
        return runtime

    def require_account(self) -> str:
        """Who acts. Raises Problem when nobody was named."""
        if not self.account:
            raise Problem("say for which account: exchange --as ACCOUNT …", MISUSED)
        return self.account

    @asynccontextmanager
    async def guest(self) -> AsyncIterator[Client]:
        """A connection that may read what is public."""
        async with self._connection("", "") as client:
            yield client

    @asynccontextmanager
    async def trader(self) -> AsyncIterator[Client]:
        """A connection as the account that acts."""
        account = self.require_account()
        if account == OPERATOR:
            raise Problem("the operator has no account of its own; name a trader with --as", MISUSED)
        secret = find_login(self.market, account)
        if secret is None:
            raise Problem(f"{account} is not logged in here; log in with: exchange login {account}")
        async with self._connection(account, secret) as client:
            yield client

    @asynccontextmanager
    async def acting_for(self, name: str) -> AsyncIterator[Client]:
        """A connection that may change that log-in: its own (--as), or else the operator's."""
        async with self.trader() if self.account == name else self.operator() as client:
            yield client

    @asynccontextmanager
    async def operator(self) -> AsyncIterator[Client]:
        """A connection as the operator, whose password stands in the data directory."""
        if self._by_address:
            raise Problem("the operator's log-in stands in the data directory; name it with --data", MISUSED)
        address = self.address
        try:
            if not (self.data_directory / SECRETS_FILE).exists():
                raise SecretsError(f"{self.data_directory / SECRETS_FILE}: No such file")
            secret = load_secrets(self.data_directory).operator
        except (SecretsError, OSError) as error:
            raise Problem(f"the operator's log-in cannot be read: {error}") from None
        async with self._connection(OPERATOR, secret, address) as client:
            yield client

    @asynccontextmanager
    async def login(self, account: str, password: str) -> AsyncIterator[Client]:
        """A connection with a password that somebody has just typed."""
        async with self._connection(account, password) as client:
            yield client

    @asynccontextmanager
    async def _connection(self, account: str, secret: str, address: str = "") -> AsyncIterator[Client]:
        from exchange.client import Client, ClientError  # Costs half of the time that `exchange --help` takes.

        try:
            async with await Client.connect(address or self.address, account, secret) as client:
                yield client
        except ClientError as error:
            raise Problem(str(error)) from None


def accepted(answer: Answer | Refused) -> Answer:
    """An answer that is no refusal. Raises Problem with the refusal's words."""
    if isinstance(answer, Refused):
        raise Problem(explain(answer), FAILED)
    return answer


def _runs(process: object) -> bool:
    if not isinstance(process, int):
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # Somebody else's.
    return True
