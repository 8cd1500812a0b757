from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import duckdb
import msgspec
import pytest

from exchange.database import DatabaseError
from exchange.log import LogDamaged
from exchange.messages.account import Fill, OrderRecord, PageQuestion
from exchange.messages.administration import HistoryState
from exchange.messages.base import encode
from exchange.messages.events import Decremented, Replaced, Triggered
from exchange.messages.requests import Refused
from exchange.subjects import JOURNAL, events_log
from ledger.history import History
from ledger.history_answers import Answers
from ledger.history_schema import VERSION
from tests.oracle.flow import Flow, deliveries

SHARDS = 2
ORDER_FIELDS = (
    *("order_id", "account", "symbol", "side", "price", "quantity", "filled", "status", "reason", "kind", "tif", "time"),
    *("stop_price", "trail", "trail_basis_points", "expires", "post_only", "display", "self_trade", "open", "pair", "entry"),
)


def fill(history: History, flow: Flow, chance: random.Random, crash: float = 0.0) -> History:
    """Feed all of the logs; now and then lose what was not yet written, as a kill would."""
    restart = True
    while restart:
        restart = False
        through = {log: number for log, (number, _) in history.stored.items()}
        for inputs in deliveries(flow.logs, through, chance):
            history.apply(inputs)
            if chance.random() < 0.4 and (write := history.seal()):
                if chance.random() < crash:
                    restart = True
                    break
                write()
            if chance.random() < crash:
                restart = True
                break
        if restart:
            history = reopen(history)
    if write := history.seal():
        write()
    return history


def reopen(history: History) -> History:
    path = Path(history.database.rows("SELECT path FROM duckdb_databases() WHERE path IS NOT NULL")[0][0])
    history.close()
    return History(path, SHARDS)


def build(tmp_path: Path, seed: int, steps: int = 60, crash: float = 0.0) -> tuple[History, Flow]:
    flow = Flow(seed, shards=SHARDS)
    for _ in range(steps):
        flow.step()
    flow.flush()
    return fill(History(tmp_path / "history.duckdb", SHARDS), flow, random.Random(seed), crash), flow


def check(history: History, flow: Flow) -> None:
    """Rows and views against the plain fold of the oracle."""
    rows = history.database.rows
    balances = {(account, asset): amount for account, asset, amount in rows("FROM balances WHERE amount <> 0")}
    assert balances == {(a, asset): n for a, assets in flow.balances.items() for asset, n in assets.items() if n}
    assert rows("SELECT journal, kind, reference, asset FROM postings GROUP BY ALL HAVING sum(amount) <> 0") == []
    assert rows(f"SELECT {', '.join(ORDER_FIELDS)} FROM orders ORDER BY order_id") == [
        tuple(order[field] for field in ORDER_FIELDS) for order in flow.orders.values()
    ]
    for symbol, trades in flow.trades.items():
        assert rows(
            "SELECT trade_id, maker_order_id, taker_order_id, price, quantity, side, time FROM trades"
            " WHERE symbol = ? ORDER BY trade_id",
            [symbol],
        ) == [(t.trade_id, t.maker_order_id, t.taker_order_id, t.price, t.quantity, t.side, time) for t, time in trades]
    assert rows("SELECT count(*), count(DISTINCT number), max(number) FROM traded") == [
        (count := sum(map(len, flow.trades.values())), count, count)
    ]
    for table, kind in (("triggered", Triggered), ("replaced", Replaced), ("decremented", Decremented)):
        events = flow.events(kind)
        assert rows(f"SELECT order_id FROM {table} ORDER BY ALL") == sorted((event.order_id,) for event in events)
    assert rows("SELECT order_id, price, stop_price, quantity, kept_place FROM replaced ORDER BY ALL") == sorted(
        (event.order_id, event.price, event.stop_price, event.quantity, event.kept_place) for event in flow.events(Replaced)
    )
    assert rows("SELECT count(*) FROM refusals") == [(flow.refusals,)]
    assert rows("SELECT account FROM accounts ORDER BY 1") == [(account,) for account in flow.accounts]
    assert rows("SELECT count(*) = count(DISTINCT id) AND count(*) = count(DISTINCT name) FROM names") == [(True,)]


@pytest.mark.parametrize("seed", range(6))
def test_rows_against_the_oracle(tmp_path: Path, seed: int) -> None:
    history, flow = build(tmp_path, seed)
    check(history, flow)
    history.close()


@pytest.mark.parametrize("seed", range(6))
def test_kills_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    history, flow = build(tmp_path, seed, crash=0.1)
    check(history, flow)
    assert {log: number for log, (number, _) in history.database.positions.items()} == {
        log: len(payloads) for log, payloads in flow.logs.items()
    }
    history.close()


