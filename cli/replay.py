"""`exchange replay lobster`: a day of real order flow, fed to the running market."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from exchange import subjects
from exchange.lobster import LobsterBook, LobsterError, read_books, read_messages
from exchange.lobster_reader import Reader, Step
from exchange.messages.market_data import Depth, DepthQuestion
from exchange.settings import SettingsError, load_settings

from .output import SECOND, say, show_json, show_table
from .problem import MISUSED, Problem
from .replay_orders import ReplayOrders, open_traders
from .scope import Scope, accepted

CHECK_EVERY: Final = 50
"""Messages from one look at the book to the next; after the last there is always one."""
SETTLE_SECONDS_MAX: Final = 10.0
"""How long the market may take to show what it was told."""
POLL_SECONDS: Final = 0.02

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, show_default=False)]


class ReplayResult(msgspec.Struct, frozen=True):
    """What a replay came to."""

    symbol: str
    messages: int
    commands: int
    seconds: float
    left: dict[str, int]
    """Messages that do not concern the visible book, by kind."""
    revealed: dict[str, int]
    """What had changed out of view and was put right when it came into view."""
    differences: dict[str, int]
    """Where the files contradict price-time priority or themselves; see exchange/lobster_reader.py."""
    refused: dict[str, int]
    """Commands that the market refused, by reason."""
    books_checked: int = 0
    books_different: list[int] = []
    """Numbers of messages after which the market's book was not the file's."""
    executions_checked: int = 0
    executions_different: list[int] = []
    """Numbers of messages whose execution filled other orders than NASDAQ's."""

    @property
    def passed(self) -> bool:
        """Whether nothing is different."""
        return not (self.differences or self.refused or self.books_different or self.executions_different)


async def lobster(
    scope: Scope,
    messages: File,
    orderbook: File,
    symbol: Annotated[
        str, typer.Option("--symbol", help="The symbol of this market that the day is fed to.", show_default=False)
    ],
    speed: Annotated[
        str, typer.Option("--speed", metavar="FACTOR|max", help="1 is as fast as it was, 60 a minute a second.")
    ] = "max",
    check: Annotated[bool, typer.Option("--check", help="Compare the book and the executions with the files.")] = False,
) -> None:
    """Feed a day in LOBSTER's format to this market, as the operator: its orders come from accounts opened for it."""
    factor = _factor(speed)
    symbol = symbol.upper()
    try:
        reader = Reader(symbol, list(read_messages(_lines(messages))), list(read_books(_lines(orderbook))))
    except LobsterError as error:
        raise Problem(str(error), MISUSED) from None
    opening, steps = reader.opening(), list(reader.steps())
    try:
        limits = load_settings(scope.data_directory).market.limits
    except SettingsError as error:
        raise Problem(str(error)) from None
    await _require_symbol(scope, symbol, steps)
    async with open_traders(scope, symbol, opening, steps, limits) as orders:
        replay = _Replay(orders, symbol, check)
        await replay.begin()
        started = time.monotonic()
        await orders.add(opening, [])
        for number, step in enumerate(steps, start=1):
            await replay.wait_until(started + (step.message.time - steps[0].message.time) / SECOND / factor if factor else 0)
            await orders.add(step.commands, step.fills, number)
            if check and (number % CHECK_EVERY == 0 or number == len(steps)):
                await replay.check_book(number, step.book)
        await orders.flush()
        seconds = time.monotonic() - started
        if check:
            await replay.check_executions()
    commands = len(opening) + sum(len(step.commands) for step in steps)
    result = ReplayResult(
        symbol, len(steps), commands, seconds, _words(reader.left), _words(reader.revealed), _words(reader.differences),
        dict(orders.refused), replay.books, replay.books_different, replay.executions, replay.executions_different,
    )  # fmt: skip
    _show(scope, result, check)


class _Replay:
    """The pace of a replay, and what is found by looking at the market."""

    def __init__(self, orders: ReplayOrders, symbol: str, check: bool) -> None:
        self.books = self.executions = 0
        self.books_different: list[int] = []
        self.executions_different: list[int] = []
        self._orders = orders
        self._symbol = symbol
        self._check = check

    async def begin(self) -> None:
        """Take back what an earlier replay left. Raises Problem when the book is not empty then and has to be compared."""
        await self._orders.cancel_all()
        if self._check and not await self._shows(LobsterBook([], [], 1)):
            raise Problem(f"others have orders in {self._symbol}: --check needs a book that is empty; start with --no-bots")

    async def wait_until(self, moment: float) -> None:
        """Send what there is, and sleep, when it is not time yet."""
        delay = moment - time.monotonic()
        if delay > 0:
            await self._orders.flush()
            await asyncio.sleep(delay)

    async def check_book(self, number: int, book: LobsterBook) -> None:
        """The market must come to show these levels, now that nothing more is sent."""
        await self._orders.flush()
        self.books += 1
        if not await self._shows(book):
            self.books_different.append(number)

    async def check_executions(self) -> None:
        """What each execution filled, from the market's history."""
        self.executions = len(self._orders.expected)
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        while different := await self._orders.different_executions():
            if time.monotonic() > deadline:
                self.executions_different = different
                return
            await asyncio.sleep(POLL_SECONDS)

    async def _shows(self, book: LobsterBook) -> bool:
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        while True:
            question = DepthQuestion(self._symbol, book.depth)
            depth = accepted(await self._orders.guest.request(subjects.public("depth"), question, Depth))
            if (depth.bids, depth.asks) == (book.bids, book.asks):
                return True
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(POLL_SECONDS)


def _factor(speed: str) -> float:
    """0 for as fast as possible."""
    try:
        factor = 0.0 if speed == "max" else float(speed)
    except ValueError:
        factor = -1.0
    if factor < 0 or (not factor and speed != "max"):
        raise Problem(f"--speed: expected a factor, like 1, or max, got {speed}", MISUSED)
    return factor


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        raise Problem(f"{path}: not a file in LOBSTER's format", MISUSED) from None


async def _require_symbol(scope: Scope, symbol: str, steps: list[Step]) -> None:
    """Raises Problem when the market does not trade it, or not at such prices."""
    async with scope.guest() as client:
        traded = {info.symbol: info for info in accepted(await client.symbols())}
    if symbol not in traded:
        raise Problem(
            f"{symbol} is not traded on this market, which has {', '.join(traded)}: write it into the market file, like "
            "docs/examples/aapl.yaml, and start the market with it"
        )
    tick = traded[symbol].tick
    if any(step.message.price % tick for step in steps if step.message.price > 0):
        raise Problem(f"the day's prices do not fit the tick of {symbol}; write a smaller one into the market file")


def _words(counts: Mapping[Any, int]) -> dict[str, int]:
    return {str(kind): count for kind, count in counts.items()}


def _show(scope: Scope, result: ReplayResult, check: bool) -> None:
    if scope.json:
        show_json(result)
    else:
        rows = [("messages", f"{result.messages:,}"), ("commands", f"{result.commands:,} in {result.seconds:.1f} s")]
        for name in ("left", "revealed", "differences", "refused"):
            rows += [(f"{name}: {kind}", f"{count:,}") for kind, count in getattr(result, name).items()]
        if check:
            rows.append(("books compared", f"{result.books_checked:,}, {len(result.books_different)} different"))
            rows.append(("executions compared", f"{result.executions_checked:,}, {len(result.executions_different)} different"))
        show_table(("replay", "found"), rows, left=("replay",), empty="")
        if check and result.passed:
            say("\nThe market is what the files say")
    if check and not result.passed:
        raise Problem("the replay differs from the files")
