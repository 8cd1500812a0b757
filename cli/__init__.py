"""The command line of the exchange, and the supervisor behind `exchange up`. Start with `app`."""

import sys

INTERRUPTED = 130


def main() -> None:
    """The console script `exchange`."""
    try:
        from .app import run  # Not above: whoever imports a part of this package needs no command line.

        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
