"""The strategies by name, and how one is made from a file's numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .market_maker import MarketMaker
from .noise import NoiseTrader
from .strategy import ClientOrderIds, Instrument, Strategy

StrategyType = type[MarketMaker | NoiseTrader]
STRATEGIES: Final[dict[str, StrategyType]] = {"market-maker": MarketMaker, "noise": NoiseTrader}


def check_strategy(name: str, parameters: Mapping[str, float]) -> str:
    """What is wrong with a strategy's name or its parameters; empty if nothing is."""
    strategy = STRATEGIES.get(name)
    if strategy is None:
        return f"there is no strategy {name!r}; expected {', '.join(STRATEGIES)}"
    if unknown := sorted(parameters.keys() - strategy.PARAMETERS.keys()):
        return f"{name} has no parameter {unknown[0]!r}; it has {', '.join(strategy.PARAMETERS)}"
    return ""


def make_strategy(
    name: str, instrument: Instrument, shares: int, parameters: Mapping[str, float], run: str, seed: str = ""
) -> Strategy:
    """A strategy for an account that has so many shares. Raises ValueError."""
    if problem := check_strategy(name, parameters):
        raise ValueError(problem)
    return STRATEGIES[name](instrument, shares, dict(parameters), ClientOrderIds(run))
