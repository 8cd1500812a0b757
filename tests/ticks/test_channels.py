from __future__ import annotations

import math
from collections import Counter
from itertools import combinations, pairwise
from random import Random
from typing import Any

import msgspec
import pytest

from exchange import subjects
from exchange.calendar import Calendar
from exchange.checksum import of_level, of_levels, of_orders
from exchange.market import MarketDataRules
from exchange.messages.events import EventBatch, Moment, Rested
from exchange.messages.journal import DefineSymbol
from exchange.messages.market_data import Candle, Depth, Orders, PublicTrade, Quote, Status, Trades
from exchange.subjects import events_log
from tests.oracle.bars import brute_force
from tests.ticks.test_feed import decode_events, feed_of, flow_of
from ticks.candles import PUBLISHED, candle
from ticks.channels import EARLY, TRADES_PER_MESSAGE_MAX, Channels, PublicMessage
from ticks.feed import Feed, Rows
from ticks.running_checksum import RunningChecksum
from ticks.sent import STILL_SECONDS_MAX
from ticks.status import SymbolStatus

RULES = MarketDataRules()


def opened(*symbols: str) -> tuple[Feed, Channels]:
    """A feed that knows these symbols, and its channels, which have sent nothing yet."""
    feed = Feed(Calendar())
    for symbol in symbols:
        feed.define(DefineSymbol(symbol, symbol, 1, 1, 1, 100))
    channels = Channels(feed, RULES)
    channels.open()
    return feed, channels


@pytest.mark.parametrize("seed", range(4))
def test_trades_are_never_dropped_and_the_rest_is_conflated(seed: int) -> None:
    flow = flow_of(seed, steps=200)
    feed = feed_of(flow)
    channels = Channels(feed, RULES)
    channels.open()
    trades: dict[str, list[PublicTrade]] = {symbol: [] for symbol in flow.symbols}
    times: dict[str, list[float]] = {}
    candles: dict[tuple[str, str, int], Candle] = {}
    numbered: dict[str, list[Any]] = {}
    now = 0.0

    def hear(sent: list[tuple[str, PublicMessage]]) -> None:
        for subject, message in sent:
            if isinstance(message, Trades):
                trades[message.symbol] += message.trades
                continue
            numbered.setdefault(subject, []).append(message)
            if isinstance(message, Candle):
                candles[message.symbol, message.interval, message.start] = message
            if now not in times.setdefault(subject, []):
                times[subject].append(now)

    for shard in (1, 2):
        for payload in flow.logs[events_log(shard)]:
            feed.apply(shard, decode_events(payload), Rows())
            now += 0.003
            hear(channels.messages(now))
    now += 1.0
    hear(channels.messages(now))
    assert 0 < channels.pause(now) <= 1 / RULES.top
    for symbol in flow.symbols:
        assert [t.trade_id for t in trades[symbol]] == list(range(1, len(flow.trades[symbol]) + 1))
        quotes = [(quote.bid, quote.bid_quantity, quote.ask, quote.ask_quantity) for quote in numbered[subjects.quote(symbol)]]
        assert all(one != other for one, other in pairwise(quotes))
        for interval in PUBLISHED:  # Every bar's last message is its final form.
            for bar in brute_force(symbol, interval, flow.trades[symbol]):
                last = candles[symbol, interval, bar.start]
                assert msgspec.structs.replace(last, number=0, previous=0) == bar
        last = numbered[subjects.statistics(symbol)][-1]
        now_true = feed.instruments[symbol].statistics(last.number, last.time, last.previous)
        assert msgspec.structs.replace(now_true, time=last.time) == last
        statuses = [msgspec.structs.replace(told, number=0, previous=0, time=0) for told in numbered[subjects.status(symbol)]]
        assert all(one != other for one, other in pairwise(statuses))
        told = msgspec.structs.replace(feed.status(feed.instruments[symbol]), number=0, time=0)
        assert statuses[-1] == told
    for subject, messages in numbered.items():
        channel = subject.split(".")[2]
        assert [message.previous for message in messages] == [0, *(message.number for message in messages[:-1])], subject
        if channel == "status":
            continue
        stamps, pause = times[subject], 1 / getattr(RULES, channel)
        assert len(stamps) >= 2
        assert min(b - a for a, b in pairwise(stamps)) >= (1 - EARLY) * pause - 1e-9
        for (first, begin), (last, end) in combinations(enumerate(stamps), 2):  # In the mean, over whatever time.
            assert last - first <= (end - begin) / pause + EARLY + 1e-6


