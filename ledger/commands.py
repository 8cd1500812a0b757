"""Applies the journal's commands to the ledger. The leader does so right after its gate, a replay does the same later.

Raises ReplayError for a command that no gate could have let through: that journal was not written from this state.
"""

from __future__ import annotations

from typing import assert_never

from exchange.messages.base import CASH
from exchange.messages.journal import (
    CancelOrder,
    DefineRisk,
    DefineSymbol,
    EngineCommand,
    LedgerCommand,
    OpenAccount,
    PlaceBracket,
    PlaceOco,
    PlaceOrder,
    ReplaceOrder,
    ResetAccount,
    SetAccountRules,
    SetPhase,
    SetStanding,
    Transfer,
)
from exchange.messages.reports import OrderAccepted, Transferred
from exchange.stage import ReplayError

from . import account_life, pairs
from .accounts import (
    CLIENT_ORDER_IDS_MAX,
    SYSTEM_ACCOUNTS,
    TRANSFER_KEYS_MAX,
    Account,
    Ledger,
    Listing,
    Order,
    Pair,
    Replacement,
)
from .profit import move
from .risk import owing_max


def apply(ledger: Ledger, command: EngineCommand | LedgerCommand, time: int) -> None:
    """One command of a journal batch of this time."""
    match command:
        case PlaceOrder():
            place_order(ledger, command, time)
        case CancelOrder():
            cancel_order(ledger, command)
        case ReplaceOrder():
            replace_order(ledger, command)
        case Transfer():
            transfer(ledger, command, time)
        case OpenAccount():
            if command.account in ledger.accounts:
                raise ReplayError(f"account {command.account} is opened twice")
            ledger.accounts[command.account] = Account(command.account, command.endowment)
        case DefineSymbol():
            define_symbol(ledger, command)
        case SetStanding():
            account_life.set_standing(ledger, command, time)
        case ResetAccount():
            account_life.reset_account(ledger, command, time)
        case DefineRisk():
            ledger.risk = None if command == DefineRisk() else command
        case PlaceOco():
            place_oco(ledger, command, time)
        case PlaceBracket():
            place_bracket(ledger, command, time)
        case SetPhase():
            set_phase(ledger, command)
        case SetAccountRules():
            account = ledger.trader(command.account)
            if account is None:
                raise ReplayError(f"{command.account}, which is no trader's account, is given rules")
            account.self_trade, account.cancel_on_disconnect = command.self_trade, command.cancel_on_disconnect
        case _:
            assert_never(command)


def place_order(ledger: Ledger, command: PlaceOrder, time: int, pair: int = 0, entry: int = 0) -> None:
    """Open the order, set its hold aside and remember its client's id; `pair` and `entry` are for the report."""
    order_id = command.order_id
    account = ledger.accounts.get(command.account)
    listing = ledger.symbols.get(command.symbol)
    if account is None or listing is None or order_id != ledger.next_order_id:
        raise ReplayError(
            f"order {order_id} of {command.account} in {command.symbol} does not fit: {ledger.next_order_id} is next"
        )
    balance = account.balances[CASH] if command.side == "buy" else account.balance(command.symbol)
    balance.held += command.hold
    if balance.held > balance.total + owing_max(ledger, account, command.side, command.symbol):
        raise ReplayError(f"order {order_id} sets aside more than {command.account} has")
    ledger.next_order_id = order_id + 1
    order = Order(command, listing.definition.fees, time, command.quantity, command.hold)
    ledger.orders[order_id] = account.orders[order_id] = order
    _remember(ledger, account, command.client_order_id, order_id)
    ledger.tell(
        account,
        OrderAccepted(
            order_id,
            command.client_order_id,
            command.symbol,
            command.side,
            command.quantity,
            command.price,
            time,
            command.kind,
            command.tif,
            command.stop_price,
            command.trail,
            command.trail_basis_points,
            command.expires,
            command.post_only,
            command.display,
            command.self_trade,
            pair,
            entry,
        ),
    )


def place_oco(ledger: Ledger, command: PlaceOco, time: int) -> None:
    """Open both orders under one hold."""
    _place_pair(ledger, command.limit, command.stop, command.hold, time)


def place_bracket(ledger: Ledger, command: PlaceBracket, time: int) -> None:
    """Open the entry, and the legs, which wait for its end."""
    place_order(ledger, command.entry, time)
    _place_pair(ledger, command.take_profit, command.stop_loss, command.hold, time, command.entry)