def test_a_real_kill_between_commits(tmp_path: Path) -> None:
    """A process that dies without a word after its second commit and in the middle of the next batch."""
    script = f"""
import os, random
from pathlib import Path
from ledger.history import History
from tests.oracle.flow import Flow, deliveries
flow = Flow(1, shards={SHARDS})
for _ in range(60):
    flow.step()
flow.flush()
history = History(Path({str(tmp_path / "history.duckdb")!r}), {SHARDS})
for count, inputs in enumerate(deliveries(flow.logs, {{}}, random.Random(1))):
    history.apply(inputs)
    if count in (10, 20):
        history.seal()()
    if count == 25:
        history.seal()
        os.kill(os.getpid(), 9)
"""
    root = Path(__file__).parent.parent.parent
    assert subprocess.run([sys.executable, "-c", script], cwd=root, timeout=60, check=False).returncode == -9
    flow = Flow(1, shards=SHARDS)
    for _ in range(60):
        flow.step()
    flow.flush()
    history = History(tmp_path / "history.duckdb", SHARDS)
    assert 0 < history.stored[JOURNAL][0] < len(flow.logs[JOURNAL])
    history = fill(history, flow, random.Random(2))
    check(history, flow)
    history.close()


def test_a_batch_out_of_order_is_refused(tmp_path: Path) -> None:
    history, flow = build(tmp_path, 1, steps=3)
    with pytest.raises(LogDamaged, match=r"JOURNAL: batch 1 does not follow"):
        history.apply({JOURNAL: flow.logs[JOURNAL][:1]})
    history.close()


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    """The file may not grow beyond a limit: the write fails as on a full disk, and what was written before is still there."""
    script = f"""
import random, resource, signal
from pathlib import Path
from ledger.history import History
from tests.oracle.flow import Flow
from exchange.database import DatabaseError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
flow = Flow(1, shards={SHARDS})
history = History(Path({str(tmp_path / "history.duckdb")!r}), {SHARDS})
history.apply(flow.logs)
history.seal()()
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
through = {{log: len(payloads) for log, payloads in flow.logs.items()}}
for _ in range(300):
    flow.step()
flow.flush()
history.apply({{log: payloads[through[log]:] for log, payloads in flow.logs.items()}})
try:
    history.seal()()
except DatabaseError as error:
    print(error, flush=True)
    import os
    os._exit(3)
"""
    root = Path(__file__).parent.parent.parent
    result = subprocess.run([sys.executable, "-c", script], cwd=root, timeout=60, check=False, capture_output=True, text=True)
    assert result.returncode == 3, result.stderr
    assert len(result.stdout.strip().splitlines()) == 1
    assert "history.duckdb" in result.stdout
    history = History(tmp_path / "history.duckdb", SHARDS)
    assert history.stored[JOURNAL][0] == 1
    history.close()


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "history.duckdb"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(DatabaseError, match=r"history\.duckdb: .*not a valid DuckDB"):
        History(path, SHARDS)


def test_a_file_of_an_older_program_is_set_aside_and_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    history, flow = build(tmp_path, 2)
    history.close()
    path = tmp_path / "history.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE version SET number = number - 1")
    history = History(path, SHARDS)
    assert history.stored == {}
    assert len(caplog.messages) == 1
    assert f"history.duckdb.version-{VERSION - 1} now" in caplog.messages[0]
    assert (tmp_path / f"history.duckdb.version-{VERSION - 1}").exists()
    check(fill(history, flow, random.Random(2)), flow)
    history.close()


def test_a_file_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    build(tmp_path, 2, steps=3)[0].close()
    path = tmp_path / "history.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE version SET number = number + 1")
    with pytest.raises(DatabaseError, match="made by a newer program"):
        History(path, SHARDS)
    assert [file.name for file in tmp_path.iterdir()] == ["history.duckdb"]


# ── Questions ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_fills_in_pages_are_the_fills(tmp_path: Path) -> None:
    history, flow = build(tmp_path, 3)
    answers = Answers(history)
    for account in flow.accounts:
        found: list[Fill] = []
        while page := await answers.fills(
            f"api.{account}.fills", encode(PageQuestion(limit=7, before=found[-1].fill_id if found else 0))
        ):
            assert isinstance(page, list)
            found += page
        assert sorted(
            (f.order_id, f.symbol, f.trade_id, f.side, f.price, f.quantity, f.fee, f.liquidity, f.time) for f in found
        ) == sorted(flow.fills[account])
        assert [f.fill_id for f in found] == sorted({f.fill_id for f in found}, reverse=True)
        one = await answers.fills(f"api.{account}.fills", encode(PageQuestion(symbol="SYM1", limit=1000)))
        assert one == [f for f in found if f.symbol == "SYM1"]
    history.close()


async def test_orders_in_pages_are_the_orders(tmp_path: Path) -> None:
    history, flow = build(tmp_path, 4)
    answers = Answers(history)
    for account in flow.accounts:
        found: list[OrderRecord] = []
        while page := await answers.orders(
            f"api.{account}.history", encode(PageQuestion(limit=5, before=found[-1].order_id if found else 0))
        ):
            assert isinstance(page, list)
            found += page
        assert [
            tuple(account if field == "account" else getattr(order, field) for field in ORDER_FIELDS) for order in found
        ] == [tuple(o[field] for field in ORDER_FIELDS) for o in reversed(flow.orders.values()) if o["account"] == account]
    history.close()


