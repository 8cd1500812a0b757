from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from exchange.calendar import Calendar
from exchange.digest import digest
from exchange.log import LogDamaged
from exchange.messages.base import encode
from exchange.messages.events import EventBatch
from exchange.subjects import JOURNAL, events_log
from tests.oracle.bars import brute_force
from tests.oracle.flow import Flow, deliveries
from tests.ticks.test_feed import flow_of
from ticks.candles import STORED, Bar, candle
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
        instrument = ticks.feed.instruments[symbol]
        rows = "SELECT trade_id, price, quantity, buys, time FROM trades WHERE symbol = ? ORDER BY trade_id"
        assert ticks.database.rows(rows, [instrument.index]) == [
            (t.trade_id, t.price, t.quantity, t.side == "buy", time) for t, time in trades
        ]
        assert instrument.book.levels(1000) == flow.book(symbol)
        for interval in STORED:
            columns = "start, open, high, low, close, volume, turnover, trades"
            rows = f"SELECT {columns} FROM candles_{interval} WHERE symbol = ? ORDER BY start"
            bars = [Bar(*row) for row in ticks.database.rows(rows, [instrument.index])]
            live = instrument.candles.live(interval)
            found = [candle(symbol, interval, bar) for bar in [*bars, *([live] if live else [])]]
            assert found == brute_force(symbol, interval, trades)


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
from ticks.candles import STORED, Bar, candle
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


@pytest.mark.parametrize("milliseconds", [0, 1, 3, 8])
def test_a_kill_in_the_middle_of_a_write(tmp_path: Path, milliseconds: int) -> None:
    path = tmp_path / "ticks.duckdb"
    script = f"""
import os, threading, time
from pathlib import Path
from tests.ticks.test_feed import flow_of
from ticks.sink import Ticks
ticks = Ticks(Path({str(path)!r}), {SHARDS}, time.monotonic)
ticks.apply(flow_of(1).logs)
threading.Thread(target=ticks.seal(stopping=True)).start()
time.sleep({milliseconds} / 1000)
os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=60, check=False).returncode == -9
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


def test_a_file_of_another_calendar_is_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    flow, path = flow_of(1), tmp_path / "ticks.duckdb"
    fill(path, flow, random.Random(1), 0.0).close()
    ticks = Ticks(path, SHARDS, Clock(), Calendar("Asia/Kolkata", "09:15"))
    assert "made again from the logs" in caplog.text
    assert ticks.stored == {}
    ticks.apply(flow.logs)
    write = ticks.seal()
    assert write
    write()
    for symbol, trades in flow.trades.items():
        instrument = ticks.feed.instruments[symbol]
        rows = ticks.database.rows("SELECT start FROM candles_1d WHERE symbol = ? ORDER BY start", [instrument.index])
        live = instrument.candles.live("1d")
        assert live
        starts = [bar.start for bar in brute_force(symbol, "1d", trades, "Asia/Kolkata", "09:15")]
        assert [start for (start,) in rows] + [live.start] == starts
    ticks.close()
