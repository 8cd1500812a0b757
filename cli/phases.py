"""The operator's hand on the day: halt, resume, and any phase."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from exchange import subjects
from exchange.messages.administration import Done, PhaseRequest

from .output import say, show_json
from .scope import Scope, accepted

EverySymbol = Annotated[str, typer.Argument(metavar="[SYMBOL]", help="Without it the whole market.", show_default=False)]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for everybody to read.", show_default=False)]
PhaseName = Literal["pre_open", "opening_auction", "continuous", "halted", "closing_auction", "closed"]
"""Those that somebody can command."""


async def halt(scope: Scope, symbol: EverySymbol = "", reason: Reason = "") -> None:
    """Stop trading (as the operator): orders can only be cancelled until `exchange resume`."""
    await _change(scope, PhaseRequest(symbol.upper(), "halted", reason))


async def resume(scope: Scope, symbol: EverySymbol = "") -> None:
    """Go back to the phase that the schedule says, or to continuous trading (as the operator)."""
    await _change(scope, PhaseRequest(symbol.upper()))


async def phase(
    scope: Scope,
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="For example KRYP.", show_default=False)],
    phase: Annotated[PhaseName, typer.Argument(metavar="PHASE", help="What it enters.", show_default=False)],
    reason: Reason = "",
) -> None:
    """Have a symbol enter a phase (as the operator), until its schedule's next one."""
    await _change(scope, PhaseRequest(symbol.upper(), phase, reason))


async def _change(scope: Scope, wanted: PhaseRequest) -> None:
    async with scope.staff() as client:
        done = accepted(await client.request(subjects.admin("phase"), wanted, Done))
    if scope.json:
        show_json(done)
    else:
        say(done.detail)
