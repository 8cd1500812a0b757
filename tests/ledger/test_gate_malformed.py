"""Hostile and broken requests: each is refused in words, changes nothing, and the next honest order works."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.messages.base import encode
from exchange.messages.requests import CancelAll, Submit
from ledger.desk import DEPOSIT, OPEN_ACCOUNT
from ledger.requests import REQUEST_BYTES_MAX, WAITING_BYTES_MAX, WAITING_MAX
from tests.oracle.ledger_market import SmallMarket

SUBMIT = b'{"type":"submit","client_order_id":"a","symbol":"KRYP","side":"buy","quantity":%b,"price":%b}'
HUGE = b"9" * 30

# payload -> reason, part of the detail
MALFORMED: list[tuple[bytes, str, str]] = [
    (b"", "malformed", "truncated"),
    (b"null", "malformed", "Expected `object | array`, got `null`"),
    (b"7", "malformed", "got `int`"),
    (b'"submit"', "malformed", "got `str`"),
    (b"{}", "malformed", "missing required field `type`"),
    (b'{"type":"submit"}', "malformed", "missing required field `client_order_id`"),
    (b'{"type":"steal"}', "malformed", "Invalid value 'steal'"),
    (b'{"type":"' + b"x" * 9_000 + b'"}', "malformed", "Invalid value 'xxx"),
    (
        b'{"type":"submit","client_order_id":"a","symbol":"KRYP","side":"up","quantity":1}',
        "malformed",
        "Invalid enum value 'up'",
    ),
    (SUBMIT % (b"true", b"100"), "malformed", "Expected `int`, got `bool` - at `$.quantity`"),
    (SUBMIT % (b"1.5", b"100"), "malformed", "Expected `int`, got `float` - at `$.quantity`"),
    (SUBMIT % (b"1e3", b"100"), "malformed", "got `float`"),
    (SUBMIT % (b'"1"', b"100"), "malformed", "got `str`"),
    (SUBMIT % (b"1", b"[]"), "malformed", "got `array`"),
    (SUBMIT % (b"NaN", b"100"), "malformed", "invalid character"),
    (SUBMIT % (b"1e400", b"100"), "malformed", "out of range"),
    (SUBMIT % (b"9" * 5_000, b"100"), "malformed", "out of range"),
    (SUBMIT % (HUGE, b"100"), "quantity_too_large", "9007199254740991 and more"),
    (SUBMIT % (b"9" * 4_000, b"100"), "quantity_too_large", "9007199254740991 and more"),
    (SUBMIT % (b"-" + HUGE, b"100"), "quantity_not_positive", "-9007199254740991 and more"),
    (SUBMIT % (b"1", HUGE + b"00"), "price_too_large", "900719925474.0991 and more"),
    (SUBMIT % (b"1", HUGE), "price_off_tick", "900719925474.0991 and more is not"),
    (SUBMIT % (b"1", b"-" + HUGE), "price_not_positive", "-900719925474.0991 and more"),
    (SUBMIT % (b"1", b"100") + b"x", "malformed", "trailing characters"),
    (b'{"type":"cancel","order_id":"1"}', "malformed", "got `str`"),
    (b'{"type":"cancel","client_order_id":"\xff"}', "malformed", "utf-8"),
    (b'{"type":"cancel","client_order_id":"\\ud800\\u0041"}', "malformed", "surrogate"),
    (b'{"type":"cancel","client_order_id":"\xed\xa0\x80"}', "malformed", "utf-8"),
    (b'{"type":"cancel","client_order_id":"\\u0000"}', "unknown_order", "there is no open order ?"),
    (b'{"type":"cancel","client_order_id":"\xe2\x80\xae<b>"}', "unknown_order", "there is no open order ?<b>"),
    (b'{"type":"cancelall","symbol":"' + b"A" * 9_000 + b'"}', "unknown_symbol", "there is no symbol AAAAAAAAAAAAAAAA"),
    (b'{"type":"cancelall","junk":' + b"[" * 20_000 + b"]" * 20_000 + b"}", "malformed", "recursion"),
    (b"[" * 60_000, "malformed", "Expected `object`, got `array`"),
    (b"[null]", "malformed", "Expected `object`, got `null` - at `$[0]`"),
    (b'[{"type":"cancelall"},{"type":"cancel","order_id":true}]', "malformed", "got `bool` - at `$[1].order_id`"),
    (b'[{"type":"cancelall"},[]]', "malformed", "got `array` - at `$[1]`"),
    (b'{"type":"placeorder","order_id":1,"account":"bob"}', "malformed", "Invalid value 'placeorder'"),
    (encode([CancelAll()] * 101), "too_many_commands", "101 commands in one request; at most 100 are taken"),
    (encode([CancelAll()] * 10_000), "too_many_commands", "at most 100 commands and 65536 bytes are taken"),
    (b" " * (REQUEST_BYTES_MAX + 1), "malformed", "the request has 65537 bytes"),
    (b"{" + b"x" * 2_000_000, "malformed", "the request has 2000001 bytes"),
]


def honest(market: SmallMarket, number: int) -> None:
    answer = market.request("alice", Submit(f"honest-{number}", "KRYP", "buy", 1, price=100))
    assert answer["type"] == "accepted"


@pytest.mark.parametrize(("payload", "reason", "detail"), MALFORMED, ids=[str(row[0][:50]) for row in MALFORMED])
def test_malformed_requests(payload: bytes, reason: str, detail: str) -> None:
    market = SmallMarket()
    market.open("alice", 1_000_000)
    before = market.stage.ledger.next_order_id
    answer = market.request("alice", payload)
    assert answer["type"] == "refused"
    assert answer["reason"] == reason
    assert detail in answer["detail"]
    assert len(answer["detail"]) <= 200
    assert answer["detail"].isprintable()
    assert market.stage.ledger.next_order_id == before
    honest(market, 1)


def test_a_symbol_and_an_id_of_any_length_do_not_fill_the_journal() -> None:
    market = SmallMarket()
    market.open("alice", 1_000_000)
    answer = market.request("alice", Submit('"' * 10_000, "\\" * 10_000, "buy", 2**900, price=-(2**900)))
    assert answer["client_order_id"] == '"' * 36
    assert len(market.journal[-1]) < 1_000


OPERATOR: list[tuple[str, bytes, str]] = [
    (OPEN_ACCOUNT, b"", "malformed"),
    (OPEN_ACCOUNT, b'{"account":7}', "malformed"),
    (OPEN_ACCOUNT, b'{"account":"Alice"}', "account_name"),
    (OPEN_ACCOUNT, b'{"account":"$bank"}', "account_name"),
    (OPEN_ACCOUNT, b'{"account":"new\\n"}', "account_name"),
    (OPEN_ACCOUNT, b'{"account":"new.account"}', "account_name"),
    (OPEN_ACCOUNT, b'{"account":"operator"}', "account_name"),
    (OPEN_ACCOUNT, b'{"account":"new","cash":-1}', "amount_not_positive"),
    (OPEN_ACCOUNT, b'{"account":"new","cash":1.5}', "malformed"),
    (OPEN_ACCOUNT, b'{"account":"new","cash":' + HUGE + b"}", "amount_too_large"),
    (OPEN_ACCOUNT, b'{"account":"new","cash":9007199254740991}', "amount_too_large"),
    (OPEN_ACCOUNT, b'{"account":"new","shares":{"NONE":1}}', "unknown_symbol"),
    (OPEN_ACCOUNT, b'{"account":"new","shares":{"CASH":-1}}', "amount_not_positive"),
    (OPEN_ACCOUNT, b'{"account":"new","shares":{"KRYP":1000000000001}}', "amount_too_large"),
    (DEPOSIT, b"[]", "malformed"),
    (DEPOSIT, b'{"account":"nobody","asset":"CASH","amount":1}', "unknown_account"),
    (DEPOSIT, b'{"account":"$fees","asset":"CASH","amount":1}', "unknown_account"),
    (DEPOSIT, b'{"account":"alice","asset":"NONE","amount":1}', "unknown_symbol"),
    (DEPOSIT, b'{"account":"alice","asset":"CASH","amount":0}', "amount_not_positive"),
    (DEPOSIT, b'{"account":"alice","asset":"CASH","amount":' + HUGE + b"}", "amount_too_large"),
    (DEPOSIT, b'{"account":"alice","asset":"CASH","amount":9007199253740992}', "amount_too_large"),
    (DEPOSIT, b'{"account":"alice","asset":"CASH","amount":-999901}', "insufficient_funds"),
    (DEPOSIT, b'{"account":"alice","asset":"CASH","amount":-' + HUGE + b"}", "insufficient_funds"),
    (DEPOSIT, b'{"account":"alice","asset":"KRYP","amount":-1}', "insufficient_shares"),
    (DEPOSIT, b'{"account":"alice","asset":"CASH","amount":1,"reason":"' + b"x" * 101 + b'"}', "malformed"),
    (DEPOSIT, b'{"account":"alice","asset":"CASH","amount":1,"key":"\\u0007"}', "malformed"),
    ("admin.portfolio", b"{}", "malformed"),
    ("admin.portfolio", b'{"account":"nobody"}', "unknown_account"),
    ("admin.portfolio", b'{"account":"$bank"}', "unknown_account"),
    ("portfolio", b"", "unknown_account"),
    ("reports", b"", "malformed"),
    ("reports", b'{"after":true}', "malformed"),
    ("reports", b'{"after":0}', "unknown_account"),
]


@pytest.mark.parametrize(("verb", "payload", "reason"), OPERATOR, ids=[f"{row[0]} {row[1][:60]!r}" for row in OPERATOR])
def test_malformed_requests_of_the_operator(verb: str, payload: bytes, reason: str) -> None:
    """Alice has 100.00 of which 0.01 is held: 99.99 can be taken out, and 900719925374.0991 put in."""
    market = SmallMarket()
    market.open("alice", 1_000_000)
    market.request("alice", Submit("x", "KRYP", "buy", 1, price=100))
    before = market.stage.ledger.accounts.keys(), market.oracle.balances()
    answer = market.ask(verb, "nobody", payload)
    assert (answer["type"], answer["reason"]) == ("refused", reason)
    assert answer["detail"]
    assert (market.stage.ledger.accounts.keys(), market.oracle.balances()) == before


def test_all_the_cash_there_can_be() -> None:
    market = SmallMarket()
    market.open("alice", 1_000_000)
    assert market.deposit("alice", "CASH", 2**53 - 1 - 1_000_000)["type"] == "done"
    assert market.deposit("alice", "CASH", 1)["reason"] == "amount_too_large"
    assert market.deposit("alice", "CASH", -1)["type"] == "done"
    assert market.request("alice", Submit("x", "KRYP", "buy", 1, price=2**53 - 992))["type"] == "accepted"


def test_what_waits_is_bounded() -> None:
    market = SmallMarket()
    market.open("alice", 1_000_000)
    others = [f"other{number}" for number in range(20)]  # One account alone is bounded more tightly.
    for name in others:
        market.open(name)
    cancel_all = encode(CancelAll())
    inboxes = [market.send("orders", others[number % 20], cancel_all) for number in range(WAITING_MAX)]
    assert not market.answers
    late = market.send("orders", "alice", cancel_all)
    assert market.answers.pop(late)["reason"] == "busy"
    turns = 0
    while market.stage.waiting:
        market.turn()
        turns += 1
    assert turns == 5, "two thousand a turn"
    assert all(market.answers[inbox]["type"] == "accepted" for inbox in inboxes)
    large = b"[" + b" " * (REQUEST_BYTES_MAX - 2) + b"]"
    accepted = 0
    while market.send("orders", "alice", large) not in market.answers:
        accepted += 1
    assert accepted == WAITING_BYTES_MAX // REQUEST_BYTES_MAX
    while market.stage.waiting:
        market.turn()
    honest(market, 2)


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=40))
trees = st.recursive(scalars, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner)))
fields = st.fixed_dictionaries(
    {"type": st.sampled_from(("submit", "cancel", "cancelall", "traded", ""))},
    optional={
        "client_order_id": st.one_of(st.text(max_size=50), scalars),
        "symbol": st.one_of(st.sampled_from(("KRYP", "ADAM")), scalars),
        "side": st.one_of(st.sampled_from(("buy", "sell")), scalars),
        "quantity": st.one_of(st.integers(-(2**70), 2**70), scalars),
        "price": st.one_of(st.integers(-(2**70), 2**70), scalars),
        "kind": st.sampled_from(("limit", "market", "stop")),
        "tif": st.sampled_from(("gtc", "ioc", "fok")),
        "order_id": scalars,
        "extra": trees,
    },
)
junk = st.one_of(st.binary(max_size=300), trees.map(json.dumps).map(str.encode), fields.map(json.dumps).map(str.encode))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(junk, st.lists(fields, max_size=4).map(json.dumps).map(str.encode)), min_size=1, max_size=8))
def test_any_bytes_are_answered(payloads: list[bytes]) -> None:
    market = SmallMarket()
    market.open("alice", 1_000_000, KRYP=10)
    inboxes = [market.send("orders", "alice", payload) for payload in payloads]
    while market.stage.waiting:
        market.turn()
    for inbox in inboxes:
        answer: Any = market.answers[inbox]
        for outcome in answer if isinstance(answer, list) else [answer]:
            assert outcome["type"] == "accepted" or (outcome["reason"] and outcome["detail"])
    honest(market, 3)


def test_damaged_bytes_of_an_honest_order() -> None:
    """Flip, cut and repeat bytes of a good request: either it still is one, or it is refused."""
    random = Random(9)
    market = SmallMarket()
    market.open("alice", 2**50)
    good = encode([Submit("honest", "KRYP", "buy", 1, price=100), CancelAll()])
    for number in range(2_000):
        payload = bytearray(good.replace(b"honest", b"%d" % number))
        for _ in range(random.randint(1, 3)):
            start = random.randrange(len(payload) or 1)
            end = start + random.randint(0, 4)
            payload[start:end] = random.choice((b"", random.randbytes(2), payload[start:end] * 2))
        market.send("orders", "alice", bytes(payload))
    while market.stage.waiting:
        market.turn()
    assert len(market.answers) == 2_000
