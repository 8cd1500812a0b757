"""The bots worker: hosts the market file's bots on one connection."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from nats.aio.msg import Msg

from exchange import subjects
from exchange.market import BotRules, Market
from exchange.messages.administration import NewAccount
from exchange.messages.base import decoder
from exchange.messages.market_data import Quote, Trades
from exchange.money import parse_money
from exchange.worker import Worker

from .bot import Bot, Prices
from .market_maker import MarketMaker
from .noise import NoiseTrader
from .strategy import ClientOrderIds, Instrument, Strategy

log = logging.getLogger(__name__)

STRATEGIES: Final[dict[str, type[MarketMaker | NoiseTrader]]] = {"market-maker": MarketMaker, "noise": NoiseTrader}

decode_quote: Final = decoder(Quote).decode
decode_trades: Final = decoder(Trades).decode


async def main(worker: Worker) -> None:
    """Run every bot of the market file until the worker is asked to stop; then take back their orders."""
    market = worker.settings.market
    prices = {rules.symbol: Prices() for rules in market.symbols}
    for symbol in {rules.symbol for rules in market.bots}:
        await worker.nats.subscribe(subjects.quote(symbol), cb=quote_hearer(prices[symbol]))
        await worker.nats.subscribe(subjects.trade(symbol), cb=trade_hearer(prices[symbol]))
    run = f"{time.time_ns() // 1_000_000:x}"
    tasks = {asyncio.create_task(host(worker, market, rules, prices[rules.symbol], run)) for rules in market.bots}
    await worker.stopping.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def host(worker: Worker, market: Market, rules: BotRules, prices: Prices, run: str) -> None:
    """Run one bot. One that fails says why, takes back its orders and is stopped; the others go on."""
    bot: Bot | None = None
    try:
        account = NewAccount(rules.account, parse_money(rules.cash), {rules.symbol: rules.shares})
        strategy = make_strategy(market, rules, run)
        bot = Bot(worker.nats, account, rules.symbol, strategy, prices, f"{market.seed}/{rules.account}")
        await bot.run()
    except asyncio.CancelledError:
        pass
    except Exception:
        log.exception("%s: stopped, because its strategy failed", rules.account)
    if bot is not None:
        await bot.leave()


def make_strategy(market: Market, rules: BotRules, run: str) -> Strategy:
    """The strategy of one bot. Raises ValueError for a parameter that it does not have."""
    strategy = STRATEGIES[rules.strategy]
    if unknown := sorted(rules.parameters.keys() - strategy.PARAMETERS.keys()):
        known = ", ".join(strategy.PARAMETERS)
        raise ValueError(f"{rules.account}: {rules.strategy} has no parameter {unknown[0]!r}; it has {known}")
    definition = next(definition for definition in market.definitions() if definition.symbol == rules.symbol)
    instrument = Instrument(definition.symbol, definition.tick, definition.lot, definition.opening_price)
    return strategy(instrument, rules.shares, rules.parameters, ClientOrderIds(run))


def quote_hearer(prices: Prices) -> Callable[[Msg], Awaitable[None]]:
    """A subscription's callback that keeps best prices."""

    async def hear(message: Msg) -> None:
        quote: Quote = decode_quote(message.data)
        prices.bid, prices.ask = quote.bid, quote.ask

    return hear


def trade_hearer(prices: Prices) -> Callable[[Msg], Awaitable[None]]:
    """A subscription's callback that keeps the last price."""

    async def hear(message: Msg) -> None:
        trades: Trades = decode_trades(message.data)
        prices.last = trades.trades[-1].price

    return hear
