"""Orders that hang together: the pair and the bracket, as the book remembers them."""

from __future__ import annotations

import msgspec


class Pair(msgspec.Struct, frozen=True, array_like=True):
    """Two orders for the same shares: what one trades is taken off the other. Both have the same open quantity."""

    limit_id: int
    stop_id: int

    def other(self, order_id: int) -> int:
        """The partner of one of them."""
        return self.stop_id if order_id == self.limit_id else self.limit_id


class Bracket(msgspec.Struct, array_like=True):
    """An entry and the two legs that wait for its end, to arrive as a pair with what it traded."""

    entry_id: int
    take_profit_id: int
    stop_loss_id: int
    traded: int = 0
    """Of the entry."""

    @property
    def legs(self) -> tuple[int, int]:
        """In the order in which they arrive."""
        return self.take_profit_id, self.stop_loss_id


Groups = dict[int, Pair | Bracket]
"""By the id of every order that is one of a group: two of a pair, three of a bracket."""
