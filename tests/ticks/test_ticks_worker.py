"""The ticks worker as a process on a real server."""

from __future__ import annotations

import asyncio
import resource
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import nats.errors
from nats.aio.client import Client

from exchange.client import Client as MarketClient
from exchange.health import HealthDesk
from exchange.log import JetStreamLog
from exchange.messages.base import encode
from exchange.messages.market_data import (
    Candle,
    CandlesQuestion,
    Depth,
    DepthQuestion,
    HistoryQuestion,
    MarketInfo,
    Orders,
    PublicTrade,
    Quote,
    SymbolInfo,
)
from exchange.messages.requests import Refused
from exchange.public_book import DepthBook, OrderBook
from exchange.subjects import JOURNAL
from exchange.worker import HELP_EXIT
from tests.oracle.bars import brute_force
from tests.oracle.flow import Flow
from ticks.candles import PUBLISHED
from ticks.workload import SYMBOLS, TradeFlow

PATIENCE = 60.0


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


class Following:
    """Follows all channels of one symbol with the reference client, and remembers what it was told."""

    def __init__(self, client: MarketClient, symbol: str) -> None:
        self.data = client.market_data
        self.symbol = symbol
        self.trades: list[PublicTrade] = []
        self.candles: dict[tuple[str, int], Candle] = {}
        self.quote: Quote | None = None
        self.top: Depth | None = None
        self.depth: DepthBook | None = None
        self.orders: OrderBook | None = None
        self.volume = 0
        self.changed = asyncio.Event()
        self.tasks = [
            asyncio.create_task(self.follow(self.data.trades(symbol, after=0), self.trades.append)),
            asyncio.create_task(self.follow(self.data.quotes(symbol), lambda quote: setattr(self, "quote", quote))),
            asyncio.create_task(self.follow(self.data.top(symbol), lambda top: setattr(self, "top", top))),
            asyncio.create_task(self.follow(self.data.depth(symbol), lambda book: setattr(self, "depth", book))),
            asyncio.create_task(self.follow(self.data.orders(symbol), lambda book: setattr(self, "orders", book))),
            asyncio.create_task(self.follow(self.data.statistics(symbol), lambda s: setattr(self, "volume", s.volume))),
            *(
                asyncio.create_task(self.follow(self.data.candles(symbol, interval, since=1), self.add_candle))
                for interval in PUBLISHED
            ),
        ]

    async def follow(self, messages: AsyncIterator[Any], take: Any) -> None:
        async for message in messages:
            take(message)
            self.changed.set()

    def add_candle(self, candle: Candle) -> None:
        self.candles[candle.interval, candle.start] = msgspec.structs.replace(candle, number=0, previous=0)

    async def until(self, check: Any) -> None:
        async with asyncio.timeout(PATIENCE):
            while not check():
                self.changed.clear()
                await self.changed.wait()

    async def agrees_with(self, flow: Flow) -> None:
        """Return when everything that is followed is what the flow adds up to."""
        symbol, trades = self.symbol, flow.trades[self.symbol]
        bids, asks = flow.book(symbol)
        await self.until(lambda: self.trades and self.trades[-1].trade_id == len(trades))
        assert [(t.trade_id, t.price, t.quantity, t.side, t.time) for t in self.trades] == [
            (t.trade_id, t.price, t.quantity, t.side, time) for t, time in trades
        ]
        await self.until(lambda: self.depth and (self.depth.levels("buy"), self.depth.levels("sell")) == (bids, asks))
        await self.until(lambda: self.orders and shown(self.orders) == (bids, asks))
        await self.until(lambda: self.top and (self.top.bids, self.top.asks) == (bids[:20], asks[:20]))
        best = (*(bids[0] if bids else (0, 0)), *(asks[0] if asks else (0, 0)))
        await self.until(lambda: (q := self.quote) and (q.bid, q.bid_quantity, q.ask, q.ask_quantity) == best)
        for interval in PUBLISHED:
            bars = {(interval, bar.start): bar for bar in brute_force(symbol, interval, trades)}
            await self.until(lambda bars=bars: bars.items() <= self.candles.items())
        await self.until(lambda: self.volume == brute_force(symbol, "1d", trades)[-1].volume)

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        done = await asyncio.gather(*self.tasks, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in done), done


def shown(book: OrderBook) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    levels: dict[str, dict[int, int]] = {"buy": {}, "sell": {}}
    for _, side, price, quantity in book.orders.values():
        levels[side][price] = levels[side].get(price, 0) + quantity
    return sorted(levels["buy"].items(), reverse=True), sorted(levels["sell"].items())


