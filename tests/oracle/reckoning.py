"""What a market's logs say must be true everywhere else, worked out slowly from their JSON. Shares no code with any worker."""

from __future__ import annotations

import json
from collections import defaultdict
from hashlib import blake2b
from typing import Any

import msgspec

from exchange.messages.base import encode
from exchange.messages.events import Event
from exchange.messages.journal import EngineCommand
from tests.oracle.book import SlowExchange
from tests.oracle.ledger import LedgerOracle, fee_of

Row = dict[str, Any]


class Reckoning:
    """Everything a trader could ask about, from JOURNAL and the EVENTS logs."""

    def __init__(self, journal: list[bytes], events: dict[int, list[bytes]]) -> None:
        check_chain("JOURNAL", journal)
        for shard, batches in events.items():
            check_chain(f"EVENTS_{shard}", batches)
        self.ledger = LedgerOracle()
        self.orders: dict[int, Row] = {}
        """Every order ever accepted, by id, and what became of it, as api.<account>.history tells it."""
        self.accounts: list[str] = []
        """Opened, oldest first."""
        self.fills: dict[str, list[Row]] = defaultdict(list)
        """Account → fills as api.<account>.fills tells them, oldest first, without fill_id."""
        self.trades: dict[str, list[Row]] = defaultdict(list)
        """Symbol → public trades, oldest first."""
        self.initial: dict[str, int] = defaultdict(int)
        """Asset → what transfers have brought into circulation."""
        self._journal = [json.loads(payload) for payload in journal]
        self._follow(journal, events)
        self._check_matching(events)

    def _follow(self, journal: list[bytes], events: dict[int, list[bytes]]) -> None:
        """In the order in which the ledger contained it all: what `events_through` adds, then the batch itself."""
        through = dict.fromkeys(events, 0)
        for payload, batch in zip(journal, self._journal, strict=True):
            for shard, number in sorted(batch["events_through"].items()):
                for event_payload in events[int(shard)][through[int(shard)] : number]:
                    self._take_events(event_payload)
                assert number >= through[int(shard)], f"journal batch {batch['number']} forgets events"
                through[int(shard)] = number
            for group in batch.get("groups", []):
                for command in group["commands"]:
                    self._take_command(command, batch["time"])
            self.ledger.journal(payload)
        assert through == {shard: len(batches) for shard, batches in events.items()}, "the ledger contains all events"

    def _take_command(self, command: Row, time: int) -> None:
        if command["type"] == "openaccount":
            assert command["account"] not in self.accounts
            self.accounts.append(command["account"])
        elif command["type"] == "transfer":
            if command["source"].startswith("$"):
                self.initial[command["asset"]] += command["amount"]
            if command["target"].startswith("$"):
                self.initial[command["asset"]] -= command["amount"]
        elif command["type"] == "placeorder":
            self._place(command, time)
        elif command["type"] == "placeoco":
            self._place_pair(command["limit"], command["stop"], time, {})
        elif command["type"] == "placebracket":
            self._place(command["entry"], time)
            self._place_pair(command["take_profit"], command["stop_loss"], time, {"entry": command["entry"]["order_id"]})

    def _place_pair(self, first: Row, second: Row, time: int, more: Row) -> None:
        self._place(first, time, more | {"pair": second["order_id"]})
        self._place(second, time, more | {"pair": first["order_id"]})

    def _place(self, command: Row, time: int, more: Row | None = None) -> None:
        assert command["order_id"] == len(self.orders) + 1, "order ids have no gaps"
        order = {"kind": "limit", "tif": "gtc", **command, **(more or {}), "filled": 0, "open": command["quantity"]}
        self.orders[command["order_id"]] = order | {"status": "open", "reason": "", "time": time}

    def _take_events(self, payload: bytes) -> None:
        for moment in json.loads(payload)["moments"]:
            for event in moment["events"]:
                if event["type"] == "traded":
                    self._trade(event, moment["time"])
                elif event["type"] in ("cancelled", "decremented", "replaced", "activated"):
                    self._change(self.orders[event["order_id"]], event)
        self.ledger.events(payload)

    def _change(self, order: Row, event: Row) -> None:
        assert order["status"] == "open", f"order {event['order_id']} changed after its end"
        if event["type"] == "cancelled":
            assert event["quantity"] == order["open"]
            order |= {"status": "cancelled", "reason": event["reason"], "open": 0}
        elif event["type"] == "decremented":
            order["open"] -= event["quantity"]
            if not order["open"]:
                order |= {"status": "cancelled", "reason": "self_trade"}
        else:
            order["open"] = event["quantity"]
        assert order["open"] >= 0

    def _trade(self, event: Row, time: int) -> None:
        trades = self.trades[event["symbol"]]
        trade = {key: event[key] for key in ("trade_id", "price", "quantity", "side")} | {
            "time": time,
            "auction": event.get("auction", False),
        }
        trades.append(trade)
        assert event["trade_id"] == len(trades), "trade ids have no gaps"
        for role in ("maker", "taker"):
            order = self.orders[event[f"{role}_order_id"]]
            assert order["status"] == "open", f"order {order['order_id']} traded after its end"
            order["filled"] += event["quantity"]
            order["open"] -= event["quantity"]
            assert order["open"] >= 0, f"order {order['order_id']} was filled beyond its quantity"
            if not order["open"]:
                order["status"] = "filled"
            auction = event.get("auction", False)
            rate = self.ledger.rules[event["symbol"]].get("fees", {}).get("taker" if auction else role, 0)
            fee = fee_of(event["price"] * event["quantity"], rate)
            liquidity = "auction" if auction else role
            more = {"order_id": order["order_id"], "symbol": event["symbol"], "fee": fee, "liquidity": liquidity}
            self.fills[order["account"]].append(trade | more | {"side": order["side"]})

    def _check_matching(self, events: dict[int, list[bytes]]) -> None:
        """The engines' events are exactly what a slow book gives for the journal's commands."""
        for shard, batches in events.items():
            slow = SlowExchange()
            expected: list[Event] = []
            for batch in self._journal:
                groups = [group for group in batch.get("groups", []) if group["shard"] == shard]
                commands = [command for group in groups for command in group["commands"]]
                expected += slow.batch(batch["time"], msgspec.convert(commands, list[EngineCommand]))
            logged = [event for payload in batches for moment in json.loads(payload)["moments"] for event in moment["events"]]
            assert len(logged) == len(expected), f"shard {shard}: {len(logged)} events logged, {len(expected)} expected"
            for event, wanted in zip(logged, expected, strict=True):
                assert event == json.loads(encode(wanted))

    def balances(self, account: str) -> dict[str, int]:
        """Asset → amount, without zeros."""
        return {asset: total for (name, asset), total in self.ledger.balances().items() if name == account}

    def open_orders(self, account: str) -> dict[int, int]:
        """Order id → remaining quantity."""
        return {
            order["order_id"]: order["open"]
            for order in self.orders.values()
            if order["account"] == account and order["status"] == "open"
        }

    def check_conservation(self) -> None:
        """Nothing came from nowhere: what all accounts have is what transfers brought, to the unit."""
        sums: dict[str, int] = defaultdict(int)
        owned: dict[str, int] = defaultdict(int)
        for (account, asset), total in self.ledger.balances().items():
            sums[asset] += total
            if account == "$fees" or not account.startswith("$"):
                owned[asset] += total
        assert not any(sums.values()), dict(sums)
        assert owned == self.initial


def check_chain(log: str, batches: list[bytes]) -> None:
    """Numbers without gaps, and each batch names the digest of the one before."""
    previous = ""
    for number, payload in enumerate(batches, start=1):
        batch = json.loads(payload)
        assert batch["number"] == number, f"{log}: batch {batch['number']} at sequence {number}"
        assert batch["previous"] == previous, f"{log}: batch {number} does not continue the one before"
        previous = blake2b(payload, digest_size=16).hexdigest()
