"""`exchange replay --until N`: the market as the ledger knew it at any batch of the journal, rebuilt beside the running one."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
import typer

from exchange.messages.account import Portfolio
from exchange.messages.administration import LedgerState

from .audit import Recomputed, logs_of, recompute
from .holdings import show_portfolio
from .output import money, say, show_json, show_table
from .problem import MISUSED, Problem
from .scope import Scope, accepted


class Moment(msgspec.Struct, frozen=True):
    """The market at one batch of the journal."""

    journal: int
    events_through: dict[int, int]
    digest: str
    """Of the ledger's whole state."""
    orders: int
    """Accepted until then."""
    portfolios: list[Portfolio]
    books: dict[str, tuple[list[tuple[int, int]], list[tuple[int, int]]]]
    """Symbol → bids and asks, best first, of (price, shown quantity)."""


async def replay(
    scope: Scope,
    until: Annotated[
        int | None, typer.Option("--until", metavar="N", min=1, help="A batch of the journal.", show_default=False)
    ] = None,
    show: Annotated[
        list[str] | None, typer.Option("--show", metavar="ACCOUNT", help="What it had; may be repeated.", show_default=False)
    ] = None,
    book: Annotated[
        list[str] | None, typer.Option("--book", metavar="SYMBOL", help="What was in it; may be repeated.", show_default=False)
    ] = None,
) -> None:
    """Rebuild balances and books at any batch of the journal, without touching the running market."""
    if until is None:
        raise Problem("say until which batch of the journal: exchange replay --until N", MISUSED)
    moment = await _rebuild(scope, until, show or [], [symbol.upper() for symbol in book or []])
    if scope.json:
        show_json(moment)
    else:
        _show(moment)


async def _rebuild(scope: Scope, until: int, accounts: list[str], symbols: list[str]) -> Moment:
    data = logs_of(scope)
    async with scope.staff() as client:
        newest = accepted(await client.request("admin.digest", None, LedgerState)).journal
    if until > newest:
        raise Problem(f"--until: the journal ends at batch {newest}", MISUSED)
    shown = [word for name in accounts for word in ("--show", name)]
    ledger = _figures(await recompute("exchange.ledger.audit", data, "--journal", str(until), *shown))
    portfolios = msgspec.convert(ledger["portfolios"], list[Portfolio])
    if missing := set(accounts) - {portfolio.account for portfolio in portfolios}:
        raise Problem(f"there was no account {', '.join(sorted(missing))} at batch {until}")
    through = {int(shard): number for shard, number in ledger["events_through"].items()}
    books: dict[str, Any] = {}
    if symbols:
        wanted = [word for symbol in symbols for word in ("--book", symbol)]
        engines = await asyncio.gather(
            *(
                recompute("exchange.engine.audit", data, "--shard", str(shard), "--events", str(number), *wanted)
                for shard, number in through.items()
                if number
            )
        )
        for engine in engines:
            books |= _figures(engine)["books"]
    if unknown := set(symbols) - books.keys():
        raise Problem(f"there was no book of {', '.join(sorted(unknown))} at batch {until}")
    return Moment(until, through, ledger["digest"], ledger["orders"], portfolios, books)


def _figures(found: Recomputed) -> dict[str, Any]:
    if found.problem:
        raise Problem(f"the logs could not be replayed: {found.problem}")
    return found.figures


def _show(moment: Moment) -> None:
    events = ", ".join(f"EVENTS_{shard} {number}" for shard, number in sorted(moment.events_through.items())) or "no events"
    say(f"journal batch {moment.journal} ({events}): {moment.orders:,} orders accepted, digest {moment.digest}")
    for portfolio in moment.portfolios:
        say("")
        show_portfolio(portfolio, as_json=False)
    for symbol, (bids, asks) in moment.books.items():
        say(f"\n{symbol}")
        rows = [("ask", money(price), f"{quantity:,}") for price, quantity in reversed(asks)]
        rows += [("bid", money(price), f"{quantity:,}") for price, quantity in bids]
        show_table(("", "price", "size"), rows, left=("",), empty="the book was empty")
