"""One process of a market: started, heard, and told to end. It never outlives the supervisor."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from logging import LogRecord, makeLogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

import msgspec

from exchange.logs import decode_line
from exchange.parent import tie_to_parent

LOG_BYTES_MAX: Final = 5_000_000
"""Of one log file; the one before it is kept."""
LINES_KEPT: Final = 20
LINE_LENGTH_MAX: Final = 10_000
"""What is longer is cut: a line is for people."""
SHOWN_MAX: Final = 5
SHOWN_SECONDS: Final = 10.0
"""At most SHOWN_MAX warnings of one process are shown in this time; all of them are in its log."""
SPEAKS_UP: Final = ("WARNING", "ERROR", "CRITICAL")

Say = Callable[[str], None]


class WorkerLog(RotatingFileHandler):
    """What a worker says, in a file of bounded size. A full disk loses the log and nothing else."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(path, maxBytes=LOG_BYTES_MAX, backupCount=1, encoding="utf-8", errors="replace", delay=True)

    def write(self, line: str) -> None:
        """Append a line."""
        self.handle(makeLogRecord({"msg": line}))

    def handleError(self, record: LogRecord) -> None:  # noqa: N802 - the library's name
        """Ignore what went wrong."""


class Child:
    """A worker: `python -P -m exchange.<module> …`. May be started again and again."""

    def __init__(self, name: str, module: str, arguments: Sequence[str], log: Path, say: Say) -> None:
        self.name = name
        self.arguments = list(arguments)
        self.process: asyncio.subprocess.Process | None = None
        self.lines: deque[str] = deque(maxlen=LINES_KEPT)
        """The last ones of the newest process."""
        self._module = module
        self._log = WorkerLog(log)
        self._say = say
        self._shown: deque[float] = deque(maxlen=SHOWN_MAX)
        self._hearing: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """Of the newest process."""
        assert self.process is not None, "the worker was not started"
        return self.process.pid

    async def start(self) -> None:
        """Start a process, which can be asked for its end with `wait`."""
        environment = {name: value for name, value in os.environ.items() if name != "EXCHANGE_SERVER"}
        self.lines.clear()
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", self._module, *self.arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            start_new_session=True,  # Ctrl-C reaches only the supervisor, which stops all in order.
            preexec_fn=tie_to_parent(),
        )
        assert self.process.stderr is not None
        self._hearing = asyncio.create_task(self._hear(self.process.stderr))

    async def wait(self) -> int:
        """Wait for the process's end, and until all it said is heard; its exit code, negative for a signal."""
        assert self.process is not None, "the worker was not started"
        assert self._hearing is not None, "what it says is heard from its start on"
        code = await self.process.wait()
        await self._hearing
        return code

    async def stop(self, seconds: float) -> None:
        """Ask it to end, and make it after that time."""
        if self.process is None or self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            async with asyncio.timeout(seconds):
                await self.process.wait()
        except TimeoutError:
            self.kill()
            await self.process.wait()

    def kill(self) -> None:
        """End it at once. Nothing that was acknowledged is lost."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()

    async def _hear(self, stream: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await stream.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._take(line)
            if len(rest) > LINE_LENGTH_MAX:
                self._take(rest)
                rest = b""
        if rest:
            self._take(rest)
        self._log.close()  # It opens itself again for the next process.

    def _take(self, content: bytes) -> None:
        self._log.write(content[:LINE_LENGTH_MAX].decode(errors="replace").rstrip())
        try:
            line = decode_line(content)
        except msgspec.MsgspecError:  # Python itself says something, for example why it cannot start.
            self.lines.append(content[:LINE_LENGTH_MAX].decode(errors="replace").rstrip())
            return
        said = f"{line.level} {line.text}\n{line.exception}".rstrip()
        self.lines += said[:LINE_LENGTH_MAX].splitlines()
        if line.level in SPEAKS_UP:
            now = time.monotonic()
            if len(self._shown) < SHOWN_MAX or now - self._shown[0] > SHOWN_SECONDS:
                self._shown.append(now)
                self._say(f"{self.name}: {line.text[:LINE_LENGTH_MAX]}")
