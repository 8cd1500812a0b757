"""The operator's SQL is confined: every way out is tried. Exports and statements hold what the history holds."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from exchange.messages.base import encode
from exchange.messages.library import Exported, ExportQuestion, SqlAnswer, SqlQuestion, Statement, StatementQuestion
from exchange.messages.requests import Refused
from ledger.history import History
from ledger.history_schema import EXPORTED
from ledger.library import Library
from ledger.statements import Statements
from tests.ledger.test_history import SHARDS, fill
from tests.oracle.flow import Flow


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[History, Flow]]:
    flow = Flow(3, shards=SHARDS)
    for _ in range(60):
        flow.step()
    flow.flush()
    history = fill(History(tmp_path_factory.mktemp("library") / "history.duckdb", SHARDS), flow, random.Random(3))
    yield history, flow
    history.close()


async def ask(history: History, query: str, seconds: float = 10.0) -> SqlAnswer | Refused:
    return await Library(history.database, seconds).sql("admin.sql", encode(SqlQuestion(query)))


async def test_what_may_be_asked(filled: tuple[History, Flow]) -> None:
    history, flow = filled
    for query, rows in (
        ("SELECT count(*) AS orders FROM orders", [[len(flow.orders)]]),
        ("SELECT count(*) FROM orders ; ", [[len(flow.orders)]]),
        ("SELECT count(*) FROM orders -- with a comment", [[len(flow.orders)]]),
        ("FROM accounts SELECT account ORDER BY account LIMIT 1", [["trader-0"]]),
        ("WITH x AS (SELECT 1 AS a) SELECT a, a FROM x UNION ALL SELECT 2, NULL ORDER BY 1 DESC", [[2, None], [1, 1]]),
        ("SELECT sum(range)::VARCHAR, DATE '2026-11-24', 'ü', true FROM range(5)", [["10", "2026-11-24", "ü", True]]),
        ("VALUES (1), (2)", [[1], [2]]),
        ("SELECT asset, sum(amount)::BIGINT FROM postings GROUP BY asset HAVING sum(amount) <> 0", []),
    ):  # fmt: skip
        answer = await ask(history, query)
        assert isinstance(answer, SqlAnswer), answer
        assert answer.rows == rows
        assert answer.complete
    tables = await ask(history, "SHOW TABLES")
    assert isinstance(tables, SqlAnswer)
    assert ["trades"] in tables.rows


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_blob('{path}')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM '/etc/passwd.csv'",
        "SELECT * FROM '{exports}/x.csv'",
        "SELECT * FROM read_csv('{exports}/x.csv')",
        "SELECT (SELECT count(*) FROM read_csv('/etc/passwd'))",
        "WITH x AS (SELECT * FROM parquet_scan('/etc/passwd')) SELECT 1 FROM x",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT * FROM query('SELECT * FROM read_text(''/etc/passwd'')')",
        "SELECT * FROM query_table('/etc/passwd')",
        "SELECT * FROM duckdb_secrets()",
        "SELECT getenv('HOME')",
        "SELECT current_setting('temp_directory')",
        "SELECT upper(Current_Setting('home_directory')) FROM names",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM duckdb_extensions()",
        "SELECT * FROM pragma_database_list()",
        "SELECT * FROM duckdb_databases()",
        "SELECT * FROM duckdb_temporary_files()",
        "LOAD '{directory}/x.duckdb_extension'",
        "INSTALL httpfs FROM 'https://example.com'",
        "SELECT * FROM read_csv('https://example.com/x.csv')",
        "SELECT * FROM 'https://example.com/x.csv'",
        "ATTACH '{directory}/other.duckdb'",
        "ATTACH ':memory:' AS m",
        "INSTALL httpfs",
        "LOAD httpfs",
        "COPY trades TO '{directory}/x.csv'",
        "COPY trades TO '{exports}/x.csv'",
        "COPY traded FROM '/etc/passwd'",
        "EXPORT DATABASE '{directory}/x'",
        "INSERT INTO names VALUES (99, 'x')",
        "UPDATE names SET name = 'x'",
        "DELETE FROM names",
        "DROP TABLE names",
        "CREATE TABLE x (a INTEGER)",
        "CREATE TEMP TABLE x (a INTEGER)",
        "CREATE MACRO m(a) AS a",
        "WITH x AS (DELETE FROM names RETURNING *) SELECT * FROM x",
        "SELECT 1; DELETE FROM names",
        "SELECT 1) ; DELETE FROM names; SELECT * FROM (SELECT 1",
        "SET memory_limit = '100GB'",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "PRAGMA database_list",
        "CALL force_checkpoint()",
        "SELECT * FROM force_checkpoint()",
        "CHECKPOINT",
        "COMMIT",
        "USE memory",
        "DETACH history",
        "EXPLAIN ANALYZE DELETE FROM names",
        "SELECT * FROM arrived_rows",
        "SELECT * FROM flow",
        "",
        ";",
        "not SQL",
        "SELECT 1 FROM names WHERE",
        "SELECT '" + "x" * 20_001 + "'",
    ],
)
async def test_what_is_refused(filled: tuple[History, Flow], query: str) -> None:
    history, _ = filled
    directory = history.database.exports.parent
    before = history.database.rows("SELECT * FROM names ORDER BY id")
    files = sorted(directory.rglob("*"))
    exports = history.database.exports
    exports.mkdir(parents=True, exist_ok=True)
    (exports / "x.csv").write_text("a,b\n1,2\n")
    answer = await ask(history, query.format(directory=directory, exports=exports, path=directory / "history.duckdb"))
    (exports / "x.csv").unlink()
    exports.rmdir()
    assert isinstance(answer, Refused), answer
    assert answer.reason in ("not_allowed", "sql", "malformed")
    assert answer.detail
    assert "\n" not in answer.detail
    assert history.database.rows("SELECT * FROM names ORDER BY id") == before
    assert [path for path in sorted(directory.rglob("*")) if path != exports] == [path for path in files if path != exports]


async def test_what_takes_minutes_is_stopped_and_writing_goes_on(filled: tuple[History, Flow]) -> None:
    history, _ = filled
    endless = "SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE (a.range * b.range) % 7 = 3"
    answer = await ask(history, endless, seconds=0.2)
    assert isinstance(answer, Refused)
    assert answer.reason == "too_long"
    recursive = "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT sum(n) FROM r"
    answer = await ask(history, recursive, seconds=0.2)
    assert isinstance(answer, Refused)
    history.database.write({}, history.database.positions)
    assert isinstance(await ask(history, "SELECT 1"), SqlAnswer)


async def test_large_answers_are_cut_and_say_so(filled: tuple[History, Flow]) -> None:
    history, _ = filled
    many = await ask(history, "SELECT range FROM range(1000000)")
    assert isinstance(many, SqlAnswer)
    assert (len(many.rows), many.complete) == (10_000, False)
    wide = await ask(history, "SELECT repeat('x', 100000) FROM range(100)")
    assert isinstance(wide, SqlAnswer)
    assert not wide.complete
    assert len(encode(wide)) < 1_000_000
    huge = await ask(history, "SELECT string_agg(repeat('x', 10000), '') FROM range(1000000)")
    assert isinstance(huge, Refused), "more memory than there is"
    assert isinstance(await ask(history, "SELECT 1"), SqlAnswer)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
async def test_an_export_holds_all_of_it(filled: tuple[History, Flow], kind: str) -> None:
    history, flow = filled
    exported = await Library(history.database).export("admin.export", encode(ExportQuestion(kind)))  # type: ignore[arg-type]
    assert isinstance(exported, Exported)
    assert exported.through == {log: len(payloads) for log, payloads in flow.logs.items()}
    assert set(exported.files) == {f"{name}.{kind}" for name in EXPORTED}
    reader = duckdb.connect()
    for name in EXPORTED:
        path = Path(exported.directory) / f"{name}.{kind}"
        ((count,),) = reader.execute(f"SELECT count(*) FROM '{path}'").fetchall()
        assert exported.files[path.name] == count == history.database.rows(f"SELECT count(*) FROM {name}")[0][0]
    columns = "order_id, account, symbol, side, price, quantity, filled, status"
    orders = reader.execute(f"SELECT {columns} FROM '{exported.directory}/orders.{kind}' ORDER BY 1").fetchall()
    assert orders == history.database.rows(f"SELECT {columns} FROM orders ORDER BY 1")
    reader.close()


async def test_a_statement_adds_up(filled: tuple[History, Flow], monkeypatch: pytest.MonkeyPatch) -> None:
    history, flow = filled
    monkeypatch.setattr("ledger.statements.ROWS_MAX", 7)
    statements = Statements(history)
    times = sorted(time for trades in flow.trades.values() for _, time in trades)
    begin, middle, end = 0, times[len(times) // 2], times[-1] + 1
    for account in flow.accounts:
        balances: dict[str, int] = defaultdict(int)
        rows = 0
        for start, until in ((begin, middle), (middle, end), (end, end)):
            after = 0
            while True:
                question = StatementQuestion(start, until, after)
                told = await statements.own(f"api.{account}.statement", encode(question))
                assert isinstance(told, Statement)
                if not after:
                    assert told.opening == {asset: amount for asset, amount in sorted(balances.items()) if amount}
                for posting in told.postings:
                    assert start <= posting.time < until
                    balances[posting.asset] += posting.amount
                    assert posting.balance == balances[posting.asset]
                after += len(told.postings)
                if told.complete:
                    break
            assert told.closing == {asset: amount for asset, amount in sorted(balances.items()) if amount}
            rows += after
        assert dict(balances) == {asset: amount for asset, amount in flow.balances[account].items() if asset in balances}
        ((count,),) = history.database.rows("SELECT count(*) FROM postings WHERE account = ?", [account])
        assert rows == count
        same = await statements.any("", encode(StatementQuestion(0, middle, account=account)))
        assert same == await statements.own(f"api.{account}.statement", encode(StatementQuestion(0, middle)))
    for question, reason in ((StatementQuestion(2, 1), "malformed"), (StatementQuestion(0, 2**63), "malformed")):
        refused = await statements.own("api.trader-1.statement", encode(question))
        assert isinstance(refused, Refused)
        assert refused.reason == reason
    assert isinstance(await statements.own("api.nobody.statement", encode(StatementQuestion(0, 1))), Refused)
