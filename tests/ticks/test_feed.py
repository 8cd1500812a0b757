from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.calendar import Calendar
from exchange.messages.base import decoder
from exchange.messages.events import (
    Activated,
    Cancelled,
    Decremented,
    Event,
    EventBatch,
    Indicated,
    Moment,
    PhaseChanged,
    ReferenceMoved,
    Refreshed,
    Rested,
    Traded,
)
from exchange.messages.journal import DefineSymbol, EngineCommand, JournalBatch
from exchange.messages.market_data import Candle, PublicTrade, Status
from exchange.schedule import Schedule
from exchange.subjects import JOURNAL, events_log
from tests.oracle.bars import brute_force
from tests.oracle.flow import Flow
from ticks.candles import CLOSED_KEPT, PUBLISHED, STORED, Bar, CandleRow, Candles, CandlesState, candle
from ticks.feed import TRADES_KEPT, Feed, FeedState, Rows

decode_events = decoder(EventBatch).decode


def flow_of(seed: int, steps: int = 60) -> Flow:
    flow = Flow(seed)
    for _ in range(steps):
        flow.step()
    flow.flush()
    return flow


def feed_of(flow: Flow) -> Feed:
    feed = Feed(Calendar())
    for payload in flow.logs[JOURNAL]:
        for group in msgspec.json.decode(payload, type=JournalBatch).groups:
            if group.shard:
                for command in msgspec.json.decode(group.commands, type=list[EngineCommand]):
                    if isinstance(command, DefineSymbol):
                        feed.define(command)
    return feed


def bars_of(symbol: str, candles: Candles, interval: str, rows: list[CandleRow]) -> list[Candle]:
    """What was stored of a symbol's interval, and the open bar."""
    bars = [candle(symbol, interval, row.bar) for row in rows if (row.symbol, row.interval) == (symbol, interval)]
    live = candles.live(interval)
    return bars + ([candle(symbol, interval, live)] if live else [])


@pytest.mark.parametrize("seed", range(10))
def test_the_feed_against_the_oracle(seed: int) -> None:
    flow = flow_of(seed)
    feed = feed_of(flow)
    rows = Rows()
    for shard in (1, 2):
        for payload in flow.logs[events_log(shard)]:
            feed.apply(shard, decode_events(payload), rows)
    for symbol in flow.symbols:
        instrument, trades = feed.instruments[symbol], flow.trades[symbol]
        assert instrument.book.levels(1000) == flow.book(symbol)
        assert [(t.trade_id, t.price, t.quantity, t.side, t.time, t.auction) for t in instrument.recent] == [
            (t.trade_id, t.price, t.quantity, t.side, time, t.auction) for t, time in trades
        ]
        bids, asks = flow.book(symbol)
        assert instrument.book.best() == (bids[0] if bids else (0, 0), asks[0] if asks else (0, 0))
        for interval in STORED:
            assert bars_of(symbol, instrument.candles, interval, rows.candles) == brute_force(symbol, interval, trades)
        for interval in PUBLISHED:
            live = instrument.candles.live(interval)
            assert live
            assert candle(symbol, interval, live) == brute_force(symbol, interval, trades)[-1]
        levels = list(instrument.book.public_orders(0, None))
        assert [order[0] for order in levels] == sorted(order[0] for order in levels)
    infos = {info.symbol: info for info in feed.symbols(0, 10)}
    for symbol, trades in flow.trades.items():
        assert infos[symbol].volume == sum(trade.quantity for trade, _ in trades)
        assert infos[symbol].trades == len(trades)
        assert infos[symbol].last == (trades[-1][0].price if trades else 1000)
        rules = feed.instruments[symbol].definition
        told = infos[symbol]
        assert told.last - told.day_ago == feed.statistics(feed.instruments[symbol]).change
        assert (told.maker_fee, told.taker_fee, told.protection) == (rules.fees.maker, rules.fees.taker, rules.protection)


