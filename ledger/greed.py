"""Who takes so much that others would notice: floods of messages, and answers or market data that pile up unread.

The NATS server bounds a message's size and a connection's subscriptions by itself, but not how much a connection sends.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from .presence import Usage

MESSAGES_PER_SECOND_MAX: Final = 5_000
"""What one connection may send, sustained; the market file's limit of orders times five, if that is more."""
BYTES_PER_SECOND_MAX: Final = 4 * 1024 * 1024
BURST_SECONDS: Final = 1.0
"""So much more may come at once, of messages …"""
BURST_BYTES: Final = 16 * 1024 * 1024
"""… and of bytes: a few requests of the largest kind make no flood."""
PENDING_BYTES_MAX: Final = 8 * 1024 * 1024
"""What may wait in the server until one connection reads it."""
SUBSCRIPTIONS_MAX: Final = 500
"""Of one connection: each message goes to all that match, and each costs a look when they come and go."""
PENALTY_SECONDS: Final = 60.0
"""A log-in that was greedy is not let in for this long, doubled with each further time …"""
PENALTY_SECONDS_MAX: Final = 600.0
"""… up to this, and forgotten after as long without one."""
PENALTIES_MAX: Final = 10_000
SERVERS_MAX: Final = 16
"""More than any cluster has; one that is started again has another name."""
CONNECTIONS_PER_SECOND_MAX: Final = 50.0
"""New ones from one address, sustained …"""
CONNECTIONS_BURST: Final = 1_000
"""… and at once: a school that comes back after a power cut. One more waits as if nobody were there."""


class Greed:
    """Two leaking buckets per connection, of messages and of bytes. Pure: seconds come from outside."""

    def __init__(self, orders_per_second: int) -> None:
        """`orders_per_second`: an account's limit in the market file, 0 for none; then messages are not counted."""
        self._messages_max = max(MESSAGES_PER_SECOND_MAX, 5 * orders_per_second) if orders_per_second else 0
        self._seen: OrderedDict[str, tuple[float, dict[int, tuple[int, int, float, float]]]] = OrderedDict()
        """Per server: when it was looked at, and per connection messages and bytes so far, and what is in the buckets."""

    def look(self, server: str, listed: list[Usage], now: float) -> list[tuple[Usage, str]]:
        """The greedy ones of a server, and what they did."""
        looked, before = self._seen.pop(server, (0.0, {}))
        seconds = now - looked
        seen: dict[int, tuple[int, int, float, float]] = {}
        found = []
        for usage in listed:
            messages, content, level, fill = before.get(usage.cid, (0, 0, 0.0, 0.0))
            level = max(0.0, level + usage.in_msgs - messages - seconds * self._messages_max)
            fill = max(0.0, fill + usage.in_bytes - content - seconds * BYTES_PER_SECOND_MAX)
            seen[usage.cid] = (usage.in_msgs, usage.in_bytes, level, fill)
            if self._messages_max and level > self._messages_max * BURST_SECONDS:
                found.append((usage, f"{usage.in_msgs - messages} messages in {seconds:.1f} s"))
            elif fill > BURST_BYTES:
                found.append((usage, f"{usage.in_bytes - content} bytes in {seconds:.1f} s"))
            elif usage.pending_bytes > PENDING_BYTES_MAX:
                found.append((usage, f"{usage.pending_bytes} bytes it does not read"))
            elif usage.subscriptions > SUBSCRIPTIONS_MAX:
                found.append((usage, f"{usage.subscriptions} subscriptions"))
        self._seen[server] = (now, seen)
        if len(self._seen) > SERVERS_MAX:
            self._seen.popitem(last=False)
        return found


class Penalties:
    """Who must stay out for a while. Pure."""

    def __init__(self) -> None:
        self._until: dict[str, tuple[float, float]] = {}
        """Until when, and for how long that was."""

    def impose(self, name: str, now: float) -> float:
        """Once more; for how many seconds."""
        until, seconds = self._until.pop(name, (0.0, 0.0))
        seconds = min(2 * seconds, PENALTY_SECONDS_MAX) if seconds and now < until + PENALTY_SECONDS_MAX else PENALTY_SECONDS
        self._until[name] = (now + seconds, seconds)
        if len(self._until) > PENALTIES_MAX:
            del self._until[next(iter(self._until))]
        return seconds

    def hold(self, name: str, now: float) -> bool:
        """Whether it must stay out."""
        return now < self._until.get(name, (0.0, 0.0))[0]


class Arrivals:
    """A leaking bucket per address, of new connections or sign-ups. Pure."""

    def __init__(self, per_second: float = CONNECTIONS_PER_SECOND_MAX, burst: int = CONNECTIONS_BURST) -> None:
        self._per_second = per_second
        self._burst = burst
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """What is in it, and when that was."""

    def welcome(self, address: str, now: float) -> bool:
        """Take one more, unless the bucket is full."""
        level, before = self._levels.pop(address, (0.0, now))
        level = max(0.0, level - (now - before) * self._per_second)
        fits = level < self._burst
        self._levels[address] = (level + fits, now)
        if len(self._levels) > PENALTIES_MAX:
            self._levels.popitem(last=False)
        return fits
