"""The strategies by name, and how one is made from a file's numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exchange.market import StrategyName

from .arbitrageur import Arbitrageur
from .avellaneda_stoikov import AvellanedaStoikov
from .execution import Twap, Vwap
from .market_maker import MarketMaker
from .noise import NoiseTrader
from .strategy import ClientOrderIds, Instrument, Strategy
from .target import Fundamental, MeanReversion, MomentumIgnition, TargetTrader, TrendFollower

STRATEGIES: Final[dict[StrategyName, type[MarketMaker | NoiseTrader | TargetTrader | Arbitrageur]]] = {
    "market-maker": MarketMaker,
    "avellaneda-stoikov": AvellanedaStoikov,
    "noise": NoiseTrader,
    "trend-follower": TrendFollower,
    "mean-reversion": MeanReversion,
    "fundamental": Fundamental,
    "twap": Twap,
    "vwap": Vwap,
    "momentum-ignition": MomentumIgnition,
    "arbitrageur": Arbitrageur,
}


def check_strategy(name: str, parameters: Mapping[str, float]) -> str:
    """What is wrong with a strategy's name or its parameters; empty if nothing is."""
    strategy = STRATEGIES.get(name)  # type: ignore[call-overload]
    if strategy is None:
        return f"there is no strategy {name!r}; expected {', '.join(STRATEGIES)}"
    if unknown := sorted(parameters.keys() - strategy.PARAMETERS.keys()):
        return f"{name} has no parameter {unknown[0]!r}; it has {', '.join(strategy.PARAMETERS)}"
    return ""


def make_strategy(name: str, instrument: Instrument, shares: int, parameters: Mapping[str, float], run: str) -> Strategy:
    """A strategy for an account that has so many shares. Raises ValueError."""
    if problem := check_strategy(name, parameters):
        raise ValueError(problem)
    return STRATEGIES[name](  # type: ignore[index]
        instrument, shares, dict(parameters), ClientOrderIds(run)
    )
