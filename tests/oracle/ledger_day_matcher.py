"""The engine for tests of the ledger, with the phases of a day, auctions, OCO pairs and brackets.

It has no bands: no volatility auction ever begins. Parts that the ledger does not care about are simpler than the engine's: all
stops look at an auction's price when trading is continuous again, nothing is indicated.
"""

from __future__ import annotations

from collections import defaultdict
from random import Random
from typing import Any

from exchange.messages.base import Phase
from exchange.messages.events import (
    Activated,
    Decremented,
    Event,
    PhaseChanged,
    ReferenceMoved,
    Replaced,
    ReplaceRefused,
    Rested,
)
from tests.oracle.ledger_matcher import Matcher, Order

OPENING = ("pre_open", "opening_auction")
COLLECTING = (*OPENING, "volatility_auction", "closing_auction")


class DayMatcher(Matcher):
    """Price and time priority of one shard, day by day."""

    def __init__(self, random: Random | None = None, slice_max: int = 0) -> None:
        super().__init__(random, slice_max)
        self.phase: dict[str, tuple[Phase, str]] = defaultdict(lambda: ("continuous", ""))
        self.reference: dict[str, int] = {}
        self.parked: list[Order] = []
        """Orders for the closing auction, legs that wait for their entry, and a stop whose pair is just arriving."""
        self.partners: dict[int, int] = {}
        self.brackets: dict[int, tuple[int, int]] = {}
        """Entry → legs, while they wait."""
        self.completed: list[int] = []

    def batch(self, time: int, commands: list[dict[str, Any]]) -> list[Event]:
        self.events = []
        leading = 0
        while leading < len(commands) and commands[leading]["type"] in ("setphase", "definesymbol"):
            getattr(self, "_" + commands[leading]["type"])(commands[leading])
            leading += 1
        orders = [order for order in self.resting + self.waiting + self.parked if order["order_id"] not in self._legs()]
        due = [order for order in orders if 0 < order.get("expires", 0) <= time]
        for order in sorted(due, key=lambda order: (order["expires"], order["order_id"])):
            if order["remaining"]:
                self._end(order, "expired")
        for symbol in sorted(self.ticks):
            self._look(symbol)
        for command in commands[leading:]:
            getattr(self, "_" + command["type"])(command)
            symbol = (
                command["symbol"] if "symbol" in command else next(v for v in command.values() if type(v) is dict)["symbol"]
            )
            self._look(symbol)
        return self.events

    def _legs(self) -> set[int]:
        return {leg for legs in self.brackets.values() for leg in legs}

    def _definesymbol(self, command: dict[str, Any]) -> None:
        super()._definesymbol(command)
        self.reference.setdefault(command["symbol"], command["opening_price"])

    # ── Phases ──

    def _setphase(self, command: dict[str, Any]) -> None:
        symbol, phase, reason = command["symbol"], command["phase"], command.get("reason", "")
        before = self.phase[symbol][0]
        if self.phase[symbol] == (phase, reason):
            return
        self.phase[symbol] = (phase, reason)
        self.events.append(PhaseChanged(symbol, phase, reason))
        if phase == "continuous" or (phase == "closed" and before in COLLECTING[1:]):
            self._uncross(symbol)
        for order in sorted(self._own(self.resting + self.parked, symbol), key=lambda order: order["order_id"]):
            over = order["tif"] == "opg" and phase not in (*OPENING, "halted")
            if order["remaining"] and (over or (order["tif"] == "cls" and phase == "closed")):
                self._end(order, "auction_over")
        self._activate()
        if phase == "closing_auction":
            for order in sorted(self._own(self.parked, symbol), key=lambda order: order["order_id"]):
                if order["tif"] == "cls" and order["order_id"] not in self._legs():
                    self.parked.remove(order)
                    self._rest(order)
        self._look(symbol)

    def _own(self, orders: list[Order], symbol: str) -> list[Order]:
        return [order for order in orders if order["symbol"] == symbol]

    def _uncross(self, symbol: str) -> None:
        while True:
            book = self._own(self.resting, symbol)
            buys = sorted((o for o in book if o["side"] == "buy"), key=lambda order: -order["price"])
            sells = sorted((o for o in book if o["side"] == "sell"), key=lambda order: order["price"])
            if not buys or not sells or buys[0]["price"] < sells[0]["price"]:
                return

            def volume(price: int, buys: list[Order] = buys, sells: list[Order] = sells) -> int:
                return min(
                    sum(order["remaining"] for order in buys if order["price"] >= price),
                    sum(order["remaining"] for order in sells if order["price"] <= price),
                )

            price = max({order["price"] for order in book}, key=volume)
            while (
                (buy := next((o for o in buys if o["remaining"]), None))
                and (sell := next((o for o in sells if o["remaining"]), None))
                and sell["price"] <= price <= buy["price"]
            ):
                self._trade(sell, buy, price)
            if price != self.reference[symbol]:
                self.reference[symbol] = price
                self.events.append(ReferenceMoved(symbol, price))

    def _arrive(self, taker: Order) -> None:
        phase, tif = self.phase[taker["symbol"]][0], taker["tif"]
        if phase == "halted" or phase == "closed":
            return self._end(taker, phase)
        if tif == "opg" and phase not in OPENING:
            return self._end(taker, "auction_over")
        if tif == "cls" and phase != "closing_auction":
            return self.parked.append(taker)
        if phase == "continuous":
            return super()._arrive(taker)
        if tif not in ("opg", "cls") and (taker["kind"] == "market" or tif in ("ioc", "fok")):
            return self._end(taker, "auction")
        return self._rest(taker)

    def _rest(self, order: Order) -> None:
        self.resting.append(order)
        self.events.append(Rested(order["order_id"], order["symbol"], order["side"], order["price"], order["remaining"]))

    def _wait(self, order: Order) -> None:
        phase = self.phase[order["symbol"]][0]
        if phase == "halted" or phase == "closed":
            self._end(order, phase)
        elif phase == "continuous":
            super()._wait(order)
        else:
            self.waiting.append(order)

    def _look(self, symbol: str) -> None:
        self._activate()
        if self.phase[symbol][0] == "continuous":
            super()._look(symbol)

    def _trigger(self, order: Order) -> None:
        super()._trigger(order)
        self._activate()

    def _replaceorder(self, command: dict[str, Any]) -> None:
        phase, order = self.phase[command["symbol"]][0], self._find(command["order_id"])
        quantity = command["quantity"] - command["open_quantity"] + (order["remaining"] if order else 0)
        if phase == "halted" or phase == "closed":
            self.events.append(ReplaceRefused(command["order_id"], command["symbol"], phase))
        elif order not in self.parked or quantity <= 0:
            super()._replaceorder(command)
        else:
            assert order
            kept = "entry" in order or (command["price"] == order["price"] and quantity <= order["remaining"])
            order |= {"price": command["price"], "remaining": quantity}
            stop_price = command.get("stop_price", 0)
            if stop_price:
                order["stop_price"] = stop_price
            ids = (command["order_id"], command["symbol"])
            self.events.append(Replaced(*ids, order["side"], command["price"], quantity, kept, stop_price))

    # ── Groups ──

    def _find(self, order_id: int) -> Order | None:
        return super()._find(order_id) or next((order for order in self.parked if order["order_id"] == order_id), None)

    def _remove(self, order: Order) -> None:
        super()._remove(order)
        self.parked[:] = [other for other in self.parked if other is not order]

    def _placeoco(self, command: dict[str, Any]) -> None:
        self._arrive_as_pair(self._order(command["limit"]), self._order(command["stop"]))

    def _placebracket(self, command: dict[str, Any]) -> None:
        entry = command["entry"]["order_id"]
        legs = [self._order(command[name]) | {"entry": entry} for name in ("take_profit", "stop_loss")]
        self.parked += legs
        first, second = (leg["order_id"] for leg in legs)
        self.brackets[entry] = (first, second)
        self.partners |= {first: second, second: first}
        self._placeorder(command["entry"])

    def _order(self, command: dict[str, Any]) -> Order:
        return {"kind": "limit", "tif": "gtc", "self_trade": "allow", **command, "remaining": command["quantity"]}

    def _arrive_as_pair(self, limit: Order, stop: Order) -> None:
        ids = (limit["order_id"], stop["order_id"])
        self.partners |= {ids[0]: ids[1], ids[1]: ids[0]}
        self.parked.append(stop)
        self._arrive(limit)
        if stop["remaining"]:
            self.parked.remove(stop)
            self._wait(stop | {"distance": stop["price"] - stop["stop_price"]})

    def _lowered(self, order: Order, quantity: int) -> None:
        order_id = order["order_id"]
        partner = self._find(self.partners.get(order_id, 0))
        if partner and not order["remaining"]:
            del self.partners[order_id], self.partners[partner["order_id"]]
            self._end(partner, "pair")
        elif partner:
            partner["remaining"] -= quantity
            self.events.append(Decremented(partner["order_id"], partner["symbol"], quantity))
        for entry, legs in list(self.brackets.items()):
            if order_id in legs and not order["remaining"]:
                del self.brackets[entry]
        if order_id in self.brackets and not order["remaining"]:
            if self.traded[order_id]:
                self.completed.append(order_id)
            elif leg := self._find(self.brackets[order_id][0]):
                self._end(leg, "pair")

    def _activate(self) -> None:
        while self.completed:
            entry = min(self.completed)
            self.completed.remove(entry)
            legs = [self._find(order_id) for order_id in self.brackets.pop(entry, ())]
            for leg in legs:
                assert leg
                self.parked.remove(leg)
                leg["remaining"] = self.traded[entry]
                del leg["entry"]
                self.events.append(Activated(leg["order_id"], leg["symbol"], self.traded[entry]))
            if legs:
                limit, stop = legs
                assert limit
                assert stop
                self._arrive_as_pair(limit, stop)
