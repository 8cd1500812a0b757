"""What the options of buy and sell mean, and how open orders are told."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any, get_args

import pytest

from cli.order import COLUMNS, ENDINGS, Terms, expires_of, order_of, price_words, row_of, trail_of
from exchange.messages.account import OpenOrder
from exchange.messages.events import CancelReason
from exchange.messages.requests import Submit

SECOND = 10**9
NOW = 1_780_000_000 * SECOND


@pytest.fixture(autouse=True)
def somewhere(monkeypatch: pytest.MonkeyPatch) -> Any:
    """In Kathmandu it is always 5 hours and 45 minutes later than in Greenwich."""
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("terms", "order", "words"),
    [
        (Terms(), {"kind": "market", "tif": "ioc"}, "at the market"),
        (Terms(limit="20"), {"price": 200_000}, "at 20.00"),
        (Terms(limit="20", tif="fok"), {"price": 200_000, "tif": "fok"}, "at 20.00"),
        (Terms(stop="19"), {"kind": "stop", "stop_price": 190_000}, "at the market from 19.00 on"),
        (
            Terms("18.5", "19", tif="day", display=10),
            {"kind": "stop_limit", "price": 185_000, "stop_price": 190_000, "tif": "day", "display": 10},
            "at 18.50 from 19.00 on",
        ),
        (
            Terms(trail="0.25"),
            {"kind": "trailing_stop", "trail": 2_500},
            "at the market, with a stop that trails by 0.25",
        ),
        (
            Terms(trail="2.5%"),
            {"kind": "trailing_stop", "trail_basis_points": 250},
            "at the market, with a stop that trails by 2.5%",
        ),
        (
            Terms("20", until="2026-12-01 17:30", post_only=True, self_trade="decrement"),
            {
                "price": 200_000,
                "tif": "gtd",
                "expires": 1_796_125_500 * SECOND,  # 11:45 in Greenwich.
                "post_only": True,
                "self_trade": "decrement",
            },
            "at 20.00",
        ),
    ],
)
def test_options_to_order(terms: Terms, order: dict[str, Any], words: str) -> None:
    made = order_of("buy", "kryp", 100, terms, "mine", NOW)
    assert made == Submit("mine", "KRYP", "buy", 100, **order)
    assert price_words(made) == words


def test_the_end_of_a_day_is_midnight_here() -> None:
    assert expires_of("2026-12-01", NOW) == expires_of("2026-12-02 00:00", NOW)
    assert expires_of("2026-12-01T17:30:00+00:00", NOW) == 1_796_146_200 * SECOND


def test_a_percentage_is_exact() -> None:
    assert trail_of("0.01%") == (None, 1)
    assert trail_of("99.99%") == (None, 9_999)


def test_the_same_options_again() -> None:
    terms = Terms("20", "19", "", "gtd", "2026-12-01 17:30", False, 5, "cancel_both")
    assert terms.line == ' --limit 20 --stop 19 --tif gtd --until "2026-12-01 17:30" --self-trade cancel_both --display 5'
    assert Terms().line == ""
    assert Terms("20", post_only=True).line == " --limit 20 --post-only"


def test_every_ending_has_words() -> None:
    assert ENDINGS.keys() == set(get_args(CancelReason))


def row(**changes: Any) -> dict[str, str]:
    order = {"kind": "limit", "tif": "gtc", "price": 205_000, **changes}
    cells = row_of(OpenOrder(7, "mine", "KRYP", "sell", quantity=1_000, remaining=600, time=NOW, **order))
    return dict(zip(COLUMNS, cells, strict=True))


def test_open_orders_in_a_table() -> None:
    plain = row()
    assert (plain["price"], plain["quantity"], plain["open"]) == ("20.50", "1,000", "600")
    assert (plain["kind"], plain["stop"], plain["ends"], plain["client id"]) == ("limit", "", "gtc", "mine")
    assert row(post_only=True, display=50)["kind"] == "limit, post-only, shows 50"
    stop = row(kind="trailing_stop", stop_price=190_000, trail_basis_points=250)
    assert (stop["kind"], stop["stop"]) == ("trailing stop by 2.5%", "19.00")
    assert row(kind="trailing_stop", trail=2_500)["kind"] == "trailing stop by 0.25"
    expires = int(datetime(2126, 12, 1, 17, 30).astimezone().timestamp()) * SECOND
    assert row(tif="gtd", expires=expires)["ends"] == "gtd 2126-12-01 17:30:00"
