"""The real ledger and the real engine on simulated logs, with traders that retry: one seed, one story."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import msgspec
import pytest

from engine.audit import audit as audit_engine
from engine.stage import EngineStage
from engine.state import open_quantities
from exchange.digest import digest
from exchange.keeping import Keep, Keeper, oldest_snapshot
from exchange.leader import StageLoop
from exchange.log import Chain, Entry, Log, LogCut
from exchange.market import parse_market
from exchange.messages.account import AccountRules, AccountRulesQuestion
from exchange.messages.administration import Disconnected, Done, NewAccount, PhaseRequest
from exchange.messages.base import Phase, decoder, encode
from exchange.messages.journal import EngineCommand, JournalBatch, PlaceBracket, PlaceOco, PlaceOrder
from exchange.messages.requests import Accepted, Bracket, Cancel, CancelAll, Command, Oco, Outcome, Replace, Submit
from exchange.replica import recompute
from exchange.sink import SinkLoop
from exchange.stage import Batches, Stage
from exchange.subjects import JOURNAL, events_log
from ledger.audit import audit as audit_ledger
from ledger.desk import DISCONNECTED, OPEN_ACCOUNT, PHASE, RULES
from ledger.invariants import check
from ledger.stage import LedgerStage
from tests.oracle.reckoning import Reckoning
from tests.simulation.world import MemoryLease, MemoryLog, MemorySnapshots, Process, World

MARKET = parse_market(
    b"""
title: Simulated
symbols:
  - symbol: KRYP
    name: Kryptonite
    opening_price: 20.50
    schedule: {pre_open: "08:00", opening_auction: "09:00", continuous: "09:30", closing_auction: "15:55", closed: "16:00"}
  - symbol: ADAM
    name: Adamantium
    opening_price: 142.00
    tick: 0.05
    fees: {maker: -1, taker: 7}
    bands: {order: 2, trade: 0.1, reference: 1s, auction: 2s}
fees: {maker: 2, taker: 5}
shards: 2
limits: {orders_per_second: 0}
"""
)
TRADERS = ("alice", "bob", "carol")
DAY = 1_699_920_000
"""Midnight."""
BOUNDARIES = [DAY + 3600 * hours for hours in (9, 9.5, 15 + 11 / 12, 16)]
"""When a phase of KRYP's day begins. Half of the stories happen around one, the others while it is continuous."""
CASH, SHARES = 10_000_000_000, {"KRYP": 10_000, "ADAM": 10_000}
ANSWER_SECONDS = 3.0
decode_outcome = decoder(Outcome)
decode_journal = decoder(JournalBatch)
decode_commands = decoder(list[EngineCommand])


