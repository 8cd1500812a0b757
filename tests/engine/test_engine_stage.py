"""The stage: the same journal gives the same bytes, however it is cut into turns, replayed, split or interrupted."""

from random import Random

import msgspec
import pytest

from engine.batch import apply_batch
from engine.books import Books
from engine.matching import apply
from engine.parts import EVENT_BATCH_BYTES_MAX
from engine.stage import EngineStage, decode_journal
from engine.state import OpenQuantity, open_quantities
from exchange.digest import digest
from exchange.messages.base import encode
from exchange.messages.events import Cancelled, CancelRefused, EventBatch
from exchange.messages.journal import (
    CancelOrder,
    DefineSymbol,
    EngineCommand,
    Group,
    JournalBatch,
    OpenAccount,
    PlaceOrder,
    RefusalRecord,
)
from exchange.stage import ReplayError
from exchange.subjects import JOURNAL

decode = msgspec.json.Decoder(EventBatch).decode


class Ledger:
    """Writes a journal."""

    def __init__(self) -> None:
        self.journal: list[bytes] = []

    def append(self, *groups: tuple[int, list[object]], time: int = 0) -> bytes:
        """At a time of its own, or some time after the last."""
        number = len(self.journal) + 1
        previous = digest(self.journal[-1]) if self.journal else ""
        raw = [Group(shard, msgspec.Raw(encode(commands))) for shard, commands in groups]
        refusals = [RefusalRecord("mallory", "unknown_symbol")] if number % 5 == 0 else []
        self.journal.append(encode(JournalBatch(number, time or 1_000 * number, previous, {1: 0}, raw, refusals)))
        return self.journal[-1]

    def append_all(self, commands: list[EngineCommand], random: Random) -> None:
        """Cut into batches; some are empty, some hold other shards' commands, some several groups of shard 1."""
        while commands:
            count = random.choice((0, 0, 1, 2, 10, 30))
            cut = random.randint(0, count)
            first, second, commands = commands[:cut], commands[cut:count], commands[count:]
            account = (0, [OpenAccount("alice")])
            other = (2, [{"type": "nonsense"}])
            groups = [(1, first), account, other, (1, second)]
            self.append(*[group for group in groups if group[1] and (group[0] == 1 or random.random() < 0.5)])


def lead(stage: EngineStage, journal: list[bytes], random: Random) -> list[bytes]:
    """Take turns with zero to four journal batches each."""
    log: list[bytes] = []
    position = 0
    while position < len(journal):
        count = random.randint(0, 4)
        payloads, messages = stage.turn({JOURNAL: journal[position : position + count]} if count else {}, now=0)
        assert messages == []
        assert not stage.waiting
        log += payloads
        position += count
    return log


def follow(stage: EngineStage, log: list[bytes], journal: list[bytes], position: int = 0) -> int:
    """Replay with the inputs that each batch says it contains; returns where in the journal this ends."""
    for payload in log:
        through = decode(payload).journal_through
        stage.replay(payload, {JOURNAL: journal[position:through]} if through > position else {})
        position = through
    return position


def check_chain(log: list[bytes]) -> None:
    previous = ""
    for number, payload in enumerate(log, start=1):
        batch = decode(payload)
        assert (batch.number, batch.previous) == (number, previous)
        previous = digest(payload)


def events_of(batches: list[tuple[int, list[EngineCommand]]]) -> list[object]:
    books = Books()
    return [event for time, commands in batches for event in apply_batch(books, time, commands)]


@pytest.fixture
def stories(commands_of, batches_of):
    """A journal and what its commands cause: every other one with everything there is, and times of its own."""

    def make(seed: int, count: int = 600) -> tuple[list[bytes], list[object]]:
        ledger = Ledger()
        if seed % 2:
            batches = batches_of(seed, count, ("AAA", "BBB"))
            for time, batch in batches:
                cut = Random(time).randint(0, len(batch))
                groups = [(1, batch[:cut]), (2, [{"type": "nonsense"}]), (1, batch[cut:])]
                ledger.append(*[group for group in groups if group[1]], time=time)
            return ledger.journal, events_of(batches)
        commands = commands_of(seed, count, ("AAA", "BBB"))
        ledger.append_all(commands, Random(seed))
        return ledger.journal, apply({}, commands)

    return make


