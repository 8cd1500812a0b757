"""What a stranger can put on the wire must not stop a worker from reading."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit

import pytest
from nats.aio.msg import Msg

from exchange.connection import connect
from exchange.questions import Questions
from tests.conftest import settle


def with_reply(reply: bytes) -> bytes:
    return b"PUB orders.alice " + reply + b" 1\r\nx\r\n"


def with_headers(headers: bytes) -> bytes:
    return b"HPUB orders.alice _INBOX_a.b %d %d\r\n%bx\r\n" % (len(headers), len(headers) + 1, headers)


PACKETS = {
    "plain": with_reply(b"_INBOX_a"),
    "reply not UTF-8": with_reply(b"_INBOX_\xff"),
    "reply with a vertical tab": with_reply(b"_INBOX_\x0by"),
    "reply that is a vertical tab": with_reply(b"\x0b"),
    "reply with a form feed": with_reply(b"_INBOX_\x0cy"),
    "reply with a zero byte": with_reply(b"_INBOX_\x00y"),
    "reply with a next-line": with_reply(b"_INBOX_\x85y"),
    "long reply": with_reply(b"_INBOX_" + b"a" * 900),
    "headers of one byte": with_headers(b"x"),
    "headers without an end": with_headers(b"NATS/1.0"),
    "status of nothing": with_headers(b"NATS/1.0 "),
    "status not UTF-8": with_headers(b"NATS/1.0 \xff\xff\xff\r\n\r\n"),
    "status 503": with_headers(b"NATS/1.0 503\r\n\r\n"),
    "status that is a digit elsewhere": with_headers(b"NATS/1.0 \xc2\xb2\r\n\r\n"),
    "description not UTF-8": with_headers(b"NATS/1.0 200 \xff\xff\r\n\r\n"),
    "header value not UTF-8": with_headers(b"NATS/1.0\r\nA: \xff\r\n\r\n"),
    "header name not UTF-8": with_headers(b"NATS/1.0\r\n\xff: a\r\n\r\n"),
    "header without a colon": with_headers(b"NATS/1.0\r\nnocolon\r\n\r\n"),
    "no header": with_headers(b"NATS/1.0\r\n\r\n"),
    "thirty thousand headers": with_headers(b"NATS/1.0\r\n" + b"a:b\r\n" * 30_000 + b"\r\n"),
}


@pytest.mark.parametrize("packet", PACKETS.values(), ids=PACKETS.keys())
async def test_a_worker_reads_on_after(packet: bytes, nats_server) -> None:
    disconnected = asyncio.Event()

    async def on_disconnected() -> None:
        disconnected.set()

    after = asyncio.Event()

    async def receive(message: Msg) -> None:
        if message.data == b"after":
            after.set()

    worker = await connect(
        nats_server.url, "worker", nats_server.secrets.worker, name="worker", on_disconnected=on_disconnected
    )
    await worker.subscribe("orders.*", cb=receive)
    await worker.flush()
    await worker.flush()
    address = urlsplit(nats_server.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    await reader.readline()
    login = {"user": "worker", "pass": nats_server.secrets.worker, "verbose": False, "headers": True}
    writer.write(b"CONNECT " + json.dumps(login).encode() + b"\r\n" + packet + b"PUB orders.alice 5\r\nafter\r\nPING\r\n")
    await writer.drain()
    assert (await reader.readline()).startswith(b"PONG"), "the server itself refused the packet"
    await asyncio.wait_for(after.wait(), 30)
    assert not disconnected.is_set()
    writer.close()
    await worker.close()


@pytest.mark.parametrize("verb", ["PING", "INFO", "STATS", "PING.asked"])
async def test_how_a_service_is_goes_to_an_inbox_or_nowhere(nats_server, verb: str) -> None:
    """Auditors may ask; what a worker answered into a log would be the end of it."""
    worker = await connect(nats_server.url, "worker", nats_server.secrets.worker, name="asked")
    questions = Questions(worker, "asked")

    async def answer(subject: str, payload: bytes) -> list[str]:
        return []

    await questions.answer("public.nothing", answer)
    auditor, everything = await nats_server.connect(), await nats_server.connect()
    journal = await everything.subscribe("journal")
    await everything.flush()
    await auditor.publish(f"$SRV.{verb}", b"", reply="journal")
    assert b"asked" in (await auditor.request(f"$SRV.{verb}", timeout=30)).data, "asked later, answered as usual"
    await settle(everything)
    assert journal.pending_msgs == 0
    await questions.stop()
    await worker.close()
