"""A whole exchange in one process, in virtual time: logs, lease and snapshots in memory, and a network that misbehaves.

Everything random comes from one seed. A simulated process meets the outside world only through `Process.step`, which delays
it, and may kill or freeze it there: at every await.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from random import Random
from typing import Any

from exchange.lease import LEASE_SECONDS, POLL_SECONDS, RENEW_SECONDS, SILENCE_SECONDS_MAX, LeaseLost
from exchange.log import AppendDoubtful, AppendRefused, Entry, LogCut, LogDamaged
from exchange.snapshots import Snapshot

APPEND_SECONDS_MAX = 5.0


class VirtualSelector(selectors.SelectSelector):
    """Waits for nothing: when the loop would sleep, the clock jumps."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("the simulation waits for something that nobody will do")
        self.now += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only when there is nothing else to do."""

    def __init__(self) -> None:
        self._virtual = VirtualSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


class Killed(BaseException):
    """Raised at the await at which a simulated process dies; nothing may catch it."""


class World:
    """What survives the death of processes, and how likely each mishap is."""

    OUTAGE = 0.001
    OUTAGE_SECONDS = (1.0, 9.0)

    def __init__(self, seed: int, *, mishaps: bool = True) -> None:
        self.random = Random(seed)
        self.mishaps = mishaps
        self.logs: dict[str, list[bytes]] = {}
        self.cuts: dict[str, int] = {}
        """Per log that was cut, number of the first batch that processes can read; `logs` remembers all, for the verdict."""
        self.leases: dict[str, tuple[object, float]] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self.stored: dict[str, list[bytes]] = {}
        """Per log, what the sink has stored."""
        self.appended: dict[str, asyncio.Event] = {}
        self.deaths = 0
        self.freezes = 0
        self.retirements = 0
        """Processes that stopped because they were asked to, as a worker does that gives a shard to another."""
        self.outages = 0
        """Times at which no log had a leader: nothing is answered, and no lease can be renewed."""
        self.answers_again = 0.0
        self.superseded = 0
        """Leaders that found out that another one leads."""
        self.cut_logs = 0
        """How often a log was cut."""
        self.begun_below = 0
        """Processes that had to give up because a log was cut above where they stood."""
        self.delay = self.random.choice([0.001, 0.01, 0.1])
        self.start = 1_700_000_000.0
        """When the story begins, in seconds since 1970."""

    def time(self) -> float:
        return asyncio.get_running_loop().time()

    def time_ns(self) -> int:
        return int(self.start * 1e9) + int(self.time() * 1e9)

    def happens(self, probability: float) -> bool:
        return self.mishaps and self.random.random() < probability

    def grow(self, name: str, payload: bytes) -> None:
        self.logs.setdefault(name, []).append(payload)
        self.appended.setdefault(name, asyncio.Event()).set()
        self.appended[name] = asyncio.Event()

    async def pause(self) -> None:
        await asyncio.sleep(self.random.expovariate(1 / self.delay))

    @property
    def away(self) -> float:
        """How long nothing will be answered; 0 when all is well."""
        if self.happens(self.OUTAGE):
            self.outages += 1
            self.answers_again = self.time() + self.random.uniform(*self.OUTAGE_SECONDS)
        return max(0.0, self.answers_again - self.time())


class Process:
    """One simulated operating-system process: started again whenever it dies."""

    KILL = 0.01
    FREEZE = 0.003
    RETIRE = 0.001

    def __init__(self, world: World, name: str, main: Callable[[Process], Coroutine[Any, Any, None]]) -> None:
        self.world = world
        self.name = name
        self.alive = False
        self.asked = asyncio.Event()
        """Set when this life is to end in order."""
        self._stopping = False
        self._main = main
        self._resumed = asyncio.Event()
        self._resumed.set()

    async def step(self) -> None:
        """Every call to the outside world passes here: it takes time, and may be this process's last."""
        if not self.alive:
            raise Killed
        await self.world.pause()
        if self.alive and self.world.happens(self.KILL):
            self.alive = False
        if self.alive and self.world.happens(self.RETIRE):
            self.world.retirements += 1
            self.asked.set()
        if self.alive and self.world.happens(self.FREEZE):
            self.world.freezes += 1
            self._resumed.clear()
            asyncio.get_running_loop().call_later(self.world.random.uniform(0, 3 * LEASE_SECONDS), self._resumed.set)
        await self._resumed.wait()
        if not self.alive:
            raise Killed

    def stop(self) -> None:
        """Ask it to stop for good."""
        self._stopping = True
        self.asked.set()

    async def run(self) -> None:
        """Start, and start again after every death, until asked to stop."""
        while not self._stopping:
            self.alive = True
            self.asked.clear()
            try:
                await self._main(self)
            except BaseExceptionGroup as group:
                self._examine(group)
            except (Killed, AppendDoubtful):
                pass
            except LogCut:  # Its snapshot was lost on the way to it, or the log was cut while it stood still.
                assert self.world.cuts
                self.world.begun_below += 1
            self.alive = False
            self.world.deaths += 1
            await self.world.pause()

    def _examine(self, group: BaseExceptionGroup[BaseException]) -> None:
        self.world.superseded += group.subgroup((AppendRefused, LeaseLost)) is not None
        expected = (Killed, AppendDoubtful, AppendRefused, LeaseLost, asyncio.CancelledError)
        _, unexpected = group.split((*expected, LogCut) if self.world.cuts else expected)
        if unexpected is not None:
            raise unexpected


