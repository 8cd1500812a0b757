"""Sends what the channels have, when it is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nats.aio.client import Client

from exchange.messages.base import encode

from .channels import Channels


class Publisher:
    """The edge of `Channels`: clock and connection. `clock`: seconds, never going back."""

    def __init__(self, client: Client, channels: Channels, clock: Callable[[], float]) -> None:
        self._client = client
        self._channels = channels
        self._clock = clock
        self._sending = asyncio.Lock()
        self._waiting = asyncio.Event()

    async def flush(self) -> None:
        """Send what is due now."""
        async with self._sending:  # Messages of one channel leave in their order.
            for subject, message in self._channels.messages(self._clock()):
                await self._client.publish(subject, encode(message))
        if self._channels.waiting:
            self._waiting.set()

    async def run(self) -> None:
        """Send for ever what had to wait."""
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            await asyncio.sleep(self._channels.pause(self._clock()))
            await self.flush()
