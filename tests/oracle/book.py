"""A slow, obvious twin of the matching engine: plain lists, searched and sorted for every trade.

Written from the rules, not from the engine: the best price trades first, at equal prices the order that came first, and the
price of a trade is that of the order that was there before. Every trade is shown to every waiting stop order, one by one; and
whether a fill-or-kill order can be filled is tried out on a copy of the book.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

from exchange.messages.base import Side
from exchange.messages.events import (
    Cancelled,
    CancelRefused,
    Decremented,
    Event,
    Refreshed,
    Replaced,
    ReplaceRefused,
    Rested,
    Traded,
    Triggered,
)
from exchange.messages.journal import CancelOrder, DefineSymbol, EngineCommand, PlaceOrder, ReplaceOrder


@dataclass
class Open:
    """An order that rests, waits for its stop price, or is about to do something."""

    order_id: int
    account: str
    symbol: str
    side: Side
    kind: str
    tif: str
    price: int
    open: int
    expires: int
    post_only: bool
    display: int
    self_trade: str
    shown: int = 0
    stop_price: int = 0
    known_price: int = 0
    """Of a trailing stop: what its owner asked for, while `price` and `stop_price` move."""
    known_stop_price: int = 0
    trail: int = 0
    trail_basis_points: int = 0
    reached: bool = False

    def accepts(self, price: int) -> bool:
        """Whether it would trade at this price."""
        return price <= self.price if self.side == "buy" else price >= self.price

    def stopped_by(self, price: int) -> bool:
        """Whether a trade at this price triggers it."""
        return price >= self.stop_price if self.side == "buy" else price <= self.stop_price

    def show(self) -> None:
        """Show as much as may be shown."""
        self.shown = min(self.display or self.open, self.open)


@dataclass
class SlowBook:
    """A symbol's orders in the order in which they came, and its trades."""

    tick: int = 1
    resting: list[Open] = field(default_factory=list)
    waiting: list[Open] = field(default_factory=list)
    trades: list[Traded] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def queue(self, side: Side) -> list[Open]:
        """One side in the order in which it trades; `sorted` keeps the order of arrival at equal prices."""
        mine = [order for order in self.resting if order.side == side]
        return sorted(mine, key=lambda order: order.price, reverse=side == "buy")

    def find(self, order_id: int) -> Open | None:
        """An open order."""
        return next((order for order in self.resting + self.waiting if order.order_id == order_id), None)

    def leave(self, order: Open) -> None:
        """Take an order out."""
        for orders in (self.resting, self.waiting):
            orders[:] = [other for other in orders if other is not order]

    def place(self, order: Open) -> None:
        """A new order, or one that comes back."""
        if order.kind in ("limit", "market"):
            self.arrive(order)
        elif self.trades and order.stopped_by(self.trades[-1].price):
            self.trigger(order)
        else:
            self.waiting.append(order)

    def trigger(self, order: Open) -> None:
        """A stop becomes what it waited to be."""
        self.events.append(Triggered(order.order_id, order.symbol, order.stop_price))
        if order.kind == "stop_limit":
            order.kind = "limit"
        else:
            order.kind, order.tif = "market", "ioc"
            order.price = max(order.price, self.tick)
        self.arrive(order)

    def trigger_all(self) -> None:
        """Round after round, until no stop is reached."""
        while due := sorted((stop for stop in self.waiting if stop.reached), key=lambda stop: stop.order_id):
            for stop in due:
                self.waiting.remove(stop)
            for stop in due:
                self.trigger(stop)

    def arrive(self, order: Open) -> None:
        """Trade, then rest or end."""
        opposite = self.queue("sell" if order.side == "buy" else "buy")
        if order.post_only and opposite and order.accepts(opposite[0].price):
            return self.end(order, "post_only")
        if order.tif == "fok" and not self.would_fill(order):
            return self.end(order, "fok")
        self.trade(order)
        if order.open == 0:
            return None
        if order.kind == "market":
            return self.end(order, "protection" if opposite else "no_liquidity")
        if order.tif == "ioc":
            return self.end(order, "ioc")
        order.show()
        self.resting.append(order)
        self.events.append(Rested(order.order_id, order.symbol, order.side, order.price, order.shown))
        return None

    def end(self, order: Open, reason: str) -> None:
        """Cancel an order, wherever it is."""
        self.leave(order)
        self.events.append(Cancelled(order.order_id, order.symbol, order.open, reason))
        order.open = 0

    def would_fill(self, order: Open) -> bool:
        """Try it on a copy."""
        other, twin = SlowBook(self.tick, deepcopy(self.resting)), deepcopy(order)
        other.trade(twin)
        return sum(trade.quantity for trade in other.trades) == order.open

    def trade(self, order: Open) -> None:
        """Meet one resting order after the other."""
        while order.open:
            queue = self.queue("sell" if order.side == "buy" else "buy")
            if not queue or not order.accepts(queue[0].price):
                return
            maker = queue[0]
            if maker.account == order.account and order.self_trade != "allow":
                self.prevent(maker, order)
                continue
            quantity = min(maker.shown, order.open)
            trade_id = len(self.trades) + 1
            trade = Traded(order.symbol, trade_id, maker.order_id, order.order_id, maker.price, quantity, order.side)
            self.trades.append(trade)
            self.events.append(trade)
            order.open -= quantity
            self.take(maker, quantity)
            for stop in self.waiting:
                self.show_trade(stop, trade.price)

    def take(self, maker: Open, quantity: int) -> None:
        """A resting order has so much less, of what it shows first."""
        maker.open -= quantity
        maker.shown = max(0, maker.shown - quantity)
        if maker.open == 0:
            self.leave(maker)
        elif maker.shown == 0:
            self.leave(maker)
            maker.show()
            self.resting.append(maker)
            self.events.append(Refreshed(maker.order_id, maker.symbol, maker.shown))

    def prevent(self, maker: Open, order: Open) -> None:
        """Two orders of one account meet."""
        if order.self_trade == "decrement":
            quantity = min(maker.open, order.open)
            self.events.append(Decremented(maker.order_id, maker.symbol, quantity))
            self.events.append(Decremented(order.order_id, order.symbol, quantity))
            order.open -= quantity
            self.take(maker, quantity)
            return
        if order.self_trade in ("cancel_oldest", "cancel_both"):
            self.end(maker, "self_trade")
        if order.self_trade in ("cancel_newest", "cancel_both"):
            self.end(order, "self_trade")

    def show_trade(self, stop: Open, price: int) -> None:
        """A waiting stop sees a trade: it moves, unless it was reached before, and may be reached."""
        if stop.reached:
            return
        if stop.kind == "trailing_stop":
            distance = stop.trail or ceil(Fraction(price * stop.trail_basis_points, 10_000))
            if stop.side == "sell":
                moved = max(stop.stop_price, floor(Fraction(price - distance, self.tick)) * self.tick)
            else:
                moved = min(stop.stop_price, ceil(Fraction(price + distance, self.tick)) * self.tick)
            stop.price += moved - stop.stop_price
            stop.stop_price = moved
        stop.reached = stop.stopped_by(price)

    def replace(self, command: ReplaceOrder) -> None:
        """Another price or quantity."""
        order = self.find(command.order_id)
        if order is None or (quantity := command.quantity - (command.open_quantity - order.open)) <= 0:
            self.events.append(ReplaceRefused(command.order_id, command.symbol))
            return
        waits = order in self.waiting
        old = (order.known_price, order.known_stop_price) if waits else (order.price, 0)
        new = (command.price, command.stop_price if waits else 0)
        keeps = old == new and quantity <= order.open
        self.events.append(Replaced(order.order_id, order.symbol, order.side, command.price, quantity, keeps, new[1]))
        order.open = quantity
        if keeps:
            order.shown = min(order.shown, quantity)
            return
        self.leave(order)
        if old != new:
            order.price, order.known_price = command.price, command.price
            order.stop_price, order.known_stop_price = new[1], new[1]
        self.place(order)


