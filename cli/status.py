"""`exchange status`: where the market is, what runs, and how it stands."""

from __future__ import annotations

import time
from typing import Any

from exchange import subjects
from exchange.messages.administration import LedgerState
from exchange.messages.market_data import SymbolInfo

from .output import SECOND, say, show_json, show_table
from .scope import Scope, accepted
from .usage import usage


async def status(scope: Scope) -> None:
    """Where the market is, what runs, and how it stands.

    In JSON it tells all addresses, process ids and positions in the logs.
    """
    if scope.server and scope.data is None:
        async with scope.guest() as client:
            symbols = accepted(await client.request(subjects.public("symbols"), None, list[SymbolInfo]))
        if scope.json:
            show_json({"server": scope.server, "live": True, "symbols": [symbol.symbol for symbol in symbols]})
        else:
            say(f"the market at {scope.server} is live with {', '.join(symbol.symbol for symbol in symbols)}")
        return
    runtime = scope.runtime()
    async with scope.operator() as client:
        ledger = accepted(await client.request(subjects.admin("digest"), None, LedgerState))
    if scope.json:
        show_json({**runtime, "data": str(scope.data_directory), "ledger": ledger})
        return
    say(f"{'live' if runtime.get('live') else 'starting'} for {_duration(time.time_ns() - runtime.get('started', 0))}")
    for name in ("http", "server", "websocket", "monitor"):
        say(f"{name:9} {runtime.get(name) or '–'}")
    say(f"{'data':9} {scope.data_directory}")
    events = ", ".join(f"{number:,} of engine {shard}" for shard, number in ledger.events_through.items())
    say(f"{'ledger':9} at journal batch {ledger.journal:,}; event batches applied: {events or 'none'}\n")
    show_table(
        ("worker", "pid", "memory", "processor time"),
        [(name, str(pid), *_usage(pid)) for name, pid in runtime.get("workers", {}).items()],
        left=("worker",),
        empty="no workers",
    )


def _usage(pid: int) -> tuple[str, str]:
    used = usage(pid)
    return (f"{used.memory / 1e6:,.0f} MB", f"{used.seconds:,.1f} s") if used else ("–", "–")


def _duration(nanoseconds: Any) -> str:
    seconds = int(nanoseconds) // SECOND
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    parts = [f"{days} d" if days else "", f"{hours} h" if hours else "", f"{minutes} min" if minutes else "", f"{seconds} s"]
    return " ".join([part for part in parts if part][:2])
