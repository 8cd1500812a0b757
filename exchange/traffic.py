"""Traffic for the load generator: orders of many accounts that keep a market busy and its books bounded."""

from __future__ import annotations

from collections import deque
from random import Random
from typing import Final, NamedTuple, Protocol

from . import subjects
from .messages.base import COMMANDS_PER_REQUEST_MAX, encode
from .messages.requests import Cancel, Command, Submit


class Request(NamedTuple):
    """One message of load."""

    subject: bytes
    payload: bytes
    orders: int
    """How many submits it holds."""
    cancels: int
    taker: str = ""
    """The client order id of an order in it that should trade at once."""


class Traffic(Protocol):
    """Where requests come from."""

    def next(self) -> Request:
        """One more."""


class OrderFlow:
    """Orders of many accounts around fixed prices, a share of them marketable, the oldest cancelled: the book stays bounded.

    An account keeps about OPEN_ORDERS orders open, so that a market of any speed has the same book. With what is
    marketable ending by itself, that makes 54 % submits and 46 % cancels. Without cancels every command is an order, and so
    many are marketable that what rests is traded away.
    """

    MARKETABLE_SHARE: Final = 0.15
    MARKETABLE_SHARE_WITHOUT_CANCELS: Final = 0.55
    OPEN_ORDERS: Final = 50
    SUBMIT_SHARE_BELOW: Final = 0.9
    """Of the commands of an account with fewer open orders than that …"""
    SUBMIT_SHARE_ABOVE: Final = 0.5
    """… and with as many or more: fewer come than go."""
    DISTANCE_TICKS_MAX: Final = 10

    def __init__(
        self, accounts: list[str], symbols: list[tuple[str, int, int]], per_request: int, seed: int, *, cancels: bool = True
    ) -> None:
        """`symbols`: (symbol, price, tick). `seed` also tells the client order ids of one run from those of another."""
        assert 1 <= per_request <= COMMANDS_PER_REQUEST_MAX
        self._random = Random(seed)
        self._cancels = cancels
        self._marketable_share = self.MARKETABLE_SHARE if cancels else self.MARKETABLE_SHARE_WITHOUT_CANCELS
        self._run = f"{seed:x}"
        self._symbols = symbols
        self._per_request = per_request
        self._accounts = [(subjects.orders(account).encode(), deque[str]()) for account in accounts]
        self._turn = 0
        self._number = 0

    def next(self) -> Request:
        """A request of the next account in turn."""
        subject, open_orders = self._accounts[self._turn]
        self._turn = (self._turn + 1) % len(self._accounts)
        commands: list[Command] = []
        orders = 0
        taker = ""
        for _ in range(self._per_request):
            resting = len(open_orders)
            share = self.SUBMIT_SHARE_BELOW if resting < self.OPEN_ORDERS else self.SUBMIT_SHARE_ABOVE
            if self._cancels and resting and self._random.random() > share:
                commands.append(Cancel(client_order_id=open_orders.popleft()))
                continue
            orders += 1
            order, marketable = self._submit()
            commands.append(order)
            if marketable:
                taker = order.client_order_id
            elif self._cancels:
                open_orders.append(order.client_order_id)
        payload = encode(commands[0] if self._per_request == 1 else commands)
        return Request(subject, payload, orders, len(commands) - orders, taker)

    def _submit(self) -> tuple[Submit, bool]:
        random = self._random.random
        self._number += 1
        symbol, price, tick = self._symbols[self._number % len(self._symbols)]
        buys = random() < 0.5
        marketable = random() < self._marketable_share
        # What should trade reaches every price, or the far ones would never be traded away.
        distance = (self.DISTANCE_TICKS_MAX if marketable else 1 + int(random() * self.DISTANCE_TICKS_MAX)) * tick
        order = Submit(
            client_order_id=f"{self._run}-{self._number}",
            symbol=symbol,
            side="buy" if buys else "sell",
            quantity=1 + int(random() * 10),
            price=price + distance if buys == marketable else price - distance,
            tif="ioc" if marketable else "gtc",
        )
        return order, marketable
