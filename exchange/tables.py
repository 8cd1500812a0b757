"""Rows as a file's content: CSV, Parquet, or an Arrow stream. Imports DuckDB: for the workers that have it, and on demand."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, get_type_hints

import duckdb
import msgspec
import nanoarrow
import nanoarrow.ipc
import numpy

from .messages.market_data import Format

BIGINT_MAX: Final = 2**63 - 1
NUMPY_TYPES: Final[dict[str, Any]] = {"BOOLEAN": numpy.bool_, "BIGINT": numpy.int64}
"""All others travel as objects."""


def encode_table(rows: Sequence[Any], type_: type[msgspec.Struct], format_: Format) -> bytes:
    """Messages of one type as a file: a column for each field, numbers as 64-bit integers.

    Where one is larger, as the turnover of a long period may be, all of its column are decimals of 38 digits. `format_` is any
    but `json`.
    """
    hints = get_type_hints(type_)
    columns: dict[str, Any] = {}
    casts: list[str] = []
    for name in type_.__struct_fields__:
        values = [getattr(row, name) for row in rows]
        sql = {bool: "BOOLEAN", int: "BIGINT"}.get(hints[name], "VARCHAR")
        if sql == "BIGINT" and any(abs(value) > BIGINT_MAX for value in values):
            sql, values = "DECIMAL(38, 0)", [str(value) for value in values]
        columns[name] = numpy.array(values, dtype=NUMPY_TYPES.get(sql, numpy.object_))
        casts.append(f"{name}::{sql} AS {name}" if rows else f"NULL::{sql} AS {name}")
    source = "FROM columns" if rows else "LIMIT 0"  # An empty column of objects has no type that DuckDB could read.
    with duckdb.connect(config={"threads": 1}) as connection:
        relation = connection.sql(f"SELECT {', '.join(casts)} {source}")
        if format_ == "arrow":
            buffer = io.BytesIO()
            with nanoarrow.ipc.StreamWriter.from_writable(buffer) as writer:
                writer.write_stream(nanoarrow.ArrayStream(relation))
            return buffer.getvalue()
        with tempfile.TemporaryDirectory(prefix="exchange-") as directory:
            path = Path(directory) / "page"
            options = "FORMAT csv, HEADER true" if format_ == "csv" else "FORMAT parquet"
            relation.query("page", f"COPY page TO '{path}' ({options})")
            return path.read_bytes()
