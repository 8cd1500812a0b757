"""The fold from the logs to the rows of the history. Pure: no clock, no socket, no file.

It keeps only what a row needs from earlier batches: the ids of names, the fees in force, and of every open order its account,
the fees it was accepted with, what it traded and what is left of it.
"""

from __future__ import annotations

from typing import Any, Final, assert_never

import msgspec
import numpy

from exchange.database import NumbersAndText, Row
from exchange.database import Rows as TableRows
from exchange.log import LogDamaged
from exchange.messages.base import decoder
from exchange.messages.events import (
    Activated,
    Cancelled,
    Decremented,
    Event,
    EventBatch,
    PhaseChanged,
    Refreshed,
    Replaced,
    Rested,
    Traded,
    Triggered,
)
from exchange.messages.journal import (
    LEDGER_GROUP,
    CancelOrder,
    DefineRisk,
    DefineSymbol,
    EngineCommand,
    Fees,
    JournalBatch,
    LedgerCommand,
    OpenAccount,
    PlaceBracket,
    PlaceOco,
    PlaceOrder,
    RefusalRecord,
    ReplaceOrder,
    ResetAccount,
    SetAccountRules,
    SetPhase,
    SetStanding,
    Transfer,
)
from exchange.money import fee
from exchange.subjects import JOURNAL

from .history_schema import FIRST_NAMES

INTEGER_MAX: Final = 2**63 - 1
Place = tuple[int, int, int, int, int]
"""Where an event stands: shard, event batch, number within it, journal batch, time."""
TABLES: Final = (
    *("names", "opened", "changed", "transferred", "defined", "ruled", "refused", "rate_refused"),
    *("triggered", "replaced", "activated", "decremented", "phased"),
)
WIDTHS: Final = {"placed": 22, "queued": 10, "traded": 18, "ended": 9}
"""Columns of the tables with most of the rows, which wait as plain numbers, one after the other: of `placed` all but one."""
CLIENT_ORDER_ID: Final = 4
"""Where that one stands."""

_decode_journal: Final = decoder(JournalBatch).decode
_decode_events: Final = decoder(EventBatch).decode
_decode_engine_commands: Final = decoder(list[EngineCommand]).decode
_decode_ledger_commands: Final = decoder(list[LedgerCommand]).decode


class OpenOrder(msgspec.Struct, gc=False):
    """What the rows of a trade need to know of its orders."""

    account: int
    remaining: int
    filled: int
    maker_fee: int
    taker_fee: int
    buy: bool
    price: int
    """At which it rests, once it does."""
    pair: int
    """The other order of its pair; 0 for none."""


