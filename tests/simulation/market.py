"""The real ledger and the real engine on simulated logs, with traders that retry: one seed, one story."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import msgspec

from engine.stage import EngineStage
from engine.state import open_quantities
from exchange.digest import digest
from exchange.leader import StageLoop
from exchange.log import Chain, Entry, Log
from exchange.market import parse_market
from exchange.messages.administration import NewAccount
from exchange.messages.base import decoder, encode
from exchange.messages.journal import EngineCommand, JournalBatch, PlaceOrder
from exchange.messages.requests import Accepted, Cancel, CancelAll, Outcome, Replace, Submit
from exchange.replica import recompute
from exchange.stage import Stage
from exchange.subjects import JOURNAL, events_log
from ledger.desk import OPEN_ACCOUNT
from ledger.invariants import check
from ledger.stage import LedgerStage
from tests.simulation.world import MemoryLease, MemoryLog, MemorySnapshots, Process, World

MARKET = parse_market(
    b"""
title: Simulated
symbols:
  - {symbol: KRYP, name: Kryptonite, opening_price: 20.50}
  - {symbol: ADAM, name: Adamantium, opening_price: 142.00, tick: 0.05, fees: {maker: -1, taker: 7}}
fees: {maker: 2, taker: 5}
shards: 2
limits: {orders_per_second: 0}
"""
)
TRADERS = ("alice", "bob", "carol")
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
        self.processes = [
            Process(world, f"ledger-{copy}", lambda process: self._run(process, LedgerStage(MARKET))) for copy in range(2)
        ]
        for shard in (1, 2):
            self.processes += [
                Process(world, f"engine-{shard}-{copy}", lambda process, shard=shard: self._run(process, EngineStage(shard)))
                for copy in range(2)
            ]

    async def _run(self, process: Process, stage: LedgerStage | EngineStage) -> None:
        logs: dict[str, Log] = {name: MemoryLog(process, name) for name in (stage.output, *stage.inputs)}

        async def send(subject: str, payload: bytes) -> None:
            await process.step()
            self._deliver(subject, payload)

        loop = StageLoop(stage, logs, MemoryLease(process, stage.name), MemorySnapshots(process), send, self.world.time_ns)
        if isinstance(stage, LedgerStage):
            ledger = stage

            async def open_door() -> None:
                await process.step()
                self.doors[process] = (ledger, loop)

            loop.on_lead = open_door
        try:
            await loop.run(process.stopping)
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
        """A request reaches one of the ledgers that subscribe; a queue group hands it to any of them."""
        if not self.doors:
            return
        process = self.world.random.choice(list(self.doors))
        stage, loop = self.doors[process]
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
            else:
                await self._submit(f"{self.name}-{number}")

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
        for _ in range(2 if random.random() < 0.1 else 1):  # Now and then once more, though it was answered.
            outcome = await self._send(order)
            if isinstance(outcome, Accepted):
                assert self.accepted.setdefault(client_order_id, outcome.order_id) == outcome.order_id, "placed twice"

    def _terms(self, stop_price: int, tick: int) -> dict[str, Any]:
        """What makes a limit order a special one."""
        choices: list[dict[str, Any]] = [
            {"tif": "fok"},
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

    async def _send(self, command: Submit | Replace | Cancel | CancelAll) -> Any:
        return decode_outcome.decode(await self.market.request("orders", self.name, encode(command)))


async def run_seed(seed: int) -> World:
    """One story from beginning to end, and everything that must be true of it."""
    world = World(seed)
    market = SimulatedMarket(world)
    traders = [Trader(market, name, world.random.randint(5, 40)) for name in TRADERS]
    running = [asyncio.create_task(process.run()) for process in market.processes]
    trading = asyncio.gather(*(trader.trade() for trader in traders))
    done, _ = await asyncio.wait([trading, *running], timeout=3_000, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    assert trading.done(), "the traders wait for ever"
    world.mishaps = False
    await asyncio.sleep(15)  # Virtual seconds: late requests and appends arrive, and whoever leads last catches up.
    for process in market.processes:
        process.stopping.set()
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
                    if isinstance(command, PlaceOrder):
                        placed[command.account, command.client_order_id] += 1
    assert set(placed.values()) <= {1}, "an order was placed twice"
    for trader in traders:
        for client_order_id in trader.accepted:
            assert placed[trader.name, client_order_id] == 1, "an acknowledged order is not in the journal"
    ledger = LedgerStage(MARKET)
    engines = [EngineStage(1), EngineStage(2)]
    for stage in (ledger, *engines):
        await recompute_and_compare(world, stage)
    check(ledger.ledger)
    books: dict[int, int] = {}
    for shard in (1, 2):  # As far as the ledger contains them: with its last batch an order may just have expired.
        engine = EngineStage(shard)
        await recompute(engine, logs_of(world, engine), ledger.ledger.events_through.get(shard, 0))
        books |= {order.order_id: order.remaining for order in open_quantities(engine.books)}
    assert books == {order_id: order.remaining for order_id, order in ledger.ledger.orders.items()}


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
