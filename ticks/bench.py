"""`python -P -m exchange.ticks.bench`: ingest and queries of market data in process, as JSON.

The rows to ask are made in DuckDB itself, a year of them: trades at even times, and the candles they come to.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any, Final

import duckdb

from exchange.calendar import Calendar
from exchange.database import CONFIG
from exchange.messages.base import encode
from exchange.messages.market_data import CandlesQuestion, HistoryQuestion
from exchange.subjects import JOURNAL, events_log

from .answers import Answers
from .sink import Ticks
from .workload import PRICE, SYMBOLS, TICK, TradeFlow

START: Final = 1_672_531_200
"""2023-01-01."""
YEAR: Final = 365 * 86_400
DAY: Final = 86_400
ROUNDS: Final = 25
SEAL_SECONDS: Final = 0.25
BATCHES_AT_ONCE: Final = 16
ROWS: Final = """
    INSERT INTO trades SELECT i % 3, i // 3 + 1, {price} + {tick} * (hash(i // 3000) % 200), 1 + i % 100, i % 2 = 0,
        {start} * 1000000000::BIGINT + i * {step}, false FROM range({trades}) t(i);
    INSERT INTO candles_1s SELECT symbol, time // 86400000000000, time // 86400000000000 * 86400, time // 1000000000,
        arg_min(price, trade_id), max(price), min(price), arg_max(price, trade_id), sum(quantity), sum(price * quantity),
        count(*) FROM trades GROUP BY ALL ORDER BY 4;
"""
LONGER: Final = """
    INSERT INTO candles_{longer} SELECT symbol, date, day, day + (start - day) // {seconds} * {seconds} AS bar,
        arg_min(open, start), max(high), min(low), arg_max(close, start), sum(volume), sum(turnover), sum(trades)
        FROM candles_{shorter} GROUP BY ALL ORDER BY 4;
"""
CHAIN: Final = [("1s", "1m", 60), ("1m", "1h", 3_600), ("1h", "1d", DAY)]


def ingest(directory: Path, trades: int, per_batch: int) -> dict[str, float]:
    """Fold and store a log that is in memory, the writer in its thread as in life."""
    pairs = list(TradeFlow().all_batches(trades, per_batch, START * 10**9, 60.0))
    ticks = Ticks(directory / f"ingest-{per_batch}.duckdb", 1, monotonic)
    writing: threading.Thread | None = None
    started = sealed = perf_counter()
    for index in range(0, len(pairs), BATCHES_AT_ONCE):
        part = pairs[index : index + BATCHES_AT_ONCE]
        ticks.apply({JOURNAL: [journal for journal, _ in part], events_log(1): [events for _, events in part]})
        for instrument in ticks.feed.instruments.values():
            instrument.forget()
        if perf_counter() - sealed > SEAL_SECONDS and (writing is None or not writing.is_alive()):
            sealed = perf_counter()
            writing = threading.Thread(target=ticks.seal())
            writing.start()
    if writing is not None:
        writing.join()
    if write := ticks.seal():
        write()
    seconds = perf_counter() - started
    ((stored,),) = ticks.database.rows("SELECT count(*) FROM trades")
    assert stored == trades
    ticks.close()
    return {"trades_per_s": trades / seconds}


class Queries:
    """A store of a year with so many trades."""

    def __init__(self, directory: Path, trades: int) -> None:
        self._trades = trades
        self._file = directory / "ticks.duckdb"
        Ticks(self._file, 1, monotonic).close()
        started = perf_counter()
        with duckdb.connect(str(self._file), config=CONFIG | {"memory_limit": "2GB"}) as connection:
            step = YEAR * 10**9 // trades
            connection.execute(ROWS.format(price=PRICE, tick=TICK, start=START, step=step, trades=trades))
            for shorter, longer, seconds in CHAIN:
                connection.execute(LONGER.format(shorter=shorter, longer=longer, seconds=seconds))
        self._made_seconds = perf_counter() - started
        self._ticks = Ticks(self._file, 1, monotonic, Calendar())
        self._ticks.apply({JOURNAL: [TradeFlow().batches(0, (START + YEAR) * 10**9)[0]]})
        for instrument in self._ticks.feed.instruments.values():
            instrument.trades = trades // len(SYMBOLS)
            instrument.time = (START + YEAR) * 10**9
        self._answers = Answers(self._ticks, "Bench")
        self._random = random.Random(1)

    async def measure(self) -> dict[str, Any]:
        """Milliseconds, the median and the worst of ROUNDS different questions; the first answer is not counted."""
        answers, end = self._answers, START + YEAR
        some_day = [START + DAY * self._random.randrange(1, 364) for _ in range(ROUNDS)]
        some_trade = [self._random.randrange(1_000, max(1_001, self._trades // 3)) for _ in range(ROUNDS)]
        asked: dict[str, tuple[Callable[[str, bytes], Awaitable[Any]], list[Any], int]] = {
            "day_of_1m_candles": (
                answers.candles,
                [CandlesQuestion("AAA", "1m", 1_440, day, day - DAY) for day in some_day],
                1_440,
            ),
            "newest_1440_1m_candles": (answers.candles, [CandlesQuestion("AAA", "1m", 1_440)] * ROUNDS, 1_440),
            "day_of_7m_candles": (
                answers.candles,
                [CandlesQuestion("AAA", "7m", 300, day, day - DAY) for day in some_day],
                206,
            ),
            "year_of_1d_candles": (answers.candles, [CandlesQuestion("AAA", "1d", 365, end, START)] * ROUNDS, 365),
            "year_of_1w_candles": (answers.candles, [CandlesQuestion("AAA", "1w", 60, end, START)] * ROUNDS, 53),
            "year_of_4h_candles": (answers.candles, [CandlesQuestion("AAA", "4h", 2_190, end, START)] * ROUNDS, 2_190),
            "last_100_trades": (answers.trades, [HistoryQuestion("AAA", 100)] * ROUNDS, 100),
            "100_trades_before_an_id": (answers.trades, [HistoryQuestion("AAA", 100, before=i) for i in some_trade], 100),
            "100_trades_since_a_time": (answers.trades, [HistoryQuestion("AAA", 100, since=t * 10**9) for t in some_day], 100),
        }
        figures: dict[str, Any] = {}
        for name, (ask, questions, rows) in asked.items():
            milliseconds = []
            for question in [questions[0], *questions]:
                started = perf_counter()
                answer = encode(await ask("", encode(question)))
                milliseconds.append((perf_counter() - started) * 1_000)
                assert rows // 4 <= answer.count(b"{") <= rows, name
            figures[name] = {"p50_ms": statistics.median(milliseconds[1:]), "max_ms": max(milliseconds[1:])}
        figures["trades"] = self._trades
        figures["file_mb"] = self._file.stat().st_size / 1e6
        figures["made_in_seconds"] = self._made_seconds
        self._ticks.close()
        return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -P -m exchange.ticks.bench", description="Measures market data in process.")
    parser.add_argument("--ingest", type=int, default=500_000, help="trades to fold and store")
    parser.add_argument(
        "--trades", type=int, default=5_000_000, help="trades stored when queries are timed; the aim is 50000000"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="exchange-bench-") as directory:
        figures: dict[str, Any] = {f"ingest_{per}_a_batch": ingest(Path(directory), arguments.ingest, per) for per in (20, 250)}
        figures["queries"] = asyncio.run(Queries(Path(directory), arguments.trades).measure())
    print(json.dumps({"ticks": figures}))


if __name__ == "__main__":
    main()
