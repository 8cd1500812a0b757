from __future__ import annotations

from bots.holdings import Holdings
from exchange.messages.account import OpenOrder, Portfolio, Position
from exchange.messages.reports import (
    OrderAccepted,
    OrderCancelled,
    OrderCancelRefused,
    OrderDecremented,
    OrderFilled,
    OrderReplaced,
    OrderReplaceRefused,
    OrderTriggered,
    Reports,
    Transferred,
)

RESTING = OpenOrder(7, "old-1", "KRYP", "sell", 210_000, 40, 30, "limit", "gtc", 1)
PORTFOLIO = Portfolio("maker", 1_000_000_000, 0, [Position("KRYP", 500, 30, 205_000)], [RESTING], report=10, time=1)


def holdings() -> Holdings:
    return Holdings(PORTFOLIO)


def test_starts_as_the_portfolio_says() -> None:
    seen = holdings().observe(5, "KRYP", 1, 2, 3)
    assert (seen.cash, seen.shares, seen.inventory, seen.orders) == (1_000_000_000, 470, 500, (RESTING,))


def test_an_order_from_acceptance_to_fill() -> None:
    mine = holdings()
    assert mine.apply(Reports(11, [OrderAccepted(8, "new-1", "KRYP", "buy", 100, 200_000, 2)]))
    assert mine.observe(5, "KRYP", 0, 0, 0).cash == 1_000_000_000 - 100 * 200_000
    assert mine.apply(Reports(12, [OrderFilled(8, "KRYP", 1, "buy", 199_000, 60, 40, 500, "taker", 3)]))
    seen = mine.observe(5, "KRYP", 0, 0, 0)
    assert seen.inventory == 560
    assert mine.cash == 1_000_000_000 - 60 * 199_000 - 500
    assert seen.cash == mine.cash - 40 * 200_000
    assert [order.remaining for order in seen.orders] == [30, 40]
    assert mine.apply(Reports(13, [OrderFilled(8, "KRYP", 2, "buy", 198_000, 40, 0, 0, "maker", 3)]))
    assert [order.order_id for order in mine.observe(5, "KRYP", 0, 0, 0).orders] == [7]
    assert mine.cash == 1_000_000_000 - 60 * 199_000 - 500 - 40 * 198_000


def test_cancels_and_transfers() -> None:
    mine = holdings()
    mine.leaving.add(7)
    assert mine.observe(5, "KRYP", 0, 0, 0).orders == ()
    assert mine.apply(Reports(11, [OrderCancelRefused(7, "KRYP", 2), Transferred("CASH", -5, "withdrawal", 2)]))
    assert mine.observe(5, "KRYP", 0, 0, 0).orders == (RESTING,)
    assert mine.apply(Reports(13, [OrderCancelled(7, "KRYP", 30, "owner", 2), Transferred("KRYP", 3, "deposit", 2)]))
    seen = mine.observe(5, "KRYP", 0, 0, 0)
    assert (seen.orders, seen.shares, mine.cash) == ((), 503, 999_999_995)


def test_changed_orders() -> None:
    mine = holdings()
    assert mine.apply(Reports(11, [OrderReplaced(7, "KRYP", 211_000, 20, True, 2), OrderReplaceRefused(7, "KRYP", 2)]))
    (order,) = mine.observe(5, "KRYP", 0, 0, 0).orders
    assert (order.price, order.remaining) == (211_000, 20)
    assert mine.apply(Reports(13, [OrderTriggered(7, "KRYP", 1, 2), OrderDecremented(7, "KRYP", 5, 15, 2)]))
    assert mine.observe(5, "KRYP", 0, 0, 0).shares == 485
    assert mine.apply(Reports(15, [OrderDecremented(7, "KRYP", 15, 0, 2)]))
    assert mine.observe(5, "KRYP", 0, 0, 0).orders == ()
    assert mine.shares("KRYP") == 500


def test_reports_twice_are_applied_once_and_a_gap_is_noticed() -> None:
    mine = holdings()
    first, second, third = (Transferred("CASH", amount, "deposit", 2) for amount in (1, 10, 100))
    assert mine.apply(Reports(10, [first]))  # The portfolio contains it.
    assert mine.apply(Reports(10, [first, second]))
    assert mine.apply(Reports(11, [second, third]))
    assert mine.apply(Reports(9, [first]))
    assert mine.cash == 1_000_000_110
    assert mine.report == 12
    assert not mine.apply(Reports(14, [first]))
    assert mine.cash == 1_000_000_110


def test_other_symbols_count_for_their_cash_only() -> None:
    mine = holdings()
    assert mine.apply(Reports(11, [OrderAccepted(9, "x", "PUPS", "buy", 10, 70_000, 2)]))
    assert mine.observe(5, "KRYP", 0, 0, 0).orders == (RESTING,)
    assert mine.observe(5, "KRYP", 0, 0, 0).cash == 1_000_000_000 - 700_000
    assert mine.apply(Reports(12, [OrderFilled(9, "PUPS", 1, "buy", 70_000, 10, 0, 0, "maker", 3)]))
    assert (mine.shares("KRYP"), mine.cash) == (500, 1_000_000_000 - 700_000)
