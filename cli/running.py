"""One run of `exchange up`: from its first process to its last."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import shutil
import signal
import ssl
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from exchange import subjects
from exchange.client import Client, ClientError
from exchange.keeping import Keep
from exchange.market import Market
from exchange.messages.administration import LedgerState
from exchange.messages.market_data import SymbolInfo
from exchange.messages.requests import Refused
from exchange.parent import tie_to_parent
from exchange.permissions import OPERATOR
from exchange.secrets import SECRETS_FILE, Secrets
from exchange.server import ServerError

from .child import Child
from .directory import DataDirectory
from .listening import EVERYWHERE, LOOPBACK, Listening
from .output import console, say, show_json
from .problem import Problem
from .scope import Scope
from .servers import make_servers
from .supervisor import DEATHS_MAX, MarketFailed, Supervisor

DEATHS_VARIABLE: Final = "EXCHANGE_DEATHS_MAX"
"""Instead of DEATHS_MAX, for tests that kill on purpose."""
POLL_SECONDS: Final = 0.05
PATIENCE_SECONDS: Final = 10.0
"""After that the terminal says that it still waits: a long log takes its time to recover from."""


class RunningMarket:
    """One run of `exchange up`."""

    def __init__(
        self,
        scope: Scope,
        directory: DataDirectory,
        rules: Market,
        secrets: Secrets,
        ports: dict[str, int],
        listening: Listening,
        *,
        population: str,
        keep: Keep | None,
    ) -> None:
        self._scope = scope
        self._directory = directory
        self._rules = rules
        self._secrets = secrets
        self._listening = listening
        self._page = Child("web", "exchange.web", [], directory.log("web"), self._say)
        self._listen(ports["--port"])
        servers = make_servers(directory.path, rules, secrets, ports, listening, tie_to_parent())
        deaths_max = int(os.environ.get(DEATHS_VARIABLE) or DEATHS_MAX)
        self._supervisor = Supervisor(directory, servers, self._workers(population, keep), self._say, deaths_max)
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Until it is asked to stop. Raises Problem when it cannot go on."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal)
        self._say(f"starting {self._rules.title} on {self._directory.path} …")
        if self._listening.insecure:
            print("exchange: --insecure-listen: passwords and orders travel unencrypted, to anybody who asks", file=sys.stderr)
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            if await self._start(stopping):
                await self._watch(stopping)
                self._say(f"stopped; everything is kept in {self._directory.path}")
        finally:
            self._supervisor.kill()

    async def _start(self, stopping: asyncio.Task[bool]) -> bool:
        """Whether all processes were started; False when the market was asked to stop meanwhile."""
        try:
            tls = self._listening.tls
            certificate = {"certificate": str(tls.certificate)} if tls else {}
            self._directory.tell(pid=os.getpid(), started=time.time_ns(), live=False, **certificate)
            starting = asyncio.create_task(self._supervisor.start())
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                await self._supervisor.stop()
                await asyncio.gather(starting, return_exceptions=True)
                return False
            starting.result()
        except (ServerError, OSError) as error:
            raise Problem(f"the market could not be started: {error}") from None
        return True

    async def _watch(self, stopping: asyncio.Task[bool]) -> None:
        """Keep all processes alive until the market is asked to stop, then stop them."""
        watching = asyncio.create_task(self._supervisor.watch())
        opening = asyncio.create_task(self._open())
        await asyncio.wait({watching, stopping, opening}, return_when=asyncio.FIRST_COMPLETED)
        if opening.done():
            opening.result()
            await asyncio.wait({watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
        opening.cancel()
        self._say("\nstopping …")
        await self._supervisor.stop()
        try:
            await watching
        except MarketFailed as failed:
            for line in failed.lines:
                print(f"  {line}", file=sys.stderr)
            raise Problem(str(failed)) from None

    def _on_signal(self) -> None:
        if self._stopping.is_set():
            self._supervisor.kill()
        self._stopping.set()

    def _workers(self, population: str, keep: Keep | None) -> list[Child]:
        count = self._rules.workers
        # More than cores only take turns, and fewer than shards leave cores idle.
        engines = count.engine or min(self._rules.shards, os.cpu_count() or 1)
        modules: list[tuple[str, str, Sequence[str]]] = [
            ("auth", "exchange.ledger.auth", ()),
            *((name, "exchange.ledger", ()) for name, _ in _numbered("ledger", count.ledger)),
            *((f"engine-{number}", "exchange.engine", ()) for number in range(1, engines + 1)),
            *((name, "exchange.ticks", ("--worker", number)) for name, number in _numbered("ticks", count.ticks)),
            *(
                (name, "exchange.ledger.historian", ("--worker", number))
                for name, number in _numbered("historian", count.historian)
            ),
            ("bots", "exchange.bots", ("--population", population)),
        ]
        if keep:
            modules.append(("keeper", "exchange.keeper", ("--keep", str(keep))))
        data = ("--data", str(self._directory.path))
        workers = [Child(name, module, (*data, *more), self._directory.log(name), self._say) for name, module, more in modules]
        return [*workers, self._page]

    def _listen(self, port: int) -> None:
        """The page's port, at its next start."""
        tls = [str(path) for path in self._listening.tls] if self._listening.tls else []
        arguments = ["--data", str(self._directory.path), "--host", self._listening.host, "--port", str(port)]
        self._page.arguments = [*arguments, *(("--tls", *tls) if tls else ())]

    async def _open(self) -> None:
        """Wait until the market is live: the page, ticks and the ledger answer. Then say so."""
        impatient = asyncio.get_running_loop().call_later(
            PATIENCE_SECONDS, self._say, f"still starting; the workers' logs are in {self._directory.log('').parent}"
        )
        while not (page := self._directory.page_address()):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(POLL_SECONDS)
        self._listen(urlsplit(page).port or 0)  # A page that is started again is where it was.
        while not await asyncio.to_thread(_answers, page):  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)
        await self._ask("", "", subjects.public("symbols"), list[SymbolInfo])
        await self._ask(OPERATOR, self._secrets.operator, subjects.admin("digest"), LedgerState)
        impatient.cancel()
        page = page.replace(EVERYWHERE, LOOPBACK)
        self._directory.tell(http=page, live=True)
        if self._scope.json:
            show_json(self._directory.told)
        else:
            self._announce(page.replace(LOOPBACK, "localhost"))

    async def _ask(self, account: str, secret: str, subject: str, answer: type[object]) -> None:
        while True:
            with contextlib.suppress(ClientError):
                async with await Client.connect(self._directory.told["server"], account, secret) as client:
                    if not isinstance(await client.request(subject, None, answer), Refused):
                        return
            await asyncio.sleep(POLL_SECONDS)

    def _announce(self, page: str) -> None:
        default = Scope().data_directory == self._directory.path
        exchange = _program() if default else f"{_program()} --data {self._directory.path}"
        first = self._rules.symbols[0].symbol
        table = Table.grid(padding=(0, 2))
        for name, value in (
            ("page", page),
            ("operator", f"{OPERATOR}, password {self._operator_password()}"),
            ("server", f"{self._directory.told['server']} and {self._directory.told['websocket']}".replace(",", ", ")),
            ("data", str(self._directory.path)),
            ("next", f"{exchange} account create alice"),
            ("", f"{exchange} book {first}"),
        ):
            table.add_row(Text(name), Text(value, style="bold" if name in ("page", "next", "") else "", overflow="fold"))
        with contextlib.suppress(OSError):
            console().print(Panel.fit(table, title=Text(f"{self._rules.title} is live"), subtitle="Ctrl-C stops it"))

    def _operator_password(self) -> str:
        """Told to a person at a terminal; what is written into a file or a log must not hold it."""
        return self._secrets.operator if sys.stdout.isatty() else f"in {self._directory.path / SECRETS_FILE}"

    def _say(self, text: str) -> None:
        if not self._scope.json:
            with contextlib.suppress(OSError):  # A terminal that went away must not take the market along.
                say(text)


def _numbered(name: str, count: int) -> list[tuple[str, str]]:
    """Names and numbers of so many workers of a kind; the first has the name of the kind."""
    return [(f"{name}-{number}" if number > 1 else name, str(number)) for number in range(1, count + 1)]


def _program() -> str:
    """What to type to run this program once more."""
    own, found = Path(sys.argv[0]), shutil.which("exchange")
    if own.name != "exchange" or (found and own.exists() and own.samefile(found)):
        return "exchange"
    return os.path.relpath(own)


def _answers(page: str) -> bool:
    address = urlsplit(page)
    if address.scheme == "https":
        # Whether it answers at all: nothing is told or believed.
        unverified = ssl._create_unverified_context()
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            LOOPBACK, address.port, timeout=2, context=unverified
        )
    else:
        connection = http.client.HTTPConnection(LOOPBACK, address.port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
