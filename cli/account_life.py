"""What an operator does to an account: account freeze, unfreeze, reset, close."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from exchange import subjects
from exchange.messages.account import Portfolio
from exchange.messages.administration import AccountChange, AccountQuestion, Done

from .accounts import Name
from .output import say, show_json
from .problem import Problem
from .scope import Scope, accepted

if TYPE_CHECKING:
    from exchange.client import Client

END_SECONDS_MAX: Final = 10.0
"""How long the engines may take to cancel what was open."""
POLL_SECONDS: Final = 0.05

Reason = Annotated[str, typer.Option("--reason", help="What the log, and the account, are told.", show_default=False)]


async def freeze(scope: Scope, name: Name, reason: Reason = "") -> None:
    """Cancel all open orders of an account and refuse new ones, until it is unfrozen."""
    async with scope.staff() as client:
        _tell(scope, await _change(client, "freeze", name, reason))


async def unfreeze(scope: Scope, name: Name, reason: Reason = "") -> None:
    """Let a frozen account trade again."""
    async with scope.staff() as client:
        _tell(scope, await _change(client, "unfreeze", name, reason))


async def reset(scope: Scope, name: Name) -> None:
    """Cancel all open orders of an account and give it what it started with; profit and loss begin anew."""
    async with scope.staff() as client:
        frozen = await _end_orders(client, name)
        try:
            done = await _change(client, "reset", name)
        finally:
            if not frozen:
                await _change(client, "unfreeze", name)
    _tell(scope, done)


async def close(scope: Scope, name: Name, reason: Reason = "") -> None:
    """Cancel all open orders of an account, take back all it has, and let it never trade again."""
    async with scope.staff() as client:
        await _end_orders(client, name)
        _tell(scope, await _change(client, "close", name, reason))


async def _end_orders(client: Client, name: str) -> bool:
    """Freeze the account and wait until nothing is open; whether it was frozen already."""
    frozen = (await _portfolio(client, name)).standing == "frozen"
    await _change(client, "freeze", name)
    deadline = time.monotonic() + END_SECONDS_MAX
    while (await _portfolio(client, name)).orders:
        if time.monotonic() > deadline:
            raise Problem(f"{name} is frozen, but its orders were not cancelled within {END_SECONDS_MAX:g} s; try again")
        await asyncio.sleep(POLL_SECONDS)
    return frozen


async def _portfolio(client: Client, name: str) -> Portfolio:
    return accepted(await client.request(subjects.admin("portfolio"), AccountQuestion(name), Portfolio))


async def _change(client: Client, verb: str, name: str, reason: str = "") -> Done:
    return accepted(await client.request(subjects.admin(verb), AccountChange(name, reason), Done))


def _tell(scope: Scope, done: Done) -> None:
    if scope.json:
        show_json(done)
    else:
        say(done.detail)
