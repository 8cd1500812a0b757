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
    Activated,
    Cancelled,
    CancelRefused,
    Decremented,
    Event,
    EventBatch,
    Indicated,
    Moment,
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
    LEDGER_GROUP,
    CancelOrder,
    DefineSymbol,
    Fees,
    Group,
    JournalBatch,
    OpenAccount,
    PlaceBracket,
    PlaceOco,
    PlaceOrder,
    RefusalRecord,
    ReplaceOrder,
    SetAccountRules,
    SetPhase,
    Transfer,
)
from exchange.subjects import JOURNAL, events_log
from tests.oracle.auction import auction

START = 1_700_000_000 * 10**9
COLLECTING = ("pre_open", "closing_auction")
RESTING = ("gtc", "day", "gtd")


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
        self.phases = dict.fromkeys(self.symbols, "continuous")
        self._arrivals = 0
        self._completed: list[dict] = []
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
        if self.random.random() < 0.1:
            rules = SetAccountRules(self.random.choice(self.accounts), "cancel_both", self.random.random() < 0.5)
            groups.append((LEDGER_GROUP, [rules]))
        if self.random.random() < 0.2:
            weights = [1 if phase == "continuous" else 4 for phase in self.phases.values()]
            command = self._go_on(self.random.choices(self.symbols, weights)[0], events)
            groups.append((self.shards[command.symbol], [command]))
        for _ in range(self.random.randrange(orders + 1)):
            open_orders = [order for order in self.orders.values() if order["status"] == "open"]
            if open_orders and self.random.random() < 0.25:
                change = self.random.choice([self._cancel, self._replace])
                command = change(self.random.choice([*open_orders, self.orders[1]]), events)
            else:
                command = self._command(events)
            self._activate(events)
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

    def _go_on(self, symbol: str, events: dict[int, list[Event]]) -> SetPhase:
        """Auctions begin and end, and there is a halt now and then."""
        happened = events[self.shards[symbol]]
        phase = self.random.choice([*COLLECTING, *["continuous"] * 3, "halted"])
        reason = "ü\x00'; --" if phase == "halted" else ""
        if phase != self.phases[symbol]:
            self.phases[symbol] = phase
            happened.append(PhaseChanged(symbol, phase, reason))
            mine = [order for order in self.orders.values() if order["symbol"] == symbol and order["status"] == "open"]
            if phase == "continuous":
                self._uncross(symbol, happened)
                for order in mine:
                    if order["tif"] in ("opg", "cls") and order["shown"] and order["status"] == "open":
                        self._end(order, "auction_over", happened)
            for order in mine:
                if phase == "closing_auction" and order["tif"] == "cls" and order["parked"] and not order["entry"]:
                    self._rest(order, happened)
        self._activate(events)
        return SetPhase(symbol, phase, reason)

    def _uncross(self, symbol: str, happened: list[Event]) -> None:
        """At one price; once more should the orders of a pair have counted twice."""
        while True:
            price, left, imbalance = auction(self._interest(symbol, "buy"), self._interest(symbol, "sell"), 10, 1000)
            if not left:
                return
            happened.append(ReferenceMoved(symbol, price))
            happened.append(Indicated(symbol, price, left, imbalance))
            at_price = {"limit": price, "symbol": symbol}
            while (
                left and (sell := self._best(at_price | {"side": "buy"})) and (buy := self._best(at_price | {"side": "sell"}))
            ):
                quantity = min(buy["shown"], sell["shown"], left)
                left -= quantity
                self._trade(sell, buy, happened, (price, quantity))

    def _interest(self, symbol: str, side: str) -> list[tuple[int, int]]:
        mine = [order for order in self.orders.values() if order["symbol"] == symbol and order["side"] == side]
        return [(order["limit"], order["open"]) for order in mine if order["shown"]]

    def _command(self, events: dict[int, list[Event]]) -> PlaceOrder | PlaceOco | PlaceBracket:
        """A new order or group."""
        chance = self.random.random()
        if chance < 0.1:
            limit, stop = self._pair(self._order("limit", self.random.choice(RESTING)))
            self._come_as_pair(self.orders[limit.order_id], events)
            return PlaceOco(limit, stop, 1)
        entry = self._order()
        record = self.orders[entry.order_id]
        if chance > 0.2:
            self._come(record, events[self.shards[entry.symbol]])
            return entry
        side = "sell" if entry.side == "buy" else "buy"
        legs = self._pair(self._order("limit", "gtc", side=side, symbol=entry.symbol, quantity=entry.quantity))
        for leg in legs:
            self.orders[leg.order_id] |= {"entry": entry.order_id, "parked": True}
        record["legs"] = [leg.order_id for leg in legs]
        self._come(record, events[self.shards[entry.symbol]])
        return PlaceBracket(entry, *legs, 1)

    def _pair(self, limit: PlaceOrder) -> tuple[PlaceOrder, PlaceOrder]:
        """With a stop order that goes with it."""
        kind = self.random.choice(["stop", "stop_limit", "trailing_stop"])
        same = {name: getattr(limit, name) for name in ("account", "symbol", "side", "quantity", "expires")}
        stop = self._order(kind, limit.tif, **same)
        for one, other in ((limit, stop), (stop, limit)):
            self.orders[one.order_id]["pair"] = other.order_id
        return limit, stop

    def _come_as_pair(self, first: dict, events: dict[int, list[Event]]) -> None:
        happened = events[self.shards[first["symbol"]]]
        self._come(first, happened)
        second = self.orders[first["pair"]]
        if second["open"]:
            self._come(second, happened)

    def _order(self, kind: str = "", tif: str = "", **more: object) -> PlaceOrder:
        """Any order, or one of a kind, known from now on."""
        chance, number = self.random, len(self.orders) + 1
        kind = kind or chance.choice(["limit"] * 8 + ["market", "stop", "stop_limit", "trailing_stop"])
        some = ["gtc", "gtc", "gtc", "day", "gtd", "ioc", "fok"] if kind != "market" else ["ioc"]
        tif = tif or chance.choice(some + ["opg", "cls"] * (kind in ("limit", "market")))
        rests = kind in ("limit", "stop_limit") and tif in RESTING
        waits = kind not in ("limit", "market")
        fields = {
            "account": chance.choice(self.accounts),
            "symbol": chance.choice(self.symbols),
            "side": chance.choice(["buy", "sell"]),
            "quantity": chance.randrange(1, 50),
            "expires": self.time + chance.randrange(1, 200 * 10**9) if tif in ("day", "gtd", "opg", "cls") else 0,
        }
        order = PlaceOrder(
            number,
            client_order_id=f"c{number}",
            price=self._price(),
            hold=1,
            kind=kind,
            tif=tif,
            stop_price=self._price() if waits else 0,
            trail=50 if kind == "trailing_stop" else 0,
            post_only=kind == "limit" and rests and chance.random() < 0.1,
            display=chance.randrange(1, 10) if rests and chance.random() < 0.2 else 0,
            self_trade=chance.choice(["allow", "cancel_newest", "cancel_oldest", "cancel_both", "decrement"]),
            **(fields | more),
        )
        self.orders[number] = {
            **msgspec.structs.asdict(order), "limit": order.price, "open": order.quantity, "shown": 0, "queue": 0,
            "waits": waits, "filled": 0, "status": "open", "reason": "", "fees": self.fees[order.symbol], "time": self.time,
            "pair": 0, "entry": 0, "legs": [], "parked": False,
        }  # fmt: skip
        return order

    def _come(self, order: dict, happened: list[Event]) -> None:
        """What its phase does with an order that comes, or comes back."""
        phase = self.phases[order["symbol"]]
        order["parked"] = False
        if phase == "halted":
            self._end(order, "halted", happened)
        elif order["waits"]:
            pass
        elif order["tif"] == "cls" and phase != "closing_auction":
            order["parked"] = True
        elif order["tif"] == "opg" and phase != "pre_open":
            self._end(order, "auction_over", happened)
        elif phase == "continuous":
            self._arrive(order, happened)
        elif order["tif"] in ("ioc", "fok"):
            self._end(order, "auction", happened)
        else:
            self._rest(order, happened)

    def _rest(self, order: dict, happened: list[Event]) -> None:
        order["parked"] = False
        self._show(order)
        happened.append(Rested(order["order_id"], order["symbol"], order["side"], order["limit"], order["shown"]))

    def _activate(self, events: dict[int, list[Event]]) -> None:
        """The legs of entries that have ended come to life."""
        while self._completed:
            entry = self._completed.pop()
            legs = [self.orders[number] for number in entry["legs"]]
            for leg in legs:
                leg |= {"open": entry["filled"], "parked": False}
                events[self.shards[leg["symbol"]]].append(Activated(leg["order_id"], leg["symbol"], leg["open"]))
            self._come_as_pair(legs[0], events)

    def _mirror(self, order: dict, quantity: int, happened: list[Event]) -> None:
        """An order has lost a quantity, or has ended: what that means for its pair, and for its legs."""
        other = self.orders.get(order["pair"], {"open": 0})
        if other["open"] and not order["open"]:
            self._end(other, "pair", happened)
        elif other["open"]:
            happened.append(Decremented(other["order_id"], other["symbol"], quantity))
            showed = other["shown"] > 0
            self._take_off(other, quantity, "", "")
            if showed and not other["shown"]:
                self._refresh(other, happened)
        if not order["open"] and order["legs"] and self.orders[order["legs"][0]]["open"]:
            if order["filled"]:
                self._completed.append(order)
            else:
                self._end(self.orders[order["legs"][0]], "pair", happened)

    def _refresh(self, order: dict, happened: list[Event]) -> None:
        self._show(order)
        happened.append(Refreshed(order["order_id"], order["symbol"], order["shown"]))

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
                if maker["open"] and not maker["shown"]:
                    self._refresh(maker, happened)
                for order in (maker, taker):
                    self._mirror(order, quantity, happened)
            elif mode == "allow":
                self._trade(maker, taker, happened)
        if taker["open"] and taker["kind"] in ("limit", "stop_limit") and taker["tif"] in RESTING:
            self._rest(taker, happened)
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
        self._mirror(order, 0, happened)

    def _best(self, taker: dict) -> dict | None:
        sign = 1 if taker["side"] == "buy" else -1
        makers = [
            order for order in self.orders.values()
            if order["symbol"] == taker["symbol"] and order["side"] != taker["side"] and order["shown"]
            and sign * order["limit"] <= sign * taker["limit"]
        ]  # fmt: skip
        return min(makers, key=lambda order: (sign * order["limit"], order["queue"]), default=None)

    def _trade(self, maker: dict, taker: dict, happened: list[Event], crossing: tuple[int, int] | None = None) -> None:
        """At the maker's price; in an auction at this price and so much."""
        symbol, trades = maker["symbol"], self.trades[maker["symbol"]]
        price, quantity = crossing or (maker["limit"], min(maker["shown"], taker["open"]))
        ids = (len(trades) + 1, maker["order_id"], taker["order_id"])
        trade = Traded(symbol, *ids, price, quantity, taker["side"], auction=bool(crossing))
        happened.append(trade)
        trades.append((trade, self.time))
        for order, role in ((maker, "maker"), (taker, "taker")):
            order["filled"] += quantity
            showed = order["shown"] > 0
            self._take_off(order, quantity, "filled", "")
            if showed and order["open"] and not order["shown"]:
                self._refresh(order, happened)
            basis_points = order["fees"].taker if crossing else getattr(order["fees"], role)
            cost = -((-price * quantity * basis_points) // 10_000)
            sign = 1 if order["side"] == "buy" else -1
            self.balances[order["account"]][symbol] += sign * quantity
            self.balances[order["account"]][CASH] -= sign * price * quantity + cost
            self.balances[FEES][CASH] += cost
            liquidity = "auction" if crossing else role
            self.fills[order["account"]].append(
                (order["order_id"], symbol, trade.trade_id, order["side"], price, quantity, cost, liquidity, self.time)
            )
        for order in (maker, taker):
            self._mirror(order, quantity, happened)

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
        grouped = order["pair"] or order["legs"]
        quantity = open_quantity if grouped and open_quantity else self.random.randrange(1, 50)
        price = self.random.choice([order["limit"], self._price()])
        stop_price = self._price() if order["waits"] else 0
        command = ReplaceOrder(number, order["account"], symbol, quantity, open_quantity, price, 0, stop_price)
        if self.phases[symbol] == "halted" or order["status"] != "open":
            happened.append(ReplaceRefused(number, symbol, "halted" if self.phases[symbol] == "halted" else "late"))
            return command
        in_book = order["shown"] > 0
        kept = (order["parked"] and order["entry"] > 0) or (in_book and price == order["limit"] and quantity <= open_quantity)
        order |= {"open": quantity, "limit": price, "shown": min(order["shown"], quantity) if kept else 0}
        happened.append(Replaced(number, symbol, order["side"], price, quantity, kept, stop_price))
        if in_book and not kept:
            self._come(order, happened)
        return command

    def _trigger_and_expire(self, events: dict[int, list[Event]]) -> None:
        """This market has its own mind about when a stop price is reached."""
        for order in [order for order in self.orders.values() if order["status"] == "open"]:
            happened = events[self.shards[order["symbol"]]]
            leg = order["parked"] and order["entry"]
            if order["status"] != "open" or leg:
                continue
            if 0 < order["expires"] <= self.time:
                self._end(order, "expired", happened)
            elif order["waits"] and self.phases[order["symbol"]] == "continuous" and self.random.random() < 0.2:
                order["waits"] = False
                happened.append(Triggered(order["order_id"], order["symbol"], order["stop_price"]))
                self._arrive(order, happened)
        self._activate(events)

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
