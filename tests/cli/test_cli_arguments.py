"""What makes no sense is refused in one line, with exit code 2, before anything is asked or sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.app import app, run


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person without a market."""
    monkeypatch.setenv("EXCHANGE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("EXCHANGE_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("EXCHANGE_SERVER", raising=False)
    monkeypatch.delenv("EXCHANGE_PASSWORD", raising=False)
    return tmp_path


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and the one line on stderr; nothing may stand on stdout."""
    code = run(list(arguments))
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("exchange: ")
    return code, lines[0].removeprefix("exchange: ")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("byu KRYP 100", "No such command 'byu'. Did you mean 'buy'?"),
        ("buy", "Missing argument 'SYMBOL'"),
        ("buy KRYP", "Missing argument 'QUANTITY'"),
        ("buy KRYP many", "QUANTITY"),
        ("buy KRYP 1.5", "QUANTITY"),
        ("buy KRYP 100 --limit", "--limit"),
        ("--as alice buy KRYP 100 --limit cheap", "'cheap' is not an amount of money"),
        ("--as alice buy KRYP 100 --limit 20.55555", "more than four decimals"),
        ("--as alice buy KRYP 100 --limit 20 --tif soon", "--tif"),
        ("--as alice buy KRYP 0 --limit 20", "the quantity must be at least 1"),
        ("--as alice buy kr-yp 100 --limit 20", "is not a symbol"),
        (f"--as alice buy KRYP 100 --limit 20 --client-id {'x' * 37}", "at most 36 characters"),
        ("--as alice buy KRYP 100 --stop low", "--stop: 'low' is not an amount of money"),
        ("--as alice buy KRYP 100 --trail some", "--trail: 'some' is not an amount of money"),
        ("--as alice buy KRYP 100 --trail 0", "the distance must be more than 0"),
        ("--as alice buy KRYP 100 --trail x%", "'x%' is not a percentage"),
        ("--as alice buy KRYP 100 --trail inf%", "at most two decimals"),
        ("--as alice buy KRYP 100 --trail 1.234%", "at most two decimals"),
        ("--as alice buy KRYP 100 --trail 100%", "between 0 and 100"),
        ("--as alice buy KRYP 100 --trail 1 --limit 20", "--trail finds its own prices"),
        ("--as alice buy KRYP 100 --trail 1 --stop 20", "--trail finds its own prices"),
        ("--as alice buy KRYP 100 --stop 20 --tif ioc", "waits; --tif ioc does not"),
        ("--as alice buy KRYP 100 --tif day", "trades at once or in an auction; --tif day needs a price"),
        ("--as alice buy KRYP 100 --limit 20 --tif gtd", "--tif gtd and --until TIME belong together"),
        ("--as alice buy KRYP 100 --limit 20 --tif day --until 2030-01-01", "--tif gtd and --until TIME belong together"),
        ("--as alice buy KRYP 100 --limit 20 --until someday", "--until: 'someday' is not a time"),
        ("--as alice buy KRYP 100 --limit 20 --until 1999-12-31", "--until: 1999-12-31 is over"),
        ("--as alice buy KRYP 100 --post-only", "--post-only is for orders with --limit that may stay"),
        ("--as alice buy KRYP 100 --limit 20 --tif fok --post-only", "--post-only is for orders with --limit that may stay"),
        ("--as alice buy KRYP 100 --limit 20 --tif ioc --display 10", "--display is for orders with --limit that may stay"),
        ("--as alice buy KRYP 100 --display 10", "--display is for orders with --limit that may stay"),
        ("--as alice buy KRYP 100 --limit 20 --display 100", "--display is less than the whole order"),
        ("--as alice buy KRYP 100 --limit 20 --display -1", "--display is a number of shares"),
        ("--as alice buy KRYP 100 --limit 20 --self-trade never", "--self-trade"),
        ("--as alice buy KRYP 100 --limit 20 --take-profit 21", "--take-profit and --stop-loss belong together"),
        ("--as alice buy KRYP 100 --limit 20 --stop-loss 19", "--take-profit and --stop-loss belong together"),
        ("--as alice buy KRYP 100 --limit 20 --stop-loss-limit 19", "--take-profit and --stop-loss belong together"),
        ("--as alice buy KRYP 100 --limit 20 --take-profit 21 --stop-loss low", "--stop-loss: 'low' is not an amount"),
        ("--as alice buy KRYP 100 --limit 20 --take-profit 21 --stop-loss 19 --or-stop 18", "can be in one of them"),
        ("--as alice buy KRYP 100 --or-stop 21", "--or-stop is for orders with --limit that may stay"),
        ("--as alice buy KRYP 100 --limit 20 --or-stop 21 --tif ioc", "--or-stop is for orders with --limit that may stay"),
        ("--as alice buy KRYP 100 --limit 20 --or-stop 21 --stop 19", "--or-stop is for orders with --limit that may stay"),
        (f"--as alice buy KRYP 1 --limit 2 --or-stop 3 --client-id {'x' * 34}", "at most 33 characters in a group"),
        ("--as alice buy KRYP 100 --stop 20 --tif cls", "waits; --tif cls does not"),
        ("phase KRYP lunch", "PHASE"),
        ("phase KRYP volatility_auction", "PHASE"),
        ("account rules", "say for which account"),
        ("--as alice account rules --self-trade never", "--self-trade"),
        ("--server nats://127.0.0.1:1 halt", "say as which operator or auditor"),
        ("replace", "Missing argument 'ID'"),
        ("--as alice replace 42", "say what is to change"),
        ("--as alice replace 42 --quantity 0", "--quantity"),
        ("--as alice replace 42 --limit cheap", "--limit: 'cheap' is not an amount of money"),
        ("buy KRYP 100 --limit 20", "say for which account"),
        ("orders", "say for which account"),
        ("--as operator portfolio", "operator is an operator and has no account"),
        ("--as alice cancel", "say which order"),
        ("--as alice cancel 42 --all", "say which order"),
        ("account create alice --cash lots", "--cash: 'lots' is not an amount of money"),
        ("account create alice --shares KRYP", "--shares: expected SYMBOL=QUANTITY"),
        ("account create alice --shares KRYP=-5", "--shares: expected SYMBOL=QUANTITY"),
        ("login operator", "the operator needs no log-in"),
        ("candles KRYP --limit 0", "--limit"),
        ("candles KRYP --since someday", '--since: "someday" is not a time'),
        ("candles KRYP --since yesterday --until 2020-01-01", "--since is not before --until"),
        ("trades KRYP --limit -1", "--limit"),
        ("trades KRYP --until gestern", '--until: "gestern" is not a time'),
        ("book KRYP --watch --at yesterday", "--at is a moment that does not change"),
        ("up --port 99999", "--port"),
        ("--server nats://127.0.0.1:1 account show alice", "say as which operator or auditor"),
        ("--server nats://127.0.0.1:1 audit", "name it with --data"),
        ("--server nats://127.0.0.1:1 replay --until 1", "name it with --data"),
    ],
)
def test_misuse(capsys: pytest.CaptureFixture[str], line: str, expected: str) -> None:
    code, text = call(capsys, *line.split())
    assert code == 2
    assert expected in text


@pytest.mark.parametrize(
    "line",
    [
        *("status", "symbols", "book KRYP", "account show alice", "account create alice", "login alice", "audit"),
        *("halt", "resume KRYP", "phase KRYP closed"),
    ],
)
def test_no_market_runs(capsys: pytest.CaptureFixture[str], nowhere: Path, line: str) -> None:
    code, text = call(capsys, *line.split())
    assert code == 1
    assert text == f"no market runs on {nowhere / 'data'}; start one with: exchange up --data {nowhere / 'data'}"


def test_options_may_stand_after_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    code, text = call(capsys, "--data", str(tmp_path / "before"), "symbols", "--data", str(elsewhere))
    assert code == 1
    assert str(elsewhere) in text


def test_not_logged_in(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = call(capsys, "--server", "nats://127.0.0.1:1", "--as", "alice", "orders")
    assert code == 1
    assert text == "alice is not logged in here; log in with: exchange login alice"


def test_a_market_that_was_killed_does_not_run(capsys: pytest.CaptureFixture[str], nowhere: Path) -> None:
    (nowhere / "data").mkdir()
    (nowhere / "data" / "runtime.json").write_text('{"pid": 4194305, "server": "nats://127.0.0.1:1"}')
    code, text = call(capsys, "symbols")
    assert code == 1
    assert text.startswith("no market runs on")


@pytest.mark.parametrize("arguments", [(), ("account",)])
def test_help_is_shown_to_whoever_says_nothing(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    assert run(list(arguments)) == 2
    captured = capsys.readouterr()
    assert "Usage" in captured.out
    assert captured.err == ""


@pytest.mark.parametrize("command", [command.name for command in app.registered_commands])
def test_every_command_takes_the_shared_options(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert run([command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(option in shown for option in ("--as", "--data", "--server", "--json"))
