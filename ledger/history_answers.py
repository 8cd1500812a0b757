"""Answers about the past: an account's fills and orders, and what all postings add up to."""

from __future__ import annotations

from itertools import groupby
from typing import Any, Final

from exchange.messages.account import Fill, OrderRecord, PageQuestion
from exchange.messages.administration import HistoryQuestion, HistoryState
from exchange.messages.base import decoder
from exchange.messages.requests import Refused
from exchange.questions import Questions
from exchange.subjects import JOURNAL, admin, api, events_log

from .history import History
from .history_rows import INTEGER_MAX

PAGE_ROWS_MAX: Final = 1_000
BALANCES_MAX: Final = 10_000
"""Rows of balances in one answer, so that it fits into a message."""
HISTORY_SUMS: Final = admin("history")
REACH_SECONDS_MAX: Final = 10.0
"""How long a question about a position waits for the rows to reach it."""

# Each side by itself, so that only the wanted rows are read in full: four times as fast as sorting the view `filled`.
SIDE: Final = """
    (SELECT {fill_id} AS fill_id, {role}_order_id AS order_id, symbol, trade_id, {buy} AS buy, price, quantity,
        {role}_fee AS fee, if(auction, 'auction', '{role}') AS liquidity, time
    FROM traded WHERE {role} = $account AND {fill_id} < $before AND ($symbol = -1 OR symbol = $symbol)
    ORDER BY number DESC LIMIT $limit)
"""
FILLS: Final = f"""
    SELECT fill_id, order_id, s.name, trade_id, if(buy, 'buy', 'sell'), price, quantity, fee, liquidity, time
    FROM (
        {SIDE.format(role="maker", fill_id="2 * number", buy="NOT taker_buys")}
        UNION ALL
        {SIDE.format(role="taker", fill_id="2 * number + 1", buy="taker_buys")}
    ) JOIN names s ON s.id = symbol
    ORDER BY fill_id DESC LIMIT $limit
"""
# What an open order has been filled with is summed from its trades, and what is open from all that changed it; of the others
# the ending tells it.
ORDERS: Final = """
    WITH page AS (
        SELECT p.*, e.order_id IS NULL AS is_open, e.filled, e.reason
        FROM (
            SELECT * FROM placed WHERE account = $account AND order_id < $before AND ($symbol = -1 OR symbol = $symbol)
            ORDER BY order_id DESC LIMIT $limit
        ) p LEFT JOIN ended e USING (order_id)
    ), done AS (
        SELECT order_id, sum(filled)::BIGINT AS filled, sum(change)::BIGINT AS change FROM (
            SELECT order_id, quantity AS filled, -quantity AS change FROM filled
            UNION ALL SELECT order_id, 0, change FROM resized
            UNION ALL SELECT order_id, 0, -quantity FROM decremented
        ) WHERE order_id IN (SELECT order_id FROM page WHERE is_open) GROUP BY order_id
    )
    SELECT page.order_id, client_order_id, s.name, if(buy, 'buy', 'sell'), k.name, t.name, price, page.quantity,
        coalesce(page.filled, done.filled, 0),
        CASE WHEN is_open THEN 'open' WHEN w.name = 'filled' THEN 'filled' ELSE 'cancelled' END,
        CASE WHEN w.name <> 'filled' THEN w.name ELSE '' END, time,
        stop_price, trail, trail_basis_points, expires, post_only, display, m.name,
        if(is_open, page.quantity + coalesce(done.change, 0), 0), pair, entry
    FROM page JOIN names s ON s.id = symbol JOIN names k ON k.id = kind JOIN names t ON t.id = tif
    JOIN names m ON m.id = self_trade
    LEFT JOIN names w ON w.id = reason LEFT JOIN done USING (order_id)
    ORDER BY page.order_id DESC
"""
# Trades up to an event batch per shard, transfers up to a journal batch: exactly what the ledger contained there.
UP_TO: Final = "(shard = 0 AND journal <= $journal) OR (shard > 0 AND batch <= coalesce($events_through[shard], 0))"
SUMS: Final = f"""
    SELECT s.name, sum(amount)::BIGINT FROM posted p JOIN names s ON s.id = p.asset
    WHERE {UP_TO} GROUP BY s.name ORDER BY s.name
"""
BALANCES: Final = f"""
    SELECT a.name, s.name, sum(amount)::BIGINT AS balance
    FROM posted p JOIN names a ON a.id = p.account JOIN names s ON s.id = p.asset
    WHERE a.name > $after AND ({UP_TO})
    GROUP BY a.name, s.name HAVING balance <> 0 ORDER BY a.name, s.name LIMIT $limit
"""

