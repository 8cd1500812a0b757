"""The day of a market, in tables of local and of universal time; and what the ledger's leader makes of it."""

from __future__ import annotations

import datetime
import json
import re
from typing import Any

import pytest

from exchange.market import MarketError, SymbolRules, parse_market
from exchange.messages.administration import PhaseRequest
from exchange.messages.base import encode
from exchange.messages.requests import Submit
from exchange.schedule import FOREVER, Schedule, end_of_day, phase_at
from ledger.desk import PHASE
from tests.oracle.ledger_market import SECOND, START, SmallMarket, small_market

NEW_YORK = Schedule(
    timezone="America/New_York",
    days="mon-fri",
    holidays=[datetime.date(2026, 12, 25)],
    pre_open="08:00",
    opening_auction="09:00",
    continuous="09:30",
    closing_auction="15:55",
    closed="16:00",
)
SHORT = Schedule(continuous="10:00", closed="12:00")


def utc(text: str) -> int:
    """Nanoseconds since 1970 of a universal time."""
    return int(datetime.datetime.fromisoformat(text + "+00:00").timestamp()) * SECOND


# universal time (New York is 5 hours behind in winter, 4 in summer) -> phase, and when the next begins
TIMES = """
2026-11-24 12:59:59 -> closed             2026-11-24 13:00:00
2026-11-24 13:00:00 -> pre_open           2026-11-24 14:00:00
2026-11-24 14:00:00 -> opening_auction    2026-11-24 14:30:00
2026-11-24 14:30:00 -> continuous         2026-11-24 20:55:00
2026-11-24 20:54:59 -> continuous         2026-11-24 20:55:00
2026-11-24 20:55:00 -> closing_auction    2026-11-24 21:00:00
2026-11-24 21:00:00 -> closed             2026-11-25 13:00:00
2026-11-25 04:59:59 -> closed             2026-11-25 13:00:00
2026-11-27 21:00:00 -> closed             2026-11-30 13:00:00
2026-11-28 15:00:00 -> closed             2026-11-30 13:00:00
2026-12-24 21:00:00 -> closed             2026-12-28 13:00:00
2026-12-25 15:00:00 -> closed             2026-12-28 13:00:00
2026-07-01 12:00:00 -> pre_open           2026-07-01 13:00:00
2026-03-06 14:30:00 -> continuous         2026-03-06 20:55:00
2026-03-06 21:00:00 -> closed             2026-03-09 12:00:00
2026-03-09 13:30:00 -> continuous         2026-03-09 19:55:00
2026-10-30 20:00:00 -> closed             2026-11-02 13:00:00
2026-11-02 14:29:59 -> opening_auction    2026-11-02 14:30:00
"""
# Clocks go from 02:00 to 03:00 on 8 March 2026, and from 02:00 back to 01:00 on 1 November 2026.
NIGHT = Schedule(timezone="America/New_York", pre_open="01:30", opening_auction="02:30", continuous="03:00", closed="03:45")
NIGHTS = """
2026-03-07 07:29:59 -> pre_open           2026-03-07 07:30:00
2026-03-07 07:30:00 -> opening_auction    2026-03-07 08:00:00
2026-03-08 06:30:00 -> pre_open           2026-03-08 07:30:00
2026-03-08 07:29:59 -> pre_open           2026-03-08 07:30:00
2026-03-08 07:30:00 -> continuous         2026-03-08 07:45:00
2026-03-08 07:45:00 -> closed             2026-03-09 05:30:00
2026-11-01 05:29:59 -> closed             2026-11-01 05:30:00
2026-11-01 05:30:00 -> pre_open           2026-11-01 07:30:00
2026-11-01 06:30:00 -> pre_open           2026-11-01 07:30:00
2026-11-01 07:30:00 -> opening_auction    2026-11-01 08:00:00
"""


@pytest.mark.parametrize(
    ("schedule", "line"),
    [*((NEW_YORK, line) for line in TIMES.strip().splitlines()), *((NIGHT, line) for line in NIGHTS.strip().splitlines())],
)
def test_phases_of_the_day(schedule: Schedule, line: str) -> None:
    left, right = line.split("->")
    phase, until = right.split(maxsplit=1)
    assert phase_at(schedule, utc(left.strip())) == (phase, utc(until.strip()))


