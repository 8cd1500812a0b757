"""The operator's SQL over the history, and exports of it, while the market runs.

Three walls stand around the SQL: one SELECT statement that calls no table function but those of FUNCTIONS, in a transaction
that is read-only, in a database that may open nothing but its own file (exchange/database.py). Time and size are bounded.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import duckdb
import msgspec

from exchange.database import Database
from exchange.messages.base import decoder, encode
from exchange.messages.library import Exported, ExportQuestion, SqlAnswer, SqlQuestion
from exchange.messages.requests import Refused
from exchange.questions import Questions
from exchange.subjects import admin

from .history_schema import EXPORTED

SQL: Final = admin("sql")
EXPORT: Final = admin("export")
SECONDS_MAX: Final = 10.0
ROWS_MAX: Final = 10_000
BYTES_MAX: Final = 800_000
"""Of an answer, so that it fits into a message; more rows are left out."""
QUERY_LENGTH_MAX: Final = 20_000
ROWS_AT_A_TIME: Final = 500
FUNCTIONS: Final = frozenset({"range", "generate_series", "unnest", "duckdb_tables", "duckdb_views", "duckdb_columns"})
"""Table functions that read nothing but the database; all others (read_csv, glob, sniff_csv …) are refused by name."""
TELLING: Final = frozenset({"current_setting"})
"""Scalar functions that tell of the machine."""
FORMATS: Final = {"parquet": "FORMAT parquet, COMPRESSION zstd", "csv": "FORMAT csv, HEADER"}

_decode_sql: Final = decoder(SqlQuestion).decode
_decode_export: Final = decoder(ExportQuestion).decode


class Library:
    """The historian's answers to admin.sql and admin.export."""

    def __init__(self, database: Database, seconds_max: float = SECONDS_MAX) -> None:
        self._database = database
        self._seconds_max = seconds_max
        self._one_query = asyncio.Lock()
        self._one_export = asyncio.Lock()

    async def open(self, questions: Questions) -> None:
        """Answer from now on."""
        await questions.answer(SQL, self.sql)
        await questions.answer(EXPORT, self.export)

    async def sql(self, _: str, payload: bytes) -> SqlAnswer | Refused:
        """admin.sql, one at a time."""
        query = _decode_sql(payload).query
        if len(query) > QUERY_LENGTH_MAX:
            return Refused("malformed", f"a query has at most {QUERY_LENGTH_MAX} characters")
        async with self._one_query:
            return await asyncio.to_thread(self._query, query)

    def _query(self, query: str) -> SqlAnswer | Refused:
        with self._cursor() as cursor:
            timer = threading.Timer(self._seconds_max, cursor.interrupt)
            timer.start()
            try:
                if problem := _problem(cursor, query):
                    return Refused("not_allowed", problem)
                # Said again by DuckDB itself, without comments; fetched bit by bit, which a relation cannot do.
                cursor.execute(cursor.sql(query.strip().rstrip(";")).limit(ROWS_MAX + 1).sql_query())
                return _answer(cursor)
            except duckdb.InterruptException:
                return Refused("too_long", f"the query took longer than {self._seconds_max:g} s and was stopped")
            except duckdb.Error as error:
                return Refused("sql", " ".join(str(error).split())[:1_000])
            finally:
                timer.cancel()

    async def export(self, _: str, payload: bytes) -> Exported | Refused:
        """admin.export, one at a time."""
        question: ExportQuestion = _decode_export(payload or b"{}")
        if self._one_export.locked():
            return Refused("busy", "another export is being written; try again when it is done")
        async with self._one_export:
            directory = self._database.exports / secrets.token_hex(8)
            try:
                return await asyncio.to_thread(self._export, directory, question.format)
            except (duckdb.Error, OSError) as error:
                shutil.rmtree(directory, ignore_errors=True)
                return Refused("export", f"the export could not be written: {' '.join(str(error).split())[:500]}")

    def _export(self, directory: Path, kind: str) -> Exported:
        shutil.rmtree(directory.parent, ignore_errors=True)  # Whatever an asker did not take away.
        directory.mkdir(parents=True)
        files: dict[str, int] = {}
        with self._cursor() as cursor:
            for name in EXPORTED:
                path = str(directory / f"{name}.{kind}").replace("'", "''")
                ((files[f"{name}.{kind}"],),) = cursor.execute(f"COPY {name} TO '{path}' ({FORMATS[kind]})").fetchall()
            through = dict(cursor.execute("SELECT log, number FROM positions").fetchall())
        return Exported(str(directory), files, through)

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that sees one moment and changes nothing."""
        cursor = self._database.cursor()
        try:
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            yield cursor
        finally:
            with suppress(duckdb.Error):
                cursor.rollback()
            cursor.close()


def _problem(cursor: duckdb.DuckDBPyConnection, query: str) -> str:
    """Why the query may not be asked, in words; empty when it may. Raises duckdb.Error for what is no SQL."""
    statements = duckdb.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        return "one SELECT statement may be asked, and nothing that changes, loads or configures anything"
    ((tree,),) = cursor.execute("SELECT json_serialize_sql($query)", {"query": statements[0].query}).fetchall()
    called = set(_not_allowed(msgspec.json.decode(tree)))
    return f"{', '.join(sorted(called))}: a query reads the history's tables and views, nothing else" if called else ""


def _not_allowed(tree: Any) -> Iterator[str]:
    """Names of functions that may not be called, and of tables that may be files, however deep."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if node.get("type") == "TABLE_FUNCTION":
                name = str(node["function"]["function_name"]).lower()
                if name not in FUNCTIONS:
                    yield name
            if node.get("type") == "FUNCTION" and str(node["function_name"]).lower() in TELLING:
                yield str(node["function_name"]).lower()
            if node.get("type") == "BASE_TABLE" and not node["table_name"].isidentifier():
                yield node["table_name"]
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _answer(cursor: duckdb.DuckDBPyConnection) -> SqlAnswer:
    columns = [column[0] for column in cursor.description or []]
    rows: list[list[Any]] = []
    size = 0
    while found := cursor.fetchmany(ROWS_AT_A_TIME):
        for row in found:
            plain = [_plain(value) for value in row]
            size += len(encode(plain))
            if len(rows) == ROWS_MAX or size > BYTES_MAX:
                return SqlAnswer(columns, rows, False)
            rows.append(plain)
    return SqlAnswer(columns, rows, True)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
