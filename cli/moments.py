"""Moments as people write them."""

from __future__ import annotations

from .problem import MISUSED, Problem


def parse_moment(option: str, text: str) -> int:
    """Nanoseconds since 1970 of "2 hours ago", "yesterday 14:00", "2026-11-20T10:00Z", or of Unix seconds; 0 for no text.

    Raises Problem, naming the option.
    """
    if not text:
        return 0
    if text.isdecimal():
        return int(text) * 1_000_000_000
    import dateparser  # Takes its time.

    settings = {"RETURN_AS_TIMEZONE_AWARE": True, "PREFER_DATES_FROM": "past"}
    moment = dateparser.parse(text, languages=["en"], settings=settings)
    if moment is None:
        raise Problem(f'{option}: "{text}" is not a time; write it like "2 hours ago" or 2026-11-20T10:00', MISUSED)
    return max(0, int(moment.timestamp() * 1_000_000)) * 1_000


def parse_span(since: str, until: str) -> tuple[int, int]:
    """The moments of --since and --until, 0 where one is left out. Raises Problem."""
    start, end = parse_moment("--since", since), parse_moment("--until", until)
    if end and start >= end:
        raise Problem("--since is not before --until", MISUSED)
    return start, end
