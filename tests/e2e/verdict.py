"""Holds a market at rest against its logs: orders, trades, balances, history, public data, digests."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec
import nats.js.errors
from nats.aio.client import Client as Connection
from nats.js import api

from exchange.client import Client
from exchange.connection import connect
from exchange.market import load_market
from exchange.messages.account import Fill, OrderRecord, PageQuestion, Portfolio
from exchange.messages.administration import AccountQuestion
from exchange.messages.market_data import HistoryQuestion, PublicTrade
from exchange.messages.requests import Refused
from exchange.secrets import load_secrets
from tests.e2e.market_process import RunningMarket
from tests.oracle.reckoning import Reckoning

Placed = dict[str, int]
"""Client order id → the order id that its trader was told, 0 if it was told a refusal."""
PAGE_ROWS = 1_000
QUIET = ("definesymbol", "setphase")
"""Commands that need not cause an event."""
SECOND = 10**9
REST_SECONDS = 0.5
REST_SECONDS_MAX = 30.0
READ_SECONDS = 5.0


async def read_log(connection: Connection, stream: str) -> list[bytes]:
    """Every batch of a log, straight from JetStream."""
    jetstream = connection.jetstream()
    state = (await jetstream.stream_info(stream)).state
    assert state.messages == state.last_seq, f"{stream} has {state.messages} of {state.last_seq} batches"
    config = api.ConsumerConfig(ack_policy=api.AckPolicy.NONE, deliver_policy=api.DeliverPolicy.ALL, inactive_threshold=30)
    subscription = await jetstream.pull_subscribe("", stream=stream, config=config)
    batches: list[bytes] = []
    deadline = time.monotonic() + REST_SECONDS_MAX
    while len(batches) < state.last_seq:
        try:
            messages = await subscription.fetch(min(500, state.last_seq - len(batches)), READ_SECONDS)
        except nats.js.errors.ServiceUnavailableError:  # Not every server of a cluster knows a new consumer at once.
            assert time.monotonic() < deadline, f"{stream} cannot be read"
            await asyncio.sleep(REST_SECONDS / 10)
            continue
        batches += [message.data for message in messages]
    await subscription.unsubscribe()
    return batches


async def verify(market: RunningMarket, traders: dict[str, Placed]) -> list[str]:
    """What was found right, in sentences. Raises AssertionError at the first thing that is not.

    Nothing may trade meanwhile. `traders` are all accounts whose client order ids are known, with every outcome they were told.
    """
    rules = load_market(market.data / "market.yaml")
    settling = dict.fromkeys(range(1, rules.shards + 1), 0)
    for rule in rules.definitions():
        if rule.order_band or rule.trade_band:
            length = max(rule.reference_seconds, rule.volatility_auction_seconds) + 1
            settling[rule.shard] = max(settling[rule.shard], length * SECOND)
    connection = await connect(market.runtime["server"], "worker", load_secrets(market.data).worker, name="verdict")
    try:
        reckoning = await asyncio.to_thread(Reckoning, *await _logs_at_rest(connection, settling))
    finally:
        await connection.close()
    reckoning.check_conservation()
    orders, trades = len(reckoning.orders), sum(map(len, reckoning.trades.values()))
    found = [
        f"{orders} orders and {trades} trades in the logs; chains are whole, and the events those of a slow book, once each",
        "cash and shares are conserved to the unit",
        check_acknowledged(reckoning, traders),
    ]
    async with await market.connect("operator") as operator:
        for account in reckoning.accounts:
            await _check_portfolio(operator, reckoning, account)
            await _check_history(operator, reckoning, account)
        for symbol in rules.symbols:
            await _check_public_trades(operator, reckoning, symbol.symbol)
    assert traders.keys() <= set(reckoning.accounts)
    found.append(
        f"live balances, holds, open orders, history and fills of {len(reckoning.accounts)} accounts are those of the logs"
    )
    found.append("public trades are those of the logs")
    audit = market.ask("audit")
    assert audit["passed"], audit
    found.append(f"exchange audit passes, replayed digest {audit['digest']} is the live one")
    return found


def check_acknowledged(reckoning: Reckoning, traders: dict[str, Placed]) -> str:
    """Every order that was acknowledged is there once, under its id, and no other order is."""
    acknowledged = refused = 0
    for account, told in traders.items():
        placed = {
            client_order_id: order_ids
            for (owner, client_order_id), order_ids in reckoning.ledger.placed.items()
            if owner == account
        }
        twice = {name: order_ids for name, order_ids in placed.items() if len(order_ids) != 1}
        assert not twice, f"placed more than once: {twice}"
        expected = {name: [order_id] for name, order_id in told.items() if order_id}
        assert placed == expected, f"{account}: acknowledged and placed orders differ: {_difference(placed, expected)}"
        acknowledged += len(expected)
        refused += len(told) - len(expected)
    return f"{acknowledged} acknowledged orders are there once each, {refused} refused ones are not, and no others"


async def _logs_at_rest(connection: Connection, settling: dict[int, int]) -> tuple[list[bytes], dict[int, list[bytes]]]:
    """The logs at a moment at which all orders are matched and the ledger contains it, as is soon so when nobody trades.

    In each shard nothing happened for `settling` nanoseconds of the market's time: no auction is going on that ends by itself.
    """
    deadline = time.monotonic() + REST_SECONDS_MAX
    while True:
        journal = await read_log(connection, "JOURNAL")
        contained = msgspec.json.decode(journal[-1])["events_through"]
        # Events that came since are not of interest; every second one says that it has looked at a reference price.
        events = {shard: (await read_log(connection, f"EVENTS_{shard}"))[: contained.get(str(shard), 0)] for shard in settling}
        if all(is_at_rest(shard, journal, batches, settling[shard]) for shard, batches in events.items()):
            return journal, events
        assert time.monotonic() < deadline, "the market does not come to rest"
        await asyncio.sleep(REST_SECONDS)


def is_at_rest(shard: int, journal: list[bytes], events: list[bytes], settling: int) -> bool:
    """Whether all orders of a shard are matched, and nothing happened in it for `settling` nanoseconds of the market's time."""
    matched = msgspec.json.decode(events[-1])["journal_through"] if events else 0
    if settling:
        # As its engine sees it, which says every second that it has looked: the journal may be ahead by a whole restart.
        looked = msgspec.json.decode(journal[matched - 1])["time"] if matched else 0
        moments = (moment for payload in reversed(events) for moment in reversed(msgspec.json.decode(payload)["moments"]))
        if looked < next(moments, {"time": 0})["time"] + settling:
            return False
    ordered = max(
        (
            batch["number"]
            for batch in map(msgspec.json.decode, journal)
            for group in batch.get("groups", [])
            for command in group["commands"]
            if group["shard"] == shard and command["type"] not in QUIET
        ),
        default=0,
    )
    return bool(matched >= ordered)