_decode_page: Final = decoder(PageQuestion).decode
_decode_history: Final = decoder(HistoryQuestion).decode


class Answers:
    """The historian's questions. Accounts come from the subject, which the server lets only its owner use."""

    def __init__(self, history: History) -> None:
        self._history = history

    async def open(self, questions: Questions) -> None:
        """Answer from now on, all but `open_fills`."""
        await questions.answer(api("*", "history"), self.orders)
        await questions.answer(HISTORY_SUMS, self.sums)

    async def open_fills(self, questions: Questions) -> None:
        """Answer api.<account>.fills. Each historian numbers fills as it read the logs, so all pages must come from one."""
        await questions.answer(api("*", "fills"), self.fills)

    async def fills(self, subject: str, payload: bytes) -> list[Fill] | Refused:
        """api.<account>.fills, newest first."""
        rows = await self._page(FILLS, subject, payload)
        return rows if isinstance(rows, Refused) else [Fill(*row) for row in rows]

    async def orders(self, subject: str, payload: bytes) -> list[OrderRecord] | Refused:
        """api.<account>.history, newest first."""
        rows = await self._page(ORDERS, subject, payload)
        return rows if isinstance(rows, Refused) else [OrderRecord(*row) for row in rows]

    async def sums(self, subject: str, payload: bytes) -> HistoryState | Refused:
        """admin.history."""
        question: HistoryQuestion = _decode_history(payload)
        wanted = {JOURNAL: question.journal} | {events_log(shard): batch for shard, batch in question.events_through.items()}
        if min(wanted.values()) < 0:
            return Refused("malformed", "journal, events_through: expected numbers of batches, 0 or more")
        if not await self._history.reach(wanted, REACH_SECONDS_MAX):
            return Refused("busy", f"the history does not contain that yet; after {REACH_SECONDS_MAX:g} s it had not caught up")
        position = {
            "journal": question.journal,
            "events_through": [question.events_through.get(shard, 0) for shard in self._history.shards],
        }
        positions, sums, balances = await self._history.database.ask_all(
            [
                ("SELECT log, number FROM positions", {}),
                (SUMS, position),
                (BALANCES, {**position, "after": question.after, "limit": BALANCES_MAX + 1}),
            ]
        )
        complete = len(balances) <= BALANCES_MAX
        if not complete:  # The last account may be cut: it begins the next answer.
            balances = [row for row in balances if row[0] != balances[-1][0]]
        return HistoryState(
            dict(positions),
            dict(sums),
            {account: {asset: amount for _, asset, amount in rows} for account, rows in groupby(balances, lambda row: row[0])},
            complete,
        )

    async def _page(self, query: str, subject: str, payload: bytes) -> list[tuple[Any, ...]] | Refused:
        question: PageQuestion = _decode_page(payload or b"{}")
        if not 1 <= question.limit <= PAGE_ROWS_MAX:
            return Refused("malformed", f"limit: expected 1 to {PAGE_ROWS_MAX}, got {question.limit}")
        if not 0 <= question.before <= INTEGER_MAX:
            return Refused("malformed", f"before: expected 0 (the newest) or the id of a row, got {question.before}")
        names = self._history.names
        if question.symbol and not self._history.is_symbol(question.symbol):
            return Refused("unknown_symbol", f"{question.symbol[:32]} is not traded here")
        await self._history.settled()
        account = names.get(subject.split(".")[1])
        if account is None:
            return []
        return await self._history.database.ask(
            query,
            {
                "account": account,
                "before": question.before or INTEGER_MAX,
                "symbol": names[question.symbol] if question.symbol else -1,
                "limit": question.limit,
            },
        )
