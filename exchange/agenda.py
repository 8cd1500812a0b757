"""An agenda: names, each with the moment at which it is to be looked at next."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Final, Generic, TypeVar

Moment = TypeVar("Moment", int, float)

OUTDATED_MAX: Final = 1_000
"""Entries of the heap that no longer hold, beyond as many as there are names; with more it is made anew."""


class Agenda(Generic[Moment]):
    """Finds what is due without looking at what is not, however many names there are."""

    def __init__(self) -> None:
        self._moments: dict[str, Moment] = {}
        self._heap: list[tuple[Moment, str]] = []
        """One entry for each of them, and those of moments that were changed since: these are dropped when they come up."""

    def put(self, name: str, moment: Moment | None) -> None:
        """From here on this is its moment; None for never."""
        if moment is None:
            self._moments.pop(name, None)
        elif self._moments.get(name) != moment:
            self._moments[name] = moment
            heappush(self._heap, (moment, name))
            if len(self._heap) > 2 * len(self._moments) + OUTDATED_MAX:
                self._heap = [(at, name) for name, at in self._moments.items()]
                heapify(self._heap)

    def due(self, moment: Moment) -> list[str]:
        """The names whose moment is this one or an earlier one, in its order. They stay due until they are put elsewhere."""
        found: dict[str, Moment] = {}
        while self._heap and self._heap[0][0] <= moment:
            at, name = heappop(self._heap)
            if self._moments.get(name) == at:
                found[name] = at
        for name, at in found.items():
            heappush(self._heap, (at, name))
        return list(found)

    @property
    def first(self) -> Moment | None:
        """The earliest moment; None when there is no name."""
        while self._heap and self._moments.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None
