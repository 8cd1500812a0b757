"""The life of an account after it was opened: frozen, unfrozen, reset to what it started with, closed. Pure, like gate.py.

Every decision is commands in the journal, so that a replay does the same. Reset and close need an account without open
orders: whoever wants them freezes it first, which cancels all of them, and waits for the engines to have answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from exchange.market import AccountRules
from exchange.messages.administration import AccountChange, Done
from exchange.messages.base import CASH, CLIENT_ORDER_ID_LENGTH_MAX
from exchange.messages.journal import EngineCommand, LedgerCommand, ResetAccount, SetStanding, Transfer
from exchange.messages.reports import AccountChanged
from exchange.messages.requests import CancelAll, Refused
from exchange.money import parse_money
from exchange.stage import ReplayError

from . import gate, refusals
from .accounts import Account, Ledger
from .administration import TEXT_LENGTH_MAX, Decision, account_closed, fits, source_of

ENDOWMENT: Final = "endowment"


def not_active(account: Account, client_order_id: str = "") -> Refused:
    """An order or a replace of an account that may not trade."""
    client_order_id = refusals.clip(client_order_id, CLIENT_ORDER_ID_LENGTH_MAX)
    if account.standing == "closed":
        return Refused(refusals.ACCOUNT_CLOSED, f"the account {account.name} is closed", client_order_id)
    return Refused(refusals.ACCOUNT_FROZEN, f"the account {account.name} is frozen; ask the operator", client_order_id)


def _freeze(ledger: Ledger, account: Account, rules: AccountRules, reason: str) -> Decision:
    if account.standing == "frozen":
        return [], Done(f"{account.name} was frozen before")
    found = gate.cancel_all(ledger, account, CancelAll())
    assert not isinstance(found, Refused), "there is no symbol that could be unknown"
    cancels, concerned = found
    commands: list[LedgerCommand | EngineCommand] = [SetStanding(account.name, "frozen", reason), *cancels]
    return commands, Done(f"{account.name} is frozen; {concerned or 'no'} open order{'' if concerned == 1 else 's'} to cancel")


def _unfreeze(ledger: Ledger, account: Account, rules: AccountRules, reason: str) -> Decision:
    if account.standing == "active":
        return [], Done(f"{account.name} was not frozen")
    return [SetStanding(account.name, "active", reason)], Done(f"{account.name} may trade again")


def _reset(ledger: Ledger, account: Account, rules: AccountRules, reason: str) -> Decision:
    if account.orders:
        return _open_orders(account)
    endowment = account.endowment
    if endowment is None:
        endowment = {CASH: parse_money(rules.cash), **rules.shares}
    commands = _give_back(account, "reset")
    for asset, amount in endowment.items():
        balance = account.balances.get(asset)
        if not fits(ledger, asset, amount - (balance.total if balance else 0)):
            return refusals.amount_too_large(asset, asset == CASH)
        if amount:
            commands.append(Transfer(asset, amount, source_of(asset), account.name, ENDOWMENT))
    return [*commands, ResetAccount(account.name)], Done(f"{account.name} has what it started with")


def _close(ledger: Ledger, account: Account, rules: AccountRules, reason: str) -> Decision:
    if account.orders:
        return _open_orders(account)
    return [*_give_back(account, "closed"), SetStanding(account.name, "closed", reason)], Done(f"{account.name} is closed")


def _give_back(account: Account, reason: str) -> list[LedgerCommand | EngineCommand]:
    """Transfers after which the account has nothing and owes nothing."""
    commands: list[LedgerCommand | EngineCommand] = []
    for asset, balance in sorted(account.balances.items()):
        amount, source = balance.total, source_of(asset)
        if amount > 0:
            commands.append(Transfer(asset, amount, account.name, source, reason))
        elif amount < 0:
            commands.append(Transfer(asset, -amount, source, account.name, reason))
    return commands


def _open_orders(account: Account) -> Refused:
    orders = len(account.orders)
    words = f"{orders} open order{'' if orders == 1 else 's'}"
    return Refused(refusals.OPEN_ORDERS, f"{account.name} has {words}; freeze the account, which cancels them, and ask again")


Change = Callable[[Ledger, Account, AccountRules, str], Decision]


def _decide(change: Change) -> Callable[[Ledger, AccountRules, AccountChange], Decision]:
    def decide(ledger: Ledger, rules: AccountRules, request: AccountChange) -> Decision:
        account, reason = ledger.trader(request.account), request.reason
        if account is None:
            return refusals.unknown_account(request.account)
        if len(reason) > TEXT_LENGTH_MAX or not reason.isprintable():
            return refusals.malformed(f"reason: expected at most {TEXT_LENGTH_MAX} printable characters")
        if account.standing == "closed":
            return account_closed(account.name)
        return change(ledger, account, rules, reason)

    return decide


DECIDE: Final = {
    "admin.freeze": _decide(_freeze),
    "admin.unfreeze": _decide(_unfreeze),
    "admin.reset": _decide(_reset),
    "admin.close": _decide(_close),
}
"""The operator's request → what becomes of it."""


def set_standing(ledger: Ledger, command: SetStanding, time: int) -> None:
    """Apply it. Raises ReplayError for what `DECIDE` would not have decided."""
    account = ledger.trader(command.account)
    if account is None or account.standing in ("closed", command.standing) or (command.standing == "closed" and account.orders):
        raise ReplayError(f"account {command.account} cannot become {command.standing}")
    account.standing = command.standing
    ledger.tell(account, AccountChanged(command.standing, False, command.reason, time))


def reset_account(ledger: Ledger, command: ResetAccount, time: int) -> None:
    """Apply it: what the account has is what it was given. Raises ReplayError."""
    account = ledger.trader(command.account)
    if account is None or account.orders:
        raise ReplayError(f"account {command.account} cannot be reset")
    account.fees = 0
    for balance in account.balances.values():
        balance.realized = 0
    ledger.tell(account, AccountChanged(account.standing, True, "", time))