@dataclass
class SlowExchange:
    """All books."""

    books: dict[str, SlowBook] = field(default_factory=dict)

    def apply(self, command: EngineCommand) -> list[Event]:
        """What the engine should say to a command."""
        if isinstance(command, DefineSymbol):
            self.books.setdefault(command.symbol, SlowBook()).tick = command.tick
            return []
        book = self.books[command.symbol]
        book.events = []
        match command:
            case PlaceOrder():
                book.place(_open(command))
            case ReplaceOrder():
                book.replace(command)
            case CancelOrder():
                order = book.find(command.order_id)
                if order is None:
                    book.events.append(CancelRefused(command.order_id, command.symbol))
                else:
                    book.end(order, "owner")
        book.trigger_all()
        return book.events

    def expire(self, time: int) -> list[Event]:
        """What the engine should say at the start of a journal batch of this time."""
        due = [
            (order.expires, order.order_id, book, order)
            for book in self.books.values()
            for order in book.resting + book.waiting
            if order.expires and order.expires <= time
        ]
        events: list[Event] = []
        for _, _, book, order in sorted(due, key=lambda entry: entry[:2]):
            book.events = []
            book.end(order, "expired")
            events += book.events
        return events

    def open_orders(self) -> list[tuple[int, str, Side, int, int]]:
        """(order id, symbol, side, price, open) by symbol: bids before asks, best first, oldest first; then waiting stops."""
        rows = []
        for symbol, book in sorted(self.books.items()):
            for order in [*book.queue("buy"), *book.queue("sell")]:
                rows.append((order.order_id, symbol, order.side, order.price, order.open))
            for order in sorted(book.waiting, key=lambda order: order.order_id):
                rows.append((order.order_id, symbol, order.side, order.known_price, order.open))
        return rows

    def state(self) -> list[tuple[object, ...]]:
        """Everything about every open order, in the order of `open_orders`."""
        rows: list[tuple[object, ...]] = []
        for symbol, book in sorted(self.books.items()):
            rows.append((symbol, len(book.trades), book.trades[-1].price if book.trades else 0, book.tick))
            for order in [*book.queue("buy"), *book.queue("sell")]:
                terms = (order.expires, order.post_only, order.display, order.open - order.shown)
                rows.append((order.order_id, order.side, order.price, order.shown, order.account, order.self_trade, terms))
            for order in sorted(book.waiting, key=lambda order: order.order_id):
                rows.append((order.order_id, order.kind, order.open, order.price, order.stop_price, order.expires))
        return rows


def _open(command: PlaceOrder) -> Open:
    return Open(
        command.order_id,
        command.account,
        command.symbol,
        command.side,
        command.kind,
        "ioc" if command.kind == "market" else command.tif,
        command.price,
        command.quantity,
        command.expires,
        command.post_only,
        command.display,
        command.self_trade,
        stop_price=command.stop_price,
        known_price=command.price,
        known_stop_price=command.stop_price,
        trail=command.trail,
        trail_basis_points=command.trail_basis_points,
    )
