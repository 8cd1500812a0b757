"""Sends what the channels have, when it is due."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from math import isinf
from typing import Final

from nats.aio.client import Client

from exchange.messages.base import encode

from .channels import Channels

REST_SECONDS: Final = 0.005
"""What is due without a change waits so long at most, and leaves with all that is due by then: of thousands of symbols, one is
due every half millisecond, and each time costs a write."""


class Publisher:
    """The edge of `Channels`: clock and connection. `clock`: seconds, never going back."""

    def __init__(self, client: Client, channels: Channels, clock: Callable[[], float]) -> None:
        self._client = client
        self._channels = channels
        self._clock = clock
        self._sending = asyncio.Lock()
        self._sent = asyncio.Event()

    async def open(self) -> None:
        """Publish from now on, beginning with the present state."""
        self._channels.open()
        await self.flush()

    def close(self) -> None:
        """Publish no more, until `open`."""
        self._channels.close()

    async def flush(self) -> None:
        """Send what is due now."""
        await self._send()
        self._sent.set()

    async def run(self) -> None:
        """Send for ever what had to wait, and what is sent at a steady pace."""
        while True:
            pause = max(REST_SECONDS, self._channels.pause(self._clock()))
            self._sent.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if isinf(pause) else pause):
                    await self._sent.wait()
                    continue  # What is due next may be another thing now.
            await self._send()

    async def _send(self) -> None:
        async with self._sending:  # Messages of one channel leave in their order.
            messages = self._channels.messages(self._clock())
            for subject, message in messages:
                await self._client.publish(subject, encode(message))
            if messages:
                await asyncio.sleep(0)  # The connection writes.
                self._channels.settle()
