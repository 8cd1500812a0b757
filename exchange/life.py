"""Signs of life: whether another process is still connected can be found out at once, without waiting for it to be silent.

A process that was killed has lost its connection, and its subscriptions with it: a request to it is answered by the server,
saying that nobody is there. Of one that is frozen, or only slow, no answer comes in time, which says nothing.
"""

from __future__ import annotations

import secrets
from typing import Final

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from .subjects import is_inbox, life

PROBE_SECONDS: Final = 0.2


class Life:
    """The sign of one process, or of one part of it."""

    def __init__(self, client: Client) -> None:
        self.token: Final = secrets.token_hex(8)
        self._client = client
        self._shown = False

    async def show(self) -> None:
        """From here on others can see that this one is there."""
        if not self._shown:
            self._shown = True
            await self._client.subscribe(life(self.token), cb=self._answer)
            await self._client.flush()

    async def _answer(self, message: Msg) -> None:
        if is_inbox(message.reply):
            await self._client.publish(message.reply, b"")


async def is_gone(client: Client, token: str) -> bool:
    """Whether the one with this token, who has shown it, is connected no more. False as long as it cannot be told."""
    try:
        await client.request(life(token), b"", timeout=PROBE_SECONDS)
    except nats.errors.NoRespondersError:
        return True
    except (nats.errors.Error, TimeoutError):
        pass
    return False