def _place_pair(
    ledger: Ledger, first: PlaceOrder, second: PlaceOrder, hold: int, time: int, entry: PlaceOrder | None = None
) -> None:
    """Legs that sell what their entry will buy have no hold yet; each share that it buys becomes one."""
    waits_for = 0 if entry is None else entry.order_id
    bought_later = entry is not None and entry.side == "buy"
    share_hold, rest = (1, hold) if bought_later else divmod(hold, first.quantity)
    same = (second.account, second.symbol, second.side, second.quantity)
    if rest or first.hold or second.hold or same != (first.account, first.symbol, first.side, first.quantity):
        raise ReplayError(f"orders {first.order_id} and {second.order_id} are no pair")
    place_order(ledger, first, time, second.order_id, waits_for)
    place_order(ledger, second, time, first.order_id, waits_for)
    covered = 0 if bought_later else first.quantity
    pairs.link(ledger, Pair(first.order_id, second.order_id, share_hold, covered, waits_for))


def set_phase(ledger: Ledger, command: SetPhase) -> None:
    """Remember what the schedule or an operator wants of the symbol. Its phase is what the engine tells."""
    listing = ledger.symbols.get(command.symbol)
    if listing is None:
        raise ReplayError(f"{command.symbol}, which is not traded here, is to enter a phase")
    if command.scheduled:
        listing.scheduled, listing.commanded = command.phase, None
    else:
        listing.commanded = command.phase


def _remember(ledger: Ledger, account: Account, client_order_id: str, order_id: int) -> None:
    known = account.client_order_ids
    known[client_order_id] = order_id
    while len(known) > CLIENT_ORDER_IDS_MAX:
        oldest, oldest_id = known.popitem(last=False)
        if oldest_id in ledger.orders:  # Open orders are fewer than the bound, so that this ends.
            known[oldest] = oldest_id


def cancel_order(ledger: Ledger, command: CancelOrder) -> None:
    """Remember who asked, for the event that answers. The order stays as it is until then."""
    order = ledger.orders.get(command.order_id)
    if order is None or order.command.account != command.account or command.order_id in ledger.cancels:
        raise ReplayError(f"the cancel of order {command.order_id} by {command.account} does not fit")
    ledger.cancels[command.order_id] = command.account


def replace_order(ledger: Ledger, command: ReplaceOrder) -> None:
    """Set aside what the replace may need on top, until the event that answers. The order stays as it is until then."""
    order_id = command.order_id
    order = ledger.orders.get(order_id)
    if (
        order is None
        or (order.command.account, order.command.symbol) != (command.account, command.symbol)
        or order.remaining != command.open_quantity
        or order_id in ledger.replaces
        or command.hold < 0
    ):
        raise ReplayError(f"the replace of order {order_id} by {command.account} does not fit")
    account = ledger.accounts[command.account]
    balance = account.balance(CASH if order.command.side == "buy" else command.symbol)
    balance.held += command.hold
    if balance.held > balance.total + owing_max(ledger, account, order.command.side, command.symbol):
        raise ReplayError(f"the replace of order {order_id} sets aside more than {command.account} has")
    ledger.replaces[order_id] = Replacement(command, command.hold)


def transfer(ledger: Ledger, command: Transfer, time: int) -> None:
    """Move an amount between two accounts, unless its key says that this was done before."""
    if command.key:
        if command.key in ledger.transfer_keys:
            return
        ledger.transfer_keys[command.key] = None
        if len(ledger.transfer_keys) > TRANSFER_KEYS_MAX:
            ledger.transfer_keys.popitem(last=False)
    for name, amount in ((command.source, -command.amount), (command.target, command.amount)):
        account = ledger.accounts.get(name)
        if account is None:
            raise ReplayError(f"a transfer names {name}, which is no account")
        balance = account.balance(command.asset)
        if command.asset != CASH and name not in SYSTEM_ACCOUNTS:
            if (listing := ledger.symbols.get(command.asset)) is None:
                raise ReplayError(f"a transfer of {command.asset}, which is no symbol")
            move(balance, amount, amount * listing.price)
        balance.total += amount
        if name not in SYSTEM_ACCOUNTS:
            ledger.tell(account, Transferred(command.asset, amount, command.reason, time))


def define_symbol(ledger: Ledger, command: DefineSymbol) -> None:
    """A new symbol, or new rules for the orders to come."""
    listing = ledger.symbols.get(command.symbol)
    if listing is None:
        ledger.symbols[command.symbol] = Listing(command)
    else:
        listing.define(command)
