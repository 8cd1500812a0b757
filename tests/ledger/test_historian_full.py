"""A full disk stops the historian with one line; when there is room it catches up, and no row is there twice or not at all."""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
from typing import Any

from exchange.messages.administration import HistoryQuestion, HistoryState
from exchange.subjects import JOURNAL, events_log
from exchange.worker import HELP_EXIT
from tests.ledger.test_historian import PATIENCE, append, ask, start
from tests.oracle.flow import Flow


def no_large_files() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))


async def test_no_room_then_room(nats_server: Any) -> None:
    flow, through = Flow(9, shards=1), {}
    client = await nats_server.connect()
    for _ in range(400):
        flow.step(orders=12)
    flow.flush()
    await append(client, flow, through)
    full = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "exchange.ledger.historian", "--data", str(nats_server.data)),
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=no_large_files,
    )
    _, errors = await asyncio.wait_for(full.communicate(), PATIENCE)
    assert full.returncode == HELP_EXIT, errors
    assert "the disk is full; the market goes on" in errors.decode().splitlines()[-1]
    flow.step()
    flow.flush()
    await append(client, flow, through)  # The logs take what comes.
    process = await start(nats_server.data)
    try:
        position = HistoryQuestion(len(flow.logs[JOURNAL]), {1: len(flow.logs[events_log(1)])})
        state = await ask(client, "admin.history", position, HistoryState)
        assert set(state.sums.values()) == {0}
        assert state.balances == {
            account: kept
            for account, assets in flow.balances.items()
            if (kept := {asset: amount for asset, amount in assets.items() if amount})
        }
    finally:
        process.kill()
        await process.wait()
