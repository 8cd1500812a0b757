"""The ledger as a stage: what it writes when, what fits into one batch, what a replay refuses, and the market file."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from exchange.digest import digest
from exchange.market import Fees, Limits, MarketError, SymbolRules
from exchange.messages.base import decoder, encode
from exchange.messages.journal import JournalBatch
from exchange.messages.requests import Bracket, Cancel, CancelAll, Command, Submit
from exchange.schedule import Schedule, phase_at
from exchange.server import PAYLOAD_BYTES_MAX
from exchange.stage import ReplayError
from exchange.subjects import events_log
from ledger.requests import REQUEST_BYTES_MAX
from ledger.stage import LedgerStage
from tests.oracle.ledger_market import SECOND, START, SmallMarket, small_market

decode_journal = decoder(JournalBatch)


def opened(**accounts: int) -> SmallMarket:
    market = SmallMarket()
    for account, cash in accounts.items():
        market.open(account, cash, KRYP=1_000, ADAM=1_000)
    return market


def commands(payload: bytes) -> list[tuple[int, list[str]]]:
    """(shard, types) of the groups of a batch."""
    groups = json.loads(payload).get("groups", [])
    return [(group["shard"], [command["type"] for command in group["commands"]]) for group in groups]


def test_there_is_one_ledger_that_reads_all_engines_and_writes_the_journal() -> None:
    stage = LedgerStage(small_market())
    assert (stage.name, stage.output, stage.inputs) == ("ledger", "JOURNAL", ("EVENTS_1", "EVENTS_2"))


def test_the_first_batch_defines_the_symbols() -> None:
    market = SmallMarket()
    (payload,) = market.turn()
    batch = json.loads(payload)
    assert (batch["number"], batch["time"], batch["previous"], batch["events_through"]) == (1, market.now, "", {})
    assert commands(payload) == [(1, ["definesymbol"]), (2, ["definesymbol"])]
    assert not market.turn(), "nothing happened"


def test_thousands_of_symbols_are_defined_in_several_batches_and_before_any_request() -> None:
    count = 4_000
    rules = [SymbolRules(f"S{number}", "Some company with a name", "20.50") for number in range(count)]
    hour = START // 3_600_000_000_000 % 24
    schedule = Schedule(f"{(hour + 2) % 24:02}:00", f"{(hour + 4) % 24:02}:00")
    assert phase_at(schedule, START).phase == "closed"
    market = SmallMarket(small_market(symbols=rules, schedule=schedule))
    inbox = market.send("orders", "alice", encode([Submit("1", f"S{count - 1}", "buy", 10, price=1_000)]))
    payloads = market.turn()
    while market.stage.waiting:
        assert inbox not in market.answers
        payloads += market.turn()
    assert len(payloads) > 1
    assert max(map(len, payloads)) < PAYLOAD_BYTES_MAX
    kinds = [kind for payload in payloads for _, group in commands(payload) for kind in group]
    assert (kinds.count("definesymbol"), kinds.count("setphase")) == (count, count)
    assert market.answers[inbox]["reason"] == "unknown_account"


def test_groups_are_runs_per_shard_in_the_order_of_acceptance() -> None:
    market = opened(alice=2**40)
    symbols = ("KRYP", "KRYP", "ADAM", "KRYP", "NONE", "KRYP")
    market.request("alice", [Submit(str(i), symbol, "buy", 10, price=1_000) for i, symbol in enumerate(symbols)])
    assert commands(market.journal[-1]) == [(1, ["placeorder"] * 2), (2, ["placeorder"]), (1, ["placeorder"] * 2)]
    market.request("alice", CancelAll())
    assert commands(market.journal[-1]) == [(1, ["cancelorder"] * 4), (2, ["cancelorder"])], "shard by shard"


def test_batches_follow_each_other() -> None:
    market = opened(alice=2**40)
    market.now -= 3_600 * SECOND  # The clock is set back: time goes on all the same.
    for number in range(3):
        market.request("alice", Submit(str(number), "KRYP", "buy", 1, price=100))
        market.settle()
    batches = [decode_journal.decode(payload) for payload in market.journal]
    assert [batch.number for batch in batches] == list(range(1, len(batches) + 1))
    assert all(later.time > earlier.time for earlier, later in pairwise(batches))
    assert [batch.previous for batch in batches] == ["", *map(digest, market.journal[:-1])]
    assert batches[-1].events_through == {1: 3}
    assert batches[-1].groups == [], "events alone are a batch"


def test_an_idle_second_is_a_batch() -> None:
    market = opened(alice=0)
    assert not market.turn(elapsed=SECOND // 2)
    (payload,) = market.turn(elapsed=SECOND // 2)
    assert commands(payload) == []
    assert json.loads(payload)["time"] == market.now
    assert market.turn(elapsed=-3_600 * SECOND), "also when the clock is set back"
    assert not market.turn(elapsed=SECOND // 2)
    assert market.turn(elapsed=SECOND // 2)


def test_replies_come_with_the_batch_that_holds_their_commands() -> None:
    market = opened(alice=2**40)
    market.stage.submit_request("alice", "_INBOX.a", encode(Submit("x", "KRYP", "buy", 1, price=100)))
    market.stage.submit_request("alice", "", encode(Submit("y", "KRYP", "buy", 1, price=100)))
    turn = market.stage.turn({}, market.now + 1)
    assert [subject for subject, _ in turn.messages] == ["_INBOX.a", "reports.alice"]
    assert b'"client_order_id":"x"' in turn.payloads[0]
    assert b'"client_order_id":"y"' in turn.payloads[0], "nobody waits for an answer, the order counts"


def test_the_largest_batch_fits_into_a_message() -> None:
    """As many of the longest orders as a turn takes, and then one account places brackets and cancels five thousand orders."""
    market = SmallMarket(small_market(limits=Limits(5_000, 0), shards=1))
    name = "n" * 32
    market.open(name, 2**52)
    market.check = lambda: None  # type: ignore[method-assign]  # Quadratic here, and elsewhere tried often enough.
    for start in range(0, 4_700, 100):
        market.request(name, [Submit(f"{i}", "KRYP", "buy", 1, price=100) for i in range(start, start + 100)])
    market.settle()
    others = [f"m{'m' * 29}{i:02d}" for i in range(9)]  # So many that just one request more is taken.
    for other in others:
        market.open(other, 2**40)
    refused = Submit('"' * 36, '"' * 16, "sell", 10**15)
    for other in others:
        orders = [Submit('"' * 32 + f"{i:04d}", "KRYP", "buy", 1_000_000, price=100) for i in range(99)]
        market.send("orders", other, encode([refused, *orders]))
    # Brackets, as many as fit into a request, each of which is three orders.
    quote = {"symbol": "KRYP", "quantity": 1_000_000}
    brackets: list[Command] = [
        Bracket(
            Submit(f"{i}e", side="buy", price=100, **quote),
            Submit(f"{i}p", side="sell", price=100, **quote),
            Submit(f"{i}s", side="sell", kind="trailing_stop", trail=100, tif="day", **quote),
        )
        for i in range(99)
    ]
    brackets = [msgspec.structs.replace(b, take_profit=msgspec.structs.replace(b.take_profit, tif="day")) for b in brackets]
    last = encode([*brackets, CancelAll()])
    assert len(last) < REQUEST_BYTES_MAX
    sent = market.send("orders", name, last)
    (payload,) = market.turn()
    assert market.answers[sent][-1]["type"] == "accepted"
    assert market.answers[sent][-1]["orders"] == 4_700 + 3 * 99
    assert 800_000 < len(payload) < 1_000_000, "larger than what is allowed, or too small to try it"


def test_a_turn_is_bounded_by_commands_and_by_bytes() -> None:
    market = opened(alice=2**45)

    def batches_of(requests: list[Any]) -> list[bytes]:
        for request in requests:
            market.send("orders", "alice", encode(request))
        payloads = market.turn()
        while market.stage.waiting:
            payloads += market.turn()
        return payloads

    short = [[Submit(f"{i}-{j}", "KRYP", "buy", 1, price=100) for j in range(10)] for i in range(300)]
    market.restart(small_market(limits=Limits(4_000, 0)))
    assert [payload.count(b"placeorder") for payload in batches_of(short)] == [2_000, 1_000]
    market.restart(small_market(limits=Limits(5_000, 0)))
    long = [[Submit('"' * 30 + f"{i}-{j}", "KRYP", "buy", 1, price=100) for j in range(10)] for i in range(190)]
    first, _ = batches_of(long)
    assert 265_000 < len(first) < 275_000
    refused = [[Submit("x", "N", "sell", 1)] * 100 for _ in range(60)]
    assert [payload.count(b"unknown_symbol") for payload in batches_of(refused)] == [2_000, 2_000, 2_000]


# ── Recovery ──


def test_a_replay_refuses_what_this_state_could_not_have_written() -> None:
    market = opened(alice=1_000_000)
    market.request("alice", [Submit("1", "KRYP", "buy", 1, price=100), Submit("2", "KRYP", "buy", 1, price=100)])
    market.settle()
    market.request("alice", Cancel(1))
    batch = json.loads(market.journal[-1])

    def spoiled(**changes: Any) -> bytes:
        return encode({**batch, **changes})

    def group(**changes: Any) -> dict[str, Any]:
        return {"groups": [{"shard": 1, "commands": [{**batch["groups"][0]["commands"][0], **changes}]}]}

    place = {"type": "placeorder", "order_id": 3, "account": "alice", "client_order_id": "3", "symbol": "KRYP", "side": "buy"}
    place |= {"quantity": 1, "price": 100, "hold": 100}
    cases = [
        spoiled(number=batch["number"] + 1),
        spoiled(previous="0" * 32),
        spoiled(time=1),
        spoiled(events_through={1: 2}),
        spoiled(events_through={}),
        spoiled(**group(order_id=7)),
        spoiled(**group(account="bob")),
        spoiled(groups=batch["groups"] * 2),
        *(
            spoiled(groups=[{"shard": 1, "commands": [place | changes]}])
            for changes in (
                {"order_id": 9},
                {"account": "bob"},
                {"symbol": "NONE"},
                {"hold": 10**9},
                {"side": "sell", "hold": 10**9},
            )
        ),
        spoiled(groups=[{"shard": 0, "commands": [{"type": "openaccount", "account": "alice"}]}]),
        spoiled(
            groups=[
                {
                    "shard": 0,
                    "commands": [{"type": "transfer", "asset": "CASH", "amount": 1, "source": "bob", "target": "alice"}],
                }
            ]
        ),
    ]
    for payload in cases:
        follower = LedgerStage(market.market)
        for earlier, inputs in zip(market.journal[:-1], market.inputs[:-1], strict=True):
            follower.replay(earlier, inputs)
        with pytest.raises(ReplayError):
            follower.replay(payload, market.inputs[-1])


def test_a_snapshot_says_everything_and_always_the_same() -> None:
    market = opened(alice=2**40, bob=2**40)
    market.request("alice", [Submit(f"a{i}", "KRYP", "sell", 10, price=1_000) for i in range(5)])
    market.deposit("bob", "CASH", 7, "key")
    market.settle()
    market.request("bob", [Submit("b", "KRYP", "buy", 25, price=1_000), Submit("c", "ADAM", "buy", 10, price=500)])
    market.settle()
    market.request("alice", CancelAll())
    content = market.stage.snapshot()
    restored = LedgerStage(market.market)
    restored.restore(content)
    assert restored.snapshot() == content
    assert market.state() == msgspec.structs.replace(market.state(), digest=digest(market.stage.snapshot()))
    market.restart(snapshot=True)
    market.settle()
    assert market.request("bob", Submit("b", "KRYP", "buy", 25, price=1_000)) == {
        "type": "accepted",
        "order_id": 6,
        "client_order_id": "b",
        "duplicate": True,
    }


# ── The market file ──


def test_a_changed_market_file_is_a_change_in_the_journal() -> None:
    market = opened(alice=2**40)
    market.settle()
    written = len(market.journal)
    market.restart()
    market.turn()
    assert all(commands(payload) == [] for payload in market.journal[written:]), "the same file defines nothing anew"

    symbols = [
        SymbolRules("NEWS", "Newspapers", "3.00"),
        SymbolRules("ADAM", "Adamantium", "142.00", tick="0.01", lot=1, fees=Fees(1, 2)),
        SymbolRules("KRYP", "Kryptonite", "20.50"),
    ]
    market.restart(small_market(symbols=symbols, shards=3))
    (payload,) = market.turn()
    # NEWS is first in the file and gets engine 1; ADAM stays with engine 2, KRYP with engine 1 and as it was.
    assert commands(payload) == [(1, ["definesymbol"]), (2, ["definesymbol"])]
    assert market.request("alice", Submit("x", "ADAM", "buy", 7, price=1_420_100))["type"] == "accepted"
    assert commands(market.journal[-1]) == [(2, ["placeorder"])]


def test_engines_can_only_become_more() -> None:
    market = opened(alice=2**40)
    smaller = LedgerStage(small_market(shards=1))
    smaller.restore(market.stage.snapshot())
    with pytest.raises(MarketError, match="made with 2 engines"):
        smaller.turn({}, START)


def test_logs_are_applied_in_the_order_of_their_names() -> None:
    market = opened(alice=2**40, bob=2**40)
    for account, side in (("alice", "sell"), ("bob", "buy")):
        market.request(account, [Submit(f"{s}", s, side, 10, price=1_000) for s in ("ADAM", "KRYP")])  # type: ignore[arg-type]
    batches = market.match()
    assert list(batches) == [events_log(1), events_log(2)]
    market.turn(dict(reversed(batches.items())))
    assert [report["symbol"] for report in market.reports["bob"][-2:]] == ["KRYP", "ADAM"]
