"""A slow, obvious twin of the matching engine: plain lists, searched and sorted for every trade.

Written from the rules, not from the engine: the best price trades first, at equal prices the order that came first, and the
price of a trade is that of the order that was there before. Every trade is shown to every waiting stop order, one by one;
whether a fill-or-kill order can be filled is tried out on a copy of the book; and an auction tries every price.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import takewhile
from math import ceil, floor

from exchange.messages.base import Phase, Side
from exchange.messages.events import (
    Activated,
    Cancelled,
    CancelRefused,
    Decremented,
    Event,
    Indicated,
    PhaseChanged,
    ReferenceMoved,
    Refreshed,
    Replaced,
    ReplaceRefused,
    Rested,
    Traded,
    Triggered,
)
from exchange.messages.journal import (
    CancelOrder,
    DefineSymbol,
    EngineCommand,
    PlaceBracket,
    PlaceOco,
    PlaceOrder,
    ReplaceOrder,
    SetPhase,
)
from exchange.money import format_money
from tests.oracle.auction import auction

COLLECTING = ("pre_open", "opening_auction", "volatility_auction", "closing_auction")
SECOND = 10**9


@dataclass(eq=False)
class Open:
    """An order that rests, waits for its stop price or its auction or its entry, or is about to do something."""

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
    traded: int = 0
    partner: Open | None = None
    """The other order of its pair."""
    legs: list[Open] = field(default_factory=list)
    """What its end activates, if it is the entry of a bracket."""

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
    """A symbol's orders in the order in which they came, its trades, and where its day stands."""

    rules: DefineSymbol
    events: list[Event] = field(default_factory=list)
    resting: list[Open] = field(default_factory=list)
    waiting: list[Open] = field(default_factory=list)
    """Stops."""
    parked: list[Open] = field(default_factory=list)
    """For the closing auction."""
    legs: list[Open] = field(default_factory=list)
    """Of brackets whose entries are open."""
    completed: list[Open] = field(default_factory=list)
    """Entries that have ended, whose legs come next."""
    trades: list[Traded] = field(default_factory=list)
    phase: Phase = "continuous"
    reason: str = ""
    until: int = 0
    reference: int = 0
    reference_time: int = 0
    told: tuple[int, int, int] = (0, 0, 0)
    """What the market knows about the auction to come."""
    time: int = 0
    """Of the batch."""

    @property
    def last(self) -> int:
        """Price of the last trade; 0 before the first."""
        return self.trades[-1].price if self.trades else 0

    def queue(self, side: Side) -> list[Open]:
        """One side in the order in which it trades; `sorted` keeps the order of arrival at equal prices."""
        mine = [order for order in self.resting if order.side == side]
        return sorted(mine, key=lambda order: order.price, reverse=side == "buy")

    def find(self, order_id: int) -> Open | None:
        """An open order."""
        everything = self.resting + self.waiting + self.parked + self.legs
        return next((order for order in everything if order.order_id == order_id), None)

    def leave(self, order: Open) -> None:
        """Take an order out."""
        for orders in (self.resting, self.waiting, self.parked, self.legs):
            orders[:] = [other for other in orders if other is not order]

    # What arrives.

    def place(self, order: Open) -> None:
        """A new order, one that is replaced, or the leg of a bracket."""
        if self.phase in ("halted", "closed"):
            self.end(order, self.phase)
        elif order.kind not in ("limit", "market"):
            if self.phase == "continuous" and self.trades and order.stopped_by(self.last):
                self.trigger(order)
            else:
                self.waiting.append(order)
        elif order.tif == "cls" and self.phase != "closing_auction":
            self.parked.append(order)
        elif order.tif == "opg" and self.phase not in ("pre_open", "opening_auction"):
            self.end(order, "auction_over")
        elif self.phase == "continuous":
            self.arrive(order)
        elif order.tif in ("ioc", "fok"):
            self.end(order, "auction")
        else:
            self.rest(order)

    def place_pair(self, first: Open, stop: Open) -> None:
        """The stop counts as there already while the first arrives."""
        first.partner, stop.partner = stop, first
        self.place(first)
        if stop.open:
            self.place(stop)

    def place_bracket(self, entry: Open, take_profit: Open, stop_loss: Open) -> None:
        """The legs are there first."""
        entry.legs = [take_profit, stop_loss]
        take_profit.partner, stop_loss.partner = stop_loss, take_profit
        self.legs += entry.legs
        self.place(entry)

    def trigger(self, order: Open) -> None:
        """A stop becomes what it waited to be."""
        self.leave(order)
        self.events.append(Triggered(order.order_id, order.symbol, order.stop_price))
        if order.kind == "stop_limit":
            order.kind = "limit"
        else:
            order.kind, order.tif = "market", "ioc"
            order.price = max(order.price, self.rules.tick)
        self.arrive(order)

    def arrive(self, order: Open) -> None:
        """Trade, then rest or end."""
        opposite = self.queue("sell" if order.side == "buy" else "buy")
        if order.post_only and opposite and order.accepts(opposite[0].price):
            return self.end(order, "post_only")
        outside = 0
        if order.tif != "fok":
            outside = self.trade(order)
        elif not self.would_fill(order):
            return self.end(order, "fok")
        elif not (outside := self.would_stop(order)):
            self.trade(order)
        if order.open:
            if order.kind == "limit" and order.tif not in ("ioc", "fok"):
                self.rest(order)
            elif outside:
                self.end(order, "volatility")
            elif order.kind == "market":
                self.end(order, "protection" if opposite else "no_liquidity")
            else:
                self.end(order, "ioc")
        if outside:
            low, high = (format_money(price) for price in self.band())
            reason = f"a trade at {format_money(outside)} would have left the band {low} to {high}"
            self.enter("volatility_auction", reason)
        return None

    def rest(self, order: Open) -> None:
        """Behind all others."""
        order.show()
        self.resting.append(order)
        self.events.append(Rested(order.order_id, order.symbol, order.side, order.price, order.shown))

    def end(self, order: Open, reason: str) -> None:
        """Cancel an order, wherever it is, and what hangs on it."""
        self.leave(order)
        self.events.append(Cancelled(order.order_id, order.symbol, order.open, reason))
        order.open = 0
        self.mirror(order, 0)

    def mirror(self, order: Open, quantity: int) -> None:
        """An order has lost a quantity, or has ended: what that means for those that hang on it."""
        other = order.partner
        if other is not None and other.open:
            if order.open:
                self.events.append(Decremented(other.order_id, other.symbol, quantity))
                self.take(other, quantity)
            else:
                self.end(other, "pair")
        if order.open == 0 and order.legs and order.legs[0].open:
            if order.traded:
                self.completed.append(order)
            else:
                self.end(order.legs[0], "pair")

    # Trading.

    def band(self) -> tuple[int, int]:
        """The lowest and the highest price of a trade."""
        tick, width = self.rules.tick, self.rules.trade_band
        if not width:
            return 0, 2**63
        low = ceil(Fraction(self.reference * (10_000 - width), 10_000 * tick)) * tick
        high = floor(Fraction(self.reference * (10_000 + width), 10_000 * tick)) * tick
        return max(tick, low), high

    def trial(self, order: Open, banded: bool) -> tuple[SlowBook, Open]:
        """A copy of the book on which a copy of the order has traded."""
        resting, waiting, twin = deepcopy((self.resting, self.waiting, order))
        rules = self.rules if banded else DefineSymbol("", "", 1, self.rules.tick, 1, 1)
        other = SlowBook(rules, resting=resting, waiting=waiting, reference=self.reference)
        return other, twin

    def would_fill(self, order: Open) -> bool:
        """Try it on a copy, without a band."""
        other, twin = self.trial(order, banded=False)
        other.trade(twin)
        return sum(trade.quantity for trade in other.trades) == order.open

    def would_stop(self, order: Open) -> int:
        """The price at which the band would stop it; 0 if it would not."""
        other, twin = self.trial(order, banded=True)
        return other.trade(twin)

    def trade(self, order: Open) -> int:
        """Meet one resting order after the other; returns the price at which the band stopped it, otherwise 0."""
        low, high = self.band()
        while order.open:
            queue = self.queue("sell" if order.side == "buy" else "buy")
            if not queue or not order.accepts(queue[0].price):
                return 0
            maker = queue[0]
            if not low <= maker.price <= high:
                return maker.price
            if maker.account == order.account and order.self_trade != "allow":
                self.prevent(maker, order)
            else:
                self.exchange(maker, order, maker.price, min(maker.shown, order.open), order.side)
        return 0

    def exchange(self, maker: Open, taker: Open, price: int, quantity: int, side: Side, auction: bool = False) -> None:
        """A trade, and all that it changes at once."""
        ids = (len(self.trades) + 1, maker.order_id, taker.order_id)
        trade = Traded(maker.symbol, *ids, price, quantity, side, auction)
        self.trades.append(trade)
        self.events.append(trade)
        for order in (maker, taker):
            order.traded += quantity
            self.take(order, quantity)
        for order in (maker, taker):
            self.mirror(order, quantity)
        for stop in self.waiting:
            self.show_trade(stop, price)

    def take(self, order: Open, quantity: int) -> None:
        """An order has so much less, of what it shows first."""
        order.open -= quantity
        order.shown = max(0, order.shown - quantity)
        if order.open == 0:
            self.leave(order)
        elif order.shown == 0 and order in self.resting:
            self.leave(order)
            order.show()
            self.resting.append(order)
            self.events.append(Refreshed(order.order_id, order.symbol, order.shown))

    def prevent(self, maker: Open, order: Open) -> None:
        """Two orders of one account meet."""
        if order.self_trade == "decrement":
            quantity = min(maker.open, order.open)
            self.events.append(Decremented(maker.order_id, maker.symbol, quantity))
            self.events.append(Decremented(order.order_id, order.symbol, quantity))
            self.take(maker, quantity)
            order.open -= quantity
            self.mirror(maker, quantity)
            self.mirror(order, quantity)
            return
        if order.self_trade in ("cancel_oldest", "cancel_both"):
            self.end(maker, "self_trade")
        if order.self_trade in ("cancel_newest", "cancel_both"):
            self.end(order, "self_trade")

    # Stops and legs, after what a command does itself.

    def show_trade(self, stop: Open, price: int) -> None:
        """A waiting stop sees a trade: it moves, unless it was reached before, and may be reached."""
        if stop.reached:
            return
        if stop.kind == "trailing_stop":
            distance = stop.trail or ceil(Fraction(price * stop.trail_basis_points, 10_000))
            tick = self.rules.tick
            if stop.side == "sell":
                moved = max(stop.stop_price, floor(Fraction(price - distance, tick)) * tick)
            else:
                moved = min(stop.stop_price, ceil(Fraction(price + distance, tick)) * tick)
            stop.price += moved - stop.stop_price
            stop.stop_price = moved
        stop.reached = stop.stopped_by(price)

    def follow_up(self) -> None:
        """Legs of entries that ended; then round after round, until no stop is reached or nothing may trade."""
        self.activate()
        if self.phase == "continuous" and self.trades:
            for stop in self.waiting:  # One that came in another phase has not looked yet.
                stop.reached = stop.reached or stop.stopped_by(self.last)
        while self.phase == "continuous" and any(stop.reached for stop in self.waiting):
            for stop in sorted((stop for stop in self.waiting if stop.reached), key=lambda stop: stop.order_id):
                if self.phase == "continuous" and stop in self.waiting:
                    self.trigger(stop)
                    self.activate()

    def activate(self) -> None:
        """The legs of every entry that has ended come with what it traded."""
        while self.completed:
            entry = min(self.completed, key=lambda order: order.order_id)
            self.completed.remove(entry)
            for leg in entry.legs:
                self.leave(leg)
                leg.open = entry.traded
                self.events.append(Activated(leg.order_id, leg.symbol, leg.open))
            self.place_pair(*entry.legs)

    # The day.

    def enter(self, phase: Phase, reason: str) -> None:
        """Go on to a phase; stops and legs follow when the command has been carried out."""
        before, self.phase, self.reason, self.told = self.phase, phase, reason, (0, 0, 0)
        self.until = 0
        if phase == "volatility_auction":
            self.until = self.time + self.rules.volatility_auction_seconds * SECOND
        self.events.append(PhaseChanged(self.rules.symbol, phase, reason, self.until))
        auctions = ("opening_auction", "volatility_auction", "closing_auction")
        if phase == "continuous" or (phase == "closed" and before in auctions):
            self.uncross()
        over = []
        if phase not in ("pre_open", "opening_auction", "halted"):
            over += [order for order in self.resting if order.tif == "opg"]
        if phase == "closed":
            over += [order for order in self.resting + self.parked if order.tif == "cls"]
        for order in sorted(over, key=lambda order: order.order_id):
            self.end(order, "auction_over")
        if phase == "closing_auction":
            while self.parked:
                order = min(self.parked, key=lambda order: order.order_id)
                self.leave(order)
                self.rest(order)

    def interest(self, side: Side) -> list[tuple[int, int]]:
        """(limit, open) of one side; a pair is one quantity, which counts where it would trade first."""
        rows: list[tuple[int, int]] = []
        seen: list[Open] = []
        for order in self.queue(side):
            rows.append((order.price, 0 if order.partner in seen else order.open))
            seen.append(order)
        return rows

    def indication(self) -> tuple[int, int, int]:
        """What an uncross would give: price, volume, imbalance."""
        banded = self.rules.order_band or self.rules.trade_band
        reference = self.reference if banded else self.last or self.reference
        return auction(self.interest("buy"), self.interest("sell"), self.rules.tick, reference)

    def uncross(self) -> None:
        """Trade the auction's volume at the auction's price."""
        price, left, _ = self.indication()
        if not left:
            return
        while left:
            buy, sell = self.queue("buy")[0], self.queue("sell")[0]
            assert sell.price <= price <= buy.price
            quantity = min(buy.shown, sell.shown, left)
            self.exchange(sell, buy, price, quantity, "buy", auction=True)
            left -= quantity
        self.move_reference(price)

    def move_reference(self, price: int) -> None:
        """Tell it if it is another one."""
        if price != self.reference:
            self.reference = price
            self.events.append(ReferenceMoved(self.rules.symbol, price))

    def update_reference(self) -> None:
        """At the beginning of a batch."""
        due = self.time >= self.reference_time + self.rules.reference_seconds * SECOND
        if (self.rules.order_band or self.rules.trade_band) and self.trades and due:
            self.reference_time = self.time
            self.move_reference(self.last)

    def indicate(self) -> None:
        """At the end of a batch."""
        if self.phase in COLLECTING and (now := self.indication()) != self.told:
            self.told = now
            self.events.append(Indicated(self.rules.symbol, *now))

    # Changes of open orders.

    def replace(self, command: ReplaceOrder) -> None:
        """Another price or quantity."""
        if self.phase in ("halted", "closed"):
            self.events.append(ReplaceRefused(command.order_id, command.symbol, self.phase))
            return
        order = self.find(command.order_id)
        if order is None or (quantity := command.quantity - (command.open_quantity - order.open)) <= 0:
            self.events.append(ReplaceRefused(command.order_id, command.symbol))
            return
        stops = order.kind not in ("limit", "market")
        old = (order.known_price, order.known_stop_price) if stops else (order.price, 0)
        new = (command.price, command.stop_price if stops else 0)
        keeps = order in self.legs or (old == new and quantity <= order.open)
        self.events.append(Replaced(order.order_id, order.symbol, order.side, command.price, quantity, keeps, new[1]))
        order.open = quantity
        order.shown = min(order.shown, quantity)
        if old != new:
            order.price, order.known_price = command.price, command.price
            order.stop_price, order.known_stop_price = new[1], new[1]
            order.reached = False
        if not keeps:
            self.leave(order)
            self.place(order)

    def cancel(self, command: CancelOrder) -> None:
        """Take an order out, if it is there."""
        order = self.find(command.order_id)
        if order is None:
            self.events.append(CancelRefused(command.order_id, command.symbol))
        else:
            self.end(order, command.reason)


