"""What an account was worth over time, against its postings and all trades gone through one by one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from exchange.messages.account import EquityPoint, EquityQuestion
from exchange.messages.base import CASH, encode
from exchange.messages.requests import Refused
from ledger.equity import Equity
from ledger.history import History
from tests.ledger.test_history import build


def slowly(history: History, account: str, moments: list[int]) -> list[EquityPoint]:
    """Everything that was posted, and every trade's price, up to each moment."""
    postings = history.database.rows("SELECT time, kind, asset, amount::BIGINT FROM postings WHERE account = ?", [account])
    trades = history.database.rows("SELECT time, symbol, price FROM trades ORDER BY number")
    opening = dict(history.database.rows("SELECT symbol, opening_price FROM symbols ORDER BY journal"))
    points, paid_in, before = [], 0, 0
    for moment in moments:
        prices = opening | {symbol: price for time, symbol, price in trades if time <= moment} | {CASH: 1}
        told = [(time, kind, prices[asset] * amount) for time, kind, asset, amount in postings if time <= moment]
        paid_in += sum(value for time, kind, value in told if kind == "transfer" and time > before)
        points.append(EquityPoint(moment, sum(value for _, _, value in told), paid_in))
        before = moment
    return points


@pytest.mark.parametrize("seed", range(3))
async def test_against_all_postings(tmp_path: Path, seed: int) -> None:
    history, flow = build(tmp_path, seed)
    equity = Equity(history)
    ((first, last),) = history.database.rows("SELECT min(time), max(time) FROM postings")
    chance = random.Random(seed)
    for account in flow.accounts:
        for question in (
            EquityQuestion(end=last),
            EquityQuestion(chance.randint(first, last), last, 7),
            EquityQuestion(first, chance.randint(first, last), 1),
            EquityQuestion(last, last + 5, 500),
            EquityQuestion(points=2),
        ):
            points = await equity.points(f"api.{account}.equity", encode(question))
            if isinstance(points, Refused):
                ((opened,),) = history.database.rows("SELECT time FROM accounts WHERE account = ?", [account])
                assert 0 < question.end < opened
                continue
            times = [point.time for point in points]
            assert times == sorted(set(times))
            assert len(times) <= question.points + 1
            assert times[-1] == question.end or not question.end
            assert points == slowly(history, account, times)
    history.close()


async def test_what_is_refused(tmp_path: Path) -> None:
    history, _ = build(tmp_path, 1, steps=5)
    equity = Equity(history)
    assert await equity.points("api.nobody.equity", b"") == []
    for question in (EquityQuestion(points=0), EquityQuestion(points=501), EquityQuestion(2**62, 5)):
        assert isinstance(await equity.points("api.trader-1.equity", encode(question)), Refused)
    now = await equity.points("api.trader-1.equity", b"{}")
    assert isinstance(now, list)
    assert isinstance(now[-1], EquityPoint)
    history.close()
