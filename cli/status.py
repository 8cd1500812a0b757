"""`exchange status` and `exchange top`: where the market is, what runs, who leads, and how all of it stands."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from exchange import subjects
from exchange.messages.administration import LedgerState

from .output import SECOND, make_table, moment, say, show_json, show_table
from .problem import Problem
from .scope import Scope, accepted
from .workers import COLUMNS, LEFT, Process, problems, processes, rows

if TYPE_CHECKING:
    from exchange.client import Client

SYMBOLS_SHOWN: Final = 20
ADDRESSES: Final = ("http", "server", "websocket", "monitor")
COMPLAINTS_SHOWN: Final = 5
"""Of all workers together, the newest."""


async def status(scope: Scope) -> None:
    """Where the market is, what runs, who leads, and how all of it stands.

    In JSON it tells all addresses, process ids and positions in the logs, and what is wrong. Of a market that is named by its
    address, operators and auditors (--as) are told that; everybody else what is traded.
    """
    if scope.by_address and not scope.account:
        async with scope.guest() as client:
            symbols = accepted(await client.symbols())
        if scope.json:
            show_json({"server": scope.server, "live": True, "symbols": [symbol.symbol for symbol in symbols]})
        else:
            named = ", ".join(symbol.symbol for symbol in symbols[:SYMBOLS_SHOWN])
            more = f" and {len(symbols) - SYMBOLS_SHOWN:,} more" if len(symbols) > SYMBOLS_SHOWN else ""
            say(f"the market at {scope.server} is live with {named}{more}")
        return
    runtime = _runtime(scope)
    async with scope.staff() as client:
        known = await _look(client, runtime)
        wrong = problems(known)
        ledger = None
        if "nobody leads ledger" not in wrong:
            ledger = accepted(await client.request(subjects.admin("digest"), None, LedgerState))
    if scope.json:
        health = [process.health for process in known if process.health]
        show_json({**runtime, **_place(scope), "ledger": ledger, "health": health, "problems": wrong})
        return
    if runtime:
        say(f"{'live' if runtime.get('live') else 'starting'} for {_duration(time.time_ns() - runtime.get('started', 0))}")
    for name, value in ({name: runtime.get(name) for name in ADDRESSES if runtime} | _place(scope)).items():
        say(f"{name:9} {value or '–'}")
    say("")
    show_table(COLUMNS, rows(known), left=LEFT, empty="no workers")
    for line in _complaints(known):
        say(line)
    say("\nAll is well" if not wrong else f"\nNOT as it should be: {'; '.join(wrong)}")


async def top(scope: Scope) -> None:
    """The workers as they are, once a second, until Ctrl-C: who leads, how far each is, and what it uses."""
    from .watching import watch

    if scope.json:
        raise Problem("top is for people; programs ask: exchange status --json")
    runtime = _runtime(scope)

    async def looks() -> AsyncGenerator[list[Process], None]:
        while True:
            yield await _look(client, runtime if scope.server else _runtime(scope))
            await asyncio.sleep(0.5)  # Looking takes as long again.

    def picture(known: list[Process]) -> RenderableType:
        wrong = problems(known)
        verdict = Text(f"NOT as it should be: {'; '.join(wrong)}", "red") if wrong else Text("All is well", "green")
        return Group(make_table(COLUMNS, rows(known), left=LEFT), *map(Text, _complaints(known)), verdict)

    async with scope.staff() as client:
        await watch(looks(), picture)


async def _look(client: Client, runtime: dict[str, Any]) -> list[Process]:
    from exchange.health import everybody  # Brings the NATS client, which no other command's help should pay for.

    return processes(runtime, await everybody(await client.reconnected()))


def _runtime(scope: Scope) -> dict[str, Any]:
    """What `exchange up` says that it has started; nothing where the market was named by its address."""
    return {} if scope.server else scope.runtime()


def _place(scope: Scope) -> dict[str, str]:
    return {"server": scope.server} if scope.by_address else {"data": str(scope.data_directory)}


def _complaints(known: list[Process]) -> list[str]:
    """The newest warnings and errors of all workers."""
    said = [(process.name, line) for process in known if process.health for line in process.health.complaints]
    lines = sorted((line.time, name, line.text) for name, line in said)
    return [f"{moment(time)} {name}: {text}" for time, name, text in lines[-COMPLAINTS_SHOWN:]]


def _duration(nanoseconds: Any) -> str:
    seconds = int(nanoseconds) // SECOND
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    parts = [f"{days} d" if days else "", f"{hours} h" if hours else "", f"{minutes} min" if minutes else "", f"{seconds} s"]
    return " ".join([part for part in parts if part][:2])