SWEPT = 20_000


@pytest.fixture(scope="module")
def sweep() -> tuple[list[bytes], list[bytes]]:
    """A journal that fills a level, and three batches of which the second sweeps it: too many events for one message."""
    ledger = Ledger()
    ledger.append((1, [DefineSymbol("AAA", "AAA", shard=1, tick=1, lot=1, opening_price=100)]))
    ledger.append((1, [PlaceOrder(n, "alice", "", "AAA", "buy", 1, 100, 0) for n in range(1, SWEPT + 1)]))
    ledger.append((1, [PlaceOrder(900_001, "bob", "", "AAA", "buy", 1, 99, 0)]))
    ledger.append((1, [PlaceOrder(900_002, "bob", "", "AAA", "sell", SWEPT, 100, 0)]))
    ledger.append((1, [PlaceOrder(900_003, "bob", "", "AAA", "buy", 1, 98, 0)]))
    return ledger.journal[:2], ledger.journal[2:]


@pytest.fixture
def filled(sweep) -> tuple[EngineStage, list[bytes]]:
    """A stage that has filled its level, and its log."""
    stage = EngineStage(1)
    return stage, stage.turn({JOURNAL: sweep[0]}, now=0).payloads


def test_names():
    stage = EngineStage(3)
    assert (stage.name, stage.output, stage.inputs) == ("engine-3", "EVENTS_3", ("JOURNAL",))


@pytest.mark.parametrize("seed", range(10))
def test_the_log_holds_all_events_with_their_journal_batch(seed, stories):
    journal, events = stories(seed)
    log = lead(EngineStage(1), journal, Random(seed))
    check_chain(log)
    moments = [moment for payload in log for moment in decode(payload).moments]
    assert [event for moment in moments for event in moment.events] == events
    assert all(moment.events for moment in moments)
    assert [moment.journal for moment in moments] == sorted({moment.journal for moment in moments})
    times = [decode_journal(payload).time for payload in journal]
    assert all(moment.time == times[moment.journal - 1] for moment in moments)
    assert all(moment.journal <= decode(payload).journal_through for payload in log for moment in decode(payload).moments)


@pytest.mark.parametrize("seed", range(10))
def test_replay_gives_the_same_bytes_and_the_same_state(seed, stories):
    journal, _ = stories(seed)
    leader, follower = EngineStage(1), EngineStage(1)
    log = lead(leader, journal, Random(100 + seed))
    position = follow(follower, log, journal)
    rest = follower.turn({JOURNAL: journal[position:]}, now=0)
    assert rest.payloads == [], "the journal's end caused no events, or the log would hold them"
    assert follower.snapshot() == leader.snapshot()
    assert list(open_quantities(follower.books)) == list(open_quantities(leader.books))


