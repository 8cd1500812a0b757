from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.messages.events import EventBatch, Moment, Rested
from exchange.messages.journal import DefineSymbol
from exchange.messages.market_data import Candle, Depth, PublicTrade, Quote, Trades
from exchange.subjects import events_log
from tests.oracle.flow import Flow
from tests.oracle.subscriber import Subscriber
from tests.ticks.test_feed import decode_events, feed_of, flow_of
from ticks.channels import CHANGES_PER_SECOND_MAX, TRADES_PER_MESSAGE_MAX, Channels
from ticks.feed import Feed


class Wire:
    """A feed with its channels, a subscriber of one symbol that loses messages, and snapshots that take their time."""

    def __init__(self, flow: Flow, symbol: str) -> None:
        self.flow = flow
        self.feed = feed_of(flow)
        self.channels = Channels(self.feed)
        self.channels.open()
        self.symbol = symbol
        self.position = {1: 0, 2: 0}
        self.now = 0.0
        self.snapshots: list[Depth] = []
        self.subscriber = self.join()

    def join(self) -> Subscriber:
        self.snapshots.clear()
        self.subscriber = Subscriber(self.ask)
        return self.subscriber

    def ask(self) -> None:
        self.snapshots.append(self.feed.depth(self.feed.instruments[self.symbol], 1000))

    def answer(self) -> None:
        if self.snapshots:
            self.subscriber.on_snapshot(self.snapshots.pop(0))

    def apply(self, shard: int) -> None:
        log = self.flow.logs[events_log(shard)]
        if self.position[shard] < len(log):
            self.feed.apply(shard, decode_events(log[self.position[shard]]))
            self.position[shard] += 1

    def publish(self, seconds: float, lost: bool = False) -> None:
        self.now += seconds
        for subject, message in self.channels.messages(self.now):
            if subject == f"market.{self.symbol}.depth" and not lost:
                assert isinstance(message, Depth)
                self.subscriber.on_depth(message)


ACTIONS = st.sampled_from(["step", "apply 1", "apply 2", "publish", "publish soon", "lose", "answer", "join", "restart"])


@given(st.integers(0, 10**6), st.lists(ACTIONS, min_size=20, max_size=120))
@settings(deadline=None, max_examples=150)
def test_a_subscriber_ends_with_the_book_whatever_it_lost(seed: int, actions: list[str]) -> None:
    flow = Flow(seed)
    wire = Wire(flow, flow.random.choice(flow.symbols))
    for action in actions:
        match action.split():
            case ["step"]:
                flow.step()
            case ["apply", shard]:
                wire.apply(int(shard))
            case ["publish"]:
                wire.publish(0.02)
            case ["publish", "soon"]:
                wire.publish(0.001)
            case ["lose"]:
                wire.publish(0.02, lost=True)
            case ["answer"]:
                wire.answer()
            case ["join"]:
                wire.join()
            case ["restart"]:  # Another worker of the same state publishes from here on.
                wire.publish(0.02)
                wire.feed = Feed(wire.feed.state())
                wire.channels = Channels(wire.feed)
                wire.channels.open()
    # From here on nothing is lost; the next change tells whoever missed one before.
    changed = False
    while not changed:
        flow.step()
        flow.flush()
        while any(wire.position[shard] < len(flow.logs[events_log(shard)]) for shard in (1, 2)):
            wire.apply(1)
            wire.apply(2)
            changed |= wire.feed.instruments[wire.symbol].book.changes > 0
    wire.publish(1.0)
    while wire.snapshots:
        wire.answer()
    assert wire.subscriber.book == flow.book(wire.symbol) == wire.feed.instruments[wire.symbol].book.levels(1000)


