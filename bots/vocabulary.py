"""The words of the rule language: every value, its arguments, what it means. Parser, evaluation and docs follow it."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

ArgumentKind = Literal["window", "interval", "count", "number", "field", "event"]
Scope = Literal["market", "account", "bot", "clock"]

MINUTE: Final = 60.0
WINDOW_SECONDS_MAX: Final = 86_400
INTERVAL_SECONDS_MAX: Final = 86_400
COUNT_MAX: Final = 1_000
FIELDS: Final = ("open", "high", "low", "close", "volume", "turnover", "trades")
EVENTS: Final = ("start", "armed", "fire", "fill", "trade")


class Signature(NamedTuple):
    """One value: whose it is, what it takes, and its meaning in words."""

    scope: Scope
    arguments: tuple[ArgumentKind, ...]
    meaning: str


_INDICATOR: Final[tuple[ArgumentKind, ...]] = ("count", "interval")

VALUES: Final[dict[str, Signature]] = {
    "last": Signature("market", (), "price of the last trade"),
    "bid": Signature("market", (), "best price somebody pays; unknown while nobody does"),
    "ask": Signature("market", (), "best price somebody sells at"),
    "mid": Signature("market", (), "half way between bid and ask"),
    "spread": Signature("market", (), "ask - bid"),
    "volume": Signature("market", ("window",), "shares traded in the window"),
    "trades": Signature("market", ("window",), "number of trades in the window"),
    "vwap": Signature("market", ("window",), "average price of the shares traded in the window"),
    "high": Signature("market", ("window",), "highest price traded in the window"),
    "low": Signature("market", ("window",), "lowest price traded in the window"),
    "change": Signature("market", ("window",), "last against the price at the window's begin, as a share: 2% is 0.02"),
    "average": Signature("market", ("field", "window", "interval"), "mean of a candle's field over a window's closed candles"),
    "sma": Signature("market", _INDICATOR, "simple moving average of the closes of the last candles"),
    "ema": Signature("market", _INDICATOR, "exponential moving average, weight 2 / (count + 1)"),
    "rsi": Signature("market", _INDICATOR, "relative strength index after Wilder, 0 to 100"),
    "atr": Signature("market", _INDICATOR, "average true range after Wilder"),
    "stddev": Signature("market", _INDICATOR, "standard deviation of the closes (of the population)"),
    "bollinger_upper": Signature("market", ("count", "number", "interval"), "sma plus so many standard deviations"),
    "bollinger_lower": Signature("market", ("count", "number", "interval"), "sma minus so many standard deviations"),
    "position": Signature("bot", (), "shares the bot has bought minus those it has sold"),
    "average_price": Signature("bot", (), "what a share of the position has cost; unknown without a position"),
    "realized": Signature("bot", (), "profit of what was closed, fees taken off"),
    "unrealized": Signature("bot", (), "profit if the position were closed at the last price"),
    "profit": Signature("bot", (), "realized + unrealized"),
    "orders": Signature("bot", (), "number of the bot's open orders in the symbol"),
    "shares": Signature("account", (), "shares the account has, set aside or not"),
    "cash": Signature("account", (), "money the account can spend"),
    "equity": Signature("account", (), "cash and all shares at their last prices"),
    "time": Signature("clock", (), "time of day in UTC, to compare with 16:30"),
    "weekday": Signature("clock", (), "1 for Monday to 7 for Sunday, in UTC"),
    "since": Signature("clock", ("event",), "seconds since the event: start, armed, fire, fill or trade"),
}
"""By name. `interval` may be left out: a minute."""

FUNCTIONS: Final[dict[str, tuple[int, int]]] = {"abs": (1, 1), "min": (2, 8), "max": (2, 8)}
"""By name, the least and the most arguments."""
