"""What the page consists of: small, all of it from here, and what is vendored is what the lock file says."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path
from typing import get_args

import pytest

from exchange.messages.events import CancelReason
from ledger import refusals
from web.page import COMPRESSED_ALREADY, PAGE, load_page
from web.server import CHART_STYLE

COMPRESSED_BYTES_MAX = 400_000
LOCK = Path(__file__).parents[2] / "web" / "vendor" / "package-lock.json"
OWN = [path for path in sorted(PAGE.rglob("*")) if path.suffix in (".js", ".css", ".html") and path.parent.name != "vendor"]


def test_the_whole_page_is_small() -> None:
    files = [path for path in PAGE.rglob("*") if path.is_file()]
    sizes = {
        path: len(path.read_bytes() if path.suffix in COMPRESSED_ALREADY else gzip.compress(path.read_bytes()))
        for path in files
    }
    assert sum(sizes.values()) < COMPRESSED_BYTES_MAX, sizes


def test_every_file_is_handed_out() -> None:
    assert set(load_page().names) == {path.relative_to(PAGE).as_posix() for path in PAGE.rglob("*") if path.is_file()}


def imports(text: str) -> list[str]:
    """What a module cannot begin without, as it is written there."""
    return re.findall(r'^(?:import|export) .*?from "([^"]+)"', text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.relative_to(PAGE).as_posix())
def test_everything_imported_is_there(path: Path) -> None:
    text = path.read_text()
    names = imports(text)
    names += re.findall(r'(?:src|href)="([^"#]+)"', text) if path.suffix == ".html" else []
    for name in names:
        if not name.startswith("https://www.tradingview.com") and name not in ("/", "config.json"):
            assert (path.parent / name).resolve().is_relative_to(PAGE), name
            assert (path.parent / name).exists(), name


def test_the_first_visit_learns_of_all_modules_at_once() -> None:
    """Those of the further screens come when one goes there."""
    needed, found = [PAGE / "main.js"], set()
    while needed:
        path = needed.pop()
        found.add(path)
        needed += {(path.parent / name).resolve() for name in imports(path.read_text())} - found
    announced = re.findall(r'<link rel="modulepreload" href="([^"]+)">', (PAGE / "index.html").read_text())
    assert sorted(announced) == sorted(path.relative_to(PAGE).as_posix() for path in found if path.name != "main.js")


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.relative_to(PAGE).as_posix())
def test_nothing_comes_from_elsewhere(path: Path) -> None:
    addresses = set(re.findall(r"(?:https?|wss?):?//[^\s\"'`<]+", path.read_text()))
    assert addresses <= {"https://www.tradingview.com/"}


def test_what_is_vendored_is_what_is_locked() -> None:
    locked = json.loads(LOCK.read_text())["packages"]
    listed = re.findall(r"^- (\S+) (\S+) \(", (PAGE / "vendor" / "NOTICE.txt").read_text(), re.MULTILINE)
    assert len(listed) >= 5
    assert {name: locked[f"node_modules/{name}"]["version"] for name, _ in listed} == dict(listed)
    charts = (PAGE / "vendor" / "lightweight-charts.js").read_text()
    assert f"v{dict(listed)['lightweight-charts']}" in charts


def test_the_chart_library_is_named_as_its_licence_asks() -> None:
    for path in (PAGE / "index.html", PAGE / "vendor" / "NOTICE.txt"):
        text = " ".join(path.read_text().split())
        assert "TradingView Lightweight Charts™ Copyright (c) 2025 TradingView, Inc." in text
        assert "https://www.tradingview.com/" in text
    assert "attributionLogo: true" in (PAGE / "components" / "chart-style.js").read_text()


def test_the_allowed_style_is_that_of_the_chart_library() -> None:
    style = re.search(r'(["\'`])(a#tv-attr-logo\{.*?)\1', (PAGE / "vendor" / "lightweight-charts.js").read_text())
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[2].encode()).digest()).decode()
    assert f"'sha256-{digest}'" == CHART_STYLE


def test_every_refusal_about_a_field_is_shown_there() -> None:
    words = {
        value
        for name, value in vars(refusals).items()
        if re.match("QUANTITY|PRICE|VALUE|INSUFFICIENT|STOP_PRICE|TRAIL|DISPLAY|EXPIRES|TIME_IN|POST_ONLY|.*_LIMIT$", name)
    }
    words = {word for word in words if isinstance(word, str)}
    fields = (PAGE / "ticket.js").read_text()
    assert {word for word in words if f"{word}:" not in fields} == set()


def test_every_ending_has_words() -> None:
    texts = (PAGE / "texts.js").read_text()
    assert {reason for reason in get_args(CancelReason) if reason != "owner" and f"  {reason}:" not in texts} == set()


@pytest.mark.parametrize(
    "path", [path for path in OWN if path.suffix == ".js" and path.name != "texts.js"], ids=lambda path: path.name
)
def test_texts_stand_in_one_module(path: Path) -> None:
    """Nothing that reads like a sentence or a label, except in comments, `throw`s and words for other programs."""
    code = re.sub(r"/\*[\s\S]*?\*/|//.*|new Error\(.*|Unanswered\(.*", "", path.read_text())
    found = re.findall(r">\s*([A-Z][a-z]+[^<>${}]*)<", code)
    found += re.findall(r'(?:aria-label|title|placeholder|alt)="([^"$]*[A-Za-z]{2}[^"$]*)"', code)
    found += re.findall(r'["`]([A-Z][a-z]+ [a-z][^"`]*)["`]', code)
    assert found == []
