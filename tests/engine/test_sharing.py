"""The rule by which engine workers share the shards: whatever they have heard, their plans bring each shard to one of them."""

from __future__ import annotations

from random import Random

import pytest

from engine.sharing import DOUBT_SECONDS, SILENT_SECONDS, News, Peers, plan

SHARDS = range(1, 9)


def peers(*leads: set[int], follows: dict[str, set[int]] | None = None) -> dict[str, News]:
    """Workers a, b, c … and what they lead."""
    named = dict(zip("abcdefgh", leads, strict=False))
    return {name: News(name, frozenset(held), frozenset((follows or {}).get(name, ()))) for name, held in named.items()}


def test_one_alone_takes_all() -> None:
    assert plan("a", peers(set()), SHARDS).take == set(SHARDS)


def test_free_shards_go_to_whoever_has_fewest() -> None:
    heard = peers({1, 2, 3}, {4}, set())
    taken = {name: plan(name, heard, SHARDS).take for name in heard}
    assert taken == {"a": set(), "b": {6, 8}, "c": {5, 7}}


def test_the_one_with_most_gives_one_up() -> None:
    heard = peers({1, 2, 3, 4}, {5, 6}, {7, 8})
    assert [plan(name, heard, SHARDS).give for name in heard] == [4, 0, 0]
    balanced = peers({1, 2, 3}, {4, 5, 6}, {7, 8})
    assert [plan(name, balanced, SHARDS).give for name in balanced] == [0, 0, 0]


def test_nothing_is_given_up_while_a_shard_is_on_its_way() -> None:
    heard = peers({1, 2, 3, 4}, {5, 6, 7}, set(), follows={"c": {8}})
    assert not any(plan(name, heard, SHARDS).give for name in heard)
    assert not any(plan(name, heard, SHARDS).take for name in heard)


def test_who_follows_in_vain_drops_it() -> None:
    assert plan("b", peers(set(SHARDS), set(), follows={"b": {3}}), SHARDS).drop == {3}


def test_who_is_silent_or_leaves_is_gone() -> None:
    table = Peers()
    assert table.hear(News("a"), 0.0)
    assert table.hear(News("b", frozenset({1})), 0.5)
    assert not table.hear(News("b", frozenset({1})), 0.75)
    assert table.alive(0.9).keys() == {"a", "b"}
    assert table.alive(SILENT_SECONDS).keys() == {"b"}
    assert table.doubtful(0.75 + DOUBT_SECONDS) == []
    assert table.doubtful(0.8 + DOUBT_SECONDS) == ["b"]
    assert table.hear(News("b", leaving=True), 1.5)
    assert table.alive(1.5) == {}
    assert table.hear(News("c", frozenset({1})), 1.6)
    table.forget("c")
    assert table.alive(1.6) == {}


@pytest.mark.parametrize("seed", range(50))
def test_workers_that_come_and_go_share_all_shards_evenly(seed: int) -> None:
    """Each acts on the news of one round ago; a lease lets only one lead a shard."""
    random = Random(seed)
    count = random.randint(1, 12)
    shards = range(1, count + 1)
    leads: dict[str, set[int]] = {}
    names = iter(f"worker-{number:03}" for number in range(1_000))
    for _ in range(random.randint(1, 6)):
        for _ in range(random.randint(1, 3)):
            leads[next(names)] = set()
        while len(leads) > 1 and random.random() < 0.4:
            del leads[random.choice(list(leads))]
        for _ in range(3 * count + 3):
            heard = {name: News(name, frozenset(held)) for name, held in leads.items()}
            plans = {name: plan(name, heard, shards) for name in leads}
            for name, chosen in plans.items():
                leads[name] -= {chosen.give}
                for shard in chosen.take:
                    assert not any(shard in held for held in leads.values()), "two plans take the same shard"
                    leads[name].add(shard)
        sizes = [len(held) for held in leads.values()]
        assert sorted(shard for held in leads.values() for shard in held) == list(shards)
        assert max(sizes) - min(sizes) <= 1
