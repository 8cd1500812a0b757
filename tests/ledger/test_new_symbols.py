"""Symbols that are added while the market runs: journalled once, traded like the others, kept without the market file."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exchange.market import SYMBOLS_MAX, RiskRules, SymbolRules
from exchange.messages.administration import NewSymbol
from exchange.messages.requests import Submit
from exchange.schedule import Schedule
from ledger.desk import ADD_SYMBOL
from tests.oracle.ledger_market import SmallMarket, small_market

NEWS = NewSymbol("NEWS", "Daily Planet", 125_000, tick=500)


def defined(market: SmallMarket) -> list[Any]:
    batches = [json.loads(payload) for payload in market.journal]
    commands = [command for batch in batches for group in batch.get("groups", []) for command in group["commands"]]
    return [command for command in commands if command["type"] == "definesymbol" and command["symbol"] == "NEWS"]


def test_a_symbol_added_while_the_market_runs_is_traded_and_kept() -> None:
    market = SmallMarket(engines=True)
    market.turn()
    assert market.ask(ADD_SYMBOL, "", NEWS) == {"type": "done", "detail": "NEWS is traded from here on"}
    assert market.ask(ADD_SYMBOL, "", NEWS) == {"type": "done", "detail": "NEWS is traded"}
    market.open("alice", 0, NEWS=10)
    market.open("bob", 10_000_000)
    market.request("alice", Submit("a", "NEWS", "sell", 10, price=125_500))
    market.request("bob", Submit("b", "NEWS", "buy", 4, price=125_500))
    market.settle()
    assert [position.quantity for position in market.portfolio("bob").positions] == [4]
    market.restart()
    market.turn()
    market.restart(snapshot=True)
    market.request("bob", Submit("c", "NEWS", "buy", 6, price=125_500))
    market.settle()
    assert [position.quantity for position in market.portfolio("bob").positions] == [10]
    assert len(defined(market)) == 1, "neither asking again nor a new leader defines it twice"


def test_it_comes_to_the_engine_with_the_fewest_and_into_the_phase_of_the_hour() -> None:
    market = SmallMarket(small_market(shards=3, schedule=Schedule(continuous="00:00", closed="00:01")))
    market.turn()
    market.ask(ADD_SYMBOL, "", NEWS)
    assert [command["shard"] for command in defined(market)] == [3]
    market.settle()
    assert market.stage.ledger.symbols["NEWS"].phase == "closed"


REFUSED = [
    (NewSymbol("news", "x", 1), "symbol: 'news' is not a symbol (A-Z, 0-9, at most 12, a letter first)"),
    (NewSymbol("CASH", "x", 100), "symbol: CASH is the money, not a symbol"),
    (NewSymbol("NEWS", "x", 0), "opening_price: "),
    (NewSymbol("NEWS", "x", 150), "opening_price: 0.015 is not a multiple of the tick 0.01"),
    (NewSymbol("NEWS", "x", 100, tick=0), "tick: "),
    (NewSymbol("NEWS", "x", 2**60), "opening_price: "),
    (NewSymbol("NEWS", "x", 100, lot=0), "lot: expected 1 or more, got 0"),
    (NewSymbol("NEWS", "x", 100, shares_issued=-1), "shares_issued: "),
    (NewSymbol("NEWS", "x" * 101, 100), "name: expected at most 100 printable characters"),
    (NewSymbol("KRYP", "x", 100), "symbol: KRYP is traded already, as Kryptonite, by other rules"),
]


@pytest.mark.parametrize(("asked", "detail"), REFUSED)
def test_refusals(asked: NewSymbol, detail: str) -> None:
    market = SmallMarket()
    market.turn()
    answer = market.ask(ADD_SYMBOL, "", asked)
    assert (answer["type"], answer["reason"]) == ("refused", "malformed")
    assert answer["detail"].startswith(detail)
    assert not defined(market)


def test_in_a_competition_it_needs_a_limit() -> None:
    market = SmallMarket(small_market(risk=RiskRules("limits", 100, 0, {"KRYP": 10, "ADAM": 10})))
    market.turn()
    assert market.ask(ADD_SYMBOL, "", NEWS)["detail"].startswith("symbol: mode limits needs a position limit")


def test_a_market_has_room_for_as_many_as_a_market_file() -> None:
    symbols = [SymbolRules(f"S{number}", "One of many", "10.00") for number in range(SYMBOLS_MAX - 1)]
    market = SmallMarket(small_market(symbols=symbols))
    while len(market.stage.ledger.symbols) < len(symbols):  # More than one batch of them.
        market.turn()
    assert market.ask(ADD_SYMBOL, "", NEWS)["type"] == "done"
    more = NewSymbol("MORE", "One too many", 125_000)
    assert market.ask(ADD_SYMBOL, "", more)["detail"] == "symbol: a market has at most 10000 symbols"
