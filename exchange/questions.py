"""Answers questions: a NATS micro service that handles requests side by side and says every refusal in words."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, Final

import msgspec
import nats.micro
from nats.aio.client import Client
from nats.micro.request import Request
from nats.micro.service import EndpointConfig, Service, ServiceConfig
from prometheus_client import Histogram

from .messages.base import encode
from .messages.requests import Refused
from .metrics import QUESTION
from .subjects import API, AUTH, is_inbox

VERSION: Final = "0.1.0"
AT_ONCE_MAX: Final = 256
"""Questions being answered at a time; one more is refused as busy …"""
AT_ONCE_EACH_MAX: Final = 32
"""… and the same of one account or log-in, so that nobody takes all the places."""

Handler = Callable[[str, bytes], Awaitable[Any]]
"""(subject, payload) → a message, a list of messages, or bytes that are one already."""

logger = logging.getLogger(__name__)


class Questions:
    """The questions one worker answers. Every worker of the same kind may: the server picks one of the queue group."""

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self._name = name
        self._service: Service | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._askers: Counter[str] = Counter()
        """How many questions of each are being answered."""

    async def answer(self, subject: str, handler: Handler) -> None:
        """Answer requests on a subject (which may contain `*`). What `handler` raises becomes a refusal."""
        if self._service is None:
            self._service = await nats.micro.add_service(self._client, ServiceConfig(name=self._name, version=VERSION))

        endpoint = subject.replace(".", "-").replace("*", "any").replace("_", "-")
        took = QUESTION.labels(endpoint)

        async def accept(request: Request) -> None:
            if not is_inbox(request._msg.reply):
                return  # Nobody waits for the answer, or it is a trick.
            asker = _asker(request.subject)
            if len(self._tasks) >= AT_ONCE_MAX or (asker and self._askers[asker] >= AT_ONCE_EACH_MAX):
                await request.respond(encode(Refused("busy", "too many questions at once; ask again in a moment")))
                return

            def done(task: asyncio.Task[None]) -> None:
                self._tasks.discard(task)
                self._askers[asker] -= 1
                if not self._askers[asker]:
                    del self._askers[asker]

            self._askers[asker] += 1
            task = asyncio.create_task(self._respond(request, handler, took))
            self._tasks.add(task)
            task.add_done_callback(done)

        await self._service.add_endpoint(EndpointConfig(name=endpoint, subject=subject, handler=accept, queue_group=self._name))
        await self._client.flush()  # Whoever is told that this worker is ready may ask at once.

    async def stop(self) -> None:
        """Answer no more."""
        if self._service is not None:
            await self._service.stop()
            self._service = None

    async def _respond(self, request: Request, handler: Handler, took: Histogram) -> None:
        started = perf_counter()
        try:
            answer = await handler(request.subject, request.data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:  # All that a stranger's bytes can cause.
            answer = Refused("malformed", str(error))
        except Exception:
            logger.exception("%s could not be answered", request.subject)
            answer = Refused("internal", "this could not be answered; the operator's log says why")
        took.observe(perf_counter() - started)
        if not self._client.is_closed:
            await request.respond(answer if isinstance(answer, bytes) else encode(answer))


def _asker(subject: str) -> str:
    """Whose question it is, where the subject says so; empty where anybody may ask, or the operator does."""
    kind, _, rest = subject.partition(".")
    return rest.partition(".")[0] if kind in (API, AUTH) else ""
