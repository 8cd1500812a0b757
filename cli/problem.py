"""What goes wrong in a command, in one line for people."""

from __future__ import annotations

from exchange.messages.requests import Refused

FAILED = 1
MISUSED = 2


class Problem(Exception):
    """Ends a command with one line on stderr. Exit code FAILED: refused or failed; MISUSED: the command makes no sense."""

    def __init__(self, text: str, exit_code: int = FAILED) -> None:
        super().__init__(text)
        self.exit_code = exit_code


def explain(refused: Refused) -> str:
    """A refusal as one line: the sentence for people, and the word that programs test."""
    return f"refused: {refused.detail} ({refused.reason})" if refused.detail else f"refused: {refused.reason}"
