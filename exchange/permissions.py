"""Who may send and hear what: the one table from which the server's users and the signed user tokens are made.

Whatever is not in the table is refused by the NATS server itself. Nobody but workers reaches the logs (`journal`, `events.>`),
JetStream (`$JS.>`, `$KV.>`) or the system (`$SYS.>`).
"""

from __future__ import annotations

import re
import secrets as random_source
from typing import Final, Literal

import msgspec

from .messages.base import ACCOUNT_PATTERN

Role = Literal["guest", "trader", "operator"]
"""Roles of people and their programs; a signed token says which."""
StaticUser = Literal["worker", "bots"]
"""Users of this market's own processes, written into the server's configuration."""

OPERATOR: Final = "operator"
"""The log-in that every market has; its password stands in the secrets file."""
EVERYTHING: Final = (">",)


class Permissions(msgspec.Struct, frozen=True):
    """Subjects somebody may publish to and subscribe to; `{account}` stands for their own name."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    answers: bool = False
    """May answer a request that reached them, wherever its inbox is."""


TABLE: Final[dict[Role | StaticUser, Permissions]] = {
    "guest": Permissions(
        publish=("public.*", "auth.sign_up"),
        subscribe=("market.>", "_INBOX_{account}.>"),
    ),
    "trader": Permissions(
        publish=("orders.{account}", "api.{account}.*", "api.{account}.bots.*", "public.*"),
        subscribe=("reports.{account}", "market.>", "_INBOX_{account}.>"),
    ),
    "operator": Permissions(
        publish=("admin.*", "api.*.*", "api.*.bots.*", "public.*", "$SRV.>"),
        subscribe=("reports.*", "market.>", "_INBOX_{account}.>"),
    ),
    # Bots trade on behalf of many accounts, but must not be able to get themselves a session of any of them.
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
        subscribe=("reports.*", "market.>", "api.*.bots.*", "_INBOX_{account}.>", "$SRV.>"),
        answers=True,
    ),
    "worker": Permissions(publish=EVERYTHING, subscribe=EVERYTHING),
}


def permissions(role: Role | StaticUser, account: str) -> Permissions:
    """The table's row for a role, narrowed to one account (static users: to their own name)."""
    row = TABLE[role]
    return Permissions(
        publish=tuple(subject.format(account=account) for subject in row.publish),
        subscribe=tuple(subject.format(account=account) for subject in row.subscribe),
        answers=row.answers,
    )


# ── Names ─────────────────────────────────────────────────────────────────────────────────────────────────────────

GUEST_PATTERN: Final = r"^guest-[a-z0-9]{16,64}$"
RESERVED: Final = re.compile(r"^(operator|auditor|admin|system|worker|auth|bots|guest.*)$")
"""Names that a trader might be mistaken for, or that the market uses itself."""


def guest_name() -> str:
    """A name for one guest's connection; the client connects as this user with the inbox prefix that belongs to it.

    Nobody can read another guest's answers without knowing its name, which only the server hears. Two guests with
    the same name would be harmless: a guest is told nothing but public data, and inboxes carry random tokens.
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
