"""The rules of the folders: who may import whom, and that everything written is shipped."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SERVICES = ("cli", "engine", "ledger", "ticks", "bots", "web")
SHARED = sorted((ROOT / "exchange").rglob("*.py"))
SOURCES = [path for service in SERVICES for path in sorted((ROOT / service).rglob("*.py"))]
FUNCTION_LINES_MAX = 70


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(path: Path) -> list[tuple[int, int, str]]:
    """(line, level, module) of every import; level counts the leading dots."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(node.lineno, 0, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.lineno, node.level, node.module or ""))
            if node.level == 0:
                found += [(node.lineno, 0, f"{node.module}.{alias.name}") for alias in node.names]
    return found


@pytest.mark.parametrize("path", [*SOURCES, *SHARED], ids=name)
def test_no_service_imports_another(path: Path) -> None:
    for line, level, module in imported(path):
        assert level <= 1, f"{name(path)}:{line} reaches outside its folder"
        if level == 1:
            continue
        head, *rest = module.split(".")
        assert head not in SERVICES, f"{name(path)}:{line} imports a service by its folder's name"
        assert not (head == "exchange" and rest[:1] and rest[0] in SERVICES), f"{name(path)}:{line} imports a service"


@pytest.mark.parametrize("path", [*SOURCES, *SHARED], ids=name)
def test_every_function_fits_a_screen(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if ast.get_docstring(node, clean=False) is not None:
                first = node.body[0]
                lines -= (first.end_lineno or 0) - first.lineno + 1
            assert lines <= FUNCTION_LINES_MAX, f"{name(path)}:{node.lineno} {node.name} has {lines} lines"


def test_every_folder_with_code_ships() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    written = {".".join(("exchange", *path.parent.relative_to(ROOT).parts)) for path in SOURCES}
    written |= {".".join(path.parent.relative_to(ROOT).parts) for path in SHARED}
    assert set(declared) == written


def test_test_files_have_names_of_their_own() -> None:
    """Tests are imported by name, from folders that are no packages."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
