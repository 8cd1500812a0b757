"""Strategies that follow, fade, believe, execute, ignite and arbitrate: each does what its name says."""

from __future__ import annotations

from random import Random

import pytest

from bots.fair_value import HiddenValue
from bots.registry import STRATEGIES, check_strategy, make_strategy
from bots.strategy import SECOND, Instrument, Observation, Related, Strategy
from bots.target import Fundamental
from exchange.market import StrategyName
from exchange.messages.requests import Submit

KRYP = Instrument("KRYP", 100, 1, 205_000, "1")
ADAM = Instrument("ADAM", 500, 1, 1_420_000, "1")
START = 1_700_000_000 * SECOND


class Trading:
    """A strategy in a market that takes all it says, at the quoted prices."""

    def __init__(self, name: StrategyName, shares: int = 10_000, **parameters: float) -> None:
        self.strategy: Strategy = make_strategy(name, KRYP, shares, parameters, "run")
        self.random = Random(1)
        self.inventory = shares
        self.related = 2_000
        self.time = START
        self.due = START
        self.orders: list[Submit] = []

    def at(self, price: int, seconds: float = 1.0, volume: int = 0, related: int = 0) -> int:
        """Time passes at this price: the inventory then."""
        end = self.time + round(seconds * SECOND)
        while self.due <= end:
            self.time = self.due
            other = Related(ADAM, related - 500, related + 500, self.related) if related else None
            seen = Observation(
                self.time, price - 100, price + 100, price, 10**12, self.inventory, self.inventory, (), volume, other
            )
            decision = self.strategy.decide(seen, self.random)
            self.due = max(decision.wake, self.time + 1)
            for command in decision.commands:
                assert isinstance(command, Submit)
                self.orders.append(command)
                sign = 1 if command.side == "buy" else -1
                if command.symbol == "KRYP":
                    self.inventory += sign * command.quantity
                else:
                    self.related += sign * command.quantity
        self.time = end
        return self.inventory


def test_every_strategy_refuses_parameters_it_does_not_have() -> None:
    for name in STRATEGIES:
        assert "has no parameter 'x'" in check_strategy(name, {"x": 1})
        assert check_strategy(name, dict(STRATEGIES[name].PARAMETERS)) == ""
    assert check_strategy("x", {}).startswith("there is no strategy 'x'; expected market-maker, ")


def test_trend_follower_goes_with_the_trend_and_mean_reversion_against_it() -> None:
    follower, fader = Trading("trend-follower"), Trading("mean-reversion")
    for step in range(120):
        for trading in (follower, fader):
            trading.at(205_000 + 50 * step)
    assert follower.inventory > 10_500
    assert fader.inventory < 9_500
    for _ in range(2500):
        for trading in (follower, fader):
            trading.at(211_000)
    assert abs(follower.inventory - 10_000) < 150
    assert abs(fader.inventory - 10_000) < 150
    assert max(follower.inventory, fader.inventory) <= 11_000, "never more than the largest position"


def test_fundamental_traders_buy_below_the_value_and_agree_on_it() -> None:
    parameters = Fundamental.PARAMETERS | {"news": 3600.0}
    one, other = HiddenValue(KRYP, parameters), HiddenValue(KRYP, parameters)
    values = [(one.at(START + second * SECOND), other.at(START + second * SECOND)) for second in range(100)]
    assert all(first == second for first, second in values)
    assert len(set(values)) == 100
    assert values[-1][0] != HiddenValue(KRYP._replace(seed="2"), parameters).at(START + 99 * SECOND)
    cheap, dear = Trading("fundamental"), Trading("fundamental")
    assert cheap.at(200_000, 120) > 10_800
    assert dear.at(210_000, 120) < 9_200
    shocked = Trading("fundamental", shock=-0.1, shock_after=60)
    shocked.at(205_000, 50)
    before = shocked.inventory
    assert shocked.at(205_000, 100) < before - 500


def test_twap_executes_evenly_and_exactly() -> None:
    trading = Trading("twap", quantity=-3_000, duration=300, interval=5)
    done = [10_000 - trading.at(205_000, 30) for _ in range(12)]
    for step, shares in enumerate(done[:9], 1):
        assert shares == pytest.approx(300 * step, abs=250)
    assert done[-1] == 3_000
    assert all(order.side == "sell" for order in trading.orders)


def test_vwap_goes_along_with_the_volume() -> None:
    trading = Trading("vwap", quantity=1_000, participation=0.1, interval=1)
    trading.at(205_000, 10, volume=50_000)
    assert trading.at(205_000, 60, volume=52_000) == pytest.approx(10_200, abs=5)
    assert trading.at(205_000, 60, volume=52_000) == pytest.approx(10_200, abs=5), "nobody trades, nor does it"
    assert trading.at(205_000, 60, volume=90_000) == 11_000


def test_momentum_ignition_buys_in_a_burst_and_sells_after_it() -> None:
    trading = Trading("momentum-ignition", rest=100)
    inventories = [trading.at(205_000) for _ in range(400)]
    assert max(inventories) == 11_000
    assert min(inventories) == 10_000
    assert sum(inventory == 10_000 for inventory in inventories) > 150


def test_arbitrageur_trades_both_legs_of_the_same_worth() -> None:
    trading = Trading("arbitrageur")
    for _ in range(60):
        trading.at(205_000, related=1_420_000)
    assert trading.orders == []
    trading.at(207_000, 3, related=1_420_000)
    assert trading.inventory == 9_000, "what has become dear is sold"
    assert (trading.related - 2_000) * 1_420_000 == pytest.approx(1_000 * 207_000, rel=0.01)
    trading.at(205_000, 3, related=1_420_000)
    assert (trading.inventory, trading.related) == (10_000, 2_000)


def test_avellaneda_stoikov_moves_its_quotes_against_its_inventory() -> None:
    def middle(inventory: int, **parameters: float) -> float:
        maker = make_strategy("avellaneda-stoikov", KRYP, 10_000, {"insight": 0.0, "volatility": 0.0} | parameters, "run")
        for second in range(60):  # The price swings, so that there is a variance to be afraid of.
            price = 205_000 + (second % 2) * 400
            seen = Observation(START + second * SECOND, price - 100, price + 100, price, 10**12, inventory, inventory, ())
            orders = maker.decide(seen, Random(1)).commands
        buys = [order.price or 0 for order in orders if isinstance(order, Submit) and order.side == "buy"]
        sells = [order.price or 0 for order in orders if isinstance(order, Submit) and order.side == "sell"]
        spreads.append(min(sells) - max(buys))
        return (min(sells) + max(buys)) / 2

    spreads: list[int] = []
    assert middle(10_200) < middle(10_000) < middle(9_800)
    assert middle(10_000, risk_aversion=0.5) > 0
    assert spreads[-1] > spreads[1], "the more it fears risk, the wider it quotes"
