"""How engine workers share the shards: each tells the others what it runs, and all of them follow the same rule.

The news are for balance only, and may be late or lost. Who leads a shard is decided by its lease, and who may write its log by
the log itself, so the worst that wrong news can do is that somebody follows in vain.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

import msgspec

DOUBT_SECONDS: Final = 0.4
"""A worker that has said nothing for this long is looked after: one that was killed is found to be gone at once …"""
SILENT_SECONDS: Final = 1.0
"""… and any other counts as gone after this. Its leases last a little longer: time to recover its shards in."""


class News(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one worker says about itself, several times a second and whenever it changes."""

    worker: str
    leads: frozenset[int] = frozenset()
    follows: frozenset[int] = frozenset()
    """Shards that it will lead as soon as it has recovered them and their lease is free."""
    leaving: bool = False
    asks: bool = False
    """It has just come, and wants to hear from everybody now."""


class Peers:
    """Whoever has been heard lately."""

    def __init__(self) -> None:
        self._heard: dict[str, tuple[float, News]] = {}

    def hear(self, news: News, now: float) -> bool:
        """Take note; whether it is new."""
        _, before = self._heard.pop(news.worker, (0.0, None))
        if not news.leaving:
            self._heard[news.worker] = (now, news)
        return news.asks or before != news

    def doubtful(self, now: float) -> list[str]:
        """Those that should have said something by now."""
        return [name for name, (at, _) in self._heard.items() if now - at > DOUBT_SECONDS]

    def forget(self, name: str) -> None:
        """It is gone."""
        self._heard.pop(name, None)

    def alive(self, now: float) -> dict[str, News]:
        """By name."""
        self._heard = {name: (at, news) for name, (at, news) in self._heard.items() if now - at < SILENT_SECONDS}
        return {name: news for name, (_, news) in self._heard.items()}


class Plan(NamedTuple):
    """What a worker is to do now."""

    take: frozenset[int] = frozenset()
    """Shards to recover and lead."""
    drop: frozenset[int] = frozenset()
    """Shards to recover no further: somebody else leads them."""
    give: int = 0
    """A shard to stop leading, because others have fewer; 0 for none."""


def plan(me: str, peers: Mapping[str, News], shards: Collection[int]) -> Plan:
    """The part of one worker, who is among the peers. All that have heard the same news make plans that fit together.

    Free shards go, one after the other, to whoever has fewest. When none is free, the worker with most gives one up, if
    somebody has at least two fewer.
    """
    led = {shard: name for name, news in peers.items() for shard in news.leads}
    load = {name: len(news.leads | {shard for shard in news.follows if shard not in led}) for name, news in peers.items()}
    followed = {shard for news in peers.values() for shard in news.follows} - led.keys()
    drop = frozenset(shard for shard in peers[me].follows if led.get(shard, me) != me)
    free = [shard for shard in sorted(shards) if shard not in led and shard not in followed]
    take = set()
    for shard in free:
        name = min(load, key=lambda name: (load[name], name))
        load[name] += 1
        if name == me:
            take.add(shard)
    settled = not free and not followed
    most, fewest = max(load, key=lambda name: (load[name], name)), min(load.values())
    give = max(peers[me].leads) if settled and most == me and load[me] - fewest > 1 else 0
    return Plan(frozenset(take), drop, give)
