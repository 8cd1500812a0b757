from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from exchange.digest import digest
from exchange.log import LogDamaged
from exchange.messages.base import encode
from exchange.messages.events import EventBatch
from exchange.messages.market_data import CandlesQuestion, Depth, MarketInfo, SymbolQuestion
from exchange.messages.requests import Refused
from exchange.subjects import JOURNAL, events_log
from tests.oracle.flow import Flow, deliveries
from tests.ticks.test_feed import brute_force, flow_of
from ticks.answers import CANDLES_MAX, LEVELS_MAX, TRADES_MAX, Answers
from ticks.sink import SNAPSHOT_SECONDS, Ticks

SHARDS = 2
ROOT = Path(__file__).parent.parent.parent


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def fill(path: Path, flow: Flow, chance: random.Random, crash: float) -> Ticks:
    """Feed all of the logs; now and then lose what was not yet written and begin again, as after a kill."""
    clock = Clock()
    ticks = Ticks(path, SHARDS, clock)
    while True:
        through = {log: number for log, (number, _) in ticks.stored.items()}
        for inputs in deliveries(flow.logs, through, chance):
            ticks.apply(inputs)
            clock.seconds += SNAPSHOT_SECONDS / 5
            write = ticks.seal() if chance.random() < 0.4 else None
            if chance.random() < crash:
                break
            if write:
                write()
            if chance.random() < crash:
                break
        else:
            break
        ticks.close()
        ticks = Ticks(path, SHARDS, clock)
    if write := ticks.seal():
        write()
    return ticks


def check(ticks: Ticks, flow: Flow) -> None:
    for symbol, trades in flow.trades.items():
        rows = "SELECT trade_id, price, quantity, side, time FROM trades WHERE symbol = ? ORDER BY trade_id"
        assert ticks.database.rows(rows, [symbol]) == [(t.trade_id, t.price, t.quantity, t.side, time) for t, time in trades]
        instrument = ticks.feed.instruments[symbol]
        assert instrument.book.levels(1000) == flow.book(symbol)
        for interval, series in instrument.series.items():
            rows = "SELECT * FROM candles WHERE symbol = ? AND interval = ? ORDER BY start"
            stored = ticks.database.rows(rows, [symbol, interval])
            candles = [msgspec.structs.astuple(candle) for candle in brute_force(symbol, interval, trades)]
            assert stored + ([msgspec.structs.astuple(series.candle(series.bar))] if series.bar else []) == candles


@pytest.mark.parametrize("crash", [0.0, 0.08])
@pytest.mark.parametrize("seed", range(6))
def test_rows_and_books_across_kills(tmp_path: Path, seed: int, crash: float) -> None:
    flow = flow_of(seed)
    ticks = fill(tmp_path / "ticks.duckdb", flow, random.Random(seed), crash)
    check(ticks, flow)
    assert {log: number for log, (number, _) in ticks.database.positions.items()} == {
        log: len(payloads) for log, payloads in flow.logs.items()
    }
    ticks.close()


def test_a_stop_leaves_nothing_to_do_again(tmp_path: Path) -> None:
    flow = flow_of(1)
    ticks = fill(tmp_path / "ticks.duckdb", flow, random.Random(1), 0.0)
    write = ticks.seal(stopping=True)
    assert write
    write()
    ticks.close()
    ticks = Ticks(tmp_path / "ticks.duckdb", SHARDS, Clock())
    assert ticks.stored == {log: (len(payloads), digest(payloads[-1])) for log, payloads in flow.logs.items()}
    check(ticks, flow)
    ticks.close()


