"""What changes before one's eyes, until Ctrl-C: the book as it is, and trades as they are made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final

from rich.console import RenderableType
from rich.live import Live

from exchange.client import ClientError

from .output import console
from .problem import Problem

FRAME_SECONDS: Final = 0.1
LOG_SECONDS: Final = 1.0
"""Between two pictures where no terminal shows them one over the other."""


@asynccontextmanager
async def until_stopped() -> AsyncIterator[None]:
    """Ctrl-C is how this ends well; what the market refuses is a Problem."""
    try:
        yield
    except asyncio.CancelledError:
        pass
    except ClientError as error:
        raise Problem(str(error)) from None


async def watch(states: AsyncGenerator[Any, None], picture: Callable[[Any], RenderableType]) -> None:
    """Show a picture of the newest state, again and again."""
    screen = console()
    pause = FRAME_SECONDS if screen.is_terminal else LOG_SECONDS
    with Live(console=screen, auto_refresh=False, vertical_overflow="crop") as live:
        due = 0.0
        async with until_stopped(), aclosing(states):
            async for state in states:
                if (now := time.monotonic()) < due:
                    continue
                due = now + pause
                if screen.is_terminal:
                    live.update(picture(state), refresh=True)
                else:
                    screen.print(picture(state))
