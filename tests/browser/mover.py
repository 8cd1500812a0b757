"""A book of twenty levels a side that moves many times a second, and trades: what a busy symbol does to the page."""

from __future__ import annotations

import asyncio
import time
from random import Random

from exchange.client import Client
from exchange.messages.administration import Credentials, Done
from exchange.messages.base import Side
from exchange.messages.requests import Accepted, Command, Replace, Submit
from tests.e2e.market_process import RunningMarket

SYMBOL = "KRYP"
MIDDLE, TICK, LEVELS = 205_000, 100, 20
PASSWORD = "perpetuum mobile"
UNDER_WAY_MAX = 20
"""Requests; beyond that a move is left out instead of piling up."""


async def mover(market: RunningMarket, account: str = "mover") -> Client:
    """A rich trader, connected, whose orders are the whole book: 500 shares a level."""
    async with await market.connect("operator") as operator:
        opened = await operator.request(
            "admin.create_account", Credentials(account, PASSWORD, 10**12, {SYMBOL: 1_000_000}), Done, seconds=15
        )
        assert isinstance(opened, Done), opened
    client = await market.connect(account, PASSWORD)
    orders: list[Command] = [order for level in range(LEVELS) for order in (_order("buy", level), _order("sell", level))]
    for outcome in await client.send_all(orders):
        assert isinstance(outcome, Accepted), outcome
    return client


async def move(client: Client, seconds: float, rate: int = 50, *, moves_per_trade: int = 5) -> int:
    """Change a level of each side so many times a second, and trade now and then. How many moves were sent."""
    random, under_way, moves = Random(7), set[asyncio.Task[object]](), 0
    begun = time.monotonic()
    for tick in range(round(seconds * rate)):
        await asyncio.sleep(max(0.0, begun + tick / rate - time.monotonic()))
        if len(under_way) >= UNDER_WAY_MAX:
            continue
        level = tick % LEVELS
        commands: list[Command] = [
            Replace(client_order_id=f"{side}-{level}", quantity=random.randint(100, 999)) for side in "bs"
        ]
        if tick % moves_per_trade == 0:
            side: Side = random.choice(("buy", "sell"))
            commands.append(Submit(f"t-{begun}-{tick}", SYMBOL, side, 1, kind="market", self_trade="allow"))
        task: asyncio.Task[object] = asyncio.create_task(client.send_all(commands))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        moves += 1
    if under_way:
        await asyncio.wait(under_way)
    return moves


def _order(side: Side, level: int) -> Submit:
    away = (level + 1) * TICK
    price = MIDDLE - away if side == "buy" else MIDDLE + away
    return Submit(f"{side[0]}-{level}", SYMBOL, side, 500, price=price, self_trade="allow")
