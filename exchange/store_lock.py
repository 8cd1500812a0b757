"""One server per store: two on the same files would destroy them."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
from pathlib import Path
from typing import Final

END_SECONDS_MAX: Final = 3.0
"""How long a server that was left behind may take to end before it is made to."""
POLL_SECONDS: Final = 0.01


class StoreInUse(Exception):
    """A server that cannot be identified as one left behind works with the store."""


async def lock_store(lock: Path, process_id: Path, config: Path) -> int:
    """Take the right to run a server, as an open file to be inherited by it. Raises StoreInUse.

    A server with this `config` that outlived the program that started it is ended first; `process_id` is the file with
    its process id.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if _try_lock(descriptor):
                return descriptor
            process = _left_behind(process_id, config)
            if process is None:
                break
            os.kill(process, number)
            for _ in range(int(END_SECONDS_MAX / POLL_SECONDS)):
                if _try_lock(descriptor):
                    return descriptor
                await asyncio.sleep(POLL_SECONDS)
        raise StoreInUse(f"another NATS server still uses {lock.parent}; end it first")
    except BaseException:
        os.close(descriptor)
        raise


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _left_behind(process_id: Path, config: Path) -> int | None:
    """The process that runs with this configuration, if the system lets us be sure of it."""
    try:
        process = int(process_id.read_text())
        arguments = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return process if os.fsencode(config) in arguments else None
