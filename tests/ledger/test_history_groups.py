"""Groups, auctions and phases in the history: a story written down by hand with what the tables must say, and random days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exchange.messages.account import Fill, OrderRecord
from exchange.messages.base import BANK, CASH, encode
from exchange.messages.events import (
    Activated,
    Cancelled,
    Decremented,
    Event,
    EventBatch,
    Indicated,
    Moment,
    PhaseChanged,
    ReferenceMoved,
    Replaced,
    Rested,
    Traded,
    Triggered,
)
from exchange.messages.journal import (
    LEDGER_GROUP,
    DefineSymbol,
    Fees,
    Group,
    JournalBatch,
    OpenAccount,
    PlaceBracket,
    PlaceOco,
    PlaceOrder,
    ReplaceOrder,
    SetAccountRules,
    SetPhase,
    Transfer,
)
from exchange.subjects import JOURNAL, events_log
from ledger.history import History
from ledger.history_answers import Answers
from tests.oracle.book import SlowExchange
from tests.oracle.traders import Traders

K = "KRYP"


def order(number: int, account: str, side: Any, quantity: int, price: int, **more: Any) -> PlaceOrder:
    return PlaceOrder(number, account, f"c{number}", K, side, quantity, price, 0, **more)


STORY: list[tuple[int, list[Any], list[Event]]] = [
    # Shard, commands, and the events that come of them.
    (
        1,
        [
            DefineSymbol(K, "Kryptonite", 1, 1, 1, 1000, fees=Fees(-10, 50), trade_band=500, reference_seconds=30),
            SetPhase(K, "opening_auction", scheduled=True),
        ],
        [PhaseChanged(K, "opening_auction")],
    ),
    (
        LEDGER_GROUP,
        [
            OpenAccount("alice"),
            OpenAccount("bob"),
            Transfer(CASH, 10**9, BANK, "alice"),
            SetAccountRules("alice", "decrement", True),
        ],
        [],
    ),
    # An auction: alice buys 30 and bob sells 20, both pay the taker's fee.
    (
        1,
        [order(1, "alice", "buy", 30, 1010, tif="opg"), order(2, "bob", "sell", 20, 990)],
        [Rested(1, K, "buy", 1010, 30), Rested(2, K, "sell", 990, 20), Indicated(K, 1000, 20, 10)],
    ),
    (
        1,
        [SetPhase(K, "continuous", scheduled=True)],
        [
            PhaseChanged(K, "continuous"),
            Traded(K, 1, 2, 1, 1000, 20, "buy", auction=True),
            Cancelled(1, K, 10, "auction_over"),
        ],
    ),
    # A pair of alice: bob takes 4 of its limit order, then the stop triggers and trades the rest.
    (
        1,
        [
            PlaceOco(order(3, "alice", "sell", 10, 1100), order(4, "alice", "sell", 10, 900, kind="stop", stop_price=950), 10),
            order(5, "bob", "buy", 4, 1100, tif="ioc"),
        ],
        [Rested(3, K, "sell", 1100, 10), Traded(K, 2, 3, 5, 1100, 4, "buy"), Decremented(4, K, 4)],
    ),
    (
        1,
        [order(6, "bob", "buy", 6, 940), order(7, "bob", "sell", 1, 940, tif="ioc", self_trade="allow")],
        [
            Rested(6, K, "buy", 940, 6),
            Traded(K, 3, 6, 7, 940, 1, "sell"),
            Triggered(4, K, 950),
            Traded(K, 4, 6, 4, 940, 5, "sell"),
            Decremented(3, K, 5),
            Cancelled(4, K, 1, "protection"),
            Cancelled(3, K, 1, "pair"),
        ],
    ),
    # A bracket whose entry fills 5 of 8, an activation, and a band that starts an auction.
    (
        1,
        [
            PlaceBracket(
                order(8, "alice", "buy", 8, 1000),
                order(9, "alice", "sell", 8, 1200),
                order(10, "alice", "sell", 8, 800, kind="stop_limit", stop_price=850),
                0,
            ),
            order(11, "bob", "sell", 5, 1000),
            ReplaceOrder(9, "alice", K, 8, 8, 1210, 0),
        ],
        [Rested(8, K, "buy", 1000, 8), Traded(K, 5, 8, 11, 1000, 5, "sell"), Replaced(9, K, "sell", 1210, 8, True)],
    ),
    (
        1,
        [SetPhase(K, "halted", "a rumour")],
        [
            Cancelled(8, K, 3, "owner"),
            Activated(9, K, 5),
            Activated(10, K, 5),
            Rested(9, K, "sell", 1210, 5),
            ReferenceMoved(K, 1000),
            PhaseChanged(K, "volatility_auction", "a trade at 0.1210 would have left the band", 99),
            PhaseChanged(K, "halted", "a rumour"),
        ],
    ),
]


def tell(history: History) -> None:
    for number, (shard, commands, events) in enumerate(STORY, 1):
        time = 10 * number
        batch = JournalBatch(number, time, "", {}, [Group(shard, msgspec.Raw(encode(commands)))])
        inputs = {
            JOURNAL: [encode(batch)],
            events_log(1): [encode(EventBatch(number, number, "", [Moment(number, time, events)]))],
        }
        history.apply(inputs)
        if number % 2 and (write := history.seal()):
            write()


async def test_the_story_as_it_was_written_down(tmp_path: Path) -> None:
    history = History(tmp_path / "history.duckdb", 1)
    tell(history)
    if write := history.seal():
        write()
    history.close()
    history = History(tmp_path / "history.duckdb", 1)  # What a restart reads back must be the same.
    rows = history.database.rows
    assert rows("SELECT order_id, quantity, filled, open, status, reason, pair, entry FROM orders ORDER BY order_id") == [
        (1, 30, 20, 0, "cancelled", "auction_over", 0, 0),
        (2, 20, 20, 0, "filled", "", 0, 0),
        (3, 10, 4, 0, "cancelled", "pair", 4, 0),
        (4, 10, 5, 0, "cancelled", "protection", 3, 0),
        (5, 4, 4, 0, "filled", "", 0, 0),
        (6, 6, 6, 0, "filled", "", 0, 0),
        (7, 1, 1, 0, "filled", "", 0, 0),
        (8, 8, 5, 0, "cancelled", "owner", 0, 0),
        (9, 8, 0, 5, "open", "", 10, 8),
        (10, 8, 0, 5, "open", "", 9, 8),
        (11, 5, 5, 0, "filled", "", 0, 0),
    ]
    fees = rows("SELECT trade_id, liquidity, side, fee FROM fills ORDER BY fill_id")
    assert fees[:2] == [(1, "auction", "sell", 100), (1, "auction", "buy", 100)]  # 50 basis points of 20,000 each.
    assert fees[2:4] == [(2, "maker", "sell", -4), (2, "taker", "buy", 22)]  # Of 4,400; a rebate is rounded down.
    assert rows("SELECT asset, sum(amount)::BIGINT FROM postings GROUP BY asset ORDER BY asset") == [(CASH, 0), (K, 0)]
    assert rows("SELECT time, phase, reason, ends FROM phases ORDER BY time, phase DESC") == [
        (10, "opening_auction", "", 0),
        (40, "continuous", "", 0),
        (80, "volatility_auction", "a trade at 0.1210 would have left the band", 99),
        (80, "halted", "a rumour", 0),
    ]
    assert rows("SELECT account, self_trade, cancel_on_disconnect FROM rules") == [("alice", "decrement", True)]
    assert rows("SELECT order_band, trade_band, reference_seconds, volatility_auction_seconds FROM symbols") == [
        (0, 500, 30, 60)
    ]
    assert history._rows.open_orders[9].remaining == history._rows.open_orders[10].remaining == 5
    history.close()


async def test_answers_name_groups_and_auctions(tmp_path: Path) -> None:
    history = History(tmp_path / "history.duckdb", 1)
    tell(history)
    if write := history.seal():
        write()
    answers = Answers(history)
    records = await answers.orders("api.alice.history", b"")
    assert isinstance(records, list)
    assert [(r.order_id, r.pair, r.entry, r.filled, r.open) for r in records] == [
        (10, 9, 8, 0, 5),
        (9, 10, 8, 0, 5),
        (8, 0, 0, 5, 0),
        (4, 3, 0, 5, 0),
        (3, 4, 0, 4, 0),
        (1, 0, 0, 20, 0),
    ]
    assert all(isinstance(record, OrderRecord) for record in records)
    fills = await answers.fills("api.bob.fills", b"")
    assert isinstance(fills, list)
    assert [fill.liquidity for fill in fills] == ["taker", "maker", "taker", "maker", "taker", "auction"]
    assert all(isinstance(fill, Fill) for fill in fills)
    history.close()


@pytest.mark.parametrize("seed", range(4))
def test_random_days_against_a_slow_exchange(tmp_path: Path, seed: int) -> None:
    """What is open, what each order traded and how it ended, with restarts of the historian in between."""
    traders, exchange = Traders(seed, ("AAA", "BBB")), SlowExchange()
    history = History(tmp_path / "history.duckdb", 1)
    filled: Counter[int] = Counter()
    endings: dict[int, str] = {}
    batches = [batch_of(1, 1, LEDGER_GROUP, [OpenAccount(name) for name in ("alice", "bob", "carol")])]
    parts = [encode(EventBatch(1, 1, "", []))]
    while traders.commands < 600:
        time, commands = traders.batch()
        events = exchange.batch(time, commands)
        traders.hear(events)
        batches.append(batch_of(len(batches) + 1, time, 1, commands))
        parts.append(encode(EventBatch(len(parts) + 1, len(batches), "", [Moment(len(batches), time, events)])))
        for event in events:
            if isinstance(event, Traded):
                filled.update({event.maker_order_id: event.quantity, event.taker_order_id: event.quantity})
            elif isinstance(event, Cancelled):
                endings[event.order_id] = event.reason
    while (done := history.stored.get(JOURNAL, (0, ""))[0]) < len(batches):
        for number in range(done, min(done + 70, len(batches))):
            history.apply({JOURNAL: [batches[number]], events_log(1): [parts[number]]})
        if write := history.seal():
            write()
        history.close()
        history = History(tmp_path / "history.duckdb", 1)
    rows = history.database.rows
    assert rows("SELECT order_id, remaining FROM resting ORDER BY order_id") == sorted(
        (order_id, remaining) for order_id, _, _, _, remaining in exchange.open_orders()
    )
    assert dict(rows("SELECT order_id, filled FROM orders WHERE filled > 0")) == filled
    assert dict(rows("SELECT order_id, reason FROM endings WHERE reason NOT IN ('filled', 'self_trade')")) == {
        order_id: reason for order_id, reason in endings.items() if reason != "self_trade"
    }
    assert rows("SELECT count(*) FROM orders") == [(len(traders.orders),)]
    auctions = sum(trade.auction for book in exchange.books.values() for trade in book.trades)
    assert rows("SELECT count(*) FROM traded WHERE auction") == [(auctions,)]
    assert auctions > 0
    history.close()


def batch_of(number: int, time: int, shard: int, commands: Sequence[Any]) -> bytes:
    return encode(JournalBatch(number, time, "", {}, [Group(shard, msgspec.Raw(encode(commands)))]))
