"""Random markets, written slowly and plainly: the logs a ledger and its engines could have left, and what they add up to."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator

import msgspec

from exchange.digest import digest
from exchange.log import decode_header
from exchange.messages import (
    BANK,
    CASH,
    FEES,
    ISSUER,
    LEDGER_GROUP,
    Cancelled,
    CancelOrder,
    CancelRefused,
    DefineSymbol,
    Event,
    EventBatch,
    Fees,
    Group,
    JournalBatch,
    Moment,
    OpenAccount,
    PlaceOrder,
    RefusalRecord,
    Rested,
    Traded,
    Transfer,
    encode,
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
        if self.random.random() < 0.1:
            symbol = self.random.choice(self.symbols)
            groups.append((self.shards[symbol], [self._define(symbol)]))
        if self.random.random() < 0.1:
            account = self.random.choice(self.accounts)
            groups.append((LEDGER_GROUP, [self._transfer(CASH, account, BANK, self.random.randrange(1, 1000))]))
        for _ in range(self.random.randrange(orders + 1)):
            open_orders = [order for order in self.orders.values() if order["status"] == "open"]
            if open_orders and self.random.random() < 0.25:
                command = self._cancel(self.random.choice([*open_orders, self.orders[1]]), events)
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
        """Bids and asks, best first."""
        levels: dict[str, dict[int, int]] = {"buy": defaultdict(int), "sell": defaultdict(int)}
        for order in self.orders.values():
            if order["symbol"] == symbol and order["status"] == "open":
                levels[order["side"]][order["price"]] += order["quantity"] - order["filled"]
        return sorted(levels["buy"].items(), reverse=True), sorted(levels["sell"].items())

    def _define(self, symbol: str) -> DefineSymbol:
        self.fees[symbol] = self.random.choice([Fees(), Fees(-3, 7), Fees(12, 25)])
        return DefineSymbol(symbol, symbol.title(), self.shards[symbol], 1, 1, 1000, fees=self.fees[symbol])

    def _transfer(self, asset: str, source: str, target: str, amount: int) -> Transfer:
        self.balances[source][asset] -= amount
        self.balances[target][asset] += amount
        return Transfer(asset, amount, source, target, "test")

    def _place(self, events: dict[int, list[Event]]) -> PlaceOrder:
        number = len(self.orders) + 1
        symbol, side = self.random.choice(self.symbols), self.random.choice(["buy", "sell"])
        tif = "ioc" if self.random.random() < 0.2 else "gtc"
        quantity, price = self.random.randrange(1, 50), 1000 + self.random.randrange(-9, 10) * 10
        order = PlaceOrder(number, self.random.choice(self.accounts), f"c{number}", symbol, side, quantity, price, 1, tif=tif)
        self.orders[number] = record = {
            "order_id": number, "account": order.account, "symbol": symbol, "side": side, "price": price, "tif": tif,
            "quantity": quantity, "filled": 0, "status": "open", "reason": "", "fees": self.fees[symbol], "time": self.time,
        }  # fmt: skip
        happened = events[self.shards[symbol]]
        while record["filled"] < quantity and (maker := self._best(record)):
            happened.append(self._trade(maker, record))
        rest = quantity - record["filled"]
        if rest and tif == "gtc":
            happened.append(Rested(number, symbol, side, price, rest))
        elif rest:
            record |= {"status": "cancelled", "reason": "ioc"}
            happened.append(Cancelled(number, symbol, rest, "ioc"))
        return order

    def _best(self, taker: dict) -> dict | None:
        sign = 1 if taker["side"] == "buy" else -1
        makers = [
            order for order in self.orders.values()
            if order["symbol"] == taker["symbol"] and order["side"] != taker["side"] and order["status"] == "open"
            and sign * order["price"] <= sign * taker["price"]
        ]  # fmt: skip
        return min(makers, key=lambda order: (sign * order["price"], order["order_id"]), default=None)

    def _trade(self, maker: dict, taker: dict) -> Traded:
        symbol, price = maker["symbol"], maker["price"]
        quantity = min(order["quantity"] - order["filled"] for order in (maker, taker))
        trades = self.trades[symbol]
        trade = Traded(symbol, len(trades) + 1, maker["order_id"], taker["order_id"], price, quantity, taker["side"])
        trades.append((trade, self.time))
        for order, role in ((maker, "maker"), (taker, "taker")):
            order["filled"] += quantity
            order["status"] = "filled" if order["filled"] == order["quantity"] else "open"
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
            order |= {"status": "cancelled", "reason": "owner"}
            events[self.shards[symbol]].append(Cancelled(number, symbol, order["quantity"] - order["filled"], "owner"))
        else:
            events[self.shards[symbol]].append(CancelRefused(number, symbol))
        return CancelOrder(number, order["account"], symbol)

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