class SimulatedMarket:
    """Two ledgers and two engines a shard, each pair one leader and one follower, and the traders' way to them."""

    LOSE, DOUBLE = 0.02, 0.02

    def __init__(self, world: World) -> None:
        self.world = world
        self.doors: dict[Process, tuple[LedgerStage, StageLoop]] = {}
        """Ledgers that lead, or believe they do."""
        self.inboxes: dict[str, asyncio.Future[bytes]] = {}
        self.reports: Counter[str] = Counter()
        self.snapshot_seconds = world.random.choice([1.0, 1.0, 5.0, 60.0])
        self.keep = world.random.choice([None, None, None, Keep(seconds=2), Keep(seconds=20), Keep(bytes=20_000)])
        self.processes = [
            Process(world, f"ledger-{copy}", lambda process: self._run(process, LedgerStage(MARKET))) for copy in range(2)
        ]
        for shard in (1, 2):
            self.processes += [
                Process(world, f"engine-{shard}-{copy}", lambda process, shard=shard: self._run(process, EngineStage(shard)))
                for copy in range(2)
            ]
        if self.keep:
            self.processes.append(Process(world, "historian", self._store))
            self.processes.append(Process(world, "keeper", self._cut))

    async def _store(self, process: Process) -> None:
        sink = MemorySink(self.world)
        logs: dict[str, Log] = {name: MemoryLog(process, name) for name in sink.inputs}
        await SinkLoop(sink, logs, snapshots=MemorySnapshots(process), mark=sink.name).run(process.asked)

    async def _cut(self, process: Process) -> None:
        assert self.keep
        stages: list[Stage] = [LedgerStage(MARKET), EngineStage(1), EngineStage(2)]
        logs = {stage.output: MemoryLog(process, stage.output) for stage in stages}
        keeper = Keeper(self.keep, logs, MemorySnapshots(process), [stage.name for stage in stages], ["historian"])
        while not process.asked.is_set():
            await keeper.step(self.world.time_ns())
            await asyncio.sleep(0.5)

    async def _run(self, process: Process, stage: LedgerStage | EngineStage) -> None:
        logs: dict[str, Log] = {name: MemoryLog(process, name) for name in (stage.output, *stage.inputs)}

        async def send(subject: str, payload: bytes) -> None:
            await process.step()
            self._deliver(subject, payload)

        loop = StageLoop(stage, logs, MemoryLease(process, stage.name), MemorySnapshots(process), send, self.world.time_ns)
        loop.snapshot_seconds = self.snapshot_seconds
        if isinstance(stage, LedgerStage):
            ledger = stage

            async def open_door() -> None:
                await process.step()
                self.doors[process] = (ledger, loop)

            loop.on_lead = open_door
        try:
            await loop.run(process.asked)
        finally:
            self.doors.pop(process, None)

    def _deliver(self, subject: str, payload: bytes) -> None:
        if subject.startswith("reports."):
            self.reports[subject] += 1
            return
        if not self.world.happens(self.LOSE):
            delay = self.world.random.expovariate(1 / self.world.delay)
            asyncio.get_running_loop().call_later(delay, self._receive, subject, payload)

    def _receive(self, inbox: str, payload: bytes) -> None:
        waiting = self.inboxes.get(inbox)
        if waiting is not None and not waiting.done():
            waiting.set_result(payload)

    def _arrive(self, verb: str, account: str, inbox: str, payload: bytes) -> None:
        """A request reaches all ledgers that lead, or believe they do; one that is frozen takes it when it wakes up."""
        for stage, loop in self.doors.values():
            if verb == "orders":
                stage.submit_request(account, inbox, payload)
            else:
                stage.submit_question(verb, account, inbox, payload)
            loop.wake()

    async def request(self, verb: str, account: str, payload: bytes) -> bytes:
        """Ask again and again until an answer comes. Each attempt may be lost, doubled or late, and so may its answer."""
        loop = asyncio.get_running_loop()
        while True:
            inbox = f"inbox.{len(self.inboxes)}"
            future = self.inboxes[inbox] = loop.create_future()
            copies = 0 if self.world.happens(self.LOSE) else 2 if self.world.happens(self.DOUBLE) else 1
            for _ in range(copies):
                late = self.world.random.uniform(0, 8) if self.world.happens(0.02) else 0
                delay = self.world.random.expovariate(1 / self.world.delay) + late
                loop.call_later(delay, self._arrive, verb, account, inbox, payload)
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    return await future
            except TimeoutError:
                continue


class MemorySink:
    """What a historian is to the logs: every batch once, stored together with the position."""

    name = "historian"
    inputs = (events_log(1), events_log(2), JOURNAL)

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiting: Batches = {}

    @property
    def stored(self) -> dict[str, tuple[int, str]]:
        return {log: (len(payloads), digest(payloads[-1])) for log, payloads in self._world.stored.items()}

    def apply(self, inputs: Batches) -> None:
        for log, payloads in inputs.items():
            self._waiting.setdefault(log, []).extend(payloads)

    def seal(self) -> None:
        for log, payloads in self._waiting.items():
            self._world.stored.setdefault(log, []).extend(payloads)
        self._waiting = {}


