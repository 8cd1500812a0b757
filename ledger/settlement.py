"""Applies the engines' events to the ledger: trades move cash and shares, ended orders give back their holds.

Raises ReplayError for an event that contradicts the ledger's open orders: no engine fed by this journal could have said so.
"""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from exchange.messages.base import CASH, FEES, Liquidity
from exchange.messages.events import (
    Activated,
    Cancelled,
    CancelRefused,
    Decremented,
    Event,
    EventBatch,
    Indicated,
    PhaseChanged,
    ReferenceMoved,
    Refreshed,
    Replaced,
    ReplaceRefused,
    Rested,
    Traded,
    Triggered,
)
from exchange.messages.reports import (
    OrderCancelled,
    OrderCancelRefused,
    OrderDecremented,
    OrderFilled,
    OrderReplaced,
    OrderReplaceRefused,
    OrderTriggered,
)
from exchange.money import fee
from exchange.stage import ReplayError

from . import pairs
from .accounts import Ledger, Order, Replacement
from .prices import replaced_hold
from .profit import move


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
        case Rested() | Refreshed() | Indicated():
            pass  # Where an order rests, what it shows and what an auction would do is the engine's concern: no hold changes.
        case Cancelled():
            _cancel(ledger, event, time)
        case Triggered():
            _trigger(ledger, event, time)
        case Replaced():
            _replace(ledger, event, time)
        case ReplaceRefused():
            replacement = _replacement(ledger, event.order_id)
            _release(ledger, event.order_id, replacement)
            account = ledger.accounts[replacement.command.account]
            ledger.tell(account, OrderReplaceRefused(event.order_id, event.symbol, time, event.reason))
        case Decremented():
            _decrement(ledger, event, time)
        case CancelRefused():
            account = ledger.accounts[_answered(ledger, event.order_id)]
            ledger.tell(account, OrderCancelRefused(event.order_id, event.symbol, time))
        case Activated():
            pairs.activate(ledger, _open_order(ledger, event.order_id), event, time)
        case PhaseChanged():
            listing = ledger.symbols[event.symbol]
            listing.phase, listing.phase_reason = event.phase, event.reason
        case ReferenceMoved():
            ledger.symbols[event.symbol].move_reference(event.price)
        case _:
            assert_never(event)


def _trade(ledger: Ledger, event: Traded, time: int) -> None:
    maker = _open_order(ledger, event.maker_order_id)
    taker = _open_order(ledger, event.taker_order_id)
    if maker.command.side == event.side or taker.command.side != event.side:
        raise ReplayError(f"trade {event.trade_id} of {event.symbol} joins two orders of one side")
    value = event.price * event.quantity
    maker_fee = fee(value, maker.fees.taker if event.auction else maker.fees.maker)  # In an auction nobody is paid for waiting.
    taker_fee = fee(value, taker.fees.taker)
    _fill(ledger, maker, event, time, maker_fee, "auction" if event.auction else "maker")
    _fill(ledger, taker, event, time, taker_fee, "auction" if event.auction else "taker")
    ledger.accounts[FEES].balances[CASH].total += maker_fee + taker_fee
    ledger.symbols[event.symbol].last = event.price


def _fill(ledger: Ledger, order: Order, event: Traded, time: int, cost: int, liquidity: Liquidity) -> None:
    """One side of a trade. `cost` is the fee, negative for a rebate."""
    command = order.command
    price, quantity, side = event.price, event.quantity, command.side
    remaining = order.remaining - quantity
    worse = price > command.price if side == "buy" else price < command.price
    if quantity < 1 or remaining < 0 or worse or command.stop_price or command.symbol != event.symbol:
        raise ReplayError(f"trade {event.trade_id} of {event.symbol} is not one that order {command.order_id} allows")
    release = order.hold - order.hold * remaining // order.remaining  # Each share has an equal part of the hold.
    order.hold -= release
    order.remaining = remaining
    account = ledger.accounts[command.account]
    cash = account.balances[CASH]
    shares = account.balance(command.symbol)
    value = price * quantity
    account.fees += cost
    move(shares, *((quantity, value) if side == "buy" else (-quantity, -value)))
    if side == "buy":
        # A better price than the limit gives back the difference here: more is released than is paid.
        cash.held -= release
        cash.total -= value + cost
        shares.total += quantity
    else:
        shares.held -= release
        shares.total -= quantity
        cash.total += value - cost
    if not remaining:
        ledger.close(order)
    if ledger.pairs:
        pairs.traded(ledger, order, quantity)
    ledger.tell(
        account,
        OrderFilled(command.order_id, event.symbol, event.trade_id, side, price, quantity, remaining, cost, liquidity, time),
    )


