"""The page's pure modules, tested by node's own test runner."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TESTS = sorted(HERE.glob("*.test.js"))


def test_page_logic() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.fail("the page's tests need node; `make test` installs it")
    finished = subprocess.run([node, "--test", *map(str, TESTS)], capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_every_test_file_belongs_to_a_module(path: Path) -> None:
    assert (HERE.parent.parent / "web" / "page" / path.name.replace(".test.js", ".js")).exists()
