"""The gate: decides what a trader's command becomes. Pure: it reads the ledger and changes nothing.

`submit`, `cancel` and `cancel_all` are ladders of checks in the order of refusals.py; what comes out at the end cannot fail.
"""

from __future__ import annotations

from exchange.messages import (
    CASH,
    CLIENT_ORDER_ID_LENGTH_MAX,
    Accepted,
    Cancel,
    CancelAll,
    CancelOrder,
    PlaceOrder,
    Refused,
    Submit,
)
from exchange.money import BASIS_POINTS, MONEY_MAX, fee

from . import refusals
from .accounts import Account, Ledger, Listing


def duplicate(account: Account, command: Submit) -> Accepted | None:
    """The answer for a client order id that was accepted before, whatever the rest of the command says now."""
    order_id = account.client_order_ids.get(command.client_order_id)
    return None if order_id is None else Accepted(order_id, command.client_order_id, duplicate=True)


def submit(ledger: Ledger, account: Account, command: Submit, open_orders_max: int) -> PlaceOrder | Refused:
    """The order with its id, price and hold. `duplicate` comes before."""
    client_order_id = command.client_order_id
    if not 0 < len(client_order_id) <= CLIENT_ORDER_ID_LENGTH_MAX or not client_order_id.isprintable():
        return refusals.client_order_id(command)
    symbol, side, quantity = command.symbol, command.side, command.quantity
    listing = ledger.symbols.get(symbol)
    if listing is None:
        return refusals.unknown_symbol(symbol, command)
    definition = listing.definition
    if quantity <= 0:
        return refusals.quantity_not_positive(command)
    if quantity % definition.lot:
        return refusals.quantity_off_lot(command, definition.lot)
    if quantity > definition.order_quantity_max:
        return refusals.quantity_too_large(command, definition.order_quantity_max)
    price = _price(command, listing)
    if isinstance(price, Refused):
        return price
    cost = cost_max(price, quantity, listing.fee_max)
    if cost > MONEY_MAX:
        return refusals.value_too_large(command, price)
    if len(account.orders) >= open_orders_max:
        return refusals.too_many_open_orders(command, open_orders_max)
    if side == "buy":
        hold = cost
        if hold > (available := account.available(CASH)):
            return refusals.insufficient_funds(command, price, hold, available)
    else:
        hold = quantity  # The fee of a sale is taken from its proceeds, which it never exceeds.
        if hold > (available := account.available(symbol)):
            return refusals.insufficient_shares(command, available)
    kind = command.kind
    tif = "ioc" if kind == "market" else command.tif
    return PlaceOrder(ledger.next_order_id, account.name, client_order_id, symbol, side, quantity, price, hold, kind, tif)


def cost_max(price: int, quantity: int, fee_max: int) -> int:
    """What buying can cost at most, fees included.

    Each fill's fee is rounded up, and every share may be a fill of its own: so the fee is that of one share, times shares.
    That makes the hold the same for every share, to be released share by share without a remainder.
    """
    return (price + fee(price, fee_max)) * quantity if fee_max else price * quantity


def _price(command: Submit, listing: Listing) -> int | Refused:
    """The worst price at which the order may trade."""
    price = command.price
    tick = listing.definition.tick
    if price is None:
        return protection(command, listing) if command.kind == "market" else refusals.price_missing(command)
    if price <= 0:
        return refusals.price_not_positive(command, price)
    if price % tick:
        return refusals.price_off_tick(command, price, tick)
    if price > MONEY_MAX:
        return refusals.price_too_large(command, price)
    if command.kind == "market":  # A protection of the trader's own counts as far as it is tighter than the market's.
        market = protection(command, listing)
        return min(price, market) if command.side == "buy" else max(price, market)
    return price


def protection(command: Submit, listing: Listing) -> int:
    """How far from the last price a market order may trade: rounded to the tick that is still within, at least one tick."""
    definition = listing.definition
    tick = definition.tick
    if command.side == "buy":
        price = listing.price * (BASIS_POINTS + definition.protection) // BASIS_POINTS // tick * tick
    else:
        price = -(-listing.price * (BASIS_POINTS - definition.protection) // BASIS_POINTS // tick) * tick
    return max(price, tick)


def cancel(ledger: Ledger, account: Account, command: Cancel) -> CancelOrder | Accepted | Refused:
    """The cancel of one order; Accepted at once when the journal has one for it already, so that a repetition is harmless."""
    if not command.order_id and not command.client_order_id:
        return refusals.malformed("a cancel names its order by order_id or by client_order_id")
    order_id = command.order_id or account.client_order_ids.get(command.client_order_id, 0)
    order = account.orders.get(order_id)
    if order is None:
        return refusals.unknown_order(command)
    if order_id in ledger.cancels:
        return Accepted(order_id, order.command.client_order_id)
    return CancelOrder(order_id, account.name, order.command.symbol)


def cancel_all(ledger: Ledger, account: Account, command: CancelAll) -> tuple[list[CancelOrder], int] | Refused:
    """The cancels that the journal does not have yet, shard by shard, and how many open orders the command concerns."""
    if command.symbol and command.symbol not in ledger.symbols:
        return refusals.unknown_symbol(command.symbol)
    orders = [order.command for order in account.orders.values() if command.symbol in ("", order.command.symbol)]
    orders.sort(key=lambda order: ledger.symbols[order.symbol].definition.shard)
    cancels = [
        CancelOrder(order.order_id, account.name, order.symbol) for order in orders if order.order_id not in ledger.cancels
    ]
    return cancels, len(orders)
