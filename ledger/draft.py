"""The journal batch of one turn while it grows: encoded as it goes, so that its size is known at any time."""

from __future__ import annotations

from typing import Final

import msgspec

from exchange.messages.base import CLIENT_ORDER_ID_LENGTH_MAX, encode
from exchange.messages.journal import EngineCommand, Group, JournalBatch, LedgerCommand, RefusalRecord
from exchange.messages.requests import Refused, Submit

from .accounts import Ledger
from .refusals import bounded, clip

OUTCOMES_MAX: Final = 2_000
BYTES_MAX: Final = 350_000
"""A turn takes no further request once its batch has this many outcomes or bytes …"""
BATCH_BYTES_MAX: Final = 1_000_000
GROUPS_BYTES_MAX: Final = 135_000
CANCEL_BYTES_MAX: Final = 120
"""… or less, where accounts may have very many open orders: the last request may still add 100 groups of orders and one cancel
of every open order, and all stays below a message of one megabyte."""

_encode_into = msgspec.json.Encoder().encode_into


class Draft:
    """Collects commands in runs per shard, and refusals."""

    def __init__(self, time: int, open_orders_max: int) -> None:
        self.time = time
        """Of the batch."""
        self.refusals: list[RefusalRecord] = []
        self.outcomes = 0
        """Commands looked at, whatever became of them."""
        self._bytes_max = min(BYTES_MAX, BATCH_BYTES_MAX - GROUPS_BYTES_MAX - open_orders_max * CANCEL_BYTES_MAX)
        self._groups: list[Group] = []
        self._shard = -1
        self._run = bytearray()
        self._size = 0

    def __bool__(self) -> bool:
        """Whether there is anything to write down."""
        return bool(self._run or self.refusals)

    @property
    def full(self) -> bool:
        """Whether no further request may be taken."""
        return self.outcomes >= OUTCOMES_MAX or self._size + len(self._run) >= self._bytes_max

    def add(self, shard: int, command: EngineCommand | LedgerCommand) -> None:
        """One command that was accepted and applied."""
        run = self._run
        if shard != self._shard:
            self._close_run()
            self._shard = shard
            run = self._run
        run += b"," if run else b"["
        _encode_into(command, run, -1)

    def refuse(self, account: str, refused: Refused, command: Submit | None = None) -> None:
        """One refused submission, or a request that could not be read."""
        record = RefusalRecord(account, refused.reason, refused.detail)
        if command is not None:
            record = RefusalRecord(
                account,
                refused.reason,
                refused.detail,
                clip(command.client_order_id, CLIENT_ORDER_ID_LENGTH_MAX),
                clip(command.symbol, 16),
                command.side,
                bounded(command.quantity),
                bounded(command.price or 0),
            )
        self.refusals.append(record)
        self._size += len(encode(record))

    def payload(self, ledger: Ledger, rate_refusals: int) -> bytes:
        """The batch that follows the ledger's last one."""
        self._close_run()
        return encode(
            JournalBatch(
                ledger.number + 1,
                self.time,
                ledger.previous,
                dict(sorted(ledger.events_through.items())),
                self._groups,
                self.refusals,
                rate_refusals,
            )
        )

    def _close_run(self) -> None:
        if self._run:
            self._run += b"]"
            self._size += len(self._run) + 30
            self._groups.append(Group(self._shard, msgspec.Raw(self._run)))
            self._run = bytearray()
