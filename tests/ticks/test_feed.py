from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from exchange.messages.market_data import Candle, PublicTrade
from exchange.subjects import JOURNAL, events_log
from tests.oracle.flow import Flow
from ticks.book import Resting
from ticks.candles import CLOSED_KEPT, SECONDS, Bar, Series
from ticks.feed import TRADES_KEPT, CandleRow, Feed, FeedState

decode_events = decoder(EventBatch).decode


def flow_of(seed: int, steps: int = 60) -> Flow:
    flow = Flow(seed)
    for _ in range(steps):
        flow.step()
    flow.flush()
    return flow


def feed_of(flow: Flow) -> Feed:
    feed = Feed()
    for payload in flow.logs[JOURNAL]:
        for group in msgspec.json.decode(payload, type=JournalBatch).groups:
            if group.shard:
                for command in msgspec.json.decode(group.commands, type=list[EngineCommand]):
                    if isinstance(command, DefineSymbol):
                        feed.define(command)
    return feed


def brute_force(symbol: str, interval: str, trades: list[tuple[Traded, int]]) -> list[Candle]:
    """Candles from the whole list of trades, one interval at a time."""
    seconds = {"1s": 1, "1m": 60}[interval]
    starts = sorted({time // 10**9 - time // 10**9 % seconds for _, time in trades})
    candles = []
    for start in starts:
        inside = [trade for trade, time in trades if start <= time // 10**9 < start + seconds]
        prices = [trade.price for trade in inside]
        candles.append(
            Candle(
                symbol,
                interval,  # type: ignore[arg-type]
                start,
                prices[0],
                max(prices),
                min(prices),
                prices[-1],
                sum(trade.quantity for trade in inside),
                sum(trade.price * trade.quantity for trade in inside),
                len(inside),
            )
        )
    return candles


@pytest.mark.parametrize("seed", range(10))
def test_the_feed_against_the_oracle(seed: int) -> None:
    flow = flow_of(seed)
    feed = feed_of(flow)
    closed: list[CandleRow] = []
    for shard in (1, 2):
        for payload in flow.logs[events_log(shard)]:
            closed += feed.apply(shard, decode_events(payload))[1]
    for symbol in flow.symbols:
        instrument, trades = feed.instruments[symbol], flow.trades[symbol]
        assert instrument.book.levels(1000) == flow.book(symbol)
        assert [(t.trade_id, t.price, t.quantity, t.side, t.time) for t in instrument.recent] == [
            (t.trade_id, t.price, t.quantity, t.side, time) for t, time in trades
        ]
        bids, asks = flow.book(symbol)
        assert instrument.book.best() == (bids[0] if bids else (0, 0), asks[0] if asks else (0, 0))
        for interval, series in instrument.series.items():
            bars = [series.candle(bar) for name, kind, bar in closed if (name, kind) == (symbol, interval)]
            if series.bar:
                bars.append(series.candle(series.bar))
            assert bars == brute_force(symbol, interval, trades)
    infos = {info.symbol: info for info in feed.symbols()}
    for symbol, trades in flow.trades.items():
        assert infos[symbol].volume == sum(trade.quantity for trade, _ in trades)
        assert infos[symbol].trades == len(trades)
        assert infos[symbol].last == (trades[-1][0].price if trades else 1000)


@pytest.mark.parametrize("seed", range(4))
def test_neither_interleaving_nor_a_snapshot_changes_the_state(seed: int) -> None:
    flow = flow_of(seed)
    one, other = feed_of(flow), feed_of(flow)
    for shard in (1, 2):
        for payload in flow.logs[events_log(shard)]:
            one.apply(shard, decode_events(payload))
    for shard in (2, 1):
        for index, payload in enumerate(flow.logs[events_log(shard)]):
            other.apply(shard, decode_events(payload))
            if index % 10 == 5:
                other = Feed(msgspec.msgpack.decode(msgspec.msgpack.encode(other.state()), type=FeedState))
    assert msgspec.to_builtins(one.state().instruments) == msgspec.to_builtins(other.state().instruments)


def test_a_snapshot_of_before_there_were_auctions() -> None:
    """It names one exhausted order or none, or is of a time when nothing had to be remembered of it."""
    state = msgspec.to_builtins(feed_of(flow_of(1)).state())
    olds = [(), (None,), ((7, ["buy", 1000, 0]),)]
    for instrument, old in zip(state[0], olds, strict=True):
        assert instrument.pop() == {}
        instrument += old
    feed = Feed(msgspec.convert(state, FeedState))
    third = feed.instruments["SYM2"].book
    assert third.exhausted == {7: Resting("buy", 1000, 0)}
    third.refresh(Refreshed(7, "SYM2", 5))
    assert third.levels(1) == ([(1000, 5)], [])
    third.cancel(7)
    assert feed.state() == feed_of(flow_of(1)).state()


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 10**15), st.integers(1, 10**12)), max_size=50))
@settings(deadline=None)
def test_candles_of_any_size(trades: list[tuple[int, int, int]]) -> None:
    events, time = [], 1_000_000_000 * 10**9
    series = {interval: Series("KRYP", interval) for interval in SECONDS}
    closed: dict[str, list[Candle]] = {interval: [] for interval in SECONDS}
    for index, (pause, price, quantity) in enumerate(trades):
        time += pause * 10**9 // 7 + 1
        events.append((Traded("KRYP", index + 1, 1, 2, price, quantity, "buy"), time))
        for interval, one in series.items():
            if bar := one.add(time, price, quantity):
                closed[interval].append(one.candle(bar))
    for interval, one in series.items():
        assert closed[interval] + ([one.candle(one.bar)] if one.bar else []) == brute_force("KRYP", interval, events)


