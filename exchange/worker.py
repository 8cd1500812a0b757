"""The frame of every worker process: arguments, connection, signals, and one line when it ends."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from nats.aio.client import Client

from . import logs
from .connection import connect
from .health import HealthDesk
from .keeping import cut_logs, sink_mark
from .leader import StageLoop
from .lease import JetStreamLease
from .log import JetStreamLog, Log
from .probes import ADDRESS_DEFAULT, ADDRESS_VARIABLE, Probes
from .secrets import keep_private
from .settings import STATE_VARIABLE, Settings, load_settings
from .sink import Sink, SinkLoop
from .snapshots import JetStreamSnapshots
from .stage import Stage
from .streams import Away, is_away
from .subjects import JOURNAL

GARBAGE_THRESHOLDS: Final = (50_000, 20, 100)
"""A worker makes and drops thousands of messages a batch, none of them in cycles. With Python's own threshold of 700 the
collector looks at them in vain, which costs the historian and ticks a sixth of their time."""
HELP_EXIT: Final = 75
"""Exit code of a sink that waits for a person (EX_TEMPFAIL): its disk is full, or it needs a file. To be tried again."""
NEED_HELP: Final = ("DiskFull", "SinkBehind")
"""By name: DuckDB is not imported by every worker."""
AWAY_EXIT: Final = 69
"""Exit code of a worker that the NATS server did not answer (EX_UNAVAILABLE): no defect either, its successor is patient."""
STOP_SECONDS_MAX: Final = 4.0
"""A worker that was asked to stop and has not within this time ends all the same; its successor recovers."""


class Worker:
    """What a worker's main function works with."""

    def __init__(self, name: str, settings: Settings, client: Client, arguments: argparse.Namespace) -> None:
        self.name = name
        self.settings = settings
        self.nats = client
        self.arguments = arguments
        self._logs: dict[str, Log] = {}
        self._snapshots: JetStreamSnapshots | None = None
        self._prepared = False
        self.stopping = asyncio.Event()
        """Set when the worker is asked to stop."""
        self.leads = False
        """A worker that writes a log ends when its connection breaks: what it had in flight is in doubt."""
        self.health = HealthDesk(name, client)
        self._looking: asyncio.Task[None] | None = None

    async def open_logs(self, *names: str) -> dict[str, Log]:
        """The logs of these names, created if the market is new."""
        for name in names:
            if name not in self._logs:
                log = JetStreamLog(self.nats, name)
                await log.create(self.settings.market.replicas)
                self._logs[name] = log
        return {name: self._logs[name] for name in names}

    async def open_snapshots(self) -> JetStreamSnapshots:
        """Where snapshots are kept, created if the market is new."""
        if self._snapshots is None:
            snapshots = JetStreamSnapshots(self.nats)
            await snapshots.create(self.settings.market.replicas)
            self._snapshots = snapshots
        return self._snapshots

    async def prepare(self, *logs: str) -> None:
        """Make sure of all that stages with these logs need, so that a take-over need not."""
        self.leads = True
        if not self._prepared:
            await JetStreamLease.create_bucket(self.nats, self.settings.market.replicas)
            self._prepared = True
        await self.open_snapshots()
        await self.open_logs(*logs)

    async def stage_loop(self, stage: Stage) -> StageLoop:
        """The loop for a stage, over this worker's connection."""
        await self.prepare()
        loop = StageLoop(
            stage,
            await self.open_logs(stage.output, *stage.inputs),
            JetStreamLease(self.nats, stage.name, f"{self.name} {os.getpid()}"),
            await self.open_snapshots(),
            self.nats.publish,
            time.time_ns,
        )
        self.health.watched.append(loop)
        return loop

    async def logs_whole(self) -> bool:
        """Whether the logs still go back to their start, so that a sink can be made again from them."""
        return not await cut_logs(await self.open_logs(JOURNAL))

    async def _end_beside_twin(self) -> None:
        """Two with one number would note one place in the logs, and --keep would cut what the other still needs."""
        if twin := await self.health.twin():
            number = self.health.number
            _exit(self.name, f"{self.name} {number} runs already, as {twin}; start this one with another --worker", HELP_EXIT)

    async def sink_loop(self, sink: Sink, number: int, **doors: Callable[[], Awaitable[None]]) -> SinkLoop:
        """The loop for a sink, over this worker's connection: the first, second, … of its kind. `doors` as of SinkLoop."""
        self.health.number = number
        self._looking = asyncio.create_task(self._end_beside_twin())
        logs, snapshots = await self.open_logs(*sink.inputs), await self.open_snapshots()
        loop = SinkLoop(sink, logs, snapshots=snapshots, mark=sink_mark(sink.name, number), **doors)
        self.health.watched.append(loop)
        return loop


