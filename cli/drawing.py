"""Candles as a picture of characters."""

from __future__ import annotations

import sys
from datetime import datetime

import plotext

from exchange.messages.market_data import Candle
from exchange.money import UNITS


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
    plotext.title(f"{candles[0].symbol} {candles[0].interval}")
    picture: str = plotext.build()
    return picture if sys.stdout.isatty() else plotext.uncolorize(picture)
