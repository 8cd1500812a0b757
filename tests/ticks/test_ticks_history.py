"""What the public may ask: every page, candle and past book is the same as from the whole list of events."""

from __future__ import annotations

import csv
import io
import random
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import nanoarrow
import pytest

from exchange.calendar import Calendar
from exchange.messages.base import decoder, encode
from exchange.messages.events import EventBatch, Moment
from exchange.messages.journal import DefineSymbol
from exchange.messages.market_data import (
    BookQuestion,
    Candle,
    CandlesQuestion,
    Depth,
    DepthQuestion,
    HistoryQuestion,
    MarketInfo,
    Orders,
    PublicTrade,
    Quote,
    Statistics,
    Status,
    SymbolQuestion,
    SymbolsQuestion,
)
from exchange.messages.requests import Refused
from exchange.money import MONEY_MAX, QUANTITY_MAX
from exchange.subjects import events_log
from exchange.tables import encode_table
from tests.oracle.bars import bar_start, brute_force
from tests.oracle.flow import Flow, deliveries
from tests.ticks.test_feed import feed_of, flow_of
from ticks.answers import CANDLES_MAX, LEVELS_MAX, ORDERS_MAX, ROWS_MAX, Answers
from ticks.feed import Rows
from ticks.sink import Ticks

INTERVALS = ["1s", "10s", "1m", "7m", "15m", "1h", "4h", "1d", "3d", "1w", "2w", "1mo", "3mo"]
ZONES = [("UTC", "00:00"), ("America/New_York", "18:00"), ("Asia/Kolkata", "09:15")]
decode_events = decoder(EventBatch).decode


class Old:
    """Ticks over a whole flow, most of it in the file only."""

    def __init__(self, path: Path, flow: Flow, calendar: Calendar) -> None:
        self.flow = flow
        self.ticks = Ticks(path, 2, lambda: 0.0, calendar)
        for inputs in deliveries(flow.logs, {}, random.Random(3)):
            self.ticks.apply(inputs)
            if random.random() < 0.5:
                self.seal()
        self.answers = Answers(self.ticks, "Test")

    def seal(self) -> None:
        if write := self.ticks.seal():
            write()
        self.ticks.seal()  # What was written leaves memory.


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Old]:
    """With room for only a few rows in memory."""
    zone, day_starts = getattr(request, "param", ZONES[0])
    monkeypatch.setattr("ticks.feed.TRADES_KEPT", 7)
    monkeypatch.setattr("ticks.candles.CLOSED_KEPT", 5)
    monkeypatch.setattr("ticks.feed.IMAGE_ROWS_LEAST", 20)
    found = Old(tmp_path / "ticks.duckdb", flow_of(8, steps=150), Calendar(zone, day_starts))
    found.seal()
    yield found
    found.ticks.close()


