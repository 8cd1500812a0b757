"""What a stage is: a pure state machine that reads logs and writes one. No clock, socket, await or randomness.

`replica.py` keeps a stage in step with its logs, `leader.py` runs it; see ARCHITECTURE.md, "Why nothing is lost".
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

Batches = dict[str, list[bytes]]
"""Payloads to apply, per input log, in order; a log with nothing new may be missing."""


class Turn(NamedTuple):
    """What one turn of a stage produced."""

    payloads: list[bytes]
    """Appended to the output log one after the other. Usually one, or none when nothing happened."""
    messages: list[tuple[str, bytes]]
    """(subject, payload) sent to the outside only after the log acknowledged all payloads; lost in a crash, never wrong."""


class Stage(Protocol):
    """A deterministic state machine that reads logs and writes one.

    The same calls in the same order lead to the same state, byte for byte in `snapshot()`. When several input logs have
    batches, a stage applies them in sorted order of the logs' names, so that a replay cannot differ.
    """

    @property
    def name(self) -> str:
        """Names the lease and the snapshot: `ledger`, `engine-1`."""

    @property
    def output(self) -> str:
        """The log that this stage, and nobody else, writes."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The logs it reads."""

    @property
    def waiting(self) -> bool:
        """Whether something waits inside for the next turn, because the last one was full."""

    def turn(self, inputs: Batches, now: int) -> Turn:
        """As leader: apply the inputs, then whatever else waits inside the stage (requests). `now` in nanoseconds since 1970.

        Called when an input arrived, when the stage was woken, and once a second. The payloads' `number` and `previous`
        continue the output log.
        """

    def replay(self, payload: bytes, inputs: Batches) -> None:
        """As follower: apply exactly the inputs that `payload`, the next batch of the output log, says it contains, and then
        the payload itself. Raises ReplayError when the payload could not have come from this state and these inputs."""

    def snapshot(self) -> bytes:
        """The whole state, canonically encoded; its digest is the digest of the state."""

    def restore(self, snapshot: bytes) -> None:
        """Become the state of a snapshot."""


class ReplayError(Exception):
    """A log contradicts what this code computes from its inputs: the log was altered, or the code is not deterministic."""
