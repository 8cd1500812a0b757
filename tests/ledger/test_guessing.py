"""Slowing down guesses: how long one must wait, and who need not. Time is given."""

from __future__ import annotations

import asyncio

import pytest

from exchange.proxies import Shared
from ledger.greed import (
    BURST_BYTES,
    BURST_SECONDS,
    BYTES_PER_SECOND_MAX,
    CONNECTIONS_BURST,
    CONNECTIONS_PER_SECOND_MAX,
    MESSAGES_PER_SECOND_MAX,
    PENALTY_SECONDS,
    PENALTY_SECONDS_MAX,
    PENDING_BYTES_MAX,
    SUBSCRIPTIONS_MAX,
    Arrivals,
    Greed,
    Penalties,
)
from ledger.guessing import (
    ADDRESS_FREE,
    FORGET_SECONDS,
    LOGIN_FREE,
    PAIR_FREE,
    REMEMBERED_MAX,
    WAIT_SECONDS_MAX,
    Guessing,
    Throttle,
    TooManyGuesses,
)
from ledger.presence import Usage


def test_each_failure_doubles_the_wait() -> None:
    throttle, now, waits = Throttle(3), 0.0, []
    for _ in range(20):
        waits.append(throttle.wait("alice", now))
        now += waits[-1]
        throttle.failed("alice", now)
    assert waits[:8] == [0, 0, 0, 1, 2, 4, 8, 16]
    assert max(waits) == waits[-1] == WAIT_SECONDS_MAX
    assert throttle.wait("bobby", now) == 0
    assert throttle.wait("alice", now + FORGET_SECONDS + 1) == 0
    throttle.forgive("alice")
    assert throttle.wait("alice", now) == 0


def test_failures_remembered_are_bounded() -> None:
    throttle = Throttle(1)
    for number in range(REMEMBERED_MAX + 1):
        throttle.failed(number, 0.0)
    assert throttle.wait(0, 0.0) == 0
    assert throttle.wait(1, 0.0) > 0


class People:
    """Attempts at a time that stands still."""

    def __init__(self) -> None:
        self.now = 0.0
        self.guessing = Guessing(lambda: self.now)
        self.looked_at = 0

    async def attempt(self, login: str, address: str, fits: bool = False) -> bool:
        async def look() -> bool:
            self.looked_at += 1
            await asyncio.sleep(0)
            return fits

        return await self.guessing.attempt(login, address, look)

    async def waits(self, login: str, address: str) -> bool:
        try:
            await self.attempt(login, address, fits=True)
        except TooManyGuesses:
            return True
        return False


async def test_many_guesses_at_once_are_counted_one_by_one() -> None:
    people = People()
    answers = await asyncio.gather(*(people.attempt("alice", "192.0.2.7") for _ in range(200)), return_exceptions=True)
    assert people.looked_at == PAIR_FREE
    assert sum(isinstance(answer, TooManyGuesses) for answer in answers) == 200 - PAIR_FREE
    assert not await people.waits("alice", "192.0.2.8")


async def test_an_address_that_guesses_at_many_names_waits() -> None:
    people = People()
    for number in range(ADDRESS_FREE):
        await people.attempt(f"name{number}", "192.0.2.7")
    assert await people.waits("alice", "192.0.2.7")
    assert not await people.waits("alice", "192.0.2.8")


async def test_an_address_that_says_nothing_makes_nobody_wait_for_others() -> None:
    """Behind a proxy everybody has the same one."""
    people = People()
    for number in range(10 * ADDRESS_FREE):
        await people.attempt(f"name{number}", "127.0.0.1")
    assert not await people.waits("alice", "127.0.0.1")
    for _ in range(PAIR_FREE):
        await people.attempt("alice", "127.0.0.1")
    assert await people.waits("alice", "127.0.0.1"), "one name is guessed at no faster for that"


