"""Real order flow through a whole running market: 500 messages of NASDAQ, twice, with everything compared."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.market_process import RunningMarket, StartMarket

ROOT = Path(__file__).parent.parent
DAY = [str(ROOT / "data" / f"AAPL_2012-06-21_{kind}_10.csv") for kind in ("message", "orderbook")]
MARKET = ROOT.parent / "docs" / "examples" / "aapl.yaml"


def replay(running: RunningMarket, *arguments: str) -> dict[str, object]:
    found: dict[str, object] = running.ask("replay", "lobster", *DAY, "--symbol", "aapl", "--check", *arguments)
    return found


def test_the_market_does_what_nasdaq_did(fresh_market: StartMarket) -> None:
    running = fresh_market(str(MARKET), "--no-bots")
    for speed in ("max", "20"):  # The second takes back what the first has left in the book.
        found = replay(running, "--speed", speed)
        assert (found["books_checked"], found["books_different"]) == (10, [])
        assert (found["executions_checked"], found["executions_different"]) == (63, [])
        assert (found["differences"], found["refused"]) == ({}, {})
    assert running.ask("audit")["passed"]

    unknown = running.cli("replay", "lobster", *DAY, "--symbol", "KRYP")
    assert unknown.returncode == 1
    assert "KRYP is not traded on this market, which has AAPL" in unknown.stderr

    assert running.cli("replay", "lobster", *DAY, "--symbol", "AAPL", "--speed", "0").returncode == 2
