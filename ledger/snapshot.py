"""The ledger's state as canonical bytes and back: the same state gives the same bytes, whatever way led to it.

Accounts, balances, symbols and orders are sorted. The bounded memories keep their order, oldest first, which is state: it
decides what is forgotten next.
"""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from exchange.messages.base import decoder, encode
from exchange.messages.journal import DefineRisk, DefineSymbol, Standing

from .accounts import Account, Balance, Ledger, Listing, Order, Replacement


class AccountState(msgspec.Struct, array_like=True):
    """An account without its open orders."""

    name: str
    report: int
    balances: list[tuple[str, int, int, int, int]]
    """(asset, total, held, cost, realized)."""
    client_order_ids: list[tuple[str, int]]
    fees: int
    standing: Standing
    endowment: dict[str, int] | None


class State(msgspec.Struct, omit_defaults=True):
    """A whole ledger. New fields go last, with a default, so that yesterday's snapshots still decode."""

    number: int
    previous: str
    time: int
    next_order_id: int
    events_through: list[tuple[int, int]]
    symbols: list[tuple[DefineSymbol, int]]
    accounts: list[AccountState]
    orders: list[Order]
    cancels: list[tuple[int, str]]
    transfer_keys: list[str]
    replaces: list[Replacement] = []
    risk: DefineRisk | None = None


_decoder = decoder(State)


def take(ledger: Ledger) -> bytes:
    """The state as canonical JSON."""
    return encode(
        State(
            ledger.number,
            ledger.previous,
            ledger.time,
            ledger.next_order_id,
            sorted(ledger.events_through.items()),
            [(listing.definition, listing.last) for _, listing in sorted(ledger.symbols.items())],
            [_account_state(account) for _, account in sorted(ledger.accounts.items())],
            [order for _, order in sorted(ledger.orders.items())],
            sorted(ledger.cancels.items()),
            list(ledger.transfer_keys),
            [replacement for _, replacement in sorted(ledger.replaces.items())],
            ledger.risk,
        )
    )


def _account_state(account: Account) -> AccountState:
    return AccountState(
        account.name,
        account.report,
        [(asset, b.total, b.held, b.cost, b.realized) for asset, b in sorted(account.balances.items())],
        list(account.client_order_ids.items()),
        account.fees,
        account.standing,
        None if account.endowment is None else dict(sorted(account.endowment.items())),
    )


def restore(content: bytes) -> Ledger:
    """The ledger of such bytes. Raises msgspec.DecodeError for those of another version."""
    state: State = _decoder.decode(content)
    ledger = Ledger()
    ledger.number = state.number
    ledger.previous = state.previous
    ledger.time = state.time
    ledger.next_order_id = state.next_order_id
    ledger.events_through = dict(state.events_through)
    ledger.symbols = {definition.symbol: Listing(definition, last) for definition, last in state.symbols}
    for row in state.accounts:
        account = ledger.accounts[row.name] = Account(row.name, row.endowment)
        account.standing = row.standing
        account.report = row.report
        account.balances = {asset: Balance(*amounts) for asset, *amounts in row.balances}
        account.client_order_ids = OrderedDict(row.client_order_ids)
        account.fees = row.fees
    for order in state.orders:
        order_id = order.command.order_id
        ledger.orders[order_id] = ledger.accounts[order.command.account].orders[order_id] = order
    ledger.cancels = dict(state.cancels)
    ledger.replaces = {replacement.command.order_id: replacement for replacement in state.replaces}
    ledger.risk = state.risk
    ledger.transfer_keys = OrderedDict.fromkeys(state.transfer_keys)
    return ledger
