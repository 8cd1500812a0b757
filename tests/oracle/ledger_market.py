"""A market small enough to hold in one's head: the real ledger, a slow matcher or the real engine, and logs that are lists."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import msgspec

from engine.stage import EngineStage
from exchange.digest import digest
from exchange.market import AccountRules, Fees, Limits, Market, SymbolRules
from exchange.messages.account import Portfolio, ReportsAnswer
from exchange.messages.administration import Deposit, LedgerState, NewAccount
from exchange.messages.base import encode
from exchange.messages.events import Event, EventBatch, Moment
from exchange.subjects import JOURNAL, events_log
from ledger.desk import DEPOSIT, OPEN_ACCOUNT
from ledger.invariants import check
from ledger.questions import portfolio
from ledger.stage import LedgerStage
from tests.oracle.ledger import LedgerOracle
from tests.oracle.ledger_day_matcher import DayMatcher

START = 1_700_000_000_000_000_000
SECOND = 1_000_000_000


def small_market(**changes: Any) -> Market:
    """KRYP (tick 0.01) with engine 1 and ADAM (tick 0.05, lot 10) with engine 2; nobody is given anything."""
    market = Market(
        title="small",
        symbols=[
            SymbolRules("KRYP", "Kryptonite", "20.50"),
            SymbolRules("ADAM", "Adamantium", "142.00", tick="0.05", lot=10),
        ],
        fees=Fees(),
        accounts=AccountRules(cash=0),
        limits=Limits(open_orders=1_000, orders_per_second=0, order_quantity=1_000_000),
        shards=2,
    )
    return msgspec.structs.replace(market, **changes)


class SmallMarket:
    """Leads a ledger turn by turn; after every turn the invariants, a follower and the oracle are held against it."""

    def __init__(
        self, market: Market | None = None, random: Random | None = None, slice_max: int = 0, *, engines: bool = False
    ) -> None:
        """`engines`: the real ones match, instead of the slow matcher."""
        self.market = market or small_market()
        self.now = START
        self.journal: list[bytes] = []
        self.inputs: list[dict[str, list[bytes]]] = []
        """Per journal batch, the event batches that it contains."""
        self.oracle = LedgerOracle()
        self.reports: dict[str, list[dict[str, Any]]] = {}
        """Per account, all reports as they were sent, in order."""
        self.answers: dict[str, Any] = {}
        """Per inbox, the last answer as plain JSON."""
        self.stage = LedgerStage(self.market)
        self.follower = LedgerStage(self.market)
        self._matchers = {shard: DayMatcher(random, slice_max) for shard in range(1, self.market.shards + 1)}
        self._engines = {shard: EngineStage(shard) for shard in self._matchers} if engines else {}
        self._matched = dict.fromkeys(self._matchers, 0)
        self._events: dict[int, tuple[int, str]] = dict.fromkeys(self._matchers, (0, ""))
        self._inboxes = 0
        self.opening: dict[str, int] = {}
        """Opening prices, as they were first stated."""

    def request(self, account: str, commands: Any) -> Any:
        """Send commands (Structs, plain JSON or bytes), take a turn, return the answer as plain JSON."""
        payload = commands if isinstance(commands, bytes) else encode(commands)
        inbox = self.send("orders", account, payload)
        self.turn()
        return self.answers.pop(inbox)

    def ask(self, verb: str, account: str = "", message: Any = b"") -> Any:
        """Send a question or a request of the operator, take a turn, return the answer as plain JSON."""
        inbox = self.send(verb, account, message if isinstance(message, bytes) else encode(message))
        self.turn()
        return self.answers.pop(inbox)

    def send(self, verb: str, account: str, payload: bytes) -> str:
        """Send without a turn; returns the inbox of the answer."""
        self._inboxes += 1
        inbox = f"_INBOX.{self._inboxes}"
        submit = self.stage.submit_question
        refused = (
            self.stage.submit_request(account, inbox, payload) if verb == "orders" else submit(verb, account, inbox, payload)
        )
        if refused is not None:
            self.answers[inbox] = json.loads(refused)
        return inbox

    def open(self, account: str, cash: int = 0, **shares: int) -> None:
        assert self.ask(OPEN_ACCOUNT, "", NewAccount(account, cash, shares))["type"] == "done"

    def deposit(self, account: str, asset: str, amount: int, key: str = "", reason: str = "deposit") -> Any:
        return self.ask(DEPOSIT, "", Deposit(account, asset, amount, reason, key))

    def portfolio(self, account: str) -> Portfolio:
        return msgspec.convert(self.ask("portfolio", account), Portfolio)

    def reports_after(self, account: str, after: int) -> ReportsAnswer:
        return msgspec.convert(self.ask("reports", account, encode({"after": after})), ReportsAnswer)

    def state(self) -> LedgerState:
        return msgspec.convert(self.ask("admin.digest"), LedgerState, strict=False)

    def match(self) -> dict[str, list[bytes]]:
        """Let the engines work off the journal; returns their event batches, which nobody has applied yet."""
        batches: dict[str, list[bytes]] = {}
        for shard, engine in self._engines.items():
            payloads = engine.turn({JOURNAL: self.journal[self._matched[shard] :]}, self.now).payloads
            self._matched[shard] = len(self.journal)
            if payloads:
                batches[engine.output] = payloads
        if self._engines:
            return batches
        for shard, matcher in self._matchers.items():
            moments = []
            for payload in self.journal[self._matched[shard] :]:
                batch = json.loads(payload)
                commands = [c for group in batch.get("groups", []) if group["shard"] == shard for c in group["commands"]]
                if events := matcher.batch(batch["time"], commands):
                    moments.append(Moment(batch["number"], batch["time"], events))
            self._matched[shard] = len(self.journal)
            if moments:
                number, previous = self._events[shard]
                payload = encode(EventBatch(number + 1, len(self.journal), previous, moments))
                self._events[shard] = (number + 1, digest(payload))
                batches[events_log(shard)] = [payload]
        return batches

    def settle(self) -> None:
        """Match, and let the ledger apply what came of it."""
        self.turn(self.match())

    def turn(self, inputs: dict[str, list[bytes]] | None = None, elapsed: int = 1_000_000) -> list[bytes]:
        """One turn of the leader; its journal batch, if it wrote one, is replayed by the follower and checked."""
        inputs = inputs or {}
        self.now += elapsed
        result = self.stage.turn(inputs, self.now)
        assert len(result.payloads) <= 1
        assert result.payloads or not inputs, "events are always in a batch"
        for payload in result.payloads:
            assert len(payload) <= 1_000_000
            self.journal.append(payload)
            self.inputs.append(inputs)
            for log in sorted(inputs):
                for batch in inputs[log]:
                    self.oracle.events(batch)
            self.oracle.journal(payload)
            self.follower.replay(payload, inputs)
            assert self.follower.snapshot() == self.stage.snapshot()
        for subject, message in result.messages:
            self._receive(subject, message)
        self.check()
        return result.payloads

    def check(self) -> None:
        """Invariants, and all balances, holds, open orders and numbers of reports against the oracle."""
        ledger = self.stage.ledger
        check(ledger)
        for symbol, listing in ledger.symbols.items():
            self.opening.setdefault(symbol, listing.definition.opening_price)
        rows = [(name, asset, b) for name, account in ledger.accounts.items() for asset, b in account.balances.items()]
        assert {(name, asset): b.total for name, asset, b in rows if b.total} == self.oracle.balances()
        assert {(name, asset): b.held for name, asset, b in rows if b.held} == self.oracle.holds()
        assert {i: o.remaining for i, o in ledger.orders.items()} == {i: o["remaining"] for i, o in self.oracle.orders.items()}
        for account, (paid_in, fees, worth) in self.oracle.profits().items():
            told = portfolio(ledger, ledger.accounts[account])
            unrealized = sum(position.unrealized for position in told.positions)
            assert (told.equity, told.fees) == (worth, fees)
            assert told.equity == paid_in + told.realized + unrealized - fees, "profit and loss explain all of the equity"
        prices = {i: (o.command.price, o.command.stop_price > 0) for i, o in ledger.orders.items()}
        assert prices == {i: (o["price"], o["waiting"]) for i, o in self.oracle.orders.items()}
        assert ledger.cancels == self.oracle.cancels
        assert set(ledger.replaces) == set(self.oracle.replaces)
        assert {n: a.report for n, a in ledger.accounts.items() if a.report} == dict(self.oracle.reports)
        assert {s: listing.last for s, listing in ledger.symbols.items() if listing.last} == self.oracle.last
        days = {symbol: (listing.phase, listing.phase_reason) for symbol, listing in ledger.symbols.items()}
        assert days == {symbol: self.oracle.day.get(symbol, ("continuous", "")) for symbol in days}
        for symbol, listing in ledger.symbols.items():
            assert listing.reference == self.oracle.references.get(symbol, self.opening[symbol])
        rules = {name: (account.self_trade, account.cancel_on_disconnect) for name, account in ledger.accounts.items()}
        assert rules == {name: self.oracle.account_rules.get(name, ("cancel_newest", False)) for name in rules}
        assert all(len(ids) == 1 for ids in self.oracle.placed.values()), "no client order id is placed twice"

    def restart(self, market: Market | None = None, snapshot: bool = False) -> None:
        """The leader dies with all that waited, and a new one recovers from the logs, or from a snapshot of just now."""
        self.market = market or self.market
        stage = LedgerStage(self.market)
        if snapshot:
            stage.restore(self.stage.snapshot())
        else:
            for payload, inputs in zip(self.journal, self.inputs, strict=True):
                stage.replay(payload, inputs)
        assert stage.snapshot() == self.stage.snapshot()
        self.stage = stage

    def _receive(self, subject: str, message: bytes) -> None:
        content = json.loads(message)
        if not subject.startswith("reports."):
            self.answers[subject] = content
            return
        received = self.reports.setdefault(subject.removeprefix("reports."), [])
        assert content["number"] == len(received) + 1, "reports are numbered without gaps"
        received += content["reports"]


class TellingMarket(SmallMarket):
    """A market whose engine 1 is the test: it says itself what events there are."""

    def __init__(self, market: Market | None = None) -> None:
        super().__init__(market)
        self._said = 0
        self._last = ""

    def say(self, *events: Event, more: bool = False) -> None:
        """One batch of events; with `more`, the rest of its turn comes with the next."""
        self._said += 1
        journal = len(self.journal)
        payload = encode(EventBatch(self._said, journal, self._last, [Moment(journal, START, list(events))], more))
        self._last = digest(payload)
        self.turn({events_log(1): [payload]})