def test_every_second_of_a_year_is_in_the_phase_that_began_last() -> None:
    """The spans follow each other without gaps, a year long, and in each the phase is the one that the wall clock says."""
    zone = datetime.UTC
    time, end, spans = utc("2026-01-01 00:00:00"), utc("2027-01-01 00:00:00"), 0
    while time < end:
        phase, until = phase_at(NEW_YORK, time)
        assert phase_at(NEW_YORK, until - 1) == (phase, until)
        assert phase_at(NEW_YORK, until).phase != phase
        spans, time = spans + 1, until
        assert datetime.datetime.fromtimestamp(until // SECOND, zone).weekday() < 5
    assert spans == 260 * 5 + 1, "261 weekdays, one of them a holiday; the night before the first day is a span of its own"


def test_without_a_schedule_it_is_always_continuous() -> None:
    assert phase_at(None, START) == ("continuous", FOREVER)
    assert (
        end_of_day(None, utc("2026-11-24 23:59:59"))
        == end_of_day(None, utc("2026-11-24 00:00:00"))
        == utc("2026-11-25 00:00:00")
    )


@pytest.mark.parametrize(
    ("time", "end"),
    [
        ("2026-11-24 10:00:00", "2026-11-24 21:00:00"),
        ("2026-11-24 20:59:59", "2026-11-24 21:00:00"),
        ("2026-11-24 21:00:00", "2026-11-25 21:00:00"),
        ("2026-12-24 21:00:00", "2026-12-28 21:00:00"),
        ("2026-07-03 12:00:00", "2026-07-03 20:00:00"),
    ],
)
def test_the_day_ends_when_the_market_closes(time: str, end: str) -> None:
    assert end_of_day(NEW_YORK, utc(time)) == utc(end)


MARKET_FILE = """
title: T
symbols:
  - {symbol: KRYP, name: K, opening_price: 20%s}
%s
"""
PROBLEMS = """
continuous: "09:30"
    missing required field `closed`
closed: "16:00"
    missing required field `continuous`
continuous: "09:30", closed: "16:00", timezone: Mars/Olympus
    schedule.timezone: 'Mars/Olympus' is not a time zone; write it
continuous: "09:30", closed: "16:00", timezone: /etc
    schedule.timezone: '/etc' is not a time zone
continuous: "09:30", closed: "16:00", days: mon-fry
    schedule.days: 'mon-fry' are no days; write them like mon-fri
continuous: "09:30", closed: "24:00"
    schedule.closed: '24:00' is not a time of the day; write it
continuous: "9.30", closed: "16:00"
    schedule.continuous: '9.30' is not a time of the day
continuous: "16:00", closed: "09:30"
    schedule.closed: 09:30 is not after continuous at 16:00; the phases
continuous: "09:30", closed: "16:00", pre_open: "09:30"
    schedule.continuous: 09:30 is not after pre_open at 09:30
continuous: "22:00", closed: "02:00"
    schedule.closed: 02:00 is not after continuous at 22:00; the phases of a day follow each other and end before midnight
continuous: "09:30", closed: "16:00", holidays: [soon]
    Expected `date`, got `str`
continuous: "09:30", closed: "16:00", halted: "12:00"
    Object contains unknown field `halted`
"""


@pytest.mark.parametrize("row", re.findall(r"(.+)\n    (.+)", PROBLEMS))
def test_what_is_wrong_with_a_schedule_is_said_in_words(row: tuple[str, str]) -> None:
    text, expected = row
    for content in (MARKET_FILE % ("", f"schedule: {{{text}}}"), MARKET_FILE % (f", schedule: {{{text}}}", "")):
        with pytest.raises(MarketError) as caught:
            parse_market(content.encode())
        assert expected in str(caught.value)


def test_a_schedule_in_a_market_file() -> None:
    text = 'continuous: 9:30, closing_auction: 15:55, closed: "16:00", days: "mon-wed, fri", holidays: [2026-12-25]'
    rules = parse_market((MARKET_FILE % (", schedule: always", f"schedule: {{{text}}}")).encode())
    assert rules.schedules() == {"KRYP": None}
    schedule = rules.schedule
    assert schedule is not None
    assert phase_at(schedule, utc("2026-11-24 09:30:00")) == ("continuous", utc("2026-11-24 15:55:00")), "without quotes, too"
    assert phase_at(schedule, utc("2026-11-24 16:00:00")) == ("closed", utc("2026-11-25 09:30:00"))
    assert phase_at(schedule, utc("2026-11-25 16:00:00")) == ("closed", utc("2026-11-27 09:30:00")), "no Thursdays"


BANDS = """
{}                                             -> 0 0 60 60
{order: 20, trade: 5}                          -> 2000 500 60 60
{order: 0.01, reference: 5m, auction: 90}      -> 1 0 300 90
{trade: 99.99, reference: 1s, auction: 120 s}  -> 0 9999 1 120
{order: 100}                                   -> bands.order: expected percent between 0.01 and 100, or 0 for no band
{trade: -1}                                    -> bands.trade: expected percent
{trade: 0.001}                                 -> bands.trade: expected percent
{reference: 1h}                                -> bands.reference: expected a length of time like 60s or 5m, at most a day
{auction: 0}                                   -> bands.auction: expected a length of time
{auction: 86401}                               -> bands.auction: expected a length of time
"""


@pytest.mark.parametrize("line", BANDS.strip().splitlines())
@pytest.mark.parametrize("own", [False, True])
def test_bands_in_a_market_file(line: str, own: bool) -> None:
    text, expected = (part.strip() for part in line.split("->"))
    parts = (f", bands: {text}", "bands: {order: 7, trade: 7}") if own else ("", f"bands: {text}")
    content = MARKET_FILE % parts
    if expected.startswith("bands"):
        with pytest.raises(MarketError) as caught:
            parse_market(content.encode())
        assert expected in str(caught.value)
        return
    (definition,) = parse_market(content.encode()).definitions()
    found = (definition.order_band, definition.trade_band, definition.reference_seconds, definition.volatility_auction_seconds)
    assert found == tuple(int(word) for word in expected.split())


# ── The leader ──


def scheduled(at: str, **changes: Any) -> SmallMarket:
    """A market that opens its books at this universal time."""
    market = SmallMarket(small_market(schedule=SHORT, **changes))
    market.now = utc(at)
    return market


def set_phases(market: SmallMarket, since: int = 0) -> list[tuple[str, str, bool]]:
    """(symbol, phase, scheduled) of all SetPhase commands in the journal."""
    commands = [c for p in market.journal[since:] for g in json.loads(p).get("groups", []) for c in g["commands"]]
    return [(c["symbol"], c["phase"], c.get("scheduled", False)) for c in commands if c["type"] == "setphase"]


def both(phase: str) -> list[tuple[str, str, bool]]:
    return [("KRYP", phase, True), ("ADAM", phase, True)]


def test_the_leader_writes_each_phase_once_and_first() -> None:
    market = scheduled("2026-11-24 09:59:00")
    market.turn()
    assert set_phases(market) == both("closed")
    market.open("alice", 2**40)
    market.settle()
    written = len(market.journal)
    assert market.request("alice", Submit("a", "KRYP", "buy", 1, price=100))["reason"] == "closed"
    market.now = utc("2026-11-24 10:00:00") - 1_000_000
    market.send("orders", "alice", encode(Submit("b", "KRYP", "buy", 1, price=100)))
    (payload,) = market.turn()
    assert [command["type"] for group in json.loads(payload)["groups"] for command in group["commands"]] == ["setphase"] * 2, (
        "the gate still knows the old phase"
    )
    market.settle()
    order = Submit("c", "KRYP", "buy", 1, price=100, tif="day")
    assert market.request("alice", order)["type"] == "accepted"
    (accepted,) = market.portfolio("alice").orders
    assert accepted.expires == utc("2026-11-24 12:00:00")
    market.now = utc("2026-11-24 12:00:00")
    market.turn()
    market.settle()
    assert market.reports["alice"][-1]["reason"] == "expired"
    assert set_phases(market, written) == both("continuous") + both("closed")


def test_what_was_missed_while_no_ledger_ran_is_not_made_up_for() -> None:
    market = scheduled("2026-11-24 10:30:00")
    market.turn()
    assert set_phases(market) == [], "a book is continuous at first"
    market.restart()
    market.now = utc("2026-11-25 11:00:00")
    market.turn()
    assert set_phases(market) == [], "the same phase, a day later"
    market.restart(snapshot=True)
    market.now = utc("2026-11-25 23:00:00")
    market.turn()
    assert set_phases(market) == both("closed")
    market.restart()
    market.now = utc("2026-11-28 10:00:01")
    market.turn()
    assert set_phases(market) == both("closed") + both("continuous")


def test_a_symbol_may_have_a_schedule_of_its_own() -> None:
    symbols = [
        SymbolRules("KRYP", "Kryptonite", "20.50"),
        SymbolRules("ADAM", "Adamantium", "142.00", schedule=Schedule(continuous="11:00", closed="11:30")),
        SymbolRules("NEWS", "Newspapers", "3.00", schedule="always"),
    ]
    market = scheduled("2026-11-24 09:00:00", symbols=symbols)
    for time in ("09:00", "10:00", "11:00", "11:30", "12:00"):
        market.now = utc(f"2026-11-24 {time}:00")
        market.turn()
    assert [row[:2] for row in set_phases(market)] == [
        *(("KRYP", "closed"), ("ADAM", "closed"), ("KRYP", "continuous"), ("ADAM", "continuous"), ("ADAM", "closed")),
        ("KRYP", "closed"),
    ]
    market.settle()
    assert market.stage.ledger.symbols["NEWS"].phase == "continuous"


def test_a_market_whose_schedule_is_removed_goes_back_to_continuous_once() -> None:
    market = scheduled("2026-11-24 09:00:00")
    market.turn()
    market.restart(small_market())
    for _ in range(3):
        market.turn(elapsed=SECOND)
    assert set_phases(market) == both("closed") + both("continuous")


def test_a_halt_stands_until_the_operator_resumes() -> None:
    market = scheduled("2026-11-24 10:00:00")
    assert market.ask(PHASE, "", PhaseRequest("KRYP", "halted", "news pending")) == {
        "type": "done",
        "detail": "KRYP: halted from here on",
    }
    market.settle()
    market.open("alice", 2**40)
    refused = market.request("alice", Submit("a", "KRYP", "buy", 1, price=100))
    assert (refused["reason"], refused["detail"]) == ("halted", "KRYP is halted: news pending; orders can only be cancelled")
    market.restart(snapshot=True)
    for time in ("12:00", "13:00"):
        market.now = utc(f"2026-11-24 {time}:00")
        market.turn()
    assert set_phases(market) == [("KRYP", "halted", False), ("ADAM", "closed", True)]
    answer = market.ask(PHASE, "", PhaseRequest("KRYP"))
    assert answer["detail"] == "KRYP: as the schedule says from here on"
    assert set_phases(market)[-1] == ("KRYP", "closed", True)
    market.settle()
    assert market.stage.ledger.symbols["KRYP"].phase == "closed"
    market.now = utc("2026-11-25 10:00:00")
    market.turn()
    assert set_phases(market)[-2:] == both("continuous")


def test_other_commands_stand_until_the_schedule_goes_on() -> None:
    market = scheduled("2026-11-24 10:00:00")
    market.turn()
    market.ask(PHASE, "", PhaseRequest(phase="pre_open"))
    market.turn(elapsed=SECOND)
    assert set_phases(market) == [("KRYP", "pre_open", False), ("ADAM", "pre_open", False)]
    market.now = utc("2026-11-24 12:00:00")
    market.turn()
    assert set_phases(market)[2:] == both("closed")


# Fields of the request -> the refusal's reason and detail.
REQUESTS: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"symbol": "NONE", "phase": "volatility_auction", "reason": "\n"}, "unknown_symbol", "there is no symbol NONE"),
    ({"phase": "volatility_auction", "reason": "\n"}, "malformed", "reason: expected at most 100 printable characters"),
    ({"phase": "halted", "reason": "x" * 101}, "malformed", "reason: expected at most 100 printable characters"),
    (
        {"phase": "volatility_auction"},
        "malformed",
        "phase: a volatility_auction begins when a trade would leave the price band, and only then",
    ),
    ({"phase": "lunch"}, "malformed", "Invalid enum value 'lunch' - at `$.phase`"),
)


@pytest.mark.parametrize(("request_", "reason", "detail"), REQUESTS)
def test_refused_requests_in_order_of_precedence(request_: dict[str, Any], reason: str, detail: str) -> None:
    market = scheduled("2026-11-24 10:00:00")
    answer = market.ask(PHASE, "", json.dumps(request_).encode())
    assert (answer["reason"], answer["detail"]) == (reason, detail)
    assert set_phases(market) == []