async def test_pages_of_trades(old: Old) -> None:
    chance = random.Random(4)
    for symbol in old.flow.symbols:
        trades = [PublicTrade(t.trade_id, t.price, t.quantity, t.side, time, t.auction) for t, time in old.flow.trades[symbol]]
        assert len(old.ticks.feed.instruments[symbol].recent) < len(trades)
        for _ in range(60):
            question = HistoryQuestion(
                symbol,
                chance.choice([1, 3, 10, 1000]),
                before=chance.choice([0, 0, 1, 2, len(trades), len(trades) + 5, 10**12, 20]),
                after=chance.choice([0, 0, 0, 1, 5, len(trades) // 2, len(trades), 10**12]),
                since=chance.choice([0, 0, trades[0].time, chance.choice(trades).time, trades[-1].time + 1]),
                until=chance.choice([0, 0, trades[0].time, chance.choice(trades).time, trades[-1].time + 1]),
            )
            assert await old.answers.trades("", encode(question)) == page(trades, question, "trade_id")


async def test_pages_of_quotes(old: Old) -> None:
    """Quotes are the best prices of the slow book after each event batch."""
    chance = random.Random(4)
    feed = feed_of(old.flow)
    quotes: dict[str, list[Quote]] = {symbol: [] for symbol in old.flow.symbols}
    best = dict.fromkeys(old.flow.symbols, ((0, 0), (0, 0)))
    for shard in (1, 2):
        for payload in old.flow.logs[events_log(shard)]:
            feed.apply(shard, decode_events(payload), Rows())
            for symbol, instrument in feed.instruments.items():
                bids, asks = instrument.book.levels(1)
                now = (bids[0] if bids else (0, 0), asks[0] if asks else (0, 0))
                if now != best[symbol]:
                    best[symbol] = now
                    quotes[symbol].append(Quote(symbol, feed.number(instrument), 0, instrument.time, *now[0], *now[1]))
    for symbol, rows in quotes.items():
        assert len(rows) > 20
        for _ in range(60):
            question = HistoryQuestion(
                symbol,
                chance.choice([1, 3, 10, 1000]),
                before=chance.choice([0, 0, 1, 5, chance.choice(rows).number, 10**12]),
                after=chance.choice([0, 0, 1, 5, chance.choice(rows).number, 10**12]),
                since=chance.choice([0, 0, 1, chance.choice(rows).time, rows[-1].time + 1]),
                until=chance.choice([0, 0, 1, chance.choice(rows).time, rows[-1].time + 1]),
            )
            assert await old.answers.quotes("", encode(question)) == page(rows, question, "number")


def page(rows: list[Any], question: HistoryQuestion, number: str) -> list[Any]:
    inside = [
        row
        for row in rows
        if question.after < getattr(row, number) < (question.before or 10**18)
        and question.since <= row.time < (question.until or 10**30)
    ]
    if not (question.after or question.since):
        inside.reverse()
    return inside[: question.limit]


async def test_depth_at_any_past_moment(old: Old) -> None:
    """The book of a moment is that of a feed that has heard of nothing later."""
    logs = {shard: [decode_events(payload) for payload in old.flow.logs[events_log(shard)]] for shard in (1, 2)}
    times = sorted({moment.time for batches in logs.values() for batch in batches for moment in batch.moments})
    assert len(old.ticks.database.rows("SELECT 1 FROM images")) > 10
    for at in [times[0] - 1, *times[:: max(1, len(times) // 40)], times[-1], times[len(times) // 2] + 1]:
        feed = feed_of(old.flow)
        for shard, batches in logs.items():
            for batch in batches:
                moments = [moment for moment in batch.moments if moment.time <= at]
                feed.apply(shard, EventBatch(batch.number, 1, "", moments), Rows())
        for symbol in old.flow.symbols:
            levels = feed.instruments[symbol].book.levels(None)
            answer = await old.answers.depth("", encode(DepthQuestion(symbol, 1000, at)))
            assert answer == Depth(symbol, 0, 0, at, *levels)
            best = await old.answers.depth("", encode(DepthQuestion(symbol, 1, at)))
            assert best == Depth(symbol, 0, 0, at, levels[0][:1], levels[1][:1])
    future = await old.answers.depth("", encode(DepthQuestion(symbol, 1, old.flow.time + 1)))
    assert future == Refused("malformed", "at: that moment has not come yet")


@pytest.mark.parametrize("old", ZONES, indirect=True, ids=["utc", "evening", "half-hour"])
async def test_candles_of_every_interval(old: Old) -> None:
    chance = random.Random(5)
    zone, day_starts = old.ticks.calendar.name.split()
    for symbol in old.flow.symbols:
        trades = old.flow.trades[symbol]
        for interval in INTERVALS:
            bars = brute_force(symbol, interval, trades, zone, day_starts)
            for _ in range(8):
                starts = [0, bars[0].start, bars[-1].start, bars[len(bars) // 2].start + 1, bars[-1].start + 10**6]
                question = CandlesQuestion(
                    symbol, interval, chance.choice([1, 3, 10, CANDLES_MAX]), chance.choice(starts), chance.choice([0, *starts])
                )
                found = await old.answers.candles("", encode(question))
                low = bar_start(question.since, interval, zone, day_starts) if question.since else 0
                wanted = [bar for bar in bars if low <= bar.start and (not question.before or bar.start < question.before)]
                assert isinstance(found, list)
                assert [msgspec.structs.replace(bar, number=0) for bar in found] == wanted[-question.limit :]
                assert [bar.number > 0 for bar in found] == [bar.start == bars[-1].start for bar in found]


@pytest.mark.parametrize("old", ZONES, indirect=True, ids=["utc", "evening", "half-hour"])
async def test_periods_and_gaps(old: Old) -> None:
    """N periods of K minutes, hours, days, weeks or months; gaps are filled with the price before them, when asked."""
    calendar, chance = old.ticks.calendar, random.Random(6)
    zone, day_starts = calendar.name.split()
    symbol = old.flow.symbols[0]
    trades = old.flow.trades[symbol]
    first, last = trades[0][1] // 10**9, old.flow.time // 10**9
    for interval in INTERVALS:
        bars = {bar.start: bar for bar in brute_force(symbol, interval, trades, zone, day_starts)}
        for periods in (1, 7, 30):
            for since in (0, chance.randrange(first, last)):
                question = CandlesQuestion(symbol, interval, CANDLES_MAX, since=since, periods=periods)
                starts = [bar_start(since or last, interval, zone, day_starts)]
                while len(starts) < periods:  # One second beyond an end is in the next bar.
                    beyond = later(starts[-1], interval, zone, day_starts) if since else starts[0] - 1
                    place = len(starts) if since else 0
                    starts.insert(place, bar_start(beyond, interval, zone, day_starts))
                found = await old.answers.candles("", encode(question))
                assert isinstance(found, list)
                assert [bar.start for bar in found] == [start for start in starts if start in bars]
                filled = await old.answers.candles("", encode(msgspec.structs.replace(question, fill=True)))
                assert isinstance(filled, list)
                known = sorted(start for start in starts if start <= last and start >= min(bars))
                assert [bar.start for bar in filled] == known
                for bar in filled:
                    if bar.start in bars:
                        assert msgspec.structs.replace(bar, number=0) == bars[bar.start]
                    else:
                        close = bars[sorted(bars)[bisect_right(sorted(bars), bar.start) - 1]].close
                        assert (bar.open, bar.high, bar.low, bar.close, bar.vwap) == (close,) * 5
                        assert (bar.volume, bar.turnover, bar.trades) == (0, 0, 0)


def later(start: int, interval: str, zone: str, day_starts: str) -> int:
    """Some second of the next bar: from where it cannot have begun yet on, in steps that meet all boundaries."""
    number, unit = int(interval.rstrip("smhdwo")), interval.lstrip("0123456789")
    moment = start + {"d": number - 1, "w": 7 * number - 1, "mo": 28 * number - 1}.get(unit, 0) * 86_400
    while bar_start(moment, interval, zone, day_starts) == start:
        moment += {"s": 1, "m": 60}.get(unit, 900)
    return moment


async def test_the_present(old: Old) -> None:
    flow, answers = old.flow, old.answers
    for symbol in flow.symbols:
        bids, asks = flow.book(symbol)
        instrument = old.ticks.feed.instruments[symbol]
        number = len(flow.logs[events_log(flow.shards[symbol])])
        depth = await answers.depth("public.depth", encode(DepthQuestion(symbol, 2)))
        assert depth == Depth(symbol, number, 0, instrument.time, bids[:2], asks[:2])
        best = ((bids or [(0, 0)])[0], (asks or [(0, 0)])[0])
        quote = await answers.quote("", encode(SymbolQuestion(symbol)))
        assert quote == Quote(symbol, number, 0, instrument.time, *best[0], *best[1])
        status = await answers.status("", encode(SymbolQuestion(symbol)))
        assert isinstance(status, Status)
        assert (status.symbol, status.number, status.time) == (symbol, number, instrument.time)
        assert status.phase == flow.phases[symbol]
        pages, after = [], 0
        while (answer := await answers.book("", encode(BookQuestion(symbol, 3, after)))).orders:  # type: ignore[union-attr]
            assert isinstance(answer, Orders)
            assert answer.number == number
            pages += answer.orders
            after = pages[-1][0]
        shown: dict[tuple[str, int], int] = {}
        for _, side, price, quantity in pages:
            shown[side, price] = shown.get((side, price), 0) + quantity
        assert shown == {("buy", price): total for price, total in bids} | {("sell", price): total for price, total in asks}
        assert {order[0] for order in pages}.isdisjoint({0})
    assert await answers.market("", b"") == MarketInfo("Test", flow.time)
    infos = await answers.symbols("", b"")
    assert isinstance(infos, list)
    assert [info.symbol for info in infos] == flow.symbols
    for index, symbol in enumerate(flow.symbols, 1):
        assert await answers.symbols("", encode(SymbolsQuestion(symbol))) == infos[index:]
    assert await answers.symbols("", encode(SymbolsQuestion("NONE"))) == Refused("unknown_symbol", "NONE is not traded here")


@pytest.mark.parametrize("old", ZONES, indirect=True, ids=["utc", "evening", "half-hour"])
async def test_statistics_of_the_session_day(old: Old) -> None:
    zone, day_starts = old.ticks.calendar.name.split()
    now = old.flow.time // 10**9
    today = bar_start(now, "1d", zone, day_starts)
    for symbol in old.flow.symbols:
        trades = old.flow.trades[symbol]
        found = await old.answers.statistics("", encode(SymbolQuestion(symbol)))
        assert isinstance(found, Statistics)
        days = brute_force(symbol, "1d", trades, zone, day_starts)
        day = next((bar for bar in days if bar.start == today), None)
        assert (found.day, found.open, found.high, found.low, found.volume, found.turnover, found.vwap, found.trades) == (
            (today, day.open, day.high, day.low, day.volume, day.turnover, day.vwap, day.trades) if day else (today, *[0] * 7)
        )
        closes = [bar.close for bar in days if bar.start < today]
        assert found.previous_close == (closes[-1] if closes else 1000)
        assert found.last == trades[-1][0].price
        before = [trade.price for trade, time in trades if time // 10**9 // 60 * 60 + 60 <= now - 86_400]
        then = before[-1] if before else 1000
        assert (found.change, found.change_basis_points) == (found.last - then, round(10_000 * (found.last - then) / then))


def of_text(text: str) -> int | str | bool:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isdigit() else text


@pytest.mark.parametrize("format_", ["csv", "parquet", "arrow"])
async def test_history_as_files(old: Old, tmp_path: Path, format_: Any) -> None:
    symbol = old.flow.symbols[0]
    questions = {
        "trades": HistoryQuestion(symbol, 500),
        "quotes": HistoryQuestion(symbol, 50, since=1),
        "candles": CandlesQuestion(symbol, "1m", 100),
    }
    nothing = HistoryQuestion(symbol, 5, after=10**15)
    for name, question in [*questions.items(), ("trades", nothing)]:
        handler = getattr(old.answers, name)
        rows = [msgspec.structs.asdict(row) for row in await handler("", encode(question))]
        content = await handler("", encode(msgspec.structs.replace(question, format=format_)))
        assert isinstance(content, bytes)
        assert len(rows) > 5 or question is nothing
        if format_ == "csv":
            texts = list(csv.DictReader(io.StringIO(content.decode())))
            read = [{key: of_text(text) for key, text in row.items()} for row in texts]
        elif format_ == "parquet":
            path = tmp_path / f"{name}.parquet"
            path.write_bytes(content)
            relation = duckdb.sql(f"SELECT * FROM '{path}'")
            read = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
        else:
            read = nanoarrow.ArrayStream.from_readable(io.BytesIO(content)).read_all().to_pylist()
        assert read == rows


def test_a_turnover_that_fits_no_integer_column(tmp_path: Path) -> None:
    rows = [Candle("KRYP", "1mo", 0, 1, 1, 1, 1, 1, turnover, 1, 1) for turnover in (10**30, 5)]
    path = tmp_path / "candles.parquet"
    path.write_bytes(encode_table(rows, Candle, "parquet"))
    assert duckdb.sql(f"SELECT turnover, vwap FROM '{path}'").fetchall() == [(10**30, 1), (5, 1)]
    assert f",{10**30}," in encode_table(rows, Candle, "csv").decode()


@pytest.mark.parametrize(
    ("question", "payload", "reason", "word"),
    [
        ("depth", DepthQuestion("SYM0", LEVELS_MAX + 1), "malformed", "limit: expected 1 to 10000, got 10001"),
        ("book", BookQuestion("SYM0", ORDERS_MAX + 1), "malformed", "limit: expected 1 to 10000"),
        ("book", BookQuestion("SYM0", after=-1), "malformed", "after"),
        ("trades", HistoryQuestion("SYM0", ROWS_MAX["json"] + 1), "malformed", "limit: expected 1 to 1000"),
        ("quotes", HistoryQuestion("SYM0", ROWS_MAX["csv"] + 1, format="csv"), "malformed", "limit: expected 1 to 10000"),
        ("candles", CandlesQuestion("SYM0", limit=CANDLES_MAX + 1), "malformed", "limit: expected 1 to 3500"),
        ("candles", CandlesQuestion("SYM0", limit=0), "malformed", "limit"),
        ("candles", CandlesQuestion("SYM0", periods=CANDLES_MAX + 1), "malformed", "periods"),
        ("candles", CandlesQuestion("SYM0", "7x"), "malformed", "interval: '7x' is not an interval"),
        ("candles", CandlesQuestion("SYM0", "0m"), "malformed", "interval: '0m' is not an interval"),
        ("candles", CandlesQuestion("SYM0", "25h"), "malformed", "interval: 25h is longer than a day"),
        ("trades", HistoryQuestion("SYM0", limit=-1), "malformed", "limit"),
        ("trades", HistoryQuestion("SYM0", before=-1), "malformed", "before"),
        ("quotes", HistoryQuestion("SYM0", since=2**63), "malformed", "since"),
        ("candles", CandlesQuestion("SYM0", before=10**30), "malformed", "before"),
        ("depth", DepthQuestion("NONE"), "unknown_symbol", "NONE is not traded here"),
        ("quote", SymbolQuestion("NONE"), "unknown_symbol", "NONE is not traded here"),
        ("trades", HistoryQuestion("'; DROP TABLE trades; --"), "unknown_symbol", "DROP"),
        ("candles", CandlesQuestion("x" * 100_000), "unknown_symbol", "x is not traded here"),
    ],
)
async def test_bad_questions_are_refused_in_words(
    tmp_path: Path, question: str, payload: object, reason: str, word: str
) -> None:
    old = Old(tmp_path / "ticks.duckdb", flow_of(1, steps=2), Calendar())
    handler = getattr(old.answers, question)
    answer = await handler("", msgspec.json.encode(payload))
    assert isinstance(answer, Refused)
    assert answer.reason == reason
    assert word in answer.detail
    assert len(answer.detail) < 200
    for malformed in (b"", b"[", b"{}", b'{"symbol":5}', b'{"symbol":"SYM0","limit":"x"}', b"[1]"):
        if question in ("quote",) and b"limit" in malformed:
            continue
        with pytest.raises(msgspec.MsgspecError):
            await handler("", malformed)
    old.ticks.close()


@pytest.mark.parametrize("before", [1, 2**62, 2**63 - 1])
@pytest.mark.parametrize("interval", ["1s", "86400s", "100000d", "100000w", "100000mo"])
async def test_the_ends_of_time(tmp_path: Path, before: int, interval: str) -> None:
    old = Old(tmp_path / "ticks.duckdb", flow_of(1, steps=5), Calendar("Pacific/Apia", "23:59"))
    for since in (0, before):
        for periods in (0, CANDLES_MAX):
            question = CandlesQuestion("SYM0", interval, CANDLES_MAX, before, since, periods, fill=True)
            assert isinstance(await old.answers.candles("", encode(question)), list)
    old.ticks.close()


def test_the_largest_answers_fit_into_a_message() -> None:
    """Symbols of twelve letters, and numbers as large as the gate lets them be."""
    prices = [MONEY_MAX] * 4
    candle = Candle("X" * 12, "100mo", 10**10, *prices, QUANTITY_MAX * 1000, MONEY_MAX * 100_000, 10**9, MONEY_MAX)
    trade = PublicTrade(10**12, MONEY_MAX, QUANTITY_MAX, "sell", 2 * 10**18, True)
    levels = [(MONEY_MAX, QUANTITY_MAX)] * LEVELS_MAX
    quote = Quote("X" * 12, 10**9, 0, 2 * 10**18, MONEY_MAX, QUANTITY_MAX, MONEY_MAX, QUANTITY_MAX)
    orders = Orders("X" * 12, 1, 0, 1, [(10**12, "sell", MONEY_MAX, QUANTITY_MAX)] * ORDERS_MAX)
    rows = ROWS_MAX["json"]
    for answer in ([candle] * CANDLES_MAX, [trade] * rows, [quote] * rows, Depth("X" * 12, 1, 0, 1, levels, levels), orders):
        assert len(encode(answer)) < 1_000_000


def test_a_moment_may_come_in_parts(tmp_path: Path) -> None:
    """An event batch that did not fit into one message goes on in the next, at the same time."""
    flow = flow_of(3, steps=100)
    whole, parts = feed_of(flow), feed_of(flow)
    for shard in (1, 2):
        for payload in flow.logs[events_log(shard)]:
            batch = decode_events(payload)
            whole.apply(shard, batch, Rows())
            for moment in batch.moments:
                for event in moment.events:
                    part = Moment(moment.journal, moment.time, [event])
                    parts.apply(shard, EventBatch(batch.number, 1, "", [part]), Rows())
            parts.numbers[shard] = batch.number
    for symbol in flow.symbols:
        assert parts.depth(parts.instruments[symbol], 99) == whole.depth(whole.instruments[symbol], 99)


async def test_a_symbol_without_trades_that_was_added_late(tmp_path: Path) -> None:
    old = Old(tmp_path / "ticks.duckdb", flow_of(1, steps=5), Calendar())
    old.ticks.feed.define(DefineSymbol("LATE", "Late", 1, 1, 1, 5_000))
    old.seal()
    answers, symbol = old.answers, SymbolQuestion("LATE")
    assert await answers.trades("", encode(HistoryQuestion("LATE"))) == []
    assert await answers.trades("", encode(HistoryQuestion("LATE", since=1))) == []
    assert await answers.quotes("", encode(HistoryQuestion("LATE", after=5))) == []
    for fill in (False, True):
        for periods in (0, 10):
            question = CandlesQuestion("LATE", "5m", since=1, periods=periods, fill=fill)
            assert await answers.candles("", encode(question)) == []
    number = old.ticks.feed.numbers[1]
    assert await answers.depth("", encode(DepthQuestion("LATE"))) == Depth("LATE", number, 0, 0, [], [])
    assert await answers.depth("", encode(DepthQuestion("LATE", at=1))) == Depth("LATE", 0, 0, 1, [], [])
    assert await answers.quote("", encode(symbol)) == Quote("LATE", number, 0, 0, 0, 0, 0, 0)
    today = old.flow.time // 10**9 // 86_400 * 86_400
    nothing = Statistics("LATE", number, 0, 0, today, 0, 0, 0, 5_000, 0, 0, 0, 0, 5_000, 0, 0)
    assert await answers.statistics("", encode(symbol)) == nothing
    old.ticks.close()
