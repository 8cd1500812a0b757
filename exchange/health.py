"""How this worker is: put together when somebody asks, over NATS (admin.health) or HTTP (probes.py)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections import deque
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Final, Protocol

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from .log import Log
from .messages.base import decoder, encode
from .messages.health import Health, LogLine, Part, Position, Standing
from .subjects import HEALTH, is_inbox

KEEPER: Final = "keeper"
COMPLAINTS_KEPT: Final = 20
"""Warnings and errors; the oldest is forgotten."""
COMPLAINT_LENGTH_MAX: Final = 500
LAG_MAX: Final = 5_000
"""Batches behind at which a worker counts as not ready; some ten seconds of a busy market."""
END_SECONDS_MAX: Final = 1.0
"""For a log to say where it ends."""
ANSWERS_SECONDS_MAX: Final = 1.5
"""Who asks everybody waits that long, longer than END_SECONDS_MAX."""
QUIET_SECONDS: Final = 0.5
"""Or until nobody has said anything for that long."""

decode_health: Final = decoder(Health).decode


class Watched(Protocol):
    """The loop of a stage or of a sink."""

    caught_up: bool
    """Whether it has applied the logs as far as they went when it started."""

    @property
    def name(self) -> str:
        """Of the stage or sink."""

    @property
    def standing(self) -> Standing:
        """Whether it leads."""

    @property
    def logs(self) -> Mapping[str, Log]:
        """All that it reads and writes."""

    @property
    def positions(self) -> dict[str, int]:
        """Per log that says how far it is, number of the last batch applied."""


class Complaints(logging.Handler):
    """Keeps the last warnings and errors."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: deque[LogLine] = deque(maxlen=COMPLAINTS_KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        text = record.getMessage()[:COMPLAINT_LENGTH_MAX]
        self.lines.append(LogLine(int(record.created * 1e9), record.levelname, text))


class HealthDesk:
    """Says how one worker is."""

    def __init__(self, worker: str, client: Client) -> None:
        self.watched: list[Watched] = []
        """The loops it runs; a worker without any says itself when it is `open`."""
        self.open = False
        self.number = 0
        """Its --worker, where there may be several."""
        self.http = ""
        self._complaints = Complaints()
        self._client = client
        self._self = Health(worker, socket.gethostname(), os.getpid(), version("exchange"), time.time_ns(), ready=False)

    async def start(self) -> None:
        """From here on everybody who asks is answered, by every instance."""
        logging.getLogger().addHandler(self._complaints)
        await self._client.subscribe(HEALTH, cb=self._answer)

    async def report(self) -> Health:
        """How it is now."""
        ends = await self._ends()
        parts = tuple(
            Part(loop.name, loop.standing, {log: Position(at, ends.get(log, at)) for log, at in loop.positions.items()})
            for loop in self.watched
        )
        why = self._why_not(parts, ends)
        healthy, one = not why, self._self
        complaints = tuple(self._complaints.lines)
        return Health(
            one.worker, one.host, one.pid, one.version, one.started, healthy, why, parts, complaints, self.number, self.http
        )

    async def twin(self) -> str:
        """The instance of a worker of this kind that has had the same number for longer; empty if there is none.

        Numbers are of interest to the keeper alone: without one, copies of a container may all have the same.
        """
        own, known = self._self, await self.everybody()
        if all(other.worker != KEEPER for other in known):
            return ""
        alike = [other for other in known if (other.worker, other.number) == (own.worker, self.number)]
        return next(
            (other.instance for other in alike if (other.started, other.instance) < (own.started, own.instance)),
            "",
        )

    async def everybody(self) -> list[Health]:
        """How all workers are, this one among them; empty where this one may not ask."""
        return await everybody(self._client)

    def _why_not(self, parts: Sequence[Part], ends: dict[str, int]) -> str:
        if not self._client.is_connected:
            return "no connection to the NATS server"
        if not (self.open or self.watched):
            return "starting"
        for loop, part in zip(self.watched, parts, strict=True):
            if silent := sorted(part.positions.keys() - ends.keys()):
                return f"{silent[0]} does not answer"
            if not loop.caught_up:
                return f"{part.name} recovers, {part.lag} batches to go"
            if part.lag > LAG_MAX:
                return f"{part.name} is {part.lag} batches behind"
        return ""

    async def _ends(self) -> dict[str, int]:
        """Per log, number of its newest batch; without those that do not answer in time."""
        logs = {name: loop.logs[name] for loop in self.watched for name in loop.positions}

        async def end(name: str, log: Log) -> tuple[str, int] | None:
            try:
                async with asyncio.timeout(END_SECONDS_MAX):
                    return name, await log.last()
            except (nats.errors.Error, TimeoutError):
                return None

        return dict(filter(None, await asyncio.gather(*(end(name, log) for name, log in logs.items()))))

    async def _answer(self, message: Msg) -> None:
        if is_inbox(message.reply):
            await self._client.publish(message.reply, encode(await self.report()))


async def everybody(client: Client) -> list[Health]:
    """How everybody is who answers in time, in order of their names. What has died or hangs is missing."""
    found: list[Health] = []
    with contextlib.suppress(TimeoutError, nats.errors.Error):
        answers = await client.subscribe(client.new_inbox())
        try:
            await client.publish(HEALTH, b"", answers.subject)
            async with asyncio.timeout(ANSWERS_SECONDS_MAX):
                while True:
                    answer = await answers.next_msg(QUIET_SECONDS)
                    if answer.data:  # Without data it is the server, saying that nobody is there.
                        found.append(decode_health(answer.data))
        finally:
            await answers.unsubscribe()
    return sorted(found, key=lambda health: ([part.name for part in health.parts] or [health.worker], health.instance))
