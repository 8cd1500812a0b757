"""Who may send and hear what: the one table from which the server's users and the signed user tokens are made.

Whatever is not in the table is refused by the NATS server itself. Nobody but workers reaches the logs (`journal`, `events.>`),
JetStream (`$JS.>`, `$KV.>`) or the system (`$SYS.>`).
"""

from __future__ import annotations

import re
import secrets as random_source
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final, Literal

import msgspec

from .messages.base import ACCOUNT_PATTERN
from .messages.logins import Scope

Role = Literal["guest", "trader", "operator", "auditor"]
"""Roles of people and their programs; a signed token says which."""
StaticUser = Literal["worker", "bots"]
"""Users of this market's own processes, written into the server's configuration."""

OPERATOR: Final = "operator"
"""The log-in that every market has; its password stands in the secrets file."""
EVERYTHING: Final = (">",)


class Permissions(msgspec.Struct, frozen=True):
    """Subjects somebody may publish to and subscribe to; `{login}` is their own name, `{account}` that of their account."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    answers: bool = False
    """May answer a request that reached them, wherever its inbox is."""


TABLE: Final[dict[Role | Scope | StaticUser, Permissions]] = {
    "guest": Permissions(
        publish=("public.*", "auth.{login}.sign_up", "auth.{login}.log_in"),
        subscribe=("market.>", "_INBOX_{login}.>"),
    ),
    "trader": Permissions(
        publish=(
            "orders.{account}",
            "orders.{account}.rules",
            "api.{account}.*",
            "api.{account}.bots.*",
            "auth.{login}.*",
            "public.*",
        ),
        subscribe=("reports.{account}", "market.>", "_INBOX_{login}.>"),
    ),
    # An API key of a trader has one of these or both. Neither may change the log-in, or make further keys.
    "read": Permissions(
        publish=("api.{account}.*", "public.*"),
        subscribe=("reports.{account}", "market.>", "_INBOX_{login}.>"),
    ),
    "trade": Permissions(
        publish=("orders.{account}", "orders.{account}.rules", "api.{account}.bots.*", "public.*"),
        subscribe=("market.>", "_INBOX_{login}.>"),
    ),
    "operator": Permissions(
        publish=("admin.*", "api.*.*", "api.*.bots.*", "auth.*.*", "public.*", "$SRV.>"),
        subscribe=("reports.*", "market.>", "_INBOX_{login}.>"),
    ),
    # Reads everything, changes nothing but its own password and sessions. Not even JetStream's reading requests: the server
    # answers those wherever the request says, so that one of them could write into a log.
    "auditor": Permissions(
        publish=(
            "admin.health",
            "admin.accounts",
            "admin.portfolio",
            "admin.digest",
            "admin.history",
            "admin.statement",
            "admin.explain",
            "admin.sql",
            "api.*.*",
            "api.*.bots.list",
            "api.*.bots.show",
            "auth.{login}.*",
            "public.*",
            "$SRV.>",
        ),
        subscribe=("journal", "events.*", "reports.*", "market.>", "_INBOX_{login}.>"),
    ),
    # Bots trade on behalf of many accounts; their log-ins are none of their business.
    "bots": Permissions(
        publish=(
            "orders.*",
            "api.*.portfolio",
            "api.*.reports",
            "api.*.fills",
            "api.*.history",
            "public.*",
            "admin.open_account",
            "admin.deposit",
        ),
        subscribe=("reports.*", "market.>", "api.*.bots.*", "admin.health", "_INBOX_{login}.>", "$SRV.>"),
        answers=True,
    ),
    "worker": Permissions(publish=EVERYTHING, subscribe=EVERYTHING),
}


def permissions(rows: Iterable[Role | Scope | StaticUser], login: str) -> Permissions:
    """What the table's rows allow together, narrowed to one log-in (static users: to their own name)."""
    account = account_of(login)

    def narrowed(subjects: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(subject.format(login=login, account=account) for subject in subjects))

    chosen = [TABLE[row] for row in rows]
    return Permissions(
        publish=narrowed(subject for row in chosen for subject in row.publish),
        subscribe=narrowed(subject for row in chosen for subject in row.subscribe),
        answers=any(row.answers for row in chosen),
    )


# ── Names ─────────────────────────────────────────────────────────────────────────────────────────────────────────

GUEST_PATTERN: Final = r"^guest-[a-z0-9]{16,64}$"
LOGIN: Final = re.compile(rf"({ACCOUNT_PATTERN[1:-1]}@)?{ACCOUNT_PATTERN[1:-1]}")
"""`alice`, or `bert@alice` for a member of her team."""
TOKEN: Final = re.compile(r"(key|session)_[A-Za-z0-9_-]{43}")
"""What an API key or a session's token looks like; no password may, so that a token never costs an argon2."""
TOKEN_ID_LENGTH: Final = 12
RESERVED: Final = re.compile(r"^(operator|auditor|admin|system|worker|auth|bots|guest.*)$")
"""Names that a trader might be mistaken for, or that the market uses itself."""


def guest_name() -> str:
    """A name for one guest's connection; the client connects as this user with the inbox prefix that belongs to it.

    Nobody can read another guest's answers, its session when it logs in among them, without knowing its name, which only
    the server hears and which nobody can guess.
    """
    return f"guest-{random_source.token_hex(16)}"


def is_guest(name: str) -> bool:
    """Whether a connection with this user name asks to be a guest."""
    return re.fullmatch(GUEST_PATTERN, name) is not None


def name_problem(account: str) -> str:
    """Why nobody can sign up under this name, in words; empty when one can."""
    if re.fullmatch(ACCOUNT_PATTERN, account) is None:
        return "an account name has 1 to 32 characters: a-z, 0-9, - and _, and begins with a letter or a digit"
    if RESERVED.fullmatch(account):
        return f"the name {account} is reserved"
    return ""


def account_of(login: str) -> str:
    """The account that a log-in acts for: alice for alice and for bert@alice."""
    return login.rpartition("@")[2]


def token_digest(secret: str) -> str:
    """What is stored of a key or a session. One round is enough: nobody guesses 256 random bits."""
    return blake2b(secret.encode(), digest_size=32).hexdigest()


def token_id(secret: str) -> str:
    """Names a key or a session in lists; no secret, because the digest is none."""
    return token_digest(secret)[:TOKEN_ID_LENGTH]
