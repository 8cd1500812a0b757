"""Applies the engines' events to the ledger: trades move cash and shares, ended orders give back their holds.

Raises ReplayError for an event that contradicts the ledger's open orders: no engine fed by this journal could have said so.
"""

from __future__ import annotations

from typing import assert_never

from exchange.messages import (
    CASH,
    FEES,
    Cancelled,
    CancelRefused,
    Event,
    EventBatch,
    Liquidity,
    OrderCancelled,
    OrderCancelRefused,
    OrderFilled,
    Rested,
    Traded,
)
from exchange.money import fee
from exchange.stage import ReplayError

from .accounts import Ledger, Order


def settle(ledger: Ledger, shard: int, batch: EventBatch) -> None:
    """Apply one event batch of a shard."""
    if batch.number != ledger.events_through.get(shard, 0) + 1:
        raise ReplayError(f"events.{shard}: batch {batch.number} does not follow {ledger.events_through.get(shard, 0)}")
    ledger.events_through[shard] = batch.number
    for moment in batch.moments:
        if moment.journal > ledger.number:
            raise ReplayError(
                f"events.{shard}: batch {batch.number} knows journal {moment.journal}, this ledger {ledger.number}"
            )
        for event in moment.events:
            apply(ledger, event, moment.time)


def apply(ledger: Ledger, event: Event, time: int) -> None:
    """Apply one event that the journal batch of this time caused."""
    match event:
        case Traded():
            _trade(ledger, event, time)
        case Rested():
            pass  # Where an order waits is the engine's concern; its hold does not change.
        case Cancelled():
            _cancel(ledger, event, time)
        case CancelRefused():
            account = ledger.accounts[_answered(ledger, event.order_id)]
            ledger.tell(account, OrderCancelRefused(event.order_id, event.symbol, time))
        case _:
            assert_never(event)


def _trade(ledger: Ledger, event: Traded, time: int) -> None:
    maker = _open_order(ledger, event.maker_order_id)
    taker = _open_order(ledger, event.taker_order_id)
    if maker.command.side == event.side or taker.command.side != event.side:
        raise ReplayError(f"trade {event.trade_id} of {event.symbol} joins two orders of one side")
    value = event.price * event.quantity
    maker_fee = fee(value, maker.fees.maker)
    taker_fee = fee(value, taker.fees.taker)
    _fill(ledger, maker, event, time, maker_fee, "maker")
    _fill(ledger, taker, event, time, taker_fee, "taker")
    ledger.accounts[FEES].balances[CASH].total += maker_fee + taker_fee
    ledger.symbols[event.symbol].last = event.price


def _fill(ledger: Ledger, order: Order, event: Traded, time: int, cost: int, liquidity: Liquidity) -> None:
    """One side of a trade. `cost` is the fee, negative for a rebate."""
    command = order.command
    price, quantity, side = event.price, event.quantity, command.side
    remaining = order.remaining - quantity
    worse = price > command.price if side == "buy" else price < command.price
    if quantity < 1 or remaining < 0 or worse or command.symbol != event.symbol:
        raise ReplayError(f"trade {event.trade_id} of {event.symbol} is not one that order {command.order_id} allows")
    release = order.hold - order.hold * remaining // order.remaining  # Each share has an equal part of the hold.
    order.hold -= release
    order.remaining = remaining
    account = ledger.accounts[command.account]
    cash = account.balances[CASH]
    shares = account.balance(command.symbol)
    if side == "buy":
        # A better price than the limit gives back the difference here: more is released than is paid.
        cash.held -= release
        cash.total -= price * quantity + cost
        shares.total += quantity
    else:
        shares.held -= release
        shares.total -= quantity
        cash.total += price * quantity - cost
    if not remaining:
        ledger.close(order)
    ledger.tell(
        account,
        OrderFilled(command.order_id, event.symbol, event.trade_id, side, price, quantity, remaining, cost, liquidity, time),
    )


def _cancel(ledger: Ledger, event: Cancelled, time: int) -> None:
    order = _open_order(ledger, event.order_id)
    if event.quantity != order.remaining:
        raise ReplayError(f"order {event.order_id} is cancelled with {event.quantity} unfilled, here it has {order.remaining}")
    if event.reason == "owner":
        _answered(ledger, event.order_id)
    ledger.close(order)
    account = ledger.accounts[order.command.account]
    ledger.tell(account, OrderCancelled(event.order_id, event.symbol, event.quantity, event.reason, time))


def _open_order(ledger: Ledger, order_id: int) -> Order:
    order = ledger.orders.get(order_id)
    if order is None:
        raise ReplayError(f"an event names order {order_id}, which is not open")
    return order


def _answered(ledger: Ledger, order_id: int) -> str:
    """The account whose cancel this event answers."""
    account = ledger.cancels.pop(order_id, None)
    if account is None:
        raise ReplayError(f"an event answers a cancel of order {order_id} that nobody asked for")
    return account
