"""Streams as the market needs them: made when it is new, kept on as many servers as it says, and asked patiently.

In a cluster a stream has no leader for some seconds after its leader's server died, and a stream that has none does not answer.
What only reads, or makes sure of something, may be asked again; an append never is (log.py).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js import JetStreamContext, api

ATTEMPT_SECONDS: Final = 0.5
"""A question that takes longer may have been asked of a stream that has no leader, which never answers: it is asked again …"""
ANSWER_SECONDS_MAX: Final = 5.0
"""… and the earlier ones may still be answered up to this, in case that the server is only slow."""
RETRY_SECONDS: Final = 0.1
PATIENCE_SECONDS: Final = 60.0
"""An election takes 4 to 10 s, a cluster that starts with long logs longer. After that the worker ends with the last error."""
TELL_SECONDS: Final = 5.0
"""After that the worker says that it waits."""
NO_PEERS: Final = 10005
"""JetStream's error code for too few servers: some have not come up yet."""
NOT_LEADER: Final = 10009
"""JetStream's error code for a question that reached a server that has just stopped to lead."""
NO_STREAM: Final = 10059
"""JetStream's error code for a stream that does not exist, or that was just made and is not known everywhere yet."""

Answer = TypeVar("Answer")


class Away(Exception):
    """No server answered. Whoever ends because of it did not fail."""


logger = logging.getLogger(__name__)


def jetstream(client: Client) -> JetStreamContext:
    """For questions that are asked patiently."""
    context: JetStreamContext = client.jetstream(timeout=ANSWER_SECONDS_MAX)
    return context


async def patiently(ask: Callable[[], Awaitable[Answer]], attempt: float = ATTEMPT_SECONDS) -> Answer:
    """Ask, and ask again while nobody can answer. Only for what may be asked twice. Raises the last error.

    A question that is not answered within `attempt` stays open beside the next one: whoever gave it up would have to choose
    between missing the answer of a slow server and noticing late that a stream has a leader again.
    """
    clock = asyncio.get_running_loop().time
    started = clock()
    told = False
    asked: set[asyncio.Future[Answer]] = set()
    try:
        while True:
            asked.add(asyncio.ensure_future(_bounded(ask, max(attempt, ANSWER_SECONDS_MAX))))
            done, asked = await asyncio.wait(asked, timeout=attempt, return_when=asyncio.FIRST_COMPLETED)
            waited = clock() - started
            errors = [error for question in done if (error := question.exception())]
            if len(errors) < len(done):
                return next(question.result() for question in done if not question.exception())
            for error in errors:
                if not is_away(error) or waited > PATIENCE_SECONDS:
                    raise error
            if waited > TELL_SECONDS and not told:
                logger.warning("waiting for the NATS server: %s", errors[0] if errors and str(errors[0]) else "no answer")
                told = True
            if done:
                await asyncio.sleep(RETRY_SECONDS)
    finally:
        for question in asked:
            question.cancel()


async def _bounded(ask: Callable[[], Awaitable[Answer]], seconds: float) -> Answer:
    async with asyncio.timeout(seconds):
        return await ask()


def is_away(error: BaseException) -> bool:
    """Whether an error says that nobody could answer, so that it may be different in a moment."""
    if isinstance(error, nats.js.errors.APIError):
        return isinstance(error, nats.js.errors.ServiceUnavailableError) or error.err_code in (NO_PEERS, NOT_LEADER, NO_STREAM)
    away = (TimeoutError, nats.errors.NoRespondersError, nats.js.errors.NoStreamResponseError)
    return isinstance(error, (*away, nats.errors.ConnectionReconnectingError))


async def ensure_stream(client: Client, config: api.StreamConfig) -> None:
    """Make sure that the stream exists, on at least as many servers as it should."""
    context = jetstream(client)

    async def ensure() -> None:
        try:
            info = await context.stream_info(config.name or "")
        except nats.js.errors.NotFoundError:
            info = await context.add_stream(config)
        await _raise_replicas(context, info, config.num_replicas or 1)

    await patiently(ensure)


async def ensure_replicas(client: Client, name: str, replicas: int) -> None:
    """Spread an existing stream over more servers if it is on fewer. Never over fewer: that is done by hand."""
    context = jetstream(client)

    async def ensure() -> None:
        await _raise_replicas(context, await context.stream_info(name), replicas)

    await patiently(ensure)


async def _raise_replicas(context: JetStreamContext, info: api.StreamInfo, replicas: int) -> None:
    if (info.config.num_replicas or 1) < replicas:
        await context.update_stream(info.config.evolve(num_replicas=replicas, compression=api.StoreCompression.NONE))