def test_a_real_kill_between_commits(tmp_path: Path) -> None:
    path = tmp_path / "ticks.duckdb"
    script = f"""
import os, random, time
from pathlib import Path
from tests.oracle.flow import deliveries
from tests.ticks.test_feed import flow_of
from ticks.sink import Ticks
ticks = Ticks(Path({str(path)!r}), {SHARDS}, time.monotonic)
for count, inputs in enumerate(deliveries(flow_of(1).logs, {{}}, random.Random(1))):
    ticks.apply(inputs)
    if count in (10, 20):
        ticks.seal(stopping=count == 10)()
    if count == 25:
        ticks.seal()
        os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=60, check=False).returncode == -9
    ticks = Ticks(path, SHARDS, Clock())
    assert 0 < ticks.stored[JOURNAL][0] < ticks.database.positions[JOURNAL][0]
    ticks.close()
    flow = flow_of(1)
    ticks = fill(path, flow, random.Random(2), 0.0)
    check(ticks, flow)
    ticks.close()


def test_an_altered_log_is_noticed_where_the_rows_end(tmp_path: Path) -> None:
    flow = flow_of(1)
    ticks = Ticks(tmp_path / "ticks.duckdb", SHARDS, Clock())
    portions = list(deliveries(flow.logs, {}, random.Random(1)))
    for part, stopping in ((portions[: len(portions) // 2], True), (portions[len(portions) // 2 :], False)):
        for inputs in part:
            ticks.apply(inputs)
        write = ticks.seal(stopping=stopping)  # The snapshot is older than the rows.
        assert write
        write()
    ticks.close()
    ticks = Ticks(tmp_path / "ticks.duckdb", SHARDS, Clock())
    log = events_log(1)
    altered = msgspec.json.decode(flow.logs[log][-1], type=EventBatch)
    flow.logs[log][-1] = encode(msgspec.structs.replace(altered, previous="altered"))
    rest = {name: payloads[ticks.stored.get(name, (0, ""))[0] :] for name, payloads in flow.logs.items()}
    with pytest.raises(LogDamaged, match=rf"{log}: sequence {altered.number} is not what ticks has stored"):
        ticks.apply(rest)
    ticks.close()


def test_batches_out_of_order_are_refused(tmp_path: Path) -> None:
    flow = flow_of(1)
    ticks = Ticks(tmp_path / "ticks.duckdb", SHARDS, Clock())
    with pytest.raises(LogDamaged, match="JOURNAL: batch 2 does not follow batch 0"):
        ticks.apply({JOURNAL: flow.logs[JOURNAL][1:]})
    ticks.close()


def test_large_books_make_snapshots_rarer(tmp_path: Path) -> None:
    class Slow(Clock):
        def __call__(self) -> float:
            self.seconds += 1.0
            return self.seconds

    flow, clock = flow_of(1), Slow()
    ticks = Ticks(tmp_path / "ticks.duckdb", SHARDS, clock)
    clock.seconds += SNAPSHOT_SECONDS
    ticks.apply(flow.logs)
    write = ticks.seal()
    assert write
    write()
    assert ticks.database.rows("SELECT count(*) FROM snapshot") == [(1,)]
    assert ticks._snapshot_due - clock.seconds == 50.0  # It took one second.
    ticks.close()


# ── Questions ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_answers_join_memory_and_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for only a few rows in memory, every page is the same as from the whole list."""
    monkeypatch.setattr("ticks.feed.TRADES_KEPT", 7)
    monkeypatch.setattr("ticks.candles.CLOSED_KEPT", 5)
    flow = flow_of(8, steps=150)
    ticks = fill(tmp_path / "ticks.duckdb", flow, random.Random(3), 0.02)
    ticks.seal()
    answers, chance = Answers(ticks, "Test"), random.Random(4)
    for symbol in flow.symbols:
        trades = [(t.trade_id, t.price, t.quantity, t.side, time) for t, time in flow.trades[symbol]]
        assert len(ticks.feed.instruments[symbol].recent) < len(trades)
        for _ in range(30):
            limit, before = chance.choice([1, 3, 10, 1000]), chance.choice([0, 1, 2, len(trades), len(trades) + 5, 10**12, 20])
            rows = await answers.trades("", encode(SymbolQuestion(symbol, limit, before)))
            assert isinstance(rows, list)
            wanted = [trade for trade in reversed(trades) if not before or trade[0] < before]
            assert [msgspec.structs.astuple(row) for row in rows] == wanted[:limit]
        for interval in ("1s", "1m"):
            candles = brute_force(symbol, interval, flow.trades[symbol])
            for _ in range(30):
                limit = chance.choice([1, 3, 10, 4000])
                before = chance.choice(
                    [0, 1, candles[0].start, candles[-1].start, candles[len(candles) // 2].start + 1, 10**12]
                )
                found = await answers.candles("", encode(CandlesQuestion(symbol, interval, limit, before)))  # type: ignore[arg-type]
                assert found == [candle for candle in candles if not before or candle.start < before][-limit:]
    ticks.close()


async def test_depth_symbols_and_market(tmp_path: Path) -> None:
    flow = flow_of(9)
    ticks = fill(tmp_path / "ticks.duckdb", flow, random.Random(1), 0.0)
    answers = Answers(ticks, "Test Exchange")
    for symbol in flow.symbols:
        bids, asks = flow.book(symbol)
        number = len(flow.logs[events_log(flow.shards[symbol])])
        depth = await answers.depth("public.depth", encode(SymbolQuestion(symbol, 2)))
        assert depth == Depth(symbol, number, 0, ticks.feed.instruments[symbol].time, bids[:2], asks[:2])
    assert [info.symbol for info in await answers.symbols("", b"anything")] == flow.symbols
    assert await answers.market("", b"") == MarketInfo("Test Exchange", flow.time)
    ticks.close()


@pytest.mark.parametrize(
    ("question", "payload", "reason", "word"),
    [
        ("depth", SymbolQuestion("SYM0", LEVELS_MAX + 1), "malformed", "limit: expected 1 to 1000, got 1001"),
        ("trades", SymbolQuestion("SYM0", TRADES_MAX + 1), "malformed", "limit: expected 1 to 1000"),
        ("candles", CandlesQuestion("SYM0", limit=CANDLES_MAX + 1), "malformed", "limit: expected 1 to 4000"),
        ("candles", CandlesQuestion("SYM0", limit=0), "malformed", "limit"),
        ("trades", SymbolQuestion("SYM0", limit=-1), "malformed", "limit"),
        ("trades", SymbolQuestion("SYM0", before=-1), "malformed", "before"),
        ("candles", CandlesQuestion("SYM0", before=10**30), "malformed", "before"),
        ("depth", SymbolQuestion("NONE"), "unknown_symbol", "NONE is not traded here"),
        ("trades", SymbolQuestion("'; DROP TABLE trades; --"), "unknown_symbol", "DROP"),
        ("candles", CandlesQuestion("x" * 100_000), "unknown_symbol", "x is not traded here"),
    ],
)
async def test_bad_questions_are_refused_in_words(
    tmp_path: Path, question: str, payload: object, reason: str, word: str
) -> None:
    ticks = fill(tmp_path / "ticks.duckdb", flow_of(1, steps=2), random.Random(1), 0.0)
    handler = getattr(Answers(ticks, "Test"), question)
    answer = await handler("", msgspec.json.encode(payload))
    assert isinstance(answer, Refused)
    assert answer.reason == reason
    assert word in answer.detail
    assert len(answer.detail) < 200
    for malformed in (b"", b"[", b"{}", b'{"symbol":5}', b'{"symbol":"SYM0","limit":"x"}', b"[1]"):
        with pytest.raises(msgspec.MsgspecError):
            await handler("", malformed)
    ticks.close()


def test_the_largest_answers_fit_into_a_message(tmp_path: Path) -> None:
    """Symbols of twelve letters, and numbers as large as the gate lets them be."""
    from exchange.messages.market_data import Candle, PublicTrade
    from exchange.money import MONEY_MAX, QUANTITY_MAX

    candle = Candle("X" * 12, "1m", 10**10, *[MONEY_MAX] * 4, QUANTITY_MAX * 1000, MONEY_MAX * 100_000, 10**9)
    trade = PublicTrade(10**12, MONEY_MAX, QUANTITY_MAX, "sell", 2 * 10**18)
    levels = [(MONEY_MAX, QUANTITY_MAX)] * LEVELS_MAX
    for answer in ([candle] * CANDLES_MAX, [trade] * TRADES_MAX, Depth("X" * 12, 1, 0, 1, levels, levels)):
        assert len(encode(answer)) < 1_000_000
