"""One account as its bots see it: cash, shares and orders, kept current by its reports; what was missed is asked for."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Final

from nats.aio.client import Client
from nats.aio.msg import Msg

from exchange import subjects
from exchange.client import decode_answer
from exchange.messages.account import Fill, OrderRecord, PageQuestion, Portfolio, ReportsAnswer, ReportsQuestion
from exchange.messages.base import decoder, encode
from exchange.messages.reports import OrderAccepted, OrderActivated, OrderCancelled, OrderFilled, Report, Reports
from exchange.messages.requests import Refused

from .asking import ask
from .holdings import Holdings
from .machine import Machine

log = logging.getLogger(__name__)

PAGE: Final = 1_000
HISTORIAN_ATTEMPTS: Final = 40
HISTORIAN_PAUSE: Final = 0.25
decode_reports: Final = decoder(Reports).decode


class AccountRefused(Exception):
    """The ledger does not know the account, or does not tell."""


class Account:
    """The machines of one account and what they share."""

    EARLY_MAX: Final = 10_000
    """Messages of reports kept while the portfolio is being asked for."""

    def __init__(self, client: Client, name: str, mark: Callable[[Machine], None]) -> None:
        """`mark` has a machine looked at anew."""
        self.name = name
        self.holdings = Holdings(Portfolio(name, 0, 0, [], [], 0, 0))
        self.machines: dict[str, Machine] = {}
        """By instance."""
        self._client = client
        self._mark = mark
        self._owners: dict[int, Machine] = {}
        self._early: list[Reports] | None = []
        """Not None while the account is being synchronised."""
        self._subscription: Any = None
        self._synchronising: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Hear reports, and be current. Raises AccountRefused."""
        self._subscription = await self._client.subscribe(subjects.reports(self.name), cb=self._hear)
        await self.synchronise()

    async def close(self) -> None:
        """Hear no more."""
        if self._synchronising is not None:
            self._synchronising.cancel()
        if self._subscription is not None and not self._client.is_closed:
            await self._subscription.unsubscribe()

    def add(self, machine: Machine) -> None:
        """From now on the machine is told what concerns it."""
        self.machines[machine.state.instance] = machine
        machine.desk.holdings = self.holdings
        for order in machine.state.orders.values():
            if order.order_id:
                self._owners[order.order_id] = machine

    def remove(self, machine: Machine) -> None:
        """Not any more."""
        self.machines.pop(machine.state.instance, None)
        self._owners = {number: owner for number, owner in self._owners.items() if owner is not machine}

    def own(self, machine: Machine, order_id: int) -> None:
        """An order of the machine has this id."""
        self._owners[order_id] = machine

    async def synchronise(self) -> None:
        """Take the portfolio; give every machine the reports it missed. Raises AccountRefused."""
        self._early = self._early or []
        portfolio = await self._question("portfolio", None, Portfolio)
        if isinstance(portfolio, Refused):
            raise AccountRefused(portfolio.detail or portfolio.reason)
        behind = [machine for machine in self.machines.values() if machine.state.report < portfolio.report]
        if behind:
            await self._catch_up(behind, portfolio)
        self.holdings = Holdings(portfolio)
        for machine in self.machines.values():
            machine.desk.holdings = self.holdings
            machine.desk.unreported.clear()
            self._mark(machine)
        early, self._early = self._early, None
        for message in early:
            self._take(message)

    def resynchronise(self) -> None:
        """Something was missed: synchronise in the background, once at a time."""
        if self._synchronising is None or self._synchronising.done():
            self._early = self._early or []
            self._synchronising = asyncio.create_task(self._keep_trying())

    async def _keep_trying(self) -> None:
        try:
            await self.synchronise()
        except AccountRefused as refused:
            log.warning("%s: %s", self.name, refused)

    async def _hear(self, message: Msg) -> None:
        self._take(decode_reports(message.data))

    def _take(self, message: Reports) -> None:
        if self._early is not None:
            if len(self._early) < self.EARLY_MAX:
                self._early.append(message)
            return
        if not self.holdings.apply(message):
            self.resynchronise()
            if self._early is not None:
                self._early.append(message)
            return
        for number, report in enumerate(message.reports, message.number):
            self._route(number, report)

    def _route(self, number: int, report: Report) -> None:
        machine: Machine | None
        if isinstance(report, OrderAccepted):
            machine = self.machines.get(report.client_order_id.partition("-")[0])
            if machine is not None:
                self._owners[report.order_id] = machine
        else:
            machine = self._owners.get(getattr(report, "order_id", 0))
        if machine is not None:
            machine.desk.report(number, report, time.time_ns())
            if isinstance(report, OrderCancelled) or getattr(report, "remaining", 1) == 0:
                self._owners.pop(getattr(report, "order_id", 0), None)
            self._mark(machine)
        for other in self.machines.values():
            if other.reads_account:
                self._mark(other)

    async def _catch_up(self, behind: list[Machine], portfolio: Portfolio) -> None:
        after = min(machine.state.report for machine in behind)
        answer = await self._question("reports", ReportsQuestion(after), ReportsAnswer)
        if isinstance(answer, Refused) or not answer.complete:
            for machine in behind:
                await self._reconcile(machine, portfolio)
            return
        for number, report in enumerate(answer.reports, answer.number):
            if number <= portfolio.report:
                self._route(number, report)
        for machine in behind:
            machine.state.report = max(machine.state.report, portfolio.report)

    async def settle_doubts(self, machine: Machine) -> None:
        """An order of the machine turned out to be placed long ago: learn what became of it."""
        machine.desk.doubtful = False
        portfolio = await self._question("portfolio", None, Portfolio)
        if not isinstance(portfolio, Refused):
            await self._reconcile(machine, portfolio)
            self._mark(machine)

    async def _reconcile(self, machine: Machine, portfolio: Portfolio) -> None:
        """Learn from the historian what became of a machine's orders: more was missed than the ledger keeps."""
        own = machine.state.orders
        still_open = {order.client_order_id: order for order in portfolio.orders}
        for _ in range(HISTORIAN_ATTEMPTS):
            wanted = {name for name in own if own[name].order_id or name in still_open}
            records = await self._records(wanted, machine.state.started)
            if all(
                name in records
                and (records[name].open == still_open[name].remaining if name in still_open else records[name].status != "open")
                for name in wanted
            ):
                break
            await asyncio.sleep(HISTORIAN_PAUSE)  # The historian follows the ledger by a moment.
        else:
            machine.desk.stop("what became of its orders while it was away could not be learned", time.time_ns())
            return
        now = time.time_ns()
        numbers = {record.order_id: name for name, record in records.items()}
        for name, record in records.items():
            own[name].order_id = record.order_id
            self._owners[record.order_id] = machine
        for fill in await self._fills(numbers, machine.state.started):
            remaining = max(own[numbers[fill.order_id]].remaining - fill.quantity, 1)
            happened = OrderFilled(
                fill.order_id, fill.symbol, fill.trade_id, fill.side, fill.price, fill.quantity, remaining, fill.fee,
                fill.liquidity, fill.time,
            )  # fmt: skip
            machine.desk.happened(happened, now)
        for name in wanted:
            if name in still_open:
                known = still_open[name]
                own[name].remaining = known.remaining
                if own[name].idle and not known.entry:
                    machine.desk.happened(OrderActivated(known.order_id, known.symbol, known.remaining, now), now)
            else:
                del own[name]
        machine.state.report = portfolio.report

    async def _records(self, names: set[str], since: int) -> dict[str, OrderRecord]:
        found: dict[str, OrderRecord] = {}
        before = 0
        while names - found.keys():
            page = await self._question("history", PageQuestion(PAGE, before), list[OrderRecord])
            if isinstance(page, Refused):
                break
            found |= {record.client_order_id: record for record in page if record.client_order_id in names}
            if len(page) < PAGE or page[-1].time < since:
                break
            before = page[-1].order_id
        return found

    async def _fills(self, numbers: dict[int, str], since: int) -> list[Fill]:
        """All fills of some orders, oldest first."""
        found: list[Fill] = []
        before = 0
        while numbers:
            page = await self._question("fills", PageQuestion(PAGE, before), list[Fill])
            if isinstance(page, Refused):
                break
            found += [fill for fill in page if fill.order_id in numbers]
            if len(page) < PAGE or page[-1].time < since:
                break
            before = page[-1].fill_id
        return found[::-1]

    async def _question(self, question: str, message: Any, type_: Any) -> Any:
        payload = b"" if message is None else encode(message)
        return decode_answer(await ask(self._client, subjects.api(self.name, question), payload), type_)
