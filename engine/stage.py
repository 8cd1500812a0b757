"""The engine as a stage: journal batches in, event batches out."""

from __future__ import annotations

from collections import deque
from typing import Final

from exchange.digest import digest
from exchange.messages.base import decoder
from exchange.messages.events import Moment
from exchange.messages.journal import DefineSymbol, EngineCommand, JournalBatch
from exchange.stage import Batches, ReplayError, Turn
from exchange.subjects import JOURNAL, engine_stage, events_log

from .batch import apply_batch
from .books import Books
from .parts import encode_batches
from .state import EngineState, book_states, books_of, decode_state, encode_state

decode_journal: Final = decoder(JournalBatch).decode
decode_commands: Final = decoder(list[EngineCommand]).decode


class EngineStage:
    """Matches one shard. It computes the same bytes from the same journal, so its replay is its turn, compared.

    Every turn makes one event batch, or none when nothing happened, or several `more` parts when it does not fit into one. An
    order that expires does so in the moment of the first journal batch whose time has come.
    """

    def __init__(self, shard: int) -> None:
        self.books = Books()
        self._shard = shard
        self._number = 0
        self._previous = ""
        # Made but not known to be in the log: a leader died between the parts of a turn, and the next one appends the rest.
        self._pending: deque[bytes] = deque()

    @property
    def name(self) -> str:
        """engine-<shard>."""
        return engine_stage(self._shard)

    @property
    def output(self) -> str:
        """EVENTS_<shard>."""
        return events_log(self._shard)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The journal."""
        return (JOURNAL,)

    @property
    def waiting(self) -> bool:
        """Whether parts of an earlier turn are still to be appended."""
        return bool(self._pending)

    def turn(self, inputs: Batches, now: int) -> Turn:
        """As leader: what is missing of an earlier turn, then the events of these inputs. An engine has no messages."""
        self._apply(inputs)
        payloads = list(self._pending)
        self._pending.clear()
        return Turn(payloads, [])

    def replay(self, payload: bytes, inputs: Batches) -> None:
        """As follower: make the batch again and compare. Raises ReplayError, naming the log and the batch."""
        self._apply(inputs)
        number = self._number - len(self._pending) + 1
        if not self._pending:
            raise ReplayError(f"{self.output}: batch {number} has events that the journal did not cause")
        if self._pending.popleft() != payload:
            raise ReplayError(f"{self.output}: batch {number} is not what the journal gives; the log was altered, or the code")

    def snapshot(self) -> bytes:
        """The books and where the output stands."""
        pending = [payload.decode() for payload in self._pending]
        return encode_state(EngineState(self._number, self._previous, pending, book_states(self.books)))

    def restore(self, snapshot: bytes) -> None:
        """Become the state of a snapshot."""
        state = decode_state(snapshot)
        self._number, self._previous = state.number, state.previous
        self._pending = deque(payload.encode() for payload in state.pending)
        self.books = books_of(state.books)

    def _apply(self, inputs: Batches) -> None:
        """Apply journal batches; what they cause becomes pending."""
        moments: list[Moment] = []
        through = 0
        quiet = False
        for payload in inputs.get(JOURNAL, ()):
            batch = decode_journal(payload)
            through = batch.number
            commands: list[EngineCommand] = []
            for group in batch.groups:
                if group.shard == self._shard:
                    commands += decode_commands(group.commands)
            events = apply_batch(self.books, batch.time, commands)
            if events:
                moments.append(Moment(batch.number, batch.time, events))
            # A stop order that waits changes the books and causes no event, like a reference price that was looked at and
            # stays. The log says all the same that it is contained, so that an audit of the log has the books that the
            # ledger knows.
            elif any(type(command) is not DefineSymbol for command in commands) or any(
                book.reference_time == batch.time for book in self.books.touched
            ):
                quiet = True
        if moments or quiet:
            payloads = encode_batches(self._number + 1, self._previous, through, moments)
            self._pending += payloads
            self._number += len(payloads)
            self._previous = digest(payloads[-1])
