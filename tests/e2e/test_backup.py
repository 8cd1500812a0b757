"""A backup of a running market, restored elsewhere: everything is as it was at that moment, and the audit passes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from exchange.client import new_client_order_id
from exchange.messages.requests import Accepted, Submit
from tests.e2e.market_process import RunningMarket, run_cli, start_market

PASSWORD = "a-long-password-1"
BOT = "bot: quiet\nsymbol: KRYP\nrules:\n  - when: last > 1000000\n    do: buy 1 at 1\n"


async def test_a_restored_market_is_what_it_was(market: RunningMarket, tmp_path: Path) -> None:
    name = "archivist"
    market.ask("account", "create", name, "--cash", "10000", "--shares", "KRYP=50", password=PASSWORD)
    async with await market.connect(name, PASSWORD) as archivist:
        outcome = await archivist.send(Submit(new_client_order_id(), "KRYP", "sell", 10, price=900_000))
        assert isinstance(outcome, Accepted)
        await archivist.send(Submit(new_client_order_id(), "KRYP", "buy", 5, kind="market"))
    (tmp_path / "quiet.yaml").write_text(BOT)
    market.ask("--as", name, "bot", "start", str(tmp_path / "quiet.yaml"))
    (tmp_path / "backup").mkdir(mode=0o755)
    manifest = market.ask("backup", str(tmp_path / "backup"))  # While the market's bots trade on.
    end = str(manifest["logs"]["JOURNAL"])
    then = market.ask("replay", "--until", end, "--show", name)

    elsewhere = tmp_path / "elsewhere"
    restored = run_cli(elsewhere, "restore", str(tmp_path / "backup"))
    assert restored.returncode == 0, restored.stderr
    again = start_market(elsewhere, "--no-bots")
    try:
        assert again.ask("audit")["passed"]
        now = again.ask("replay", "--until", end, "--show", name)
        assert {key: now[key] for key in ("digest", "orders", "portfolios")} == {
            key: then[key] for key in ("digest", "orders", "portfolios")
        }
        async with await again.connect(name, PASSWORD) as archivist:
            known = await archivist.send(Submit(outcome.client_order_id, "KRYP", "sell", 10, price=900_000))
            assert isinstance(known, Accepted)
            assert (known.duplicate, known.order_id) == (True, outcome.order_id)
        again.ask("login", name, password=PASSWORD)
        assert [bot["name"] for bot in again.ask("--as", name, "bot", "list")] == ["quiet"]
    finally:
        assert again.stop() == 0


@pytest.fixture(scope="module")
def backup(market: RunningMarket, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("backup") / "made"
    market.ask("backup", str(directory))
    return directory


def test_no_log_knows_more_of_another_than_that_one_has(backup: Path) -> None:
    """Read by hand, from the files as they are."""
    manifest = json.loads((backup / "manifest.json").read_bytes())
    logs = {
        name: [json.loads(line) for line in gzip.open(backup / f"{name}.jsonl.gz")]  # noqa: SIM115
        for name in manifest["logs"]
    }
    assert {name: len(batches) for name, batches in logs.items()} == manifest["logs"]
    journal, events = logs["JOURNAL"], logs["EVENTS_1"]
    assert events[-1]["journal_through"] <= journal[-1]["number"]
    assert journal[-1]["events_through"]["1"] <= events[-1]["number"]
    assert [path.name for path in backup.iterdir() if path.stat().st_mode & 0o077] == [], "though others may look in"


def test_an_altered_backup_is_refused(backup: Path, tmp_path: Path) -> None:
    for path in backup.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    lines = gzip.open(tmp_path / "JOURNAL.jsonl.gz").read().splitlines(keepends=True)  # noqa: SIM115
    lines[5] = lines[5].replace(b'"time":1', b'"time":2', 1)
    (tmp_path / "JOURNAL.jsonl.gz").write_bytes(gzip.compress(b"".join(lines)))
    refused = run_cli(tmp_path / "new", "restore", str(tmp_path))
    assert refused.returncode == 1
    assert "JOURNAL: sequence 7 does not continue sequence 6" in refused.stderr


def test_nothing_is_overwritten(market: RunningMarket, backup: Path) -> None:
    assert "is not empty" in market.cli("backup", str(backup)).stderr
    assert "a market already runs on" in market.cli("restore", str(backup)).stderr
