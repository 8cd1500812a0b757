"""The ledger's history: rows folded from all logs (history_rows.py), in a DuckDB file.

Whatever the fold depends on is read back from the rows at start, so rows and positions, written in one transaction, are the
whole state: a batch is in the file once or, after a crash, not yet.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from exchange.database import Database, OlderVersion, Positions
from exchange.digest import digest
from exchange.messages.journal import Fees
from exchange.sink import SinkBehind
from exchange.stage import Batches
from exchange.subjects import JOURNAL, events_log

from .history_rows import OpenOrder, Rows
from .history_schema import SCHEMA, VERSION

log = logging.getLogger(__name__)

FILE: Final = "history.duckdb"


def file_name(worker: int) -> str:
    """The file of the first, second, … worker on a data directory."""
    return FILE if worker == 1 else f"history-{worker}.duckdb"


def open_file(path: Path, logs_whole: bool) -> Database:
    """The database of a history. An older program's is set aside and a new one begun, if all of it is in the logs."""
    try:
        return Database(path, SCHEMA, VERSION)
    except OlderVersion as older:
        if not logs_whole:
            raise SinkBehind(f"{older}, but --keep cut them: go on with the program that made it") from None
        aside = path.with_name(f"{path.name}.version-{older.version}")
        path.replace(aside)
        log.warning("%s was made by an older program; it is %s now, and the logs are read again", path.name, aside.name)
        return Database(path, SCHEMA, VERSION)


class History:
    """The sink of the historian (see exchange/sink.py) over one database file. Raises DatabaseError."""

    name = "historian"

    def __init__(self, path: Path, shards: int, logs_whole: bool = True) -> None:
        self.database = open_file(path, logs_whole)
        self.shards = range(1, shards + 1)
        self.inputs = (*map(events_log, self.shards), JOURNAL)
        self.stored = self.database.positions
        self._positions: Positions = self.stored.copy()
        self._last_payloads: dict[str, bytes] = {}
        """Per log with batches since the last seal, the newest one."""
        self._rows = self._restore()
        self._applied = self._durable = 0
        """Calls of `apply` that made rows, and up to which of them all is durable."""
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._stepped = asyncio.Event()
        """Set by every `apply`."""

    @property
    def names(self) -> dict[str, int]:
        """Ids of accounts, symbols and words in the tables."""
        return self._rows.names

    def is_symbol(self, name: str) -> bool:
        """Whether a symbol of this name was ever defined."""
        return name in self._rows.fees

    def apply(self, inputs: Batches) -> None:
        """Fold batches into rows that wait for `seal`. The journal comes first: an event is always about older commands."""
        for payload in inputs.get(JOURNAL, ()):
            self._rows.apply_journal(payload)
        for log in sorted(inputs.keys() - {JOURNAL}):
            for payload in inputs[log]:
                self._rows.apply_events(log, payload)
        self._last_payloads.update({log: payloads[-1] for log, payloads in inputs.items() if payloads})
        self._applied += bool(self._rows)
        self._stepped.set()

    def seal(self) -> Callable[[], None] | None:
        """Take what waits; the result writes it."""
        if not self._last_payloads:
            return None
        for log, payload in self._last_payloads.items():
            self._positions[log] = (self._rows.through[log], digest(payload))
        self._last_payloads.clear()
        rows, positions, applied = self._rows.take(), self._positions.copy(), self._applied

        def write() -> None:
            self.database.write(rows, positions)
            self._durable = applied
            self.stored = positions
            if waiting := self._waiting:
                waiting[0][1].get_loop().call_soon_threadsafe(self._wake)

        return write

    async def settled(self) -> None:
        """Wait until all that was applied by now is in the file, so that whoever asks after a fill finds it."""
        if self._durable < self._applied:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append((self._applied, waiter))
            self._wake()  # The writing thread may have been done before it could see this waiter.
            await waiter

    async def reach(self, wanted: dict[str, int], seconds: float) -> bool:
        """Wait until the file contains these batches, log by log; False when it does not within some seconds."""
        try:
            async with asyncio.timeout(seconds):
                while any(self._rows.through.get(log, 0) < number for log, number in wanted.items()):
                    self._stepped.clear()
                    await self._stepped.wait()
                await self.settled()
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    def _wake(self) -> None:
        for applied, waiter in self._waiting:
            if applied <= self._durable and not waiter.done():
                waiter.set_result(None)
        self._waiting = [(applied, waiter) for applied, waiter in self._waiting if not waiter.done()]

    def _restore(self) -> Rows:
        rows = self.database.rows
        symbols = "SELECT n.name, d.maker_fee, d.taker_fee FROM defined d JOIN names n ON n.id = d.symbol ORDER BY d.rowid"
        open_orders = "SELECT order_id, account, remaining, filled, maker_fee, taker_fee, buy, queue_price, pair FROM resting"
        ((trades,),) = rows("SELECT coalesce(max(number), 0) FROM traded")
        return Rows(
            {log: number for log, (number, _) in self.stored.items()},
            {name: number for number, name in rows("SELECT id, name FROM names")},
            {symbol: Fees(maker, taker) for symbol, maker, taker in rows(symbols)},
            {order_id: OpenOrder(*fields) for order_id, *fields in rows(open_orders)},
            trades,
        )
