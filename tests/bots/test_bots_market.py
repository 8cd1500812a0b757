"""The built-in bots among themselves, with the real matching: is it a market one likes to look at?"""

from __future__ import annotations

from itertools import pairwise
from statistics import mean, pstdev

import msgspec
import pytest

from exchange.market import load_market
from exchange.messages.journal import Fees
from exchange.money import UNITS, parse_money
from tests.oracle.bots_market import BotsMarket

MINUTES = 10


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ten_minutes(seed: int) -> None:
    market = BotsMarket(msgspec.structs.replace(load_market(), seed=seed))
    cash = sum(trader.cash for trader in market.traders.values())
    market.run(60 * MINUTES)
    assert sum(trader.cash for trader in market.traders.values()) == cash
    for symbol, definition in market.definitions.items():
        samples, trades = market.samples[symbol], market.trades[symbol]
        two_sided = [sample for sample in samples if sample.bid and sample.ask]
        middles = [(sample.bid + sample.ask) / 2 for sample in two_sided]
        returns = [after / before - 1 for before, after in zip(middles, middles[60:], strict=False)]
        spread = mean(sample.ask - sample.bid for sample in two_sided) / definition.tick
        levels = mean(min(sample.bid_levels, sample.ask_levels) for sample in two_sided)
        print(
            f"{symbol}: spread {spread:.1f} ticks, {levels:.1f} levels a side, {len(trades) / MINUTES:.0f} trades/min, "
            f"volatility {pstdev(returns):.2%} a minute, {min(middles) / UNITS:.2f} to {max(middles) / UNITS:.2f}, "
            f"two-sided {len(two_sided) / len(samples):.1%}"
        )
        assert len(two_sided) / len(samples) > 0.99
        assert 1 <= spread <= 5
        assert levels >= 8
        assert 20 <= len(trades) / MINUTES <= 120
        assert 0.0005 < pstdev(returns) < 0.01
        assert definition.opening_price * 0.9 < min(middles)
        assert max(middles) < definition.opening_price * 1.1
        assert all(trade.maker != trade.taker for trade in trades), "nobody trades with themselves"
        gaps = [after.time - before.time for before, after in pairwise(trades)]
        assert max(gaps) < 20 * 10**9
    assert market.largest_request <= 100
    assert market.most_orders <= 60
    for trader in market.traders.values():
        assert trader.refusals == 0
        assert trader.cash > parse_money(trader.rules.cash) * 0.8
        assert trader.shares > trader.rules.shares * 0.8


def test_first_trade_within_two_seconds() -> None:
    for seed in range(50):
        market = BotsMarket(msgspec.structs.replace(load_market(), seed=seed))
        market.run(2)
        assert sum(map(len, market.trades.values())) >= 2, seed


def test_same_seed_same_trades() -> None:
    first, second, other = (BotsMarket(msgspec.structs.replace(load_market(), seed=seed)) for seed in (7, 7, 8))
    for market in (first, second, other):
        market.run(30)
    assert first.trades == second.trades
    assert first.trades != other.trades


def test_fees_are_paid_and_no_bot_asks_for_what_it_cannot_afford() -> None:
    rules = load_market()
    market = BotsMarket(msgspec.structs.replace(rules, fees=Fees(maker=-2, taker=10)))
    cash = sum(trader.cash for trader in market.traders.values())
    market.run(60)
    assert sum(trader.cash for trader in market.traders.values()) < cash


def test_poor_bots_stay_within_their_means() -> None:
    """A market in which nearly nothing can be afforded: fewer orders, no refusal, nobody below zero."""
    rules = load_market()
    bots = [msgspec.structs.replace(bot, cash=2_000, shares=60) for bot in rules.bots]
    bots = [
        msgspec.structs.replace(bot, parameters={"quantity": 15.0 if bot.strategy == "market-maker" else 10.0}) for bot in bots
    ]
    market = BotsMarket(msgspec.structs.replace(rules, bots=bots))
    market.run(300)
    for trader in market.traders.values():
        assert trader.cash >= 0
        assert trader.shares >= 0
    assert sum(map(len, market.trades.values())) > 20


def test_a_day_comes_back() -> None:
    """Six hours, at low cost: only one symbol's bots. The price stays near where it opened and nobody runs dry."""
    rules = load_market()
    bots = [bot for bot in rules.bots if bot.symbol == "PUPS"]
    market = BotsMarket(msgspec.structs.replace(rules, bots=bots))
    market.run(6 * 3600)
    opening = market.definitions["PUPS"].opening_price
    prices = [trade.price for trade in market.trades["PUPS"]]
    assert opening * 0.75 < min(prices)
    assert max(prices) < opening * 1.25
    for trader in market.traders.values():
        assert trader.shares > trader.rules.shares * 0.3
        assert trader.cash > parse_money(trader.rules.cash) * 0.3
