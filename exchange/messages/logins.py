"""Questions about log-ins, on auth.<login>.<verb>, answered by the auth worker. Whoever may publish there is that log-in.

A log-in is an account's own (`alice`) or that of a member of its team (`bert@alice`). Answers: Done, Refused, or as stated.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Scope = Literal["read", "trade"]
"""What an API key may do: ask about its account and hear its reports; send orders. A key has one of them or both."""


class LogIn(msgspec.Struct, frozen=True, omit_defaults=True):
    """auth.<guest>.log_in, → Secret: a session for a password. Connections are made with it, never with the password."""

    login: str
    password: str
    name: str = "page"
    """What the session is called in lists."""
    remember: bool = False
    """For 30 days without use instead of one hour."""


class RenewSession(msgspec.Struct, frozen=True):
    """auth.<login>.renew, → SessionInfo: a session that is in use ends later."""

    session: str
    """Its id."""


class LogOut(msgspec.Struct, frozen=True, omit_defaults=True):
    """auth.<login>.log_out: end one session, or all of them, with their live connections. API keys stay."""

    session: str = ""
    """Its id; empty for all."""


class NewPassword(msgspec.Struct, frozen=True, omit_defaults=True):
    """auth.<login>.password: all sessions end but that of `keep`, API keys stay."""

    password: str
    current: str = ""
    """The password so far."""
    keep: str = ""
    """Id of the session that goes on: that of whoever asks."""


class NewKey(msgspec.Struct, frozen=True, omit_defaults=True):
    """auth.<login>.key, → Secret: an API key for a program."""

    name: str
    scopes: tuple[Scope, ...] = ("read", "trade")
    expires: int = 0
    """Nanoseconds since 1970; 0 for never."""
    addresses: tuple[str, ...] = ()
    """Where it may connect from, `192.0.2.7` or `192.0.2.0/24`; empty for anywhere."""


class RevokeKey(msgspec.Struct, frozen=True):
    """auth.<login>.revoke: an API key ends, with its live connections."""

    key: str
    """Its id or its name."""


class NewMember(msgspec.Struct, frozen=True):
    """auth.<account>.add_member: one more log-in `<name>@<account>` that may trade for the account."""

    name: str
    password: str
    """For the member to change."""


class Member(msgspec.Struct, frozen=True):
    """auth.<account>.remove_member: that log-in, its keys and its connections end."""

    name: str


class Secret(msgspec.Struct, frozen=True, omit_defaults=True):
    """A new session or API key: told once, stored as a hash. Connect with user = login and password = secret."""

    login: str
    secret: str
    id: str
    """What it is called when it is renewed or ended; no secret."""
    expires: int = 0
    """Nanoseconds since 1970; 0 for never."""
    role: str = ""
    """Of the log-in; of a session only."""


class SessionInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One session, as its owner sees it. Times are nanoseconds since 1970."""

    id: str
    name: str
    created: int
    expires: int
    used: int = 0
    """When it last logged in or was renewed, to a minute."""
    address: str = ""
    """From where."""
    live: int = 0
    """Connections at the moment."""


class KeyInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One API key, as its owner sees it. Times are nanoseconds since 1970."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    created: int
    expires: int = 0
    addresses: tuple[str, ...] = ()
    used: int = 0
    """When it last logged in, to a minute; 0 for never."""
    address: str = ""
    """From where."""
    live: int = 0
    """Connections at the moment."""


class LoginState(msgspec.Struct, frozen=True, omit_defaults=True):
    """Answer to auth.<login>.show: all that lets one in, but no secrets."""

    login: str
    account: str
    role: str
    keys: list[KeyInfo]
    sessions: list[SessionInfo]
    members: tuple[str, ...] = ()
    """Names of the team's further log-ins."""
