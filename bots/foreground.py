"""python -P -m exchange.bots.foreground: one bot for one account, until it is told to stop. What to do comes on stdin."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sqlite3
import sys
from datetime import datetime
from pathlib import Path

import msgspec
import nats.errors
from nats.aio.client import Client

from exchange import subjects
from exchange.connection import connect
from exchange.messages.base import encode
from exchange.messages.bots import BotInfo, BotName, BotText
from exchange.messages.requests import Refused

from .asking import ask_symbols
from .document import BotFileError
from .host import Host, Hosted
from .service import Service, check
from .state import Decision
from .store import Store
from .strategy import SECOND, Instrument
from .worker import follow_prices

WATCH_SECONDS = 0.3


class Told(msgspec.Struct, frozen=True):
    """What stands on stdin."""

    server: str
    account: str
    secret: str
    file: str
    state: str
    """Where its state is kept until it is stopped."""


class Foreground:
    """Runs the file, and the file as it changes."""

    def __init__(self, client: Client, told: Told) -> None:
        self._client = client
        self._told = told
        self._file = Path(told.file)
        self._said: Decision | None = None
        """The last decision that was printed, with so many of its actions."""
        self._actions = 0
        self._loaded = 0
        """When the file that is in force, or was refused, was written."""
        self._name = ""
        self._stopping = asyncio.Event()

    async def run(self) -> int:
        """Until SIGINT or SIGTERM; the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stopping.set)
        instruments = await self._instruments()
        prices = await follow_prices(self._client)
        try:
            store = Store(Path(self._told.state))
        except sqlite3.Error:
            say("this bot runs already; stop it first")
            return 1
        host = Host(self._client, store, instruments, self._tell)
        service = Service(self._client, store, host, instruments, prices, 0)
        hosting = asyncio.create_task(host.run())
        try:
            await service.restore()
            if not await self._load(service, instruments):
                return 1
            await self._watch(service, instruments, hosting)
            answer = await service.stop(subjects.api(self._told.account, "bots.stop"), encode(BotName(self._name)))
            if isinstance(answer, BotInfo):
                say(f"{self._name} is stopped: {answer.reason}")
        finally:
            hosting.cancel()
            await asyncio.gather(hosting, return_exceptions=True)
            store.close()
        return 0

    async def _watch(self, service: Service, instruments: dict[str, Instrument], hosting: asyncio.Task[None]) -> None:
        while not self._stopping.is_set() and not hosting.done():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WATCH_SECONDS):
                    await self._stopping.wait()
            if self._changed() != self._loaded:
                await self._load(service, instruments)
        if hosting.done():
            hosting.result()

    async def _load(self, service: Service, instruments: dict[str, Instrument]) -> bool:
        """Start the file as it is now; False if it has mistakes, which are said."""
        self._loaded = self._changed()
        try:
            text = self._file.read_text()
            definition = check(text, self._file.stem.lower(), instruments)
        except BotFileError as error:
            for mistake in error.mistakes:
                say(f"{self._file}:{mistake.line}:{mistake.column}: {mistake.text}")
            return False
        except (OSError, UnicodeDecodeError) as error:
            say(f"{self._file}: {error}")
            return False
        question = encode(BotText(text, definition.name))
        answer = await service.start(subjects.api(self._told.account, "bots.start"), question)
        if isinstance(answer, Refused):
            say(f"refused: {answer.detail or answer.reason}")
            return False
        self._name = definition.name
        say(f"{answer.name} runs on {answer.symbol} as {self._told.account}; Ctrl-C stops it and cancels its orders")
        return True

    async def _instruments(self) -> dict[str, Instrument]:
        rows = await ask_symbols(self._client)
        return {row.symbol: Instrument(row.symbol, row.tick, row.lot, row.opening_price) for row in rows}

    def _tell(self, hosted: Hosted) -> None:
        decisions = hosted.machine.state.decisions
        known = next((index for index, decision in enumerate(decisions) if decision is self._said), None)
        if known is not None and len(decisions[known].actions) > self._actions:
            say(f"         {'; '.join(decisions[known].actions[self._actions :])}")  # After a wait.
        for decision in decisions[0 if known is None else known + 1 :]:
            say(line(decision))
        if decisions:
            self._said, self._actions = decisions[-1], len(decisions[-1].actions)

    def _changed(self) -> int:
        try:
            return self._file.stat().st_mtime_ns
        except OSError:
            return 0


def line(decision: Decision) -> str:
    """A decision in one line."""
    time_ = datetime.fromtimestamp(decision.time / SECOND).astimezone()
    rule = f"rule {decision.rule}: " if decision.rule else ""
    done = "; ".join(decision.actions)
    return f"{time_:%H:%M:%S} {rule}{decision.why}{' → ' * bool(done and decision.why)}{done}"


def say(text: str) -> None:
    """A line on stdout, at once."""
    print(text, flush=True)


async def main(told: Told) -> int:
    """Connect and run; the exit code."""
    try:
        client = await connect(told.server, told.account, told.secret, name=f"bot of {told.account}")
    except (nats.errors.Error, OSError) as error:
        say(f"the market cannot be reached: {error}")
        return 1
    try:
        return await Foreground(client, told).run()
    finally:
        await client.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr, format="%(message)s")
    sys.exit(asyncio.run(main(msgspec.json.decode(sys.stdin.buffer.read(), type=Told))))
