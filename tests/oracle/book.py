"""A slow, obvious twin of the matching engine: plain lists, searched and sorted for every command.

Written from the rules, not from the engine: the best price trades first, at equal prices the order that came first, and the
price of a trade is that of the order that was there before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from exchange.messages import (
    Cancelled,
    CancelOrder,
    CancelRefused,
    DefineSymbol,
    EngineCommand,
    Event,
    PlaceOrder,
    Rested,
    Side,
    Traded,
)


@dataclass
class Resting:
    """An order that waits in a book."""

    order_id: int
    side: Side
    price: int
    remaining: int


@dataclass
class SlowBook:
    """The resting orders of a symbol in the order in which they came, and its trades."""

    resting: list[Resting] = field(default_factory=list)
    trades: list[Traded] = field(default_factory=list)

    def queue(self, side: Side) -> list[Resting]:
        """One side in the order in which it trades; `sorted` keeps the order of arrival at equal prices."""
        mine = [order for order in self.resting if order.side == side]
        return sorted(mine, key=lambda order: order.price, reverse=side == "buy")


@dataclass
class SlowExchange:
    """All books."""

    books: dict[str, SlowBook] = field(default_factory=dict)

    def apply(self, command: EngineCommand) -> list[Event]:
        """What the engine should say to a command."""
        match command:
            case DefineSymbol():
                self.books.setdefault(command.symbol, SlowBook())
                return []
            case PlaceOrder():
                return _place(self.books[command.symbol], command)
            case CancelOrder():
                return _cancel(self.books[command.symbol], command)

    def open_orders(self) -> list[tuple[int, str, Side, int, int]]:
        """(order id, symbol, side, price, remaining) by symbol, bids before asks, best first, oldest first."""
        return [
            (order.order_id, symbol, order.side, order.price, order.remaining)
            for symbol in sorted(self.books)
            for side in ("buy", "sell")
            for order in self.books[symbol].queue(side)
        ]


def _place(book: SlowBook, order: PlaceOrder) -> list[Event]:
    opposite = book.queue("sell" if order.side == "buy" else "buy")
    remaining = order.quantity
    events: list[Event] = []
    for maker in opposite:
        acceptable = maker.price <= order.price if order.side == "buy" else maker.price >= order.price
        if remaining == 0 or not acceptable:
            break
        quantity = min(remaining, maker.remaining)
        maker.remaining -= quantity
        remaining -= quantity
        trade_id = len(book.trades) + 1
        trade = Traded(order.symbol, trade_id, maker.order_id, order.order_id, maker.price, quantity, order.side)
        book.trades.append(trade)
        events.append(trade)
    book.resting = [maker for maker in book.resting if maker.remaining > 0]
    if remaining == 0:
        return events
    if order.kind == "market":
        events.append(Cancelled(order.order_id, order.symbol, remaining, "protection" if opposite else "no_liquidity"))
    elif order.tif == "ioc":
        events.append(Cancelled(order.order_id, order.symbol, remaining, "ioc"))
    else:
        book.resting.append(Resting(order.order_id, order.side, order.price, remaining))
        events.append(Rested(order.order_id, order.symbol, order.side, order.price, remaining))
    return events


def _cancel(book: SlowBook, command: CancelOrder) -> list[Event]:
    for order in book.resting:
        if order.order_id == command.order_id:
            book.resting.remove(order)
            return [Cancelled(order.order_id, command.symbol, order.remaining, "owner")]
    return [CancelRefused(command.order_id, command.symbol)]
