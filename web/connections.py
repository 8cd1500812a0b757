"""What one visitor, or one program, can take of the web worker: so many connections, each for so long without an answer.

Whoever opens connections and says nothing, says it very slowly, or never reads what it asked for, is cut off.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

from exchange.proxies import SHARED

CONNECTIONS_MAX: Final = 500
"""Of all together: below the number of files that a process may have open where nobody raised it."""
CONNECTIONS_PER_ADDRESS_MAX: Final = 100
"""A browser has six. Does not hold for a proxy, which has to bound its visitors itself."""
PATIENCE_SECONDS: Final = 30.0
"""So long a connection may be open until its first request is answered, and after each answer."""


class Connection(H11Protocol):
    """One connection, as uvicorn serves it, that is ended when nothing comes of it."""

    counts: ClassVar[Counter[str]] = Counter()
    """Open connections by address."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._address = ""
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Of asyncio.Protocol. One too many is ended without a word."""
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self.counts[self._address] += 1
        crowded = self._address not in SHARED and self.counts[self._address] > CONNECTIONS_PER_ADDRESS_MAX
        if crowded or self.counts.total() > CONNECTIONS_MAX:
            transport.abort()
        else:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Of asyncio.Protocol."""
        super().connection_lost(exc)
        if self._end is not None:
            self._end.cancel()
        self.counts[self._address] -= 1
        if not self.counts[self._address]:
            del self.counts[self._address]

    def on_response_complete(self) -> None:
        """Of uvicorn: the answer is written, as far as the visitor reads it."""
        super().on_response_complete()
        self._wait()

    def _wait(self) -> None:
        if self._end is not None:
            self._end.cancel()
        self._end = self.loop.call_later(PATIENCE_SECONDS, self.transport.abort)
