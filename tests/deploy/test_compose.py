"""docker-compose.yml and Dockerfile, as far as they can be held against something without containers."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import compose_spec
import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, Any] = yaml.safe_load(TEXT)["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_it_is_a_compose_file() -> None:
    known = yaml.safe_load(TEXT)  # Merges what is written once for several services.
    compose = compose_spec.PyCompose.from_json(json.dumps(known))
    compose.validate()
    assert set(compose.service_names()) == set(SERVICES)
    known["services"]["auth"]["restarts"] = "always"
    with pytest.raises(ValueError, match="restarts"):
        compose_spec.PyCompose.from_json(json.dumps(known))


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_may_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "user" not in service, "the image's own, which is not root"


def test_every_folder_that_is_written_is_a_volume() -> None:
    volumes = yaml.safe_load(TEXT)["volumes"]
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source.startswith(("/", "./")) or source in volumes, f"{name}: {source}"


def test_every_kind_of_worker_runs() -> None:
    modules = {part for service in SERVICES.values() for part in service.get("command", []) if part.startswith("exchange.")}
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"]
    kinds = {package for package in packages if package.startswith("exchange.")} - {"exchange.cli"}
    assert modules == kinds | {"exchange.ledger.auth", "exchange.ledger.historian"}


def test_what_the_image_copies_is_there() -> None:
    for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
    assert re.findall(r"^USER (\w+)$", DOCKERFILE, re.MULTILINE) == ["exchange", "exchange"]
    assert "PYTHONSAFEPATH=1" in DOCKERFILE
