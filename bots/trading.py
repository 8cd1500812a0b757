"""What a bot has traded: its position in one symbol, what that has cost, what was earned. Integers, average-cost method."""

from __future__ import annotations

import msgspec

from exchange.messages.base import Side


class Trading(msgspec.Struct, omit_defaults=True):
    """One symbol. Bought is positive."""

    position: int = 0
    cost: int = 0
    """What the position has cost, in units; negative for one sold short."""
    realized: int = 0
    """Of what was closed, and minus all fees."""
    trade_id: int = 0
    """The last trade contained."""

    def fill(self, side: Side, price: int, quantity: int, fee: int) -> None:
        """A fill of an own order."""
        signed = quantity if side == "buy" else -quantity
        self.realized -= fee
        if self.position * signed < 0:
            closed = min(abs(self.position), quantity)
            part = self.cost * closed // abs(self.position)
            self.cost -= part
            self.realized += (closed if self.position > 0 else -closed) * price - part
            opened = quantity - closed
        else:
            opened = quantity
        self.position += signed
        self.cost += (opened if side == "buy" else -opened) * price

    def unrealized(self, last: int) -> int:
        """Profit at this price."""
        return self.position * last - self.cost