def test_the_first_change_after_a_pause_is_sent_at_once() -> None:
    feed, channels = opened("KRYP")
    channels.messages(0.0)
    channels.messages(4.99)  # The steady ones; the next are due a while later.
    sent = []
    for number, now in ((1, 5.02), (2, 5.021), (3, 5.029), (4, 5.041), (5, 5.4)):
        rested = Rested(number, "KRYP", "buy", number, 10)
        feed.apply(1, EventBatch(number, number, "", [Moment(number, number, [rested])]), Rows())
        sent.append([subject for subject, _ in channels.messages(now)])
    changed = ["market.KRYP.quote", "market.KRYP.depth", "market.KRYP.book"]
    assert sent == [changed, [], [], changed, changed]


def test_a_message_that_is_nearly_due_takes_a_change_along() -> None:
    """Not before half a pause, not without a change, and the one after it has to wait the longer for that."""
    feed = Feed(Calendar())
    feed.define(DefineSymbol("KRYP", "Kryptonite", 1, 1, 1, 100))
    channels = Channels(feed, MarketDataRules(quote=1, depth=1, book=1, top=0.01))
    channels.open()
    channels.messages(0.0)
    told: dict[float, int] = {}
    for number, (now, changes) in enumerate(
        ((10, True), (10.4, True), (10.6, False), (10.7, True), (11.4, True), (11.9, False), (12.0, False), (12.1, True)), 1
    ):
        if changes:
            rested = Rested(number, "KRYP", "buy", number, 10)
            feed.apply(1, EventBatch(number, number, "", [Moment(number, number, [rested])]), Rows())
        for subject, message in channels.messages(now):
            if subject == "market.KRYP.quote":
                assert isinstance(message, Quote)
                told[now] = message.bid
    assert told == {10: 1, 10.7: 4, 12.0: 5}


def test_at_a_steady_pace_of_batches_nothing_old_is_told() -> None:
    """Every quote, depth and book leaves with a batch, as often as the rule allows, and not all of them with the same one."""
    symbols = ("AAA", "BBB", "CCC")
    feed, channels = opened(*symbols)
    channels.messages(0.0)
    counts: Counter[str] = Counter()
    most, now = 0, 0.0
    for number in range(1, 2_001):
        while now + (pause := channels.pause(now)) < number * 0.005:
            now += pause
            assert all(subject.endswith((".top", ".depth", ".book")) for subject, _ in channels.messages(now))
        now = number * 0.005
        rested = [Rested(3 * number + index, symbol, "buy", number, 10) for index, symbol in enumerate(symbols)]
        feed.apply(1, EventBatch(number, number, "", [Moment(number, number, list(rested))]), Rows())
        sent = [subject for subject, message in channels.messages(now) if getattr(message, "time", 0) == number]
        counts.update(subject.rpartition(".")[2] for subject in sent)
        most = max(most, sum(subject.endswith((".quote", ".depth", ".book")) for subject in sent) if number > 10 else 0)
    assert all(1_490 <= counts[channel] <= 1_510 for channel in ("quote", "depth", "book"))
    assert most <= 6


def test_a_rule_of_the_market_file() -> None:
    """Five messages of depth a second, and no more than one quote."""
    feed = Feed(Calendar())
    feed.define(DefineSymbol("KRYP", "Kryptonite", 1, 1, 1, 100))
    channels = Channels(feed, MarketDataRules(quote=1, depth=5))
    channels.open()
    counts = {"quote": 0, "depth": 0, "book": 0}
    for number in range(1, 1001):
        rested = Rested(number, "KRYP", "buy", number, 10)
        feed.apply(1, EventBatch(number, number, "", [Moment(number, number, [rested])]), Rows())
        for subject, _ in channels.messages(number / 100):
            if (channel := subject.split(".")[2]) in counts:
                counts[channel] += 1
    for channel, most in {"quote": 10, "depth": 50, "book": 500}.items():
        assert 0.97 * most - 1 <= counts[channel] <= most + 1


