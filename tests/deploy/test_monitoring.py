"""Alert rules and dashboard: their queries are PromQL, and ask for nothing that the code does not measure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import prometheus_client
import promql_parser
import pytest
import yaml

import exchange.metrics

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
PROMETHEUS_OWN = {"up": {"job", "instance"}}
OF_THE_SCRAPE = {"job", "instance", "le"}


def alerts() -> dict[str, str]:
    """Name → query."""
    groups = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())["groups"]
    return {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}


def panels() -> dict[str, str]:
    """Title and letter → query."""
    board = json.loads((DEPLOY / "grafana" / "exchange.json").read_text())
    return {f"{panel['title']} {target['refId']}": target["expr"] for panel in board["panels"] for target in panel["targets"]}


def measured() -> dict[str, set[str]]:
    """Name of a series → its labels, of everything that a worker can hand out."""
    found = dict(PROMETHEUS_OWN)
    for metric in vars(exchange.metrics).values():
        if isinstance(metric, prometheus_client.metrics.MetricWrapperBase):
            endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(metric._type, ("",))
            found |= {metric._name + ending: {*metric._labelnames, *OF_THE_SCRAPE} for ending in endings}
    for family in prometheus_client.REGISTRY.collect():
        if family.name.startswith(("process_", "python_")):
            found |= {sample.name: {*sample.labels, *OF_THE_SCRAPE} for sample in family.samples}
    return found


def selectors(node: object) -> Iterator[promql_parser.VectorSelector]:
    """All of a query's."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    elif isinstance(node, promql_parser.MatrixSelector):
        yield node.vector_selector
    elif isinstance(node, promql_parser.BinaryExpr):
        yield from selectors(node.lhs)
        yield from selectors(node.rhs)
    elif isinstance(node, promql_parser.Call):
        for argument in node.args:
            yield from selectors(argument)
    elif hasattr(node, "expr"):
        yield from selectors(node.expr)


@pytest.mark.parametrize(("name", "query"), [*alerts().items(), *panels().items()])
def test_a_query_asks_for_what_is_measured(name: str, query: str) -> None:
    known = measured()
    asked = list(selectors(promql_parser.parse(query)))
    assert asked, f"{name} asks for nothing"
    for selector in asked:
        assert selector.name in known, f"{name} asks for {selector.name}, which nothing measures"
        labels = {matcher.name for matcher in selector.matchers.matchers} - {"__name__"}
        assert labels <= known[selector.name], f"{name}: {selector.name} has no labels {labels - known[selector.name]}"
    grouped = {label.strip() for found in re.findall(r"by \(([^)]*)\)", query) for label in found.split(",")}
    assert grouped <= set.union(*(known[selector.name] for selector in asked)), f"{name}: grouped by what is not there"


def test_everything_measured_is_shown() -> None:
    shown = {selector.name for query in panels().values() for selector in selectors(promql_parser.parse(query))}
    shown |= {selector.name for query in alerts().values() for selector in selectors(promql_parser.parse(query))}
    bases = {re.sub("_(total|bucket|sum|count)$", "", name) for name in measured() if name.startswith("exchange_")}
    seen = {re.sub("_(total|bucket|sum|count)$", "", name) for name in shown if name}
    assert bases - seen == {"exchange_applied_batch"}, "that one is for people who compare positions"


def test_each_alert_says_what_to_do() -> None:
    headings = re.findall(r"^### (\w+)$", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
    assert sorted(headings) == sorted(alerts())
