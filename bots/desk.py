"""A rule bot's orders: what its actions become, what the ledger says about them, and the limits that end it. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from math import ceil, floor
from typing import Any, Final

from exchange.messages.base import Side
from exchange.messages.reports import (
    OrderAccepted,
    OrderActivated,
    OrderCancelled,
    OrderDecremented,
    OrderFilled,
    OrderReplaced,
    Report,
)
from exchange.messages.requests import Cancel, Outcome, Refused, Replace, Submit
from exchange.money import UNITS, format_money

from . import groups, syntax
from .definition import Definition, Limits
from .groups import Placing, name_of, orders_in
from .holdings import Holdings
from .state import DECISIONS_MAX, BotState, Command, Decision, OwnOrder, Pending
from .strategy import SECOND, Instrument
from .trading import Trading
from .view import MarketView

MINUTE: Final = 60 * SECOND
DAY: Final = 86_400
STALE: Final = 60 * SECOND
"""An order that could not be sent for so long is not placed any more: the market it was meant for is gone."""
WHOLE: Final = 1e-6
"""A number of ticks or shares this near to a whole one is meant to be whole."""

Value = Callable[[syntax.Expression], float | None]


class Skipped(Exception):
    """An action that cannot be done now; the text says why."""


class Desk:
    """The orders of one bot. Everything that must survive is in `state`."""

    def __init__(
        self,
        definition: Definition,
        state: BotState,
        view: MarketView[Any],
        instruments: Mapping[str, Instrument],
        holdings: Holdings,
    ) -> None:
        self.state = state
        self.holdings = holdings
        """Of the account, which may have other bots and a person."""
        self.changed = True
        """Something is to be stored."""
        self.unreported: set[str] = set()
        """Client order ids that were accepted and whose report has not come yet."""
        self.doubtful = False
        """An order was placed by an earlier attempt, and its reports are long gone: ask the historian."""
        self._definition = definition
        self._view = view
        self._instruments = instruments
        self._sent: deque[int] = deque()
        """When orders were decided, within the last minute."""

    @property
    def limits(self) -> Limits:
        """Those of the file."""
        return self._definition.limits

    # ── What the bot knows about itself ──

    def own(self, name: str, symbol: str) -> float | None:
        """A value of the bot, or of its account, in whole currency or shares."""
        trading = self.trading(symbol)
        match name:
            case "position":
                return trading.position
            case "average_price":
                return trading.cost / trading.position / UNITS if trading.position else None
            case "realized":
                return trading.realized / UNITS
            case "unrealized":
                return self._unrealized(symbol) / UNITS
            case "profit":
                return (trading.realized + self._unrealized(symbol)) / UNITS
            case "orders":
                return sum(order.symbol == symbol and order.order_id != 0 for order in self.state.orders.values())
            case "shares":
                return self.holdings.shares(symbol)
            case "cash":
                return self.holdings.free_cash() / UNITS
            case "equity":
                return self.equity() / UNITS
        raise AssertionError(name)

    def trading(self, symbol: str) -> Trading:
        """What was traded in a symbol."""
        return self.state.trading.get(symbol) or Trading()

    def equity(self) -> int:
        """Cash and shares of the account at their last prices, in units."""
        shares = self.holdings.quantities.items()
        return self.holdings.cash + sum(quantity * self._last(symbol) for symbol, quantity in shares)

    def _last(self, symbol: str) -> int:
        seen = self._view.symbols.get(symbol)
        return seen.last_units if seen and seen.last_units else self.holdings.prices.get(symbol, 0)

    def _unrealized(self, symbol: str) -> int:
        trading = self.trading(symbol)
        return trading.unrealized(self._last(symbol)) if trading.position else 0

    # ── Actions ──

    def perform(self, action: syntax.Action, ids: Iterator[str], now: int, value: Value) -> str:
        """Decide the commands of an action; what was done, in words. Raises Skipped."""
        match action:
            case syntax.Order():
                return self._submit(self._grouped(action, ids, now, value), action.label, now)
            case syntax.Quote():
                return self._quote(action, ids, now, value)
            case syntax.CancelOrders():
                return self._cancel(self._chosen(action.which), now)
            case syntax.ReplaceOrder():
                return self._replace(action, now, value)
            case syntax.Flatten():
                return self._flatten(action, next(ids), now)
        raise AssertionError(action)

    def must_wait(self, action: syntax.Action, now: int) -> bool:
        """Whether an action can only go on when the orders it cancels are gone; cancels them."""
        if not isinstance(action, syntax.Flatten):
            return False
        symbol = action.symbol or self._definition.symbol
        open_orders = [name for name, order in self.state.orders.items() if order.symbol == symbol]
        if open_orders:
            self._cancel(open_orders, now)
        return bool(open_orders)

    def stop(self, why: str, now: int) -> None:
        """End the bot: cancel its orders, do nothing more."""
        if not self.state.stopped:
            self.state.stopped = why
            self.changed = True
            self.state.outbox = [pending for pending in self.state.outbox if pending.tried]
            unsent = {name for name, order in self.state.orders.items() if not order.order_id}
            tried = {order.client_order_id for pending in self.state.outbox for order in orders_in(pending.command)}
            tried |= {pending.command.client_order_id for pending in self.state.outbox if isinstance(pending.command, Cancel)}
            for name in unsent - tried - self.unreported:
                del self.state.orders[name]
            self._cancel(list(self.state.orders), now)
            self.decided(Decision(now, 0, why, ["stopped"]))

    def decided(self, decision: Decision) -> None:
        """Keep a decision for people."""
        self.state.decisions.append(decision)
        del self.state.decisions[:-DECISIONS_MAX]
        self.changed = True

    def _order(self, action: syntax.Order, name: str, now: int, value: Value) -> Submit:
        instrument = self._instrument(action.symbol)
        symbol, side = instrument.symbol, action.side
        limit = self._price("limit", action.limit, side, instrument, value)
        stop = self._price("stop", action.stop, side, instrument, value)
        seen = self._view.symbols[symbol]
        reference = limit or stop or (seen.ask_units if side == "buy" else seen.bid_units) or self._last(symbol)
        quantity = self._quantity(action.size, reference, instrument, value)
        trail, trail_points = self._trail(action.trail, value)
        waits = "trailing_stop" if action.trail is not None else "stop_limit" if stop and limit else "stop" if stop else ""
        expires = self._expires(action, now)
        display = int(self._number("showing", action.display, value)) if action.display is not None else 0
        return Submit(
            name,
            symbol,
            side,
            quantity,
            kind=waits or ("limit" if limit else "market"),  # type: ignore[arg-type]
            price=limit,
            tif=action.tif or ("gtd" if expires else "gtc" if waits or limit else "ioc"),
            stop_price=stop,
            trail=trail,
            trail_basis_points=trail_points,
            expires=expires,
            post_only=action.post_only,
            display=display if display < quantity else 0,
        )

    def _grouped(self, action: syntax.Order, ids: Iterator[str], now: int, value: Value) -> Placing:
        """The order of an action, or the group that it makes of it."""
        order = self._order(action, next(ids), now, value)
        leaving = action.exit
        guard = action.guard if leaving is None else leaving.guard
        if guard is None:
            return order
        instrument, side = self._instrument(action.symbol), action.side if leaving is None else leaving.side
        stop = self._price("stop", guard.stop, side, instrument, value)
        limit = self._price("limit", guard.limit, side, instrument, value)
        other = groups.stop_order(ids, order, stop, limit, self._trail(guard.trail, value))
        if leaving is None:
            return groups.pair(order, other)
        take = self._price("price", leaving.take, side, instrument, value)
        return groups.bracket(order, Submit(next(ids), order.symbol, side, order.quantity, price=take), other)

    def _submit(self, command: Placing, label: str, now: int) -> str:
        orders = orders_in(command)
        first, *others = orders
        words = groups.words(command)
        self._check_limits(first, now)
        for _ in others:
            self._check_rate(now)
        if self.state.stopped:
            raise Skipped(f"{words}: not sent")
        self._send(command, now)
        group = first.client_order_id if others else ""
        for order in orders:
            own = OwnOrder(
                order.symbol, order.side, order.quantity, order.price or 0, label, group=group, idle=order is not first
            )
            self.state.orders[order.client_order_id] = own
        return words

    def _quote(self, action: syntax.Quote, ids: Iterator[str], now: int, value: Value) -> str:
        instrument = self._instrument(action.symbol)
        symbol, tick = instrument.symbol, instrument.tick
        around = self._number("around", action.around, value) * UNITS
        half = self._number("spread", action.spread, value) * UNITS / 2
        step = tick if action.step is None else _whole(self._number("step", action.step, value) * UNITS / tick, round) * tick
        bid, ask = _whole((around - half) / tick, floor) * tick, _whole((around + half) / tick, ceil) * tick
        ask = max(ask, bid + tick)
        if step <= 0 or bid <= 0:
            raise Skipped("quote: expected a price and a step above 0")
        label = f"quote {symbol}"
        levels: list[tuple[Side, int]] = [("buy", bid - level * step) for level in range(action.levels)]
        levels += [("sell", ask + level * step) for level in range(action.levels)]
        wanted = {place: self._quantity(action.size, place[1], instrument, value) for place in levels if place[1] > 0}
        for name, order in list(self.state.orders.items()):
            if order.label == label and not order.leaving:
                quantity = wanted.get((order.side, order.price))
                if quantity is not None and quantity <= order.remaining * 2:
                    del wanted[order.side, order.price]
                else:
                    self._cancel([name], now)
        for (side, price), size in wanted.items():
            self._submit(Submit(next(ids), symbol, side, size, price=price), label, now)
        return f"quote {symbol} {format_money(bid)} / {format_money(ask)}, {len(wanted)} new"

    def _replace(self, action: syntax.ReplaceOrder, now: int, value: Value) -> str:
        own = self.state.orders
        names = [name for name in self._chosen(action.label) if not own[name].leaving and own[name].group in ("", name)]
        if not names:
            raise Skipped(f"no open order is called {action.label}")
        for name in names:
            order = self.state.orders[name]
            instrument = self._instrument(order.symbol)
            price = self._price("price", action.price, order.side, instrument, value)
            size = None
            if action.size is not None:
                size = self._quantity(syntax.Size(action.size), order.price, instrument, value)
                self._check_position(order.symbol, order.side, size - order.remaining, now)
            self._check_rate(now)
            if self.state.stopped:
                raise Skipped(f"replace {action.label}: not sent")
            self._send(Replace(client_order_id=name, quantity=size, price=price), now)
            order.price = price or order.price
        return f"replace {action.label}"

    def _cancel(self, names: list[str], now: int) -> str:
        leaving = [name for name in names if not self.state.orders[name].leaving]
        for name in leaving:
            self.state.orders[name].leaving = True
            self._send(Cancel(client_order_id=name), now)
        return f"cancel {len(leaving)} order{'' if len(leaving) == 1 else 's'}"

    def _flatten(self, action: syntax.Flatten, name: str, now: int) -> str:
        instrument = self._instrument(action.symbol)
        position = self.trading(instrument.symbol).position
        quantity = abs(position) // instrument.lot * instrument.lot
        if not quantity:
            return "flatten: no position"
        side: Side = "sell" if position > 0 else "buy"
        return self._submit(Submit(name, instrument.symbol, side, quantity, kind="market", tif="ioc"), "", now)

    def _chosen(self, which: str) -> list[str]:
        sides = {"buys": "buy", "sells": "sell"}
        return [
            name
            for name, order in self.state.orders.items()
            if which == "all" or (order.side == sides[which] if which in sides else order.label == which)
        ]

    def _send(self, command: Command, now: int) -> None:
        self.state.outbox.append(Pending(command, now))
        self.changed = True

    # ── Numbers ──

    def _instrument(self, symbol: str) -> Instrument:
        return self._instruments[symbol or self._definition.symbol]

    def _number(self, name: str, expression: syntax.Expression, value: Value) -> float:
        number = value(expression)
        if number is None or not abs(number) < 1e15:
            raise Skipped(f"{name} is not known now")
        return number

    def _price(
        self, name: str, expression: syntax.Expression | None, side: Side, instrument: Instrument, value: Value
    ) -> int | None:
        """In units, on a tick: a limit between two is moved away from the market, so that it never costs more than was said."""
        if expression is None:
            return None
        ticks = self._number(name, expression, value) * UNITS / instrument.tick
        price = _whole(ticks, round if name == "stop" else floor if side == "buy" else ceil) * instrument.tick
        if price <= 0:
            raise Skipped(f"{name} is not above 0")
        return price

    def _quantity(self, size: syntax.Size, reference: int, instrument: Instrument, value: Value) -> int:
        amount = self._number("size", size.amount, value)
        if size.unit == "position":
            amount *= abs(self.trading(instrument.symbol).position)
        elif size.unit != "shares":
            if not reference:
                raise Skipped("the price is not known now")
            money = {"equity": self.equity(), "cash": self.holdings.free_cash(), "money": UNITS}[size.unit]
            amount *= money / reference
        quantity = _whole(amount / instrument.lot, floor) * instrument.lot
        if quantity <= 0:
            raise Skipped("nothing to trade: the size is 0")
        return quantity

    def _trail(self, trail: syntax.Expression | None, value: Value) -> tuple[int | None, int | None]:
        if trail is None:
            return None, None
        if isinstance(trail, syntax.Number) and trail.unit == "percent":
            return None, round(trail.value * 10_000)
        return round(self._number("trailing", trail, value) * UNITS), None

    def _expires(self, action: syntax.Order, now: int) -> int:
        if action.seconds:
            return now + round(action.seconds * SECOND)
        if action.until is None:
            return 0
        today = now // SECOND // DAY * DAY
        end = today + round(action.until)
        return (end if end * SECOND > now else end + DAY) * SECOND

    # ── Limits ──

    def check_loss(self, now: int) -> None:
        """Stop the bot if it has lost too much."""
        limit = self.limits.loss
        if limit is not None and self.state.trading and not self.state.stopped:
            profit = sum(trading.realized + self._unrealized(symbol) for symbol, trading in self.state.trading.items())
            if -profit > limit:
                self.stop(f"loss {format_money(-profit)} is more than the limit of {format_money(limit)}", now)

    def _check_limits(self, order: Submit, now: int) -> None:
        self._check_position(order.symbol, order.side, order.quantity, now)
        self._check_rate(now)

    def _check_position(self, symbol: str, side: Side, more: int, now: int) -> None:
        limit = self.limits.position
        if limit is None:
            return
        sign = 1 if side == "buy" else -1
        opened = sum(
            order.remaining
            for order in self.state.orders.values()
            if (order.symbol, order.side) == (symbol, side) and not order.idle
        )
        farthest = sign * self.trading(symbol).position + opened + more
        if farthest > limit:
            self.stop(f"position could become {sign * farthest} {symbol}, the limit is {limit}", now)

    def _check_rate(self, now: int) -> None:
        limit = self.limits.orders_per_minute
        if limit is None:
            return
        while self._sent and self._sent[0] <= now - MINUTE:
            self._sent.popleft()
        self._sent.append(now)
        if len(self._sent) > limit:
            self.stop(f"more than {limit} orders within a minute", now)

    # ── What the ledger says ──

    @property
    def waiting(self) -> bool:
        """Whether something that was decided is still without an answer, or an order without its first report."""
        return bool(self.state.outbox or self.unreported)

    def due(self, now: int, most: int) -> list[Command]:
        """The oldest commands to send, the same ones until they are answered. Orders that waited too long are dropped."""
        for pending in self.state.outbox:
            if orders_in(pending.command) and now - pending.time > STALE:
                # It may have been placed all the same: a cancel by its name ends it then, and does no harm otherwise.
                pending.command = Cancel(client_order_id=name_of(pending.command))
                self.decided(Decision(now, 0, "an order could not be sent in time", ["dropped"]))
        batch = self.state.outbox[:most]
        alone = next((index for index, pending in enumerate(batch) if once_only(pending.command)), None)
        if alone is not None:
            batch = batch[: max(alone, 1)]
        for pending in batch:
            pending.tried = True
        return [pending.command for pending in batch]

    def answered(self, commands: list[Command], outcomes: list[Outcome], now: int) -> None:
        """The ledger's answers to the commands at the head of the outbox."""
        assert [pending.command for pending in self.state.outbox[: len(commands)]] == commands
        del self.state.outbox[: len(commands)]
        self.changed = True
        for command, outcome in zip(commands, outcomes, strict=True):
            if isinstance(outcome, Refused):
                self._refused(command, outcome, now)
                continue
            for number, placed in enumerate(orders_in(command), outcome.order_id):
                order = self.state.orders.get(placed.client_order_id)
                if order is None or order.order_id:
                    continue
                order.order_id = number
                if outcome.duplicate:
                    self.doubtful = True
                else:
                    self.unreported.add(placed.client_order_id)

    def _refused(self, command: Command, refusal: Refused, now: int) -> None:
        own = self.state.orders
        if placed := orders_in(command):
            for order in placed:
                own.pop(order.client_order_id, None)
            self.state.refusals += 1
        elif isinstance(command, Cancel):
            name = command.client_order_id
            if name in own and not own[name].order_id:  # It was never placed, nor what would have come with it.
                for other in [other for other, order in own.items() if other == name or order.group == name]:
                    del own[other]
            return
        text = f"refused: {refusal.detail or refusal.reason}"
        if not self.state.decisions or self.state.decisions[-1].why != text:
            self.decided(Decision(now, 0, text))

    def report(self, number: int, report: Report, now: int) -> None:
        """Something happened to one of the bot's orders; `number` is that of the account's report, and counts once."""
        state = self.state
        if number <= state.report:
            return
        state.report = number
        self.happened(report, now)

    def happened(self, report: Report, now: int) -> None:
        """The same, whatever its number. A trade counts once."""
        state = self.state
        self.changed = True
        if isinstance(report, OrderAccepted):
            self.unreported.discard(report.client_order_id)
            if (order := state.orders.get(report.client_order_id)) is not None:
                order.order_id, order.price = report.order_id, report.price if order.price else 0
            return
        name = self.name_of(report.order_id) if hasattr(report, "order_id") else ""
        order = state.orders.get(name)
        if order is None:
            return
        self.unreported.discard(name)
        if isinstance(report, OrderFilled):
            trading = state.trading.setdefault(report.symbol, Trading())
            if report.trade_id > trading.trade_id:
                trading.trade_id = report.trade_id
                trading.fill(report.side, report.price, report.quantity, report.fee)
                state.buys += report.side == "buy"
                state.sells += report.side == "sell"
                state.filled = now
            order.remaining = report.remaining
        elif isinstance(report, OrderDecremented):
            order.remaining = report.remaining
        elif isinstance(report, OrderActivated):
            order.remaining = report.quantity
            twins = [own for own in state.orders.values() if own.group == order.group and own.side == order.side]
            order.idle = any(not own.idle for own in twins)
        elif isinstance(report, OrderReplaced):
            order.remaining, order.price = report.quantity, report.price
        elif isinstance(report, OrderCancelled):
            order.remaining = 0
        if not order.remaining:
            del state.orders[name]

    def name_of(self, order_id: int) -> str:
        """The client order id of an own order; empty for others'."""
        return next((name for name, order in self.state.orders.items() if order.order_id == order_id), "")


def once_only(command: Command) -> bool:
    """Whether a command must not be sent again once somebody may have heard it: what was filled meanwhile would count twice."""
    return isinstance(command, Replace) and command.quantity is not None


def _whole(number: float, rounded: Callable[[float], int]) -> int:
    nearest = round(number)
    return nearest if abs(number - nearest) <= WHOLE * max(1.0, abs(number) * WHOLE) else rounded(number)
