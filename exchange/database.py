"""A DuckDB file that one worker writes: rows arrive many at a time, and with them how far the logs are contained.

Only one process may hold such a file, so whoever wants to know asks the worker that has it. Imported by the workers that
need it and by nobody else: DuckDB costs 0.1 s and 30 MB.
"""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, NamedTuple

import duckdb
import numpy

from .metrics import CACHE, READ, ROWS, STORE

Row = tuple[Any, ...]
Numbers = numpy.ndarray[tuple[int, int], numpy.dtype[numpy.int64]]


class NumbersAndText(NamedTuple):
    """Rows of a table with one column of text, which stands at `column`; the numbers leave it out."""

    numbers: Numbers
    column: int
    text: list[str]


Rows = Sequence[Row] | Numbers | NumbersAndText
"""Rows of a table; as a block of integers where columns are numbers, which costs a fifth."""
Parameters = Sequence[Any] | Mapping[str, Any]
Positions = dict[str, tuple[int, str]]
"""Per log, number and digest of the last batch contained."""

READERS: Final = 2
"""Questions answered at a time; the others wait for their turn, in order."""
CONFIG: Final[dict[str, str | bool | int | float | list[str]]] = {
    "threads": 1,  # Besides the threads that ask: a worker has one core, not all of them.
    # Blocks stay in memory until it is used up; what a question needs beyond goes to a temporary directory beside the file.
    "memory_limit": "512MB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "max_temp_directory_size": "8GB",  # However large a question's sort is.
}
EXPORTS: Final = "exports"
"""Beside the file: the only directory that the database may write to, or read, besides itself."""
COLUMN_TYPES: Final[dict[str, Any]] = {
    "BOOLEAN": numpy.bool_,
    "INTEGER": numpy.int32,
    "BIGINT": numpy.int64,
}
"""SQL type → NumPy type; all others travel as Python objects. Columns of numbers are four times as fast as columns of text."""
NO_ROOM: Final = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT))
"""What DuckDB quotes of the system when there is no room."""
ARRIVED: Final = "arrived_rows"
BASE_SCHEMA: Final = """
    CREATE TABLE version (number INTEGER);
    CREATE TABLE positions (log VARCHAR, number BIGINT, digest VARCHAR);
"""


class DatabaseError(Exception):
    """The database file cannot be used: in use, damaged, of another version, or the disk is full. One line for people."""


class DiskFull(DatabaseError):
    """There is no room for what is to be written. What was written before is still there, and the rest is in the logs."""


class OlderVersion(DatabaseError):
    """The file was made by an older program; `version` is that of its tables."""

    def __init__(self, message: str, version: int) -> None:
        super().__init__(message)
        self.version = version


