"""What an account was worth over time: its postings added up, and valued at the last prices by then."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from exchange.messages.account import EquityPoint, EquityQuestion
from exchange.messages.base import CASH, decoder
from exchange.messages.requests import Refused
from exchange.questions import Questions
from exchange.subjects import api

from .history import History
from .history_rows import INTEGER_MAX
from .history_schema import CASH_ID

POINTS_MAX: Final = 500

OPENED: Final = "SELECT min(time) FROM opened WHERE account = $account"
# Point n stands for what happened after point n - 1 and up to its own time; point 0 for all before.
POINT: Final = "greatest(0, (time - $start + $step - 1) // $step)"
MOVES: Final = f"""
    SELECT {POINT} AS point, s.name, sum(amount)::BIGINT, coalesce(sum(amount) FILTER (kind = 'transfer'), 0)::BIGINT
    FROM posted p JOIN names s ON s.id = p.asset
    WHERE account = $account AND time <= $end GROUP BY point, s.name
"""
PRICES: Final = f"""
    WITH own AS (SELECT DISTINCT asset FROM posted WHERE account = $account AND asset <> {CASH_ID})
    SELECT point, s.name, price FROM (
        SELECT {POINT} AS point, symbol, arg_max(price, number) AS price FROM traded
        WHERE symbol IN (SELECT asset FROM own) AND time <= $end GROUP BY point, symbol
    ) JOIN names s ON s.id = symbol
    UNION ALL
    SELECT -1, s.name, arg_max(opening_price, journal) FROM defined JOIN names s ON s.id = symbol GROUP BY s.name
"""

_decode: Final = decoder(EquityQuestion).decode


class Equity:
    """The historian's answer to api.<account>.equity."""

    def __init__(self, history: History) -> None:
        self._history = history

    async def open(self, questions: Questions) -> None:
        """Answer from now on."""
        await questions.answer(api("*", "equity"), self.points)

    async def points(self, subject: str, payload: bytes) -> list[EquityPoint] | Refused:
        """Oldest first; the last is at the end that was asked for."""
        question: EquityQuestion = _decode(payload or b"{}")
        if not 1 <= question.points <= POINTS_MAX:
            return Refused("malformed", f"points: expected 1 to {POINTS_MAX}, got {question.points}")
        await self._history.settled()
        account = self._history.names.get(subject.split(".")[1])
        ask = self._history.database.ask_all
        (((opened,),),) = await ask([(OPENED, {"account": -1 if account is None else account})])
        if opened is None:
            return []
        start, end = max(question.start, opened), question.end or max(opened, time.time_ns())
        if not start <= end <= INTEGER_MAX:
            return Refused("malformed", "start, end: expected times in order")
        step = max(1, -(-(end - start) // question.points))
        bounds = {"account": account, "start": start, "step": step, "end": end}
        moves, prices = await ask([(MOVES, bounds), (PRICES, bounds)])
        count = -(-(end - start) // step)
        return curve([min(end, start + step * point) for point in range(count + 1)], moves, prices)


def curve(
    times: list[int], moves: Iterable[tuple[int, str, int, int]], prices: Iterable[tuple[int, str, int]]
) -> list[EquityPoint]:
    """Add up `moves` (point, asset, amount, what of it was transferred) and value them at `prices` (point, symbol, price)."""
    moved, priced = defaultdict(list), defaultdict(list)
    for point, asset, amount, transferred in moves:
        moved[point].append((asset, amount, transferred))
    for point, symbol, price in prices:
        priced[point].append((symbol, price))
    last = dict(priced[-1]) | {CASH: 1}  # The opening prices.
    balances: defaultdict[str, int] = defaultdict(int)
    paid_in = 0
    points = []
    for point, moment in enumerate(times):
        last.update(priced[point])
        for asset, amount, transferred in moved[point]:
            balances[asset] += amount
            paid_in += transferred * last[asset]
        worth = sum(amount * last[asset] for asset, amount in balances.items())
        points.append(EquityPoint(moment, worth, paid_in))
    return points
