"""Turns a day in LOBSTER's format into commands that give the same book and the same trades.

Shared by the tests, which feed it to the engine, and the command line, which feeds it to a running market.

What the files do not say, and what is made of it:

- Orders that rested before the first message are known only as part of their level. They are one *unknown* order, in front of
  the level's queue; a delete or an execution of an order that nobody placed is taken off the unknown ones.
- What happens below the visible levels is not in the messages. A level that comes into view has whatever size its row says:
  the unknown orders there grow or shrink to fit.
- An order that no later message names is as good as unknown from then on: nobody can tell which of a level's silent orders went
  away while the level was out of view. One that is named later has at least what those messages take off it.
- Hidden orders are not in the book; their executions are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from typing import Final, Literal, NamedTuple

from .lobster import (
    AUCTION,
    DELETED,
    EXECUTED,
    EXECUTED_HIDDEN,
    HALT,
    NEW,
    REDUCED,
    TAKING,
    Level,
    LobsterBook,
    LobsterError,
    LobsterMessage,
    before,
)
from .lobster_ladder import Ladder, Order
from .messages.base import Side
from .messages.journal import CancelOrder, DefineSymbol, PlaceOrder, ReplaceOrder

TICK: Final = 100
MAKER: Final = "lobster-maker"
"""The account of everything that rests."""
TAKER: Final = "lobster-taker"
"""The account of the orders that trade at once."""

Fill = tuple[int, int]
"""Order id (in the commands), quantity."""

ReaderCommand = DefineSymbol | PlaceOrder | ReplaceOrder | CancelOrder
"""What a day consists of."""

Left = Literal["hidden execution", "auction", "halt", "other"]
"""Messages that are left out because they do not concern the visible book."""

Revealed = Literal["level appeared", "level vanished", "level grew", "level shrank", "order shrank", "unknown order requeued"]
"""What was put right because it had happened out of view (or, the last, in the unseen part of a queue)."""

Difference = Literal["level", "priority", "price", "crossing", "size", "unknown order"]
"""Where the files contradict price-time priority or themselves.

