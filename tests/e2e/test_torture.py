"""The short form of the torture; the long one is `make torture`."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.torture import Torture, table

SEED = 20_551_938


async def test_nothing_is_lost_or_doubled_when_processes_are_killed(tmp_path: Path) -> None:
    torture = Torture(tmp_path, SEED)
    try:
        found = await torture.run(4, victims=["ledger", "nats", "engine-1", "historian"])
    finally:
        print(table(torture.rounds))
    print("\n".join(found))
    assert len(torture.rounds) == 4
