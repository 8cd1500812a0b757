"""Refusals for a symbol's phase and its price band, as tables in text; account rules; lost connections."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

import pytest

from exchange.market import Bands, Fees, Limits, SymbolRules
from exchange.messages.account import AccountRulesQuestion
from exchange.messages.administration import Disconnected
from exchange.messages.base import Phase
from exchange.messages.events import PhaseChanged, ReferenceMoved, ReplaceRefused, Traded
from exchange.messages.requests import Cancel, Oco, Replace, Submit
from exchange.money import format_money, parse_money
from ledger.desk import DISCONNECTED, RULES
from tests.oracle.ledger_market import SECOND, SmallMarket, TellingMarket, small_market

PHASES: tuple[Phase, ...] = get_args(Phase)


def told(**rules: Any) -> TellingMarket:
    found = TellingMarket(small_market(**rules))
    found.open("alice", parse_money("1000.00"), KRYP=100)
    found.open("bob", parse_money("1000.00"), KRYP=100)
    return found


# ── Phases ──

# The letters name the phases that take the order: p pre_open, o opening_auction, c continuous, v volatility_auction, h halted,
# x closing_auction, k closed.
TAKEN = """
limit  gtc   -> p o c v x
limit  day   -> p o c v x
limit  gtd   -> p o c v x
limit  opg   -> p o       otherwise auction_over
limit  cls   -> p o c v x
market opg   -> p o       otherwise auction_over
market cls   -> p o c v x
limit  ioc   -> c         otherwise auction
limit  fok   -> c         otherwise auction
market gtc   -> c         otherwise auction
market ioc   -> c         otherwise auction
market day   -> c         otherwise auction
stop   gtc   -> p o c v x
stop_limit day -> p o c v x
trailing_stop gtc -> p o c v x
"""
LETTERS = dict(zip("pocvhxk", PHASES, strict=True))


def submission(kind: str, tif: str, now: int) -> Submit:
    return Submit(
        "a",
        "KRYP",
        "buy",
        1,
        kind,  # type: ignore[arg-type]
        205_000 if kind in ("limit", "stop_limit") else None,
        tif,  # type: ignore[arg-type]
        stop_price=205_000 if kind in ("stop", "stop_limit") else None,
        trail=100 if kind == "trailing_stop" else None,
        expires=now + SECOND * 60 if tif == "gtd" else 0,
    )


@pytest.mark.parametrize("line", TAKEN.strip().splitlines())
@pytest.mark.parametrize("phase", PHASES)
def test_what_is_taken_in_which_phase(line: str, phase: Phase) -> None:
    left, right = line.split("->")
    letters, _, otherwise = right.partition("otherwise")
    market = told()
    if phase != "continuous":
        market.say(PhaseChanged("KRYP", phase))
    answer = market.request("alice", submission(*left.split(), market.now))
    if phase in [LETTERS[letter] for letter in letters.split()]:
        assert answer["type"] == "accepted"
    else:
        assert answer["reason"] == (phase if phase in ("halted", "closed") else otherwise.strip())
        assert f'"reason":"{answer["reason"]}"' in market.journal[-1].decode(), "history must be able to say why"
    assert market.request("bob", submission("limit", "gtc", 0))["type"] == (
        "refused" if phase in ("halted", "closed") else "accepted"
    )


# phase: order -> reason, and below it the detail. Each row of a phase breaks one rule fewer than the row above.
REFUSED = """
halted: buy 0 market fok
    -> quantity_not_positive: the quantity must be positive, it is 0
halted: buy 1 market fok
    -> halted: KRYP is halted: news pending; orders can only be cancelled
closed: buy 1 market fok
    -> closed: KRYP is closed: news pending; orders can only be cancelled
closing_auction: buy 1 market fok
    -> auction: KRYP is in its closing auction: nothing trades at once, so a market order is not taken; OTHER
pre_open: buy 1 limit fok display
    -> auction: KRYP is before its opening auction: nothing trades at once, so tif fok is not taken; OPENING
opening_auction: buy 1 limit ioc
    -> auction: KRYP is in its opening auction: nothing trades at once, so tif ioc is not taken; OPENING
volatility_auction: buy 1 limit ioc
    -> auction: KRYP is in a volatility auction: nothing trades at once, so tif ioc is not taken; OTHER
