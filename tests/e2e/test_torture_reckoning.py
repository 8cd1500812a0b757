"""The reckoning finds what it is there to find: one that accepts everything would prove nothing."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import pytest

from tests.e2e.verdict import check_acknowledged, is_at_rest
from tests.oracle.reckoning import Reckoning

Batches = list[dict[str, Any]]


def order(order_id: int, account: str, side: str, quantity: int) -> dict[str, Any]:
    return {
        "type": "placeorder",
        "order_id": order_id,
        "account": account,
        "client_order_id": f"{account}-{order_id}",
        "symbol": "KRYP",
        "side": side,
        "quantity": quantity,
        "price": 200_000,
        "hold": 1,
    }


def transfer(asset: str, amount: int, source: str, target: str) -> dict[str, Any]:
    return {"type": "transfer", "asset": asset, "amount": amount, "source": source, "target": target}


DEFINE = {
    "type": "definesymbol", "symbol": "KRYP", "name": "Kryptonite", "shard": 1, "tick": 100, "lot": 1,
    "opening_price": 200_000, "fees": {"maker": 0, "taker": 10},
}  # fmt: skip
OPENING = [
    {"type": "openaccount", "account": "alice"},
    {"type": "openaccount", "account": "bob"},
    transfer("CASH", 10_000_000, "$bank", "alice"),
    transfer("KRYP", 100, "$issuer", "bob"),
]
JOURNAL: Batches = [
    {"time": 1, "events_through": {}, "groups": [{"shard": 1, "commands": [DEFINE]}, {"shard": 0, "commands": OPENING}]},
    {
        "time": 2,
        "events_through": {},
        "groups": [{"shard": 1, "commands": [order(1, "bob", "sell", 30), order(2, "alice", "buy", 20)]}],
    },
    {"time": 3, "events_through": {"1": 1}},
]
TRADE = {
    "type": "traded", "symbol": "KRYP", "trade_id": 1, "maker_order_id": 1, "taker_order_id": 2,
    "price": 200_000, "quantity": 20, "side": "buy",
}  # fmt: skip
RESTED = {"type": "rested", "order_id": 1, "symbol": "KRYP", "side": "sell", "price": 200_000, "quantity": 30}
EVENTS: Batches = [{"journal_through": 2, "moments": [{"journal": 2, "time": 2, "events": [RESTED, TRADE]}]}]
TOLD = {"alice": {"alice-2": 2, "alice-refused": 0}, "bob": {"bob-1": 1}}


def log(batches: Batches) -> list[bytes]:
    payloads: list[bytes] = []
    for number, batch in enumerate(batches, start=1):
        previous = blake2b(payloads[-1], digest_size=16).hexdigest() if payloads else ""
        payloads.append(json.dumps({"number": number, "previous": previous} | batch).encode())
    return payloads


def reckon(change: Callable[[Batches, Batches], object] = lambda journal, events: None) -> Reckoning:
    journal, events = copy.deepcopy(JOURNAL), copy.deepcopy(EVENTS)
    change(journal, events)
    return Reckoning(log(journal), {1: log(events)})


def test_an_honest_market() -> None:
    reckoning = reckon()
    reckoning.check_conservation()
    assert check_acknowledged(reckoning, TOLD).startswith("2 acknowledged orders are there once each, 1 refused ones are not")
    assert reckoning.balances("alice") == {"CASH": 10_000_000 - 20 * 200_000 - 4_000, "KRYP": 20}
    assert reckoning.balances("$fees") == {"CASH": 4_000}
    assert reckoning.open_orders("bob") == {1: 10}
    assert [fill["fee"] for account in ("alice", "bob") for fill in reckoning.fills[account]] == [4_000, 0]


CHANGES: dict[str, Callable[[Batches, Batches], object]] = {
    "a trade is missing": lambda journal, events: events[0]["moments"][0]["events"].pop(),
    "a trade is there twice": lambda journal, events: events[0]["moments"][0]["events"].append(TRADE),
    "a trade at another price": lambda journal, events: events[0]["moments"][0]["events"][1].update(price=199_900),
    "an order is there twice": lambda journal, events: journal[1]["groups"].append(journal[1]["groups"][0]),
    "an order disappeared": lambda journal, events: journal[1]["groups"][0]["commands"].pop(),
    "the ledger forgot the events": lambda journal, events: journal[2].update(events_through={}),
    "an account was opened twice": lambda journal, events: journal[0]["groups"][1]["commands"].append(OPENING[0]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_wrong_in_the_logs_is_found(change: Callable[[Batches, Batches], object]) -> None:
    with pytest.raises((AssertionError, KeyError)):
        reckon(change)


def test_a_batch_that_was_altered_or_is_missing_is_found() -> None:
    journal, events = log(JOURNAL), {1: log(EVENTS)}
    with pytest.raises(AssertionError, match="does not continue"):
        Reckoning([journal[0].replace(b"10000000", b"90000000"), *journal[1:]], events)
    with pytest.raises(AssertionError, match="batch 3 at sequence 2"):
        Reckoning([journal[0], journal[2]], events)


@pytest.mark.parametrize(
    "told",
    [
        {"alice": {}, "bob": {"bob-1": 1}},
        {"alice": {"alice-2": 2, "alice-3": 3}},
        {"alice": {"alice-2": 5}},
        {"alice": {"alice-2": 0}},
    ],
    ids=["placed and never told", "told and never placed", "another order was told", "refused and yet placed"],
)
def test_what_traders_were_told_must_be_so(told: dict[str, dict[str, int]]) -> None:
    with pytest.raises(AssertionError, match="acknowledged and placed orders differ"):
        check_acknowledged(reckon(), told)


def test_an_order_placed_under_the_same_client_order_id_twice_is_found() -> None:
    def twice(journal: Batches, events: Batches) -> None:
        journal[1]["groups"][0]["commands"].append(order(3, "alice", "buy", 10) | {"client_order_id": "alice-2"})
        trade = TRADE | {"trade_id": 2, "taker_order_id": 3, "quantity": 10}
        events[0]["moments"][0]["events"].append(trade)

    with pytest.raises(AssertionError, match="placed more than once"):
        check_acknowledged(reckon(twice), TOLD)


def test_a_market_is_at_rest_only_as_far_as_its_engines_have_looked() -> None:
    """The journal goes on after a restart, its time a minute later; what ends in that minute has not been told yet."""
    second = 10**9
    journal = [*JOURNAL, {"time": 60 * second, "events_through": {"1": 1}}]
    looked = {"journal_through": 4, "moments": []}
    assert not is_at_rest(1, log(JOURNAL[:2]), [], 0), "two orders are not matched"
    assert is_at_rest(1, log(journal), log(EVENTS), 0), "nothing in this shard happens by itself"
    assert not is_at_rest(1, log(journal), log(EVENTS), 2 * second)
    assert is_at_rest(1, log(journal), log([*EVENTS, looked]), 2 * second)
