"""The sink of ticks (see exchange/sink.py): the feed's state in memory, its trades and closed candles in DuckDB.

Books are not in the file row by row: they change with every order and nobody asks for old ones. Instead the whole state of the
feed stands in the file as one snapshot, replaced every SNAPSHOT_SECONDS at most and when the worker stops. So there are two
positions per log: that of the rows, which move with every commit, and that of the snapshot, which is never ahead of them.
A restart reads the logs from the snapshot on; until it reaches the rows' position it only makes up the state again, and
writes no row a second time. Losing the file costs nothing but time: all of it is made again from the logs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from exchange.database import Database, Positions, Row
from exchange.digest import digest
from exchange.log import LogDamaged
from exchange.messages.base import decoder
from exchange.messages.events import EventBatch
from exchange.messages.journal import LEDGER_GROUP, DefineSymbol, EngineCommand, Group
from exchange.stage import Batches
from exchange.subjects import JOURNAL, events_log

from .feed import CandleRow, Feed, FeedState, TradeRow

FILE: Final = "ticks.duckdb"
VERSION: Final = 1
SCHEMA: Final = """
    CREATE TABLE trades (symbol VARCHAR, trade_id BIGINT, price BIGINT, quantity BIGINT, side VARCHAR, time BIGINT);
    CREATE TABLE candles (
        symbol VARCHAR, interval VARCHAR, start BIGINT, open BIGINT, high BIGINT, low BIGINT, close BIGINT, volume BIGINT,
        turnover HUGEINT, trades BIGINT
    );
    CREATE TABLE snapshot (content BLOB);
"""
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


class Ticks:
    """A feed that remembers. `clock`: seconds, never going back. Raises DatabaseError."""

    name = "ticks"

    def __init__(self, path: Path, shards: int, clock: Callable[[], float]) -> None:
        self.database = Database(path, SCHEMA, VERSION)
        self.inputs = (*map(events_log, range(1, shards + 1)), JOURNAL)
        found = self.database.rows("SELECT content FROM snapshot")
        snapshot: Snapshot = _decode_snapshot(found[0][0]) if found else Snapshot({}, FeedState([], {}, 0))
        self.feed = Feed(snapshot.feed)
        self.stored = snapshot.positions
        self._rows_through = self.database.positions
        """Where the rows end, as it will be when all that was sealed is written."""
        self._through: Positions = dict(snapshot.positions)
        """What the feed contains; digests are those of the last seal."""
        self._last_payloads: dict[str, bytes] = {}
        """Per log with batches since the last seal, the newest one."""
        self._trades: list[TradeRow] = []
        self._candles: list[CandleRow] = []
        self._written: tuple[list[TradeRow], list[CandleRow]] = ([], [])
        """Rows that are in the file since the last seal."""
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
        trades, self._trades = self._trades, []
        candles, self._candles = self._candles, []
        replaces: dict[str, list[Row]] = {}
        if stopping or self._clock() >= self._snapshot_due:
            replaces["snapshot"] = [(self._snapshot(),)]

        def write() -> None:
            inserts: dict[str, list[Row]] = {
                "trades": [(symbol, *msgspec.structs.astuple(trade)) for symbol, trade in trades],
                "candles": [
                    (
                        symbol,
                        interval,
                        bar.start,
                        bar.open,
                        bar.high,
                        bar.low,
                        bar.close,
                        bar.volume,
                        str(bar.turnover),
                        bar.trades,
                    )
                    for symbol, interval, bar in candles
                ],
            }
            self.database.write(inserts, positions, replaces)
            self._written = (trades, candles)

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
        for symbol, trade_id in {symbol: trade.trade_id for symbol, trade in trades}.items():
            instruments[symbol].trim(trade_id)
        for (symbol, interval), start in {(symbol, interval): bar.start for symbol, interval, bar in candles}.items():
            instruments[symbol].series[interval].trim(start)

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
        trades, candles = self.feed.apply(int(log.rpartition("_")[2]), batch)
        if batch.number > self._rows_through.get(log, (0, ""))[0]:
            self._trades += trades
            self._candles += candles

    def _step(self, log: str, number: int, payload: bytes) -> None:
        before = self._through.get(log, (0, ""))[0]
        if number != before + 1:
            raise LogDamaged(f"{log}: batch {number} does not follow batch {before}, which ticks contains")
        rows_number, rows_digest = self._rows_through.get(log, (0, ""))
        if number == rows_number and digest(payload) != rows_digest:
            raise LogDamaged(f"{log}: sequence {number} is not what ticks has stored; it was altered")
        self._through[log] = (number, "")
