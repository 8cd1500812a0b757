"""Two orders under one hold: OCO pairs, and the legs of a bracket while they wait for their entry and after.

The engine keeps the two orders of a pair equal, event by event; the ledger frees the hold with the first event that lowers what
both can still trade, and all of it when the last of the two has ended. What legs will sell is what their entry buys: set aside
share by share as it is bought, so that nobody sells it elsewhere meanwhile.
"""

from __future__ import annotations

from msgspec.structs import replace

from exchange.messages.base import CASH
from exchange.messages.events import Activated
from exchange.messages.reports import OrderActivated
from exchange.stage import ReplayError

from .accounts import Balance, Ledger, Order, Pair
from .risk import owing_max


def link(ledger: Ledger, pair: Pair) -> None:
    """Remember a new pair, whose orders are open, and set its hold aside. Raises ReplayError if the account has less."""
    for order_id in (pair.first, pair.second, pair.entry):
        if order_id:
            ledger.pairs[order_id] = pair
    order = ledger.orders[pair.first]
    balance, command = _balance(ledger, order), order.command
    covered, pair.covered = pair.covered, 0
    _cover(pair, balance, covered)
    if balance.held > balance.total + owing_max(ledger, ledger.accounts[command.account], command.side, command.symbol):
        raise ReplayError(f"the pair of order {pair.first} sets aside more than its account has")


def working(ledger: Ledger, order_id: int) -> Pair | None:
    """The pair that an order is one of, be it waiting or not; None for others, also for an entry that a pair waits for."""
    pair = ledger.pairs.get(order_id)
    return None if pair is None or pair.entry == order_id else pair


def partner(pair: Pair, order_id: int) -> int:
    """Id of the other one."""
    return pair.second if order_id == pair.first else pair.first


def traded(ledger: Ledger, order: Order, quantity: int) -> None:
    """An order has traded, and ended if nothing remains of it."""
    pair = ledger.pairs.get(order.command.order_id)
    if pair is None:
        return
    if pair.entry != order.command.order_id:
        lowered(ledger, order)
        return
    pair.traded += quantity
    if order.command.side == "buy":
        _cover(pair, ledger.accounts[order.command.account].balance(order.command.symbol), pair.traded)


def lowered(ledger: Ledger, order: Order) -> None:
    """An order has less left, perhaps nothing."""
    pair = working(ledger, order.command.order_id)
    if pair is None:
        return
    if pair.entry:
        raise ReplayError(f"order {order.command.order_id} waits for order {pair.entry} and cannot lose anything")
    _cover(pair, _balance(ledger, order), min(pair.covered, order.remaining))
    if not order.remaining:
        ended(ledger, order)


def ended(ledger: Ledger, order: Order) -> None:
    """An order is open no longer. An entry is kept in mind until its legs are told what it traded."""
    order_id = order.command.order_id
    pair = working(ledger, order_id)
    if pair is None:
        return
    del ledger.pairs[order_id]
    if partner(pair, order_id) not in ledger.pairs:
        _cover(pair, _balance(ledger, order), 0)
        ledger.pairs.pop(pair.entry, None)


def activate(ledger: Ledger, order: Order, event: Activated, time: int) -> None:
    """The entry has ended: a leg works from here on, with what the entry traded. Raises ReplayError if that is not so."""
    order_id = event.order_id
    pair = working(ledger, order_id)
    if pair is None or not pair.entry or pair.entry in ledger.orders or event.quantity != pair.traded:
        raise ReplayError(f"order {order_id} is activated with {event.quantity}, which is not what it waits for")
    order.command = replace(order.command, quantity=event.quantity)
    order.remaining = event.quantity
    _cover(pair, _balance(ledger, order), event.quantity)
    if order_id == pair.second:
        del ledger.pairs[pair.entry]
        pair.entry = 0
    ledger.tell(ledger.accounts[order.command.account], OrderActivated(order_id, event.symbol, event.quantity, time))


def _cover(pair: Pair, balance: Balance, shares: int) -> None:
    """From here on the hold is that of so many shares."""
    balance.held += (shares - pair.covered) * pair.share_hold
    pair.covered = shares


def _balance(ledger: Ledger, order: Order) -> Balance:
    """Of what an order of a pair gives away."""
    command = order.command
    return ledger.accounts[command.account].balance(CASH if command.side == "buy" else command.symbol)
