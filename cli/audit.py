"""`exchange audit`: recomputes everything from the logs and holds it against what runs. The market goes on meanwhile."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from exchange.messages.administration import HistoryQuestion, HistoryState, LedgerState

from .output import say, show_json, show_table
from .problem import MISUSED, Problem
from .scope import Scope, accepted

ATTEMPTS: Final = 5
"""The ledger may just stand between the parts of an engine's long turn; then it is asked again."""

LOGGED: Final = re.compile(r"^\S+ \S+ ERROR \S+: (LogCut: )?")
"""What stands before a worker's last words."""
Report = Callable[[str], None]


class Check(msgspec.Struct, frozen=True):
    """One thing that must be true, and what was found."""

    name: str
    passed: bool
    detail: str


class Recomputed(NamedTuple):
    """What one recomputation printed, or the line with which it ended."""

    figures: dict[str, Any]
    problem: str


class AuditResult(msgspec.Struct, frozen=True):
    """All checks, at one batch of the journal."""

    passed: bool
    kept_from: int
    """The batch of the journal from which on all was recomputed; 1 unless `exchange up --keep` cut the logs."""
    journal: int
    events_through: dict[int, int]
    digest: str
    orders: int
    trades: int
    checks: list[Check]


async def audit(scope: Scope) -> None:
    """Recompute the ledger and the books from the logs, and hold all against the running market and its history."""
    data = logs_of(scope)
    scope.runtime()
    async with scope.staff() as client:
        for _ in range(ATTEMPTS):
            live = accepted(await client.request("admin.digest", None, LedgerState))
            ledger, engines = await _recompute(data, live)
            if not any(engine.figures.get("unfinished") for engine in engines.values()):
                break
        history = await _history(client, live)
    result = _judge(live, ledger, engines, history)
    if scope.json:
        show_json(result)
    else:
        show_table(
            ["", "check", "found"],
            [("✓" if check.passed else "✗", check.name, check.detail) for check in result.checks],
            empty="nothing was checked",
            left=["check", "found"],
        )
        verdict = "All is well" if result.passed else "NOT as it must be"
        say(f"\n{verdict} at journal batch {result.journal:,}, digest {result.digest}")
        if result.kept_from > 1:
            say(
                f"Recomputed from journal batch {result.kept_from:,} on: what was before is not kept in the logs (--keep). "
                "The history, which is, adds up to the same balances."
            )
    if not result.passed:
        failed = [check.name for check in result.checks if not check.passed]
        raise Problem(f"the audit failed: {'; '.join(failed)}")


def logs_of(scope: Scope) -> Path:
    """The data directory, with whose secrets the logs are read. Raises Problem where it is not here."""
    if scope.by_address:
        raise Problem("the logs are read with the secrets of the data directory: go where it is, name it with --data", MISUSED)
    return scope.data_directory


async def _recompute(data: Path, live: LedgerState) -> tuple[Recomputed, dict[int, Recomputed]]:
    """The ledger and every shard with events, side by side."""
    shards = sorted(live.events_through)
    ledger, *engines = await asyncio.gather(
        recompute("exchange.ledger.audit", data, "--journal", str(live.journal)),
        *(
            recompute("exchange.engine.audit", data, "--shard", str(shard), "--events", str(live.events_through[shard]))
            for shard in shards
        ),
    )
    return ledger, dict(zip(shards, engines, strict=True))


async def recompute(module: str, data: Path, *arguments: str) -> Recomputed:
    """Run one of the audits, which read the logs and touch nothing."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", module, "--data", str(data), *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await process.communicate()
    if process.returncode:
        lines = errors.decode(errors="replace").strip().splitlines()
        return Recomputed({}, LOGGED.sub("", lines[-1]) if lines else f"exit code {process.returncode}")
    return Recomputed(json.loads(output), "")


async def _history(client: Any, live: LedgerState) -> HistoryState:
    """What the historian's rows add up to at the live ledger's position, all pages."""
    sums: dict[str, int] = {}
    balances: dict[str, dict[str, int]] = {}
    after = ""
    while True:
        question = HistoryQuestion(live.journal, live.events_through, after)
        page: HistoryState = accepted(await client.request("admin.history", question, HistoryState))
        sums |= page.sums
        balances |= page.balances
        if page.complete:
            return HistoryState(page.through, sums, balances)
        after = max(page.balances)


def _judge(live: LedgerState, ledger: Recomputed, engines: dict[int, Recomputed], history: HistoryState) -> AuditResult:
    checks = [
        Check(
            "the journal's digest chain is whole, and the ledger can be recomputed from it",
            not ledger.problem,
            ledger.problem or f"{ledger.figures['journal']:,} batches, {ledger.figures['orders']:,} orders",
        )
    ]
    for shard, engine in engines.items():
        checks.append(
            Check(
                f"engine {shard} gives the logged events byte for byte, from the journal alone",
                not engine.problem,
                engine.problem or f"{engine.figures['events']:,} batches, {engine.figures['trades']:,} trades",
            )
        )
    if not ledger.problem:
        checks += _ledger_checks(live, ledger.figures, history)
        checks += [
            _book_check(shard, engine.figures, ledger.figures) for shard, engine in engines.items() if not engine.problem
        ]
    return AuditResult(
        passed=all(check.passed for check in checks),
        kept_from=ledger.figures.get("kept_from", 1),
        journal=live.journal,
        events_through=live.events_through,
        digest=live.digest,
        orders=ledger.figures.get("orders", 0),
        trades=sum(engine.figures.get("trades", 0) for engine in engines.values()),
        checks=checks,
    )


def _ledger_checks(live: LedgerState, figures: dict[str, Any], history: HistoryState) -> list[Check]:
    balances: dict[str, dict[str, int]] = figures["balances"]
    different = sorted(
        f"{account} {asset}"
        for account in balances.keys() | history.balances.keys()
        for asset in balances.get(account, {}).keys() | history.balances.get(account, {}).keys()
        if balances.get(account, {}).get(asset, 0) != history.balances.get(account, {}).get(asset, 0)
    )
    unbalanced = [f"{asset} {amount}" for asset, amount in history.sums.items() if amount]
    return [
        Check(
            "the running ledger has the recomputed state",
            figures["digest"] == live.digest,
            f"digest {figures['digest']}" + ("" if figures["digest"] == live.digest else f", running {live.digest}"),
        ),
        Check(
            "every asset sums to zero, holds equal open orders, nobody is overdrawn",
            not figures["violation"],
            figures["violation"] or f"{len(balances):,} accounts",
        ),
        Check(
            "the postings in DuckDB sum to zero",
            not unbalanced,
            ", ".join(unbalanced) or f"{len(history.sums)} assets",
        ),
        Check(
            "the balances in DuckDB are the ledger's",
            not different,
            f"different: {', '.join(different[:5])}" if different else f"{sum(map(len, balances.values())):,} balances",
        ),
    ]


def _book_check(shard: int, engine: dict[str, Any], ledger: dict[str, Any]) -> Check:
    book: dict[str, int] = engine["open_orders"]
    open_orders: dict[str, int] = ledger["open_orders"].get(str(shard), {})
    different = sorted(set(book.items()) ^ set(open_orders.items()))
    return Check(
        f"the books of engine {shard} hold exactly the ledger's open orders",
        not different,
        f"different: order {different[0][0]} and {len(different) - 1} more" if different else f"{len(book):,} orders",
    )
