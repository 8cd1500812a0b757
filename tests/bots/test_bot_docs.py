"""docs/bots.md says what there is: every example in it can be used, every value, action and strategy stands in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bots.definition import read_definition
from bots.parser import parse_action, parse_condition
from bots.registry import STRATEGIES, check_strategy
from bots.vocabulary import FUNCTIONS, VALUES
from exchange.market import POPULATIONS

DOCS = (Path(__file__).parents[2] / "docs" / "bots.md").read_text()
FILES = re.findall(r"```(?:yaml|json)\n(.*?)```", DOCS, re.DOTALL)
README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.mark.parametrize("text", [*FILES, *re.findall(r"```yaml\n(bot:.*?)```", README, re.DOTALL)])
def test_every_file_can_be_used(text: str) -> None:
    assert read_definition(text, "example", check_strategy).symbol


def cells(heading: str) -> list[str]:
    """What stands in code in the first column of a section's tables."""
    section = DOCS.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return [code for row in rows for code in re.findall(r"`([^`]+)`", row)]


def test_every_condition_and_action_can_be_used() -> None:
    for text in cells("Conditions"):
        if text not in ("not", "and", "or", "( )"):
            assert parse_condition(text).node is not None, text
    for text in cells("Actions"):
        whole = f"buy 100 at 20.60 {text.removeprefix('…')}" if text.startswith("…") else text
        assert parse_action(whole).node is not None, parse_action(whole).mistakes


def test_every_value_strategy_and_population_is_there() -> None:
    written = [text.partition("(")[0] for text in cells("Values")]
    assert written == list(VALUES)
    assert all(f"`{name}(" in DOCS for name in FUNCTIONS)
    assert cells("Strategies") == list(STRATEGIES)
    assert tuple(cells("Populations")) == POPULATIONS
