"""The populations among themselves, with the real matching: ten minutes of each, and what tells them apart."""

from __future__ import annotations

from statistics import mean, pstdev

import msgspec
import pytest

from exchange.market import POPULATIONS, MarketError, load_market, parse_market
from exchange.money import parse_money
from exchange.populations import NOBODY, load_population, with_population
from tests.oracle.bots_market import BotsMarket

MINUTES = 10


class Session:
    """Ten minutes of one population in all three symbols."""

    def __init__(self, name: str, seed: int) -> None:
        self.market = BotsMarket(with_population(msgspec.structs.replace(load_market(), seed=seed), name))
        self.cash = sum(trader.cash for trader in self.market.traders.values())
        self.market.run(60 * MINUTES)
        self.spreads, self.rates, self.volatilities, self.changes, self.two_sided = [], [], [], [], []
        for symbol, definition in self.market.definitions.items():
            samples = self.market.samples[symbol]
            quoted = [sample for sample in samples if sample.bid and sample.ask]
            middles = [(sample.bid + sample.ask) / 2 for sample in quoted]
            moves = [after / before - 1 for before, after in zip(middles, middles[60:], strict=False)]
            self.two_sided.append(len(quoted) / len(samples))
            self.spreads.append(mean(sample.ask - sample.bid for sample in quoted) / definition.tick)
            self.rates.append(len(self.market.trades[symbol]) / MINUTES)
            self.volatilities.append(pstdev(moves))
            self.changes += [min(middles) / definition.opening_price - 1, max(middles) / definition.opening_price - 1]
            print(
                f"{name} {symbol}: spread {self.spreads[-1]:.1f} ticks, {self.rates[-1]:.0f} trades/min, "
                f"volatility {self.volatilities[-1]:.2%} a minute, {self.changes[-2]:+.1%} to {self.changes[-1]:+.1%}, "
                f"two-sided {self.two_sided[-1]:.2%}"
            )


LIMITS = {  # spread in ticks, trades a minute, volatility a minute, farthest from the opening price
    "calm": ((1, 4), (25, 120), (0.0004, 0.003), 0.02),
    "busy": ((1, 5), (150, 600), (0.0008, 0.006), 0.05),
    "volatile": ((1.5, 10), (100, 600), (0.003, 0.02), 0.12),
    "crash": ((1.5, 10), (80, 600), (0.005, 0.08), 0.25),
    "quiet-night": ((2, 20), (1, 20), (0.0002, 0.004), 0.03),
}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", POPULATIONS)
def test_ten_minutes_of_each(name: str, seed: int) -> None:
    session = Session(name, seed)
    (spread_least, spread_most), (rate_least, rate_most), (volatility_least, volatility_most), farthest = LIMITS[name]
    assert min(session.two_sided) > 0.99
    assert all(spread_least <= spread <= spread_most for spread in session.spreads)
    assert all(rate_least <= rate <= rate_most for rate in session.rates)
    assert all(volatility_least <= volatility <= volatility_most for volatility in session.volatilities)
    assert max(map(abs, session.changes)) < farthest
    if name == "crash":
        assert max(session.changes[::2]) < -0.05, "every symbol falls"
    market = session.market
    assert sum(trader.cash for trader in market.traders.values()) == session.cash
    for trader in market.traders.values():
        assert trader.refusals == 0
        assert trader.cash > parse_money(trader.rules.cash) * 0.3, "nobody runs out of money"
        assert trader.shares > trader.rules.shares * 0.3, "nor of shares"
    assert market.largest_request <= 100


def test_the_same_seed_makes_the_same_orders() -> None:
    trades = []
    for seed in (5, 5, 6):
        market = BotsMarket(with_population(msgspec.structs.replace(load_market(), seed=seed), "busy"))
        market.run(60)
        trades.append(market.trades)
    assert trades[0] == trades[1]
    assert trades[0] != trades[2]


def test_a_market_file_names_a_population() -> None:
    plain = load_market()
    text = msgspec.yaml.encode(msgspec.structs.replace(plain, population="calm"))
    market = with_population(parse_market(text))
    assert len(market.bots) == len(plain.bots) + len(plain.symbols) * len(load_population("calm").members)
    assert with_population(market, NOBODY).bots == []
    assert {bot.account for bot in with_population(market, "busy").bots} >= {"quoter-kryp", "fader-pups"}
    with pytest.raises(MarketError, match="population: expected one of calm, busy, volatile, crash, quiet-night, got 'x'"):
        parse_market(text.replace(b"calm", b"x"))
    with pytest.raises(ValueError, match="there is no population x"):
        with_population(plain, "x")
