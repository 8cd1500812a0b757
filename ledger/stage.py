"""The ledger as a stage: reads the engines' events, writes the journal.

A turn applies the events that came, then carries out the requests that wait, and closes with one journal batch that says all
of it. A replay does the same from the batch alone: whatever changes the state is an event or a command of the journal.
"""

from __future__ import annotations

from typing import Final

import msgspec

from exchange.digest import digest
from exchange.market import Market, MarketError
from exchange.messages.base import decoder
from exchange.messages.events import EventBatch
from exchange.messages.journal import LEDGER_GROUP, EngineCommand, JournalBatch, LedgerCommand
from exchange.metrics import LATENCY, TAKEN, count_refusals
from exchange.stage import Batches, ReplayError, Turn
from exchange.subjects import JOURNAL, events_log

from . import questions, reports, risk, snapshot
from .accounts import Ledger
from .calendar import Calendar
from .commands import apply
from .desk import Desk
from .draft import Draft
from .requests import ORDERS, Rates, Requests
from .settlement import settle

HEARTBEAT: Final = 900_000_000
"""Nanoseconds after which a batch is written even if nothing happened: once a second, with room for an early timer."""

LOOKED_AT: Final = TAKEN.labels("ledger")
SETTLED: Final = LATENCY.labels("ledger", "settled")

_decode_events = decoder(EventBatch).decode
_decode_journal = decoder(JournalBatch).decode
_decode_engine_commands = decoder(list[EngineCommand]).decode
_decode_ledger_commands = decoder(list[LedgerCommand]).decode


class LedgerStage:
    """The one ledger of a market."""

    def __init__(self, market: Market) -> None:
        self.ledger = Ledger()
        self._market = market
        self._calendar = Calendar(market)
        self._requests = Requests()
        self._rates = Rates(market.limits.orders_per_second)
        self._rate_refusals = 0
        """Not yet in a batch: they wait for the next one there is a better reason for."""
        self._defined = False
        """Whether this leader has compared the market file with the log."""
        self._written = 0
        """`now` of the last batch this leader wrote."""
        self._moment = 0
        """Of the newest events settled: their journal batch's time. Measured only, not part of the state."""
        self._shards = {events_log(shard): shard for shard in range(1, market.shards + 1)}

    @property
    def name(self) -> str:
        """There is one ledger."""
        return "ledger"

    @property
    def output(self) -> str:
        """The journal."""
        return JOURNAL

    @property
    def inputs(self) -> tuple[str, ...]:
        """The engines' logs."""
        return tuple(self._shards)

    @property
    def waiting(self) -> bool:
        """Whether requests wait, or symbols to be defined, that the last turn had no room for."""
        return bool(self._requests) or not self._defined

    @property
    def requests_waiting(self) -> int:
        """How many wait for the next turn."""
        return len(self._requests)

    def submit_request(self, account: str, reply: str, payload: bytes) -> bytes | None:
        """A trader's commands, for the next turn; returns a refusal that is to be answered at once, if any."""
        return self._requests.put(ORDERS, account, reply, payload)

    def submit_question(self, verb: str, account: str, reply: str, payload: bytes) -> bytes | None:
        """One of questions.QUESTIONS or of desk.DECODE; answered in turn, like `submit_request`."""
        return self._requests.put(verb, account, reply, payload)

    def turn(self, inputs: Batches, now: int) -> Turn:
        """As leader: events, then requests, then one batch if anything happened or a second has passed."""
        ledger = self.ledger
        settled = self._settle(inputs)
        if settled and self._moment:
            SETTLED.observe((now - self._moment) / 1e9)
        draft = Draft(max(ledger.time + 1, now), self._market.limits.open_orders)
        if not self._defined:
            self._define_symbols(draft)
            if self._defined and (definition := risk.to_define(self.ledger, self._market)) is not None:
                apply(self.ledger, definition, draft.time)
                draft.add(LEDGER_GROUP, definition)
        for command in self._calendar.due(ledger, draft.time) if self._defined else ():
            apply(ledger, command, draft.time)
            draft.add(ledger.symbols[command.symbol].definition.shard, command)
        desk = Desk(ledger, self._market, self._calendar, self._rates, draft, now)
        desk.carry_out(self._requests)
        self._rate_refusals += desk.rate_refusals
        LOOKED_AT.observe(draft.outcomes)
        count_refusals([record.reason for record in draft.refusals] + ["rate"] * desk.rate_refusals)
        payloads: list[bytes] = []
        if settled or draft or not 0 <= now - self._written < HEARTBEAT:
            payloads.append(draft.payload(ledger, self._rate_refusals))
            self._close(payloads[0], draft.time)
            self._rate_refusals = 0
            self._written = now
        messages = desk.answers + reports.collect(ledger)
        messages += [(question.reply, questions.answer(ledger, question)) for question in desk.asked if question.reply]
        return Turn(payloads, messages)

    def replay(self, payload: bytes, inputs: Batches) -> None:
        """As follower: the same from the batch. Raises ReplayError when it was not written from this state."""
        ledger = self.ledger
        batch: JournalBatch = _decode_journal(payload)
        if batch.number != ledger.number + 1 or batch.previous != ledger.previous or batch.time <= ledger.time:
            raise ReplayError(f"journal: batch {batch.number} does not continue batch {ledger.number}")
        self._settle(inputs)
        if batch.events_through != ledger.events_through:
            raise ReplayError(
                f"journal: batch {batch.number} contains events {batch.events_through}, not {ledger.events_through}"
            )
        for group in batch.groups:
            decode = _decode_ledger_commands if group.shard == LEDGER_GROUP else _decode_engine_commands
            for command in decode(group.commands):
                apply(ledger, command, batch.time)
        self._close(payload, batch.time)
        reports.discard(ledger)

    def snapshot(self) -> bytes:
        """The whole state."""
        return snapshot.take(self.ledger)

    def restore(self, content: bytes) -> None:
        """Become the state of a snapshot."""
        self.ledger = snapshot.restore(content)

    def _settle(self, inputs: Batches) -> bool:
        """Apply the events, log by log; whether there were any."""
        payloads = [(self._shards[log], payload) for log in sorted(inputs) for payload in inputs[log]]
        for shard, payload in payloads:
            batch = _decode_events(payload)
            settle(self.ledger, shard, batch)
            if batch.moments:
                self._moment = batch.moments[-1].time
        return bool(payloads)

    def _define_symbols(self, draft: Draft) -> None:
        """What is new or different in the market file, as much as fits into the batch; the next turn goes on, before it takes
        requests. A symbol stays with the engine that has its book."""
        symbols = self.ledger.symbols
        shards = max((listing.definition.shard for listing in symbols.values()), default=0)
        if shards > self._market.shards:
            raise MarketError(f"shards: this market was made with {shards} engines, their number can only grow")
        for definition in self._market.definitions():
            if listing := symbols.get(definition.symbol):
                definition = msgspec.structs.replace(definition, shard=listing.definition.shard)
                if definition == listing.definition:
                    continue
            if draft.full:
                return
            apply(self.ledger, definition, draft.time)
            draft.add(definition.shard, definition)
        self._defined = True

    def _close(self, payload: bytes, time: int) -> None:
        """The state contains this batch now."""
        self.ledger.number += 1
        self.ledger.previous = digest(payload)
        self.ledger.time = time
