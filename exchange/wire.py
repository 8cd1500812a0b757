"""The least of a NATS client: publishes and receives at a few microseconds a message, for whoever generates load.

Everything else uses nats-py, which reconnects, checks and reports; this does nothing of the kind.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

from .connection import addresses
from .subjects import inbox_prefix


class WireError(Exception):
    """The server refused something or closed the connection; the text is the server's."""


class Wire(asyncio.Protocol):
    """One connection. Received messages go to `on_message(subject, payload)`, and after each read `on_read` is called."""

    def __init__(self) -> None:
        self.on_message: Callable[[bytes, bytes], None] = lambda subject, payload: None
        self.on_read: Callable[[], None] = lambda: None
        self.inbox_prefix = "_INBOX"
        """Of the inboxes on which this connection's user may listen."""
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None
        self._subscriptions = 0
        self._rest = b""
        self._output: list[bytes] = []
        self._problem = "the server closed the connection"

    @classmethod
    async def open(cls, server: str, user: str, password: str) -> Wire:
        """Connect to nats://host:port, of several the first. Raises OSError, or WireError when the log-in is refused."""
        address = urlsplit(addresses(server)[0])
        _, wire = await asyncio.get_running_loop().create_connection(cls, address.hostname or "localhost", address.port or 4222)
        await wire.log_in(user, password)
        return wire

    async def log_in(self, user: str, password: str) -> None:
        """Say who this is. Raises WireError when the log-in is refused."""
        self.inbox_prefix = inbox_prefix(user)
        options = {"user": user, "pass": password, "verbose": False, "pedantic": False, "lang": "python", "version": "0"}
        self._output.append(b"CONNECT " + json.dumps(options).encode() + b"\r\n")
        await self.ping()

    def subscribe(self, subject: str) -> None:
        """Receive a subject from now on."""
        self._subscriptions += 1
        self._output.append(b"SUB %b %d\r\n" % (subject.encode(), self._subscriptions))

    def publish(self, subject: bytes, reply: bytes, payload: bytes) -> None:
        """Queue a message; `flush` sends it."""
        self._output.append(b"PUB %b %b %d\r\n%b\r\n" % (subject, reply, len(payload), payload))

    def flush(self) -> None:
        """Write what was queued."""
        if self._output and self._transport is not None:
            self._transport.write(b"".join(self._output))
            self._output.clear()

    async def ping(self) -> None:
        """Wait until the server has processed all that was sent. Raises WireError."""
        self._ready = asyncio.get_running_loop().create_future()
        self._output.append(b"PING\r\n")
        self.flush()
        await asyncio.wait({self._ready, self.closed}, return_when=asyncio.FIRST_COMPLETED)
        if not self._ready.done():
            raise WireError(self._problem)

    def close(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Of asyncio.Protocol."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no instance of asyncio's class.

    def connection_lost(self, exc: Exception | None) -> None:
        """Of asyncio.Protocol."""
        if not self.closed.done():
            self.closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Of asyncio.Protocol: take the stream apart into messages and the server's own lines."""
        data = self._rest + data if self._rest else data
        position = 0
        while (end := data.find(b"\r\n", position)) >= 0:
            if data.startswith(b"MSG ", position):
                fields = data[position + 4 : end].split(b" ")
                start = end + 2
                end = start + int(fields[-1])
                if len(data) < end + 2:
                    break
                self.on_message(fields[0], data[start:end])
            else:
                self._control(data[position:end])
            position = end + 2
        self._rest = data[position:]
        self.on_read()
        self.flush()

    def _control(self, line: bytes) -> None:
        if line == b"PING":
            self._output.append(b"PONG\r\n")
        elif line == b"PONG":
            if not self._ready.done():
                self._ready.set_result(None)
        elif line.startswith(b"-ERR"):
            self._problem = line[4:].strip(b" '").decode()