- level: a level that was in view has another size than its messages give.
- priority: the order that was executed was not the first of its level; it leaves the book without a trade.
- price: an execution was not at the best price; the same.
- crossing: a new order would have traded at once; it is left out, as are the messages about it.
- size: a message takes more off an order than it has, or a delete leaves something.
- unknown order: an order that nobody placed, where the level has no unknown orders.
"""


class Step(NamedTuple):
    """One message as commands, and what must be true afterwards."""

    message: LobsterMessage
    commands: list[ReaderCommand]
    fills: list[Fill]
    """Which orders its execution must fill: the one that NASDAQ filled, or unknown orders that stand for it."""
    book: LobsterBook


class Reader:
    """Turns the rows of one symbol's day into commands: `opening`, then `steps`.

    It knows nothing of the engine; it keeps a book of its own, so that commands name what is open. The day's messages are
    looked through once beforehand, for the last mention of each order.
    """

    def __init__(self, symbol: str, messages: Sequence[LobsterMessage], books: Sequence[LobsterBook], tick: int = TICK) -> None:
        if not messages or len(messages) != len(books):
            raise LobsterError(f"expected as many messages as order book rows, at least one: {len(messages)} and {len(books)}")
        self.left: Counter[Left] = Counter()
        self.revealed: Counter[Revealed] = Counter()
        self.differences: Counter[Difference] = Counter()
        self._symbol = symbol
        self._tick = tick
        self._messages = messages
        self._books = books
        self._last_mention = {message.order_id: number for number, message in enumerate(messages)}
        self._deleted = {message.order_id for message in messages if message.kind == DELETED}
        self._demand: Counter[int] = Counter()
        """What later messages take off each order."""
        for message in messages:
            if message.kind in TAKING:
                self._demand[message.order_id] += message.size
        self._ladders: dict[Side, Ladder] = {"buy": Ladder("buy"), "sell": Ladder("sell")}
        self._known: dict[int, Order] = {}
        self._crossing: set[int] = set()
        self._uses: Counter[int] = Counter()
        self._order_id = 0
        self._now = 0
        """Number of the message that is looked at."""
        self._commands: list[ReaderCommand] = []
        self._handlers: dict[int, Callable[[LobsterMessage], list[Fill]]] = {
            NEW: self._new,
            REDUCED: self._reduce,
            DELETED: self._delete,
            EXECUTED: self._execute,
        }
        self._start = before(messages[0], books[0])

    def opening(self) -> list[ReaderCommand]:
        """The symbol, and the book as it was before the first message."""
        bids, asks, _ = self._start
        prices = [levels[0][0] for levels in (bids, asks) if levels]
        reference = max(sum(prices) // max(len(prices), 1) // self._tick, 1) * self._tick
        self._commands = [DefineSymbol(self._symbol, self._symbol, 1, self._tick, 1, reference)]
        for side, levels in _sides(self._start):
            for price, size in levels:
                self._place(side, price, size, 0)
        return self._commands

    def steps(self) -> Iterator[Step]:
        """The messages in order, each with its commands. `opening` comes before."""
        previous = self._start
        for number, (message, book) in enumerate(zip(self._messages, self._books, strict=True)):
            self._now = number
            self._commands = []
            handler = self._handlers.get(message.kind)
            fills: list[Fill] = []
            if handler is None:
                self.left[_left(message.kind)] += 1
            elif message.order_id not in self._crossing:
                fills = handler(message)
            if message.kind in TAKING:
                self._demand[message.order_id] -= message.size
            self._reconcile(previous, book)
            previous = book
            yield Step(message, self._commands, fills, book)

    # ── Messages ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _new(self, message: LobsterMessage) -> list[Fill]:
        opposite = self._ladders["sell" if message.side == "buy" else "buy"]
        if opposite.levels and opposite.reaches(opposite.best(), message.price):
            self.differences["crossing"] += 1
            self._crossing.add(message.order_id)
        else:
            self._known[message.order_id] = self._place(message.side, message.price, message.size, message.order_id)
        return []

    def _reduce(self, message: LobsterMessage) -> list[Fill]:
        order = self._known.get(message.order_id)
        if order is None:
            if self._take_from_level(message.side, message.price, message.size, silent_only=True):
                self.differences["unknown order"] += 1
        else:
            if message.size > order.remaining:
                self.differences["size"] += 1
            self._take(order, min(message.size, order.remaining))
        return []

    def _delete(self, message: LobsterMessage) -> list[Fill]:
        order = self._known.get(message.order_id)
        if order is not None and order.remaining != message.size:
            self.differences["size"] += 1
            self._take(order, order.remaining)
            return []
        return self._reduce(message)

    def _execute(self, message: LobsterMessage) -> list[Fill]:
        """An order of the other side takes it at once, if it is the first of the best level, as it should be."""
        ladder = self._ladders[message.side]
        wanted = self._known.get(message.order_id)
        if ladder.best() != message.price:
            return self._take_out_of_turn(message, "price")
        if wanted is not None:
            self._let_through(wanted)
        queue = list(ladder.queue(message.price).values())
        makers = [wanted] if wanted is not None else list(takewhile(self._is_silent, queue))
        if not makers or queue[0] is not makers[0]:
            return self._take_out_of_turn(message, "priority")
        fills = []
        left = message.size
        for maker in makers:
            quantity = min(maker.remaining, left)
            if quantity:
                fills.append((maker.order_id, quantity))
                self._fill(maker, quantity)
                left -= quantity
        self._trade(message, message.size - left)
        if left:
            self.differences["size"] += 1
        return fills

    def _trade(self, message: LobsterMessage, size: int) -> None:
        self._order_id += 1
        side: Side = "sell" if message.side == "buy" else "buy"
        price = message.price
        hold = size * price if side == "buy" else size
        name = f"take-{self._order_id}"
        self._commands.append(PlaceOrder(self._order_id, TAKER, name, self._symbol, side, size, price, hold, tif="ioc"))

    def _take_out_of_turn(self, message: LobsterMessage, kind: Difference) -> list[Fill]:
        """An execution that price-time priority forbids: what it took leaves the book without a trade."""
        self.differences[kind] += 1
        return self._reduce(message)

    def _let_through(self, wanted: Order) -> None:
        """Unknown orders in front of one that was executed must in truth have stood behind it: put them there."""
        queue = list(self._ladders[wanted.side].queue(wanted.price).values())
        for order in takewhile(lambda order: order is not wanted and self._is_silent(order), queue):
            self.revealed["unknown order requeued"] += 1
            quantity = order.remaining
            self._take(order, quantity)
            self._place(order.side, order.price, quantity, 0)

    # ── Levels ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _reconcile(self, previous: LobsterBook, book: LobsterBook) -> None:
        """Make the visible levels those of the row; what changed out of view is no difference."""
        depth = book.depth
        for (side, now), (_, then) in zip(_sides(book), _sides(previous), strict=True):
            ladder = self._ladders[side]
            sizes = dict(now)
            prices = ladder.to(now[-1][0]) if len(now) == depth else [abs(key) for key in ladder.levels]
            for price in {*sizes, *prices}:
                in_view = len(then) < previous.depth or ladder.reaches(price, then[-1][0])
                if not in_view:
                    self._take_excess(ladder, price)
                size, mine = sizes.get(price, 0), ladder.size(price)
                if size == mine:
                    continue
                if in_view:
                    self.differences["level"] += 1
                else:
                    self.revealed[_revealed(mine, size)] += 1
                if size > mine:
                    self._place(side, price, size - mine, 0)
                else:
                    self._take_from_level(side, price, mine - size, silent_only=False)

    def _take_excess(self, ladder: Ladder, price: int) -> None:
        """Orders that will be deleted with less than they have must have been reduced while they were out of view."""
        for order in list(ladder.queue(price).values()):
            excess = order.remaining - self._demand[order.lobster_id]
            if excess > 0 and order.lobster_id in self._deleted and not self._is_silent(order):
                self.revealed["order shrank"] += 1
                self._take(order, excess)

    def _take_from_level(self, side: Side, price: int, quantity: int, *, silent_only: bool) -> int:
        """Take a quantity off a level's orders; what could not be taken. The newest first, those that are not missed first."""
        queue = list(reversed(self._ladders[side].queue(price).values()))
        spare = [(order, order.remaining) for order in queue if self._is_silent(order)]
        if not silent_only:
            named = [order for order in queue if not self._is_silent(order)]
            spare += [(order, max(order.remaining - self._demand[order.lobster_id], 0)) for order in named]
            spare += [(order, order.remaining) for order in named]
        for order, most in spare:
            taken = min(order.remaining, most, quantity)
            self._take(order, taken)
            quantity -= taken
        return quantity

    def _is_silent(self, order: Order) -> bool:
        """Whether nothing more is heard of an order by its name."""
        return not order.lobster_id or self._last_mention[order.lobster_id] < self._now

    # ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _place(self, side: Side, price: int, quantity: int, lobster_id: int) -> Order:
        self._order_id += 1
        order = Order(self._order_id, lobster_id, side, price, quantity)
        self._ladders[side].put(order)
        hold = quantity * price if side == "buy" else quantity
        name = self._name(lobster_id)
        self._commands.append(PlaceOrder(order.order_id, MAKER, name, self._symbol, side, quantity, price, hold))
        return order

    def _name(self, lobster_id: int) -> str:
        """The client order id: LOBSTER's own, told apart where the file uses one twice."""
        if not lobster_id:
            return f"unknown-{self._order_id}"
        self._uses[lobster_id] += 1
        uses = self._uses[lobster_id]
        return f"{lobster_id}" if uses == 1 else f"{lobster_id}-{uses}"

    def _take(self, order: Order, quantity: int) -> None:
        """Cancel an order, or part of it: that keeps its place."""
        remaining = order.remaining
        if not quantity:
            return
        if quantity == remaining:
            self._commands.append(CancelOrder(order.order_id, MAKER, self._symbol))
        else:
            self._commands.append(
                ReplaceOrder(order.order_id, MAKER, self._symbol, remaining - quantity, remaining, order.price, hold=0)
            )
        self._fill(order, quantity)

    def _fill(self, order: Order, quantity: int) -> None:
        self._ladders[order.side].reduce(order, quantity)
        if not order.remaining:
            self._known.pop(order.lobster_id, None)


def _sides(book: LobsterBook) -> tuple[tuple[Side, list[Level]], tuple[Side, list[Level]]]:
    return ("buy", book.bids), ("sell", book.asks)


def _left(kind: int) -> Left:
    names: dict[int, Left] = {EXECUTED_HIDDEN: "hidden execution", AUCTION: "auction", HALT: "halt"}
    return names.get(kind, "other")


def _revealed(mine: int, size: int) -> Revealed:
    if not mine:
        return "level appeared"
    if not size:
        return "level vanished"
    return "level grew" if size > mine else "level shrank"
