"""What the ledger sends without being asked: each account's reports of a turn, numbered."""

from __future__ import annotations

from typing import Final

from exchange import subjects
from exchange.messages.base import encode
from exchange.messages.reports import Reports

from .accounts import Ledger

REPORTS_PER_MESSAGE_MAX: Final = 1_000
"""More of them in one turn go in several messages, each far below the server's largest."""


def collect(ledger: Ledger) -> list[tuple[str, bytes]]:
    """(subject, message) for the unsent reports of all accounts, which are then none any more."""
    messages: list[tuple[str, bytes]] = []
    for account in ledger.reporting:
        unsent = account.unsent
        first = account.report - len(unsent) + 1
        subject = subjects.reports(account.name)
        for start in range(0, len(unsent), REPORTS_PER_MESSAGE_MAX):
            reports = unsent[start : start + REPORTS_PER_MESSAGE_MAX]
            messages.append((subject, encode(Reports(first + start, reports))))
    discard(ledger)
    return messages


def discard(ledger: Ledger) -> None:
    """Forget the unsent reports: another leader has sent them."""
    for account in ledger.reporting:
        account.unsent = []
    ledger.reporting.clear()
