"""Whatever somebody sends: an answer in words, or the end of their own connection, and nobody else notices."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from exchange import subjects
from exchange.client import Client, new_client_order_id
from exchange.connection import connect
from exchange.messages.administration import Credentials, Done
from exchange.messages.logins import NewKey, Secret
from exchange.messages.requests import Accepted, Submit
from exchange.secrets import load_secrets
from tests.e2e.market_process import RunningMarket
from tests.e2e.served import served
from tests.e2e.verdict import read_log
from tests.ledger.test_permissions import rows
from tests.oracle.reckoning import check_chain

ANSWER_SECONDS_MAX = 60.0
PASSWORD = "mallory's password"
NUMBERS = itertools.count()
ORDER: dict[str, Any] = {"type": "submit", "client_order_id": "x", "symbol": "KRYP", "side": "buy", "quantity": 1, "price": 100}

GARBAGE = {
    "nothing": b"",
    "half": b'{"type":"submit","client_order_id":"x"',
    "null": b"null",
    "a string": b'"submit"',
    "a number": b"12",
    "a huge float": b"1e999",
    "not a number": b'{"type":"submit","quantity":NaN}',
    "an empty object": b"{}",
    "an unknown type": b'{"type":"rob"}',
    "a type that is none": b'{"type":["submit"]}',
    "lists in lists": b'[[{"type":"cancelall"}]]',
    "deep lists": b"[" * 60_000,
    "deep lists, closed": b"[" * 30_000 + b"]" * 30_000,
    "deep objects": b'{"type":' * 7_000,
    "deep objects in an unknown field": b'{"type":"cancelall","more":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}",
    "not UTF-8": b"\xff\xfe\x00\x80",
    "not UTF-8 in a string": b'{"type":"submit","client_order_id":"\xc3\x28","symbol":"KRYP","side":"buy","quantity":1}',
    "half of a surrogate pair": b'{"type":"cancel","client_order_id":"\\ud800"}',
    "zero bytes": b"\x00" * 1_000,
    "trailing": b'{"type":"cancelall"} {"type":"cancelall"}',
    "another market's XML": b"<order><buy/></order>",
    "large": b'{"type":"cancel","client_order_id":"' + b"x" * 900_000 + b'"}',
    "ten thousand commands": json.dumps([ORDER] * 10_000, separators=(",", ":")).encode(),
}

# What it is → (changes to an order, the word of the refusal).
ORDERS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown symbol": ({"symbol": "NOPE"}, "unknown_symbol"),
    "symbol in lower case": ({"symbol": "kryp"}, "unknown_symbol"),
    "cash is no symbol": ({"symbol": "CASH"}, "unknown_symbol"),
    "negative quantity": ({"quantity": -5}, "quantity_not_positive"),
    "no quantity": ({"quantity": 0}, "quantity_not_positive"),
    "huge quantity": ({"quantity": 10**30}, "quantity_too_large"),
    "hugely negative quantity": ({"quantity": -(10**30)}, "quantity_not_positive"),
    "quantity with a fraction": ({"quantity": 1.5}, "malformed"),
    "quantity in words": ({"quantity": "many"}, "malformed"),
    "no price": ({"price": None}, "price_missing"),
    "price off tick": ({"price": 205_001}, "price_off_tick"),
    "price of nothing": ({"price": 0}, "price_not_positive"),
    "negative price": ({"price": -100}, "price_not_positive"),
    "huge price": ({"price": 10**40}, "price_too_large"),
    "price with a fraction": ({"price": 20.55}, "malformed"),
    "unknown side": ({"side": "steal"}, "malformed"),
    "unknown kind": ({"kind": "gift"}, "malformed"),
    "unknown time in force": ({"tif": "forever"}, "malformed"),
    "empty id": ({"client_order_id": ""}, "client_order_id"),
    "long id": ({"client_order_id": "x" * 37}, "client_order_id"),
    "id that cannot be printed": ({"client_order_id": "a\nb\x00"}, "client_order_id"),
    "id that is a number": ({"client_order_id": 5}, "malformed"),
    "more than it has": ({"quantity": 900_000, "price": 205_000}, "insufficient_funds"),
    "shares it does not have": ({"side": "sell", "quantity": 900_000, "price": 205_000}, "insufficient_shares"),
}


@pytest.fixture
async def mallory(market: RunningMarket) -> AsyncIterator[Client]:
    """A trader with bad manners, and another who must not notice."""
    workers = market.runtime["workers"]
    account = f"mallory{next(NUMBERS)}"
    async with await market.connect("operator") as operator:
        for name in (account, f"{account}-neighbour"):
            answer = await operator.request("admin.create_account", Credentials(name, PASSWORD), Done)
            assert isinstance(answer, Done), answer
    client = await market.connect(account, PASSWORD)
    neighbour = await market.connect(f"{account}-neighbour", PASSWORD)
    connection = await neighbour.connection()
    yield client
    for trader in (client, neighbour):
        order = Submit(new_client_order_id(), "KRYP", "buy", 1, price=100)
        assert isinstance(await trader.send(order), Accepted)
    assert await neighbour.connection() is connection, "the neighbour's connection has lived through it all"
    assert market.runtime["workers"] == workers, "no worker has died"
    assert "a defect" not in market.output
    await client.close()
    await neighbour.close()


async def answer(client: Client, subject: str, payload: bytes) -> Any:
    connection = await client.connection()
    return json.loads((await connection.request(subject, payload, timeout=ANSWER_SECONDS_MAX)).data)


@pytest.mark.parametrize("payload", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_is_answered_in_words(mallory: Client, payload: bytes) -> None:
    account = mallory.account
    said = await answer(mallory, subjects.orders(account), payload)
    assert said["type"] == "refused"
    assert len(said["detail"]) > 10
    assert said["detail"].isprintable()
    asked = [subjects.api(account, question) for question in ("portfolio", "reports", "fills", "history")]
    asked += [subjects.auth(account, question) for question in ("password", "key", "revoke", "renew", "add_member")]
    asked += [subjects.public(question) for question in ("candles", "trades", "depth", "symbols", "market")]
    answers = await asyncio.gather(*(answer(mallory, subject, payload) for subject in asked))
    for subject, said in zip(asked, answers, strict=True):
        if isinstance(said, dict) and said.get("type") == "refused":
            assert said["detail"], subject
            assert said["reason"] != "internal", (subject, said)


@pytest.mark.parametrize(("changes", "reason"), ORDERS.values(), ids=ORDERS)
async def test_a_bad_order_is_refused_in_words(mallory: Client, changes: dict[str, Any], reason: str) -> None:
    order = ORDER | {"client_order_id": new_client_order_id()} | changes
    said = await answer(mallory, subjects.orders(mallory.account), json.dumps(order).encode())
    assert (said["type"], said["reason"]) == ("refused", reason), said
    assert " " in said["detail"]


async def test_one_bad_order_in_a_list_spoils_none_of_the_others(mallory: Client) -> None:
    orders = [ORDER | {"client_order_id": new_client_order_id()} | change for change in ({}, {"quantity": -1}, {})]
    said = await answer(mallory, subjects.orders(mallory.account), json.dumps(orders).encode())
    assert [outcome["type"] for outcome in said] == ["accepted", "refused", "accepted"]


@pytest.mark.parametrize("question", ["fills", "history"])
async def test_questions_with_odd_numbers(mallory: Client, question: str) -> None:
    for limit, before in itertools.product((0, -1, 10**30, 1), (0, -1, 10**30)):
        payload = json.dumps({"limit": limit, "before": before, "symbol": "' OR 1=1; --"}).encode()
        said = await answer(mallory, subjects.api(mallory.account, question), payload)
        assert said == [] or said["type"] == "refused"
    for public in ("candles", "trades", "depth"):
        for limit, before in itertools.product((0, -1, 10**30, 1), (0, -1, 10**30)):
            payload = json.dumps({"symbol": "KRYP", "limit": limit, "before": before}).encode()
            said = await answer(mallory, subjects.public(public), payload)
            assert said.get("reason") != "internal" if isinstance(said, dict) else len(said) <= 1_000


async def test_two_megabytes_end_that_connection_alone(market: RunningMarket, mallory: Client) -> None:
    address = urlsplit(market.runtime["server"])
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    key = await mallory.request(subjects.auth(mallory.account, "key"), NewKey("raw"), Secret)
    assert isinstance(key, Secret)
    login = {"user": mallory.account, "pass": key.secret, "verbose": False, "lang": "python", "version": "0"}
    writer.write(b"CONNECT " + json.dumps(login).encode() + b"\r\nPING\r\n")
    await reader.readuntil(b"PONG\r\n")
    writer.write(b"PUB orders.%b 2000000\r\n%b\r\n" % (mallory.account.encode(), b"x" * 2_000_000))
    async with asyncio.timeout(ANSWER_SECONDS_MAX):
        try:
            said = await reader.read()
        except ConnectionError:
            said = b"Maximum Payload Violation"  # The end came before the reason could be read.
    assert b"Maximum Payload Violation" in said
    writer.close()


async def test_answers_go_to_nobody_but_inboxes(market: RunningMarket, mallory: Client) -> None:
    """A request names where its answer goes, and a worker may publish everywhere: it must not be talked into it."""
    connection = await mallory.connection()
    account = mallory.account
    questions = [
        *((subjects.api(account, question), b"{}") for question in ("portfolio", "reports", "fills", "history")),
        *(
            (subjects.public(question), b'{"symbol":"KRYP"}')
            for question in ("candles", "trades", "depth", "symbols", "market")
        ),
        (subjects.orders(account), b"{}"),
        (subjects.orders(account), b'{"type":"cancelall"}'),
    ]
    targets = (
        "journal",
        "events.1",
        f"orders.{account}",
        "reports.maker-kryp",
        "market.KRYP.trade",
        "$JS.API.STREAM.PURGE.JOURNAL",
    )
    for target, (subject, payload) in itertools.product(targets, questions):
        await connection.publish(subject, payload, reply=target)
    await connection.flush()
    assert (await answer(mallory, subjects.orders(account), b'{"type":"cancelall"}'))["type"] == "accepted"
    worker = await connect(market.runtime["server"], "worker", load_secrets(market.data).worker, name="hostile input")
    for log in ("JOURNAL", "EVENTS_1"):
        check_chain(log, await read_log(worker, log))
    await worker.close()


async def test_every_subject_that_a_market_answers_is_tried_by_the_test_of_permissions(market: RunningMarket) -> None:
    """In both directions, for every role, by hand: whoever adds one says who may use it."""
    tried = {subject for verb, subject, _ in rows("trader") if verb == "publish"}
    assert {subject for subject in await served(market) if subject.replace("*", "alice", 1) not in tried} == set()


async def test_a_flood_of_garbage_delays_nobody_for_long(mallory: Client) -> None:
    connection = await mallory.connection()
    for number in range(900):  # More would be refused unread, as any account's commands are that come too fast.
        await connection.publish(subjects.orders(mallory.account), b"[" * (number * 20))
    await connection.flush()
    async with asyncio.timeout(ANSWER_SECONDS_MAX):
        order = Submit(new_client_order_id(), "PUPS", "buy", 1, price=100)
        assert isinstance(await mallory.send(order), Accepted)
