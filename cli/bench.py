"""`exchange bench`: what this machine can do, as a table or as JSON."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from .output import show_json, show_table
from .problem import Problem
from .scope import Scope


async def bench(
    scope: Scope,
    quick: Annotated[bool, typer.Option("--quick", help="Shorter runs: about a minute in all.")] = False,
    stored_trades: Annotated[
        int, typer.Option("--stored-trades", min=1_000_000, help="To ask for candles among; 50 million take two minutes.")
    ] = 5_000_000,
) -> None:
    """Measure this machine: matching, the gate, market data, orders end to end, recovery. It starts markets of its own."""

    from exchange.wire import WireError

    from .measurement import run_bench  # Brings the NATS client, which no other command's help should pay for.

    def report(text: str) -> None:
        print(f"{text} …", file=sys.stderr, flush=True)

    try:
        figures = await asyncio.to_thread(run_bench, quick, stored_trades, report)
    except (RuntimeError, WireError, OSError) as error:
        raise Problem(f"the benchmark failed: {error}") from None
    if scope.json:
        show_json(figures)
        return
    rows = [(name, f"{value:,.3g}" if value < 100 else f"{value:,.0f}") for name, value in _flatten(figures)]
    show_table(("figure", "value"), rows, left=("figure",), empty="nothing was measured")


def _flatten(figures: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in figures.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