@pytest.mark.parametrize("seed", range(4))
def test_trades_are_never_dropped_and_the_rest_is_conflated(seed: int) -> None:
    flow = flow_of(seed, steps=200)
    feed = feed_of(flow)
    channels = Channels(feed)
    channels.open()
    trades: dict[str, list[PublicTrade]] = {symbol: [] for symbol in flow.symbols}
    times: dict[str, list[float]] = {}
    candles: dict[tuple[str, str, int], Candle] = {}
    quotes: dict[str, list[Quote]] = {symbol: [] for symbol in flow.symbols}
    now = 0.0
    for shard in (1, 2):
        for payload in flow.logs[events_log(shard)]:
            feed.apply(shard, decode_events(payload))
            now += 0.003
            sent = channels.messages(now)
            for subject, message in sent:
                match message:
                    case Trades():
                        trades[message.symbol] += message.trades
                    case Candle():
                        candles[message.symbol, message.interval, message.start] = message
                    case Quote():
                        quotes[message.symbol].append(message)
                if not isinstance(message, Trades) and now not in times.setdefault(subject, []):
                    times[subject].append(now)
    for symbol in flow.symbols:
        assert [t.trade_id for t in trades[symbol]] == list(range(1, len(flow.trades[symbol]) + 1))
        assert [quote.previous for quote in quotes[symbol]] == [0, *(quote.number for quote in quotes[symbol][:-1])]
        prices = [(quote.bid, quote.bid_quantity, quote.ask, quote.ask_quantity) for quote in quotes[symbol]]
        assert all(one != other for one, other in pairwise(prices))
    for stamps in times.values():
        assert len(stamps) > 3
        assert min(b - a for a, b in pairwise(stamps)) >= 1 / CHANGES_PER_SECOND_MAX - 1e-9
    assert 0 <= channels.pause(now) <= 1 / CHANGES_PER_SECOND_MAX
    for _, message in channels.messages(now + channels.pause(now)):
        if isinstance(message, Candle):
            candles[message.symbol, message.interval, message.start] = message
    assert not channels.waiting
    for symbol, instrument in feed.instruments.items():
        for interval, series in instrument.series.items():  # Every bar's last message is its final form.
            for bar in [*series.closed, *([series.bar] if series.bar else [])]:
                assert candles[symbol, interval, bar.start] == series.candle(bar)


def test_the_first_change_after_a_pause_is_sent_at_once() -> None:
    feed = Feed()
    feed.define(DefineSymbol("KRYP", "Kryptonite", 1, 1, 1, 100))
    channels = Channels(feed)
    channels.open()
    channels.messages(0.0)
    subjects = []
    for number, now in ((1, 5.0), (2, 5.001), (3, 5.019), (4, 5.02), (5, 9.0)):
        feed.apply(1, EventBatch(number, number, "", [Moment(number, number, [Rested(number, "KRYP", "buy", number, 10)])]))
        subjects.append([subject for subject, _ in channels.messages(now)])
    both = ["market.KRYP.quote", "market.KRYP.depth"]
    assert subjects == [both, [], [], both, both]


def test_silence_until_opened_and_after_closing() -> None:
    flow = flow_of(3)
    feed = feed_of(flow)
    channels = Channels(feed)
    log = flow.logs[events_log(1)]
    half = len(log) // 2
    for payload in log[:half]:
        feed.apply(1, decode_events(payload))
        assert channels.messages(0.0) == []
    assert not channels.waiting
    channels.open()
    first = dict(channels.messages(1.0))
    for symbol in ("SYM0", "SYM2"):
        instrument = feed.instruments[symbol]
        assert first[f"market.{symbol}.depth"] == Depth(symbol, half, 0, instrument.time, [], [])
        trades = first[f"market.{symbol}.trade"]
        assert isinstance(trades, Trades)
        assert trades.trades == instrument.recent[-1:]
        assert instrument.series["1m"].bar
        assert first[f"market.{symbol}.candle.1m"] == instrument.series["1m"].candle(instrument.series["1m"].bar)
    channels.close()
    for payload in log[half:]:
        feed.apply(1, decode_events(payload))
        assert channels.messages(9.0) == []


def test_messages_stay_small() -> None:
    feed = Feed()
    feed.define(DefineSymbol("KRYP", "Kryptonite", 1, 1, 1, 100))
    channels = Channels(feed)
    channels.open()
    channels.messages(0.0)
    rested = [Rested(index, "KRYP", "buy", index, 10) for index in range(1, 6001)]
    feed.apply(1, EventBatch(1, 1, "", [Moment(1, 1, rested[:1])]))
    channels.messages(1.0)
    feed.apply(1, EventBatch(2, 2, "", [Moment(2, 2, rested[1:])]))
    depth = dict(channels.messages(2.0))["market.KRYP.depth"]
    assert depth == Depth("KRYP", 2, 0, 2, [], [])  # More than 5,000 levels changed: take a snapshot.
    feed.apply(1, EventBatch(3, 3, "", [Moment(3, 3, [Rested(9000, "KRYP", "sell", 9000, 1)])]))
    assert dict(channels.messages(3.0))["market.KRYP.depth"] == Depth("KRYP", 3, 2, 3, [], [(9000, 1)])
    instrument = feed.instruments["KRYP"]
    instrument.unsent = [PublicTrade(index, 1, 1, "buy", 1) for index in range(2 * TRADES_PER_MESSAGE_MAX + 1)]
    feed.touched["KRYP"] = None
    assert [len(message.trades) for _, message in channels.messages(4.0) if isinstance(message, Trades)] == [1000, 1000, 1]