class Rows:
    """Rows that wait for the file, per table, and what the next ones depend on."""

    def __init__(
        self,
        through: dict[str, int],
        names: dict[str, int],
        fees: dict[str, Fees],
        open_orders: dict[int, OpenOrder],
        trades: int,
    ) -> None:
        self.through = through
        """Per log, number of the last batch contained."""
        self.names = names
        """Ids of accounts, symbols and words in the tables."""
        self.fees = fees
        """Per symbol, those in force."""
        self.open_orders = open_orders
        self.trades = trades
        """How many there were."""
        self._rows: dict[str, list[Row]] = {table: [] for table in TABLES}
        self._numbers: dict[str, list[int]] = {table: [] for table in WIDTHS}
        self._client_order_ids: list[str] = []
        """Of the rows of `placed` that wait."""
        for name in FIRST_NAMES:
            self._id(name)

    def __bool__(self) -> bool:
        """Whether any row waits."""
        return any(self._rows.values()) or any(self._numbers.values())

    def take(self) -> dict[str, TableRows]:
        """The rows that wait, which wait no longer."""
        rows: dict[str, TableRows] = {**self._rows}
        for table, numbers in self._numbers.items():
            rows[table] = numpy.array(numbers, dtype=numpy.int64).reshape(-1, WIDTHS[table])
        rows["placed"] = NumbersAndText(rows["placed"], CLIENT_ORDER_ID, self._client_order_ids)  # type: ignore[arg-type]
        self._rows = {table: [] for table in TABLES}
        self._numbers = {table: [] for table in WIDTHS}
        self._client_order_ids = []
        return rows

    def apply_journal(self, payload: bytes) -> None:
        """One batch of the journal."""
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
            case PlaceOco(limit, stop):
                self._place(limit, moment, pair=stop.order_id)
                self._place(stop, moment, pair=limit.order_id)
            case PlaceBracket(entry, take_profit, stop_loss):
                self._place(entry, moment)
                self._place(take_profit, moment, stop_loss.order_id, entry.order_id)
                self._place(stop_loss, moment, take_profit.order_id, entry.order_id)
            case CancelOrder() | ReplaceOrder() | SetPhase():
                pass  # What comes of it is told by the events.
            case SetAccountRules(account, self_trade, cancel_on_disconnect):
                self._rows["ruled"].append((*moment, self._id(account), self._id(self_trade), cancel_on_disconnect))
            case Transfer(asset, amount, source, target, reason, key):
                row = (*moment, self._id(asset), amount, self._id(source), self._id(target), reason, key)
                self._rows["transferred"].append(row)
            case SetStanding(account, standing, reason):
                self._rows["changed"].append((*moment, self._id(account), self._id(standing), reason))
            case ResetAccount(account):
                self._rows["changed"].append((*moment, self._id(account), self._id("reset"), ""))
            case DefineRisk():
                pass  # What it refused is told with its reasons.
            case OpenAccount(account):
                self._rows["opened"].append((self._id(account), *moment))
            case DefineSymbol():
                self._define(command, moment)
            case _:
                assert_never(command)

    def _define(self, command: DefineSymbol, moment: tuple[int, int]) -> None:
        fees = self.fees[command.symbol] = command.fees
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
            command.order_band,
            command.trade_band,
            command.reference_seconds,
            command.volatility_auction_seconds,
        )
        self._rows["defined"].append(row)

    def _place(self, command: PlaceOrder, moment: tuple[int, int], pair: int = 0, entry: int = 0) -> None:
        fees = self.fees[command.symbol]  # As the ledger does it: those in force now stay with the order.
        account = self._id(command.account)
        self.open_orders[command.order_id] = OpenOrder(
            account, command.quantity, 0, fees.maker, fees.taker, command.side == "buy", command.price, pair
        )
        row = (
            command.order_id,
            *moment,
            account,
            self._id(command.symbol),
            command.side == "buy",
            command.quantity,
            command.price,
            command.hold,
            self._id(command.kind),
            self._id(command.tif),
            fees.maker,
            fees.taker,
            command.stop_price,
            command.trail,
            command.trail_basis_points,
            command.expires,
            command.post_only,
            command.display,
            self._id(command.self_trade),
            pair,
            entry,
        )
        self._numbers["placed"].extend(row)
        self._client_order_ids.append(command.client_order_id)

    def apply_events(self, log: str, payload: bytes) -> None:
        """One batch of a shard's events, after the journal batches that it contains."""
        batch: EventBatch = _decode_events(payload)
        self._step(log, batch.number)
        shard = int(log.rpartition("_")[2])
        index = -1
        for moment in batch.moments:
            for event in moment.events:
                index += 1
                self._apply_event(event, (shard, batch.number, index, moment.journal, moment.time))

    def _apply_event(self, event: Event, place: Place) -> None:
        if type(event) is Traded:
            self._trade(event, place)
        elif type(event) is Rested:
            self.open_orders[event.order_id].price = event.price
            self._queue(event, place)
        elif type(event) is Refreshed:
            self._queue(event, place)
        elif type(event) is Cancelled:
            order = self.open_orders.pop(event.order_id)
            self._numbers["ended"].extend((event.order_id, *place, order.filled, event.quantity, self._id(event.reason)))
        elif type(event) is Triggered:
            self._rows["triggered"].append((event.order_id, *place, event.price))
        elif type(event) is Replaced:
            change = self._open_now(event.order_id, event.quantity)
            row = (event.order_id, *place, event.price, event.stop_price, event.quantity, change, event.kept_place)
            self._rows["replaced"].append(row)
        elif type(event) is Activated:
            change = self._open_now(event.order_id, event.quantity)
            self._rows["activated"].append((event.order_id, *place, event.quantity, change))
        elif type(event) is Decremented:
            self._decrement(event, place)
        elif type(event) is PhaseChanged:
            phase = self._id(event.phase)
            self._rows["phased"].append((self.names[event.symbol], *place, phase, event.reason, event.until))

    def _queue(self, event: Rested | Refreshed, place: Place) -> None:
        order = self.open_orders[event.order_id]
        row = (event.order_id, *place, self.names[event.symbol], order.buy, order.price, event.quantity)
        self._numbers["queued"].extend(row)

    def _decrement(self, event: Decremented, place: Place) -> None:
        # Both of a pair have the same quantity open: only when the other has less is this its loss, and not its own.
        order = self.open_orders[event.order_id]
        other = self.open_orders.get(order.pair)
        reason = "pair" if other is not None and other.remaining < order.remaining else "self_trade"
        self._rows["decremented"].append((event.order_id, *place, event.quantity, self._id(reason)))
        self._take_off(event.order_id, event.quantity, "self_trade", place)

    def _open_now(self, order_id: int, quantity: int) -> int:
        """So much of an order is open from here on; returns how much more that is than before."""
        order = self.open_orders[order_id]
        change = quantity - order.remaining
        order.remaining = quantity
        return change

    def _take_off(self, order_id: int, quantity: int, reason: str, place: Place) -> None:
        """So much less of an order is open; one with nothing left has ended, for this reason."""
        order = self.open_orders[order_id]
        order.remaining -= quantity
        if not order.remaining:
            del self.open_orders[order_id]
            self._numbers["ended"].extend((order_id, *place, order.filled, 0, self._id(reason)))

    def _trade(self, event: Traded, place: Place) -> None:
        maker = self.open_orders[event.maker_order_id]
        taker = self.open_orders[event.taker_order_id]
        value = event.price * event.quantity
        self.trades += 1
        row = (
            self.trades,
            self.names[event.symbol],
            event.trade_id,
            *place,
            event.price,
            event.quantity,
            event.side == "buy",
            event.maker_order_id,
            event.taker_order_id,
            maker.account,
            taker.account,
            fee(value, maker.taker_fee if event.auction else maker.maker_fee),
            fee(value, taker.taker_fee),
            event.auction,
        )
        self._numbers["traded"].extend(row)
        for order_id, order in ((event.maker_order_id, maker), (event.taker_order_id, taker)):
            order.filled += event.quantity
            self._take_off(order_id, event.quantity, "filled", place)

    def _id(self, name: str) -> int:
        number = self.names.get(name)
        if number is None:
            number = self.names[name] = len(self.names)
            self._rows["names"].append((number, name))
        return number

    def _step(self, log: str, number: int) -> None:
        if number != self.through.get(log, 0) + 1:
            raise LogDamaged(f"{log}: batch {number} does not follow batch {self.through.get(log, 0)}, which history contains")
        self.through[log] = number
