"""What is measured, for Prometheus: all names and labels in one place; probes.py hands them out at /metrics.

Everything is counted per batch or per turn, never per order. All metrics have labels: a worker hands out only its own.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from .messages.health import Health
from .messages.requests import Outcome, Refused

SHORT: Final = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
"""Seconds."""
BYTES: Final = (300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
COMMANDS: Final = (0, 1, 3, 10, 30, 100, 300, 1_000, 2_000)

# What every worker says.
READY: Final = Gauge("exchange_ready", "Whether the worker does its work (1) or not", ["worker"])
LEADING: Final = Gauge("exchange_leading", "Whether this instance leads the stage (1) or follows", ["stage"])
LAG: Final = Gauge("exchange_lag_batches", "Batches of a log that are not applied yet", ["stage", "log"])
APPLIED: Final = Gauge("exchange_applied_batch", "Number of the last batch applied", ["stage", "log"])

# Stages and sinks.
LATENCY: Final = Histogram(
    "exchange_latency_seconds",
    "From a journal batch's time to the end of a step on it: appended, settled, applied, stored (the machines' clocks differ)",
    ["stage", "step"],
    buckets=SHORT,
)
TURN: Final = Histogram("exchange_turn_seconds", "Computing one turn of a stage", ["stage"], buckets=SHORT)
APPEND: Final = Histogram(
    "exchange_append_seconds",
    "Until a log has acknowledged a batch: fsync, and replication in a cluster",
    ["log"],
    buckets=SHORT,
)
BATCH: Final = Histogram("exchange_batch_bytes", "Size of an appended batch", ["log"], buckets=BYTES)

# The gate.
TAKEN: Final = Histogram("exchange_turn_commands", "Commands that a turn looked at", ["stage"], buckets=COMMANDS)
REFUSALS: Final = Counter("exchange_refusals", "Orders that were refused", ["reason"])
WAITING: Final = Gauge("exchange_requests_waiting", "Requests that wait for the next turn", ["stage"])
OPEN_ORDERS: Final = Gauge("exchange_open_orders", "Open orders, each with its hold", ["stage"])
CASH_HELD: Final = Gauge("exchange_cash_held", "Cash set aside for open orders, in units of the currency", ["stage"])
LOGINS: Final = Counter("exchange_logins", "Connections that asked to log in", ["outcome"])

# Bots: of the market file, hosted with rules, hosted with a strategy.
BOTS: Final = Gauge("exchange_bots", "Bots that run", ["kind"])
DECISIONS: Final = Counter("exchange_bot_decisions", "Times that a bot had something to do", ["kind"])
BOT_COMMANDS: Final = Counter("exchange_bot_commands", "Commands that bots sent, accepted or refused", ["outcome"])

# Questions and DuckDB.
QUESTION: Final = Histogram("exchange_question_seconds", "Answering a question", ["question"], buckets=SHORT)
STORE: Final = Histogram("exchange_duckdb_write_seconds", "One transaction of rows", ["database"], buckets=SHORT)
READ: Final = Histogram("exchange_duckdb_read_seconds", "One read of DuckDB for a question", ["database"], buckets=SHORT)
ROWS: Final = Counter("exchange_duckdb_rows", "Rows stored", ["database"])
CACHE: Final = Gauge(
    "exchange_duckdb_memory_bytes",
    "Memory that DuckDB holds: the blocks it wrote and read last, up to its limit",
    ["database"],
)


class StageMeter:
    """What one stage's loop measures of its turns."""

    def __init__(self, stage: str, log: str) -> None:
        self.turn = TURN.labels(stage)
        self.append = APPEND.labels(log)
        self.batch = BATCH.labels(log)
        self.latency = LATENCY.labels(stage, "appended")


def count_refusals(reasons: Iterable[str]) -> None:
    """Count those of a turn."""
    for reason, count in Tally(reasons).items():
        REFUSALS.labels(reason).inc(count)


def count_outcomes(outcomes: Iterable[Outcome]) -> None:
    """Count those of a bot's request."""
    for outcome, count in Tally("refused" if isinstance(one, Refused) else "accepted" for one in outcomes).items():
        BOT_COMMANDS.labels(outcome).inc(count)


def show(health: Health) -> None:
    """Let the gauges say how the worker is now."""
    for gauge in (READY, LEADING, LAG, APPLIED):
        gauge.clear()  # A stage may have moved to another worker.
    READY.labels(health.worker).set(health.ready)
    for part in health.parts:
        if part.standing:
            LEADING.labels(part.name).set(part.standing == "leading")
        for log, position in part.positions.items():
            LAG.labels(part.name, log).set(position.end - position.applied)
            APPLIED.labels(part.name, log).set(position.applied)
