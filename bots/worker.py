"""The bots worker: hosts the market's own bots, and those that people start."""

from __future__ import annotations

import argparse
import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg

from exchange import subjects
from exchange.market import BotRules, Market
from exchange.messages.administration import NewAccount
from exchange.messages.base import decoder
from exchange.messages.market_data import Quote, Trades
from exchange.metrics import BOTS
from exchange.money import parse_money
from exchange.populations import with_population
from exchange.questions import Questions
from exchange.worker import Worker

from . import registry
from .bot import Bot, Prices
from .host import Host
from .service import Service
from .store import STORE_FILE, Store
from .strategy import Instrument, Strategy, round_lots

log = logging.getLogger(__name__)

decode_quote: Final = decoder(Quote).decode
decode_trades: Final = decoder(Trades).decode


def parser() -> argparse.ArgumentParser:
    """The worker's arguments."""
    arguments = argparse.ArgumentParser(prog="python -P -m exchange.bots")
    arguments.add_argument("--population", default="", help="instead of the market file's own bots; none for nobody")
    return arguments


async def main(worker: Worker) -> None:
    """Run the market's own bots, and whatever people start, until the worker is asked to stop."""
    market = with_population(worker.settings.market, getattr(worker.arguments, "population", ""))
    prices = await follow_prices(worker.nats)
    traded = instruments(market)
    run = f"{time.time_ns() // 1_000_000:x}"
    own = {asyncio.create_task(host(worker, market, rules, prices, run)) for rules in market.bots}
    BOTS.labels("market").set_function(lambda: sum(not bot.done() for bot in own))
    tasks = set(own)
    store = Store(worker.settings.state / STORE_FILE)
    hosting = Host(worker.nats, store, traded, seed=str(market.seed))
    service = Service(worker.nats, store, hosting, traded, prices, market.seed)
    questions = Questions(worker.nats, "bots")
    tasks |= {asyncio.create_task(hosting.run()), asyncio.create_task(service.open(questions))}
    worker.health.open = True
    pending: set[asyncio.Task[object]] = {*tasks, asyncio.create_task(worker.stopping.wait())}
    while not worker.stopping.is_set():
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()  # A failure here is the whole worker's: a bot's own ends in `host` or in the hosting.
    await questions.stop()
    await service.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await hosting.store(*hosting.bots.values())
    store.close()


async def host(worker: Worker, market: Market, rules: BotRules, prices: Mapping[str, Prices], run: str) -> None:
    """Run one bot of the market file. One that fails says why, takes back its orders and is stopped; the others go on."""
    bot: Bot | None = None
    try:
        shares = {rules.symbol: rules.shares}
        related = None
        if rules.related:
            first, other = instruments(market)[rules.symbol], instruments(market)[rules.related]
            shares[rules.related] = round_lots(rules.shares * first.opening_price / other.opening_price, other.lot)
            related = other, prices[rules.related]
        account = NewAccount(rules.account, parse_money(rules.cash), shares)
        strategy = make_strategy(market, rules, run)
        bot = Bot(
            worker.nats,
            account,
            rules.symbol,
            strategy,
            prices[rules.symbol],
            f"{market.seed}/{rules.account}",
            related=related,
        )
        await bot.run()
    except asyncio.CancelledError:
        pass
    except Exception:
        log.exception("%s: stopped, because its strategy failed", rules.account)
    if bot is not None:
        await bot.leave()


def make_strategy(market: Market, rules: BotRules, run: str) -> Strategy:
    """The strategy of one bot of the market file. Raises ValueError for a parameter that it does not have."""
    return registry.make_strategy(rules.strategy, instruments(market)[rules.symbol], rules.shares, rules.parameters, run)


def instruments(market: Market) -> dict[str, Instrument]:
    """What is traded, by symbol."""
    return {
        rules.symbol: Instrument(rules.symbol, rules.tick, rules.lot, rules.opening_price, str(market.seed))
        for rules in market.definitions()
    }


async def follow_prices(client: Client) -> Mapping[str, Prices]:
    """The prices of every symbol, kept current from now on."""
    prices: defaultdict[str, Prices] = defaultdict(Prices)

    async def hear_quote(message: Msg) -> None:
        quote: Quote = decode_quote(message.data)
        seen = prices[quote.symbol]
        seen.bid, seen.ask = quote.bid, quote.ask

    async def hear_trades(message: Msg) -> None:
        trades: Trades = decode_trades(message.data)
        seen = prices[trades.symbol]
        seen.last = trades.trades[-1].price
        seen.volume += sum(trade.quantity for trade in trades.trades)

    await client.subscribe(subjects.quote("*"), cb=hear_quote)
    await client.subscribe(subjects.trade("*"), cb=hear_trades)
    return prices
