"""How many servers and workers a market file asks for."""

from __future__ import annotations

import pytest

from exchange.market import MarketError, Workers, parse_market

SYMBOLS = "title: T\nsymbols: [{symbol: A, name: A, opening_price: 1}]\n"


def test_a_file_that_says_nothing_asks_for_one_of_each() -> None:
    market = parse_market(SYMBOLS.encode())
    assert (market.replicas, market.workers) == (1, Workers(ledger=1, engine=0, ticks=1, historian=1))


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ("replicas: 2", "replicas: expected 1, 3 or 5, got 2"),
        ("workers: {ledger: 0}", "workers.ledger: expected 1 to 8, got 0"),
        ("workers: {ticks: 9}", "workers.ticks: expected 1 to 8, got 9"),
        ("workers: {historian: 0}", "workers.historian: expected 1 to 8, got 0"),
        ("workers: {engine: 65}", "workers.engine: expected 0 (as many as there are cores) to 64, got 65"),
        ("workers: {web: 2}", "web"),
    ],
)
def test_what_cannot_be_meant(rules: str, problem: str) -> None:
    with pytest.raises(MarketError) as error:
        parse_market((SYMBOLS + rules).encode())
    assert problem in str(error.value)