class MemoryLog:
    """The in-memory twin of a JetStream log, as one process sees it."""

    LOSE = 0.01

    def __init__(self, process: Process, name: str) -> None:
        self.name = name
        self._process = process
        self._world = process.world

    async def last(self) -> int:
        await self._answered()
        return len(self._world.logs.get(self.name, []))

    async def _answered(self) -> None:
        """As exchange/streams.py asks: again and again while nobody answers."""
        await self._process.step()
        while away := self._world.away:
            await asyncio.sleep(away)
            await self._process.step()

    async def get(self, number: int) -> bytes:
        await self._answered()
        if number < self._world.cuts.get(self.name, 1):
            raise LogCut(f"{self.name}: sequence {number} is not kept any more")
        try:
            return self._world.logs[self.name][number - 1]
        except (KeyError, IndexError):
            raise LogDamaged(f"{self.name}: sequence {number} is missing") from None

    async def first(self) -> int:
        await self._answered()
        return self._world.cuts.get(self.name, 1)

    async def cut(self, number: int) -> None:
        await self._answered()
        assert number <= len(self._world.logs[self.name])
        self._world.cut_logs += 1
        self._world.cuts[self.name] = max(number, self._world.cuts.get(self.name, 1))
        await self._process.step()

    async def size(self) -> int:
        await self._answered()
        return sum(map(len, self._world.logs.get(self.name, [])[self._world.cuts.get(self.name, 1) - 1 :]))

    async def append(self, number: int, payload: bytes) -> None:
        await self._process.step()
        if self._world.happens(self.LOSE) or self._world.away:  # The request is lost, or comes late: after this writer gave up.
            if self._world.happens(0.5):
                asyncio.get_running_loop().call_later(self._world.random.uniform(0, 10), self._store, number, payload)
            await asyncio.sleep(APPEND_SECONDS_MAX)
            raise AppendDoubtful(f"{self.name}: no answer to the append of batch {number}")
        stored = self._store(number, payload)
        if self._world.happens(self.LOSE):  # The acknowledgement is lost.
            await asyncio.sleep(APPEND_SECONDS_MAX)
            raise AppendDoubtful(f"{self.name}: no answer to the append of batch {number}")
        if self._world.happens(self.LOSE):  # The request is doubled on its way.
            self._store(number, payload)
        await self._process.step()
        if not stored:
            raise AppendRefused(f"{self.name}: another leader appended")

    def _store(self, number: int, payload: bytes) -> bool:
        if number != len(self._world.logs.get(self.name, [])) + 1:
            return False
        self._world.grow(self.name, payload)
        return True

    def read(self, after: int) -> MemoryReader:
        return MemoryReader(self._process, self.name, after)


class MemoryReader:
    """Reads a memory log in random portions."""

    def __init__(self, process: Process, name: str, after: int) -> None:
        self._process = process
        self._name = name
        self._position = after

    async def fetch(self) -> list[Entry]:
        world = self._process.world
        while len(world.logs.get(self._name, [])) <= self._position:
            await world.appended.setdefault(self._name, asyncio.Event()).wait()
        await self._process.step()
        if self._position + 1 < world.cuts.get(self._name, 1):
            raise LogCut(f"{self._name}: sequence {self._position + 1} is not kept any more")
        batches = world.logs[self._name][self._position : self._position + world.random.randint(1, 20)]
        entries = [Entry(self._position + index, payload) for index, payload in enumerate(batches, 1)]
        self._position += len(entries)
        return entries

    async def close(self) -> None:
        pass


class MemoryLease:
    """The in-memory twin of a lease: forgotten LEASE_SECONDS after its last renewal."""

    def __init__(self, process: Process, key: str) -> None:
        self._process = process
        self._key = key
        self._token = object()

    async def acquire(self) -> None:
        while True:
            await self._process.step()
            _, expires = self._process.world.leases.get(self._key, (None, 0.0))
            if expires <= self._process.world.time() and not self._process.world.away:
                self._renew()
                return
            await asyncio.sleep(POLL_SECONDS)

    async def hold(self) -> None:
        world = self._process.world
        answered = world.time()
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await self._process.step()
            if world.away:
                if world.time() - answered > SILENCE_SECONDS_MAX:
                    raise LeaseLost(self._key)
                continue
            answered = world.time()
            holder, expires = world.leases.get(self._key, (None, 0.0))
            if holder is not self._token and expires > world.time():
                raise LeaseLost(self._key)
            self._renew()

    async def release(self) -> None:
        await self._process.step()
        holder, _ = self._process.world.leases.get(self._key, (None, 0.0))
        if holder is self._token:
            del self._process.world.leases[self._key]

    def _renew(self) -> None:
        self._process.world.leases[self._key] = (self._token, self._process.world.time() + LEASE_SECONDS)


class MemorySnapshots:
    """The in-memory twin of the object store. Like there, a snapshot may not be whole when it is read."""

    LOSE = 0.03

    def __init__(self, process: Process) -> None:
        self._process = process

    async def save(self, name: str, snapshot: Snapshot) -> None:
        await self._process.step()
        self._process.world.snapshots[name] = snapshot

    async def load(self, name: str) -> Snapshot | None:
        await self._process.step()
        return None if self._process.world.happens(self.LOSE) else self._process.world.snapshots.get(name)


def simulate(main: Callable[[], Awaitable[None]]) -> None:
    """Run a coroutine to its end in virtual time."""
    loop = VirtualLoop()
    try:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(main())  # type: ignore[arg-type]
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        asyncio.set_event_loop(None)
        loop.close()