class Trader:
    """Sends random orders and cancels, and remembers every answer."""

    def __init__(self, market: SimulatedMarket, name: str, commands: int) -> None:
        self.market = market
        self.name = name
        self.commands = commands
        self.accepted: dict[str, int] = {}
        """Client order id → order id."""

    async def trade(self) -> None:
        random = self.market.world.random
        await self.market.request(OPEN_ACCOUNT, "", encode(NewAccount(self.name, CASH, SHARES)))
        for number in range(self.commands):
            action = random.random()
            if action < 0.1 and self.accepted:
                await self._send(Cancel(client_order_id=random.choice(list(self.accepted))))
            elif action < 0.13:
                await self._send(CancelAll())
            elif action < 0.25 and self.accepted:
                await self._replace(random.choice(list(self.accepted)))
            elif action < 0.4:
                await self._submit_group(f"{self.name}-{number}")
            elif action < 0.46:
                await self._rule()
            else:
                await self._submit(f"{self.name}-{number}")

    async def _rule(self) -> None:
        """Change the account's rules, or lose the connection."""
        random = self.market.world.random
        if random.random() < 0.5:
            answer = await self.market.request(DISCONNECTED, "", encode(Disconnected(self.name)))
            assert isinstance(msgspec.json.decode(answer, type=Done), Done)
            return
        wanted = AccountRulesQuestion(random.choice(["decrement", "cancel_oldest"]), random.choice([None, True, True, False]))
        rules = msgspec.json.decode(await self.market.request(RULES, self.name, encode(wanted)), type=AccountRules)
        assert rules.self_trade == wanted.self_trade
        assert wanted.cancel_on_disconnect in (None, rules.cancel_on_disconnect)

    async def _submit_group(self, name: str) -> None:
        random = self.market.world.random
        symbol, price, tick = random.choice([("KRYP", 205_000, 100), ("ADAM", 1_420_000, 500)])
        side = random.choice(["buy", "sell"])
        quantity = random.randint(1, 20)
        tif = random.choice(["gtc", "gtc", "day"])

        def near() -> int:
            return price + random.randint(-3, 3) * tick

        def pair(side: Any, first: str) -> tuple[Submit, Submit]:
            kind = random.choice(["stop", "stop_limit", "trailing_stop"])
            terms: dict[str, Any] = {"trail": 2 * tick} if kind == "trailing_stop" else {"stop_price": near()}
            limit = near() if kind == "stop_limit" else None
            stop = Submit(f"{name}-stop", symbol, side, quantity, kind=kind, price=limit, tif=tif, **terms)
            return Submit(first, symbol, side, quantity, price=near(), tif=tif), stop

        if random.random() < 0.5:
            await self._place(Oco(*pair(side, name)), [name, f"{name}-stop"])
            return
        entry = Submit(name, symbol, side, quantity, price=near(), tif=random.choice(["gtc", "ioc", "opg", "fok"]))
        legs = pair("sell" if side == "buy" else "buy", f"{name}-limit")
        await self._place(Bracket(entry, *legs), [name, f"{name}-limit", f"{name}-stop"])

    async def _place(self, command: Submit | Oco | Bracket, client_order_ids: list[str]) -> None:
        """Sent again now and then, though it was answered: the answer is the same."""
        for _ in range(2 if self.market.world.random.random() < 0.1 else 1):
            outcome = await self._send(command)
            if isinstance(outcome, Accepted):
                assert outcome.orders == len(client_order_ids)
                for order_id, client_order_id in enumerate(client_order_ids, outcome.order_id):
                    assert self.accepted.setdefault(client_order_id, order_id) == order_id, "placed twice"

    async def _submit(self, client_order_id: str) -> None:
        random = self.market.world.random
        symbol, price, tick = random.choice([("KRYP", 205_000, 100), ("ADAM", 1_420_000, 500)])
        market = random.random() < 0.1
        order = Submit(
            client_order_id,
            symbol,
            random.choice(["buy", "sell"]),
            random.randint(1, 20),
            kind="market" if market else "limit",
            price=None if market else price + random.randint(-3, 3) * tick,
            tif=random.choice(["gtc", "gtc", "gtc", "ioc"]),
            self_trade=random.choice([None, "allow", "cancel_oldest", "cancel_both", "decrement"]),
        )
        if not market and random.random() < 0.5:
            order = msgspec.structs.replace(order, **self._terms(price + random.randint(-2, 2) * tick, tick))
        await self._place(order, [client_order_id])

    def _terms(self, stop_price: int, tick: int) -> dict[str, Any]:
        """What makes a limit order a special one."""
        choices: list[dict[str, Any]] = [
            {"tif": "fok"},
            {"tif": "opg"},
            {"tif": "cls"},
            {"tif": "day"},
            {"tif": "gtd", "expires": self.market.world.time_ns() + 20_000_000_000},
            {"tif": "gtc", "post_only": True},
            {"tif": "gtc", "display": 1},
            {"tif": "gtc", "kind": "stop", "price": None, "stop_price": stop_price},
            {"tif": "day", "kind": "stop_limit", "stop_price": stop_price},
            {"tif": "gtc", "kind": "trailing_stop", "price": None, "trail": 2 * tick},
            {"tif": "gtc", "kind": "trailing_stop", "price": None, "trail_basis_points": 20},
        ]
        return self.market.world.random.choice(choices)

    async def _replace(self, client_order_id: str) -> None:
        """A price that is wrong for the symbol is refused, which is as good a story."""
        random = self.market.world.random
        price = random.choice([None, 205_000, 205_100, 1_420_000, 1_420_500])
        quantity = random.choice([None, random.randint(1, 30)])
        stop_price = random.choice([None, None, 205_200, 1_419_500])
        await self._send(Replace(0, client_order_id, quantity, price, stop_price))

    async def _send(self, command: Command) -> Any:
        return decode_outcome.decode(await self.market.request("orders", self.name, encode(command)))