@pytest.mark.parametrize("seed", range(4))
def test_neither_interleaving_nor_a_snapshot_changes_the_state(seed: int) -> None:
    flow = flow_of(seed)
    one, other = feed_of(flow), feed_of(flow)
    for shard in (1, 2):
        for payload in flow.logs[events_log(shard)]:
            one.apply(shard, decode_events(payload), Rows())
    for shard in (2, 1):
        for index, payload in enumerate(flow.logs[events_log(shard)]):
            other.apply(shard, decode_events(payload), Rows())
            if index % 10 == 5:
                other = Feed(Calendar(), msgspec.msgpack.decode(msgspec.msgpack.encode(other.state()), type=FeedState))
    assert msgspec.to_builtins(one.state().instruments) == msgspec.to_builtins(other.state().instruments)


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 10**15), st.integers(1, 10**12)), max_size=50))
@settings(deadline=None)
def test_candles_of_any_size(trades: list[tuple[int, int, int]]) -> None:
    events, time = [], 1_000_000_000 * 10**9
    candles, rows = Candles("KRYP", Calendar(), CandlesState()), []
    for index, (pause, price, quantity) in enumerate(trades):
        time += pause * 10**9 // 7 + 1
        events.append((Traded("KRYP", index + 1, 1, 2, price, quantity, "buy"), time))
        candles.add(time, price, quantity, rows)
    for interval in STORED:
        assert bars_of("KRYP", candles, interval, rows) == brute_force("KRYP", interval, events)


@given(st.lists(st.tuples(st.sampled_from([1, 10**9, 3_600 * 10**9, 86_400 * 10**9, 10**17]), st.integers(1, 9)), max_size=40))
@settings(deadline=None)
def test_a_clock_that_jumps_ahead(trades: list[tuple[int, int]]) -> None:
    """Hours, days or years: no bar is lost, doubled, or in the wrong place, open ones of any length included."""
    events, time = [], 1_000_000_000 * 10**9
    candles, rows = Candles("KRYP", Calendar("America/New_York", "18:00"), CandlesState()), []
    for index, (jump, price) in enumerate(trades):
        time += jump
        events.append((Traded("KRYP", index + 1, 1, 2, price, 1, "buy"), time))
        candles.add(time, price, 1, rows)
        for interval in PUBLISHED:
            bars = [candle("KRYP", interval, bar) for bar in candles.unsent[interval]]
            live = candles.live(interval)
            assert live
            bars.append(candle("KRYP", interval, live))
            if index == len(trades) - 1:
                assert bars == brute_force("KRYP", interval, events, "America/New_York", "18:00")


def test_memory_is_bounded_by_what_is_stored() -> None:
    candles = Candles("KRYP", Calendar(), CandlesState())
    for second in range(CLOSED_KEPT + 100):
        candles.add(second * 10**9, 1, 1, [])
    closed = candles.closed["1s"]
    candles.trim("1s", stored=-1)
    assert len(closed) == CLOSED_KEPT + 99
    candles.trim("1s", stored=9)
    assert closed[0] == Bar(10, 1, 1, 1, 1, 1, 1, 1)
    candles.trim("1s", stored=10**6)
    assert len(closed) == CLOSED_KEPT
    instrument = feed_of(flow_of(1, steps=1)).instruments["SYM0"]
    instrument.recent = [PublicTrade(trade_id, 1, 1, "buy", 1) for trade_id in range(1, TRADES_KEPT + 101)]
    instrument.trim(stored=0)
    assert len(instrument.recent) == TRADES_KEPT + 100
    instrument.trim(stored=10)
    assert instrument.recent[0].trade_id == 11
    instrument.trim(stored=10**6)
    assert [instrument.recent[0].trade_id, len(instrument.recent)] == [101, TRADES_KEPT]


