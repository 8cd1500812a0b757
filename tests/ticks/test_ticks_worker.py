"""The ticks worker as a process on a real server."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from exchange.log import JetStreamLog
from exchange.messages.base import encode
from exchange.messages.market_data import (
    Candle,
    CandlesQuestion,
    Depth,
    MarketInfo,
    PublicTrade,
    Quote,
    SymbolInfo,
    SymbolQuestion,
    Trades,
)
from exchange.messages.requests import Refused
from exchange.subjects import JOURNAL
from tests.oracle.flow import Flow
from tests.oracle.subscriber import Subscriber
from tests.ticks.test_feed import brute_force

PATIENCE = 20.0


async def ask(client: Client, subject: str, question: Any, answer: Any) -> Any:
    """The answer, as soon as somebody gives one."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                message = await client.request(subject, encode(question), timeout=PATIENCE)
                return msgspec.json.decode(message.data, type=answer)
            except nats.errors.NoRespondersError:
                await asyncio.sleep(0.02)  # Nobody can be asked when there will be somebody.


async def append(client: Client, flow: Flow, through: dict[str, int]) -> None:
    """Whatever the logs do not hold yet, events after the journal batches they come from."""
    for name in sorted(flow.logs, key=lambda name: name != JOURNAL):
        log = JetStreamLog(client, name)
        await log.create()
        for payload in flow.logs[name][through.get(name, 0) :]:
            through[name] = through.get(name, 0) + 1
            await log.append(through[name], payload)


class Follower:
    """Follows one symbol over the network, as a page does."""

    def __init__(self, client: Client, symbol: str) -> None:
        self.client = client
        self.symbol = symbol
        self.tasks: set[asyncio.Task[None]] = set()
        self.trades: list[PublicTrade] = []
        self.candles: dict[tuple[str, int], Candle] = {}
        self.quote: Quote | None = None
        self.changed = asyncio.Event()
        self.book = Subscriber(self.ask)

    def ask(self) -> None:
        async def snapshot() -> None:
            self.book.on_snapshot(await ask(self.client, "public.depth", SymbolQuestion(self.symbol, 1000), Depth))
            self.changed.set()

        self.tasks.add(asyncio.create_task(snapshot()))

    async def receive(self, message: Msg) -> None:
        match message.subject.split(".")[2:]:
            case ["trade"]:
                await self.add_trades(msgspec.json.decode(message.data, type=Trades).trades)
            case ["quote"]:
                self.quote = msgspec.json.decode(message.data, type=Quote)
            case ["depth"]:
                self.book.on_depth(msgspec.json.decode(message.data, type=Depth))
            case ["candle", interval]:
                candle = msgspec.json.decode(message.data, type=Candle)
                self.candles[interval, candle.start] = candle
        self.changed.set()

    async def add_trades(self, trades: list[PublicTrade]) -> None:
        """Ids have no gaps: a repeated trade is known by its id, a missing one is asked for."""
        known = self.trades[-1].trade_id if self.trades else 0
        if (missing := trades[0].trade_id - known - 1) > 0:
            question = SymbolQuestion(self.symbol, missing, trades[0].trade_id)
            self.trades += reversed(await ask(self.client, "public.trades", question, list[PublicTrade]))
        self.trades += [trade for trade in trades if trade.trade_id > known]

    async def until(self, check: Any) -> None:
        async with asyncio.timeout(PATIENCE):
            while not check():
                self.changed.clear()
                await self.changed.wait()


async def start(data: object) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "exchange.ticks", "--data", str(data), stderr=asyncio.subprocess.PIPE
    )


async def test_market_data_across_a_kill(nats_server: Any) -> None:
    flow, through = Flow(11, symbols=2, shards=1), {}
    symbol = flow.symbols[0]
    client = await nats_server.connect()
    process = await start(nats_server.data)
    try:
        await append(client, flow, through)
        info = await ask(client, "public.market", {}, MarketInfo)
        assert info.title == nats_server.market.title
        follower = Follower(client, symbol)
        await client.subscribe(f"market.{symbol}.>", cb=follower.receive)
        for round_number in range(4):
            for _ in range(25):
                flow.step()
            flow.flush()
            await append(client, flow, through)
            await follower.until(lambda: follower.book.book == flow.book(symbol))
            last = len(flow.trades[symbol])
            await follower.until(lambda last=last: follower.trades and follower.trades[-1].trade_id == last)
            bids, asks = flow.book(symbol)
            best = (*(bids[0] if bids else (0, 0)), *(asks[0] if asks else (0, 0)))
            await follower.until(
                lambda best=best: (q := follower.quote) and (q.bid, q.bid_quantity, q.ask, q.ask_quantity) == best
            )
            for interval in ("1s", "1m"):
                candles = brute_force(symbol, interval, flow.trades[symbol])
                assert await ask(client, "public.candles", CandlesQuestion(symbol, interval, 4000), list[Candle]) == candles  # type: ignore[arg-type]
                newest = candles[-1]
                await follower.until(lambda i=interval, c=newest: follower.candles.get((i, c.start)) == c)
            trades = await ask(client, "public.trades", SymbolQuestion(symbol, 1000), list[PublicTrade])
            assert [t.trade_id for t in reversed(trades)] == list(range(1, last + 1))
            if round_number == 1:
                process.kill()
                await process.wait()
                process = await start(nats_server.data)
        assert [(t.trade_id, t.price, t.quantity, t.side, t.time) for t in follower.trades] == [
            (t.trade_id, t.price, t.quantity, t.side, time) for t, time in flow.trades[symbol]
        ]
        infos = await ask(client, "public.symbols", {}, list[SymbolInfo])
        assert [(row.symbol, row.trades) for row in infos] == [(name, len(flow.trades[name])) for name in flow.symbols]
        assert (await ask(client, "public.depth", {"symbol": "NONE"}, Refused)).reason == "unknown_symbol"
        assert (await ask(client, "public.candles", {"symbol": symbol, "interval": "7m"}, Refused)).reason == "malformed"
        process.terminate()
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
