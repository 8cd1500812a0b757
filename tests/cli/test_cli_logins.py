"""The file of log-ins: private, by market and account, whole at any moment."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cli.logins import StoredLogin, find_login, store_login
from cli.problem import Problem


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXCHANGE_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


def stored(number: int) -> StoredLogin:
    return StoredLogin(f"session {number}", "auditor" if number % 2 else "trader")


def test_keys_are_kept_by_market_and_account(config: Path) -> None:
    first, second, third, fourth = map(stored, range(4))
    store_login("/one", "alice", first)
    store_login("/two", "alice", second)
    store_login("/one", "bob", third)
    store_login("/one", "alice", fourth)
    assert [find_login(*key) for key in [("/one", "alice"), ("/two", "alice"), ("/one", "bob")]] == [fourth, second, third]
    assert find_login("/two", "bob") is None
    assert stat.S_IMODE((config / "logins.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(config.stat().st_mode) == 0o700


def test_many_at_once_lose_none() -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: store_login("/market", f"account{number}", stored(number)), range(40)))
    assert [find_login("/market", f"account{number}") for number in range(40)] == [stored(number) for number in range(40)]


def test_a_damaged_file_is_left_alone(config: Path) -> None:
    config.mkdir()
    (config / "logins.json").write_text("{not json")
    with pytest.raises(Problem, match="not a file of log-ins"):
        find_login("/market", "alice")
    with pytest.raises(Problem, match="not a file of log-ins"):
        store_login("/market", "alice", stored(1))
    assert (config / "logins.json").read_text() == "{not json"


def test_a_directory_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EXCHANGE_CONFIG", str(tmp_path / "file" / "config"))
    with pytest.raises(Problem, match="the log-in cannot be stored"):
        store_login("/market", "alice", stored(1))
