"""What processes use, where the system tells it (Linux)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class Usage(NamedTuple):
    """Of one process."""

    memory: int
    """Resident bytes."""
    seconds: float
    """Processor time since it began."""


def usage(pid: int) -> Usage | None:
    """None when the process is gone, or the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, IndexError):
        return None
    return Usage(pages * os.sysconf("SC_PAGE_SIZE"), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))
