"""Which tests run in one process, and what is begun first. For `make test`, which runs three processes of tests at a time.

All that look at the shared market with a browser run in one process, all others that use it in another, and those with a
browser and markets of their own in a third: markets with bots use a processor all the time, and browsers take long to start.
Where two files use a name for different accounts, that fails always, not only when chance puts both into one process.
Other tests with a market of their own go wherever there is room. All other files stay whole.
"""

from __future__ import annotations

import ast
from functools import cache

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

FIRST = ("browser", "e2e", "simulation", "ledger", "engine", "ticks")
"""Folders with the longest files. What is begun last should be short, or all wait for it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    folders = [item.path.parent.name for item in items]
    ranks = {folder: FIRST.index(folder) if folder in FIRST else len(FIRST) for folder in folders}
    items.sort(key=lambda item: ranks[item.path.parent.name])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return Scheduling(config, log)


class Scheduling(LoadScopeScheduling):
    """That of xdist, by other scopes. (Its own `loadgroup` does not see the marks of tests with pytest 9.2.)"""

    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid)


def scope(nodeid: str) -> str:
    """What runs in one process, one after the other."""
    file, _, rest = nodeid.partition("::")
    needed = needs(file)
    own = needed[rest.partition("[")[0]]
    if "browser" in own or "open_screen" in own:
        return "browser" if "market" in own else "browser with markets"
    if "fresh_market" in own:
        return nodeid
    return "market" if any("market" in found for found in needed.values()) else file


@cache
def needs(file: str) -> dict[str, set[str]]:
    """Test or fixture of a file → what it asks for."""
    with open(file, encoding="utf-8") as source:
        tree = ast.parse(source.read())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {
        node.name: {argument.arg for argument in node.args.args}
        for node in functions
        if node.name.startswith("test_") or any("fixture" in ast.unparse(decorator) for decorator in node.decorator_list)
    }
