"""What a worker says on stderr: lines for people on a terminal, one JSON object a line for programs everywhere else.

With EXCHANGE_LOG=debug it also says of each order when it passes: the order's id is the one thing that all workers know it by.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from .log import decode_header
from .messages.base import encode

LEVEL_VARIABLE: Final = "EXCHANGE_LOG"
LEVELS: Final = ("debug", "info", "warning", "error")
TEXT_LENGTH_MAX: Final = 3_000
"""What is longer is cut; of an exception the end is kept, which says what it was."""
TEXT_FORMAT: Final = "%(asctime)s %(levelname)s %(message)s"

logger = logging.getLogger(__name__)


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that a worker said."""

    time: str
    level: str
    worker: str
    pid: int
    text: str
    order: int = 0
    """Of what is said about an order: its id …"""
    log: str = ""
    batch: int = 0
    """… and where it was seen."""
    exception: str = ""


decode_line: Final = msgspec.json.Decoder(Line).decode


class JsonFormatter(logging.Formatter):
    """Lines as JSON."""

    def __init__(self, worker: str) -> None:
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        """One Line."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        exception = self.formatException(record.exc_info) if record.exc_info else ""
        order: tuple[int, str, int] = getattr(record, "order", (0, "", 0))
        text = record.getMessage()[:TEXT_LENGTH_MAX]
        line = Line(time, record.levelname, self._worker, os.getpid(), text, *order, exception[-TEXT_LENGTH_MAX:])
        return encode(line).decode()


def configure(worker: str) -> None:
    """Say everything from here on. Raises ValueError for a level that there is not."""
    level = os.environ.get(LEVEL_VARIABLE, "info").lower()
    if level not in LEVELS:
        raise ValueError(f"{LEVEL_VARIABLE}: expected one of {', '.join(LEVELS)}, got {level}")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(TEXT_FORMAT) if sys.stderr.isatty() else JsonFormatter(worker))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    logging.getLogger("asyncio").setLevel(logging.INFO)  # It talks of its selector.


def trace(log: str, payloads: list[bytes], what: str) -> None:
    """At level debug: say of every order in these batches that this worker has just `appended` or `taken` it."""
    if not logger.isEnabledFor(logging.DEBUG):
        return
    for payload in payloads:
        batch = decode_header(payload).number
        for order in dict.fromkeys(_orders(msgspec.json.decode(payload))):
            logger.debug("order %d %s in %s %d", order, what, log, batch, extra={"order": (order, log, batch)})


def _orders(part: Any) -> Iterator[int]:
    """All order ids, however deep."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name.endswith("order_id") and isinstance(value, int):
                yield value
            else:
                yield from _orders(value)
    elif isinstance(part, list):
        for value in part:
            yield from _orders(value)
