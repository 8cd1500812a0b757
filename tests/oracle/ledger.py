"""An independent ledger: slow, obvious, made of nothing but the JSON of the logs.

It keeps every movement of every asset in one list and adds the list up anew whenever it is asked. It shares no code with the
ledger, not even the messages: fees and holds are computed with fractions from the rules as README and design state them.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from fractions import Fraction
from typing import Any


def fee_of(value: int, basis_points: int) -> int:
    """Rounded in the market's favour: a fee up, a rebate down in size."""
    return math.ceil(Fraction(value * basis_points, 10_000))


class LedgerOracle:
    """Reads journal and event batches in the order in which the ledger contained them."""

    def __init__(self) -> None:
        self.movements: list[tuple[str, str, int]] = []
        """(account, asset, change)."""
        self.orders: dict[int, dict[str, Any]] = {}
        self.rules: dict[str, dict[str, Any]] = {}
        self.last: dict[str, int] = {}
        self.keys: set[str] = set()
        self.placed: dict[tuple[str, str], list[int]] = defaultdict(list)
        """(account, client order id) → ids of all orders ever placed under it."""
        self.reports: dict[str, int] = defaultdict(int)
        self.cancels: dict[int, str] = {}
        self.standing: dict[str, str] = {}
        self.risk: dict[str, Any] = {}
        self.paid_in: dict[str, int] = defaultdict(int)
        self.paid_fees: dict[str, int] = defaultdict(int)
        self.replaces: dict[int, dict[str, Any]] = {}
        """Order id → what was asked for and is not answered yet."""
        self.pairs: list[dict[str, Any]] = []
        """`members` (ids), `share` (the hold of one share) and `entry` (id, 0 for a pair that works)."""
        self.pair_of: dict[int, dict[str, Any]] = {}
        """By each member."""
        self.traded: dict[int, int] = defaultdict(int)
        """Order id → shares traded so far."""
        self.day: dict[str, tuple[str, str]] = {}
        """Symbol → phase and reason, once it was told."""
        self.references: dict[str, int] = {}
        self.account_rules: dict[str, tuple[str, bool]] = {}

    def journal(self, payload: bytes) -> None:
        for group in json.loads(payload).get("groups", []):
            for command in group["commands"]:
                getattr(self, "_" + command["type"])(command)

    def events(self, payload: bytes) -> None:
        for moment in json.loads(payload)["moments"]:
            for event in moment["events"]:
                getattr(self, "_" + event["type"])(event)

    def profits(self) -> dict[str, tuple[int, int, int]]:
        """Account → (paid in at the prices of then, fees, cash and positions at the last prices)."""
        worth: dict[str, int] = defaultdict(int)
        for (account, asset), total in self.balances().items():
            worth[account] += total * (1 if asset == "CASH" else self._price(asset))
        return {account: (self.paid_in[account], self.paid_fees[account], worth[account]) for account in self.reports}

    def _price(self, symbol: str) -> int:
        return self.last.get(symbol) or self.rules[symbol]["opening_price"]

    def balances(self) -> dict[tuple[str, str], int]:
        """(account, asset) → sum of all movements, without zeros."""
        sums: dict[tuple[str, str], int] = defaultdict(int)
        for account, asset, change in self.movements:
            sums[account, asset] += change
        return {key: total for key, total in sums.items() if total}

    def holds(self) -> dict[tuple[str, str], int]:
        """(account, asset) → what open orders may still cost, without zeros."""
        holds: dict[tuple[str, str], int] = defaultdict(int)
        for order in self.orders.values():
            asset = order["symbol"] if order["side"] == "sell" else "CASH"
            if order["order_id"] not in self.pair_of:
                for _ in range(order["remaining"]):  # In the worst case every share is a fill of its own.
                    holds[order["account"], asset] += self._share(order, order["hold_price"])
            if wanted := self.replaces.get(order["order_id"]):
                holds[order["account"], asset] += wanted["hold"]
        for pair in self.pairs:
            members = [self.orders[order_id] for order_id in pair["members"] if order_id in self.orders]
            if not members or "used_up" in pair:
                continue
            one = members[0]
            shares = min(order["remaining"] for order in members)
            if pair["entry"] and one["side"] == "sell":
                shares = self.traded[pair["entry"]]
            holds[one["account"], one["symbol"] if one["side"] == "sell" else "CASH"] += shares * pair["share"]
        return {key: hold for key, hold in holds.items() if hold}

    def _share(self, order: dict[str, Any], price: int) -> int:
        """What one share may cost its buyer, or the share itself."""
        return 1 if order["side"] == "sell" else price + fee_of(price, max(order["maker"], order["taker"], 0))

    def _move(self, asset: str, amount: int, source: str, target: str) -> None:
        self.movements += [(source, asset, -amount), (target, asset, amount)]

    def _definesymbol(self, command: dict[str, Any]) -> None:
        self.rules[command["symbol"]] = command

    def _openaccount(self, command: dict[str, Any]) -> None:
        pass

    def _definerisk(self, command: dict[str, Any]) -> None:
        self.risk = command

    def _setstanding(self, command: dict[str, Any]) -> None:
        account = command["account"]
        assert self.standing.get(account, "active") not in ("closed", command["standing"])
        self.standing[account] = command["standing"]
        self.reports[account] += 1
        if command["standing"] == "closed":
            assert not [key for key in self.balances() if key[0] == account]

    def _resetaccount(self, command: dict[str, Any]) -> None:
        account = command["account"]
        assert not [order for order in self.orders.values() if order["account"] == account]
        self.paid_fees[account] = 0
        self.paid_in[account] = self.profits()[account][2]
        self.reports[account] += 1

    def _transfer(self, command: dict[str, Any]) -> None:
        key = command.get("key", "")
        assert not key or key not in self.keys, "the journal never books a key twice"
        self.keys.add(key)
        self._move(command["asset"], command["amount"], command["source"], command["target"])
        value = command["amount"] * (1 if command["asset"] == "CASH" else self._price(command["asset"]))
        self.paid_in[command["source"]] -= value
        self.paid_in[command["target"]] += value
        for account in (command["source"], command["target"]):
            if not account.startswith("$"):
                self.reports[account] += 1

    def _placeorder(self, command: dict[str, Any]) -> None:
        assert self.standing.get(command["account"], "active") == "active"
        fees = self.rules[command["symbol"]].get("fees", {})
        order = {**command, "remaining": command["quantity"], "maker": fees.get("maker", 0), "taker": fees.get("taker", 0)}
        order |= {"hold_price": command["price"], "waiting": "stop_price" in command}
        self.orders[command["order_id"]] = order
        self.placed[command["account"], command["client_order_id"]].append(command["order_id"])
        self.reports[command["account"]] += 1

    def _placeoco(self, command: dict[str, Any]) -> None:
        self._place_pair(command["limit"], command["stop"], command["hold"], 0)

    def _placebracket(self, command: dict[str, Any]) -> None:
        self._placeorder(command["entry"])
        self._place_pair(command["take_profit"], command["stop_loss"], command["hold"], command["entry"]["order_id"])

    def _place_pair(self, first: dict[str, Any], second: dict[str, Any], hold: int, entry: int) -> None:
        for order in (first, second):
            assert order["hold"] == 0
            self._placeorder(order)
        members = [first["order_id"], second["order_id"]]
        share = max(self._share(self.orders[order_id], self.orders[order_id]["price"]) for order_id in members)
        assert hold == (0 if entry and first["side"] == "sell" else share * first["quantity"])
        pair = {"members": members, "share": share, "entry": entry}
        self.pairs.append(pair)
        self.pair_of |= dict.fromkeys(members, pair)

    def _setphase(self, command: dict[str, Any]) -> None:
        assert command["symbol"] in self.rules

    def _setaccountrules(self, command: dict[str, Any]) -> None:
        rules = (command["self_trade"], command["cancel_on_disconnect"])
        assert rules != self.account_rules.get(command["account"], ("cancel_newest", False)), "only changes are written down"
        self.account_rules[command["account"]] = rules

    def _cancelorder(self, command: dict[str, Any]) -> None:
        assert command["order_id"] not in self.cancels, "one cancel per order at a time"
        self.cancels[command["order_id"]] = command["account"]

    def _replaceorder(self, command: dict[str, Any]) -> None:
        order = self.orders[command["order_id"]]
        assert command["order_id"] not in self.replaces, "one replace per order at a time"
        assert self.standing.get(command["account"], "active") == "active"
        assert command["open_quantity"] == order["remaining"]
        if pair := self.pair_of.get(command["order_id"]):
            assert (command["hold"], command["quantity"]) == (0, order["remaining"]), "only prices of a pair change"
            assert order["side"] == "sell" or self._share(order, command["price"]) <= pair["share"]
            self.replaces[command["order_id"]] = command
            return
        old = self._share(order, order["hold_price"])
        new = self._share(order, self._new_hold_price(order, command))
        missing = [  # However much is filled before.
            new * (command["quantity"] - filled) - old * (order["remaining"] - filled)
            for filled in range(order["remaining"] + 1)
        ]
        assert command["hold"] == max(0, *missing)
        self.replaces[command["order_id"]] = command

    def _new_hold_price(self, order: dict[str, Any], command: dict[str, Any]) -> int:
        return order["hold_price"] if order.get("kind") == "trailing_stop" else command["price"]

    def _rested(self, event: dict[str, Any]) -> None:
        order = self.orders[event["order_id"]]
        assert not order["waiting"]
        assert event["price"] == order["price"]
        assert event["quantity"] <= order["remaining"], "never more is shown than there is"

    def _refreshed(self, event: dict[str, Any]) -> None:
        assert 0 < event["quantity"] <= self.orders[event["order_id"]]["remaining"]

    def _activated(self, event: dict[str, Any]) -> None:
        order, pair = self.orders[event["order_id"]], self.pair_of.get(event["order_id"])
        assert pair
        entry = pair["entry"] or pair["activated"]
        assert entry not in self.orders, "the entry has ended"
        assert event["quantity"] == self.traded[entry] > 0
        pair |= {"entry": 0, "activated": entry}
        order["remaining"] = event["quantity"]
        self.reports[order["account"]] += 1

    def _phasechanged(self, event: dict[str, Any]) -> None:
        now = (event["phase"], event.get("reason", ""))
        assert now != self.day.get(event["symbol"], ("continuous", "")), "a phase that changes nothing is not told"
        self.day[event["symbol"]] = now

    def _indicated(self, event: dict[str, Any]) -> None:
        assert self.day[event["symbol"]][0] in ("pre_open", "opening_auction", "volatility_auction", "closing_auction")

    def _referencemoved(self, event: dict[str, Any]) -> None:
        before = self.references.get(event["symbol"], self.rules[event["symbol"]]["opening_price"])
        assert event["price"] != before or event["symbol"] in self.references
        self.references[event["symbol"]] = event["price"]

    def _triggered(self, event: dict[str, Any]) -> None:
        order = self.orders[event["order_id"]]
        assert order["waiting"]
        order["waiting"] = False
        order["price"] += event["price"] - order["stop_price"]
        order["stop_price"] = event["price"]
        self.reports[order["account"]] += 1

    def _replaced(self, event: dict[str, Any]) -> None:
        order = self.orders[event["order_id"]]
        command = self.replaces.pop(event["order_id"])
        assert event["quantity"] == command["quantity"] - (command["open_quantity"] - order["remaining"]) > 0
        order["remaining"] = event["quantity"]
        order["hold_price"] = self._new_hold_price(order, command)
        if order.get("kind") != "trailing_stop":
            order["price"] = command["price"]
            order["stop_price"] = command.get("stop_price", 0)
        self.reports[order["account"]] += 1

    def _replacerefused(self, event: dict[str, Any]) -> None:
        self.reports[self.replaces.pop(event["order_id"])["account"]] += 1

    def _decremented(self, event: dict[str, Any]) -> None:
        order = self.orders[event["order_id"]]
        order["remaining"] -= event["quantity"]
        self.reports[order["account"]] += 1
        assert order["remaining"] >= 0
        self._end_if_nothing_is_left(order)

    def _end_if_nothing_is_left(self, order: dict[str, Any]) -> None:
        if order["remaining"]:
            return
        del self.orders[order["order_id"]]
        if pair := self.pair_of.get(order["order_id"]):
            pair["used_up"] = True  # The other one's end is told next; it cannot trade any more.

    def _traded(self, event: dict[str, Any]) -> None:
        maker, taker = self.orders[event["maker_order_id"]], self.orders[event["taker_order_id"]]
        buyer, seller = (maker, taker) if maker["side"] == "buy" else (taker, maker)
        value = event["price"] * event["quantity"]
        self._move("CASH", value, buyer["account"], seller["account"])
        self._move(event["symbol"], event["quantity"], seller["account"], buyer["account"])
        self._move("CASH", fee_of(value, maker["taker" if event.get("auction") else "maker"]), maker["account"], "$fees")
        self._move("CASH", fee_of(value, taker["taker"]), taker["account"], "$fees")
        assert seller["price"] <= event["price"] <= buyer["price"]
        for order in (maker, taker):
            assert not order["waiting"]
            role = "maker" if order is maker and not event.get("auction") else "taker"
            self.paid_fees[order["account"]] += fee_of(value, order[role])
            order["remaining"] -= event["quantity"]
            self.traded[order["order_id"]] += event["quantity"]
            self.reports[order["account"]] += 1
            self._end_if_nothing_is_left(order)
        self.last[event["symbol"]] = event["price"]

    def _cancelled(self, event: dict[str, Any]) -> None:
        order = self.orders.pop(event["order_id"])
        assert event["quantity"] == order["remaining"]
        if event["reason"] in ("owner", "disconnected"):
            del self.cancels[event["order_id"]]
        self.reports[order["account"]] += 1

    def _cancelrefused(self, event: dict[str, Any]) -> None:
        self.reports[self.cancels.pop(event["order_id"])] += 1
