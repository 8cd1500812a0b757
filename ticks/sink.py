"""The sink of ticks (see exchange/sink.py): the feed's state in memory, what happened in DuckDB.

Stored are trades, the best prices after each event batch, closed candles of four intervals, and the price levels that each
journal batch changed, with an image of all levels now and then: the book of any past moment is the newest image before it and
the changes since. Symbols are numbers there, in the order of their definition; the table `symbols` names them.

The whole state of the feed stands in the file as one snapshot, replaced every SNAPSHOT_SECONDS at most and when the worker
stops. So there are two positions per log: that of the rows, which move with every commit, and that of the snapshot, which is
never ahead of them. A restart reads the logs from the snapshot on; until it reaches the rows' position it only makes up the
state again, and writes no row a second time. Losing the file costs nothing but time, unless --keep cut the logs: all of it is
made again from them, which is also done when the tables or the market's calendar are not those of the file.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import numpy

from exchange.calendar import Calendar
from exchange.database import Database, OlderVersion, Positions, Row
from exchange.database import Rows as TableRows
from exchange.digest import digest
from exchange.log import LogDamaged
from exchange.messages.base import decoder
from exchange.messages.events import EventBatch
from exchange.messages.journal import LEDGER_GROUP, DefineSymbol, EngineCommand, Group
from exchange.schedule import Schedule
from exchange.sink import SinkBehind
from exchange.stage import Batches
from exchange.subjects import JOURNAL, events_log

from .candles import STORED, CandleRow
from .feed import Feed, FeedState, Rows

logger = logging.getLogger(__name__)

VERSION: Final = 3
SCHEMA: Final = """
    CREATE TABLE symbols (id INTEGER, symbol VARCHAR);
    CREATE TABLE trades (
        symbol INTEGER, trade_id BIGINT, price BIGINT, quantity BIGINT, buys BOOLEAN, time BIGINT, auction BOOLEAN
    );
    CREATE TABLE quotes (
        symbol INTEGER, number BIGINT, time BIGINT, bid BIGINT, bid_quantity BIGINT, ask BIGINT, ask_quantity BIGINT
    );
    CREATE TABLE levels (symbol INTEGER, time BIGINT, buys BOOLEAN, price BIGINT, quantity BIGINT);
    CREATE TABLE images (symbol INTEGER, time BIGINT);
    CREATE TABLE snapshot (content BLOB);
