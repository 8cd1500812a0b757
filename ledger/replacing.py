"""The gate's decision about a replace. Pure, like gate.py: whatever is to be changed is checked as for a new order.

The order keeps the fees it was accepted with, so that its hold stays the same for every share.
"""

from __future__ import annotations

from exchange.messages.base import CASH
from exchange.messages.journal import ReplaceOrder
from exchange.messages.requests import Refused, Replace, Submit
from exchange.money import MONEY_MAX

from . import phases, refusals, risk
from .accounts import Account, Ledger, Listing, Order, Pair
from .condition_refusals import price_of_market_order, price_unexpected, stop_price_triggered
from .conditions import STOPS, stop_price_refused
from .group_refusals import hold_exceeded, quantity_fixed
from .phase_refusals import price_outside_band
from .prices import cost_max, protection, replaced_hold


def replace(ledger: Ledger, account: Account, command: Replace) -> ReplaceOrder | Refused:
    """What the engine is asked for, and what is set aside until it answers."""
    if not command.order_id and not command.client_order_id:
        return refusals.malformed("a replace names its order by order_id or by client_order_id")
    order_id = command.order_id or account.client_order_ids.get(command.client_order_id, 0)
    order = account.orders.get(order_id)
    if order is None:
        return refusals.unknown_order(command)
    wanted = _wanted(order, command)
    if order_id in ledger.replaces:
        return refusals.replace_pending(wanted)
    listing = ledger.symbols[wanted.symbol]
    if refused := phases.stopped(wanted, listing):
        return refused
    pair = ledger.pairs.get(order_id)
    prices = _prices(order, command, wanted, listing, pair)
    if isinstance(prices, Refused):
        return prices
    price, stop_price = prices
    fee_max = max(order.fees.maker, order.fees.taker, 0)
    if cost_max(price, wanted.quantity, fee_max) > MONEY_MAX:
        return refusals.value_too_large(wanted, price)
    if pair is not None and pair.entry != order_id:  # It has no hold of its own.
        if wanted.side == "buy" and cost_max(price, 1, fee_max) > pair.share_hold:
            return hold_exceeded(wanted, pair.share_hold)
        hold = 0
    else:
        hold = _hold(order, wanted.quantity, price)
    asset = CASH if wanted.side == "buy" else wanted.symbol
    if ledger.risk is not None:
        if (refused := risk.replace_refused(ledger, account, order, wanted, hold)) is not None:
            return refused
    elif hold > (available := account.available(asset)):
        return (refusals.more_funds if asset == CASH else refusals.more_shares)(wanted, hold, available)
    return ReplaceOrder(order_id, account.name, wanted.symbol, wanted.quantity, order.remaining, price, hold, stop_price)


def _wanted(order: Order, command: Replace) -> Submit:
    """The order that the replace wants, as if it were submitted."""
    placed = order.command
    return Submit(
        placed.client_order_id,
        placed.symbol,
        placed.side,
        order.remaining if command.quantity is None else command.quantity,
        placed.kind,
        placed.price if command.price is None else command.price,
        placed.tif,
        placed.stop_price if command.stop_price is None else command.stop_price,
    )


def _prices(order: Order, command: Replace, wanted: Submit, listing: Listing, pair: Pair | None) -> tuple[int, int] | Refused:
    """The complete price and stop price. Only what is to be changed is checked: rules may have changed since."""
    placed, kind = order.command, wanted.kind
    if (wanted.quantity, wanted.price, wanted.stop_price) == (order.remaining, placed.price, placed.stop_price):
        return refusals.nothing_to_change(wanted)
    if pair is not None and wanted.quantity != order.remaining:
        return quantity_fixed(wanted)
    definition, quantity = listing.definition, command.quantity
    if quantity is not None and (quantity <= 0 or quantity % definition.lot or quantity > definition.order_quantity_max):
        return refusals.quantity(wanted, definition)
    price, stop_price = placed.price, placed.stop_price
    if command.stop_price is not None:
        if not stop_price and kind in STOPS:
            return stop_price_triggered(wanted)
        if refused := stop_price_refused(wanted, listing):
            return refused
        stop_price = command.stop_price
        if kind == "stop":
            price = protection(wanted.side, stop_price, listing)
    if command.price is None:
        return price, stop_price
    if kind == "market":
        return price_of_market_order(wanted)
    if kind == "stop" or kind == "trailing_stop":
        return price_unexpected(wanted)
    if command.price <= 0 or command.price % definition.tick or command.price > MONEY_MAX:
        return refusals.price(wanted, command.price, definition.tick)
    within = listing.price_min <= command.price <= listing.price_max
    if kind == "limit" and command.price != placed.price and not within:
        return price_outside_band(wanted, command.price, listing.price_min, listing.price_max)
    return command.price, stop_price


def _hold(order: Order, quantity: int, price: int) -> int:
    """Enough for every outcome, however much of the order is filled before the engine replaces it.

    With n shares filled before, the order still holds old x (open - n) and needs new x (quantity - n): the difference is
    largest when nothing is filled, or everything.
    """
    new = replaced_hold(order, price)
    return max(0, new * quantity - order.hold, new * (quantity - order.remaining))