def nonzero(balances: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    found = {account: {asset: n for asset, n in sorted(assets.items()) if n} for account, assets in balances.items()}
    return {account: assets for account, assets in found.items() if assets}


async def test_sums_at_any_position(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = Flow(5, shards=SHARDS)
    expected = []
    for _ in range(4):
        for _ in range(15):
            flow.step()
        flow.flush()
        through = {shard: len(flow.logs[events_log(shard)]) for shard in (1, 2)}
        position = {"journal": len(flow.logs[JOURNAL]), "events_through": through}
        expected.append((position, nonzero(flow.balances)))
    history = fill(History(tmp_path / "history.duckdb", SHARDS), flow, random.Random(5))
    answers = Answers(history)
    for position, balances in expected:
        state = await answers.sums("admin.history", encode(position))
        assert isinstance(state, HistoryState)
        assert state.complete
        assert state.through == {log: len(payloads) for log, payloads in flow.logs.items()}
        assert set(state.sums.values()) == {0}
        assert state.balances == balances
    monkeypatch.setattr("ledger.history_answers.BALANCES_MAX", 9)
    position, balances = expected[1]
    pages, after = {}, ""
    while True:
        state = await answers.sums("admin.history", encode(position | {"after": after}))
        assert isinstance(state, HistoryState)
        pages.update(state.balances)
        if state.complete:
            break
        after = list(state.balances)[-1]
    assert pages == balances
    history.close()


async def test_a_position_that_does_not_come_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.history_answers.REACH_SECONDS_MAX", 0.01)
    history, flow = build(tmp_path, 5, steps=3)
    for question in (
        {"journal": len(flow.logs[JOURNAL]) + 1, "events_through": {}},
        {"journal": 10**40, "events_through": {}},
        {"journal": 1, "events_through": {3: 1}},
    ):
        answer = await Answers(history).sums("admin.history", encode(question))
        assert isinstance(answer, Refused)
        assert answer.reason == "busy"
    assert isinstance(await Answers(history).sums("", encode({"journal": 0, "events_through": {10**12: 0}})), HistoryState)
    negative = await Answers(history).sums("", encode({"journal": 1, "events_through": {1: -(10**40)}}))
    assert isinstance(negative, Refused)
    assert negative.reason == "malformed"
    history.close()


async def test_a_question_waits_for_its_position(tmp_path: Path) -> None:
    history, flow = build(tmp_path, 5, steps=3)
    before = len(flow.logs[JOURNAL])
    flow.step()
    position = {"journal": before + 1, "events_through": {}}
    asked = asyncio.create_task(Answers(history).sums("admin.history", encode(position)))
    await asyncio.sleep(0)
    history.apply({JOURNAL: flow.logs[JOURNAL][before:]})
    await asyncio.sleep(0)
    assert not asked.done()
    if write := history.seal():
        await asyncio.to_thread(write)
    state = await asked
    assert isinstance(state, HistoryState)
    assert state.through[JOURNAL] == before + 1
    history.close()


async def test_an_answer_contains_what_was_applied_before_the_question(tmp_path: Path) -> None:
    flow = Flow(6, shards=SHARDS)
    for _ in range(30):
        flow.step()
    flow.flush()
    history = History(tmp_path / "history.duckdb", SHARDS)
    history.apply(flow.logs)
    account = flow.accounts[0]
    asked = asyncio.create_task(Answers(history).fills(f"api.{account}.fills", b'{"limit":1000}'))
    await asyncio.sleep(0)
    write = history.seal()
    assert write
    assert not asked.done()
    await asyncio.to_thread(write)
    fills = await asked
    assert isinstance(fills, list)
    assert len(fills) == len(flow.fills[account]) > 0
    history.close()


@pytest.mark.parametrize(
    ("payload", "reason", "word"),
    [
        (b'{"limit":0}', "malformed", "limit"),
        (b'{"limit":1001}', "malformed", "limit"),
        (b'{"limit":%d}' % 10**40, "malformed", "limit"),
        (b'{"before":-1}', "malformed", "before"),
        (b'{"before":%d}' % 2**63, "malformed", "before"),
        (b'{"symbol":"NONE"}', "unknown_symbol", "NONE"),
        (b'{"symbol":"trader-1"}', "unknown_symbol", "trader-1"),
        (b'{"symbol":"\'; DROP TABLE placed; --"}', "unknown_symbol", "DROP"),
    ],
)
async def test_bad_questions_are_refused_in_words(tmp_path: Path, payload: bytes, reason: str, word: str) -> None:
    history, _ = build(tmp_path, 1, steps=3)
    for handler in (Answers(history).fills, Answers(history).orders):
        answer = await handler("api.trader-1.fills", payload)
        assert isinstance(answer, Refused)
        assert answer.reason == reason
        assert word in answer.detail
    for payload in (b"[", b'{"limit":"x"}', b"[1]", b"\xff"):
        with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)):
            await Answers(history).fills("api.trader-1.fills", payload)
    history.close()


async def test_an_account_without_past(tmp_path: Path) -> None:
    history, _ = build(tmp_path, 1, steps=3)
    assert await Answers(history).fills("api.nobody.fills", b"") == []
    assert await Answers(history).orders("api.nobody.history", b"{}") == []
    history.close()
