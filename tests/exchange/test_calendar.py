"""Bars of every interval against the wall clock, across changes of summer time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.calendar import Calendar, parse_interval
from exchange.market import MarketError, parse_market
from tests.oracle.bars import bar_start

ZONES = st.sampled_from(
    ["UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe"]
)
DAYS = st.sampled_from(["00:00", "09:15", "12:00", "17:00", "23:59"])
INTERVALS = ["1s", "10s", "1m", "7m", "45m", "1h", "4h", "24h", "1d", "3d", "1w", "2w", "1mo", "3mo", "12mo"]


@given(ZONES, DAYS, st.sampled_from(INTERVALS), st.integers(946_684_800, 2_000_000_000))
@settings(deadline=None, max_examples=500)
def test_bars_by_the_wall_clock(zone: str, day_starts: str, text: str, moment: int) -> None:
    calendar, interval = Calendar(zone, day_starts), parse_interval(text)
    start = calendar.start(moment, interval)
    assert start == bar_start(moment, text, zone, day_starts)
    after = calendar.next(start, interval)
    assert start <= moment < after
    assert calendar.start(after, interval) == after
    assert calendar.start(after - 1, interval) == start
    assert calendar.back(after, interval, 1) == start


@given(st.integers(-(2**70), 2**70), st.sampled_from([*INTERVALS, "100000d", "100000w", "100000mo"]), ZONES)
@settings(deadline=None, max_examples=200)
def test_any_number_is_a_moment(moment: int, text: str, zone: str) -> None:
    calendar, interval = Calendar(zone, "12:00"), parse_interval(text)
    calendar.next(calendar.start(moment, interval), interval)
    calendar.back(calendar.start(moment, interval), interval, 50)


def test_a_day_of_summer_time() -> None:
    calendar = Calendar("Europe/Berlin")
    spring = calendar.day(1_711_846_800)  # 2024-03-31 02:00 UTC
    autumn = calendar.day(1_729_990_800)  # 2024-10-27 01:00 UTC
    assert (spring.end - spring.start, autumn.end - autumn.start) == (23 * 3600, 25 * 3600)


@pytest.mark.parametrize("text", ["", "m", "0m", "-1m", "1y", "1M", "1.5h", "25h", "1441m", "86401s", "1000000d", "5 m", "٣m"])
def test_what_is_no_interval(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not an interval|longer than a day"):
        parse_interval(text)


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ("time_zone: Mars/Olympus", "market_data: 'Mars/Olympus' is not a time zone"),
        ("time_zone: ../../etc/passwd", "is not a time zone"),
        ("day_starts: noon", "market_data: 'noon' is not a time of day; write it like 09:30"),
        ("day_starts: '24:00'", "is not a time of day"),
        ("depth: 0", "market_data.depth: expected 0.1 to 1000 messages a second, got 0"),
        ("top: 5000", "market_data.top: expected 0.1 to 1000 messages a second, got 5000"),
        ("depht: 5", "depht"),
    ],
)
def test_rules_of_market_data_that_cannot_be_meant(rules: str, problem: str) -> None:
    text = f"title: T\nsymbols: [{{symbol: A, name: A, opening_price: 1}}]\nmarket_data: {{{rules}}}"
    with pytest.raises(MarketError) as error:
        parse_market(text.encode())
    assert problem in str(error.value)
