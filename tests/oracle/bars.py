"""Candles the slow way: every trade is put into its bar on its own, by the wall clock of the market's time zone."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from exchange.messages.market_data import Candle


def bar_start(seconds: int, interval: str, zone: str = "UTC", day_starts: str = "00:00") -> int:
    """When the bar of a moment begins."""
    here, opening = ZoneInfo(zone), time.fromisoformat(day_starts)
    local = datetime.fromtimestamp(seconds, here)
    began = local.date() if local.time() >= opening else local.date() - timedelta(1)
    number, unit = re.fullmatch(r"(\d+)(\w+)", interval).groups()  # type: ignore[union-attr]
    if unit in "smh":
        midnight = _moment(began, opening, here)
        length = int(number) * {"s": 1, "m": 60, "h": 3600}[unit]
        return midnight + (seconds - midnight) // length * length
    evening = timedelta(1 if opening >= time(12) else 0)
    first = began + evening  # The date that the session day is called by.
    while not _is_first(first, int(number), unit):
        first -= timedelta(1)
    return _moment(first - evening, opening, here)


def _moment(day: date, opening: time, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, opening, zone).timestamp())


def _is_first(day: date, number: int, unit: str) -> bool:
    days = (day - date(1970, 1, 1)).days
    if unit == "d":
        return days % number == 0
    if unit == "w":
        return day.weekday() == 0 and (days + 3) // 7 % number == 0
    return day.day == 1 and (day.year * 12 + day.month - 1) % number == 0


def brute_force(
    symbol: str, interval: str, trades: list[tuple[Any, int]], zone: str = "UTC", day_starts: str = "00:00"
) -> list[Candle]:
    """Candles from the whole list of (trade, time)."""
    bars: dict[int, list[Any]] = {}
    starts: dict[int, int] = {}
    for trade, moment in trades:
        second = moment // 10**9
        if second not in starts:
            starts[second] = bar_start(second, interval, zone, day_starts)
        bars.setdefault(starts[second], []).append(trade)
    candles = []
    for start, inside in sorted(bars.items()):
        prices = [trade.price for trade in inside]
        volume = sum(trade.quantity for trade in inside)
        turnover = sum(trade.price * trade.quantity for trade in inside)
        vwap = (turnover * 2 // volume + 1) // 2
        candles.append(
            Candle(
                symbol, interval, start, prices[0], max(prices), min(prices), prices[-1], volume, turnover, len(inside), vwap
            )
        )
    return candles
