"""The engine worker: recovers, follows and leads the shards that are its share, each in a loop of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from typing import Final

from nats.aio.msg import Msg

from exchange.leader import StageLoop
from exchange.life import Life, is_gone
from exchange.messages.base import decoder, encode
from exchange.subjects import ENGINES, JOURNAL, events_log
from exchange.worker import Worker

from .sharing import News, Peers, plan
from .stage import EngineStage

NEWS_SECONDS: Final = 0.25
HELLO_SECONDS: Final = 0.25
"""How long a new worker listens before it makes its first plan."""
SETTLE_SECONDS: Final = 2.0
"""For so long nothing must have changed before a shard is given up: a worker that is just being replaced comes back."""

logger = logging.getLogger(__name__)
_decode: Final = decoder(News).decode


class Sharing:
    """One worker's shards."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._life = Life(worker.nats)
        self._name = f"{socket.gethostname()} {os.getpid()} {self._life.token}"
        self._shards = range(1, worker.settings.market.shards + 1)
        self._peers = Peers()
        self._loops: dict[int, StageLoop] = {}
        self._stops: dict[int, asyncio.Event] = {}
        """Of the shards that it runs."""
        self._changed = asyncio.Event()
        self._changed_at = 0.0
        self._clock = asyncio.get_running_loop().time

    async def run(self) -> None:
        """Until the worker is asked to stop. What ends one loop ends all: nobody knows what the rest is worth."""
        worker = self._worker
        worker.health.open = True
        await worker.prepare(JOURNAL, *map(events_log, self._shards))
        await worker.nats.subscribe(ENGINES, cb=self._hear)
        await self._life.show()
        await self._tell(asks=True)
        await asyncio.sleep(HELLO_SECONDS)
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(self._wake_on(worker.stopping))
            while not worker.stopping.is_set():
                self._changed.clear()
                await self._tell()
                await self._look_after([name for name in self._peers.doubtful(self._clock()) if name != self._name])
                self._act(tasks)
                try:
                    async with asyncio.timeout(NEWS_SECONDS):
                        await self._changed.wait()
                except TimeoutError:
                    pass
            await self._tell(leaving=True)  # From here on others recover what is still led here: the way over is short.
            for stop in self._stops.values():
                stop.set()
            waiting.cancel()

    async def _look_after(self, names: list[str]) -> None:
        """Forget those that are not there any more; `names` are their own, whose last word is the sign of life."""
        gone = await asyncio.gather(*(is_gone(self._worker.nats, name.rpartition(" ")[2]) for name in names))
        for name in (name for name, is_one in zip(names, gone, strict=True) if is_one):
            self._peers.forget(name)

    def _act(self, tasks: asyncio.TaskGroup) -> None:
        now = self._clock()
        self._peers.hear(self._news(), now)
        chosen = plan(self._name, self._peers.alive(now), self._shards)
        for shard in chosen.take - self._stops.keys():
            logger.info("recovering shard %d, which nobody leads", shard)
            self._stops[shard] = asyncio.Event()
            tasks.create_task(self._lead(shard, self._stops[shard]))
            self._change()
        for shard in chosen.drop & self._stops.keys():
            self._stops[shard].set()
        if chosen.give and now - self._changed_at > SETTLE_SECONDS:
            logger.info("giving up shard %d, others have fewer", chosen.give)
            self._stops[chosen.give].set()
            self._change()

    async def _lead(self, shard: int, stop: asyncio.Event) -> None:
        async def tell() -> None:
            self._change()

        try:
            loop = self._loops[shard] = await self._worker.stage_loop(EngineStage(shard))
            loop.on_lead = tell
            await loop.run(stop)
            self._worker.health.watched.remove(loop)
        finally:
            self._loops.pop(shard, None)
            del self._stops[shard]
            self._change()

    def _news(self) -> News:
        """A shard that is being given up counts no more."""
        running = {shard for shard, stop in self._stops.items() if not stop.is_set()}
        leads = frozenset(shard for shard in running if shard in self._loops and self._loops[shard].leading)
        return News(self._name, leads, frozenset(running - leads))

    async def _tell(self, *, asks: bool = False, leaving: bool = False) -> None:
        news = News(self._name, leaving=True) if leaving else News(self._name, asks=True) if asks else self._news()
        await self._worker.nats.publish(ENGINES, encode(news))

    async def _hear(self, message: Msg) -> None:
        news = _decode(message.data)
        if news.worker != self._name and self._peers.hear(news, self._clock()):
            self._change()

    def _change(self) -> None:
        self._changed_at = self._clock()
        self._changed.set()

    async def _wake_on(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._changed.set()


async def main(worker: Worker) -> None:
    """Share until the worker is asked to stop."""
    await Sharing(worker).run()
