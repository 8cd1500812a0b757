"""Log-ins and accounts: account create, show, rules, sessions, password, team …; login, logout."""

from __future__ import annotations

import asyncio
import socket
from typing import Annotated

import typer

from exchange import subjects
from exchange.messages.account import AccountRules, AccountRulesQuestion, Portfolio
from exchange.messages.administration import AccountQuestion, Credentials, Done, Role
from exchange.messages.base import SelfTrade
from exchange.messages.logins import LogIn, LoginState, LogOut, Member, NewMember, NewPassword, Secret
from exchange.money import parse_money
from exchange.permissions import OPERATOR, account_of, token_id

from .holdings import show_portfolio
from .logins import StoredLogin, find_login, forget_login, store_login
from .output import moment, say, show_json, show_table
from .passwords import read_new_password, read_password
from .problem import MISUSED, Problem
from .scope import TRADER, Scope, SessionEnded, accepted

CREATE_SECONDS_MAX = 14.0
"""An account is opened by the ledger, which may be restarting."""
LOG_IN_SECONDS_MAX = 30.0
"""A password may wait in line."""

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
    role: Annotated[
        Role, typer.Option("--role", help="An auditor reads everything and changes nothing; both others have no account.")
    ] = "trader",
) -> None:
    """Open an account (as the operator), and stay logged in to it. Reads EXCHANGE_PASSWORD, or asks for a password."""
    try:
        units = parse_money(cash) if cash else None
    except ValueError as error:
        raise Problem(f"--cash: {error}", MISUSED) from None
    endowment = dict(map(_share, shares)) if shares else None
    scope.address  # noqa: B018 - nobody types a password in vain
    # Asked outside of the event loop, where Ctrl-C works.
    done = asyncio.run(create_login(scope, Credentials(name, read_password(name, confirm=True), units, endowment, role=role)))
    if scope.json:
        show_json(done)
    else:
        say(f"{name} {'has an account and ' if role == TRADER else ''}is logged in here{next_step(name, role)}")


async def show(scope: Scope, name: Name) -> None:
    """Cash, positions and open orders of an account: for itself (--as), or for an operator or auditor."""
    if account_of(scope.account) == name:
        async with scope.trader() as client:
            found = accepted(await client.request(subjects.api(name, "portfolio"), None, Portfolio))
    else:
        async with scope.staff() as client:
            found = accepted(await client.request(subjects.admin("portfolio"), AccountQuestion(name), Portfolio))
    show_portfolio(found, as_json=scope.json)


async def sessions(scope: Scope, name: Name) -> None:
    """Who is logged in to an account, from where, and since when; and who else is in its team."""
    async with scope.acting_for(name) as client:
        state = accepted(await client.request(subjects.auth(name, "show"), None, LoginState))
    if scope.json:
        show_json(state)
        return
    show_table(
        ("id", "name", "since", "last use", "from", "ends", "connections"),
        [
            (one.id, one.name, moment(one.created), moment(one.used), one.address or "–", moment(one.expires), str(one.live))
            for one in state.sessions
        ],
        left=("id", "name", "from"),
        empty=f"{name} is not logged in anywhere",
    )
    if state.members:
        say(f"team: {', '.join(f'{member}@{name}' for member in state.members)}")


async def password(scope: Scope, name: Name) -> None:
    """Change a password. All other sessions end, API keys stay.

    Reads EXCHANGE_PASSWORD and EXCHANGE_PASSWORD_NEW, or asks. The operator sets anybody's without knowing the old one.
    """
    if scope.account == name:
        current = await asyncio.to_thread(read_password, name, confirm=False)
        wanted = await asyncio.to_thread(read_new_password, name)
        async with scope.acting_for(name) as client:
            state = accepted(await client.request(subjects.auth(name, "show"), None, LoginState))
            own = token_id(scope.log_in().session)
            keep = next((one.id for one in state.sessions if one.id == own), "")
            question = NewPassword(wanted, current, keep)
            done = accepted(
                await client.request(subjects.auth(name, "password"), question, Done, repeat=False, seconds=LOG_IN_SECONDS_MAX)
            )
    else:
        wanted = await asyncio.to_thread(read_new_password, name)
        async with scope.staff() as client:
            question_of_operator = Credentials(name, wanted)
            done = accepted(
                await client.request(subjects.admin("password"), question_of_operator, Done, seconds=LOG_IN_SECONDS_MAX)
            )
    _tell(scope, done)


