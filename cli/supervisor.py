"""Starts a market's processes, watches them, replaces the dead ones, and stops all in order.

Workers find each other through the NATS server only, so they start at once and in no order; each waits for what it needs.
Every end of a worker is survivable: what was acknowledged is in the logs, and its successor recovers from them.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol

from exchange.server import LOG_FILE, NatsServer, ServerError
from exchange.worker import AWAY_EXIT, HELP_EXIT

from .child import LINES_KEPT, Child, Say
from .directory import DataDirectory
from .servers import addresses_of

DEATHS_MAX: Final = 5
"""So many deaths of one process within DEATHS_SECONDS stop the whole."""
DEATHS_SECONDS: Final = 60.0
BACKOFF_SECONDS: Final = 0.1
"""Before the second restart in a row; doubled with each further one, the first is immediate."""
HELP_SECONDS: Final = 2.0
NATS: Final = "nats"
AWAY_SECONDS: Final = 0.1
"""Before a worker that the NATS server did not answer is started again, however often; it is patient by itself."""
STOP_SECONDS: Final = 4.5
STOP_ORDER: Final = (("web", "bots", "keeper"), ("auth", "ticks"), ("ledger",), ("engine",), ("historian",), (NATS,))
"""Who asks ends before who answers, who writes a log before who reads it, and the logs' keeper last."""
STOP_RESERVE_SECONDS: Final = 0.4
"""Of STOP_SECONDS, what each later group of STOP_ORDER can count on."""


class MarketFailed(Exception):
    """The market cannot go on. `lines`: the last ones that the failing process said."""

    def __init__(self, text: str, lines: Sequence[str]) -> None:
        super().__init__(text)
        self.lines = list(lines)


class Process(Protocol):
    """What is watched: a worker, or the NATS server."""

    @property
    def name(self) -> str:
        """`ledger`, `engine-1` …"""

    @property
    def pid(self) -> int:
        """Of the running process."""

    @property
    def lines(self) -> Sequence[str]:
        """The last ones it said."""

    async def start(self) -> None:
        """Start it. Raises ServerError."""

    async def wait(self) -> int:
        """Its exit code, when it ends."""

    async def stop(self, seconds: float) -> None:
        """Ask it to end, and make it after `seconds`."""

    def kill(self) -> None:
        """End it at once."""


