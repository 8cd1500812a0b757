"""The form for a new bot knows the strategies that there are, and writes files that the bots worker can read."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bots.definition import read_definition
from bots.registry import STRATEGIES, check_strategy

FORM = Path(__file__).parents[2] / "web" / "page" / "bot-form.js"
FIELDS = {
    "made": "rules",
    "name": "b",
    "symbol": "KRYP",
    "value": "last",
    "comparison": ">=",
    "number": "1",
    "side": "buy",
    "quantity": "10",
    "price": "market",
    "gain": "5",
    "loss": "3",
    "again": "5m",
    "positionMax": "100",
    "lossMax": "500",
    "strategy": "",
    "parameters": {},
    "related": "",
}


@pytest.fixture(scope="module")
def form() -> dict[str, Any]:
    """What the module exports, and its files for every choice, by node."""
    node = shutil.which("node")
    assert node, "the page's tests need node; `make test` installs it"
    script = f"""
import * as form from {json.dumps(FORM.as_uri())};
const fields = {json.dumps(FIELDS)};
const rules = form.VALUES.flatMap((value) =>
  form.COMPARISONS.map((comparison) => form.fileOf({{ ...fields, value, comparison }})));
const prices = form.PRICES.map((price) => form.fileOf({{ ...fields, price }}));
const strategies = Object.entries(form.STRATEGIES).map(([strategy, usual]) => form.fileOf({{
  ...fields, made: "strategy", strategy, related: strategy === form.RELATED ? "ADAM" : "",
  parameters: Object.fromEntries(Object.entries(usual).map(([name, value]) => [name, String(value)])),
}}));
console.log(JSON.stringify({{ known: form.STRATEGIES, files: [...rules, ...prices, ...strategies] }}));
"""
    finished = subprocess.run(
        [node, "--input-type=module", "-e", script], capture_output=True, text=True, check=True, timeout=60
    )
    found: dict[str, Any] = json.loads(finished.stdout)
    return found


def test_the_strategies_are_those_of_the_worker(form: dict[str, Any]) -> None:
    assert form["known"] == {name: dict(strategy.PARAMETERS) for name, strategy in STRATEGIES.items()}


def test_every_file_of_the_form_can_be_read(form: dict[str, Any]) -> None:
    assert len(form["files"]) > 50
    for text in form["files"]:
        definition = read_definition(text, "x", check_strategy)  # Raises where there are mistakes.
        assert (definition.name, definition.symbol) == ("b", "KRYP")