def _cancel(ledger: Ledger, event: Cancelled, time: int) -> None:
    order = _open_order(ledger, event.order_id)
    if event.quantity != order.remaining:
        raise ReplayError(f"order {event.order_id} is cancelled with {event.quantity} unfilled, here it has {order.remaining}")
    if event.reason == "owner" or event.reason == "disconnected":
        _answered(ledger, event.order_id)
    ledger.close(order)
    if ledger.pairs:
        pairs.ended(ledger, order)
    account = ledger.accounts[order.command.account]
    ledger.tell(account, OrderCancelled(event.order_id, event.symbol, event.quantity, event.reason, time))


def _trigger(ledger: Ledger, event: Triggered, time: int) -> None:
    order = _open_order(ledger, event.order_id)
    command = order.command
    stop_price = command.stop_price
    if not stop_price or (event.price != stop_price and command.kind != "trailing_stop"):
        raise ReplayError(f"order {event.order_id} triggers at {event.price}, here it waits for {stop_price or 'nothing'}")
    # The limit of a trailing stop has moved with it, and only away from what a buyer would have to pay.
    price = command.price + event.price - stop_price
    if command.side == "buy" and price > command.price:
        raise ReplayError(f"order {event.order_id} triggers at {event.price}: its hold does not cover that")
    order.command = replace(command, price=price, stop_price=0)
    ledger.tell(ledger.accounts[command.account], OrderTriggered(event.order_id, event.symbol, event.price, time))


def _replace(ledger: Ledger, event: Replaced, time: int) -> None:
    """From here on the hold is that of the new price and quantity, to the unit."""
    order = _open_order(ledger, event.order_id)
    command = order.command
    replacement = _replacement(ledger, event.order_id)
    wanted = replacement.command
    quantity = wanted.quantity - (wanted.open_quantity - order.remaining)  # What was filled since is taken off.
    if quantity < 1 or event.quantity != quantity or event.price != wanted.price:
        raise ReplayError(f"order {event.order_id} is replaced by what nobody asked for")
    hold = 0 if pairs.working(ledger, event.order_id) else quantity * replaced_hold(order, wanted.price)
    replacement.hold -= hold - order.hold
    if replacement.hold < 0:
        raise ReplayError(f"order {event.order_id} is replaced by what its hold does not cover")
    _release(ledger, event.order_id, replacement)
    order.hold = hold
    order.command = replace(
        command,
        quantity=command.quantity + quantity - order.remaining,
        price=wanted.price,
        stop_price=wanted.stop_price if command.stop_price else 0,
    )
    order.remaining = quantity
    ledger.tell(
        ledger.accounts[command.account],
        OrderReplaced(event.order_id, event.symbol, wanted.price, quantity, event.kept_place, time, order.command.stop_price),
    )


def _release(ledger: Ledger, order_id: int, replacement: Replacement) -> None:
    """A replace was answered: nothing is set aside for it any more. The hold of one whose order has ended is free already."""
    if replacement.hold:
        command = ledger.orders[order_id].command
        balances = ledger.accounts[command.account].balances
        balances[CASH if command.side == "buy" else command.symbol].held -= replacement.hold


def _decrement(ledger: Ledger, event: Decremented, time: int) -> None:
    order = _open_order(ledger, event.order_id)
    command = order.command
    remaining = order.remaining - event.quantity
    waits = command.stop_price and not pairs.working(ledger, event.order_id)
    if event.quantity < 1 or remaining < 0 or waits:
        raise ReplayError(f"order {event.order_id} cannot lose {event.quantity} of {order.remaining}")
    release = order.hold - order.hold * remaining // order.remaining
    account = ledger.accounts[command.account]
    account.balances[CASH if command.side == "buy" else command.symbol].held -= release
    order.hold -= release
    order.remaining = remaining
    order.command = replace(command, quantity=command.quantity - event.quantity)
    if not remaining:
        ledger.close(order)
    pairs.lowered(ledger, order)
    ledger.tell(account, OrderDecremented(event.order_id, event.symbol, event.quantity, remaining, time))


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


def _replacement(ledger: Ledger, order_id: int) -> Replacement:
    """The replace that this event answers."""
    replacement = ledger.replaces.pop(order_id, None)
    if replacement is None:
        raise ReplayError(f"an event answers a replace of order {order_id} that nobody asked for")
    return replacement
