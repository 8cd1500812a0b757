"""`exchange account list`: all accounts of the market, for an operator or an auditor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from exchange import subjects
from exchange.messages.administration import AccountInfo, Accounts, AccountsQuestion

from .output import money, say, show_json, show_table
from .scope import Scope, accepted

if TYPE_CHECKING:
    from exchange.client import Client

PAGE: Final = 200
"""The most that the ledger tells at a time."""


async def list_accounts(
    scope: Scope,
    prefix: Annotated[str, typer.Option("--prefix", help="Only those whose names begin like this.", show_default=False)] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many, the oldest first.")] = 1_000,
) -> None:
    """All accounts (for an operator or auditor): what each has, what it is worth, and what it gained."""
    async with scope.staff() as client:
        found, complete = await _all(client, prefix, limit)
    if scope.json:
        show_json(Accounts(found, complete))
        return
    show_table(
        ("account", "cash", "worth", "realized", "fees", "open orders", "standing"),
        [
            (
                *(one.account, money(one.cash), money(one.equity), money(one.realized), money(one.fees)),
                *(f"{one.orders:,}", one.standing),
            )
            for one in found
        ],
        left=("account", "standing"),
        empty=f"no account begins with {prefix}" if prefix else "no accounts yet",
    )
    if not complete:
        say(f"and more; the first {len(found):,} are shown, see --limit")


async def _all(client: Client, prefix: str, limit: int) -> tuple[list[AccountInfo], bool]:
    """Page by page; whether these are all."""
    found: list[AccountInfo] = []
    while True:
        question = AccountsQuestion(len(found), min(PAGE, limit - len(found)), prefix)
        page = accepted(await client.request(subjects.admin("accounts"), question, Accounts))
        found += page.accounts
        if page.complete or len(found) >= limit:
            return found, page.complete