continuous: buy 1 stop opg
    -> auction_over: tif opg is for the opening auction of KRYP, which is not collecting orders now
pre_open: buy 1 stop opg
    -> time_in_force: a stop order waits for its stop price: its tif is gtc, day or gtd
continuous: buy 1 trailing_stop cls
    -> time_in_force: a trailing_stop order waits for its stop price: its tif is gtc, day or gtd
continuous: buy 1 limit cls expires
    -> expires_unexpected: expires is for tif gtd only, this is cls
continuous: buy 1 limit cls post_only display
    -> post_only: post_only is for limit orders with tif gtc, day or gtd, this is limit with tif cls
continuous: buy 2 limit cls display
    -> display_unexpected: display is for limit and stop_limit orders with tif gtc, day or gtd, this is limit with tif cls
pre_open: buy 1 limit opg
    -> price_missing: a limit order needs a price
pre_open: buy 100 market opg
    -> insufficient_funds: buying 100 KRYP at 21.52 needs 2152.00, 1000.00 is available
"""


TAKEN_IN = "limit orders with tif gtc, day or gtd are, and limit or market orders with tif"


@pytest.mark.parametrize(("order", "refusal"), re.findall(r"(.+)\n    -> (.+)", REFUSED))
def test_refusals_in_order_of_precedence(order: str, refusal: str) -> None:
    phase, _, line = order.partition(": ")
    side, quantity, kind, tif, *flags = line.split()
    market = told()
    if phase != "continuous":
        market.say(PhaseChanged("KRYP", phase, "news pending"))  # type: ignore[arg-type]
    flagged: dict[str, Any] = {"display": {"display": 1}, "post_only": {"post_only": True}, "expires": {"expires": 1}}
    fields = {name: value for flag in flags for name, value in flagged[flag].items()}
    answer = market.request("alice", Submit("a", "KRYP", side, int(quantity), kind, tif=tif, **fields))  # type: ignore[arg-type]
    expected = refusal.replace("OPENING", f"{TAKEN_IN} opg or cls").replace("OTHER", f"{TAKEN_IN} cls")
    assert f"{answer['reason']}: {answer['detail']}" == expected


@pytest.mark.parametrize("tif", ["opg", "cls"])
def test_what_the_journal_says_of_orders_for_auctions(tif: str) -> None:
    """They end with the day, and a market order among them carries its protection price."""
    market = told()
    market.say(PhaseChanged("KRYP", "pre_open"))
    market.request("alice", Submit("a", "KRYP", "buy", 1, "market", tif=tif))  # type: ignore[arg-type]
    (group,) = json.loads(market.journal[-1])["groups"]
    (command,) = group["commands"]
    assert (command["kind"], command["tif"], command["price"], command["hold"]) == ("market", tif, 215_200, 215_200)
    assert command["expires"] == (market.now // (86_400 * SECOND) + 1) * 86_400 * SECOND


def test_replaces_and_cancels_in_phases() -> None:
    """An order that has a replace pending, and one that has not; cancels are always taken."""
    for phase in PHASES:
        market = told()
        market.request(
            "alice",
            [Submit("1", "KRYP", "buy", 1, price=100), Submit("2", "KRYP", "buy", 1, price=100), Replace(2, quantity=2)],
        )
        if phase != "continuous":
            market.say(PhaseChanged("KRYP", phase, "why"))
        stopped = phase in ("halted", "closed")
        answers = market.request("alice", [Replace(9), Replace(2), Replace(1), Replace(1, quantity=2), Cancel(1)])
        assert [answer.get("reason", answer["type"]) for answer in answers] == [
            *("unknown_order", "replace_pending"),
            *((phase, phase) if stopped else ("nothing_to_change", "accepted")),
            "accepted",
        ]
        if stopped:
            assert answers[2]["detail"] == f"KRYP is {phase}: why; orders can only be cancelled"
            market.say(ReplaceRefused(2, "KRYP", phase))  # type: ignore[arg-type]
            assert market.reports["alice"][-1]["reason"] == phase


def test_the_phase_is_part_of_the_state() -> None:
    market = told()
    market.say(PhaseChanged("KRYP", "halted", "why"), ReferenceMoved("KRYP", 210_000))
    market.restart(snapshot=True)
    assert market.request("alice", submission("limit", "gtc", 0))["reason"] == "halted"
    market.say(PhaseChanged("KRYP", "continuous"))
    market.restart()
    assert market.request("alice", submission("limit", "gtc", 0))["type"] == "accepted"


# ── The price band ──

# Reference 20.50, later 21.00; 5 percent. Limits are multiples of the tick within: 19.48 to 21.52, and 19.95 to 22.05.
BAND = """
limit 19.47        -> limits for KRYP are 19.48 to 21.52 now, this is 19.47
limit 21.53        -> limits for KRYP are 19.48 to 21.52 now, this is 21.53
limit 19.48        -> accepted
limit 21.52        -> accepted
stop_limit 25.00   -> accepted
market 25.00       -> accepted
market             -> accepted
moved limit 19.94  -> limits for KRYP are 19.95 to 22.05 now, this is 19.94
moved limit 22.06  -> limits for KRYP are 19.95 to 22.05 now, this is 22.06
moved limit 22.05  -> accepted
moved limit 19.95  -> accepted
limit 0            -> the price must be positive, it is 0.00
limit 19.475       -> prices of KRYP are multiples of 0.01; 19.475 is not
"""


@pytest.mark.parametrize("line", BAND.strip().splitlines())
@pytest.mark.parametrize("phase", ["continuous", "closing_auction"])
def test_a_limit_outside_the_band_is_refused(line: str, phase: Phase) -> None:
    left, expected = (part.strip() for part in line.split("->"))
    if phase != "continuous" and "market" in left:
        return  # Refused for another reason.
    *moved, kind, price = [*left.split(), ""] if left == "market" else left.split()
    market = told(bands=Bands(order=5))
    if phase != "continuous":
        market.say(PhaseChanged("KRYP", phase))
    if moved:
        market.say(ReferenceMoved("KRYP", 210_000))
        market.restart(snapshot=True)
    stop_price = 205_000 if kind == "stop_limit" else None
    order = Submit("a", "KRYP", "buy", 1, kind, parse_money(price) if price else None, stop_price=stop_price)  # type: ignore[arg-type]
    answer = market.request("alice", order)
    assert answer.get("detail", answer["type"]) == expected
    if expected.startswith("limits"):
        assert answer["reason"] == "price_outside_band"


def test_a_replace_to_a_price_outside_the_band_is_refused() -> None:
    market = told(bands=Bands(order=5))
    market.request(
        "alice",
        [
            Submit("1", "KRYP", "buy", 2, price=195_000),
            Submit("2", "KRYP", "buy", 2, "stop_limit", 300_000, stop_price=250_000),
        ],
    )
    market.say(ReferenceMoved("KRYP", 250_000))
    answers = market.request(
        "alice", [Replace(1, price=230_000), Replace(1, price=195_000, quantity=1), Replace(2, price=310_000)]
    )
    assert [answer.get("reason", answer["type"]) for answer in answers] == ["price_outside_band", "accepted", "accepted"]
    assert answers[0]["detail"] == "limits for KRYP are 23.75 to 26.25 now, this is 23.00"


def test_the_reference_stays_when_the_market_file_changes() -> None:
    """A new opening price does not move it, a new band counts at once."""
    market = told(bands=Bands(order=5))
    symbols = [SymbolRules("KRYP", "Kryptonite", "30.00", bands=Bands(order=10)), market.market.symbols[1]]
    market.restart(small_market(symbols=symbols))
    market.turn()
    assert market.request("alice", Submit("a", "KRYP", "buy", 1, price=300_000))["detail"] == (
        "limits for KRYP are 18.45 to 22.55 now, this is 30.00"
    )
    market.restart(snapshot=True)
    market.restart()


# ── Fees of an auction ──


def test_in_an_auction_both_sides_pay_the_takers_fee() -> None:
    market = told(fees=Fees(maker=-2, taker=7))
    market.request("bob", Submit("s", "KRYP", "sell", 10, price=200_000))
    market.request("alice", Submit("b", "KRYP", "buy", 10, price=210_000))
    market.say(Traded("KRYP", 1, 1, 2, 205_000, 10, "buy", auction=True))
    fills = {name: market.reports[name][-1] for name in ("alice", "bob")}
    assert {(fill["liquidity"], fill["fee"]) for fill in fills.values()} == {("auction", 1_435)}
    assert format_money(market.stage.ledger.accounts["$fees"].balances["CASH"].total) == "0.287"


# ── The rules of an account ──


def rules(market: SmallMarket, account: str = "alice", **changes: Any) -> dict[str, Any]:
    answer: dict[str, Any] = market.ask(RULES, account, AccountRulesQuestion(**changes))
    return answer


def test_the_rules_of_an_account() -> None:
    market = told()
    usual = {"account": "alice", "self_trade": "cancel_newest", "cancel_on_disconnect": False}
    assert market.ask(RULES, "alice") == rules(market) == usual
    written = len(market.journal)
    assert rules(market, self_trade="cancel_newest") == usual
    assert not any(b"setaccountrules" in payload for payload in market.journal[written:]), "only changes are written down"
    assert rules(market, self_trade="decrement") == {**usual, "self_trade": "decrement"}
    assert rules(market, cancel_on_disconnect=True) == {**usual, "self_trade": "decrement", "cancel_on_disconnect": True}
    market.restart(snapshot=True)
    market.restart()
    assert rules(market) == {**usual, "self_trade": "decrement", "cancel_on_disconnect": True}
    assert rules(market, "bob") == {**usual, "account": "bob"}
    orders = [Submit("a", "KRYP", "buy", 1, price=100), Submit("b", "KRYP", "buy", 1, price=100, self_trade="allow")]
    market.request(
        "alice",
        [*orders, Oco(Submit("c", "KRYP", "sell", 1, price=300_000), Submit("d", "KRYP", "sell", 1, "stop", stop_price=100))],
    )
    assert [o.self_trade for o in market.portfolio("alice").orders] == ["decrement", "allow", "decrement", "decrement"]


@pytest.mark.parametrize(
    ("account", "payload", "reason", "detail"),
    [
        ("nobody", b'{"self_trade":"sometimes"}', "malformed", "Invalid enum value 'sometimes' - at `$.self_trade`"),
        (
            "alice",
            b'{"cancel_on_disconnect":1}',
            "malformed",
            "Expected `bool | null`, got `int` - at `$.cancel_on_disconnect`",
        ),
        ("alice", b"[]", "malformed", "Expected `object`, got `array`"),
        ("nobody", b"{}", "unknown_account", "there is no account nobody"),
        ("$bank", b'{"self_trade":"allow"}', "unknown_account", "there is no account $bank"),
    ],
)
def test_refused_rules(account: str, payload: bytes, reason: str, detail: str) -> None:
    answer = told().ask(RULES, account, payload)
    assert (answer["reason"], answer["detail"]) == (reason, detail)


def test_changing_rules_costs_as_much_as_a_command_asking_nothing() -> None:
    market = told(limits=Limits(orders_per_second=1))
    assert rules(market, self_trade="allow")["self_trade"] == "allow"
    assert rules(market, self_trade="decrement")["reason"] == "rate"
    assert rules(market)["self_trade"] == "allow"


def test_a_lost_connection_cancels_the_orders_of_those_who_asked_for_that() -> None:
    market = told()
    for account in ("alice", "bob"):
        orders = [Submit(f"{i}", "KRYP" if i % 2 else "ADAM", "buy", 10, price=500) for i in range(4)]
        market.request(
            account,
            [
                *orders,
                Oco(Submit("c", "KRYP", "sell", 1, price=300_000), Submit("d", "KRYP", "sell", 1, "stop", stop_price=100)),
            ],
        )
    market.settle()
    rules(market, cancel_on_disconnect=True)
    market.request("alice", Cancel(client_order_id="1"))
    answers = [market.ask(DISCONNECTED, "", Disconnected(name)) for name in ("bob", "alice", "alice", "nobody", "$bank")]
    assert [answer.get("detail") for answer in answers] == [
        "bob keeps its orders",
        *["6 orders of alice cancelled"] * 2,
        *("there is no account nobody", "there is no account $bank"),
    ]
    assert b"".join(market.journal).count(b'"disconnected"') == 5, "one cancel per order, and the first of its owner stays"
    market.settle()
    assert not market.portfolio("alice").orders
    assert len(market.portfolio("bob").orders) == 6
    ended = [report["reason"] for report in market.reports["alice"] if report["type"] == "ordercancelled"]
    assert sorted(ended) == ["disconnected"] * 4 + ["owner", "pair"]
    refused = [report["order_id"] for report in market.reports["alice"] if report["type"] == "ordercancelrefused"]
    assert refused == [6], "the pair's other order had ended with the first"