def sent_until(channels: Channels, now: float, end: float) -> list[tuple[float, str, PublicMessage]]:
    """All messages, each at the moment at which it is due."""
    sent = []
    while (now := now + channels.pause(now)) < end:
        sent += [(now, subject, message) for subject, message in channels.messages(now)]
    return sent


def test_checksum_and_image_come_at_a_steady_pace_while_something_changes() -> None:
    feed, channels = opened("KRYP")
    sent = []
    for number in range(1, 1_001):
        now = number / 100
        rested = Rested(number, "KRYP", "buy", number, 10)
        feed.apply(1, EventBatch(number, number, "", [Moment(number, number, [rested])]), Rows())
        sent += [(now, subject, message) for subject, message in channels.messages(now)]
        sent += sent_until(channels, now, now + 0.01)
    for subject, pause in (("market.KRYP.top", 0.5), ("market.KRYP.depth", 1.0), ("market.KRYP.book", 1.0)):
        told = [(at, message) for at, name, message in sent if name == subject]
        steady = [at for at, message in told if pause < 1 or getattr(message, "checksum", None) is not None]
        assert all(abs(after - before - pause) < 0.04 for before, after in pairwise(steady[1:])), subject
        assert len(steady) >= 9 / pause
    feed.define(DefineSymbol("ADAM", "Added while it ran", 1, 1, 1, 100))
    late = [(subject, message) for subject, message in channels.messages(11) if ".ADAM." in subject]
    kinds = ["quote", "status", "depth", "top", "statistics", "book"]
    assert [subject for subject, _ in late] == [f"market.ADAM.{kind}" for kind in kinds]
    assert all(message.previous == 0 for _, message in late)  # type: ignore[union-attr]


def test_what_stands_still_is_told_less_and_less_often() -> None:
    """After the last change a checksum within a second, then twice as late each time, and never later than the most."""
    feed, channels = opened("KRYP")
    channels.messages(0.0)
    assert sent_until(channels, 0.0, 200.0)
    for number, now in ((1, 200.0), (2, 200.3)):
        rested = Rested(number, "KRYP", "buy", number, 10)
        feed.apply(1, EventBatch(number, number, "", [Moment(number, number, [rested])]), Rows())
        first = dict(channels.messages(now))
        assert isinstance(depth := first["market.KRYP.depth"], Depth)
        assert ("market.KRYP.top" in first, depth.checksum is not None) == (number == 1, number == 1)
    sent = sent_until(channels, 200.3, 500.0)
    for subject, least in (("market.KRYP.top", 0.5), ("market.KRYP.depth", 1.0), ("market.KRYP.book", 1.0)):
        times = [200.0, *(at for at, name, _ in sent if name == subject)]
        pauses = [after - before for before, after in pairwise(times)]
        assert pauses[0] == pytest.approx(least), "whoever lost the last change learns of it soon"
        assert all(before <= after for before, after in pairwise(pauses))
        assert STILL_SECONDS_MAX / 2 <= pauses[-1] <= STILL_SECONDS_MAX
        assert len(pauses) < 25
    assert all(getattr(message, "checksum", 0) is not None for _, subject, message in sent if not subject.endswith(".top"))


def test_symbols_that_stand_still_do_not_speak_all_at_once() -> None:
    symbols = [f"S{number}" for number in range(1_000)]
    _, channels = opened(*symbols)
    channels.messages(0.0)
    counts = Counter(int(at * 10) for at, _, _ in sent_until(channels, 0.0, 90.0))
    assert max(counts[tenth] for tenth in range(600, 900)) < 200, "a tenth of a second has at most some of 3,000 messages"
    assert sum(counts[tenth] for tenth in range(600, 900)) < 3 * 1_000 * 2.1


def test_the_status_is_sent_when_it_changes() -> None:
    feed, channels = opened("KRYP")
    channels.messages(0.0)
    instrument = feed.instruments["KRYP"]
    now = 0.0
    for status, expected in (
        (instrument.status.band_moved(100, 90, 110), Status("KRYP", 7, 0, 9, reference=100, low=90, high=110)),
        (
            SymbolStatus().phase_changed("opening_auction", "").indicated(101, 5, 3),
            Status("KRYP", 7, 7, 9, "opening_auction", "", 101, 5, 3, "buy"),
        ),
        (
            SymbolStatus().indicated(101, 5, 3).phase_changed("halted", "news"),
            Status("KRYP", 7, 7, 9, "halted", "news"),
        ),
    ):
        instrument.status, instrument.time, feed.numbers[1] = status, 9, 7
        feed.touched["KRYP"] = None
        now += 0.001
        messages = dict(channels.messages(now))
        assert messages["market.KRYP.status"] == expected
        assert feed.status(instrument) == msgspec.structs.replace(expected, previous=0)


