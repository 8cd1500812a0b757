"""Where hosted bots outlive their worker: one SQLite file in the data directory, written before anything is sent.

Not a JetStream bucket: a put there is a message and an fsync for each bot, while here all bots that changed in one turn share
one transaction and one fsync; and the user `bots`, which may speak for every account, needs no rights on streams for it.
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

STORE_FILE: Final = "bots.sqlite"
"""In the data directory."""

_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS bots (
        account TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL, state BLOB NOT NULL, PRIMARY KEY (account, name)
    ) STRICT, WITHOUT ROWID
"""
_PUT: Final = "INSERT INTO bots VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET text = excluded.text, state = excluded.state"


class Record(NamedTuple):
    """One bot."""

    account: str
    name: str
    text: str
    """Its file."""
    state: bytes


class Store:
    """The file. One process at a time: a second one fails to open it."""

    def __init__(self, path: Path) -> None:
        """Raises sqlite3.Error."""
        self._lock = path.with_suffix(".lock").open("a")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # SQLite's own would keep a backup from reading, too.
        except BlockingIOError:
            raise sqlite3.OperationalError(f"{path} is used by another process") from None
        self._database = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.execute(_TABLE)

    def load(self) -> list[Record]:
        """All bots."""
        rows = self._database.execute("SELECT account, name, text, state FROM bots ORDER BY account, name")
        return [Record(*row) for row in rows]

    def put(self, records: Iterable[Record]) -> None:
        """Store bots, all of them or none. On disk when this returns."""
        self._database.execute("BEGIN")
        try:
            self._database.executemany(_PUT, records)
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def delete(self, account: str, name: str) -> None:
        """Forget a bot."""
        self._database.execute("DELETE FROM bots WHERE account = ? AND name = ?", (account, name))

    def close(self) -> None:
        """Let another process have it."""
        self._database.close()
        self._lock.close()
