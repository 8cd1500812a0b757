"""Connections to the NATS server with limits that fit an exchange: what is frozen is noticed, what is lost is given up."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Final

import nats
from nats.aio.client import Client

from .subjects import inbox_prefix

logger = logging.getLogger(__name__)

CONNECT_SECONDS_MAX: Final = 5
"""More than the server's own patience with a log-in (2 s)."""
PING_SECONDS: Final = 5
PINGS_OUTSTANDING_MAX: Final = 2
RECONNECT_WAIT_SECONDS: Final = 0.25
PENDING_BYTES_MAX: Final = 16 * 1024 * 1024
"""What may wait to be written; a publisher that outruns the server waits, and fails while disconnected."""


async def connect(
    server: str,
    user: str,
    password: str,
    *,
    name: str,
    on_closed: Callable[[], Awaitable[None]] | None = None,
    on_disconnected: Callable[[], Awaitable[None]] | None = None,
) -> Client:
    """A connection that reconnects for ever. `on_closed` tells that it is closed for good, which a server can do."""

    async def on_error(error: Exception) -> None:
        logger.warning("nats: %s", error or type(error).__name__)

    options: dict[str, Any] = {"tls": ssl.create_default_context()} if server.startswith("tls://") else {}
    return await nats.connect(
        server,
        user=user,
        password=password,
        name=name,
        inbox_prefix=inbox_prefix(user).encode(),
        connect_timeout=CONNECT_SECONDS_MAX,
        ping_interval=PING_SECONDS,
        max_outstanding_pings=PINGS_OUTSTANDING_MAX,
        reconnect_time_wait=RECONNECT_WAIT_SECONDS,
        max_reconnect_attempts=-1,
        pending_size=PENDING_BYTES_MAX,
        error_cb=on_error,
        closed_cb=on_closed,
        disconnected_cb=on_disconnected,
        **options,
    )