async def test_guesses_from_everywhere_do_not_lock_out_whoever_was_here_before() -> None:
    people = People()
    assert await people.attempt("alice", "198.51.100.1", fits=True)
    for number in range(LOGIN_FREE):
        await people.attempt("alice", f"192.0.2.{number}")
    assert await people.waits("alice", "203.0.113.1")
    assert not await people.waits("alice", "198.51.100.1")
    people.now += FORGET_SECONDS + 1
    assert not await people.waits("alice", "203.0.113.1")


# ── Greed ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def greedy(greed: Greed, now: float, **usage: int) -> list[str]:
    return [what for _, what in greed.look("server", [Usage(7, "192.0.2.7", "alice#x", **usage)], now)]


def test_a_steady_sender_at_the_limit_is_not_greedy() -> None:
    greed = Greed(1_000)
    for second in range(60):
        sent = second * MESSAGES_PER_SECOND_MAX
        assert greedy(greed, 100.0 + second, in_msgs=sent, in_bytes=second * BYTES_PER_SECOND_MAX) == []


@pytest.mark.parametrize(
    ("usage", "words"),
    [
        ({"in_msgs": int(MESSAGES_PER_SECOND_MAX * (BURST_SECONDS + 1.1))}, "messages in 1.0 s"),
        ({"in_bytes": BURST_BYTES + BYTES_PER_SECOND_MAX + 1}, "bytes in 1.0 s"),
        ({"pending_bytes": PENDING_BYTES_MAX + 1}, "bytes it does not read"),
        ({"subscriptions": SUBSCRIPTIONS_MAX + 1}, "subscriptions"),
    ],
)
def test_what_is_greedy(usage: dict[str, int], words: str) -> None:
    greed = Greed(1_000)
    assert greedy(greed, 100.0) == []
    (what,) = greedy(greed, 101.0, **usage)
    assert words in what


def test_a_market_without_a_limit_of_orders_counts_no_messages() -> None:
    greed = Greed(0)
    assert greedy(greed, 100.0) == greedy(greed, 101.0, in_msgs=10**6) == []
    busy = Greed(10_000)
    assert greedy(busy, 100.0) == greedy(busy, 101.0, in_msgs=90_000) == [], "five times an account's orders"


def test_penalties_double_and_are_forgotten() -> None:
    penalties, now = Penalties(), 0.0
    lengths = []
    for _ in range(6):
        lengths.append(penalties.impose("alice", now))
        assert penalties.hold("alice", now + lengths[-1] - 1)
        assert not penalties.hold("alice", now + lengths[-1])
        now += lengths[-1]
    assert lengths[:3] == [PENALTY_SECONDS, 2 * PENALTY_SECONDS, 4 * PENALTY_SECONDS]
    assert lengths[-1] == PENALTY_SECONDS_MAX
    assert not penalties.hold("bobby", 0.0)
    assert penalties.impose("alice", now + PENALTY_SECONDS_MAX + 1) == PENALTY_SECONDS


def test_arrivals_of_one_address() -> None:
    arrivals = Arrivals()
    assert [arrivals.welcome("192.0.2.7", 0.0) for _ in range(CONNECTIONS_BURST + 1)] == [True] * CONNECTIONS_BURST + [False]
    assert arrivals.welcome("192.0.2.8", 0.0)
    later = [arrivals.welcome("192.0.2.7", 1.0) for _ in range(int(CONNECTIONS_PER_SECOND_MAX) + 1)]
    assert later == [True] * int(CONNECTIONS_PER_SECOND_MAX) + [False]


def test_addresses_of_proxies() -> None:
    shared = Shared("10.0.0.0/8, fd00::/8")
    assert all(address in shared for address in ("127.0.0.1", "::1", "", "10.1.2.3", "fd12::1"))
    assert not any(address in shared for address in ("11.0.0.1", "::2", "nonsense"))
    assert "10.1.2.3" not in Shared("")
    with pytest.raises(ValueError, match=r"10\.0\.0\.1/8"):
        Shared("10.0.0.1/8")
