"""Event batches as bytes, each small enough for one message of the log."""

from __future__ import annotations

from typing import Final

from exchange.digest import digest
from exchange.messages.base import encode
from exchange.messages.events import Event, EventBatch, Moment

EVENT_BATCH_BYTES_MAX: Final = 800_000
"""Of one event batch; a turn with more events is split. Well below the server's max_payload of 1 MB."""
FRAME_BYTES_MAX: Final = 256
"""What a batch takes besides its moments."""
MOMENT_BYTES_MAX: Final = 96
"""What a moment takes besides its events."""


def encode_batches(number: int, previous: str, journal_through: int, moments: list[Moment]) -> list[bytes]:
    """The batches for a turn's events; the first has this number and names this digest, all but the last say `more`."""
    whole = encode(EventBatch(number, journal_through, previous, moments))
    if len(whole) <= EVENT_BATCH_BYTES_MAX:
        return [whole]
    payloads: list[bytes] = []
    parts = _split(moments)
    for index, part in enumerate(parts):
        more = index < len(parts) - 1
        payload = encode(EventBatch(number + index, journal_through, previous, part, more))
        assert len(payload) <= EVENT_BATCH_BYTES_MAX
        payloads.append(payload)
        previous = digest(payload)
    return payloads


def _split(moments: list[Moment]) -> list[list[Moment]]:
    """Fill one part after the other; a moment may go on in the next part."""
    parts: list[list[Moment]] = [[]]
    room = EVENT_BATCH_BYTES_MAX - FRAME_BYTES_MAX
    for moment in moments:
        events: list[Event] = []
        room -= MOMENT_BYTES_MAX
        for event in moment.events:
            size = len(encode(event)) + 1
            if size > room:
                if events:
                    parts[-1].append(Moment(moment.journal, moment.time, events))
                    events = []
                parts.append([])
                room = EVENT_BATCH_BYTES_MAX - FRAME_BYTES_MAX - MOMENT_BYTES_MAX
            events.append(event)
            room -= size
        parts[-1].append(Moment(moment.journal, moment.time, events))
    return parts