@dataclass
class SlowExchange:
    """All books of a shard."""

    books: dict[str, SlowBook] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def batch(self, time: int, commands: Sequence[EngineCommand] = ()) -> list[Event]:
        """What the engine should say to a journal batch."""
        self.events.clear()
        leading = list(takewhile(lambda command: isinstance(command, DefineSymbol | SetPhase), commands))
        for command in leading:
            self.apply(command, time)
        books = [self.books[symbol] for symbol in sorted(self.books)]
        for book in books:
            book.time = time
            if book.phase == "volatility_auction" and time >= book.until:
                book.enter("continuous", "")
                book.follow_up()
        for book in books:
            book.update_reference()
        self.expire(time)
        for book in books:
            book.follow_up()
        for command in commands[len(leading) :]:
            self.apply(command, time)
        for symbol in sorted(self.books):
            self.books[symbol].indicate()
        return list(self.events)

    def expire(self, time: int) -> None:
        """Orders end whose time has come; the legs of a bracket not before their entry has ended."""
        due = [
            (order.expires, order.order_id, book, order)
            for book in self.books.values()
            for order in book.resting + book.waiting + book.parked
            if order.expires and order.expires <= time
        ]
        for _, _, book, order in sorted(due, key=lambda entry: entry[:2]):
            if order.open:
                book.end(order, "expired")

    def apply(self, command: EngineCommand, time: int) -> None:
        """One command and all that follows from it."""
        if isinstance(command, DefineSymbol):
            if command.symbol not in self.books:
                self.books[command.symbol] = SlowBook(command, self.events, reference=command.opening_price)
            self.books[command.symbol].rules = command
            return
        book = self.books[command.symbol]
        book.time = time
        match command:
            case PlaceOrder():
                book.place(_open(command))
            case PlaceOco():
                book.place_pair(_open(command.limit), _open(command.stop))
            case PlaceBracket():
                book.place_bracket(_open(command.entry), _open(command.take_profit), _open(command.stop_loss))
            case ReplaceOrder():
                book.replace(command)
            case CancelOrder():
                book.cancel(command)
            case SetPhase():
                if (command.phase, command.reason) != (book.phase, book.reason):
                    book.enter(command.phase, command.reason)
        book.follow_up()

    def open_orders(self) -> list[tuple[int, str, Side, int, int]]:
        """(order id, symbol, side, price, open) by symbol: bids, then asks, best first, oldest first; then all others by id."""
        rows = []
        for symbol, book in sorted(self.books.items()):
            for order in [*book.queue("buy"), *book.queue("sell")]:
                rows.append((order.order_id, symbol, order.side, order.price, order.open))
            for order in sorted(book.waiting + book.parked + book.legs, key=lambda order: order.order_id):
                rows.append((order.order_id, symbol, order.side, order.known_price, order.open))
        return rows

    def state(self) -> list[tuple[object, ...]]:
        """Everything about every book and every open order."""
        rows: list[tuple[object, ...]] = []
        for symbol, book in sorted(self.books.items()):
            rows.append((symbol, len(book.trades), book.last, book.rules.tick, book.phase, book.reason, book.reference))
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
        "ioc" if command.kind == "market" and command.tif not in ("opg", "cls") else command.tif,
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
