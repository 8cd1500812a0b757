"""Candles as a picture of characters."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Final

import plotext

from exchange.messages.market_data import Candle
from exchange.money import UNITS, format_money

PRICES_MAX: Final = 7
"""On the axis, and one more at each end."""
SPAN_MIN: Final = 600
"""So that a price that does not move is not drawn between parts of cents."""


def axis(low: int, high: int) -> list[int]:
    """Round prices from below `low` to above `high`, in units: multiples of 1, 2 or 5 times a power of ten."""
    span = max(high - low, SPAN_MIN)
    step = next(
        step for power in range(17) for step in (10**power, 2 * 10**power, 5 * 10**power) if step * (PRICES_MAX - 1) >= span
    )
    return list(range(low // step * step, (high // step + 2) * step, step))


def draw(candles: list[Candle], width: int, height: int) -> str:
    """Green where the price rose, red where it fell; colours only on a terminal."""
    times = [datetime.fromtimestamp(candle.start).astimezone() for candle in candles]
    same_day = times[0].date() == times[-1].date()
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plotsize(width, height)
    plotext.date_form("Y-m-d H:M:S", "H:M:S" if same_day else "Y-m-d")
    names = {"Open": "open", "High": "high", "Low": "low", "Close": "close"}
    prices = {name: [getattr(candle, field) / UNITS for candle in candles] for name, field in names.items()}
    plotext.candlestick([f"{time:%Y-%m-%d %H:%M:%S}" for time in times], prices)
    prices_shown = axis(min(candle.low for candle in candles), max(candle.high for candle in candles))
    plotext.ylim(prices_shown[0] / UNITS, prices_shown[-1] / UNITS)
    plotext.yticks([units / UNITS for units in prices_shown], [format_money(units) for units in prices_shown])
    plotext.title(f"{candles[0].symbol} {candles[0].interval}")
    picture: str = plotext.build()
    return picture if sys.stdout.isatty() else plotext.uncolorize(picture)
