"""The ledger's state as canonical bytes and back: the same state gives the same bytes, whatever way led to it.

Accounts, balances, symbols and orders are sorted. The bounded memories keep their order, oldest first, which is state: it
decides what is forgotten next.
"""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from exchange.messages.base import Phase, SelfTrade, decoder, encode
from exchange.messages.journal import DefineRisk, DefineSymbol, Standing

from .accounts import SELF_TRADE, Account, Balance, Ledger, Listing, Order, Pair, Replacement


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


class AccountRulesState(msgspec.Struct, array_like=True):
    """The rules of an account that has asked for others than it was opened with."""

    name: str
    self_trade: SelfTrade
    cancel_on_disconnect: bool


class PhaseState(msgspec.Struct, array_like=True):
    """Where a symbol's day stands, for those that are not simply continuous at their opening price."""

    symbol: str
    phase: Phase
    reason: str
    scheduled: Phase
    commanded: Phase | None
    reference: int


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
    pairs: list[Pair] = []
    phases: list[PhaseState] = []
    account_rules: list[AccountRulesState] = []


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
            [pair for _, pair in sorted({pair.first: pair for pair in ledger.pairs.values()}.items())],
            [state for _, listing in sorted(ledger.symbols.items()) if (state := _phase_state(listing)) is not None],
            [
                AccountRulesState(name, account.self_trade, account.cancel_on_disconnect)
                for name, account in sorted(ledger.accounts.items())
                if account.cancel_on_disconnect or account.self_trade != SELF_TRADE
            ],
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


def _phase_state(listing: Listing) -> PhaseState | None:
    definition = listing.definition
    state = PhaseState(
        definition.symbol,
        listing.phase,
        listing.phase_reason,
        listing.scheduled,
        listing.commanded,
        listing.reference,
    )
    usual = PhaseState(definition.symbol, "continuous", "", "continuous", None, definition.opening_price)
    return None if state == usual else state


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
    for pair in state.pairs:
        open_orders = (order_id for order_id in (pair.first, pair.second) if order_id in ledger.orders)
        ledger.pairs |= dict.fromkeys((*open_orders, *([pair.entry] if pair.entry else [])), pair)
    for day in state.phases:
        listing = ledger.symbols[day.symbol]
        listing.phase, listing.phase_reason = day.phase, day.reason
        listing.scheduled, listing.commanded = day.scheduled, day.commanded
        listing.move_reference(day.reference)
    for rules in state.account_rules:
        account = ledger.accounts[rules.name]
        account.self_trade, account.cancel_on_disconnect = rules.self_trade, rules.cancel_on_disconnect
    return ledger
