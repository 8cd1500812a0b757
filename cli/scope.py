"""Which market a command means, as whom it acts, and how it answers: the options that all commands share."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import platformdirs

from exchange.messages.requests import Refused
from exchange.permissions import OPERATOR, TOKEN
from exchange.secrets import SECRETS_FILE, SecretsError, load_secrets
from exchange.settings import SettingsError, load_runtime
from exchange.tls import CERTIFICATE_VARIABLE

from .logins import StoredLogin, find_login
from .problem import FAILED, MISUSED, Problem, explain

if TYPE_CHECKING:
    from exchange.client import Client


Answer = TypeVar("Answer")
TRADER: Final = "trader"


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
        return self.server if self.by_address else str(self.data_directory.resolve())

    @property
    def by_address(self) -> bool:
        """Whether the market is known by its server's address only: nothing of its data directory is here."""
        return bool(self.server) and self.data is None

    @property
    def _is_host(self) -> bool:
        """Whether the operator acts whose password stands in the data directory."""
        return self.account == OPERATOR and not self.by_address

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

    def log_in(self) -> StoredLogin:
        """The log-in that acts. Raises Problem when nobody was named, or nobody has logged in under that name here."""
        stored = find_login(self.market, self.require_account())
        if stored is None:
            raise Problem(f"{self.account} is not logged in here; log in with: exchange login {self.account}")
        return stored

    @property
    def staff_acts(self) -> bool:
        """Whether it is an operator or an auditor who acts: one that was named, or, where nobody was, the data directory's."""
        return not self.account or self._is_host or self.log_in().role != TRADER

    @asynccontextmanager
    async def guest(self) -> AsyncIterator[Client]:
        """A connection that may read what is public."""
        async with self._connection("", "") as client:
            yield client

    @asynccontextmanager
    async def trader(self) -> AsyncIterator[Client]:
        """A connection as the account that acts."""
        role = OPERATOR if self._is_host else self.log_in().role
        if role != TRADER:
            raise Problem(f"{self.account} is an {role} and has no account of its own; name a trader with --as", MISUSED)
        async with self._connection(self.account, self.log_in().session) as client:
            yield client

    @asynccontextmanager
    async def acting_for(self, name: str) -> AsyncIterator[Client]:
        """A connection that may change that log-in: its own (--as), or else an operator's."""
        own = self.account == name and not self._is_host
        async with self._connection(name, self.log_in().session) if own else self.staff() as client:
            yield client

    @asynccontextmanager
    async def staff(self) -> AsyncIterator[Client]:
        """A connection as the operator or auditor named with --as; as the data directory's operator where nobody is."""
        if self.account and not self._is_host:
            stored = self.log_in()
            if stored.role == TRADER:
                raise Problem(f"{self.account} is a trader; this takes the log-in of an operator, or to read of an auditor")
            forbidden = f"{self.account} is an {stored.role} and may not do that; it takes an operator"
            async with self._connection(self.account, stored.session, forbidden=forbidden) as client:
                yield client
            return
        if self.by_address:
            raise Problem(f"say as which operator or auditor: exchange --as {OPERATOR} …, once logged in", MISUSED)
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
    async def _connection(self, account: str, secret: str, address: str = "", forbidden: str = "") -> AsyncIterator[Client]:
        # Costs half of the time that `exchange --help` takes.
        from exchange.client import Client, ClientError, Forbidden, LoginRefused

        try:
            async with await Client.connect(address or self.address, account, secret) as client:
                yield client
        except Forbidden as error:
            raise Problem(forbidden or str(error)) from None
        except LoginRefused as error:
            raise SessionEnded(account) if TOKEN.fullmatch(secret) else Problem(str(error)) from None
        except ClientError as error:
            raise Problem(str(error)) from None


class SessionEnded(Problem):
    """What is stored of a log-in lets nobody in any more."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the session of {name} has ended, or was ended; log in again with: exchange login {name}")


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