async def log_out(
    scope: Scope,
    name: Name,
    session: Annotated[
        str, typer.Option("--session", metavar="ID", help="Only this one; see account sessions.", show_default=False)
    ] = "",
) -> None:
    """Log an account out everywhere, live connections included. API keys stay: see exchange key revoke."""
    async with scope.acting_for(name) as client:
        done = accepted(await client.request(subjects.auth(name, "log_out"), LogOut(session), Done))
    _tell(scope, done)


async def add_member(
    scope: Scope, name: Name, member: Annotated[str, typer.Argument(help="Logs in as MEMBER@ACCOUNT.", show_default=False)]
) -> None:
    """Let somebody else trade for an account, with a password of their own. Reads EXCHANGE_PASSWORD_NEW, or asks for it."""
    wanted = await asyncio.to_thread(read_new_password, f"{member}@{name}")
    async with scope.acting_for(name) as client:
        question = NewMember(member, wanted)
        done = accepted(await client.request(subjects.auth(name, "add_member"), question, Done, seconds=LOG_IN_SECONDS_MAX))
    _tell(scope, done)


async def remove_member(scope: Scope, name: Name, member: Annotated[str, typer.Argument(show_default=False)]) -> None:
    """End a team member's log-in, keys and connections."""
    async with scope.acting_for(name) as client:
        done = accepted(await client.request(subjects.auth(name, "remove_member"), Member(member), Done))
    _tell(scope, done)


async def logout(scope: Scope, name: Name) -> None:
    """End the session that `exchange login` began here."""
    stored = find_login(scope.market, name)
    if stored is None:
        raise Problem(f"{name} is not logged in here")
    try:
        async with scope.login(name, stored.session) as client:
            done = accepted(await client.request(subjects.auth(name, "log_out"), LogOut(token_id(stored.session)), Done))
    except SessionEnded:
        done = Done(f"the session of {name} had ended already")
    forget_login(scope.market, name)
    _tell(scope, done)


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
        found = accepted(await client.request(subjects.order_rules(client.account), wanted, AccountRules))
    if scope.json:
        show_json(found)
        return
    say(f"an order that would trade with another of {found.account}: {found.self_trade.replace('_', ' ')}")
    lost = "are cancelled" if found.cancel_on_disconnect else "stay"
    say(f"open orders {lost} when the last connection of {found.account} is lost")


def login(scope: Scope, name: Name) -> None:
    """Log in, so that --as ACCOUNT works here. Reads EXCHANGE_PASSWORD, or asks for the password."""
    if name == OPERATOR and not scope.by_address:
        raise Problem("the operator needs no log-in here: its password stands in the data directory", MISUSED)
    scope.address  # noqa: B018 - nobody types a password in vain
    role = asyncio.run(_stay_logged_in(scope, name, read_password(name, confirm=False)))
    if scope.json:
        show_json(Done(f"{name} is logged in"))
    else:
        say(f"{name} is logged in here{next_step(name, role)}")


def next_step(name: str, role: str) -> str:
    """What somebody who has just logged in may try."""
    return f"; try: exchange --as {name} portfolio" if role == TRADER else f" as {role}; try: exchange --as {name} status"


async def create_login(scope: Scope, wanted: Credentials) -> Done:
    """Make a log-in and its account in the ledger, as the operator."""
    async with scope.staff() as operator:
        subject = subjects.admin("create_account")
        done = accepted(await operator.request(subject, wanted, Done, seconds=CREATE_SECONDS_MAX))
    await _stay_logged_in(scope, wanted.account, wanted.password)
    return done


async def _stay_logged_in(scope: Scope, name: str, password: str) -> str:
    """Returns the log-in's role."""
    async with scope.guest() as guest:
        wanted = LogIn(name, password, f"command line on {socket.gethostname()}"[:64], remember=True)
        subject = subjects.auth(guest.login, "log_in")
        secret = accepted(await guest.request(subject, wanted, Secret, seconds=LOG_IN_SECONDS_MAX))
    store_login(scope.market, name, StoredLogin(secret.secret, secret.role))
    return secret.role


def _tell(scope: Scope, done: Done) -> None:
    if scope.json:
        show_json(done)
    else:
        say(done.detail)


def _share(text: str) -> tuple[str, int]:
    symbol, separator, quantity = text.partition("=")
    if not separator or not quantity.isdecimal():
        raise Problem(f"--shares: expected SYMBOL=QUANTITY, like KRYP=500, got {text}", MISUSED)
    return symbol.upper(), int(quantity)
