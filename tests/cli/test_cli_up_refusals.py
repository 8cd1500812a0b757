"""`exchange up` that cannot: one clear line, exit code 1, and nothing half started."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.market_process import environment, run_cli

FREE = ("--port", "0", "--nats-port", "0", "--ws-port", "0")


def refused(directory: Path, *arguments: str, exit_code: int = 1) -> str:
    """The one line."""
    finished = run_cli(directory, "up", *arguments)
    assert finished.returncode == exit_code, finished.stderr
    assert finished.stdout == ""
    lines = finished.stderr.splitlines()
    assert len(lines) == 1, finished.stderr
    assert lines[0].startswith("exchange: ")
    return lines[0].removeprefix("exchange: ")


def assert_nothing_was_started(directory: Path) -> None:
    left = {path.name for path in (directory / "data").iterdir()}
    assert left <= {"lock", "secrets.json"}


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("option", ["--port", "--nats-port", "--ws-port"])
def test_taken_port(tmp_path: Path, taken: int, option: str) -> None:
    text = refused(tmp_path, *FREE, option, str(taken))
    assert text == f"port {taken} is taken by another program; choose another with {option}"
    assert_nothing_was_started(tmp_path)


def test_one_port_for_two_purposes(tmp_path: Path) -> None:
    text = refused(tmp_path, "--port", "8123", "--nats-port", "8123", "--ws-port", "0", exit_code=2)
    assert text == "--port 8123: every port can be used for one purpose only"


def test_data_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    text = refused(tmp_path, *FREE)
    assert text.startswith("the data directory cannot be used: ")
    assert str(tmp_path / "data") in text


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable for root")
def test_data_directory_without_permission(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0)
    assert refused(tmp_path, *FREE).startswith("the data directory cannot be used: ")


def test_missing_binary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXCHANGE_NATS_SERVER", str(tmp_path / "no-such-server"))
    assert "no-such-server" in environment(tmp_path)["EXCHANGE_NATS_SERVER"]
    assert refused(tmp_path, *FREE) == f"EXCHANGE_NATS_SERVER={tmp_path / 'no-such-server'}: there is no such program"
    assert_nothing_was_started(tmp_path)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("title: x\nsymbols:\n  - {symbol: KRYP, name: Kryptonite, opening_price: cheap}\n", "symbols[0].opening_price"),
        ("title: x\nsymbols:\n  - {symbol: kryp, name: Kryptonite, opening_price: 1}\n", "symbols[0].symbol"),
        ("title: x\nsymbols: []\n", "symbols: at least one"),
        ("title: x\nsymbols:\n  - {symbol: KRYP, name: Kryptonite}\n", "opening_price"),
        ("title: [\n", "not valid YAML"),
    ],
)
def test_bad_market_file(tmp_path: Path, content: str, field: str) -> None:
    (tmp_path / "bad.yaml").write_text(content)
    text = refused(tmp_path, str(tmp_path / "bad.yaml"), *FREE)
    assert text.startswith(f"{tmp_path / 'bad.yaml'}: ")
    assert field in text
    assert_nothing_was_started(tmp_path)


def test_missing_market_file(tmp_path: Path) -> None:
    text = refused(tmp_path, str(tmp_path / "none.yaml"), *FREE)
    assert text == f"{tmp_path / 'none.yaml'}: No such file or directory"


def test_damaged_secrets(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secrets.json").write_text("{}")
    assert refused(tmp_path, *FREE).endswith("secrets.json: not a secrets file of this program")
