"""Requests of the operator, on admin.<verb>, and sign-ups. What a log-in may change about itself: see logins.py."""

from __future__ import annotations

from typing import Literal

import msgspec

from .base import Message, Phase
from .journal import Standing

Role = Literal["trader", "operator", "auditor"]
"""Of a log-in; who has none is a guest."""


class NewAccount(msgspec.Struct, frozen=True, omit_defaults=True):
    """admin.open_account, to the ledger: a participant and what it starts with. Opening an account again changes nothing."""

    account: str
    cash: int | None = None
    """Instead of the market's endowment."""
    shares: dict[str, int] | None = None
    """Instead of the market's endowment."""


class Credentials(msgspec.Struct, frozen=True, omit_defaults=True):
    """auth.<guest>.sign_up, admin.create_account (operator), to the auth worker: a log-in and its account in the ledger.

    admin.password: another password for a log-in that exists; all its sessions end.
    """

    account: str
    password: str
    cash: int | None = None
    """admin.create_account only: instead of the market's endowment."""
    shares: dict[str, int] | None = None
    """admin.create_account only: instead of the market's endowment."""
    invitation: str = ""
    """auth.<guest>.sign_up: the code that a market by invitation asks for."""
    role: Role = "trader"
    """admin.create_account only. Auditors and further operators have no account in the ledger."""


class Deposit(msgspec.Struct, frozen=True, omit_defaults=True):
    """admin.deposit: cash from `$bank` or shares from `$issuer`; a negative amount withdraws what is available."""

    account: str
    asset: str
    amount: int
    reason: str = "deposit"
    key: str = ""
    """A client that got no answer asks again with the same key; it is booked once."""


class AccountChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """admin.freeze, admin.unfreeze, admin.reset and admin.close: what happens to an account, and why."""

    account: str
    reason: str = ""


class NewSymbol(msgspec.Struct, frozen=True, omit_defaults=True):
    """admin.add_symbol: a symbol opens for trading, under the market file's general rules. Adding it again changes nothing."""

    symbol: str
    name: str
    opening_price: int
    tick: int = 100
    lot: int = 1
    shares_issued: int = 1_000_000


class PhaseRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """admin.phase: a symbol, or every one, enters a phase; without a phase the one its schedule says, which ends a halt."""

    symbol: str = ""
    """Empty for the whole market."""
    phase: Phase | None = None
    """Not volatility_auction, which only a trade can start."""
    reason: str = ""
    """In words, for the public."""


class Disconnected(msgspec.Struct, frozen=True):
    """admin.disconnected: the last connection of an account was lost; its orders are cancelled if it asked for that."""

    account: str


class AccountQuestion(msgspec.Struct, frozen=True):
    """admin.portfolio: a trader's Portfolio, for the operator."""

    account: str


class AccountsQuestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """admin.accounts: a page of all accounts, in the order in which they were opened."""

    after: int = 0
    """Leaves out so many."""
    limit: int = 50
    """At most 200."""
    prefix: str = ""
    """Only those whose names begin like this."""


class AccountInfo(msgspec.Struct, frozen=True):
    """One row of admin.accounts."""

    account: str
    standing: Standing
    cash: int
    equity: int
    """Cash and all positions at their prices."""
    realized: int
    """As in Portfolio."""
    fees: int
    orders: int
    """Open ones."""


class Accounts(msgspec.Struct, frozen=True):
    """Answer to admin.accounts, by the ledger."""

    accounts: list[AccountInfo]
    complete: bool
    """False when more follow."""


class LedgerState(msgspec.Struct, frozen=True):
    """Answer to admin.digest: where the live ledger stands, to be compared with a recomputation from the logs."""

    journal: int
    events_through: dict[int, int]
    digest: str


class HistoryQuestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """Asks admin.history what the historian's postings add up to at a position that the ledger had (see LedgerState)."""

    journal: int
    events_through: dict[int, int]
    after: str = ""
    """Only accounts whose names sort after this one."""


class HistoryState(msgspec.Struct, frozen=True):
    """Answer to admin.history: what all postings add up to, to be compared with a recomputation from the logs."""

    through: dict[str, int]
    """Per log, number of the last batch that the rows contain."""
    sums: dict[str, int]
    """Asset → sum of all postings. Anything but 0 is a defect."""
    balances: dict[str, dict[str, int]]
    """Account → asset → balance, without those that are 0."""
    complete: bool = True
    """False when the answer ends early: the rest follows `after` its last account."""


class Done(Message, frozen=True):
    """A request of the operator, or about a log-in, was carried out."""

    detail: str = ""
