"""The ledger's history: a fold of all logs into rows of a DuckDB file.

The fold keeps only what a row needs from earlier batches: the ids of names, and of every open order its account, the fees it
was accepted with and what is left of it. All of that is read back from the rows at start, so rows and positions, written in
one transaction, are the whole state: a batch is in the file once or, after a crash, not yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, assert_never

import msgspec

from exchange.database import Database, Positions, Row
from exchange.digest import digest
from exchange.log import LogDamaged
from exchange.messages import (
    LEDGER_GROUP,
    Cancelled,
    CancelOrder,
    DefineSymbol,
    EngineCommand,
    EventBatch,
    Fees,
    JournalBatch,
    LedgerCommand,
    OpenAccount,
    PlaceOrder,
    RefusalRecord,
    Traded,
    Transfer,
    decoder,
)
from exchange.money import fee
from exchange.stage import Batches
from exchange.subjects import JOURNAL, events_log

from .history_schema import FIRST_NAMES, SCHEMA, VERSION

FILE: Final = "history.duckdb"
INTEGER_MAX: Final = 2**63 - 1

_decode_journal: Final = decoder(JournalBatch).decode
_decode_events: Final = decoder(EventBatch).decode
_decode_engine_commands: Final = decoder(list[EngineCommand]).decode
_decode_ledger_commands: Final = decoder(list[LedgerCommand]).decode


class OpenOrder(msgspec.Struct, gc=False):
    """What the rows of a trade need to know of its orders."""

    account: int
    remaining: int
    maker_fee: int
    taker_fee: int


class History:
    """The sink of the historian (see exchange/sink.py) over one database file. Raises DatabaseError."""

    name = "historian"

    def __init__(self, path: Path, shards: int) -> None:
        self.database = Database(path, SCHEMA, VERSION)
        self.shards = range(1, shards + 1)
        self.inputs = (*map(events_log, self.shards), JOURNAL)
        self.stored = self.database.positions
        self._positions: Positions = self.stored.copy()
        self._through = {log: number for log, (number, _) in self.stored.items()}
        self._last_payloads: dict[str, bytes] = {}
        """Per log with batches since the last seal, the newest one."""
        self._rows: dict[str, list[Row]] = {}
        self._applied = self._durable = 0
        """Calls of `apply` that made rows, and up to which of them all is durable."""
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._stepped = asyncio.Event()
        """Set by every `apply`."""
        self._names: dict[str, int] = {}
        self._fees: dict[str, Fees] = {}
        """Per symbol, those in force."""
        self._open: dict[int, OpenOrder] = {}
        self._trades = 0
        self._new_rows()
        self._restore()

    @property
    def names(self) -> dict[str, int]:
        """Ids of accounts, symbols and words in the tables."""
        return self._names

    def is_symbol(self, name: str) -> bool:
        """Whether a symbol of this name was ever defined."""
        return name in self._fees

    def apply(self, inputs: Batches) -> None:
        """Fold batches into rows that wait for `seal`. The journal comes first: an event is always about older commands."""
        for payload in inputs.get(JOURNAL, ()):
            self._apply_journal(payload)
        for log in sorted(inputs.keys() - {JOURNAL}):
            for payload in inputs[log]:
                self._apply_events(log, payload)
        self._last_payloads.update({log: payloads[-1] for log, payloads in inputs.items() if payloads})
        self._applied += any(self._rows.values())
        self._stepped.set()

    def seal(self) -> Callable[[], None] | None:
        """Take what waits; the result writes it."""
        if not self._last_payloads:
            return None
        for log, payload in self._last_payloads.items():
            self._positions[log] = (self._through[log], digest(payload))
        self._last_payloads.clear()
        rows, positions, applied = self._rows, self._positions.copy(), self._applied
        self._new_rows()

        def write() -> None:
            self.database.write(rows, positions)
            self._durable = applied
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
                while any(self._through.get(log, 0) < number for log, number in wanted.items()):
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

    def _new_rows(self) -> None:
        tables = ("names", "opened", "transferred", "defined", "placed", "refused", "rate_refused", "traded", "ended")
        self._rows = {table: [] for table in tables}

    def _restore(self) -> None:
        rows = self.database.rows
        self._names = {name: number for number, name in rows("SELECT id, name FROM names")}
        for name in FIRST_NAMES:
            self._id(name)
        for symbol, maker, taker in rows(
            "SELECT n.name, d.maker_fee, d.taker_fee FROM defined d JOIN names n ON n.id = d.symbol ORDER BY d.rowid"
        ):
            self._fees[symbol] = Fees(maker, taker)
        for order_id, *fields in rows("SELECT order_id, account, remaining, maker_fee, taker_fee FROM resting"):
            self._open[order_id] = OpenOrder(*fields)
        ((self._trades,),) = rows("SELECT coalesce(max(number), 0) FROM traded")

    def _id(self, name: str) -> int:
        number = self._names.get(name)
        if number is None:
            number = self._names[name] = len(self._names)
            self._rows["names"].append((number, name))
        return number

    def _step(self, log: str, number: int) -> None:
        if number != self._through.get(log, 0) + 1:
            raise LogDamaged(f"{log}: batch {number} does not follow batch {self._through.get(log, 0)}, which history contains")
        self._through[log] = number

    def _apply_journal(self, payload: bytes) -> None:
        batch: JournalBatch = _decode_journal(payload)
        self._step(JOURNAL, batch.number)
        moment = (batch.number, batch.time)
        for group in batch.groups:
            decode = _decode_ledger_commands if group.shard == LEDGER_GROUP else _decode_engine_commands
            for command in decode(group.commands):
                self._apply_command(command, moment)
        self._rows["refused"].extend([(*moment, *self._refused(record)) for record in batch.refusals])
        if batch.rate_refusals:
            self._rows["rate_refused"].append((*moment, batch.rate_refusals))

    def _refused(self, record: RefusalRecord) -> tuple[Any, ...]:
        return (
            self._id(record.account),
            self._id(record.reason),
            record.detail,
            record.client_order_id,
            record.symbol,
            record.side,
            # A refused number may be of any size.
            max(-INTEGER_MAX, min(record.quantity, INTEGER_MAX)),
            max(-INTEGER_MAX, min(record.price, INTEGER_MAX)),
        )

    def _apply_command(self, command: EngineCommand | LedgerCommand, moment: tuple[int, int]) -> None:
        match command:
            case PlaceOrder():
                self._place(command, moment)
            case CancelOrder():
                pass  # Whether it came in time is told by the events.
            case Transfer(asset, amount, source, target, reason, key):
                row = (*moment, self._id(asset), amount, self._id(source), self._id(target), reason, key)
                self._rows["transferred"].append(row)
            case OpenAccount(account):
                self._rows["opened"].append((self._id(account), *moment))
            case DefineSymbol():
                self._define(command, moment)
            case _:
                assert_never(command)

    def _define(self, command: DefineSymbol, moment: tuple[int, int]) -> None:
        fees = self._fees[command.symbol] = command.fees
        row = (
            *moment,
            self._id(command.symbol),
            command.name,
            command.shard,
            command.tick,
            command.lot,
            command.opening_price,
            command.shares_issued,
            fees.maker,
            fees.taker,
            command.protection,
            command.order_quantity_max,
        )
        self._rows["defined"].append(row)

    def _place(self, command: PlaceOrder, moment: tuple[int, int]) -> None:
        fees = self._fees[command.symbol]  # As the ledger does it: those in force now stay with the order.
        account = self._id(command.account)
        self._open[command.order_id] = OpenOrder(account, command.quantity, fees.maker, fees.taker)
        row = (
            command.order_id,
            *moment,
            account,
            command.client_order_id,
            self._id(command.symbol),
            command.side == "buy",
            command.quantity,
            command.price,
            command.hold,
            self._id(command.kind),
            self._id(command.tif),
            fees.maker,
            fees.taker,
        )
        self._rows["placed"].append(row)

    def _apply_events(self, log: str, payload: bytes) -> None:
        batch: EventBatch = _decode_events(payload)
        self._step(log, batch.number)
        shard = int(log.rpartition("_")[2])
        for moment in batch.moments:
            place = (shard, batch.number, moment.journal, moment.time)
            for event in moment.events:
                if type(event) is Traded:
                    self._trade(event, place)
                elif type(event) is Cancelled:
                    del self._open[event.order_id]
                    self._rows["ended"].append((event.order_id, *place, event.quantity, self._id(event.reason)))

    def _trade(self, event: Traded, place: tuple[int, int, int, int]) -> None:
        maker = self._open[event.maker_order_id]
        taker = self._open[event.taker_order_id]
        value = event.price * event.quantity
        self._trades += 1
        row = (
            self._trades,
            self._names[event.symbol],
            event.trade_id,
            *place,
            event.price,
            event.quantity,
            event.side == "buy",
            event.maker_order_id,
            event.taker_order_id,
            maker.account,
            taker.account,
            fee(value, maker.maker_fee),
            fee(value, taker.taker_fee),
        )
        self._rows["traded"].append(row)
        for order_id, order in ((event.maker_order_id, maker), (event.taker_order_id, taker)):
            order.remaining -= event.quantity
            if not order.remaining:
                del self._open[order_id]
                self._rows["ended"].append((order_id, *place, 0, self._id("filled")))