@pytest.mark.parametrize("seed", range(10))
def test_a_successor_goes_on_where_the_log_ends(seed, stories):
    journal, events = stories(seed)
    log = lead(EngineStage(1), journal[: len(journal) // 2], Random(seed))
    log = log[: Random(seed).randint(0, len(log))]
    successor = EngineStage(1)
    position = follow(successor, log, journal)
    log += lead(successor, journal[position:], Random(seed + 1))
    check_chain(log)
    assert [event for payload in log for moment in decode(payload).moments for event in moment.events] == events


@pytest.mark.parametrize("seed", range(10))
def test_a_snapshot_in_the_middle_changes_nothing(seed, stories):
    journal, _ = stories(seed)
    whole, first, second = EngineStage(1), EngineStage(1), EngineStage(1)
    middle = Random(seed).randint(0, len(journal))
    log = lead(whole, journal[:middle], Random(seed)) + lead(whole, journal[middle:], Random(seed))
    cut_log = lead(first, journal[:middle], Random(seed))
    second.restore(first.snapshot())
    assert second.snapshot() == first.snapshot()
    for book in second.books.values():
        book.check()
    assert cut_log + lead(second, journal[middle:], Random(seed)) == log
    assert second.snapshot() == whole.snapshot()


def test_without_events_there_is_no_batch():
    ledger = Ledger()
    ledger.append()
    ledger.append((1, [DefineSymbol("AAA", "AAA", shard=1, tick=1, lot=1, opening_price=100)]))
    ledger.append((0, [OpenAccount("alice")]), (2, [{"type": "nonsense"}]))
    stage = EngineStage(1)
    assert stage.turn({}, now=1) == stage.turn({JOURNAL: ledger.journal}, now=2) == ([], [])


STOP = PlaceOrder(1, "alice", "", "AAA", "buy", 5, 120, 0, "stop", "day", stop_price=110, expires=5_000)
DEFINED = DefineSymbol("AAA", "AAA", shard=1, tick=1, lot=1, opening_price=100)


def test_a_stop_that_waits_is_in_the_log_without_events():
    """So that a reader of the log knows whether the books contain it."""
    ledger = Ledger()
    ledger.append((1, [DEFINED]))
    ledger.append((1, [STOP]))
    ledger.append()
    leader, follower = EngineStage(1), EngineStage(1)
    log = lead(leader, ledger.journal, Random(3))
    assert [(decode(payload).moments, decode(payload).journal_through) for payload in log] == [([], len(ledger.journal))]
    assert follow(follower, log, ledger.journal) == 3
    assert follower.snapshot() == leader.snapshot()
    assert list(open_quantities(follower.books)) == [OpenQuantity(1, "AAA", "buy", 120, 5)]


def test_an_order_expires_in_the_moment_of_the_batch_whose_time_has_come():
    """Whatever that batch holds; its own commands come after."""
    ledger = Ledger()
    ledger.append((1, [DEFINED, STOP]))
    ledger.append((1, [msgspec.structs.replace(STOP, order_id=2, kind="limit", price=90, expires=4_001)]))
    ledger.append()
    ledger.append((0, [OpenAccount("bob")]))
    ledger.append((1, [CancelOrder(1, "alice", "AAA")]))
    log = lead(EngineStage(1), ledger.journal, Random(1))
    moments = [moment for payload in log for moment in decode(payload).moments]
    assert [(moment.journal, moment.time) for moment in moments] == [(2, 2_000), (5, 5_000)]
    assert moments[1].events == [
        Cancelled(2, "AAA", 5, "expired"),
        Cancelled(1, "AAA", 5, "expired"),
        CancelRefused(1, "AAA"),
    ]


def test_a_snapshot_of_another_version_does_not_decode():
    with pytest.raises(msgspec.ValidationError):
        EngineStage(1).restore(
            b'{"number":1,"previous":"","pending":[],"books":[{"symbol":"AAA","trades":0,"bids":[],"asks":[]}]}'
        )


def test_a_batch_contains_the_whole_turn_whatever_its_last_inputs_caused():
    ledger = Ledger()
    ledger.append((1, [DefineSymbol("AAA", "AAA", 1, 1, 1, 100), PlaceOrder(1, "alice", "", "AAA", "buy", 5, 100, 0)]))
    ledger.append((0, [OpenAccount("bob")]))
    ledger.append()
    (payload,) = EngineStage(1).turn({JOURNAL: ledger.journal}, now=0).payloads
    assert decode(payload).journal_through == 3


def test_a_turn_too_large_for_one_message_is_split(sweep, filled):
    stage, log = filled
    payloads = stage.turn({JOURNAL: sweep[1]}, now=0).payloads
    check_chain(log + payloads)
    assert len(payloads) > 2
    assert all(len(payload) <= EVENT_BATCH_BYTES_MAX for payload in log + payloads)
    assert all(len(payload) > 0.99 * EVENT_BATCH_BYTES_MAX for payload in payloads[:-1])
    parts = [decode(payload) for payload in payloads]
    assert [part.more for part in parts] == [True] * (len(parts) - 1) + [False]
    assert {part.journal_through for part in parts} == {5}
    moments = [moment for part in parts for moment in part.moments]
    assert [moment.journal for moment in moments] == [3] + [4] * len(parts) + [5]
    trades = [event for moment in moments if moment.journal == 4 for event in moment.events]
    assert [trade.maker_order_id for trade in trades] == list(range(1, SWEPT + 1))
    assert [trade.trade_id for trade in trades] == list(range(1, SWEPT + 1))


@pytest.mark.parametrize("logged", [1, 2])
@pytest.mark.parametrize("by_snapshot", [False, True])
def test_a_leader_that_dies_between_parts_is_completed(logged, by_snapshot, sweep, filled, stories):
    leader, log = filled
    parts = leader.turn({JOURNAL: sweep[1]}, now=0).payloads
    journal = [*sweep[0], *sweep[1]]
    successor = EngineStage(1)
    assert follow(successor, log + parts[:logged], journal) == 5
    assert successor.waiting
    if by_snapshot:
        restored = EngineStage(1)
        restored.restore(successor.snapshot())
        assert restored.snapshot() == successor.snapshot()
        successor = restored
    ledger = Ledger()
    ledger.journal = journal
    late = ledger.append((1, [PlaceOrder(900_004, "bob", "", "AAA", "buy", 1, 97, 0)]))
    payloads = successor.turn({JOURNAL: [late]}, now=0).payloads
    assert not successor.waiting
    assert payloads[:-1] == parts[logged:], "the missing parts come first, unchanged"
    assert decode(payloads[-1]).journal_through == 6
    check_chain(log + parts[:logged] + payloads)
    assert leader.turn({JOURNAL: [late]}, now=0).payloads == payloads[-1:]
    assert leader.snapshot() == successor.snapshot()


def test_an_altered_batch_is_refused_with_its_number(stories):
    journal, _ = stories(1)
    log = lead(EngineStage(1), journal, Random(1))
    index = next(index for index, payload in enumerate(log) if index > 3 and b'"price":9' in payload)
    altered = log[index].replace(b'"price":9', b'"price":8', 1)
    with pytest.raises(ReplayError, match=f"EVENTS_1: batch {index + 1} is not what the journal gives"):
        follow(EngineStage(1), [*log[:index], altered], journal)


def test_a_batch_that_the_journal_did_not_cause_is_refused(stories):
    journal, _ = stories(1)
    log = lead(EngineStage(1), journal, Random(1))
    stage = EngineStage(1)
    position = follow(stage, log[:3], journal)
    through = decode(log[2]).journal_through
    invented = encode(EventBatch(4, through, digest(log[2]), decode(log[3]).moments))
    assert position == through
    with pytest.raises(ReplayError, match="EVENTS_1: batch 4 has events that the journal did not cause"):
        stage.replay(invented, {})


def test_an_altered_part_is_refused_with_its_number(sweep, filled):
    leader, log = filled
    parts = leader.turn({JOURNAL: sweep[1]}, now=0).payloads
    first = len(log) + 1
    with pytest.raises(ReplayError, match=f"EVENTS_1: batch {first + 1} is not what the journal gives"):
        follow(EngineStage(1), [*log, parts[0], parts[2]], [*sweep[0], *sweep[1]])


def test_open_quantities_for_audits():
    ledger = Ledger()
    ledger.append((1, [DefineSymbol(symbol, symbol, 1, 1, 1, 100) for symbol in ("BBB", "AAA")]))
    ledger.append(
        (1, [PlaceOrder(1, "alice", "", "BBB", "sell", 5, 101, 0), PlaceOrder(2, "alice", "", "BBB", "buy", 5, 99, 0)])
    )
    ledger.append((1, [PlaceOrder(3, "bob", "", "AAA", "buy", 5, 98, 0), PlaceOrder(4, "bob", "", "AAA", "buy", 5, 99, 0)]))
    ledger.append((1, [PlaceOrder(5, "bob", "", "BBB", "buy", 2, 101, 0)]))
    stage = EngineStage(1)
    stage.turn({JOURNAL: ledger.journal}, now=0)
    assert list(open_quantities(stage.books)) == [
        OpenQuantity(4, "AAA", "buy", 99, 5),
        OpenQuantity(3, "AAA", "buy", 98, 5),
        OpenQuantity(2, "BBB", "buy", 99, 5),
        OpenQuantity(1, "BBB", "sell", 101, 3),
    ]
