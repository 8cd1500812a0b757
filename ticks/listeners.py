"""Subscribers for a measurement, in a process of their own: when the kernel had each message for them, and when they read it.

`python -P -m exchange.ticks.listeners SERVER COUNT SYMBOL…`, with the password on its standard input. It says `ready`, hears
until its input ends, and then writes what it heard to its output (`Heard` in MessagePack).
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from array import array
from collections import defaultdict
from time import time_ns
from typing import Any, Final, cast
from urllib.parse import urlsplit

import msgspec

from exchange.wire import Wire

CHANNELS: Final = (b"trade", b"quote", b"depth", b"book")
TIME: Final = b'"time":'
TIME_DIGITS: Final = 19
READ_BYTES: Final = 1 << 20
SO_TIMESTAMPNS: Final = 35
"""Linux tells with what is read when it arrived. Python has no name for it. Elsewhere it counts when it was read."""


class Heard(msgspec.Struct):
    """All messages of all subscribers. Times are nanoseconds since 1970, 64 bits each."""

    messages: int
    size: int
    """In bytes."""
    channels: dict[str, tuple[bytes, bytes, bytes]]
    """For each message the time of its newest change, when the kernel had it, and when it was read."""


class Listener(Wire):
    """One subscriber, on a socket that it reads itself."""

    def __init__(self, ears: Ears, connection: socket.socket) -> None:
        super().__init__()
        self.on_message = ears.hear
        self._ears = ears
        self._socket = connection

    @classmethod
    async def listen(cls, ears: Ears, server: str, password: str) -> Listener:
        """Connect."""
        loop, address = asyncio.get_running_loop(), urlsplit(server)
        connection = socket.create_connection((address.hostname or "localhost", address.port or 4222))
        if sys.platform == "linux":
            connection.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        connection.setblocking(False)
        listener = cls(ears, connection)
        listener.connection_made(cast(asyncio.Transport, _Writer(connection)))
        loop.add_reader(connection, listener.read)
        await listener.log_in("worker", password)
        return listener

    def read(self) -> None:
        """Take what has arrived."""
        length, extra, _, _ = self._socket.recvmsg_into([self._ears.room], 64)
        if not length:
            sys.exit("the server closed a connection")
        self._ears.arrived = self._ears.read = time_ns()
        if extra:
            seconds, nanoseconds = struct.unpack("qq", extra[0][2])
            self._ears.arrived = seconds * 1_000_000_000 + nanoseconds
        self.data_received(bytes(self._ears.room[:length]))


class Ears:
    """What all subscribers heard."""

    def __init__(self) -> None:
        self.room = memoryview(bytearray(READ_BYTES))
        self.arrived = self.read = 0
        """Of what is being taken apart."""
        self.messages = self.bytes = 0
        self._channels: dict[bytes, tuple[array[int], ...]] = defaultdict(lambda: (array("q"), array("q"), array("q")))

    def hear(self, subject: bytes, payload: bytes) -> None:
        """One message."""
        self.messages += 1
        self.bytes += len(payload)
        channel = subject.split(b".", 3)[2]
        start = payload.rfind(TIME) + len(TIME)
        time = payload[start : start + TIME_DIGITS]
        if channel in CHANNELS and time.isdigit():  # Not before anything has happened.
            for column, value in zip(self._channels[channel], (int(time), self.arrived, self.read), strict=True):
                column.append(value)

    def heard(self) -> Heard:
        """All of it."""
        columns: Any = {
            channel.decode(): tuple(column.tobytes() for column in columns) for channel, columns in self._channels.items()
        }
        return Heard(self.messages, self.bytes, columns)


class _Writer:
    """As much of a transport as a Wire needs: what it writes is short."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def write(self, data: bytes) -> None:
        self._socket.send(data)


async def main(server: str, count: int, symbols: list[str]) -> None:
    """Hear until the input ends."""
    ears, password = Ears(), sys.stdin.buffer.readline().decode().strip()
    for _ in range(count):
        listener = await Listener.listen(ears, server, password)
        for symbol in symbols:
            listener.subscribe(f"market.{symbol}.>")
        await listener.ping()
    print("ready", flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
    await ended.wait()
    sys.stdout.buffer.write(msgspec.msgpack.encode(ears.heard()))


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
