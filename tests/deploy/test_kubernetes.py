"""deploy/kubernetes against the API's schemas, and against what the code expects."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from exchange.secrets import generate_secrets, load_secrets
from exchange.server import ServerOptions, write_config

ROOT = Path(__file__).parent.parent.parent
KUBERNETES = ROOT / "deploy" / "kubernetes"
VERSION = "1.33"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def objects() -> dict[str, dict[str, Any]]:
    """kind/name → object, of base and overlay."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(KUBERNETES.glob("*/*.yaml")):
        content = yaml.safe_load(path.read_text())
        for item in content.get("items", [content]):
            if item["kind"] != "Kustomization":
                found[f"{item['kind']}/{item['metadata']['name']}"] = item
    return found


WORKERS = {name: item for name, item in objects().items() if item["kind"] in ("Deployment", "StatefulSet")}


def pod(item: dict[str, Any]) -> Any:
    return item["spec"]["template"]["spec"]


@pytest.mark.parametrize("name", objects())
def test_it_fits_the_schema(name: str) -> None:
    kubernetes_validate.validate(objects()[name], VERSION, strict=True)


def test_what_does_not_fit_is_noticed() -> None:
    wrong = copy.deepcopy(WORKERS["Deployment/ledger"])
    pod(wrong)["containers"][0]["readinessProb"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="readinessProb"):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


def test_every_resource_is_listed() -> None:
    for folder in ("base", "aws"):
        listed = yaml.safe_load((KUBERNETES / folder / "kustomization.yaml").read_text())["resources"]
        there = {path.name for path in (KUBERNETES / folder).glob("*.yaml")} - {"kustomization.yaml"}
        assert {name for name in listed if not name.startswith("..")} == there


def test_the_same_workers_as_in_docker_compose() -> None:
    commands = {name.partition("/")[2]: pod(item)["containers"][0]["command"] for name, item in WORKERS.items()}
    assert commands == {
        name: service["command"]
        for name, service in COMPOSE.items()
        if service.get("command", [""])[0] == "python" and "-m" in service["command"]
    }


@pytest.mark.parametrize("name", WORKERS)
def test_no_pod_may_more_than_it_must(name: str) -> None:
    spec = pod(WORKERS[name])
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not spec["automountServiceAccountToken"]
    assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()
    labels = WORKERS[name]["spec"]["template"]["metadata"]["labels"]
    assert WORKERS[name]["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_whatever_has_a_twin_has_a_disruption_budget() -> None:
    twins = {name.partition("/")[2] for name, item in WORKERS.items() if item["spec"]["replicas"] > 1}
    assert twins == {name.partition("/")[2] for name in objects() if name.startswith("PodDisruptionBudget/")}


def test_the_chart_gives_nats_the_same_configuration(tmp_path: Path) -> None:
    """Users, permissions and bounds of the chart's values are those that `exchange up` writes."""
    secrets = generate_secrets()
    text = (KUBERNETES / "nats-values.yaml").read_text()
    text = re.sub(r"<< \$(\w+) >>", lambda found: getattr(secrets, found[1].lower()), text)
    config = yaml.safe_load(text)["config"]
    written = json.loads(write_config(ServerOptions(data=tmp_path), secrets).read_text())
    for name in (
        *("accounts", "system_account", "authorization"),
        *("max_payload", "max_subscriptions", "max_pending", "write_deadline"),
    ):
        assert config["merge"][name] == written[name], name
    bounds = ("sync_interval", "strict", "max_memory_store", "max_file_store")
    assert config["jetstream"]["merge"] == {name: written["jetstream"][name] for name in bounds}
    assert config["cluster"] == {"enabled": True, "replicas": 3}


def test_the_environment_of_the_chart_is_what_its_values_name(tmp_path: Path) -> None:
    secrets = load_secrets(tmp_path)
    command = [sys.executable, str(KUBERNETES / "nats_environment.py"), str(tmp_path / "secrets.json")]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    environment = dict(line.split("=", 1) for line in printed.splitlines())
    assert environment["WORKER"] == f'"{secrets.worker}"', "quoted: the server would take digits for a number"
    values = yaml.safe_load((KUBERNETES / "nats-values.yaml").read_text())
    assert environment.keys() == values["container"]["env"].keys()
    named = set(re.findall(r"<< \$(\w+) >>", (KUBERNETES / "nats-values.yaml").read_text()))
    assert environment.keys() == named
