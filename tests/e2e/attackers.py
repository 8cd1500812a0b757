"""Greedy clients: each attack is a process of its own that goes on, reconnecting whenever it is thrown out, until it is ended.

Run as `python -m tests.e2e.attackers ATTACK SERVER LOGIN NICE`, the API key in EXCHANGE_KEY.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from exchange.permissions import guest_name
from exchange.subjects import inbox_prefix

ORDER = b'{"type":"submit","client_order_id":"%d","symbol":"KRYP","side":"buy","quantity":1,"price":100}'


def address_of(attack: str) -> str:
    """Where it comes from. The address that everybody behind a proxy shares, 127.0.0.1, would say nothing about who it is."""
    return f"127.0.1.{1 + sum(attack.encode()) % 250}"


class Raw:
    """A connection that says what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, user: str) -> None:
        self.reader, self.writer, self.user = reader, writer, user
        self.inbox = inbox_prefix(user)

    @classmethod
    async def open(cls, server: str, user: str, secret: str) -> Raw:
        """Raises OSError when it is not let in."""
        address = urlsplit(server)
        reader, writer = await asyncio.open_connection(address.hostname, address.port, local_addr=(address_of(sys.argv[1]), 0))
        options = {"user": user, "pass": secret, "verbose": False, "lang": "test", "version": "0"}
        writer.write(b"CONNECT " + json.dumps(options).encode() + b"\r\nPING\r\n")
        try:
            async with asyncio.timeout(10):
                await reader.readuntil(b"PONG\r\n")
        except (asyncio.IncompleteReadError, TimeoutError):
            writer.transport.abort()
            raise ConnectionRefusedError from None
        return cls(reader, writer, user)

    def publish(self, subject: str, payload: bytes, reply: str = "") -> bytes:
        """The bytes that do it."""
        return b"PUB %b %b %d\r\n%b\r\n" % (subject.encode(), reply.encode(), len(payload), payload)

    async def flood(self, content: bytes, *, read: bool = True) -> None:
        """Send it again and again, as fast as the server takes it."""
        reading = asyncio.create_task(self._read()) if read else None
        try:
            while True:
                self.writer.write(content)
                await self.writer.drain()
        finally:
            if reading is not None:
                reading.cancel()

    async def _read(self) -> None:
        while await self.reader.read(1 << 20):
            pass


async def orders(raw: Raw) -> None:
    """Small orders, each with an id of its own."""
    subject, reply = f"orders.{raw.user}", f"{raw.inbox}.x"
    for start in range(0, 10**9, 1000):
        raw.writer.write(b"".join(raw.publish(subject, ORDER % (start + number), reply) for number in range(1000)))
        await raw.writer.drain()


async def portfolios(raw: Raw) -> None:
    """The dearest question that a trader may ask the ledger."""
    raw.writer.write(f"SUB {raw.inbox}.> 1\r\n".encode())
    await raw.flood(raw.publish(f"api.{raw.user}.portfolio", b"", f"{raw.inbox}.x") * 500)


async def history(raw: Raw) -> None:
    """And the historian."""
    await raw.flood(raw.publish(f"api.{raw.user}.history", b'{"limit":1000}', f"{raw.inbox}.x") * 500)


async def candles(raw: Raw) -> None:
    """The dearest public one."""
    question = b'{"symbol":"KRYP","interval":"1s","limit":1000}'
    await raw.flood(raw.publish("public.candles", question, f"{raw.inbox}.x") * 500)


async def unread(raw: Raw) -> None:
    """Asks, and never reads an answer, nor the market data that it wanted."""
    raw.writer.write(f"SUB {raw.inbox}.> 1\r\n".encode() + b"".join(b"SUB market.> %d\r\n" % n for n in range(2, 200)))
    await raw.flood(
        raw.publish("public.candles", b'{"symbol":"KRYP","interval":"1s","limit":1000}', f"{raw.inbox}.x"), read=False
    )


async def forbidden(raw: Raw) -> None:
    """What it may not."""
    content = raw.publish("journal", b"{}") + raw.publish("orders.trader", b"{}") + raw.publish("$JS.API.INFO", b"")
    await raw.flood(content * 300)


async def wildcards(raw: Raw) -> None:
    """Subscriptions with wildcards, refused and allowed, more than there may be."""
    content = b"".join(b"SUB market.*.%d.> %d\r\nSUB > %d\r\n" % (n, 2 * n, 2 * n + 1) for n in range(2_000))
    await raw.flood(content)


async def giants(raw: Raw) -> None:
    """Requests as large as the server takes, deep JSON among them."""
    subject, reply = f"orders.{raw.user}", f"{raw.inbox}.x"
    payloads = (b"[" * 60_000, b'{"a":' * 10_000, b"x" * 1_000_000, b'[{"type":"cancelall"},' * 2_900)
    await raw.flood(b"".join(raw.publish(subject, payload, reply) for payload in payloads))


async def passwords(raw: Raw) -> None:
    """Guesses at somebody's password, all at once."""
    guess = json.dumps({"login": "trader", "password": "a guess at it"}).encode()
    await raw.flood(raw.publish(f"auth.{raw.user}.log_in", guess, f"{raw.inbox}.x") * 100)


async def malformed(raw: Raw) -> None:
    """No protocol at all: the server ends the connection each time."""
    await raw.flood(b"PUB \xff\xfe 12x\r\n\x00\r\nHPUB a 9 3\r\n")


GUESTS = (candles, unread, forbidden, wildcards, passwords, malformed)
TRADERS = (orders, portfolios, history, giants)
CONNECTIONS = 2_000


async def attack(one: Callable[[Raw], Awaitable[None]], server: str, login: str, key: str) -> None:
    """Again and again."""
    while True:
        user, secret = (guest_name(), "") if one in GUESTS else (login, key)
        try:
            raw = await Raw.open(server, user, secret)
            await one(raw)
        except OSError:
            await asyncio.sleep(0.05)


async def connections(server: str) -> None:
    """Thousands of guests, who listen to everything and read nothing."""
    held: list[Raw] = []
    while True:
        try:
            held.append(await Raw.open(server, guest_name(), ""))
            held[-1].writer.write(b"SUB market.> 1\r\n")
        except OSError:
            await asyncio.sleep(0.05)
        if len(held) > CONNECTIONS:
            held.pop(0).writer.transport.abort()


ATTACKS = {one.__name__: one for one in (*GUESTS, *TRADERS)}

if __name__ == "__main__":
    name, server, login, nice = sys.argv[1:]
    os.nice(int(nice))
    if name == "connections":
        asyncio.run(connections(server))
    else:
        asyncio.run(attack(ATTACKS[name], server, login, os.environ["EXCHANGE_KEY"]))
