"""An agenda: names, each with the moment at which it is to be looked at next."""

from __future__ import annotations

from typing import Generic, TypeVar

from sortedcontainers import SortedList

Moment = TypeVar("Moment", int, float)


class Agenda(Generic[Moment]):
    """Finds what is due without looking at what is not, however many names there are."""

    def __init__(self) -> None:
        self._moments: dict[str, Moment] = {}
        self._order: SortedList[tuple[Moment, str]] = SortedList()

    def put(self, name: str, moment: Moment | None) -> None:
        """From here on this is its moment; None for never."""
        before = self._moments.pop(name, None)
        if before is not None and before != moment:
            self._order.remove((before, name))
        if moment is not None:
            self._moments[name] = moment
            if before != moment:
                self._order.add((moment, name))

    def due(self, moment: Moment) -> list[str]:
        """The names whose moment is this one or an earlier one, in its order."""
        names = []
        for at, name in self._order:
            if at > moment:
                break
            names.append(name)
        return names

    @property
    def first(self) -> Moment | None:
        """The earliest moment; None when there is no name."""
        return self._order[0][0] if self._order else None