async def start(data: object, number: int = 1, file_bytes_max: int = 0, state: object = None) -> asyncio.subprocess.Process:
    """`file_bytes_max`: no file may grow beyond, as on a disk that is full. `state`: not in the data directory."""

    def limit() -> None:
        if file_bytes_max:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, resource.RLIM_INFINITY))

    return await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "exchange.ticks", "--data", str(data), "--worker", str(number),
        *(("--state", str(state)) if state else ()),
        stderr=asyncio.subprocess.PIPE, preexec_fn=limit,
    )  # fmt: skip


async def end(*processes: asyncio.subprocess.Process) -> None:
    for process in processes:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def publisher(client: Client) -> str:
    """Who holds the lease, `ticks-<number> <pid>`; empty where nobody does."""
    try:
        answer = await client.request("$JS.API.DIRECT.GET.KV_LEASES.$KV.LEASES.ticks", b"", timeout=PATIENCE)
    except nats.errors.NoRespondersError:
        return ""
    return str(answer.data.decode())


async def test_market_data_while_workers_are_killed(nats_server: Any, auth_worker: Any) -> None:
    """Two workers; whoever publishes is killed, starts late, and all that follow agree with the logs in the end."""
    flow, through = Flow(11, symbols=2, shards=1), {}
    symbol = flow.symbols[0]
    client = await nats_server.connect()
    workers = {1: await start(nats_server.data)}
    market = await MarketClient.connect(nats_server.url)
    try:
        await append(client, flow, through)
        info = await ask(client, "public.market", {}, MarketInfo)
        assert info.title == nats_server.market.title
        following = Following(market, symbol)
        for round_number in range(4):
            for _ in range(25):
                flow.step()
            flow.flush()
            await append(client, flow, through)
            await following.agrees_with(flow)
            if round_number == 0:
                workers[2] = await start(nats_server.data, 2)
            if round_number in (1, 2):
                holder = (await publisher(client)).split()[0]
                await end(workers.pop(int(holder.rpartition("-")[2])))
                while (await publisher(client)).split()[:1] in ([], [holder]):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)  # The server tells nobody when a lease ends.
                if round_number == 1:
                    workers[1 if holder.endswith("1") else 2] = await start(nats_server.data, int(holder[-1]))
            if round_number == 2:
                await market.connection()
                assert market._connection is not None
                await market._connection.close()  # As if the network had broken it.
        assert following.data.healed["checksum"] == 0
        late = Following(market, symbol)
        await late.agrees_with(flow)
        await late.stop()
        await following.stop()
        for interval in ("1s", "1m"):
            found = await ask(client, "public.candles", CandlesQuestion(symbol, interval, 3000), list[Candle])
            assert [msgspec.structs.replace(bar, number=0) for bar in found] == brute_force(
                symbol, interval, flow.trades[symbol]
            )
        infos = await ask(client, "public.symbols", {}, list[SymbolInfo])
        assert [(row.symbol, row.trades) for row in infos] == [(name, len(flow.trades[name])) for name in flow.symbols]
        assert (await ask(client, "public.depth", {"symbol": "NONE"}, Refused)).reason == "unknown_symbol"
        assert (await ask(client, "public.candles", {"symbol": symbol, "interval": "7x"}, Refused)).reason == "malformed"
        for process in workers.values():
            process.terminate()
            assert await process.wait() == 0
    finally:
        await market.close()
        await end(*workers.values())


async def test_every_worker_gives_the_same_answers(nats_server: Any) -> None:
    """The numbers of trades, quotes and orders do not depend on who is asked, nor on when it began."""
    flow, through = Flow(12, symbols=1, shards=1), {}
    client = await nats_server.connect()
    workers = [await start(nats_server.data, 1)]
    answers = []
    try:
        for _ in range(60):
            flow.step()
        await append(client, flow, through)
        await ask(client, "public.market", {}, MarketInfo)
        for number in (1, 2):
            for question, message, kind in (
                ("trades", HistoryQuestion("SYM0", 1000), list[PublicTrade]),
                ("quotes", HistoryQuestion("SYM0", 1000, after=1), list[Quote]),
                ("depth", DepthQuestion("SYM0", 1000), Depth),
                ("depth", DepthQuestion("SYM0", 1000, flow.time - 10**9), Depth),
                ("book", {"symbol": "SYM0"}, Orders),
                ("candles", CandlesQuestion("SYM0", "7m", 1000), list[Candle]),
            ):
                answers.append((number, await ask(client, f"public.{question}", message, kind)))
            if number == 1:
                await end(*workers)
                workers.append(await start(nats_server.data, 2))
        half = len(answers) // 2
        assert [answer for _, answer in answers[:half]] == [answer for _, answer in answers[half:]]
    finally:
        await end(*workers)