class ServerProcess:
    """A NATS server as one of the processes."""

    def __init__(self, name: str, server: NatsServer) -> None:
        self.name = name
        self._server = server
        self._log = server.data / LOG_FILE

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._server.process is not None, "the server was not started"
        return self._server.process.pid

    @property
    def lines(self) -> list[str]:
        """The last ones of its log."""
        try:
            with self._log.open("rb") as file:
                file.seek(max(0, file.seek(0, 2) - 200 * LINES_KEPT))
                return file.read().decode(errors="replace").splitlines()[-LINES_KEPT:]
        except OSError:
            return []

    async def start(self) -> None:
        """Start it and wait until it serves. Raises ServerError."""
        await self._server.start()

    async def wait(self) -> int:
        """Its exit code, when it ends."""
        return await self._server.wait()

    async def stop(self, seconds: float) -> None:
        """Ask it to end, and make it after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._server.stop()
        except TimeoutError:
            self.kill()
            await self._server.wait()

    def kill(self) -> None:
        """End it at once."""
        if self._server.process is not None and self._server.process.returncode is None:
            self._server.process.kill()


class Supervisor:
    """Runs the processes of one market."""

    def __init__(
        self, directory: DataDirectory, servers: list[NatsServer], workers: Sequence[Child], say: Say, deaths_max: int
    ) -> None:
        self._directory = directory
        self._servers = servers
        names = [NATS] if len(servers) == 1 else [f"{NATS}-{number}" for number in range(1, len(servers) + 1)]
        self._nats = [ServerProcess(name, server) for name, server in zip(names, servers, strict=True)]
        self._workers = workers
        self._processes: list[Process] = [*self._nats, *workers]
        self._say = say
        self._deaths_max = deaths_max
        self._pids: dict[str, int] = {}
        self._stopping = False

    async def start(self) -> None:
        """Start the servers and then all workers. Raises ServerError."""
        await asyncio.gather(*(server.start() for server in self._nats))
        self._directory.tell(**addresses_of(self._servers), workers={})
        for worker in self._workers:
            if self._stopping:
                return
            await worker.start()
        self._pids = {process.name: process.pid for process in self._processes}
        self._directory.tell(workers=dict(self._pids))

    async def watch(self) -> None:
        """Replace what dies, until `stop`. Raises MarketFailed when something dies again and again."""
        tasks = [asyncio.create_task(self._keep(process)) for process in self._processes]
        await asyncio.gather(*tasks)  # No task is cancelled: one that is just starting a process must see it through.

    async def stop(self) -> None:
        """Stop all in order within STOP_SECONDS; whatever does not end in its time is killed, which loses nothing either."""
        self._stopping = True
        deadline = time.monotonic() + STOP_SECONDS
        for index, names in enumerate(STOP_ORDER):
            reserve = STOP_RESERVE_SECONDS * (len(STOP_ORDER) - 1 - index)
            seconds = max(STOP_RESERVE_SECONDS, deadline - reserve - time.monotonic())
            group = [process for process in self._processes if process.name.partition("-")[0] in names]
            await asyncio.gather(*(process.stop(seconds) for process in group))

    def kill(self) -> None:
        """End everything at once."""
        self._stopping = True
        for process in reversed(self._processes):
            process.kill()

    async def _keep(self, process: Process) -> None:
        deaths: deque[float] = deque(maxlen=self._deaths_max)
        code = await process.wait()
        while not self._stopping:
            how = _ending(code, process)
            if code == HELP_EXIT:
                code = await self._wait_for_help(process, how)
                continue
            if code == AWAY_EXIT:  # It did not fail: a server did, or an election takes its time.
                await asyncio.sleep(AWAY_SECONDS)
                code = await self._restart(process, how)
                continue
            deaths.append(time.monotonic())
            if len(deaths) == self._deaths_max and deaths[-1] - deaths[0] < DEATHS_SECONDS:
                text = f"{process.name} died {self._deaths_max} times within a minute; the last time it {how}"
                raise MarketFailed(text, process.lines)
            recent = sum(time.monotonic() - death < DEATHS_SECONDS for death in deaths)
            await asyncio.sleep(BACKOFF_SECONDS * 2 ** (recent - 2) if recent > 1 else 0)
            code = await self._restart(process, how)

    async def _wait_for_help(self, process: Process, how: str) -> int:
        """A sink needs a person, which is no reason to stop the market: try again later, however often. Its next exit code."""
        self._say(f"{process.name} {how}; tried again every {HELP_SECONDS:g} s")
        code = HELP_EXIT
        while code == HELP_EXIT and not self._stopping:
            await asyncio.sleep(HELP_SECONDS)
            code = await self._restart(process, "")
        return code

    async def _restart(self, process: Process, how: str) -> int:
        """Start a process again and wait for its end, unless all is being stopped. Its exit code. Said if there is a `how`."""
        if self._stopping:
            return 0
        try:
            await process.start()
        except (ServerError, OSError) as error:
            self._say(f"{process.name} {how}; it could not be started again: {error}")
            return 1
        if self._stopping:
            process.kill()
        else:
            self._pids[process.name] = process.pid
            with contextlib.suppress(OSError):  # A full disk is the workers' business; they must be kept alive all the more.
                self._directory.tell(workers=dict(self._pids))
            if how:
                self._say(f"{process.name} {how}; started again")
        return await process.wait()


def _ending(code: int, process: Process) -> str:
    if code < 0:
        return f"was ended by signal {-code}"
    said = process.lines[-1] if process.lines else ""
    return f"ended with exit code {code}{f' ({said[-200:]})' if said and code else ''}"
