"""What a strategy sees and what it says: a pure function of its state, an observation and seeded randomness."""

from __future__ import annotations

from random import Random
from typing import Final, NamedTuple, Protocol

from exchange.messages.account import OpenOrder
from exchange.messages.requests import Cancel, CancelAll, Submit

SECOND: Final = 1_000_000_000
"""Times are nanoseconds."""


class Instrument(NamedTuple):
    """The symbol a bot trades, as the market file describes it; prices in units of 1/10 000."""

    symbol: str
    tick: int
    lot: int
    opening_price: int
    seed: str = ""
    """Of the symbol's hidden value: the same for everybody who believes to know it."""


class Related(NamedTuple):
    """Another symbol, for a strategy that trades two."""

    instrument: Instrument
    bid: int
    ask: int
    inventory: int


class Observation(NamedTuple):
    """All a strategy may know when it decides. Prices are 0 where nothing is known."""

    time: int
    """Nanoseconds since 1970."""
    bid: int
    ask: int
    last: int
    """Last price, or the opening price before the first trade."""
    cash: int
    """Can be spent: what open buy orders have set aside is not in it."""
    shares: int
    """Can be sold: what open sell orders have set aside is not in it."""
    inventory: int
    """Shares owned, set aside or not."""
    orders: tuple[OpenOrder, ...]
    """The bot's own open orders, oldest first, without those whose cancel is under way."""
    volume: int = 0
    """Shares that anybody has traded since the bot began to listen."""
    related: Related | None = None


Command = Submit | Cancel | CancelAll


class Decision(NamedTuple):
    """What a strategy wants done now, and when it wants to be asked again."""

    commands: list[Command]
    wake: int
    """Nanoseconds since 1970."""


class Strategy(Protocol):
    """A way to trade one symbol from one account.

    No clock, socket or randomness of its own: the same observations and the same seed give the same commands.
    """

    def decide(self, seen: Observation, random: Random) -> Decision:
        """One step. Called only when nothing that was decided before is still without an answer."""


class ClientOrderIds:
    """Makes the client order ids of one run of one bot: `<run>-1`, `<run>-2` …, where `run` tells it from all other runs."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._number = 0

    def next(self) -> str:
        """An id that was never given before."""
        self._number += 1
        return f"{self._run}-{self._number}"


def round_lots(quantity: float, lot: int) -> int:
    """The whole lots nearest to a quantity, at least one."""
    return max(round(quantity / lot), 1) * lot
