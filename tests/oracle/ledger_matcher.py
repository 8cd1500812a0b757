"""An engine for tests of the ledger: all kinds of orders, in dicts that are sorted and searched anew each time.

Phases, auctions and groups of orders are in ledger_day_matcher.py. It may split trades (`slice_max`), to try the rounding of
fees. Icebergs show all they have: the ledger does not care.
"""

from __future__ import annotations

from collections import defaultdict
from random import Random
from typing import Any

from exchange.messages.events import (
    Cancelled,
    CancelReason,
    CancelRefused,
    Decremented,
    Event,
    Replaced,
    ReplaceRefused,
    Rested,
    Traded,
    Triggered,
)

Order = dict[str, Any]


class Matcher:
    """Price and time priority of one shard."""

    def __init__(self, random: Random | None = None, slice_max: int = 0) -> None:
        self.resting: list[Order] = []
        """In the order of arrival."""
        self.waiting: list[Order] = []
        self.ticks: dict[str, int] = {}
        self.trades: dict[str, list[int]] = defaultdict(list)
        """Prices."""
        self.seen: dict[str, int] = defaultdict(int)
        """How many trades stop orders have been looked at for."""
        self.traded: dict[int, int] = defaultdict(int)
        """Order id → shares."""
        self.random = random
        self.slice_max = slice_max
        self.events: list[Event] = []

    def batch(self, time: int, commands: list[dict[str, Any]]) -> list[Event]:
        """What a journal batch causes."""
        self.events = []
        due = [order for order in self.resting + self.waiting if 0 < order.get("expires", 0) <= time]
        for order in sorted(due, key=lambda order: (order["expires"], order["order_id"])):
            self._end(order, "expired")
        for command in commands:
            getattr(self, "_" + command["type"])(command)
            self._look(command["symbol"])
        return self.events

    def _definesymbol(self, command: dict[str, Any]) -> None:
        self.ticks[command["symbol"]] = command["tick"]

    def _placeorder(self, command: dict[str, Any]) -> None:
        order = {"kind": "limit", "tif": "gtc", "self_trade": "allow", **command, "remaining": command["quantity"]}
        if "stop_price" in command:
            self._wait(order | {"distance": command["price"] - command["stop_price"]})
        else:
            self._arrive(order)

    def _cancelorder(self, command: dict[str, Any]) -> None:
        order = self._find(command["order_id"])
        if order:
            self._end(order, command.get("reason", "owner"))
        else:
            self.events.append(CancelRefused(command["order_id"], command["symbol"]))

    def _replaceorder(self, command: dict[str, Any]) -> None:
        order = self._find(command["order_id"])
        quantity = command["quantity"] - command["open_quantity"] + (order["remaining"] if order else 0)
        if not order or quantity <= 0:
            self.events.append(ReplaceRefused(command["order_id"], command["symbol"]))
            return
        waits = order in self.waiting
        trailing = order["kind"] == "trailing_stop"
        stop_price = (order["stop_price"] if trailing else command["stop_price"]) if waits else 0
        same = command["price"] == order["price"] and (not waits or stop_price == order["stop_price"])
        kept = (same or trailing) and quantity <= order["remaining"]
        self.events.append(
            Replaced(
                *(command["order_id"], command["symbol"], order["side"], command["price"], quantity, kept),
                stop_price,
            )
        )
        if kept:
            order["remaining"] = quantity
            return
        self._remove(order)
        order |= {"remaining": quantity, "price": command["price"]}
        if waits:
            distance = order["distance"] if trailing else command["price"] - stop_price
            self._wait(order | {"stop_price": stop_price, "distance": distance})
        else:
            self._arrive(order)

    def _find(self, order_id: int) -> Order | None:
        return next((order for order in self.resting + self.waiting if order["order_id"] == order_id), None)

    def _remove(self, order: Order) -> None:
        for orders in (self.resting, self.waiting):
            orders[:] = [other for other in orders if other is not order]

    def _end(self, order: Order, reason: CancelReason) -> None:
        self._remove(order)
        self.events.append(Cancelled(order["order_id"], order["symbol"], order["remaining"], reason))
        order["remaining"] = 0
        self._lowered(order, 0)

    def _lowered(self, order: Order, quantity: int) -> None:
        """Told of every order that has lost something, and of each that has ended: then its `remaining` is 0."""

    def _wait(self, order: Order) -> None:
        trades = self.trades[order["symbol"]]
        self.waiting.append(order)
        if trades and _reached(order, trades[-1]):
            self._trigger(order)

    def _trigger(self, order: Order) -> None:
        self._remove(order)
        self.events.append(Triggered(order["order_id"], order["symbol"], order["stop_price"]))
        if order["kind"] == "stop_limit":
            self._arrive(order | {"kind": "limit"})
        else:
            self._arrive(order | {"kind": "market", "tif": "ioc", "price": order["stop_price"] + order["distance"]})

    def _look(self, symbol: str) -> None:
        """Let trailing stops follow the new trades and trigger what they reach, until nothing new happens."""
        trades = self.trades[symbol]
        while self.seen[symbol] < len(trades):
            reached: list[Order] = []
            new, self.seen[symbol] = trades[self.seen[symbol] :], len(trades)
            for price in new:
                for order in [order for order in self.waiting if order["symbol"] == symbol and order not in reached]:
                    if order["kind"] == "trailing_stop":
                        self._follow(order, price)
                    if _reached(order, price):
                        reached.append(order)
            for order in sorted(reached, key=lambda order: order["order_id"]):
                if order["remaining"]:
                    self._trigger(order)

    def _follow(self, order: Order, price: int) -> None:
        tick = self.ticks[order["symbol"]]
        distance = order.get("trail") or -(-price * order["trail_basis_points"] // 10_000)
        if order["side"] == "sell":
            order["stop_price"] = max(order["stop_price"], (price - distance) // tick * tick)
        else:
            order["stop_price"] = min(order["stop_price"], -(-(price + distance) // tick) * tick)

    def _makers(self, taker: Order) -> list[Order]:
        sign = 1 if taker["side"] == "buy" else -1
        others = [
            order
            for order in self.resting
            if order["symbol"] == taker["symbol"]
            and order["side"] != taker["side"]
            and sign * order["price"] <= sign * taker["price"]
        ]
        return sorted(others, key=lambda order: sign * order["price"])  # Stable: the oldest first.

    def _fillable(self, taker: Order) -> bool:
        missing = taker["remaining"]
        for maker in self._makers(taker):
            if maker["account"] != taker["account"] or taker["self_trade"] == "allow":
                missing -= maker["remaining"]
            elif taker["self_trade"] != "cancel_oldest":
                break
        return missing <= 0

    def _arrive(self, taker: Order) -> None:
        makers = self._makers(taker)
        if taker.get("post_only") and makers:
            return self._end(taker, "post_only")
        if taker["tif"] == "fok" and not self._fillable(taker):
            return self._end(taker, "fok")
        for maker in makers:
            while taker["remaining"] and maker["remaining"]:
                if maker["account"] == taker["account"] and taker["self_trade"] != "allow":
                    self._prevent(maker, taker)
                else:
                    self._trade(maker, taker)
        if not taker["remaining"]:
            return None
        if taker["kind"] == "limit" and taker["tif"] not in ("ioc", "fok"):
            self.resting.append(taker)
            rested = Rested(taker["order_id"], taker["symbol"], taker["side"], taker["price"], taker["remaining"])
            return self.events.append(rested)
        return self._end(taker, "ioc" if taker["kind"] == "limit" else "protection" if makers else "no_liquidity")

    def _prevent(self, maker: Order, taker: Order) -> None:
        mode = taker["self_trade"]
        if mode == "decrement":
            quantity = min(maker["remaining"], taker["remaining"])
            for order in (maker, taker):
                order["remaining"] -= quantity
                self.events.append(Decremented(order["order_id"], order["symbol"], quantity))
            if not maker["remaining"]:
                self._remove(maker)
            for order in (maker, taker):
                self._lowered(order, quantity)
        if mode in ("cancel_oldest", "cancel_both"):
            self._end(maker, "self_trade")
        if mode in ("cancel_newest", "cancel_both"):
            self._end(taker, "self_trade")

    def _trade(self, maker: Order, taker: Order, price: int = 0) -> None:
        """At the maker's price, or in an auction at that."""
        quantity = min(taker["remaining"], maker["remaining"])
        if self.random and self.slice_max:
            quantity = min(quantity, self.random.randint(1, self.slice_max))
        trades = self.trades[taker["symbol"]]
        trades.append(price or maker["price"])
        ids = (maker["order_id"], taker["order_id"])
        self.events.append(Traded(taker["symbol"], len(trades), *ids, trades[-1], quantity, taker["side"], price > 0))
        for order in (maker, taker):
            order["remaining"] -= quantity
            self.traded[order["order_id"]] += quantity
            if not order["remaining"]:
                self._remove(order)
        for order in (maker, taker):
            self._lowered(order, quantity)


def _reached(order: Order, price: int) -> bool:
    return bool(price >= order["stop_price"] if order["side"] == "buy" else price <= order["stop_price"])
