"""The accounts of a replay, and the way of its commands to the market: in order, in large requests, within the rate limit."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from exchange import subjects
from exchange.lobster_reader import MAKER, TAKER, Fill, ReaderCommand, Step
from exchange.market import Limits
from exchange.messages.account import Fill as FillRow
from exchange.messages.account import PageQuestion, Portfolio
from exchange.messages.administration import Credentials, Deposit, Done
from exchange.messages.base import CASH, COMMANDS_PER_REQUEST_MAX
from exchange.messages.journal import CancelOrder, DefineSymbol, PlaceOrder, ReplaceOrder
from exchange.messages.requests import Accepted, Cancel, CancelAll, Command, Replace, Submit

from .accounts import create_login
from .logins import find_login
from .problem import Problem, explain
from .scope import Scope, accepted

if TYPE_CHECKING:
    from exchange.client import Client

AGAIN: Final = ("rate", "busy")
"""Refusals that concern the moment, not the command."""
OPEN_SHARE: Final = 0.8
"""Of the open orders an account may have; the ledger hears of those that ended a moment later."""
FEE_ROOM: Final = 1.1
"""More than the highest fee."""
SETTLE_SECONDS_MAX: Final = 5.0
POLL_SECONDS: Final = 0.01
PAGE: Final = 1_000


class Trader:
    """One account of the replay."""

    def __init__(self, account: str, client: Client) -> None:
        self.account = account
        self.client = client
        self.open = 0
        """Orders of it that rest."""
        self.position = 0
        """What it must have, as far as it was told."""
        self.last_fill = 0
        """Fills with larger ids are of this replay."""


class ReplayOrders:
    """Sends the reader's commands, in their order: a request goes out when another account's turn is."""

    def __init__(self, symbol: str, makers: list[Trader], taker: Trader, limits: Limits) -> None:
        self.refused: Counter[str] = Counter()
        self.expected: dict[int, tuple[int, list[Fill]]] = {}
        """Order that takes → message number, orders that it must fill. All in the reader's ids."""
        self._symbol = symbol
        self._makers = makers
        self._taker = taker
        self._open_max = open_max(limits)
        self._rate = limits.orders_per_second
        self._run = secrets.token_hex(4)
        self._placed: dict[int, tuple[Trader, Submit]] = {}
        self._remaining: dict[int, int] = {}
        self._market_ids: dict[int, int] = {}
        self._unsettled: set[int] = set()
        """Orders with fills or a replace that the ledger may not have heard of yet."""
        self._batch: list[tuple[int, Command]] = []
        self._sender = taker

    @property
    def guest(self) -> Client:
        """A connection for public questions."""
        return self._taker.client

    async def cancel_all(self) -> None:
        """Take back what an earlier replay left, and note where the accounts stand."""
        for trader in (*self._makers, self._taker):
            accepted(await trader.client.send(CancelAll(self._symbol)))
            trader.position = self._position(await portfolio_of(trader))
            newest = await self._fills(trader, PageQuestion(1, symbol=self._symbol))
            trader.last_fill = newest[0].fill_id if newest else 0

    async def add(self, commands: list[ReaderCommand], fills: list[Fill], number: int = 0) -> None:
        """Commands of one message, and what they must fill."""
        for command in commands:
            if isinstance(command, ReplaceOrder) and command.order_id in self._unsettled:
                await self._settle()
            if isinstance(command, DefineSymbol):
                continue
            trader, wanted = self._translate(command)
            if trader is not self._sender or len(self._batch) == COMMANDS_PER_REQUEST_MAX:
                await self.flush()
                self._sender = trader
            self._batch.append((command.order_id, wanted))
            if isinstance(command, ReplaceOrder):
                self._unsettled.add(command.order_id)
            if trader is self._taker:
                self.expected[command.order_id] = (number, fills)
                self._fill(fills)

    async def flush(self) -> None:
        """Send what waits. Raises Problem when an order is refused."""
        batch, self._batch = self._batch, []
        while batch:
            outcomes = await self._sender.client.send_all([command for _, command in batch])
            for (order_id, command), outcome in zip(batch, outcomes, strict=True):
                if isinstance(outcome, Accepted):
                    self._market_ids[order_id] = outcome.order_id
                elif outcome.reason in AGAIN:
                    break  # What came after it was refused with it.
                elif isinstance(command, Submit):
                    raise Problem(f"an order of the replay was {explain(outcome)}")
                else:
                    self.refused[outcome.reason] += 1
                batch = batch[1:]
            if batch:
                await asyncio.sleep(len(batch) / (self._rate or PAGE))

    async def different_executions(self) -> list[int]:
        """Messages whose executions are not in the market's history, or with other orders."""
        filled: defaultdict[int, dict[int, int]] = defaultdict(dict)
        for trader in self._makers:
            for row in await self._all_fills(trader):
                if row.liquidity == "maker":
                    filled[row.trade_id] = {row.order_id: row.quantity}
        found: defaultdict[int, Counter[int]] = defaultdict(Counter)
        for row in await self._all_fills(self._taker):
            found[row.order_id].update(filled[row.trade_id])
        ids = self._market_ids
        return [
            number
            for order_id, (number, fills) in self.expected.items()
            if found[ids[order_id]] != Counter({ids[maker]: quantity for maker, quantity in fills})
        ]

    def _translate(self, command: PlaceOrder | CancelOrder | ReplaceOrder) -> tuple[Trader, Command]:
        order_id = command.order_id
        if isinstance(command, PlaceOrder):
            trader = self._taker if command.account == TAKER else self._free_maker()
            submit = Submit(
                f"{self._run}-{command.client_order_id}", self._symbol, command.side, command.quantity,
                price=command.price, tif=command.tif, self_trade="allow",
            )  # fmt: skip
            if trader is not self._taker:
                trader.open += 1
                self._placed[order_id] = (trader, submit)
                self._remaining[order_id] = command.quantity
            return trader, submit
        trader, submit = self._placed[order_id]
        name = submit.client_order_id
        if isinstance(command, CancelOrder):
            self._less(order_id, 0)
            return trader, Cancel(client_order_id=name)
        self._less(order_id, command.quantity)
        return trader, Replace(client_order_id=name, quantity=command.quantity)

    def _fill(self, fills: list[Fill]) -> None:
        for order_id, quantity in fills:
            maker, submit = self._placed[order_id]
            maker.position += quantity if submit.side == "buy" else -quantity
            self._unsettled.add(order_id)
            self._less(order_id, self._remaining[order_id] - quantity)

    def _less(self, order_id: int, remaining: int) -> None:
        self._remaining[order_id] = remaining
        if not remaining:
            self._placed[order_id][0].open -= 1

    def _free_maker(self) -> Trader:
        """Raises Problem when all have as many open orders as they may."""
        maker = min(self._makers, key=lambda maker: maker.open)
        maker = self._makers[0] if self._makers[0].open < self._open_max else maker
        if maker.open >= self._open_max:
            raise Problem("the day has more open orders than this market's limits.open_orders allows; raise it")
        return maker

    async def _settle(self) -> None:
        """Wait until the ledger knows how much is open: a replace says it as the ledger knows it, and is the only one."""
        await self.flush()
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        for maker in self._makers:
            while not self._is_settled(maker, await portfolio_of(maker)):
                if time.monotonic() > deadline:
                    break  # Somebody else trades here; that is found by --check.
                await asyncio.sleep(POLL_SECONDS)
        self._unsettled.clear()

    def _is_settled(self, maker: Trader, portfolio: Portfolio) -> bool:
        found = {order.order_id: order.remaining for order in portfolio.orders}
        open_quantities = {self._market_ids[order_id]: self._remaining[order_id] for order_id in self._unsettled}
        return self._position(portfolio) == maker.position and all(
            found.get(order_id, remaining) == remaining for order_id, remaining in open_quantities.items()
        )

    def _position(self, portfolio: Portfolio) -> int:
        return next((position.quantity for position in portfolio.positions if position.symbol == self._symbol), 0)

    async def _all_fills(self, trader: Trader) -> list[FillRow]:
        """Those of this replay."""
        rows: list[FillRow] = []
        question = PageQuestion(PAGE, symbol=self._symbol)
        while page := [row for row in await self._fills(trader, question) if row.fill_id > trader.last_fill]:
            rows += page
            question = PageQuestion(PAGE, before=page[-1].fill_id, symbol=self._symbol)
        return rows

    async def _fills(self, trader: Trader, question: PageQuestion) -> list[FillRow]:
        return accepted(await trader.client.request(subjects.api(trader.account, "fills"), question, list[FillRow]))


