"""The gate: decides what a trader's command becomes. Pure: it reads the ledger and changes nothing.

`submit`, `cancel` and `cancel_all` are ladders of checks in the order of refusals.py; what comes out at the end cannot fail.
conditions.py has the part of `submit` that few orders need, groups.py what two or three orders need together, replacing.py the
ladder of a replace.
"""

from __future__ import annotations

from exchange.messages.base import CASH, CLIENT_ORDER_ID_LENGTH_MAX
from exchange.messages.events import CancelReason
from exchange.messages.journal import CancelOrder, PlaceOrder
from exchange.messages.requests import Accepted, Cancel, CancelAll, Refused, Submit
from exchange.money import MONEY_MAX

from . import refusals, risk
from .accounts import Account, Ledger, Listing
from .condition_refusals import price_unexpected
from .conditions import Conditions, EndOfDay, conditions, with_conditions
from .phase_refusals import price_outside_band
from .prices import cost_max, protection


def submit(
    ledger: Ledger,
    account: Account,
    command: Submit,
    open_orders_max: int,
    time: int,
    end_of_day: EndOfDay,
    *,
    bought_before: bool = False,
) -> PlaceOrder | Refused:
    """The order with its id, price and hold, in a batch of this time. A known client order id is answered before.

    `bought_before`: what it sells comes from another order that has ended by then, so that nobody need have it now.
    """
    client_order_id = command.client_order_id
    if not 0 < len(client_order_id) <= CLIENT_ORDER_ID_LENGTH_MAX or not client_order_id.isprintable():
        return refusals.client_order_id(command)
    symbol, side, quantity = command.symbol, command.side, command.quantity
    listing = ledger.symbols.get(symbol)
    if listing is None:
        return refusals.unknown_symbol(symbol, command)
    definition = listing.definition
    if quantity <= 0 or quantity % definition.lot or quantity > definition.order_quantity_max:
        return refusals.quantity(command, listing.definition)
    kind, tif = command.kind, command.tif
    more: Conditions | None = None
    stop_price = 0
    if (
        (kind != "limit" and (kind != "market" or tif == "fok"))
        or tif not in ("gtc", "ioc", "fok")
        or listing.phase != "continuous"
        or command.expires
        or command.post_only
        or command.display
        or command.stop_price is not None
        or command.trail is not None
        or command.trail_basis_points is not None
    ):  # Nearly all orders have nothing of this.
        found = conditions(command, listing, time, end_of_day)
        if isinstance(found, Refused):
            return found
        more, tif, stop_price = found, found.tif, found.stop_price
    elif kind == "market":
        tif = "ioc"
    price = command.price
    if kind != "limit" or price is None or not listing.price_min <= price <= listing.price_max or price % definition.tick:
        decided = _price(command, listing, stop_price)
        if isinstance(decided, Refused):
            return decided
        price = decided
    cost = cost_max(price, quantity, listing.fee_max)
    if cost > MONEY_MAX:
        return refusals.value_too_large(command, price)
    if len(account.orders) >= open_orders_max:
        return refusals.too_many_open_orders(command, open_orders_max)
    hold = cost if side == "buy" else quantity  # The fee of a sale is taken from its proceeds, which it never exceeds.
    if ledger.risk is not None:
        refused = risk.submission_refused(ledger, account, command, price, hold, bought_before=bought_before)
        if refused is not None:
            return refused
    elif side == "buy":
        if hold > (available := account.available(CASH)):
            return refusals.insufficient_funds(command, price, hold, available)
    elif not bought_before and hold > (available := account.available(symbol)):
        return refusals.insufficient_shares(command, available)
    order_id, self_trade = ledger.next_order_id, command.self_trade or account.self_trade
    placed = PlaceOrder(
        order_id, account.name, client_order_id, symbol, side, quantity, price, hold, kind, tif, self_trade=self_trade
    )
    return placed if more is None else with_conditions(placed, command, more)


def _price(command: Submit, listing: Listing, stop_price: int) -> int | Refused:
    """The worst price at which the order may trade."""
    price, kind = command.price, command.kind
    if kind == "stop" or kind == "trailing_stop":  # A market order from there on.
        return protection(command.side, stop_price, listing) if price is None else price_unexpected(command)
    if price is None:
        return protection(command.side, listing.price, listing) if kind == "market" else refusals.price_missing(command)
    if price <= 0 or price % listing.definition.tick or price > MONEY_MAX:
        return refusals.price(command, price, listing.definition.tick)
    if kind == "limit" and not listing.price_min <= price <= listing.price_max:
        return price_outside_band(command, price, listing.price_min, listing.price_max)
    if kind == "market":  # A protection of the trader's own counts as far as it is tighter than the market's.
        market = protection(command.side, listing.price, listing)
        return min(price, market) if command.side == "buy" else max(price, market)
    return price


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


def cancel_all(
    ledger: Ledger, account: Account, command: CancelAll, reason: CancelReason = "owner"
) -> tuple[list[CancelOrder], int] | Refused:
    """The cancels that the journal does not have yet, shard by shard, and how many open orders the command concerns."""
    if command.symbol and command.symbol not in ledger.symbols:
        return refusals.unknown_symbol(command.symbol)
    orders = [order.command for order in account.orders.values() if command.symbol in ("", order.command.symbol)]
    orders.sort(key=lambda order: ledger.symbols[order.symbol].definition.shard)
    cancels = [
        CancelOrder(order.order_id, account.name, order.symbol, reason)
        for order in orders
        if order.order_id not in ledger.cancels
    ]
    return cancels, len(orders)
