"""What is made of the workers' answers: rows, and what is wrong in words."""

from __future__ import annotations

import os
import socket

from cli.workers import problems, processes, rows
from exchange.messages.health import Health, Part, Position

HERE = socket.gethostname()


def health(worker: str, pid: int, *parts: Part, host: str = "elsewhere", why: str = "") -> Health:
    return Health(worker, host, pid, "0.1.0", 0, not why, why, parts)


def led(name: str, shards: int = 1) -> Part:
    events = {f"EVENTS_{shard}": Position(4, 4) for shard in range(1, shards + 1)}
    return Part(name, "leading", {"JOURNAL": Position(8, 10), **events})


ALL = [
    health("engine", 1, led("engine-1"), led("engine-2")),
    health("ledger", 2, led("ledger", shards=2)),
    health("ledger", 3, Part("ledger", "following", {"JOURNAL": Position(10, 10)})),
    health("ticks", 4, led("ticks", shards=2)),
]


def test_all_is_well() -> None:
    assert problems(processes({}, ALL)) == []


def test_a_row_for_each_stage() -> None:
    shown = [row[:7] for row in rows(processes({}, ALL))]
    assert shown == [
        ("engine", "leading engine-1", "yes", "8", "4", "2", "elsewhere/1"),
        ("engine", "leading engine-2", "", "8", "4", "2", "elsewhere/1"),
        ("ledger", "leading", "yes", "8", "8", "2", "elsewhere/2"),
        ("ledger", "following", "yes", "10", "", "0", "elsewhere/3"),
        ("ticks", "leading", "yes", "8", "8", "2", "elsewhere/4"),
    ]


def test_a_shard_without_an_engine() -> None:
    historian = health("historian", 5, Part("historian", "", led("", shards=3).positions))
    assert problems(processes({}, [*ALL, historian])) == ["nobody leads engine-3"]


def test_a_follower_that_took_over_from_nobody() -> None:
    known = processes({}, [one for one in ALL if one.pid != 2])
    assert problems(known) == ["nobody leads ledger"]


def test_what_is_not_ready_says_why() -> None:
    known = processes({}, [*ALL, health("historian", 5, why="EVENTS_1 does not answer")])
    assert problems(known) == ["historian (elsewhere/5): EVENTS_1 does not answer"]


def test_what_was_started_here_and_does_not_answer() -> None:
    runtime = {"workers": {"ticks-2": os.getpid(), "nats": os.getppid()}}
    known = processes(runtime, ALL)
    assert problems(known) == [f"ticks-2 ({HERE}/{os.getpid()}) does not answer"]
    answered = processes(runtime, [*ALL, health("ticks", os.getpid(), host=HERE)])
    assert problems(answered) == []
    assert "ticks-2" in [process.name for process in answered]
