"""One hosted bot: feeds its strategy with what it sees, and sees to it that what it decides reaches the ledger once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from random import Random
from typing import Final

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from exchange import subjects
from exchange.client import decode_answer
from exchange.messages.account import Portfolio
from exchange.messages.administration import NewAccount
from exchange.messages.base import decoder, encode
from exchange.messages.reports import OrderAccepted, Reports
from exchange.messages.requests import Accepted, Cancel, CancelAll, Outcome, Refused, Submit
from exchange.metrics import DECISIONS, count_outcomes
from exchange.money import format_money

from .asking import ANSWER_SECONDS, PAUSE_SECONDS_MAX, Unanswered, ask
from .definition import Limits
from .holdings import Holdings
from .strategy import SECOND, Command, Instrument, Observation, Related, Strategy

log = logging.getLogger(__name__)

NO_LIMITS: Final = Limits()
decode_reply: Final = decoder(Outcome | list[Outcome]).decode
decode_reports: Final = decoder(Reports).decode


SHUT: Final = ("halted", "closed")
"""Refusals that every other order would meet, too."""


class LimitReached(Exception):
    """A limit of the bot's file ends it; the text says which."""


class Prices:
    """What the market shows of one symbol; 0 where nothing is known. Shared by the symbol's bots."""

    def __init__(self) -> None:
        self.bid = 0
        self.ask = 0
        self.last = 0
        self.volume = 0
        """Shares traded since somebody listens."""


