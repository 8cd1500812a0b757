"""The agenda against a plain dictionary that is looked at whole."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from exchange.agenda import OUTDATED_MAX, Agenda

NAMES = st.sampled_from("ABCDEF")
MOMENTS = st.integers(0, 9)
STEPS = st.lists(st.one_of(st.tuples(NAMES, st.none() | MOMENTS), MOMENTS))


@given(STEPS)
def test_it_names_what_is_due_in_order(steps: list[tuple[str, int | None] | int]) -> None:
    agenda: Agenda[int] = Agenda()
    moments: dict[str, int] = {}
    for step in steps:
        if isinstance(step, int):
            assert agenda.due(step) == [name for at, name in sorted((at, name) for name, at in moments.items()) if at <= step]
            continue
        name, moment = step
        agenda.put(name, moment)
        moments.pop(name, None)
        if moment is not None:
            moments[name] = moment
        assert agenda.first == min(moments.values(), default=None)


def test_moments_that_are_put_off_again_and_again_take_no_room() -> None:
    agenda: Agenda[int] = Agenda()
    random, names = Random(1), [f"S{number}" for number in range(100)]
    moments = dict.fromkeys(names, 0)
    for _ in range(100 * OUTDATED_MAX):
        name = random.choice(names)
        moments[name] += random.randint(1, 10**6)
        agenda.put(name, moments[name])
    assert len(agenda._heap) <= 2 * len(names) + OUTDATED_MAX
    assert agenda.due(10**12) == [name for _, name in sorted((at, name) for name, at in moments.items())]
