"""The edge of the ledger: requests that wait for the next turn, their decoding, and how fast an account may send them.

Nothing here is replicated state: a request leaves a trace only through the journal.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from exchange.messages.account import AccountRulesQuestion, ReportsQuestion
from exchange.messages.administration import (
    AccountChange,
    AccountQuestion,
    AccountsQuestion,
    Deposit,
    Disconnected,
    NewAccount,
    NewSymbol,
    PhaseRequest,
)
from exchange.messages.base import decoder, encode
from exchange.messages.requests import Request

from . import refusals
from .groups import ORDERS_MAX

ORDERS: Final = "orders"
"""The verb of traders' commands; every other one is a question, or the operator's."""
WAITING_MAX: Final = 10_000
"""Requests waiting for a turn; one more is answered `busy` at once, unread."""
WAITING_BYTES_MAX: Final = 32_000_000
"""The same bound for their size."""
ACCOUNT_REQUESTS_MAX: Final = 1_000
"""Of one account, so that the others' need not wait behind a flood …"""
ACCOUNT_QUESTIONS_MAX: Final = 16
"""… and the same for its questions, which cost more to answer."""
REQUEST_BYTES_MAX: Final = 65_536
"""COMMANDS_PER_REQUEST_MAX commands of the largest kind fit in; what is larger is refused unread."""
SECOND: Final = 1_000_000_000

decode_request = decoder(Request).decode
decode_new_account = decoder(NewAccount).decode
decode_deposit = decoder(Deposit).decode
decode_account_change = decoder(AccountChange).decode
decode_phase_request = decoder(PhaseRequest).decode
decode_new_symbol = decoder(NewSymbol).decode
decode_disconnected = decoder(Disconnected).decode
decode_account_rules_question = decoder(AccountRulesQuestion).decode
decode_reports_question = decoder(ReportsQuestion).decode
decode_account_question = decoder(AccountQuestion).decode
decode_accounts_question = decoder(AccountsQuestion).decode

NOT_DECODED: Final = (ValueError, RecursionError)
"""What decoding a stranger's bytes raises: msgspec's own errors and UnicodeDecodeError are ValueErrors."""


class Waiting(NamedTuple):
    """A request as it came in."""

    verb: str
    """`orders`, or the question: `portfolio`, `admin.deposit` …"""
    account: str
    """Whose, as the subject says; empty for the operator's."""
    reply: str
    """Where the answer goes; empty when nobody waits for it."""
    payload: bytes


class Requests:
    """The requests that wait, oldest first."""

    def __init__(self) -> None:
        self._waiting: deque[Waiting] = deque()
        self._size = 0
        self._of: dict[tuple[str, bool], int] = {}
        """How many of them an account has, questions apart from orders."""
        self._busy = encode(refusals.busy())

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, verb: str, account: str, reply: str, payload: bytes) -> bytes | None:
        """Keep a request for the next turn; returns the refusal to be answered at once if that cannot be."""
        size = len(payload)
        sender = (account, reads := verb != ORDERS)
        count = self._of.get(sender, 0)
        if account and count >= (ACCOUNT_QUESTIONS_MAX if reads else ACCOUNT_REQUESTS_MAX):
            return self._busy
        if len(self._waiting) >= WAITING_MAX or self._size + size > WAITING_BYTES_MAX:
            return self._busy
        if size > REQUEST_BYTES_MAX:
            return encode(refusals.too_large(size, REQUEST_BYTES_MAX, payload.lstrip()[:1] == b"["))
        self._size += size
        self._of[sender] = count + 1
        self._waiting.append(Waiting(verb, account, reply, payload))
        return None

    def take(self) -> Waiting:
        """The oldest. Raises IndexError when none waits."""
        waiting = self._waiting.popleft()
        self._size -= len(waiting.payload)
        sender = (waiting.account, waiting.verb != ORDERS)
        self._of[sender] -= 1
        if not self._of[sender]:
            del self._of[sender]
        return waiting


class Rates:
    """One token bucket per account: `per_second` commands a second, and as many at once after a second's rest.

    Kept as the time at which the bucket will be full again. Starts anew with each leader.
    """

    def __init__(self, per_second: int) -> None:
        self.per_second = per_second
        """0 for no limit."""
        self._interval = SECOND // per_second if per_second else 0
        self._full: dict[str, int] = {}

    def take(self, account: str, now: int, count: int = 1) -> bool:
        """Take so many tokens, or none; False when there are not enough. A full bucket has enough for any group of orders."""
        if not self._interval:
            return True
        full = self._full.get(account, 0)
        if not now < full <= now + max(SECOND, ORDERS_MAX * self._interval):  # Full, or the clock was set back.
            full = now
        full += self._interval * count
        if full > now + (SECOND if count == 1 else max(SECOND, count * self._interval)):
            return False
        self._full[account] = full
        return True


class Floods:
    """What of an account's requests is not worth a look: far beyond its rate even a refusal costs the others time."""

    REFUSED_FACTOR: Final = 2
    """Times the account's rate: beyond it requests are refused unread, `busy` …"""
    DROPPED_FACTOR: Final = 4
    """… and beyond this they get no answer. The auth worker disconnects whoever goes on like that."""

    def __init__(self, per_second: int) -> None:
        self._refused = Rates(per_second * self.REFUSED_FACTOR)
        self._answered = Rates(per_second * self.DROPPED_FACTOR)
        self._busy = encode(refusals.busy())

    def stop(self, account: str, now: int) -> bytes | None:
        """None if the request is to be looked at; else the answer, which may be none at all."""
        answered = self._answered.take(account, now)
        if self._refused.take(account, now):
            return None
        return self._busy if answered else b""
