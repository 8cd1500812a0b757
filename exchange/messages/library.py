"""Questions about the past that need more than a page: statements, the operator's SQL, and exports; all to the historian."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class StatementQuestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """Asks api.<account>.statement for what was posted to the account from `start` until before `end` (nanoseconds).

    At most 1,000 rows at a time, oldest first; `after` leaves out so many.
    """

    start: int
    end: int
    after: int = 0
    account: str = ""
    """admin.statement only."""


class Posting(msgspec.Struct, frozen=True):
    """One change of one balance."""

    time: int
    kind: Literal["transfer", "trade", "fee"]
    asset: str
    amount: int
    balance: int
    """Of the asset, after it."""
    symbol: str
    """trade and fee: of the trade."""
    price: int
    reason: str
    """transfer: why."""
    journal: int
    """Number of the journal batch that holds it or caused it."""
    shard: int
    """trade and fee: whose event batch it stands in …"""
    batch: int


class Statement(msgspec.Struct, frozen=True):
    """The answer."""

    account: str
    opening: dict[str, int]
    """Asset → balance at `start`."""
    closing: dict[str, int]
    """Asset → balance at `end`, or as far as the history goes."""
    postings: list[Posting]
    complete: bool
    """False when more follow."""


class SqlQuestion(msgspec.Struct, frozen=True):
    """admin.sql: one SELECT over the tables and views of ledger/history_schema.py."""

    query: str


class SqlAnswer(msgspec.Struct, frozen=True):
    """Its rows."""

    columns: list[str]
    rows: list[list[Any]]
    complete: bool
    """False when there were more than an answer holds."""


class ExportQuestion(msgspec.Struct, frozen=True):
    """admin.export: all of the history as files, as of one moment."""

    format: Literal["parquet", "csv"] = "parquet"


class CopyQuestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """admin.copy.<file>: without an offset a copy of a sink's database is made, with one the bytes from there on are asked for.

    A piece is answered as MessagePack's bytes; behind the end it is empty, and the copy is given up.
    """

    offset: int | None = None


class Copied(msgspec.Struct, frozen=True):
    """A copy was made, as of one moment."""

    bytes: int


class Exported(msgspec.Struct, frozen=True):
    """The files lie in a directory of the historian's machine, for the asker to take away."""

    directory: str
    files: dict[str, int]
    """Name → rows."""
    through: dict[str, int]
    """Per log, number of the last batch that they contain."""