async def _check_portfolio(operator: Client, reckoning: Reckoning, account: str) -> None:
    live = await operator.request("admin.portfolio", AccountQuestion(account), Portfolio)
    assert isinstance(live, Portfolio), live
    assets = {"CASH": live.cash} | {position.symbol: position.quantity for position in live.positions}
    assert {asset: amount for asset, amount in assets.items() if amount} == reckoning.balances(account), account
    held = {"CASH": live.cash_held} | {position.symbol: position.held for position in live.positions}
    holds = {asset: amount for (name, asset), amount in reckoning.ledger.holds().items() if name == account}
    # A worst case per share is an upper bound of what is set aside per order; for shares both are exact.
    assert {asset: amount for asset, amount in held.items() if amount and asset != "CASH"} == {
        asset: amount for asset, amount in holds.items() if asset != "CASH"
    }
    assert held["CASH"] <= holds.get("CASH", 0)
    assert live.orders_left_out == 0
    assert {order.order_id: order.remaining for order in live.orders} == reckoning.open_orders(account), account
    assert live.report == reckoning.ledger.reports[account], f"{account}: number of reports"


async def _check_history(operator: Client, reckoning: Reckoning, account: str) -> None:
    fills: list[Fill] = await _pages(operator, f"api.{account}.fills", Fill, "fill_id")
    keys = ("order_id", "symbol", "trade_id", "side", "price", "quantity", "fee", "liquidity", "time")
    rows = [tuple(getattr(fill, key) for key in keys) for fill in reversed(fills)]
    expected = [tuple(fill[key] for key in keys) for fill in reckoning.fills[account]]
    assert sorted(rows) == sorted(expected), f"{account}: fills differ: {_difference(rows, expected)}"
    records: list[OrderRecord] = await _pages(operator, f"api.{account}.history", OrderRecord, "order_id")
    seen = list(reversed(records))
    placed = [_record(order) for order in reckoning.orders.values() if order["account"] == account]
    assert seen == placed, f"{account}: orders differ: {_difference(seen, placed)}"


def _record(order: dict[str, Any]) -> OrderRecord:
    """What history must say of an order; what the journal leaves out is the default."""
    return OrderRecord(**{name: order[name] for name in OrderRecord.__struct_fields__ if name in order})


async def _check_public_trades(operator: Client, reckoning: Reckoning, symbol: str) -> None:
    trades: list[PublicTrade] = []
    before = 0
    while True:
        page = await operator.request("public.trades", HistoryQuestion(symbol, PAGE_ROWS, before), list[PublicTrade])
        assert not isinstance(page, Refused), page
        page.sort(key=lambda trade: -trade.trade_id)
        trades += page
        if len(page) < PAGE_ROWS:
            break
        before = page[-1].trade_id
    rows = [msgspec.structs.asdict(trade) for trade in reversed(trades)]
    assert rows == reckoning.trades[symbol], f"{symbol}: public trades differ"


async def _pages(operator: Client, subject: str, row: type[Any], key: str) -> list[Any]:
    rows: list[Any] = []
    while True:
        before = getattr(rows[-1], key) if rows else 0
        page = await operator.request(subject, PageQuestion(PAGE_ROWS, before), list[row])  # type: ignore[valid-type]
        assert not isinstance(page, Refused), page
        rows += page
        if len(page) < PAGE_ROWS:
            return rows


def _difference(found: Any, expected: Any) -> str:
    if isinstance(found, dict):
        found, expected = found.items(), expected.items()
    found, expected = [str(item) for item in found], [str(item) for item in expected]
    more, less = sorted(set(found) - set(expected)), sorted(set(expected) - set(found))
    return f"{len(found)} found, {len(expected)} expected, too much {more[:3]}, missing {less[:3]}"
