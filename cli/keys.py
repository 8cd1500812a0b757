"""API keys: key create, key list, key revoke. For the account itself (--as ACCOUNT), or for an operator."""

from __future__ import annotations

import re
import time
from typing import Annotated, Literal

import typer

from exchange import subjects
from exchange.messages.administration import Done
from exchange.messages.logins import LoginState, NewKey, RevokeKey, Secret
from exchange.messages.logins import Scope as KeyScope

from .output import SECOND, moment, say, show_json, show_table
from .problem import MISUSED, Problem
from .scope import Scope, accepted

Login = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Whose; MEMBER@ACCOUNT for a team's.", show_default=False)]
SCOPES: dict[str, tuple[KeyScope, ...]] = {"read": ("read",), "trade": ("trade",), "both": ("read", "trade")}
UNITS = {"m": 60, "h": 3_600, "d": 86_400}


async def create(
    scope: Scope,
    name: Login,
    label: Annotated[str, typer.Argument(metavar="NAME", help="What the key is called.", show_default=False)],
    allows: Annotated[
        Literal["read", "trade", "both"], typer.Option("--scope", help="Ask and hear; send orders; or both.")
    ] = "both",
    expires: Annotated[
        str, typer.Option("--expires", metavar="TIME", help="Ends after this long: 90m, 12h or 30d.", show_default=False)
    ] = "",
    address: Annotated[
        list[str] | None,
        typer.Option("--address", metavar="NET", help="Works only from 192.0.2.0/24; may be repeated.", show_default=False),
    ] = None,
) -> None:
    """Make an API key, and show it this once. With it a program connects as ACCOUNT, password KEY."""
    end = time.time_ns() + _seconds(expires) * SECOND if expires else 0
    question = NewKey(label, SCOPES[allows], end, tuple(address or ()))
    async with scope.acting_for(name) as client:
        secret = accepted(await client.request(subjects.auth(name, "key"), question, Secret, repeat=False))
    if scope.json:
        show_json(secret)
    else:
        say(secret.secret)


async def list_keys(scope: Scope, name: Login) -> None:
    """An account's API keys, and when each was used last."""
    async with scope.acting_for(name) as client:
        state = accepted(await client.request(subjects.auth(name, "show"), None, LoginState))
    if scope.json:
        show_json(state.keys)
        return
    show_table(
        ("id", "name", "scope", "made", "last use", "from", "ends", "only from", "connections"),
        [
            (
                *(key.id, key.name or "–", " + ".join(key.scopes), moment(key.created)),
                moment(key.used) if key.used else "never",
                key.address or "–",
                moment(key.expires) if key.expires else "never",
                ", ".join(key.addresses) or "anywhere",
                str(key.live),
            )
            for key in state.keys
        ],
        left=("id", "name", "scope", "from", "only from"),
        empty=f"{name} has no API keys",
    )


async def revoke(
    scope: Scope, name: Login, key: Annotated[str, typer.Argument(metavar="KEY", help="Its id or name.", show_default=False)]
) -> None:
    """End an API key at once, live connections included."""
    async with scope.acting_for(name) as client:
        done = accepted(await client.request(subjects.auth(name, "revoke"), RevokeKey(key), Done))
    if scope.json:
        show_json(done)
    else:
        say(done.detail)


def _seconds(text: str) -> int:
    if (match := re.fullmatch(r"(\d{1,6})([mhd])", text)) is None or not int(match[1]):
        raise Problem(f"--expires: expected a time like 90m, 12h or 30d, got {text}", MISUSED)
    return int(match[1]) * UNITS[match[2]]
