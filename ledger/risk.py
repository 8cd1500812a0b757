"""What accounts may have and owe beyond mode cash: position limits, and in mode limits short positions and an overdraft.

Pure, and asked only in markets that have such rules: in all others `ledger.risk` is None, and the gate compares two numbers.
"""

from __future__ import annotations

from exchange.market import Market, MarketError
from exchange.messages.base import CASH, Side
from exchange.messages.journal import DefineRisk
from exchange.messages.requests import Refused, Submit
from exchange.money import MONEY_MAX, QUANTITY_MAX, format_money

from . import refusals
from .accounts import SYSTEM_ACCOUNTS, Account, Ledger, Order


def position_max(ledger: Ledger, account: Account, symbol: str) -> int:
    """How many shares the account may have; 0 for no limit."""
    risk = ledger.risk
    if risk is None or account.name in risk.exempt:
        return 0
    return risk.positions.get(symbol, risk.position)


def owing_max(ledger: Ledger, account: Account, side: Side, symbol: str) -> int:
    """How much more than it has the account may set aside: of cash for a buy, of the symbol for a sell."""
    risk = ledger.risk
    if risk is None or risk.mode == "cash" or account.name in risk.exempt:
        return 0
    return risk.overdraft if side == "buy" else position_max(ledger, account, symbol)


def owed_max(ledger: Ledger, asset: str, new_accounts: int = 0) -> int:
    """What all accounts together may come to owe of an asset, with which those that have it could have more than was issued."""
    risk = ledger.risk
    if risk is None or risk.mode == "cash":
        return 0
    accounts = len(ledger.accounts) - len(SYSTEM_ACCOUNTS) + new_accounts
    return accounts * (risk.overdraft if asset == CASH else risk.positions.get(asset, risk.position))


def submission_refused(
    ledger: Ledger, account: Account, command: Submit, price: int, hold: int, *, bought_before: bool
) -> Refused | None:
    """The rules of means and positions for a new order, in the order of refusals.py. `bought_before`: as in gate.py."""
    side, symbol, quantity = command.side, command.symbol, command.quantity
    owing = owing_max(ledger, account, side, symbol)
    if side == "buy":
        if (limit := position_max(ledger, account, symbol)) and (
            may := limit - (having := _having(account, symbol)) - _coming(ledger, account, symbol)
        ) < quantity:
            return _position_limit(command, limit, having, may)
        if hold > (available := account.available(CASH) + owing):
            return (
                _cash_limit(command, hold, available, owing)
                if owing
                else refusals.insufficient_funds(command, price, hold, available)
            )
        return None
    if bought_before or quantity <= (available := account.available(symbol) + owing):
        return None
    if owing:
        return _position_limit(command, -owing, _having(account, symbol), available)
    return refusals.insufficient_shares(command, available)


def replace_refused(ledger: Ledger, account: Account, order: Order, wanted: Submit, hold: int) -> Refused | None:
    """The same for a replace, of which `hold` is what it needs on top and `wanted` the order as it would be."""
    symbol = wanted.symbol
    more = wanted.quantity - order.remaining
    owing = owing_max(ledger, account, wanted.side, symbol)
    if wanted.side == "buy":
        if (
            more > 0
            and (limit := position_max(ledger, account, symbol))
            and (may := limit - (having := _having(account, symbol)) - _coming(ledger, account, symbol)) < more
        ):
            return _position_limit(wanted, limit, having, may)
        if hold > (available := account.available(CASH) + owing):
            refused = refusals.more_funds(wanted, hold, available)
            return _cash_limit(wanted, hold, available, owing) if owing else refused
        return None
    if hold <= (available := account.available(symbol) + owing):
        return None
    if owing:
        return _position_limit(wanted, -owing, _having(account, symbol), available)
    return refusals.more_shares(wanted, hold, available)


def _having(account: Account, symbol: str) -> int:
    balance = account.balances.get(symbol)
    return balance.total if balance else 0


def _coming(ledger: Ledger, account: Account, symbol: str) -> int:
    """Shares that open orders may buy, and replaces in flight on top. Two of a pair buy only once."""
    coming = 0
    for order_id, order in account.orders.items():
        if order.command.side == "buy" and order.command.symbol == symbol:
            if (pair := ledger.pairs.get(order_id)) is not None and pair.second == order_id:
                continue
            coming += order.remaining
            if replacement := ledger.replaces.get(order_id):
                coming += max(0, replacement.command.quantity - replacement.command.open_quantity)
    return coming


def _position_limit(command: Submit, limit: int, having: int, may: int) -> Refused:
    verb = "bought" if command.side == "buy" else "sold"
    return refusals.for_submission(
        command,
        refusals.POSITION_LIMIT,
        f"the limit is a position of {limit} {command.symbol}; with {having}, and the open orders, "
        f"{max(may, 0)} more can be {verb}",
    )


def _cash_limit(command: Submit, needed: int, available: int, overdraft: int) -> Refused:
    return refusals.for_submission(
        command,
        refusals.CASH_LIMIT,
        f"this needs {format_money(needed)}, {format_money(available)} is available with the overdraft of "
        f"{format_money(overdraft)}",
    )


def to_define(ledger: Ledger, market: Market) -> DefineRisk | None:
    """What is different in the market file. Raises MarketError for rules that the accounts, as they are, already break."""
    wanted = market.risk_definition()
    if wanted == (ledger.risk or DefineRisk()):
        return None
    if wanted.mode == "cash":
        for name, account in ledger.accounts.items():
            owed = [asset for asset, balance in account.balances.items() if balance.held > balance.total]
            if owed and name not in SYSTEM_ACCOUNTS:
                raise MarketError(f"risk.mode: cash allows no debts, but {name} owes or may come to owe {', '.join(owed)}")
    before, ledger.risk = ledger.risk, wanted
    try:
        for source, assets in (("$bank", [CASH]), ("$issuer", list(ledger.symbols))):
            for asset in assets:
                issued = ledger.accounts[source].balances.get(asset)
                most = MONEY_MAX if asset == CASH else QUANTITY_MAX
                if owed_max(ledger, asset) - (issued.total if issued else 0) > most:
                    raise MarketError(f"risk: with such limits there could be more {asset} than can be counted")
    finally:
        ledger.risk = before
    return wanted