""" + "".join(
    f"""
    CREATE TABLE candles_{interval} (
        symbol INTEGER, date INTEGER, day BIGINT, start BIGINT, open BIGINT, high BIGINT, low BIGINT, close BIGINT,
        volume BIGINT, turnover HUGEINT, trades BIGINT
    );"""
    for interval in STORED
)
"""`date` and `day` are those of the session day: days since 1970-01-01, and when it began in seconds since 1970."""
SNAPSHOT_SECONDS: Final = 10.0
SNAPSHOT_SHARE_MAX: Final = 0.02
"""Of the time; with very large books snapshots become rarer."""
DEFINES: Final = b'"definesymbol"'
"""Stands in every journal batch that defines a symbol: the others need not be decoded."""


class Snapshot(msgspec.Struct, array_like=True, frozen=True):
    """The feed and how far it contains the logs."""

    positions: Positions
    feed: FeedState


class JournalPart(msgspec.Struct, frozen=True):
    """What concerns the public in a journal batch."""

    number: int
    time: int
    groups: list[Group] = []


class JournalClock(msgspec.Struct, frozen=True):
    """The same of a batch that defines nothing."""

    number: int
    time: int


_decode_journal: Final = decoder(JournalPart).decode
_decode_clock: Final = decoder(JournalClock).decode
_decode_commands: Final = decoder(list[EngineCommand]).decode
_decode_events: Final = decoder(EventBatch).decode
_encode_snapshot: Final = msgspec.msgpack.Encoder().encode
_decode_snapshot: Final = msgspec.msgpack.Decoder(Snapshot).decode


def file_name(worker: int) -> str:
    """The file of the first, second, … worker on a data directory."""
    return "ticks.duckdb" if worker == 1 else f"ticks-{worker}.duckdb"


def open_file(path: Path, calendar: Calendar, logs_whole: bool) -> Database:
    """The database; one with other tables, or with candles of another calendar, is begun anew, if all of it is in the logs.

    Raises DatabaseError or SinkBehind.
    """
    schema = f"{SCHEMA} CREATE TABLE calendar AS SELECT '{calendar.name}' AS name;"
    try:
        database = Database(path, schema, VERSION)
        ((name,),) = database.rows("SELECT name FROM calendar")
        if name == calendar.name:
            return database
        database.close()
        problem = f"its candles are by the calendar {name}, the market's is {calendar.name}"
    except OlderVersion:
        problem = "it was made by an older program"
    if not logs_whole:
        raise SinkBehind(f"{path}: {problem}, and it cannot be made again from the logs, because --keep cut them")
    logger.warning("%s is removed and made again from the logs: %s", path, problem)
    path.unlink()
    path.with_name(path.name + ".wal").unlink(missing_ok=True)
    return Database(path, schema, VERSION)


class Ticks:
    """A feed that remembers. `clock`: seconds, never going back. Raises DatabaseError."""

    name = "ticks"

    def __init__(
        self,
        path: Path,
        shards: int,
        clock: Callable[[], float],
        calendar: Calendar | None = None,
        logs_whole: bool = True,
        schedule_of: Callable[[str], Schedule | None] = lambda _: None,
    ) -> None:
        self.calendar = calendar or Calendar()
        self.database = open_file(path, self.calendar, logs_whole)
        self.inputs = (*map(events_log, range(1, shards + 1)), JOURNAL)
        found = self.database.rows("SELECT content FROM snapshot")
        snapshot: Snapshot = _decode_snapshot(found[0][0]) if found else Snapshot({}, FeedState([], {}, 0))
        self.feed = Feed(self.calendar, snapshot.feed, schedule_of)
        self.stored = snapshot.positions
        self._rows_through = self.database.positions
        """Where the rows end, as it will be when all that was sealed is written."""
        self._through: Positions = dict(snapshot.positions)
        """What the feed contains; digests are those of the last seal."""
        self._last_payloads: dict[str, bytes] = {}
        """Per log with batches since the last seal, the newest one."""
        self._rows = Rows()
        """Those that wait for the next seal."""
        self._written: tuple[TableRows, list[CandleRow]] = ([], [])
        """Trades and candles that are in the file since the last seal."""
        self._applied = self._durable = 0
        """Calls of `apply`, and up to which of them all is durable."""
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._clock = clock
        self._snapshot_due = clock() + SNAPSHOT_SECONDS

    def apply(self, inputs: Batches) -> None:
        """Fold batches into the feed and into rows that wait for `seal`."""
        for payload in inputs.get(JOURNAL, ()):
            self._apply_journal(payload)
        for log in sorted(inputs.keys() - {JOURNAL}):
            for payload in inputs[log]:
                self._apply_events(log, payload)
        self._last_payloads.update({log: payloads[-1] for log, payloads in inputs.items() if payloads})
        self._applied += 1

    async def settled(self) -> None:
        """Return when all that is applied now is durable: after the next commit, or at once."""
        if self._durable < self._applied:
            settled = asyncio.get_running_loop().create_future()
            self._waiting.append((self._applied, settled))
            await settled

    def seal(self, *, stopping: bool = False) -> Callable[[], None] | None:
        """Take what waits, and a snapshot when one is due or the worker is `stopping`; the result writes it."""
        self._trim()
        for log, payload in self._last_payloads.items():
            self._through[log] = (self._through[log][0], digest(payload))
        if not self._last_payloads and not stopping:
            return None
        self._last_payloads.clear()
        for log, position in self._through.items():
            if position[0] > self._rows_through.get(log, (0, ""))[0]:
                self._rows_through[log] = position
        positions = dict(self._rows_through)
        applied = self._applied
        rows, self._rows = self._rows, Rows()
        replaces: dict[str, list[Row]] = {}
        restart = self.stored
        if stopping or self._clock() >= self._snapshot_due:
            replaces["snapshot"] = [(self._snapshot(),)]
            replaces["symbols"] = [(instrument.index, symbol) for symbol, instrument in self.feed.instruments.items()]
            restart = dict(self._through)

        def write() -> None:
            inserts: dict[str, TableRows] = {
                table: numpy.frombuffer(numbers, dtype=numpy.int64).reshape(-1, Rows.WIDTHS[table])
                for table, numbers in rows.numbers.items()
                if numbers
            }
            for interval in STORED:
                inserts[f"candles_{interval}"] = [self._candle_row(row) for row in rows.candles if row.interval == interval]
            self.database.write(inserts, positions, replaces)
            self._written = (inserts.get("trades", []), rows.candles)
            self._durable = applied
            self.stored = restart

        return write

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    def _snapshot(self) -> bytes:
        """Encoded here and now: the feed goes on changing while the result is written."""
        begin = self._clock()
        content = _encode_snapshot(Snapshot(self._through, self.feed.state()))
        end = self._clock()
        self._snapshot_due = end + max(SNAPSHOT_SECONDS, (end - begin) / SNAPSHOT_SHARE_MAX)
        return content

    def _trim(self) -> None:
        """What the last `write` wrote may leave memory, as far as nobody is expected to ask for it."""
        trades, candles = self._written
        self._written = ([], [])
        instruments = self.feed.instruments
        if isinstance(trades, numpy.ndarray):
            for instrument in instruments.values():
                if len(own := trades[trades[:, 0] == instrument.index]):
                    instrument.trim(int(own[-1, 1]))
        for (symbol, interval), start in {(symbol, interval): bar.start for symbol, interval, bar in candles}.items():
            instruments[symbol].candles.trim(interval, start)
        for applied, settled in self._waiting:
            if applied <= self._durable and not settled.done():
                settled.set_result(None)
        self._waiting = [waiting for waiting in self._waiting if not waiting[1].done()]

    def _candle_row(self, row: CandleRow) -> Row:
        symbol, _, bar = row
        day = self.calendar.day(bar.start)
        values = msgspec.structs.astuple(bar)
        return (self.feed.instruments[symbol].index, day.date, day.start, *values[:6], str(bar.turnover), bar.trades)

    def _apply_journal(self, payload: bytes) -> None:
        if DEFINES not in payload:
            clock: JournalClock = _decode_clock(payload)
            self._step(JOURNAL, clock.number, payload)
            self.feed.time = clock.time
            return
        batch: JournalPart = _decode_journal(payload)
        self._step(JOURNAL, batch.number, payload)
        self.feed.time = batch.time
        for group in batch.groups:
            if group.shard != LEDGER_GROUP:
                for command in _decode_commands(group.commands):
                    if isinstance(command, DefineSymbol):
                        self.feed.define(command)

    def _apply_events(self, log: str, payload: bytes) -> None:
        batch: EventBatch = _decode_events(payload)
        self._step(log, batch.number, payload)
        rows = self._rows if batch.number > self._rows_through.get(log, (0, ""))[0] else Rows()
        self.feed.apply(int(log.rpartition("_")[2]), batch, rows)

    def _step(self, log: str, number: int, payload: bytes) -> None:
        before = self._through.get(log, (0, ""))[0]
        if number != before + 1:
            raise LogDamaged(f"{log}: batch {number} does not follow batch {before}, which ticks contains")
        rows_number, rows_digest = self._rows_through.get(log, (0, ""))
        if number == rows_number and digest(payload) != rows_digest:
            raise LogDamaged(f"{log}: sequence {number} is not what ticks has stored; it was altered")
        self._through[log] = (number, "")
