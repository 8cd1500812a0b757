"""The lock file holds what pyproject.toml asks for, each version with the hashes of its files: else `make lock`."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCK = (ROOT / "requirements.lock").read_text().replace("\\\n", " ").splitlines()
LINES = [line for line in LOCK if line.strip() and not line.lstrip().startswith("#")]
LOCKED = {canonicalize_name(match[1]): match[2] for line in LINES if (match := re.match(r"([A-Za-z0-9._-]+)==([^ ;]+)", line))}
DEPENDENCIES = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]


@pytest.mark.parametrize("dependency", DEPENDENCIES)
def test_the_lock_has_what_is_asked_for(dependency: str) -> None:
    wanted = Requirement(dependency)
    assert wanted.specifier.contains(LOCKED[canonicalize_name(wanted.name)]), "make lock"


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.split(" ")[0])
def test_every_package_has_a_version_and_hashes(line: str) -> None:
    assert "==" in line.split(" ")[0]
    assert re.search(r"--hash=sha256:[0-9a-f]{64}", line)