def run(
    name: str,
    main: Callable[[Worker], Awaitable[None]],
    *,
    user: str = "worker",
    parser: argparse.ArgumentParser | None = None,
    serves: bool = True,
) -> None:
    """Run a worker until SIGTERM or SIGINT (exit 0), or until it cannot go on (one line on stderr, exit 1).

    One that does not serve only looks at the market: an audit, whose health is nobody's business.
    """
    parser = parser or argparse.ArgumentParser(prog=f"python -P -m exchange.{name}")
    parser.add_argument("--data", type=Path, required=True, help="the market's data directory")
    own = Path(os.environ[STATE_VARIABLE]) if os.environ.get(STATE_VARIABLE) else None
    parser.add_argument("--state", type=Path, default=own, metavar="DIR", help="of its own files (default: the data)")
    address = os.environ.get(ADDRESS_VARIABLE) or ADDRESS_DEFAULT
    parser.add_argument(
        "--health", default=address, metavar="HOST:PORT", help="for HTTP probes and metrics (default: %(default)s)"
    )
    arguments = parser.parse_args()
    keep_private()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    try:
        logs.configure(name)
        if sys.platform == "win32":
            asyncio.run(_run(name, main, user, arguments, serves))
        else:
            import uvloop

            uvloop.run(_run(name, main, user, arguments, serves))
    except BaseExceptionGroup as group:
        _fail(name, _first(group))
    except KeyboardInterrupt:
        pass
    except Exception as error:
        _fail(name, error)


async def _run(
    name: str, main: Callable[[Worker], Awaitable[None]], user: str, arguments: argparse.Namespace, serves: bool
) -> None:
    settings = load_settings(arguments.data, arguments.state)
    closed = asyncio.Event()
    worker: Worker | None = None

    async def on_closed() -> None:
        closed.set()

    async def on_disconnected() -> None:
        if worker is not None and worker.leads:
            closed.set()

    password = getattr(settings.secrets, user)
    client = await connect(settings.server, user, password, name=name, on_closed=on_closed, on_disconnected=on_disconnected)
    worker = Worker(name, settings, client, arguments)
    if serves:
        Probes(worker.health, arguments.health).start()
        await worker.health.start()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stopping.set)
    working = asyncio.ensure_future(main(worker))
    closing = asyncio.create_task(closed.wait())
    stopping = asyncio.create_task(worker.stopping.wait())
    await asyncio.wait({working, closing, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not working.done() and not closed.is_set():
        await asyncio.wait({working}, timeout=STOP_SECONDS_MAX)
    if not working.done():
        # Whatever is in flight is in doubt; the only honest thing is to end and let a recovery look.
        if closed.is_set():
            _exit(name, "the connection to the NATS server is lost", AWAY_EXIT)
        _exit(name, "did not stop in time")
    working.result()
    await client.drain()


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _fail(name: str, error: BaseException) -> None:
    expected = type(error).__module__.startswith(("exchange.", "nats.")) or isinstance(error, OSError)
    if not expected:
        logging.getLogger(name).error("a defect", exc_info=error)
    code = 1
    if type(error).__name__ in NEED_HELP:
        code = HELP_EXIT
    elif isinstance(error, Away) or (isinstance(error, Exception) and is_away(error)):
        code = AWAY_EXIT
    _exit(name, f"{type(error).__name__}: {error}" if str(error) else type(error).__name__, code)


def _exit(name: str, reason: str, code: int = 1) -> None:
    logging.getLogger(name).error("%s: %s", name, reason)
    sys.stderr.flush()
    os._exit(code)  # No clean-up may touch the logs any more, and no thread may keep the process.
