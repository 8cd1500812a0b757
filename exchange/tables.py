"""Rows as a file's content: CSV, Parquet, or an Arrow stream. Imports DuckDB: for the workers that have it, and on demand."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_type_hints

import duckdb
import msgspec
import nanoarrow
import nanoarrow.ipc
import numpy

from .messages.market_data import Format


def encode_table(rows: Sequence[Any], type_: type[msgspec.Struct], format_: Format) -> bytes:
    """Messages of one type as a file: a column for each field, numbers as 64-bit integers (in CSV as they are).

    `format_` is any but `json`.
    """
    hints = get_type_hints(type_)
    columns: dict[str, Any] = {}
    for name in type_.__struct_fields__:
        values = [getattr(row, name) for row in rows]
        columns[name] = numpy.array(values, dtype=_column_type(hints[name], values))
    with duckdb.connect(config={"threads": 1}) as connection:
        if not columns or not rows:
            types = ", ".join(f"NULL::{_sql_type(hints[name])} AS {name}" for name in columns)
            relation = connection.sql(f"SELECT {types} LIMIT 0")
        else:
            relation = connection.sql("SELECT * FROM columns")
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


def _column_type(hint: Any, values: list[Any]) -> Any:
    if hint is bool:
        return numpy.bool_
    if hint is int:
        small = all(-(2**63) <= value < 2**63 for value in values)
        return numpy.int64 if small else numpy.float64  # A turnover of a long period may be larger than any column.
    return numpy.object_


def _sql_type(hint: Any) -> str:
    return "BOOLEAN" if hint is bool else "BIGINT" if hint is int else "VARCHAR"
