"""A market that keeps two seconds of its logs, while its processes are killed: nothing that is still asked for is missing."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import re
import signal
from pathlib import Path
from typing import Any

from exchange.connection import connect
from exchange.log import JetStreamLog
from exchange.secrets import load_secrets
from tests.e2e.market_process import RunningMarket, StartMarket, run_cli, start_market

SNAPSHOTS = {"EXCHANGE_SNAPSHOT_SECONDS": "0.5", "EXCHANGE_DEATHS_MAX": "50"}
LOGS = ("JOURNAL", "EVENTS_1")


def firsts(running: RunningMarket) -> dict[str, int]:
    """Per log, the first batch that is kept."""

    async def ask() -> dict[str, int]:
        client = await connect(running.runtime["server"], "worker", load_secrets(running.data).worker, name="test")
        try:
            return {name: await JetStreamLog(client, name).first() for name in LOGS}
        finally:
            await client.close()

    return asyncio.run(ask())


def wait_until_cut(running: RunningMarket, before: dict[str, int]) -> dict[str, int]:
    """Wait until every log was cut once more."""
    found: dict[str, int] = {}

    def cut() -> bool:
        found.update(firsts(running))
        return all(found[name] > before[name] for name in LOGS)

    running.wait_until(cut, "the logs were not cut")
    return found


def count(running: RunningMarket, what: str) -> int:
    number: int = running.ask("sql", f"SELECT {what}")["rows"][0][0]
    return number


def test_logs_are_cut_and_everything_else_stays(fresh_market: StartMarket, tmp_path: Path) -> None:
    running = fresh_market("--keep", "2s", variables=SNAPSHOTS)
    running.ask("account", "create", "alice", password="correct horse battery")
    first: dict[str, Any] = running.ask("--as", "alice", "buy", "KRYP", "1")
    cut = wait_until_cut(running, dict.fromkeys(LOGS, 1))
    for workers in (["nats"], ["keeper", "ledger", "engine-1", "historian", "ticks"]):
        pids = {worker: running.runtime["workers"][worker] for worker in workers}
        for pid in pids.values():
            with contextlib.suppress(ProcessLookupError):  # The end of another was its end, too.
                os.kill(pid, signal.SIGKILL)
        for worker, pid in pids.items():
            running.wait_for_successor(worker, pid)
        cut = wait_until_cut(running, cut)
    running.kill("keeper", signal.SIGSTOP)  # Two seconds are less than an audit may take.
    cut = firsts(running)
    audit = running.ask("audit")
    assert audit["passed"], audit
    assert audit["kept_from"] >= cut["JOURNAL"] > 1

    # History has all from the first batch on, each once.
    assert count(running, "count(*) - max(order_id) FROM placed") == 0
    assert count(running, "count(*) - max(number) FROM traded") == 0
    told = running.ask("explain", str(first["order_id"]))
    assert told["accepted"]["batch"] < cut["JOURNAL"]
    assert told["kept_from"]["JOURNAL"] >= cut["JOURNAL"]
    words = running.cli("explain", str(first["order_id"])).stdout
    assert "is not kept in the logs any more" in words

    past = running.cli("replay", "--until", "1")
    assert past.returncode == 1
    assert re.search(r"the logs are kept from journal batch \d+ on \(--keep\), so batch 1 is out of reach", past.stderr)
    recent = running.ask("replay", "--until", str(audit["journal"]), "--show", "alice", "--book", "KRYP")
    assert recent["digest"] == audit["digest"]

    made = running.ask("backup", str(tmp_path / "backup"))
    assert made["first"] == cut
    running.kill("keeper", signal.SIGCONT)

    # A sink that has lost its file cannot make it again. It says so, and the market goes on without it.
    assert running.stop() == 0, running.output
    (running.data / "history.duckdb").unlink()
    again = fresh_market("--keep", "2s", variables=SNAPSHOTS)
    again.wait_until(lambda: "history.duckdb" in again.output or "because --keep dropped" in again.output, "it said nothing")
    assert "historian has stored nothing of it" in again.output
    assert again.ask("--as", "alice", "buy", "KRYP", "1")["order_id"] > first["order_id"]
    assert again.stop() == 0, again.output

    # A backup of cut logs holds a base and the databases: elsewhere the audit passes, and history is whole.
    elsewhere = tmp_path / "elsewhere"
    restored = run_cli(elsewhere, "restore", str(tmp_path / "backup"))
    assert restored.returncode == 0, restored.stderr
    copy = start_market(elsewhere, "--no-bots")
    try:
        audited = copy.ask("audit")
        assert audited["passed"], audited
        assert audited["journal"] >= made["logs"]["JOURNAL"]
        assert audited["kept_from"] >= cut["JOURNAL"]
        assert copy.ask("replay", "--until", str(audit["journal"]))["digest"] == audit["digest"]
        assert count(copy, "count(*) - max(order_id) FROM placed") == 0
        assert copy.ask("explain", str(first["order_id"]))["accepted"] == told["accepted"]
        assert copy.ask("trades", "KRYP", "--limit", "1")
        copy.ask("login", "alice", password="correct horse battery")
        assert copy.ask("--as", "alice", "buy", "KRYP", "1")["order_id"] > first["order_id"]
    finally:
        assert copy.stop() == 0, copy.output

    # What a snapshot remembers of the logs is held against them: of EVENTS_1, the last batch that the ledger had applied.
    manifest = json.loads((tmp_path / "backup" / "manifest.json").read_bytes())
    remembered = manifest["base"]["numbers"]["ledger"]["EVENTS_1"] - manifest["first"].get("EVENTS_1", 1)
    lines = gzip.open(tmp_path / "backup" / "EVENTS_1.jsonl.gz").read().splitlines(keepends=True)[: remembered + 1]  # noqa: SIM115
    lines[-1] = lines[-1].replace(b'"time":1', b'"time":2', 1)
    (tmp_path / "backup" / "EVENTS_1.jsonl.gz").write_bytes(gzip.compress(b"".join(lines)))
    refused = run_cli(tmp_path / "altered", "restore", str(tmp_path / "backup"))
    assert refused.returncode == 1
    assert "is not what a snapshot remembers; it was altered" in refused.stderr
