"""The schedules of a market's symbols, and what they demand of a ledger: see exchange/schedule.py."""

from __future__ import annotations

from exchange.market import Market
from exchange.messages.base import Phase
from exchange.messages.journal import SetPhase
from exchange.schedule import FOREVER, Schedule, end_of_day, phase_at

from .accounts import Ledger


class Calendar:
    """The days of all symbols. One that the market file does not name any more follows the market's own schedule."""

    def __init__(self, market: Market) -> None:
        self._schedules = market.schedules()
        self._market = market.schedule
        self._next = 0
        """When a phase may be due; until then nobody need look."""

    def end_of_day(self, symbol: str, time: int) -> int:
        """When orders for the day end."""
        return end_of_day(self._schedule(symbol), time)

    def phase(self, symbol: str, time: int) -> Phase:
        """What the schedule says."""
        return phase_at(self._schedule(symbol), time).phase

    def due(self, ledger: Ledger, time: int) -> list[SetPhase]:
        """What the journal does not hold of the schedule yet. Phases that were missed are not made up for, and as long as an
        operator's halt stands nothing is due: its end is a resume, which says what the schedule has come to."""
        if time < self._next:
            return []
        self._next = FOREVER
        commands: list[SetPhase] = []
        for symbol, listing in sorted(ledger.symbols.items(), key=lambda row: row[1].definition.shard):
            phase, until = phase_at(self._schedule(symbol), time)
            self._next = min(self._next, until)
            if phase != listing.scheduled and listing.commanded != "halted":
                commands.append(SetPhase(symbol, phase, scheduled=True))
        return commands

    def _schedule(self, symbol: str) -> Schedule | None:
        return self._schedules.get(symbol, self._market)