def test_silence_until_opened_and_after_closing() -> None:
    flow = flow_of(3)
    feed = feed_of(flow)
    channels = Channels(feed, RULES)
    log = flow.logs[events_log(1)]
    half = len(log) // 2
    for payload in log[:half]:
        feed.apply(1, decode_events(payload), Rows())
        assert channels.messages(0.0) == []
    assert channels.pause(0.0) == math.inf
    channels.open()
    first = dict(channels.messages(1.0))
    for symbol in ("SYM0", "SYM2"):
        instrument = feed.instruments[symbol]
        depth, book = first[f"market.{symbol}.depth"], first[f"market.{symbol}.book"]
        assert depth == Depth(symbol, half, 0, instrument.time, [], [], of_levels(*instrument.book.levels(None)))
        assert book == Orders(symbol, half, 0, instrument.time, [], of_orders(instrument.book.public_orders(0, None)))
        trades = first[f"market.{symbol}.trade"]
        assert isinstance(trades, Trades)
        assert trades.trades == instrument.recent[-1:]
        live = instrument.candles.live("1m")
        assert live
        assert first[f"market.{symbol}.candle.1m"] == candle(symbol, "1m", live, half)
    channels.close()
    for payload in log[half:]:
        feed.apply(1, decode_events(payload), Rows())
        assert channels.messages(9.0) == []


@pytest.mark.parametrize("seed", range(4))
def test_a_checksum_is_that_of_the_book_whenever_it_is_made_up(seed: int) -> None:
    random = Random(seed)
    book = {price: random.randrange(1, 9) for price in range(40)}
    running = RunningChecksum(of_level, {price: ("buy", price, quantity) for price, quantity in book.items()})
    for _ in range(200):
        changes = {random.randrange(60): random.randrange(4) for _ in range(random.randrange(5))}
        book |= changes
        running.change({price: ("buy", price, quantity) for price, quantity in changes.items()})
        if random.random() < 0.3:
            running.settle()
        if random.random() < 0.2:
            assert running.value == of_levels(book.items(), [])


def test_messages_stay_small() -> None:
    feed, channels = opened("KRYP")
    channels.messages(0.0)
    rested = [Rested(index, "KRYP", "buy", index, 10) for index in range(1, 6001)]
    feed.apply(1, EventBatch(1, 1, "", [Moment(1, 1, rested[:1])]), Rows())
    channels.messages(1.0)
    feed.apply(1, EventBatch(2, 2, "", [Moment(2, 2, rested[1:])]), Rows())
    depth = dict(channels.messages(2.0))["market.KRYP.depth"]
    assert isinstance(depth, Depth)  # More than 5,000 levels changed: take a snapshot.
    assert (depth.number, depth.previous, depth.bids, depth.asks) == (2, 0, [], [])
    feed.apply(1, EventBatch(3, 3, "", [Moment(3, 3, [Rested(9000, "KRYP", "sell", 9000, 1)])]), Rows())
    messages = dict(channels.messages(3.0))
    value = of_levels(*feed.instruments["KRYP"].book.levels(None))
    assert messages["market.KRYP.depth"] == Depth("KRYP", 3, 2, 3, [], [(9000, 1)], value)
    value = of_orders(feed.instruments["KRYP"].book.public_orders(0, None))
    assert messages["market.KRYP.book"] == Orders("KRYP", 3, 2, 3, [(6001, "sell", 9000, 1)], value)
    instrument = feed.instruments["KRYP"]
    instrument.unsent = [PublicTrade(index, 1, 1, "buy", 1) for index in range(2 * TRADES_PER_MESSAGE_MAX + 1)]
    feed.touched["KRYP"] = None
    assert [len(message.trades) for _, message in channels.messages(4.0) if isinstance(message, Trades)] == [1000, 1000, 1]