def test_memory_is_bounded_by_what_is_stored() -> None:
    series = Series("KRYP", "1s")
    for second in range(CLOSED_KEPT + 100):
        series.add(second * 10**9, 1, 1)
    series.trim(stored=-1)
    assert len(series.closed) == CLOSED_KEPT + 99
    series.trim(stored=9)
    assert series.closed[0] == Bar(10, 1, 1, 1, 1, 1, 1, 1)
    series.trim(stored=10**6)
    assert len(series.closed) == CLOSED_KEPT
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
    feed = Feed()
    feed.define(DefineSymbol("KRYP", "Kryptonite", 1, 1, 1, 100))
    book, number = feed.instruments["KRYP"].book, 0

    def hear(*events: Event) -> None:
        """Each event in a batch of its own, with a snapshot behind it."""
        nonlocal feed, book, number
        for event in events:
            number += 1
            feed.apply(1, EventBatch(number, 1, "", [Moment(1, 5, [event])]))
            feed = Feed(msgspec.msgpack.decode(msgspec.msgpack.encode(feed.state()), type=FeedState))
        book = feed.instruments["KRYP"].book

    hear(PhaseChanged("KRYP", "opening_auction"))
    hear(Rested(1, "KRYP", "sell", 98, 4), Rested(2, "KRYP", "buy", 103, 3), Rested(3, "KRYP", "buy", 101, 9))
    hear(Rested(4, "KRYP", "sell", 105, 6), Indicated("KRYP", 101, 9, 3))
    assert book.best() == ((103, 3), (98, 4))
    hear(PhaseChanged("KRYP", "continuous"))
    hear(Traded("KRYP", 1, 1, 2, 101, 3, "buy", auction=True), Refreshed(2, "KRYP", 1))
    hear(Traded("KRYP", 2, 1, 2, 101, 1, "buy", auction=True), Refreshed(1, "KRYP", 4), Refreshed(2, "KRYP", 2))
    assert book.levels(9) == ([(103, 2), (101, 9)], [(98, 4), (105, 6)])
    hear(Traded("KRYP", 3, 1, 2, 101, 2, "buy", auction=True), Traded("KRYP", 4, 1, 3, 101, 2, "buy", auction=True))
    hear(Decremented(4, "KRYP", 2), Cancelled(8, "KRYP", 5, "pair"), Activated(9, "KRYP", 2), ReferenceMoved("KRYP", 101))
    assert book.levels(9) == ([(101, 7)], [(105, 4)])
    assert (feed.instruments["KRYP"].volume, feed.instruments["KRYP"].last) == (8, 101)


def test_a_missing_trade_is_noticed() -> None:
    feed = Feed()
    feed.define(DefineSymbol("KRYP", "Kryptonite", 1, 1, 1, 100))
    events = [Rested(1, "KRYP", "sell", 100, 9), Traded("KRYP", 2, 1, 2, 100, 9, "buy")]
    with pytest.raises(AssertionError, match="a trade is missing"):
        feed.apply(1, EventBatch(1, 1, "", [Moment(1, 1, events)]))