class Bot:
    """An account, a strategy and the traffic between them.

    One request is under way at a time, and the strategy is asked again only when all reports of what was accepted have
    arrived, so that it never acts twice on the same picture. An unanswered request is sent again unchanged, ever more slowly;
    after ATTEMPTS_MAX the bot asks for its portfolio, which tells what became of it. While its symbol is halted or closed it
    tries one order every SHUT_SECONDS.
    """

    ANSWER_SECONDS: Final = ANSWER_SECONDS
    ATTEMPTS_MAX: Final = 5
    REPORT_SECONDS_MAX: Final = 3.0
    SHUT_SECONDS: Final = 5.0
    MESSAGES_MAX: Final = 1_000
    """Messages of reports kept while the portfolio is being asked for; with more, it is asked for again."""

    def __init__(
        self,
        client: Client,
        account: NewAccount | str,
        symbol: str,
        strategy: Strategy,
        prices: Prices,
        seed: str,
        limits: Limits = NO_LIMITS,
        related: tuple[Instrument, Prices] | None = None,
    ) -> None:
        """`account`: to be opened, or the name of one that exists. `related`: the other symbol of a strategy for two."""
        self._related = related
        self.account = account if isinstance(account, str) else account.account
        self._client = client
        self._opening = None if isinstance(account, str) else account
        self._limits = limits
        self._placed: deque[int] = deque()
        """When orders were sent, within the last minute."""
        self._begun: tuple[int, int] | None = None
        """Shares and worth when the bot began."""
        self._symbol = symbol
        self._traded = {symbol: prices} | ({related[0].symbol: related[1]} if related else {})
        self._elsewhere = 0
        """Cash that came in since the bot began by anything but trades in its symbols, as far as past holdings knew."""
        self._strategy = strategy
        self._prices = prices
        self._random = Random(seed)
        self._holdings: Holdings | None = None
        self._early: list[Reports] = []
        self._unseen: set[str] = set()
        """Client order ids that were sent and whose OrderAccepted has not been seen."""
        self._heard = asyncio.Event()
        self._complained: set[str] = set()
        self._subscription: Subscription | None = None
        self._shut = False
        """Whether the last order was refused for what its symbol's phase is."""

    async def run(self) -> None:
        """Open the account and trade until cancelled. Raises LimitReached, and whatever the strategy raises."""
        self._subscription = await self._client.subscribe(subjects.reports(self.account), cb=self._hear)
        if self._opening is not None:
            await self._ask(subjects.admin("open_account"), encode(self._opening))
        while True:
            holdings = self._holdings or await self._synchronise()
            prices = self._prices
            seen = holdings.observe(time.time_ns(), self._symbol, prices.bid, prices.ask, prices.last)
            seen = seen._replace(volume=prices.volume, related=self._see_related(holdings))
            decision = self._strategy.decide(seen, self._random)
            commands = few(decision.commands) if self._shut else decision.commands
            self._check_limits(holdings, seen, commands)
            if commands:
                await self._send(commands)
            pause = max(decision.wake - time.time_ns(), 0) / SECOND
            await asyncio.sleep(max(pause, self.SHUT_SECONDS) if self._shut else pause)

    async def close(self) -> None:
        """Hear no more reports."""
        if self._subscription is not None:
            await self._subscription.unsubscribe()

    async def leave(self) -> None:
        """Take back all orders in its symbols, so that nothing stale rests; gives up after ANSWER_SECONDS."""
        commands = [CancelAll(symbol) for symbol in self._traded]
        try:
            await self._client.request(subjects.orders(self.account), encode(commands), timeout=self.ANSWER_SECONDS)
        except (nats.errors.Error, TimeoutError) as error:
            log.warning("%s: open orders were not taken back: %r", self.account, error)

    def profit(self) -> int:
        """What the account has earned in the bot's symbols since it began, in units."""
        if self._holdings is None or self._begun is None:
            return 0
        return self._worth(self._holdings) - self._begun[1]

    def open_orders(self) -> int:
        """Of the account in the bot's symbols."""
        return sum(order.symbol in self._traded for order in self._holdings.orders.values()) if self._holdings else 0

    def _see_related(self, holdings: Holdings) -> Related | None:
        if self._related is None:
            return None
        instrument, prices = self._related
        return Related(instrument, prices.bid, prices.ask, holdings.shares(instrument.symbol))

    def _worth(self, holdings: Holdings) -> int:
        """Of its shares, and of the cash but for what came in elsewhere."""
        shares = sum(
            holdings.shares(symbol) * (prices.last or holdings.prices.get(symbol, 0)) for symbol, prices in self._traded.items()
        )
        return shares + holdings.cash - self._elsewhere - holdings.elsewhere(self._traded)

    def _check_limits(self, holdings: Holdings, seen: Observation, commands: list[Command]) -> None:
        limits = self._limits
        if self._begun is None:
            self._begun = (seen.inventory, self._worth(holdings))
        if limits.loss is not None and -self.profit() > limits.loss:
            raise LimitReached(f"loss {format_money(-self.profit())} is more than the limit of {format_money(limits.loss)}")
        orders = [command for command in commands if isinstance(command, Submit)]
        if limits.orders_per_minute is not None:
            while self._placed and self._placed[0] <= seen.time - 60 * SECOND:
                self._placed.popleft()
            self._placed.extend(seen.time for _ in orders)
            if len(self._placed) > limits.orders_per_minute:
                raise LimitReached(f"more than {limits.orders_per_minute} orders within a minute")
        if limits.position is not None:
            for side, sign in (("buy", 1), ("sell", -1)):
                more = sum(order.remaining for order in seen.orders if order.side == side)
                more += sum(order.quantity for order in orders if order.side == side)
                if more and sign * (seen.inventory - self._begun[0]) + more > limits.position:
                    raise LimitReached(f"position could grow beyond the limit of {limits.position}")

    async def _hear(self, message: Msg) -> None:
        reports: Reports = decode_reports(message.data)
        self._unseen.difference_update(
            report.client_order_id for report in reports.reports if isinstance(report, OrderAccepted)
        )
        if self._holdings is None:
            if len(self._early) < self.MESSAGES_MAX:
                self._early.append(reports)
        elif not self._holdings.apply(reports):
            self._ask_anew()
            self._early = [reports]
        self._heard.set()

    async def _synchronise(self) -> Holdings:
        """Take the portfolio from the ledger and apply the reports that arrived meanwhile."""
        while True:
            answer = decode_answer(await self._ask(subjects.api(self.account, "portfolio"), b""), Portfolio)
            early, self._early = self._early, []
            if isinstance(answer, Refused):
                self._complain(answer)
                await asyncio.sleep(PAUSE_SECONDS_MAX)
                continue
            holdings = Holdings(answer)
            if all(holdings.apply(reports) for reports in early):
                self._unseen.clear()
                self._holdings = holdings
                return holdings

    async def _send(self, commands: list[Command]) -> None:
        """Have the commands accepted or refused, and wait for the reports of those accepted."""
        self._unseen = {command.client_order_id for command in commands if isinstance(command, Submit)}
        try:
            answer = await self._ask(subjects.orders(self.account), encode(commands), self.ATTEMPTS_MAX)
        except Unanswered as error:
            log.warning("%s: %s", self.account, error)
            self._ask_anew()
            return
        outcomes = decode_reply(answer)
        DECISIONS.labels("strategy").inc()
        count_outcomes([outcomes] * len(commands) if isinstance(outcomes, Refused) else outcomes)
        if isinstance(outcomes, Refused):
            self._complain(outcomes)
            return
        for command, outcome in zip(commands, outcomes, strict=True):
            if isinstance(command, Submit):
                self._shut = isinstance(outcome, Refused) and outcome.reason in SHUT
            if isinstance(outcome, Refused):
                self._complain(outcome)
                self._unseen.discard(outcome.client_order_id)
            elif isinstance(command, Cancel) and self._holdings is not None and command.order_id in self._holdings.orders:
                self._holdings.leaving.add(command.order_id)
            elif isinstance(outcome, Accepted) and outcome.duplicate:
                self._ask_anew()  # Placed by an earlier attempt; its report may be long gone.
        await self._await_reports()

    async def _await_reports(self) -> None:
        try:
            async with asyncio.timeout(self.REPORT_SECONDS_MAX):
                while self._unseen and self._holdings is not None:
                    self._heard.clear()
                    await self._heard.wait()
        except TimeoutError:
            self._ask_anew()

    def _ask_anew(self) -> None:
        """Ask for the portfolio before the next decision."""
        if self._holdings is not None:
            self._elsewhere += self._holdings.elsewhere(self._traded)
            self._holdings = None

    async def _ask(self, subject: str, payload: bytes, attempts_max: int = 0) -> bytes:
        return await ask(self._client, subject, payload, attempts_max, self.ANSWER_SECONDS)

    def _complain(self, refusal: Refused) -> None:
        """Log the first refusal of each reason."""
        if refusal.reason not in self._complained:
            self._complained.add(refusal.reason)
            log.warning("%s: refused, %s: %s", self.account, refusal.reason, refusal.detail)


def few(commands: list[Command]) -> list[Command]:
    """All cancels, and one order to find out whether orders are taken again."""
    orders = [command for command in commands if isinstance(command, Submit)]
    return [command for command in commands if not isinstance(command, Submit)] + orders[:1]
