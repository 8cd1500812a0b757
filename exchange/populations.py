"""Populations: bots for any market, by name. Their files say who is there for each symbol; sizes follow from its price."""

from __future__ import annotations

from importlib import resources
from typing import Final

import msgspec

from .market import POPULATIONS, BotRules, Market, StrategyName
from .money import parse_money

NOBODY: Final = "none"


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bot that is there once for each symbol, as `<name>-<symbol>`."""

    name: str
    strategy: StrategyName
    worth: str | int | float
    """It starts with cash of this amount, and with shares of the same worth at the opening price."""
    parameters: dict[str, float] = {}


class Population(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of populations/."""

    about: str
    members: list[Member]


def load_population(name: str) -> Population:
    """The population of this name, one of POPULATIONS."""
    return msgspec.yaml.decode(
        resources.files(__package__).joinpath("populations", f"{name}.yaml").read_bytes(), type=Population
    )


def with_population(market: Market, name: str = "") -> Market:
    """The market with all its bots: those of the population that its file names, and the file's own.

    With a name, only those of that population, or nobody. Raises ValueError for a name that is not one of POPULATIONS.
    """
    if name == NOBODY:
        return msgspec.structs.replace(market, bots=[])
    if name and name not in POPULATIONS:
        raise ValueError(f"there is no population {name}; expected {', '.join(POPULATIONS)} or {NOBODY}")
    if not name and not market.population:
        return market
    bots = [
        BotRules(
            account=f"{member.name}-{rules.symbol.lower()}",
            strategy=member.strategy,
            symbol=rules.symbol,
            cash=member.worth,
            shares=max(parse_money(member.worth) // parse_money(rules.opening_price) // rules.lot, 1) * rules.lot,
            parameters=member.parameters,
        )
        for rules in market.symbols
        for member in load_population(name or market.population).members
    ]
    return msgspec.structs.replace(market, bots=bots if name else [*bots, *market.bots])
