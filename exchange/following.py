"""Follows market data over a client: typed, in order, and complete, whatever gets lost or breaks on the way.

Every method is an endless asynchronous iterator. When the connection breaks it waits for another one; what may be missing is
asked for. A reader that is so slow that WAITING_MAX messages wait for it loses them, and is healed in the same way: it slows
nobody down.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import nats.errors
from nats.aio.client import Client as Connection
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from . import subjects
from .messages.base import decoder
from .messages.market_data import (
    LIVE_INTERVALS,
    SYMBOLS_PER_PAGE,
    BookQuestion,
    Candle,
    CandlesQuestion,
    Depth,
    DepthQuestion,
    HistoryQuestion,
    Orders,
    PublicTrade,
    Quote,
    Statistics,
    Status,
    SymbolInfo,
    SymbolQuestion,
    SymbolsQuestion,
    Trades,
)
from .messages.requests import Refused
from .public_book import DepthBook, OrderBook, Problem
from .subjects import public

if TYPE_CHECKING:
    from .client import Client

WAITING_MAX: Final = 10_000
LEVELS_MAX: Final = 10_000
TOP_LEVELS: Final = 20
ORDERS_PER_PAGE: Final = 10_000
TRADES_PER_PAGE: Final = 1_000
CANDLES_MAX: Final = 3_500
BEHIND_SECONDS: Final = 0.05
"""Before a worker is asked again that was behind the one that publishes, or a connection is tried again."""

Message = TypeVar("Message")
State = TypeVar("State", Quote, Status, Statistics, Depth)


class _Lane(Generic[Message]):
    """The messages of one subject, in order; None where some may be missing before the next: at first, too."""

    def __init__(self, client: Client, subject: str, type_: type[Message]) -> None:
        self._client = client
        self._subject = subject
        self._decode = decoder(type_).decode
        self._waiting: deque[bytes] = deque()
        self._arrived = asyncio.Event()
        self._connection: Connection | None = None
        self._subscription: Subscription | None = None
        self._lost = True

    async def messages(self) -> AsyncGenerator[Message | None, None]:
        """Endless. Raises LoginRefused when the client may not come back."""
        self._client.on_lost.add(self._arrived.set)
        try:
            while True:
                if self._connection is None or not self._connection.is_connected:
                    self._connection = await self._subscribe()
                if self._lost:
                    self._lost = False
                    self._waiting.clear()
                    yield None
                elif self._waiting:
                    yield self._decode(self._waiting.popleft())
                else:
                    self._arrived.clear()
                    if self._connection.is_connected:
                        await self._arrived.wait()
        finally:
            self._client.on_lost.discard(self._arrived.set)
            if self._subscription is not None and self._connection is not None and self._connection.is_connected:
                with contextlib.suppress(Exception):
                    await self._subscription.unsubscribe()

    async def _subscribe(self) -> Connection:
        """Hear the subject on a connection that works; what was before it is lost."""
        while True:
            connection = await self._client.reconnected()
            try:
                self._subscription = await connection.subscribe(self._subject, cb=self._hear)
                # Whoever asks for a snapshot from here on misses nothing. Twice: nats-py's first PING overtakes what waits.
                await connection.flush()
                await connection.flush()
                self._lost = True
                return connection
            except (nats.errors.Error, OSError, TimeoutError):
                await asyncio.sleep(BEHIND_SECONDS)

    async def _hear(self, message: Msg) -> None:
        if len(self._waiting) >= WAITING_MAX:
            self._waiting.clear()
            self._lost = True
        self._waiting.append(message.data)
        self._arrived.set()


async def all_symbols(ask: Callable[[SymbolsQuestion], Awaitable[list[SymbolInfo] | Refused]]) -> list[SymbolInfo] | Refused:
    """What is traded, in the order of definition, page by page. `ask` answers public.symbols."""
    found: list[SymbolInfo] = []
    while True:
        page = await ask(SymbolsQuestion(found[-1].symbol if found else ""))
        if isinstance(page, Refused):
            return page
        found += page
        if len(page) < SYMBOLS_PER_PAGE:
            return found


class MarketData:
    """The market data of one client."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.healed: dict[Problem, int] = {"gap": 0, "checksum": 0}
        """How often a book had to be asked for again, and why."""

    async def trades(self, symbol: str, *, after: int | None = None) -> AsyncGenerator[PublicTrade, None]:
        """Every trade once, from the one after the id `after` on; without it from now on."""
        last = after
        async for message in self._lane(subjects.trade(symbol), Trades):
            if message is None and last is None:
                newest = await self._ask("trades", HistoryQuestion(symbol, 1), list[PublicTrade])
                last = newest[0].trade_id if newest else 0
            assert last is not None, "the first message is None"
            before = message.trades[0].trade_id if message else None
            while before is None or last + 1 < before:
                question = HistoryQuestion(symbol, TRADES_PER_PAGE, before or 0, last) if last else _first(symbol, before)
                page = await self._ask("trades", question, list[PublicTrade])
                for trade in page:
                    yield trade
                    last = trade.trade_id
                if not page and before is None:
                    break
                if not page:
                    await asyncio.sleep(BEHIND_SECONDS)
            for trade in message.trades if message else ():
                if trade.trade_id > last:
                    yield trade
                    last = trade.trade_id

    async def depth(self, symbol: str) -> AsyncGenerator[DepthBook, None]:
        """The price levels, after every change. The same book again and again: it changes with the next step."""
        book: DepthBook | None = None
        async for message in self._lane(subjects.depth(symbol), Depth):
            if book is None or message is None or self._problem(book.apply(message)):
                while True:
                    question = DepthQuestion(symbol, LEVELS_MAX)
                    book = DepthBook(await self._ask("depth", question, Depth), LEVELS_MAX)
                    if message is None or not book.apply(message):
                        break
                    await asyncio.sleep(BEHIND_SECONDS)
            yield book

    async def orders(self, symbol: str) -> AsyncGenerator[OrderBook, None]:
        """The book order by order, after every message. The same book again and again: it changes with the next step."""
        book: OrderBook | None = None
        async for message in self._lane(subjects.book(symbol), Orders):
            if book is None or message is None or self._problem(book.apply(message)):
                while True:
                    book = await self._order_book(symbol)
                    if book is not None and (message is None or not book.apply(message)):
                        break
                    await asyncio.sleep(BEHIND_SECONDS)
            if book.number >= book.settled:
                yield book

    def top(self, symbol: str) -> AsyncGenerator[Depth, None]:
        """The best 20 levels of each side: now, and at a steady pace while they change."""
        return self._states(subjects.top(symbol), "depth", DepthQuestion(symbol, TOP_LEVELS), Depth)

    def quotes(self, symbol: str) -> AsyncGenerator[Quote, None]:
        """Best prices: now, and whenever they have changed."""
        return self._states(subjects.quote(symbol), "quote", SymbolQuestion(symbol), Quote)

    def statuses(self, symbol: str) -> AsyncGenerator[Status, None]:
        """The phase, what an auction would give, and the price band: now, and whenever they have changed."""
        return self._states(subjects.status(symbol), "status", SymbolQuestion(symbol), Status)

    def statistics(self, symbol: str) -> AsyncGenerator[Statistics, None]:
        """The session day so far: now, and after trades."""
        return self._states(subjects.statistics(symbol), "statistics", SymbolQuestion(symbol), Statistics)

    async def candles(self, symbol: str, interval: str, *, since: int = 0) -> AsyncGenerator[Candle, None]:
        """Candles of a published interval, from the one of the moment `since` (seconds; 0 for the open one) on, as they grow.

        None is missing in between, and each is told in its final form before a later one is. Raises ValueError for another
        interval, which can be asked for (public.candles) but not followed.
        """
        if interval not in LIVE_INTERVALS:
            raise ValueError(
                f"{interval!r} cannot be followed, only {', '.join(LIVE_INTERVALS)}; ask public.candles for others"
            )
        number, start = 0, since
        async for message in self._lane(subjects.candle(symbol, interval), Candle):
            if message is None or message.previous == 0 or message.previous > number:
                least = message.number if message else 0
                while True:
                    question = CandlesQuestion(symbol, interval, CANDLES_MAX if start else 1, since=start)
                    found = await self._ask("candles", question, list[Candle])
                    newest = found[-1].number if found else 0
                    if newest >= least:
                        break
                    await asyncio.sleep(BEHIND_SECONDS)
            else:
                found, newest = ([message] if message.number >= number else []), message.number
            number = max(number, newest)
            for candle in found:
                if candle.start >= start:
                    start = candle.start
                    yield candle

    async def _states(self, subject: str, name: str, question: Any, type_: type[State]) -> AsyncGenerator[State, None]:
        """A message says all there is, so that one that was lost does not matter once another came."""
        number = 0
        async for message in self._lane(subject, type_):
            state = message if message is not None else await self._ask(name, question, type_)
            if state.number >= number:
                number = state.number
                yield state

    async def _order_book(self, symbol: str) -> OrderBook | None:
        """None when a later page came from a worker that was behind that of the first."""
        pages = [await self._ask("book", BookQuestion(symbol, ORDERS_PER_PAGE), Orders)]
        while len(pages[-1].orders) == ORDERS_PER_PAGE:
            question = BookQuestion(symbol, ORDERS_PER_PAGE, pages[-1].orders[-1][0])
            pages.append(await self._ask("book", question, Orders))
        return OrderBook(pages) if min(page.number for page in pages) == pages[0].number else None

    def _problem(self, problem: Problem | None) -> bool:
        if problem is not None:
            self.healed[problem] += 1
        return problem is not None

    def _lane(self, subject: str, type_: type[Message]) -> AsyncGenerator[Message | None, None]:
        return _Lane(self._client, subject, type_).messages()

    async def _ask(self, question: str, message: Any, type_: type[Message]) -> Message:
        return await self._client.insist(public(question), message, type_)


def _first(symbol: str, before: int | None) -> HistoryQuestion:
    """The oldest trades: those of after the beginning of time."""
    return HistoryQuestion(symbol, TRADES_PER_PAGE, before or 0, since=1)