async def operate(market: SimulatedMarket) -> None:
    """An operator who cannot leave the phases alone."""
    random = market.world.random
    phases: list[Phase | None] = ["pre_open", "opening_auction", "continuous", "halted", "closing_auction", "closed"]
    for _ in range(random.randint(0, 8)):
        await asyncio.sleep(random.expovariate(1 / (50 * market.world.delay)))
        phase = random.choice([*phases, None, None, None])
        request = PhaseRequest(random.choice(["", "KRYP", "ADAM"]), phase, "a rumour" if phase == "halted" else "")
        answer = await market.request(PHASE, "", encode(request))
        assert isinstance(msgspec.json.decode(answer, type=Done), Done)


async def run_seed(seed: int) -> World:
    """One story from beginning to end, and everything that must be true of it."""
    world = World(seed)
    noon = DAY + 12 * 3600
    world.start = world.random.choice(BOUNDARIES) - world.random.uniform(0, 5) if world.random.random() < 0.5 else noon
    market = SimulatedMarket(world)
    traders = [Trader(market, name, world.random.randint(5, 40)) for name in TRADERS]
    running = [asyncio.create_task(process.run()) for process in market.processes]
    trading = asyncio.gather(*(trader.trade() for trader in traders), operate(market))
    done, _ = await asyncio.wait([trading, *running], timeout=3_000, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    assert trading.done(), "the traders wait for ever"
    world.mishaps = False
    await asyncio.sleep(15)  # Virtual seconds: late requests and appends arrive, and whoever leads last catches up.
    for ledgers in (True, False):  # So that the engines have seen the end of the journal.
        for process in market.processes:
            if ledgers <= process.name.startswith("ledger"):
                process.stop()
        await asyncio.sleep(5)
    await asyncio.wait_for(asyncio.gather(*running), 60)
    await verify(world, traders)
    return world


async def verify(world: World, traders: list[Trader]) -> None:
    placed: Counter[tuple[str, str]] = Counter()
    for name, payloads in world.logs.items():
        chain = Chain(name)
        for number, payload in enumerate(payloads, 1):
            chain.check(Entry(number, payload))
    for payload in world.logs[JOURNAL]:
        for group in decode_journal.decode(payload).groups:
            if group.shard:
                for command in decode_commands.decode(group.commands):
                    for order in orders_in(command):
                        placed[order.account, order.client_order_id] += 1
    assert set(placed.values()) <= {1}, "an order was placed twice"
    for trader in traders:
        for client_order_id in trader.accepted:
            assert placed[trader.name, client_order_id] == 1, "an acknowledged order is not in the journal"
    for name, payloads in world.stored.items():
        assert payloads == world.logs[name], "the sink has a batch twice, or not"
    if world.cuts:
        await audit_what_is_kept(world)
    world.cuts = {}  # From here on all of it is looked at.
    ledger = LedgerStage(MARKET)
    engines = [EngineStage(1), EngineStage(2)]
    for stage in (ledger, *engines):
        await recompute_and_compare(world, stage)
    check(ledger.ledger)
    reckon(world, ledger.ledger.events_through)
    books: dict[int, int] = {}
    for shard in (1, 2):  # As far as the ledger contains them: with its last batch an order may just have expired.
        engine = EngineStage(shard)
        await recompute(engine, logs_of(world, engine), ledger.ledger.events_through.get(shard, 0))
        books |= {order.order_id: order.remaining for order in open_quantities(engine.books)}
    assert books == {order_id: order.remaining for order_id, order in ledger.ledger.orders.items()}


async def audit_what_is_kept(world: World) -> None:
    """As `exchange audit` does it: from what was set aside to the last batch, and the same books as the ledger's orders."""
    ledger = LedgerStage(MARKET)
    base, snapshot = await oldest_snapshot(snapshots_of(world), ledger, logs_of(world, ledger))
    assert base
    with pytest.raises(LogCut, match=f"kept from journal batch {base.journal} on"):
        await audit_ledger(logs_of(world, ledger), ledger, base.journal - 1, (), base, snapshot)
    found = await audit_ledger(logs_of(world, ledger), ledger, len(world.logs[JOURNAL]), (), base, snapshot)
    assert (found.violation, found.digest) == ("", world.snapshots["ledger"].state_digest)
    for shard, batch in found.events_through.items():
        engine = EngineStage(shard)
        logs = logs_of(world, engine)
        _, snapshot = await oldest_snapshot(snapshots_of(world), engine, logs)
        books = await audit_engine(logs, engine, batch, (), snapshot)
        assert books.unfinished or books.open_orders == found.open_orders[shard]


def snapshots_of(world: World) -> MemorySnapshots:
    reader = Process(world, "audit", lambda _: asyncio.sleep(0))
    reader.alive = True
    return MemorySnapshots(reader)


def reckon(world: World, events_through: dict[int, int]) -> None:
    """The logs hold what a slow exchange and a slow ledger say; not asked when time has brought something at the very end."""
    events = {shard: world.logs.get(events_log(shard), []) for shard in (1, 2)}
    if all(events_through.get(shard, 0) == len(batches) for shard, batches in events.items()):
        Reckoning(world.logs[JOURNAL], events).check_conservation()


def orders_in(command: EngineCommand) -> list[PlaceOrder]:
    """Those that a command places."""
    match command:
        case PlaceOrder():
            return [command]
        case PlaceOco(limit, stop):
            return [limit, stop]
        case PlaceBracket(entry, take_profit, stop_loss):
            return [entry, take_profit, stop_loss]
        case _:
            return []


def logs_of(world: World, stage: Stage) -> dict[str, Log]:
    reader = Process(world, "audit", lambda _: asyncio.sleep(0))
    reader.alive = True
    return {name: MemoryLog(reader, name) for name in (stage.output, *stage.inputs)}


async def recompute_and_compare(world: World, stage: Stage) -> None:
    """The state recomputed from the logs alone is the one that the last leader left in its snapshot."""
    snapshot = world.snapshots.get(stage.name)
    await recompute(stage, logs_of(world, stage), len(world.logs.get(stage.output, [])))
    assert snapshot is not None
    assert snapshot.numbers[stage.output] == len(world.logs.get(stage.output, []))
    assert snapshot.state_digest == digest(stage.snapshot())
    assert set(stage.inputs) <= {JOURNAL, events_log(1), events_log(2)}
