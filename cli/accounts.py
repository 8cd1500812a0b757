"""Log-ins and accounts: account create, account show, account key, account rules, login."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from exchange import subjects
from exchange.messages.account import AccountRules, AccountRulesQuestion, Portfolio
from exchange.messages.administration import AccountQuestion, Credentials, Done, Secret
from exchange.messages.base import SelfTrade
from exchange.money import parse_money
from exchange.permissions import OPERATOR

from .holdings import show_portfolio
from .logins import store_login
from .output import say, show_json
from .problem import MISUSED, Problem
from .scope import Scope, accepted

if TYPE_CHECKING:
    from exchange.client import Client

CREATE_SECONDS_MAX = 14.0
"""An account is opened by the ledger, which may be restarting."""
PASSWORD_VARIABLE = "EXCHANGE_PASSWORD"

Name = Annotated[str, typer.Argument(metavar="ACCOUNT", help="a-z, 0-9, - and _, at most 32.", show_default=False)]


def create(
    scope: Scope,
    name: Name,
    cash: Annotated[
        str, typer.Option("--cash", metavar="AMOUNT", help="Instead of the market's endowment.", show_default=False)
    ] = "",
    shares: Annotated[
        list[str] | None,
        typer.Option("--shares", metavar="SYMBOL=QUANTITY", help="The same; may be repeated.", show_default=False),
    ] = None,
) -> None:
    """Open an account (as the operator), and stay logged in to it. Reads EXCHANGE_PASSWORD, or asks for a password."""
    try:
        units = parse_money(cash) if cash else None
    except ValueError as error:
        raise Problem(f"--cash: {error}", MISUSED) from None
    endowment = dict(map(_share, shares)) if shares else None
    scope.address  # noqa: B018 - nobody types a password in vain
    # Asked outside of the event loop, where Ctrl-C works.
    done = asyncio.run(create_login(scope, Credentials(name, read_password(name, confirm=True), units, endowment)))
    if scope.json:
        show_json(done)
    else:
        say(f"{name} has an account and is logged in here; try: exchange --as {name} portfolio")


async def show(scope: Scope, name: Name) -> None:
    """Cash, positions and open orders of an account, for the operator or for itself."""
    if scope.account == name:
        async with scope.trader() as client:
            found = accepted(await client.request(subjects.api(name, "portfolio"), None, Portfolio))
    else:
        async with scope.operator() as client:
            found = accepted(await client.request(subjects.admin("portfolio"), AccountQuestion(name), Portfolio))
    show_portfolio(found, as_json=scope.json)


async def key(scope: Scope, name: Name) -> None:
    """Make an API key for an account, and show it this once. With it a program connects as ACCOUNT, password KEY."""
    if scope.account == name:
        async with scope.trader() as client:
            secret = await _new_key(client, name)
    else:
        async with scope.operator() as client:
            secret = await _new_key(client, name)
    if scope.json:
        show_json(secret)
    else:
        say(secret.secret)


async def rules(
    scope: Scope,
    self_trade: Annotated[
        SelfTrade | None,
        typer.Option(
            "--self-trade", help="What happens when two of its orders would trade, unless they say.", show_default=False
        ),
    ] = None,
    cancel_on_disconnect: Annotated[
        bool | None,
        typer.Option(
            "--cancel-on-disconnect/--no-cancel-on-disconnect",
            help="Cancel its open orders when its last connection is lost.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """The account's rules for all of its orders: show them, or change them first."""
    async with scope.trader() as client:
        wanted = AccountRulesQuestion(self_trade, cancel_on_disconnect)
        found = accepted(await client.request(subjects.api(client.account, "rules"), wanted, AccountRules))
    if scope.json:
        show_json(found)
        return
    say(f"an order that would trade with another of {found.account}: {found.self_trade.replace('_', ' ')}")
    lost = "are cancelled" if found.cancel_on_disconnect else "stay"
    say(f"open orders {lost} when the last connection of {found.account} is lost")


def login(scope: Scope, name: Name) -> None:
    """Log in, so that --as ACCOUNT works here. Reads EXCHANGE_PASSWORD, or asks for the password."""
    if name == OPERATOR:
        raise Problem("the operator needs no log-in here: its password stands in the data directory", MISUSED)
    scope.address  # noqa: B018 - nobody types a password in vain
    asyncio.run(_stay_logged_in(scope, name, read_password(name, confirm=False)))
    if scope.json:
        show_json(Done(f"{name} is logged in"))
    else:
        say(f"{name} is logged in here; try: exchange --as {name} portfolio")


def read_password(name: str, *, confirm: bool) -> str:
    """The password from the environment, or typed (twice when it is a new one)."""
    if password := os.environ.get(PASSWORD_VARIABLE):
        return password
    if not sys.stdin.isatty():
        raise Problem(f"there is no terminal to ask for the password on; set {PASSWORD_VARIABLE}", MISUSED)
    typed: str = typer.prompt(f"Password of {name}", hide_input=True, confirmation_prompt=confirm, err=True)
    return typed


async def create_login(scope: Scope, wanted: Credentials) -> Done:
    """Make a log-in and its account in the ledger, as the operator."""
    async with scope.operator() as operator:
        subject = subjects.admin("create_account")
        done = accepted(await operator.request(subject, wanted, Done, seconds=CREATE_SECONDS_MAX))
    await _stay_logged_in(scope, wanted.account, wanted.password)
    return done


async def _stay_logged_in(scope: Scope, name: str, password: str) -> None:
    async with scope.login(name, password) as client:
        secret = await _new_key(client, name)
    store_login(scope.market, name, secret.secret)


async def _new_key(client: Client, name: str) -> Secret:
    return accepted(await client.request(subjects.api(name, "key"), None, Secret, repeat=False))


def _share(text: str) -> tuple[str, int]:
    symbol, separator, quantity = text.partition("=")
    if not separator or not quantity.isdecimal():
        raise Problem(f"--shares: expected SYMBOL=QUANTITY, like KRYP=500, got {text}", MISUSED)
    return symbol.upper(), int(quantity)
