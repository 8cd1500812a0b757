"""The gate's decision about groups of orders: OCO pairs and brackets. Pure, like gate.py.

Each order of a group is looked at as if it came alone; then how they fit together. What the legs of a bracket sell is what its
entry buys, so nobody needs to have it before.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from msgspec.structs import replace

from exchange.messages.journal import PlaceBracket, PlaceOco, PlaceOrder
from exchange.messages.requests import Accepted, Bracket, Oco, Refused, Submit

from . import gate, refusals
from . import group_refusals as sentences
from .accounts import Account, Ledger
from .conditions import RESTING, STOPS, EndOfDay

ORDERS_MAX: Final = 3
"""In one group."""


def orders_of(group: Oco | Bracket) -> dict[str, Submit]:
    """The orders of a group by their names in it; the first one's client order id stands for all."""
    if isinstance(group, Oco):
        return {"limit": group.limit, "stop": group.stop}
    return {"entry": group.entry, "take_profit": group.take_profit, "stop_loss": group.stop_loss}


def duplicate(account: Account, group: Oco | Bracket) -> Accepted | None:
    """The answer for a group whose first order's client id was accepted before."""
    orders = orders_of(group)
    client_order_id = next(iter(orders.values())).client_order_id
    order_id = account.client_order_ids.get(client_order_id)
    return None if order_id is None else Accepted(order_id, client_order_id, duplicate=True, orders=len(orders))


def place(
    ledger: Ledger, account: Account, group: Oco | Bracket, open_orders_max: int, time: int, end_of_day: EndOfDay
) -> PlaceOco | PlaceBracket | tuple[Refused, Submit]:
    """The orders with their ids and the pair's hold; or why not, and which order it is about. `duplicate` comes before."""
    orders = orders_of(group)
    first = next(iter(orders.values()))
    look = partial(gate.submit, ledger, account, time=time, end_of_day=end_of_day)
    placed: list[PlaceOrder] = []
    names = {first.client_order_id}
    for role, order in orders.items():
        leg_that_sells = isinstance(group, Bracket) and order is not first and first.side == "buy"
        found = look(order, open_orders_max=open_orders_max - len(orders) + 1, bought_before=leg_that_sells)
        if order is not first and (order.client_order_id in account.client_order_ids or order.client_order_id in names):
            found = sentences.known(order)
        if isinstance(found, Refused):
            if found.reason == refusals.TOO_MANY_OPEN_ORDERS:
                found = refusals.too_many_open_orders(order, open_orders_max)
            return sentences.of_order(role, first, found), order
        names.add(order.client_order_id)
        placed.append(replace(found, order_id=found.order_id + len(placed)))
    if refused := _oco_refused(group) if isinstance(group, Oco) else _bracket_refused(group):
        return refused, first
    limit, stop = (replace(order, hold=0) for order in placed[-2:])
    hold = max(order.hold for order in placed[-2:])
    if isinstance(group, Oco):
        return PlaceOco(limit, stop, hold)
    return PlaceBracket(placed[0], limit, stop, 0 if first.side == "buy" else hold)


def _oco_refused(group: Oco) -> Refused | None:
    limit, stop = group.limit, group.stop
    if limit.symbol != stop.symbol:
        return sentences.symbols(limit)
    if limit.side != stop.side:
        return sentences.sides_of_oco(limit)
    return _pair_refused(limit, limit, stop, ("limit", "stop"))


def _bracket_refused(group: Bracket) -> Refused | None:
    entry, legs = group.entry, (group.take_profit, group.stop_loss)
    if any(leg.symbol != entry.symbol for leg in legs):
        return sentences.symbols(entry)
    if any(leg.side == entry.side for leg in legs):
        return sentences.sides_of_bracket(entry)
    return _pair_refused(entry, *legs, ("take_profit", "stop_loss"))


def _pair_refused(first: Submit, limit: Submit, stop: Submit, roles: tuple[str, str]) -> Refused | None:
    if not first.quantity == limit.quantity == stop.quantity:
        return sentences.quantities(first)
    if limit.kind != "limit":
        return sentences.limit_kind(first, roles[0], limit.kind)
    if stop.kind not in STOPS:
        return sentences.stop_kind(first, roles[1], stop.kind)
    if limit.tif not in RESTING or (limit.tif, limit.expires) != (stop.tif, stop.expires):
        return sentences.time_in_force(first)
    return None
