"""python -P -m exchange.bots.check FILE: every mistake in a bot file, one a line; exit code 1 if there are any."""

from __future__ import annotations

import sys
from pathlib import Path

from exchange.messages.base import encode
from exchange.messages.bots import BotCheck, BotMistake

from .document import BotFileError, Mistake
from .service import check


def main(arguments: list[str]) -> int:
    """The exit code."""
    as_json = "--json" in arguments
    file = Path(next(argument for argument in arguments if argument != "--json"))
    name, mistakes = file.stem.lower(), list[Mistake]()
    summary = ""
    try:
        definition = check(file.read_text(), name, None)
        name = definition.name
        what = (
            f"strategy {definition.strategy}"
            if definition.strategy
            else f"{len(definition.rules)} rule{'s' * (len(definition.rules) > 1)}"
        )
        summary = f"{name} on {definition.symbol}: {what}, no mistakes"
    except BotFileError as error:
        mistakes = error.mistakes
    except OSError as error:
        print(f"exchange: {file}: {error.strerror}", file=sys.stderr)
        return 2
    except UnicodeDecodeError:
        print(f"exchange: {file}: not a text file", file=sys.stderr)
        return 2
    if as_json:
        print(encode(BotCheck(name, [BotMistake(*mistake) for mistake in mistakes])).decode())
    elif mistakes:
        for mistake in mistakes:
            print(f"{file}:{mistake.line}:{mistake.column}: {mistake.text}", file=sys.stderr)
    else:
        print(summary)
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
