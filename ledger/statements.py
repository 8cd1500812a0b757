"""Account statements: every posting of some time, and the balances before and after."""

from __future__ import annotations

from typing import Any, Final

from exchange.messages.base import decoder
from exchange.messages.library import Posting, Statement, StatementQuestion
from exchange.messages.requests import Refused
from exchange.questions import Questions
from exchange.subjects import admin, api

from .history import History
from .history_rows import INTEGER_MAX

ROWS_MAX: Final = 1_000
ADMIN_STATEMENT: Final = admin("statement")

OPENING: Final = """
    SELECT s.name, sum(amount)::BIGINT AS balance FROM posted p JOIN names s ON s.id = p.asset
    WHERE account = $account AND time < $until GROUP BY s.name HAVING balance <> 0 ORDER BY s.name
"""
POSTINGS: Final = """
    WITH own AS (
        SELECT *, row_number() OVER (ORDER BY time, journal, shard, batch, reference, kind DESC, asset) AS number
        FROM posted WHERE account = $account AND time < $end
    ), running AS (
        SELECT *, sum(amount) OVER (PARTITION BY asset ORDER BY number)::BIGINT AS balance FROM own
    )
    SELECT r.time, r.kind, a.name, r.amount, r.balance, coalesce(s.name, ''), r.price, r.reason, r.journal, r.shard, r.batch
    FROM running r JOIN names a ON a.id = r.asset LEFT JOIN names s ON s.id = r.symbol
    WHERE r.time >= $start ORDER BY r.number LIMIT $limit OFFSET $after
"""

_decode: Final = decoder(StatementQuestion).decode


class Statements:
    """The historian's answers to api.<account>.statement and admin.statement."""

    def __init__(self, history: History) -> None:
        self._history = history

    async def open(self, questions: Questions) -> None:
        """Answer from now on."""
        await questions.answer(api("*", "statement"), self.own)
        await questions.answer(ADMIN_STATEMENT, self.any)

    async def own(self, subject: str, payload: bytes) -> Statement | Refused:
        """Of the account that asks."""
        return await self._state(_decode(payload), subject.split(".")[1])

    async def any(self, _: str, payload: bytes) -> Statement | Refused:
        """Of any account, for the operator."""
        question: StatementQuestion = _decode(payload)
        return await self._state(question, question.account)

    async def _state(self, question: StatementQuestion, name: str) -> Statement | Refused:
        start, end, after = question.start, question.end, question.after
        if not 0 <= start <= end <= INTEGER_MAX or not 0 <= after <= INTEGER_MAX:
            return Refused("malformed", "start, end, after: expected times in order, and 0 or more rows to leave out")
        await self._history.settled()
        account = self._history.names.get(name)
        if account is None:
            return Refused("unknown_account", f"nothing was ever posted to an account {name[:32]}")
        one = {"account": account}
        rows: list[tuple[Any, ...]]
        opening, closing, rows = await self._history.database.ask_all(
            [
                (OPENING, {**one, "until": start}),
                (OPENING, {**one, "until": end}),
                (POSTINGS, {**one, "start": start, "end": end, "after": after, "limit": ROWS_MAX + 1}),
            ]
        )
        return Statement(name, dict(opening), dict(closing), [Posting(*row) for row in rows[:ROWS_MAX]], len(rows) <= ROWS_MAX)
