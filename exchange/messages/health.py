"""How a worker is, in its own words: every instance answers admin.health, and /readyz on its HTTP port, with a Health."""

from __future__ import annotations

from typing import Literal

import msgspec

from .base import Message

Standing = Literal["leading", "following", ""]
"""Of a stage, or of ticks; empty where several do the same side by side."""


class Position(msgspec.Struct, frozen=True):
    """How much of a log is contained in what a worker knows; what is missing is its lag."""

    applied: int
    """Number of the last batch applied."""
    end: int
    """Number of the newest batch of the log."""


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """One stage or sink that a worker runs: `ledger`, `engine-1`, `historian`."""

    name: str
    standing: Standing = ""
    positions: dict[str, Position] = {}
    """Per log. A follower's only for the log it follows: what its inputs hold it applies when that log says so."""

    @property
    def lag(self) -> int:
        """Batches behind, in the log in which it is most."""
        return max((position.end - position.applied for position in self.positions.values()), default=0)


class LogLine(msgspec.Struct, frozen=True):
    """A warning or an error that a worker has logged."""

    time: int
    level: str
    text: str


class Health(Message, frozen=True):
    """One process. Whoever asks admin.health hears one of these from each."""

    worker: str
    host: str
    pid: int
    version: str
    started: int
    ready: bool
    why: str = ""
    """Why it is not ready."""
    parts: tuple[Part, ...] = ()
    complaints: tuple[LogLine, ...] = ()
    """The last ones, oldest first."""
    number: int = 0
    """Of a ticks worker or a historian, its --worker; each of a kind has another one."""
    http: str = ""
    """Where it answers /healthz, /readyz and /metrics."""

    @property
    def instance(self) -> str:
        """Tells it from all others that are alive."""
        return f"{self.host}/{self.pid}"
