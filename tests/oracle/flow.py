"""Random markets, written slowly and plainly: the logs a ledger and its engines could have left, and what they add up to."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator

import msgspec

from exchange.digest import digest
from exchange.log import decode_header
from exchange.messages.base import BANK, CASH, FEES, ISSUER, encode
from exchange.messages.events import (
    Cancelled,
    CancelRefused,
    Decremented,
    Event,
    EventBatch,
    Moment,
    Refreshed,
    Replaced,
    ReplaceRefused,
    Rested,
    Traded,
    Triggered,
)
from exchange.messages.journal import (
    LEDGER_GROUP,
    CancelOrder,
    DefineSymbol,
    Fees,
    Group,
    JournalBatch,
    OpenAccount,
    PlaceOrder,
    RefusalRecord,
    ReplaceOrder,
    Transfer,
)
from exchange.subjects import JOURNAL, events_log

START = 1_700_000_000 * 10**9


class Flow:
    """A market that makes up what happens. `logs` is what a sink reads; all other attributes are what it must find."""

    def __init__(self, seed: int, symbols: int = 3, shards: int = 2, accounts: int = 5) -> None:
        self.random = random.Random(seed)
        self.symbols = [f"SYM{index}" for index in range(symbols)]
        self.accounts = [f"trader-{index}" for index in range(accounts)]
        self.shards = {symbol: index % shards + 1 for index, symbol in enumerate(self.symbols)}
        self.logs: dict[str, list[bytes]] = {JOURNAL: []} | {events_log(shard): [] for shard in range(1, shards + 1)}
        self.fees: dict[str, Fees] = {}
        self.time = START
        self.balances: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self.orders: dict[int, dict] = {}
        self.trades: dict[str, list[tuple[Traded, int]]] = {symbol: [] for symbol in self.symbols}
        self.fills: dict[str, list[tuple]] = defaultdict(list)
        self.refusals = 0
        self._arrivals = 0
        self._waiting: dict[int, list[Moment]] = {shard: [] for shard in range(1, shards + 1)}
        commands = [OpenAccount(account) for account in self.accounts]
        for account in self.accounts:
            commands += [self._transfer(CASH, BANK, account, 10**9)]
            commands += [self._transfer(symbol, ISSUER, account, 10**6) for symbol in self.symbols]
        self._journal([(LEDGER_GROUP, commands), *((self.shards[s], [self._define(s)]) for s in self.symbols)])
        self.flush()

    def step(self, orders: int = 6) -> None:
        """One more journal batch; the engines answer it now or, with later ones, in a later event batch."""
        self.time += self.random.choice([1, 10**6, 3 * 10**8, 2 * 10**9, 70 * 10**9])
        groups: list[tuple[int, list]] = []
        events: dict[int, list[Event]] = defaultdict(list)
        self._trigger_and_expire(events)
        if self.random.random() < 0.1:
            symbol = self.random.choice(self.symbols)
            groups.append((self.shards[symbol], [self._define(symbol)]))
        if self.random.random() < 0.1:
            account = self.random.choice(self.accounts)
            groups.append((LEDGER_GROUP, [self._transfer(CASH, account, BANK, self.random.randrange(1, 1000))]))
        for _ in range(self.random.randrange(orders + 1)):
            open_orders = [order for order in self.orders.values() if order["status"] == "open"]
            if open_orders and self.random.random() < 0.25:
                change = self.random.choice([self._cancel, self._replace])
                command = change(self.random.choice([*open_orders, self.orders[1]]), events)
            else:
                command = self._place(events)
            groups.append((self.shards[command.symbol], [command]))
        self._journal(groups)
        for shard, happened in events.items():
            self._waiting[shard].append(Moment(len(self.logs[JOURNAL]), self.time, happened))
        for shard in self._waiting:
            if self.random.random() < 0.7:
                self._answer(shard)

    def flush(self) -> None:
        """The engines answer all there is."""
        for shard in self._waiting:
            self._answer(shard)

    def book(self, symbol: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """What is shown: bids and asks, best first."""
        levels: dict[str, dict[int, int]] = {"buy": defaultdict(int), "sell": defaultdict(int)}
        for order in self.orders.values():
            if order["symbol"] == symbol and order["shown"]:
                levels[order["side"]][order["limit"]] += order["shown"]
        return sorted(levels["buy"].items(), reverse=True), sorted(levels["sell"].items())

    def events(self, kind: type) -> list:
        """All events of a kind that the logs hold."""
        batches = [
            msgspec.json.decode(payload, type=EventBatch)
            for log in sorted(self.logs.keys() - {JOURNAL})
            for payload in self.logs[log]
        ]
        events = [event for batch in batches for moment in batch.moments for event in moment.events]
        return [event for event in events if type(event) is kind]

    def _define(self, symbol: str) -> DefineSymbol:
        self.fees[symbol] = self.random.choice([Fees(), Fees(-3, 7), Fees(12, 25)])
        return DefineSymbol(symbol, symbol.title(), self.shards[symbol], 1, 1, 1000, fees=self.fees[symbol])

    def _transfer(self, asset: str, source: str, target: str, amount: int) -> Transfer:
        self.balances[source][asset] -= amount
        self.balances[target][asset] += amount
        return Transfer(asset, amount, source, target, "test")

    def _place(self, events: dict[int, list[Event]]) -> PlaceOrder:
        chance, number = self.random, len(self.orders) + 1
        kind = chance.choice(["limit"] * 8 + ["market", "stop", "stop_limit", "trailing_stop"])
        tif = chance.choice(["gtc", "gtc", "gtc", "day", "gtd", "ioc", "fok"]) if kind != "market" else "ioc"
        rests = kind in ("limit", "stop_limit") and tif in ("gtc", "day", "gtd")
        waits = kind not in ("limit", "market")
        order = PlaceOrder(
            number,
            chance.choice(self.accounts),
            f"c{number}",
            chance.choice(self.symbols),
            chance.choice(["buy", "sell"]),
            chance.randrange(1, 50),
            self._price(),
            1,
            kind=kind,
            tif=tif,
            stop_price=self._price() if waits else 0,
            trail=50 if kind == "trailing_stop" else 0,
            expires=self.time + chance.randrange(1, 200 * 10**9) if tif in ("day", "gtd") else 0,
            post_only=kind == "limit" and rests and chance.random() < 0.1,
            display=chance.randrange(1, 10) if rests and chance.random() < 0.2 else 0,
            self_trade=chance.choice(["allow", "cancel_newest", "cancel_oldest", "cancel_both", "decrement"]),
        )
        self.orders[number] = record = {
            **msgspec.structs.asdict(order), "limit": order.price, "open": order.quantity, "shown": 0, "queue": 0,
            "waits": waits, "filled": 0, "status": "open", "reason": "", "fees": self.fees[order.symbol], "time": self.time,
        }  # fmt: skip
        if not waits:
            self._arrive(record, events[self.shards[order.symbol]])
        return order

    def _price(self) -> int:
        return 1000 + self.random.randrange(-9, 10) * 10

    def _arrive(self, taker: dict, happened: list[Event]) -> None:
        maker = self._best(taker)
        if maker and taker["post_only"]:
            return self._end(taker, "post_only", happened)
        if taker["tif"] == "fok" and self.random.random() < 0.5:
            return self._end(taker, "fok", happened)
        while taker["open"] and (maker := self._best(taker)):
            mode = taker["self_trade"] if taker["account"] == maker["account"] else "allow"
            if mode in ("cancel_oldest", "cancel_both"):
                self._end(maker, "self_trade", happened)
            if mode in ("cancel_newest", "cancel_both"):
                return self._end(taker, "self_trade", happened)
            if mode == "decrement":
                quantity = min(maker["open"], taker["open"])
                for order in (maker, taker):
                    happened.append(Decremented(order["order_id"], order["symbol"], quantity))
                    self._take_off(order, quantity, "cancelled", "self_trade")
            elif mode == "allow":
                happened.append(self._trade(maker, taker))
            if maker["open"] and not maker["shown"]:
                self._show(maker)
                happened.append(Refreshed(maker["order_id"], maker["symbol"], maker["shown"]))
        if taker["open"] and taker["kind"] in ("limit", "stop_limit") and taker["tif"] in ("gtc", "day", "gtd"):
            self._show(taker)
            happened.append(Rested(taker["order_id"], taker["symbol"], taker["side"], taker["limit"], taker["shown"]))
        elif taker["open"]:
            self._end(taker, "ioc", happened)
        return None

    def _show(self, order: dict) -> None:
        """Behind all others."""
        self._arrivals += 1
        order |= {"shown": min(order["display"] or order["open"], order["open"]), "queue": self._arrivals}

    def _take_off(self, order: dict, quantity: int, status: str, reason: str) -> None:
        order["open"] -= quantity
        order["shown"] = max(0, order["shown"] - quantity)
        if not order["open"]:
            order |= {"status": status, "reason": reason}

    def _end(self, order: dict, reason: str, happened: list[Event]) -> None:
        happened.append(Cancelled(order["order_id"], order["symbol"], order["open"], reason))
        order |= {"status": "cancelled", "reason": reason, "open": 0, "shown": 0}

    def _best(self, taker: dict) -> dict | None:
        sign = 1 if taker["side"] == "buy" else -1
        makers = [
            order for order in self.orders.values()
            if order["symbol"] == taker["symbol"] and order["side"] != taker["side"] and order["shown"]
            and sign * order["limit"] <= sign * taker["limit"]
        ]  # fmt: skip
        return min(makers, key=lambda order: (sign * order["limit"], order["queue"]), default=None)

    def _trade(self, maker: dict, taker: dict) -> Traded:
        symbol, price = maker["symbol"], maker["limit"]
        quantity = min(maker["shown"], taker["open"])
        trades = self.trades[symbol]
        trade = Traded(symbol, len(trades) + 1, maker["order_id"], taker["order_id"], price, quantity, taker["side"])
        trades.append((trade, self.time))
        for order, role in ((maker, "maker"), (taker, "taker")):
            order["filled"] += quantity
            self._take_off(order, quantity, "filled", "")
            basis_points = getattr(order["fees"], role)
            cost = -((-price * quantity * basis_points) // 10_000)
            sign = 1 if order["side"] == "buy" else -1
            self.balances[order["account"]][symbol] += sign * quantity
            self.balances[order["account"]][CASH] -= sign * price * quantity + cost
            self.balances[FEES][CASH] += cost
            self.fills[order["account"]].append(
                (order["order_id"], symbol, trade.trade_id, order["side"], price, quantity, cost, role, self.time)
            )
        return trade

    def _cancel(self, order: dict, events: dict[int, list[Event]]) -> CancelOrder:
        number, symbol = order["order_id"], order["symbol"]
        if order["status"] == "open":
            self._end(order, "owner", events[self.shards[symbol]])
        else:
            events[self.shards[symbol]].append(CancelRefused(number, symbol))
        return CancelOrder(number, order["account"], symbol)

    def _replace(self, order: dict, events: dict[int, list[Event]]) -> ReplaceOrder:
        number, symbol, open_quantity = order["order_id"], order["symbol"], order["open"]
        happened = events[self.shards[symbol]]
        quantity = self.random.randrange(1, 50)
        price = self.random.choice([order["limit"], self._price()])
        stop_price = self._price() if order["waits"] else 0
        command = ReplaceOrder(number, order["account"], symbol, quantity, open_quantity, price, 0, stop_price)
        if order["status"] != "open":
            happened.append(ReplaceRefused(number, symbol))
            return command
        kept = price == order["limit"] and quantity <= open_quantity and not order["waits"]
        order |= {"open": quantity, "limit": price, "shown": min(order["shown"], quantity) if kept else 0}
        happened.append(Replaced(number, symbol, order["side"], price, quantity, kept, stop_price))
        if not kept and not order["waits"]:
            self._arrive(order, happened)
        return command

    def _trigger_and_expire(self, events: dict[int, list[Event]]) -> None:
        """This market has its own mind about when a stop price is reached."""
        for order in [order for order in self.orders.values() if order["status"] == "open"]:
            happened = events[self.shards[order["symbol"]]]
            if 0 < order["expires"] <= self.time:
                self._end(order, "expired", happened)
            elif order["waits"] and self.random.random() < 0.2:
                order["waits"] = False
                happened.append(Triggered(order["order_id"], order["symbol"], order["stop_price"]))
                self._arrive(order, happened)

    def _journal(self, groups: list[tuple[int, list]]) -> None:
        log = self.logs[JOURNAL]
        refusals = []
        if self.random.random() < 0.2:
            self.refusals += 1
            text = self.random.choice(["ü\x00€", "'; DROP TABLE placed; --", ""])
            refusals = [RefusalRecord(self.accounts[0], "malformed", text, text, "NONE", "buy", 10**30, -(10**30))]
        log.append(
            encode(
                JournalBatch(
                    len(log) + 1,
                    self.time,
                    digest(log[-1]) if log else "",
                    {shard: len(self.logs[events_log(shard)]) for shard in self._waiting},
                    [Group(shard, msgspec.Raw(encode(commands))) for shard, commands in groups],
                    refusals,
                )
            )
        )

    def _answer(self, shard: int) -> None:
        moments, self._waiting[shard] = self._waiting[shard], []
        events = [(moment.journal, moment.time, event) for moment in moments for event in moment.events]
        cut = self.random.randrange(len(events) + 1) if self.random.random() < 0.2 else 0
        for part, more in ((events[:cut], True), (events[cut:], False)):
            if part or not more:
                self._append(shard, part, more)

    def _append(self, shard: int, events: list[tuple[int, int, Event]], more: bool) -> None:
        log = self.logs[events_log(shard)]
        moments: list[Moment] = []
        for journal, time, event in events:
            if not moments or moments[-1].journal != journal:
                moments.append(Moment(journal, time, []))
            moments[-1].events.append(event)
        through = len(self.logs[JOURNAL])
        log.append(encode(EventBatch(len(log) + 1, through, digest(log[-1]) if log else "", moments, more)))


def deliveries(
    logs: dict[str, list[bytes]], through: dict[str, int], chance: random.Random
) -> Iterator[dict[str, list[bytes]]]:
    """What is left of the logs in portions as a sink gets them: an event batch together with or after its journal batches."""
    position = dict.fromkeys(logs, 0) | through
    while any(position[log] < len(payloads) for log, payloads in logs.items()):
        inputs: dict[str, list[bytes]] = {}
        needed = position[JOURNAL] + chance.randrange(4)
        for log in sorted(logs.keys() - {JOURNAL}):
            taken = logs[log][position[log] : position[log] + chance.randrange(4)]
            if taken:
                inputs[log] = taken
                position[log] += len(taken)
                needed = max(needed, decode_header(taken[-1]).journal_through)
        if taken := logs[JOURNAL][position[JOURNAL] : needed]:
            inputs[JOURNAL] = taken
            position[JOURNAL] += len(taken)
        if inputs:
            yield inputs
