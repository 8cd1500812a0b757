"""What all workers say about themselves, as rows of a table, and what is wrong with them as a whole."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from exchange.messages.health import Health, Part
from exchange.subjects import JOURNAL, engine_stage

from .usage import Usage, usage

COLUMNS: Final = ("worker", "does", "ready", "journal", "events", "behind", "instance", "memory", "processor time")
LEFT: Final = ("worker", "does", "ready", "instance")
NATS: Final = "nats"


class Process(NamedTuple):
    """One that is known of: because it answered, or because `exchange up` started it."""

    name: str
    instance: str
    health: Health | None
    used: Usage | None
    """Of this machine's processes."""


def processes(runtime: dict[str, Any], answered: list[Health]) -> list[Process]:
    """Those that answered, and those that `exchange up` started and that did not."""
    here = socket.gethostname()
    started: dict[int, str] = {pid: name for name, pid in runtime.get("workers", {}).items()}
    found = []
    for health in answered:
        local = health.host == here
        name = started.pop(health.pid, health.worker) if local else health.worker
        found.append(Process(name, health.instance, health, usage(health.pid) if local else None))
    found += [Process(name, f"{here}/{pid}", None, usage(pid)) for pid, name in started.items()]
    return found


def rows(known: list[Process]) -> list[tuple[str, ...]]:
    """One for each stage or sink of each process."""
    return [row for process in known for row in _rows(process)]


def problems(known: list[Process]) -> list[str]:
    """What an operator should know, in words; empty when all is well."""
    silent = [f"{process.name} ({process.instance}) does not answer" for process in known if _silent(process)]
    answered = [process for process in known if process.health]
    unready = [
        f"{process.name} ({process.instance}): {process.health.why}"
        for process in answered
        if process.health and not process.health.ready
    ]
    parts = [part for process in answered if process.health for part in process.health.parts]
    led = [part.name for part in parts if part.standing == "leading"]
    # A ledger or a sink reads the events of every shard.
    shards = max((sum(log != JOURNAL for log in part.positions) for part in parts), default=1)
    stages = ["ledger", *map(engine_stage, range(1, max(shards, 1) + 1)), "ticks"]
    idle = [f"nobody leads {stage}" for stage in stages if stage not in led]
    return silent + unready + idle


def _silent(process: Process) -> bool:
    return process.health is None and not _is_nats(process)


def _is_nats(process: Process) -> bool:
    return process.name.partition("-")[0] == NATS


def _rows(process: Process) -> Iterator[tuple[str, ...]]:
    health = process.health
    used = (f"{process.used.memory / 1e6:,.0f} MB", f"{process.used.seconds:,.1f} s") if process.used else ("–", "–")
    ready = "–" if _is_nats(process) else "no answer" if health is None else "yes" if health.ready else "no"
    for part in (health and health.parts) or (None,):
        does = f"{part.standing} {'' if part.name == process.name else part.name}".strip() if part else ""
        yield (process.name, does, ready, *_positions(part), process.instance, *used)
        used, ready = ("", ""), ""  # Said once for each process.


def _positions(part: Part | None) -> tuple[str, str, str]:
    if part is None:
        return "", "", ""
    journal = part.positions.get(JOURNAL)
    events = [position.applied for log, position in part.positions.items() if log != JOURNAL]
    return f"{journal.applied:,}" if journal else "", f"{sum(events):,}" if events else "", f"{part.lag:,}"
