"""What the options of buy and sell mean, and how open orders are told."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any, get_args

import pytest

from cli.groups import command_of, others_of
from cli.order import COLUMNS, ENDINGS, REPLACE_REFUSALS, Terms, expires_of, order_of, price_words, row_of, trail_of
from exchange.messages.account import OpenOrder
from exchange.messages.events import CancelReason, ReplaceRefusal
from exchange.messages.requests import Accepted, Bracket, Oco, Submit

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
        (Terms("20", tif="opg"), {"price": 200_000, "tif": "opg"}, "at 20.00 in the opening auction"),
        (Terms(tif="cls"), {"kind": "market", "tif": "cls"}, "at the market in the closing auction"),
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
    terms = Terms("20", take_profit="22", stop_loss="19", stop_loss_limit="18.50")
    assert terms.line == " --limit 20 --take-profit 22 --stop-loss 19 --stop-loss-limit 18.50"
    assert Terms("20", or_stop="21").line == " --limit 20 --or-stop 21"


def test_options_to_a_pair() -> None:
    terms = Terms("22", until="2026-12-01 17:30", self_trade="allow", display=5, or_stop="19")
    made = order_of("sell", "KRYP", 100, terms, "mine", NOW)
    pair = command_of(made, terms)
    both: dict[str, Any] = {"tif": "gtd", "expires": 1_796_125_500 * SECOND, "self_trade": "allow"}
    stop = Submit("mine-st", "KRYP", "sell", 100, kind="stop", stop_price=190_000, **both)
    assert pair == Oco(Submit("mine", "KRYP", "sell", 100, price=220_000, display=5, **both), stop)
    assert others_of(pair, Accepted(7, "mine", orders=2)) == [
        "or order 8: sell 100 KRYP at the market from 19.00 on; what one of them trades is taken off the other"
    ]


@pytest.mark.parametrize(
    ("terms", "entry", "legs", "words"),
    [
        (
            Terms(take_profit="22", stop_loss="19"),
            {"kind": "market", "tif": "ioc"},
            [{"price": 220_000}, {"kind": "stop", "stop_price": 190_000}],
            ["sell 100 KRYP at 22.00", "sell 100 KRYP at the market from 19.00 on"],
        ),
        (
            Terms("20", tif="day", take_profit="22", stop_loss="19", stop_loss_limit="18.5"),
            {"price": 200_000, "tif": "day"},
            [
                {"price": 220_000, "tif": "day"},
                {"kind": "stop_limit", "stop_price": 190_000, "price": 185_000, "tif": "day"},
            ],
            ["sell 100 KRYP at 22.00", "sell 100 KRYP at 18.50 from 19.00 on"],
        ),
    ],
)
def test_options_to_a_bracket(terms: Terms, entry: dict[str, Any], legs: list[dict[str, Any]], words: list[str]) -> None:
    made = order_of("buy", "KRYP", 100, terms, "mine", NOW)
    bracket = command_of(made, terms)
    assert bracket == Bracket(
        Submit("mine", "KRYP", "buy", 100, **entry),
        *(Submit(f"mine-{end}", "KRYP", "sell", 100, **leg) for end, leg in zip(("tp", "sl"), legs, strict=True)),
    )
    assert others_of(bracket, Accepted(7, "mine", orders=3)) == [
        f"then order 8, to take the profit: {words[0]}",
        f"or order 9, to stop the loss: {words[1]}",
        "both wait until order 7 has ended, and close what it has traded",
    ]


def test_an_order_alone_stays_alone() -> None:
    made = order_of("buy", "KRYP", 100, Terms("20"), "x" * 36, NOW)
    assert command_of(made, Terms("20")) is made
    assert others_of(made, Accepted(7)) == []


def test_every_ending_has_words() -> None:
    assert ENDINGS.keys() == set(get_args(CancelReason))
    assert REPLACE_REFUSALS.keys() == set(get_args(ReplaceRefusal))


def row(**changes: Any) -> dict[str, str]:
    order = {"kind": "limit", "tif": "gtc", "price": 205_000, **changes}
    cells = row_of(OpenOrder(7, "mine", "KRYP", "sell", quantity=1_000, remaining=600, time=NOW, **order))
    return dict(zip(COLUMNS, cells, strict=True))


def test_open_orders_in_a_table() -> None:
    plain = row()
    assert (plain["price"], plain["quantity"], plain["open"]) == ("20.50", "1,000", "600")
    assert (plain["kind"], plain["stop"], plain["ends"], plain["client id"]) == ("limit", "", "gtc", "mine")
    assert row(post_only=True, display=50)["kind"] == "limit, post-only, shows 50"
    assert row(pair=8)["kind"] == "limit, paired with 8"
    assert row(pair=8, entry=6)["kind"] == "limit, paired with 8, waits for 6"
    stop = row(kind="trailing_stop", stop_price=190_000, trail_basis_points=250)
    assert (stop["kind"], stop["stop"]) == ("trailing stop by 2.5%", "19.00")
    assert row(kind="trailing_stop", trail=2_500)["kind"] == "trailing stop by 0.25"
    expires = int(datetime(2126, 12, 1, 17, 30).astimezone().timestamp()) * SECOND
    assert row(tif="gtd", expires=expires)["ends"] == "gtd 2126-12-01 17:30:00"