async def test_a_full_disk_ends_the_worker_with_a_clear_line_and_loses_nothing(nats_server: Any) -> None:
    flow, through = Flow(13, symbols=2, shards=1), {}
    client = await nats_server.connect()
    for _ in range(60):
        flow.step()
    flow.flush()
    await append(client, flow, through)
    process = await start(nats_server.data, file_bytes_max=14_000)
    try:
        async with asyncio.timeout(PATIENCE):
            assert process.stderr is not None
            said = (await process.stderr.read()).decode().strip().splitlines()
            assert await process.wait() == HELP_EXIT
        assert "DiskFull" in said[-1]
        assert "ticks.duckdb" in said[-1]
        process = await start(nats_server.data)
        for symbol in flow.symbols:
            trades = await ask(client, "public.trades", HistoryQuestion(symbol, 1000), list[PublicTrade])
            assert [t.trade_id for t in reversed(trades)] == list(range(1, len(flow.trades[symbol]) + 1))
            for interval in ("1s", "1m", "1h", "1d"):
                found = await ask(client, "public.candles", CandlesQuestion(symbol, interval, 3000), list[Candle])
                assert [msgspec.structs.replace(bar, number=0) for bar in found] == brute_force(
                    symbol, interval, flow.trades[symbol]
                )
    finally:
        await end(process)


async def test_who_does_not_read_slows_nobody_down(nats_server: Any, auth_worker: Any) -> None:
    """A connection that asked for everything and reads nothing: whoever reads hears of every trade all the same."""
    client = await nats_server.connect()
    worker = await start(nats_server.data)
    flow, logs = TradeFlow(), [JetStreamLog(client, JOURNAL), JetStreamLog(client, "EVENTS_1")]
    for log in logs:
        await log.create()
    address = urlsplit(nats_server.url)
    reader, deaf = await asyncio.open_connection(address.hostname, address.port, limit=1_000)
    try:
        login = {"user": "worker", "pass": nats_server.secrets.worker, "verbose": False, "lang": "deaf", "version": "0"}
        deaf.write(b"CONNECT " + encode(login) + b"\r\nSUB market.> 1\r\nPING\r\n")
        await reader.readuntil(b"PONG\r\n")
        assert isinstance(deaf.transport, asyncio.ReadTransport)
        deaf.transport.pause_reading()
        for number in range(1, 61):
            for log, payload in zip(logs, flow.batches(600, number * 10**9), strict=True):
                await log.append(number, payload)
            if number == 1:
                await ask(client, "public.market", {}, MarketInfo)
                market = await MarketClient.connect(nats_server.url)
                heard = [market.market_data.trades(symbol, after=0) for symbol in SYMBOLS]
        async with asyncio.timeout(PATIENCE):
            for trades in heard:
                ids = [(await anext(trades)).trade_id for _ in range(flow.trades // len(SYMBOLS))]
                assert ids == list(range(1, len(ids) + 1))
                await trades.aclose()
        await market.close()
    finally:
        deaf.transport.abort()
        await end(worker)


async def test_of_two_workers_with_one_number_the_later_ends(nats_server: Any, auth_worker: Any, tmp_path: Path) -> None:
    """On another machine, or with a directory of its own, nothing else would keep them from noting one place in the logs.

    Which only a keeper reads: copies of a container that have no number of their own are welcome without one.
    """
    client = await nats_server.connect()
    first = await start(nats_server.data)
    try:
        await ask(client, "public.market", {}, MarketInfo)
        await HealthDesk("keeper", client).start()
        other, twin = await start(nats_server.data, 2, state=tmp_path), await start(nats_server.data, 1, state=tmp_path)
        assert twin.stderr is not None
        said = await asyncio.wait_for(twin.stderr.read(), PATIENCE)
        assert await twin.wait() == HELP_EXIT
        assert (
            f"ticks 1 runs already, as {socket.gethostname()}/{first.pid}; start this one with another --worker"
            in said.decode()
        )
        assert (first.returncode, other.returncode) == (None, None)
    finally:
        await end(first, other, twin)
        await client.close()
