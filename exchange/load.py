"""Generates load and measures what comes of it: for the benchmark and for tests that need a busy market.

A request's latency counts from the moment it was due to be sent, so that a market that stalls is not measured less often.
"""

from __future__ import annotations

import asyncio
from array import array
from time import perf_counter_ns
from typing import Final

import msgspec
from nats.aio.client import Client

from . import subjects
from .messages.administration import NewAccount
from .messages.base import decoder, encode
from .messages.reports import OrderAccepted, OrderCancelled, OrderFilled, Reports
from .traffic import Traffic
from .wire import Wire, WireError

SECOND: Final = 1_000_000_000
MILLISECOND: Final = 1_000_000
ANSWER_SECONDS_MAX: Final = 10.0
"""How long the last answers may take once nothing more is sent."""
LATE_NANOSECONDS_MAX: Final = 2 * MILLISECOND
"""Timers are that imprecise. An open loop later than this is held up, and the delay counts as latency."""
decode_reports: Final = decoder(Reports).decode


class Percentiles(msgspec.Struct, frozen=True):
    """Latencies in milliseconds."""

    count: int
    p50: float
    p99: float
    p999: float
    maximum: float


class LoadResult(msgspec.Struct, frozen=True):
    """What a run of load came to."""

    seconds: float
    requests: int
    orders: int
    """Submits sent."""
    cancels: int
    refused: int
    """Commands refused; mostly cancels that came after the fill."""
    unanswered: int
    """Requests without an answer; 0 in a healthy market."""
    commands_per_s: float
    """Submits and cancels answered per second."""
    orders_per_s: float
    """Submits alone."""
    acknowledgement: Percentiles
    """From request to answer."""
    trade: Percentiles | None = None
    """From request to the report of the first fill, of orders that should trade at once."""


class Load:
    """Sends one traffic over one connection and measures the answers. For one run; bounded in time and in requests."""

    REQUESTS_MAX: Final = 10_000_000

    def __init__(self, wire: Wire, traffic: Traffic) -> None:
        self._wire = wire
        self._traffic = traffic
        inbox = f"{wire.inbox_prefix}.load{perf_counter_ns():x}."
        self._prefix = len(inbox)
        self._reply = inbox.encode() + b"%d"
        self._under_way: dict[int, tuple[int, int]] = {}
        """When each request was due, and how many commands it holds, by its number."""
        self._requests = self._orders = self._cancels = self._refused = self._answered = 0
        self._latencies = array("q")
        self._trade_latencies = array("q")
        self._takers: dict[str, int] = {}
        """When each order that should trade was due, by client order id, until it is accepted …"""
        self._taker_orders: dict[int, int] = {}
        """… and by order id, until it is filled or gone."""
        self._window = 0
        self._drained = asyncio.Event()
        self._follows_trades = False
        wire.subscribe(inbox + "*")
        wire.on_message = self._receive
        wire.on_read = self._refill

    def follow_trades(self, accounts: list[str]) -> None:
        """Measure order to trade too. Costs far more than the requests themselves: for open loops well below the limit."""
        self._follows_trades = True
        for account in accounts:
            self._wire.subscribe(subjects.reports(account))

    async def closed_loop(self, window: int, seconds: float) -> LoadResult:
        """Keep `window` requests under way for some seconds."""
        await self._wire.ping()
        started = perf_counter_ns()
        self._window = window
        self._refill()
        self._wire.flush()
        await self._until(started + round(seconds * SECOND))
        self._window = 0
        return await self._finish(started)

    async def open_loop(self, rate: float, seconds: float) -> LoadResult:
        """Send `rate` requests a second, evenly, whatever the answers do."""
        await self._wire.ping()
        started = perf_counter_ns()
        for number in range(min(round(rate * seconds), self.REQUESTS_MAX)):
            due = started + round(number / rate * SECOND)
            if due > perf_counter_ns():
                self._wire.flush()
                await self._until(due)
            now = perf_counter_ns()
            self._send(now if now - due < LATE_NANOSECONDS_MAX else due)
        self._wire.flush()
        return await self._finish(started)

    async def _until(self, moment: int) -> None:
        """Sleep, while answers are received. Raises WireError when the connection is lost."""
        await asyncio.wait({self._wire.closed}, timeout=max(moment - perf_counter_ns(), 0) / SECOND)
        if self._wire.closed.done():
            raise WireError("the connection was lost while load was generated")

    async def _finish(self, started: int) -> LoadResult:
        """Wait for the last answers and add up."""
        self._drained.clear()
        if self._under_way:
            try:
                async with asyncio.timeout(ANSWER_SECONDS_MAX):
                    await self._drained.wait()
            except TimeoutError:
                pass
        seconds = (perf_counter_ns() - started) / SECOND
        return LoadResult(
            seconds=seconds,
            requests=self._requests,
            orders=self._orders,
            cancels=self._cancels,
            refused=self._refused,
            unanswered=len(self._under_way),
            commands_per_s=self._answered / seconds,
            orders_per_s=self._answered / seconds * self._orders / max(self._orders + self._cancels, 1),
            acknowledgement=percentiles(self._latencies),
            trade=percentiles(self._trade_latencies) if self._follows_trades else None,
        )

    def _send(self, due: int) -> None:
        request = self._traffic.next()
        self._requests += 1
        self._orders += request.orders
        self._cancels += request.cancels
        self._under_way[self._requests] = (due, request.orders + request.cancels)
        if self._follows_trades and request.taker:
            self._takers[request.taker] = due
        self._wire.publish(request.subject, self._reply % self._requests, request.payload)

    def _receive(self, subject: bytes, payload: bytes) -> None:
        if not subject.startswith(b"_INBOX"):
            self._follow(payload)
            return
        under_way = self._under_way.pop(int(subject[self._prefix :]), None)
        if under_way is not None:
            due, commands = under_way
            self._latencies.append(perf_counter_ns() - due)
            self._answered += commands
            self._refused += payload.count(b'"type":"refused"')

    def _refill(self) -> None:
        now = perf_counter_ns()
        while len(self._under_way) < self._window and self._requests < self.REQUESTS_MAX:
            self._send(now)
        if not self._under_way:
            self._drained.set()

    def _follow(self, payload: bytes) -> None:
        """Reports: an order that should trade gets its id, then its fill."""
        reports: Reports = decode_reports(payload)
        for report in reports.reports:
            if isinstance(report, OrderAccepted):
                if (due := self._takers.pop(report.client_order_id, None)) is not None:
                    self._taker_orders[report.order_id] = due
            elif isinstance(report, OrderFilled):
                if (due := self._taker_orders.pop(report.order_id, None)) is not None:
                    self._trade_latencies.append(perf_counter_ns() - due)
            elif isinstance(report, OrderCancelled):
                self._taker_orders.pop(report.order_id, None)


def percentiles(latencies: array[int]) -> Percentiles:
    """Of latencies in nanoseconds; all zero when there are none."""
    ordered = sorted(latencies) or [0]

    def at(share: float) -> float:
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] / MILLISECOND

    return Percentiles(len(latencies), at(0.5), at(0.99), at(0.999), ordered[-1] / MILLISECOND)


async def open_accounts(client: Client, accounts: list[str], cash: int, shares: dict[str, int]) -> None:
    """Open the accounts that load is sent from, on a connection that may do so (the operator's or the bots').

    Raises RuntimeError when one is refused.
    """
    for account in accounts:
        answer = await client.request(subjects.admin("open_account"), encode(NewAccount(account, cash, shares)), timeout=5)
        if b'"type":"refused"' in answer.data:
            raise RuntimeError(f"{account} could not be opened: {answer.data.decode()}")
