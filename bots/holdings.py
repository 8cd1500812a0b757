"""A bot's own view of its account, kept current by the account's reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from typing import assert_never

import msgspec

from exchange.messages.account import OpenOrder, Portfolio
from exchange.messages.base import CASH
from exchange.messages.reports import (
    AccountChanged,
    OrderAccepted,
    OrderActivated,
    OrderCancelled,
    OrderCancelRefused,
    OrderDecremented,
    OrderFilled,
    OrderReplaced,
    OrderReplaceRefused,
    OrderTriggered,
    Report,
    Reports,
    Transferred,
)

from .strategy import Observation


class Holdings:
    """Cash, shares and open orders; a pure mirror of a Portfolio and the Reports that follow it.

    What is set aside is estimated without fees: the ledger decides what can be afforded, this only keeps a bot from asking
    in vain.
    """

    def __init__(self, portfolio: Portfolio) -> None:
        self.cash = portfolio.cash
        self.quantities = {position.symbol: position.quantity for position in portfolio.positions}
        """Shares owned, set aside or not."""
        self.prices = {position.symbol: position.price for position in portfolio.positions}
        """As the portfolio knew them."""
        self.orders = {order.order_id: order for order in portfolio.orders}
        self.leaving: set[int] = set()
        """Orders whose cancel was accepted and not yet carried out."""
        self.report = portfolio.report
        self.flows: Counter[str] = Counter()
        """Cash that came in since, by the symbol that was traded, or `CASH` for deposits; negative for what was paid."""

    def elsewhere(self, symbols: Container[str]) -> int:
        """Cash that came in since by anything but trades in these symbols."""
        return sum(flow for symbol, flow in self.flows.items() if symbol not in symbols)

    def apply(self, message: Reports) -> bool:
        """Apply what is new in a message of reports. False if reports in between were missed: ask for the portfolio again."""
        skip = self.report + 1 - message.number
        if skip < 0:
            return False
        for report in message.reports[skip:]:
            self._apply(report)
            self.report += 1
        return True

    def shares(self, symbol: str) -> int:
        """Shares owned of a symbol."""
        return self.quantities.get(symbol, 0)

    def free_cash(self) -> int:
        """Cash without what open buy orders have set aside; of a pair, one order does, and none that waits for its entry."""
        return self.cash - sum(
            order.remaining * order.price
            for order in self.orders.values()
            if order.side == "buy" and not order.entry and not 0 < order.pair < order.order_id
        )

    def observe(self, time: int, symbol: str, bid: int, ask: int, last: int) -> Observation:
        """What a strategy that trades one symbol is shown, together with what the market shows."""
        own = [order for order in self.orders.values() if order.symbol == symbol]
        inventory = self.shares(symbol)
        return Observation(
            time=time,
            bid=bid,
            ask=ask,
            last=last or self.prices.get(symbol, 0),
            cash=self.free_cash(),
            shares=inventory - sum(order.remaining for order in own if order.side == "sell"),
            inventory=inventory,
            orders=tuple(order for order in own if order.order_id not in self.leaving),
        )

    def _apply(self, report: Report) -> None:
        match report:
            case OrderAccepted():
                self._open(report)
            case OrderFilled():
                self._fill(report)
            case OrderCancelled():
                self._close(report.order_id)
            case OrderCancelRefused():
                self.leaving.discard(report.order_id)
            case OrderReplaced():
                if (order := self.orders.get(report.order_id)) is not None:
                    changes = {"price": report.price, "remaining": report.quantity, "stop_price": report.stop_price}
                    self.orders[report.order_id] = msgspec.structs.replace(order, **changes)
            case OrderDecremented():
                self._leave(report.order_id, report.remaining)
            case OrderActivated():
                if (order := self.orders.get(report.order_id)) is not None:
                    self.orders[report.order_id] = msgspec.structs.replace(order, remaining=report.quantity, entry=0)
            case OrderTriggered() | OrderReplaceRefused() | AccountChanged():
                pass  # What comes of a trigger is told next.
            case Transferred():
                if report.asset == CASH:
                    self._pay(CASH, report.amount)
                else:
                    self.quantities[report.asset] = self.shares(report.asset) + report.amount
            case _:
                assert_never(report)

    def _open(self, report: OrderAccepted) -> None:
        self.orders[report.order_id] = OpenOrder(
            order_id=report.order_id,
            client_order_id=report.client_order_id,
            symbol=report.symbol,
            side=report.side,
            price=report.price,
            quantity=report.quantity,
            remaining=report.quantity,
            kind=report.kind,
            tif=report.tif,
            time=report.time,
            pair=report.pair,
            entry=report.entry,
        )

    def _fill(self, report: OrderFilled) -> None:
        sign = 1 if report.side == "buy" else -1
        self._pay(report.symbol, -sign * report.price * report.quantity - report.fee)
        self.quantities[report.symbol] = self.shares(report.symbol) + sign * report.quantity
        self._leave(report.order_id, report.remaining)

    def _pay(self, why: str, amount: int) -> None:
        self.cash += amount
        self.flows[why] += amount

    def _leave(self, order_id: int, remaining: int) -> None:
        """So much of an order is still open."""
        if not remaining:
            self._close(order_id)
        elif (order := self.orders.get(order_id)) is not None:
            self.orders[order_id] = msgspec.structs.replace(order, remaining=remaining)

    def _close(self, order_id: int) -> None:
        self.orders.pop(order_id, None)
        self.leaving.discard(order_id)
