"""Connections to the NATS server with limits that fit an exchange: what is frozen is noticed, what is lost is given up."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg

from .subjects import inbox_prefix, is_inbox
from .tls import client_options

logger = logging.getLogger(__name__)

CONNECT_SECONDS_MAX: Final = 5
"""More than the server's own patience with a log-in (2 s)."""
PING_SECONDS: Final = 5
PINGS_OUTSTANDING_MAX: Final = 2
RECONNECT_WAIT_SECONDS: Final = 0.25
PENDING_BYTES_MAX: Final = 16 * 1024 * 1024
"""What may wait to be written; a publisher that outruns the server waits, and fails while disconnected."""


# What a stranger puts into a reply subject or into headers reaches every worker that serves requests, and the server checks
# neither. nats-py 2.16 splits a protocol line at any white space, so that a vertical tab in a reply breaks the connection; and
# what does not decode raises inside its read loop, which then never reads again while it still looks connected.
nats.protocol.parser.MSG_RE = re.compile(rb"\AMSG +([^ ]+) +([^ ]+) +(([^ ]+) +)?(\d+)\r\n")
nats.protocol.parser.HMSG_RE = re.compile(rb"\AHMSG +([^ ]+) +([^ ]+) +(([^ ]+) +)?(\d+) +(\d+)\r\n")


class HardenedClient(Client):
    """A client that drops what it cannot read, and reads on; and whose requests can be cancelled at any moment."""

    async def request(self, *arguments: Any, **options: Any) -> Msg:
        """Of nats-py, which waits with `asyncio.wait_for`: Python 3.11's forgets a cancellation that comes with the answer.

        The task would go on as if nothing had been asked of it, for example a leader that has lost its lease.
        """
        task = asyncio.current_task()
        cancelled_before = task.cancelling() if task else 0
        try:
            return await super().request(*arguments, **options)
        finally:
            if task and task.cancelling() > cancelled_before:
                raise asyncio.CancelledError

    async def flush(self, timeout: int = 10) -> None:
        """Wait until the server has everything. Twice, because nats-py's first PING overtakes what waits to be written."""
        await super().flush(timeout)
        await super().flush(timeout)

    async def _process_headers(self, headers: bytes) -> dict[str, str] | None:
        try:
            processed: dict[str, str] | None = await super()._process_headers(headers)
        except (ValueError, IndexError):
            return None
        return processed

    def _build_message(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: dict[str, str] | None) -> Msg | None:
        try:
            message: Msg = super()._build_message(sid, subject, reply, data, headers)
        except UnicodeDecodeError:
            return None
        if message.subject.startswith("$SRV.") and not is_inbox(message.reply):
            return None  # nats-py's micro services would answer wherever it says: into a log, with a worker's rights.
        return message


def addresses(server: str) -> list[str]:
    """Those of all servers of a cluster, which stand in one text with commas between them."""
    return [address.strip() for address in server.split(",") if address.strip()]


async def connect(
    server: str,
    user: str,
    password: str,
    *,
    name: str,
    on_closed: Callable[[], Awaitable[None]] | None = None,
    on_disconnected: Callable[[], Awaitable[None]] | None = None,
) -> Client:
    """A connection to any of the servers that reconnects for ever.

    `on_closed` tells that it is closed for good, which a server can do.
    """

    async def on_error(error: Exception) -> None:
        logger.warning("nats: %s", error or type(error).__name__)

    client = HardenedClient()
    await client.connect(
        addresses(server),
        user=user,
        password=password,
        name=name,
        inbox_prefix=inbox_prefix(user).encode(),
        connect_timeout=CONNECT_SECONDS_MAX,
        ping_interval=PING_SECONDS,
        max_outstanding_pings=PINGS_OUTSTANDING_MAX,
        reconnect_time_wait=RECONNECT_WAIT_SECONDS,  # type: ignore[arg-type]  # Any number of seconds will do.
        max_reconnect_attempts=-1,
        pending_size=PENDING_BYTES_MAX,
        error_cb=on_error,
        closed_cb=on_closed,
        disconnected_cb=on_disconnected,
        **client_options(server),
    )
    return client