def test_an_auction_takes_from_both_sides_of_a_crossed_book() -> None:
    """Icebergs on both sides, one of a pair, and an order that arrives with nobody to meet. Worked by hand."""
    feed = Feed(Calendar())
    feed.define(DefineSymbol("KRYP", "Kryptonite", 1, 1, 1, 100))
    book, number = feed.instruments["KRYP"].book, 0

    def hear(*events: Event) -> None:
        """Each event in a batch of its own, with a snapshot behind it."""
        nonlocal feed, book, number
        for event in events:
            number += 1
            feed.apply(1, EventBatch(number, 1, "", [Moment(1, 5, [event])]), Rows())
            feed = Feed(Calendar(), msgspec.msgpack.decode(msgspec.msgpack.encode(feed.state()), type=FeedState))
        book = feed.instruments["KRYP"].book

    hear(PhaseChanged("KRYP", "opening_auction"))
    hear(Rested(1, "KRYP", "sell", 98, 4), Rested(2, "KRYP", "buy", 103, 3), Rested(3, "KRYP", "buy", 101, 9))
    hear(Rested(4, "KRYP", "sell", 105, 6), Indicated("KRYP", 101, 9, 3))
    assert book.best() == ((103, 3), (98, 4))
    assert feed.status(feed.instruments["KRYP"]) == Status("KRYP", 6, 0, 5, "opening_auction", "", 101, 9, 3, "buy")
    assert [info.phase for info in feed.symbols(0, 1)] == ["opening_auction"]
    hear(PhaseChanged("KRYP", "continuous"))
    hear(Traded("KRYP", 1, 1, 2, 101, 3, "buy", auction=True), Refreshed(2, "KRYP", 1))
    hear(Traded("KRYP", 2, 1, 2, 101, 1, "buy", auction=True), Refreshed(1, "KRYP", 4), Refreshed(2, "KRYP", 2))
    assert book.levels(9) == ([(103, 2), (101, 9)], [(98, 4), (105, 6)])
    assert book.public_orders(0, None) == [
        (3, "buy", 101, 9), (4, "sell", 105, 6), (6, "sell", 98, 4), (7, "buy", 103, 2),
    ]  # fmt: skip
    hear(Traded("KRYP", 3, 1, 2, 101, 2, "buy", auction=True), Traded("KRYP", 4, 1, 3, 101, 2, "buy", auction=True))
    hear(Decremented(4, "KRYP", 2), Cancelled(8, "KRYP", 5, "pair"), Activated(9, "KRYP", 2), ReferenceMoved("KRYP", 101))
    assert book.levels(9) == ([(101, 7)], [(105, 4)])
    assert (feed.instruments["KRYP"].volume, feed.instruments["KRYP"].last) == (8, 101)


def test_the_band_follows_the_reference_and_the_rules() -> None:
    """On the tick, inside the width. Worked by hand."""
    rules = DefineSymbol("KRYP", "Kryptonite", 1, 2, 1, 100)
    feed = Feed(Calendar())

    def band() -> tuple[int, int, int]:
        status = feed.status(feed.instruments["KRYP"])
        return status.reference, status.low, status.high

    def move(number: int, price: int) -> None:
        feed.apply(1, EventBatch(number, 1, "", [Moment(1, 5, [ReferenceMoved("KRYP", price)])]), Rows())

    feed.define(rules)
    assert band() == (0, 0, 0)
    feed.define(msgspec.structs.replace(rules, trade_band=500, opening_price=900))
    assert band() == (100, 96, 104)
    move(1, 121)
    assert band() == (121, 116, 126)
    feed.define(rules)
    move(2, 131)
    assert band() == (0, 0, 0)
    feed.touched.clear()
    feed.define(msgspec.structs.replace(rules, trade_band=10_000))
    assert band() == (131, 2, 262)
    assert list(feed.touched) == ["KRYP"]


def test_until_when_a_phase_lasts() -> None:
    """By the schedule; a volatility auction as long as the engine says; of a halt nobody knows."""
    begin = int(datetime(2026, 11, 27, 9, 30, tzinfo=UTC).timestamp()) * 10**9
    end = begin + 6 * 3600 * 10**9
    schedule = Schedule(continuous="09:30", closed="15:30")
    feed = Feed(Calendar(), schedule_of=lambda symbol: schedule if symbol == "DAY" else None)
    for symbol in ("DAY", "ALWAYS"):
        feed.define(DefineSymbol(symbol, symbol, 1, 1, 1, 100))
    feed.time = begin
    for number, (phase, until, day, always) in enumerate(
        (
            ("continuous", 0, end, 0),
            ("volatility_auction", begin + 5, begin + 5, begin + 5),
            ("halted", 0, 0, 0),
            ("pre_open", 0, end, 0),
        ),
        1,
    ):
        events = [PhaseChanged(symbol, phase, "", until) for symbol in ("DAY", "ALWAYS")]  # type: ignore[arg-type]
        feed.apply(1, EventBatch(number, number, "", [Moment(number, begin, list(events))]), Rows())
        assert [feed.status(feed.instruments[symbol]).until for symbol in ("DAY", "ALWAYS")] == [day, always]


def test_a_missing_trade_is_noticed() -> None:
    feed = Feed(Calendar())
    feed.define(DefineSymbol("KRYP", "Kryptonite", 1, 1, 1, 100))
    events = [Rested(1, "KRYP", "sell", 100, 9), Traded("KRYP", 2, 1, 2, 100, 9, "buy")]
    with pytest.raises(AssertionError, match="a trade is missing"):
        feed.apply(1, EventBatch(1, 1, "", [Moment(1, 1, events)]), Rows())
