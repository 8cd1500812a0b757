from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from exchange.database import Database, DatabaseError

SCHEMA = "CREATE TABLE things (number BIGINT, small INTEGER, yes BOOLEAN, text VARCHAR, huge HUGEINT);"
ROW = (2**63 - 1, -(2**31), True, "a\x00b ü '; --", str(2**100))


def test_rows_and_positions_come_back_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "test.duckdb"
    database = Database(path, SCHEMA, 1)
    assert database.positions == {}
    database.write({"things": [ROW, (1, 2, False, "", "-3")]}, {"LOG": (1, "x")})
    database.write({"things": []}, {"LOG": (2, "y"), "OTHER": (7, "z")})
    database.close()
    database = Database(path, SCHEMA, 1)
    assert database.positions == {"LOG": (2, "y"), "OTHER": (7, "z")}
    assert database.rows("FROM things ORDER BY number DESC") == [(*ROW[:4], 2**100), (1, 2, False, "", -3)]
    database.close()


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "test.duckdb", SCHEMA, 1)
    database.write({}, {"LOG": (1, "x")})
    with pytest.raises(OverflowError):
        database.write({"things": [ROW, (2**63, *ROW[1:])]}, {"LOG": (2, "y")})
    with pytest.raises(DatabaseError, match=r"test\.duckdb: .*nonsense"):
        database.write({"things": [ROW]}, {"LOG": (2, "y")}, {"nonsense": [(1,)]})
    assert database.rows("FROM things") == []
    assert database.positions == {"LOG": (1, "x")}
    database.write({"things": [ROW]}, {"LOG": (2, "y")})
    assert len(database.rows("FROM things")) == 1
    database.close()


async def test_questions_together_see_one_moment(tmp_path: Path) -> None:
    """Whatever is written while they run: the count and the position always belong together."""
    database = Database(tmp_path / "test.duckdb", SCHEMA, 1)

    def write() -> None:
        for number in range(1, 200):
            database.write({"things": [(number, 1, True, "", "0")]}, {"LOG": (number, "")})

    writing = asyncio.create_task(asyncio.to_thread(write))
    seen = set()
    while not writing.done():
        positions, ((count,),) = await database.ask_all(
            [("SELECT number FROM positions", []), ("SELECT count(*) FROM things", [])]
        )
        assert count == sum(number for (number,) in positions)
        seen.add(count)
    await writing
    assert len(seen) > 1
    database.close()


def test_another_version_is_refused_in_words(tmp_path: Path) -> None:
    Database(tmp_path / "test.duckdb", SCHEMA, 1).close()
    with pytest.raises(DatabaseError, match=r"version 1 of its tables, this program writes 2; move the file away"):
        Database(tmp_path / "test.duckdb", SCHEMA, 2)
    Database(tmp_path / "test.duckdb", SCHEMA, 1).close()


def test_a_missing_directory_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError) as caught:
        Database(tmp_path / "missing" / "test.duckdb", SCHEMA, 1)
    assert "\n" not in str(caught.value)