def open_max(limits: Limits) -> int:
    """Open orders of one account of the replay."""
    return max(int(limits.open_orders * OPEN_SHARE), 1)


async def portfolio_of(trader: Trader) -> Portfolio:
    """What an account has, as the ledger knows it."""
    return accepted(await trader.client.request(subjects.api(trader.account, "portfolio"), None, Portfolio))


@asynccontextmanager
async def open_traders(
    scope: Scope, symbol: str, opening: list[ReaderCommand], steps: list[Step], limits: Limits
) -> AsyncIterator[ReplayOrders]:
    """Accounts that can pay for all of it, opened by the operator where they do not exist. Raises Problem."""
    commands = [*opening, *(command for step in steps for command in step.commands)]
    makers = -(-_open_peak(opening, steps) // open_max(limits))
    names = [MAKER, *(f"{MAKER}-{number}" for number in range(2, makers + 1))]
    async with AsyncExitStack() as stack:
        operator = await stack.enter_async_context(scope.staff())
        traders = []
        for name in (*names, TAKER):
            if find_login(scope.market, name) is None:
                await create_login(scope, Credentials(name, secrets.token_urlsafe(24), 0, {}))
            trader = Trader(name, await stack.enter_async_context(replace(scope, account=name).trader()))
            await _fund(operator, trader, symbol, _needs(commands, TAKER if name == TAKER else MAKER, symbol))
            traders.append(trader)
        yield ReplayOrders(symbol, traders[:-1], traders[-1], limits)


def _open_peak(opening: list[ReaderCommand], steps: list[Step]) -> int:
    """How many orders rest at the same time."""
    remaining: dict[int, int] = {}
    peak = 0
    for commands, fills in ((opening, []), *((step.commands, step.fills) for step in steps)):
        for command in commands:
            if isinstance(command, CancelOrder):
                del remaining[command.order_id]
            elif isinstance(command, ReplaceOrder) or (isinstance(command, PlaceOrder) and command.account == MAKER):
                remaining[command.order_id] = command.quantity
            elif isinstance(command, PlaceOrder):
                for order_id, quantity in fills:
                    remaining[order_id] -= quantity
                    if not remaining[order_id]:
                        del remaining[order_id]
            peak = max(peak, len(remaining))
    return peak


def _needs(commands: list[ReaderCommand], account: str, symbol: str) -> dict[str, int]:
    """Enough for all orders of an account, as if none ended."""
    placed = [command for command in commands if isinstance(command, PlaceOrder) and command.account == account]
    cash = sum(command.price * command.quantity for command in placed if command.side == "buy")
    return {CASH: int(cash * FEE_ROOM), symbol: sum(command.quantity for command in placed if command.side == "sell")}


async def _fund(operator: Client, trader: Trader, symbol: str, needs: dict[str, int]) -> None:
    portfolio = await portfolio_of(trader)
    has = {position.symbol: position.quantity for position in portfolio.positions} | {CASH: portfolio.cash}
    for asset, needed in needs.items():
        if (missing := needed - has.get(asset, 0)) > 0:
            deposit = Deposit(trader.account, asset, missing, "replay", secrets.token_hex(8))
            accepted(await operator.request(subjects.admin("deposit"), deposit, Done))