class Database:
    """An open database file with the tables of `schema`. Raises DatabaseError."""

    def __init__(self, path: Path, schema: str, version: int) -> None:
        self._path = path
        with self._one_line():
            self._writer = duckdb.connect(str(path), config=CONFIG)
            if not self._writer.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'version'").fetchall():
                self._writer.begin()
                self._writer.execute(BASE_SCHEMA + schema)
                self._writer.execute("INSERT INTO version VALUES (?)", [version])
                self._writer.commit()
            ((found,),) = self._writer.execute("SELECT number FROM version").fetchall()
            if found != version:
                self._writer.close()
                problem = f"{path}: has version {found} of its tables, this program writes {version}; "
                if found < version:
                    raise OlderVersion(problem + "move the file away and it will be made again from the logs", found)
                raise DatabaseError(problem + "it was made by a newer program")
            self._types: dict[str, list[Any]] = {}
            for table, kind in self._writer.execute(
                "SELECT table_name, data_type FROM duckdb_columns() WHERE NOT internal ORDER BY table_name, column_index"
            ).fetchall():
                self._types.setdefault(table, []).append(COLUMN_TYPES.get(kind, numpy.object_))
            self._confine()
            self._readers: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
            for _ in range(READERS):
                self._readers.put(self._writer.cursor())
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self._meter = self._writer.cursor()
        CACHE.labels(self.name).set_function(self._memory)

    def _confine(self) -> None:
        """For good: no file, network or extension, whatever a query says. What was opened before stays usable."""
        self._writer.execute(f"SET allowed_directories = ['{_quoted(self.exports)}']")
        self._writer.execute("SET enable_external_access = false")
        self._writer.execute("SET lock_configuration = true")

    @property
    def exports(self) -> Path:
        """Where COPY may write."""
        return (self._path.parent / EXPORTS / self.name).absolute()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """One more reader, for its owner alone."""
        return self._writer.cursor()

    @property
    def positions(self) -> Positions:
        """How far the logs are contained."""
        return {log: (number, digest) for log, number, digest in self.rows("SELECT log, number, digest FROM positions")}

    def write(
        self,
        inserts: Mapping[str, Rows],
        positions: Positions,
        replaces: Mapping[str, Rows] | None = None,
    ) -> None:
        """One durable transaction: rows to append per table, the new positions, and the new content of (small) tables."""
        contents: dict[str, Rows] = {
            "positions": [(log, number, digest) for log, (number, digest) in positions.items()],
            **(replaces or {}),
        }
        with self._one_line(), STORE.labels(self.name).time():
            self._writer.begin()
            try:
                for table, rows in inserts.items():
                    self._append(table, rows)
                for table, rows in contents.items():
                    self._writer.execute(f"DELETE FROM {table}")
                    self._append(table, rows)
                self._writer.commit()
                ROWS.labels(self.name).inc(sum(map(len, inserts.values())))
            except BaseException:
                with suppress(duckdb.Error):  # A failed commit has rolled back already.
                    self._writer.rollback()
                raise

    def rows(self, query: str, parameters: Parameters = ()) -> list[Row]:
        """Rows of a query; blocks. Everything `write` has returned from is in it."""
        return self._read([(query, parameters)])[0]

    async def ask(self, query: str, parameters: Parameters = ()) -> list[Row]:
        """Rows of a query, computed in a thread."""
        return (await self.ask_all([(query, parameters)]))[0]

    async def ask_all(self, queries: Sequence[tuple[str, Parameters]]) -> list[list[Row]]:
        """Rows of several queries that see the same moment, computed in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, queries)

    def copy(self) -> Path:
        """A new file in `exports` with everything as of one moment, while rows arrive; blocks. Raises DatabaseError."""
        self.exports.mkdir(parents=True, exist_ok=True)
        path = self.exports / f"copy-{secrets.token_hex(8)}.duckdb"
        with self._one_line(), closing(self._writer.cursor()) as cursor:
            cursor.execute(f"ATTACH '{_quoted(path)}' AS copied")
            try:
                cursor.execute(f'COPY FROM DATABASE "{self.name}" TO copied')
            except duckdb.Error:
                path.unlink(missing_ok=True)
                raise
            finally:
                cursor.execute("DETACH copied")
        return path

    @property
    def name(self) -> str:
        """`history`, `ticks-2`."""
        return self._path.stem

    def close(self) -> None:
        """Close the file; DuckDB then folds its log into it."""
        CACHE.remove(self.name)
        self._threads.shutdown()
        self._meter.close()
        while not self._readers.empty():
            self._readers.get().close()
        with self._one_line():
            self._writer.close()

    def _memory(self) -> float:
        """Bytes; called in the thread that hands out metrics."""
        row = self._meter.execute("SELECT sum(memory_usage_bytes) FROM duckdb_memory()").fetchone()
        return float(row[0]) if row else 0.0

    def _append(self, table: str, rows: Rows) -> None:
        if not len(rows.text if isinstance(rows, NumbersAndText) else rows):
            return
        if isinstance(rows, NumbersAndText):
            values = _columns(rows.numbers)
            values.insert(rows.column, numpy.array(rows.text, dtype=numpy.object_))
        elif isinstance(rows, numpy.ndarray):
            values = _columns(rows)
        else:
            types = self._types[table]
            values = [numpy.array(column, dtype=types[index]) for index, column in enumerate(zip(*rows, strict=True))]
        self._writer.register(ARRIVED, {f"column_{index}": column for index, column in enumerate(values)})
        self._writer.execute(f"INSERT INTO {table} SELECT * FROM {ARRIVED}")
        self._writer.unregister(ARRIVED)

    def _read(self, queries: Sequence[tuple[str, Parameters]]) -> list[list[Row]]:
        reader = self._readers.get()
        try:
            reader.begin()
            try:
                with READ.labels(self.name).time():
                    return [reader.execute(query, parameters).fetchall() for query, parameters in queries]
            finally:
                reader.rollback()
        finally:
            self._readers.put(reader)

    @contextmanager
    def _one_line(self) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            words = f"{self._path}: {' '.join(str(error).split())}"
            if any(strerror in words for strerror in NO_ROOM):
                raise DiskFull(
                    f"the disk is full; the market goes on, and this catches up when there is room ({words})"
                ) from error
            raise DatabaseError(words) from error


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _columns(numbers: Numbers) -> list[Any]:
    return [numpy.ascontiguousarray(numbers[:, index]) for index in range(numbers.shape[1])]
