from collections.abc import Callable
from random import Random

import pytest

from exchange.messages.journal import CancelOrder, DefineSymbol, EngineCommand, PlaceOrder
from tests.oracle.traders import make_batches

MakeCommands = Callable[[int, int, tuple[str, ...]], list[EngineCommand]]
MakeBatches = Callable[[int, int, tuple[str, ...]], list[tuple[int, list[EngineCommand]]]]


def define(symbol: str) -> DefineSymbol:
    return DefineSymbol(symbol, symbol, shard=1, tick=1, lot=1, opening_price=100)


def make_commands(seed: int, count: int, symbols: tuple[str, ...] = ("AAA",)) -> list[EngineCommand]:
    """All kinds of commands on few prices, so that they meet often; cancels also name orders that have ended."""
    random = Random(seed)
    commands: list[EngineCommand] = [define(symbol) for symbol in symbols]
    placed: list[PlaceOrder] = []
    for _ in range(count):
        if placed and random.random() < 0.4:
            order = random.choice(placed[-60:])
            commands.append(CancelOrder(order.order_id, order.account, order.symbol))
            continue
        side = random.choice(("buy", "sell"))
        kind = "market" if random.random() < 0.1 else "limit"
        tif = "ioc" if random.random() < 0.15 else "gtc"  # Means nothing for a market order.
        price = 100 + random.randint(-8, 3) * (1 if side == "buy" else -1)
        quantity = random.randint(1, random.choice((5, 5, 40)))
        order = PlaceOrder(len(placed) + 1, "alice", "", random.choice(symbols), side, quantity, price, 0, kind, tif)
        placed.append(order)
        commands.append(order)
    return commands


@pytest.fixture
def commands_of() -> MakeCommands:
    return make_commands


@pytest.fixture
def batches_of() -> MakeBatches:
    return make_batches
