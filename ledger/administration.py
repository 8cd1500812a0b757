"""The gate for the operator's requests: accounts, deposits and withdrawals, phases, lost connections. Pure, like gate.py."""

from __future__ import annotations

from collections import Counter
from typing import Final

from exchange.market import SYMBOLS_MAX, AccountRules, Market, SymbolRules, symbol_problems
from exchange.messages.administration import Deposit, Disconnected, Done, NewAccount, NewSymbol, PhaseRequest
from exchange.messages.base import BANK, CASH, ISSUER
from exchange.messages.journal import EngineCommand, LedgerCommand, OpenAccount, SetPhase, Transfer
from exchange.messages.requests import CancelAll, Refused
from exchange.money import MONEY_MAX, QUANTITY_MAX, format_money, parse_money
from exchange.permissions import name_problem

from . import gate, refusals
from .accounts import SYSTEM_ACCOUNTS, Ledger
from .calendar import Calendar
from .risk import owed_max

ACCOUNTS_MAX: Final = 100_000
"""Beyond it no account is opened; those that exist are not concerned."""
TEXT_LENGTH_MAX: Final = 100
"""Of a deposit's reason and key, of a phase's reason, and of a symbol's name."""

Decision = tuple[list[LedgerCommand | EngineCommand], Done] | Refused
"""Commands for the journal (none when there is nothing to do) and the answer, or why not."""


def open_account(ledger: Ledger, rules: AccountRules, request: NewAccount) -> Decision:
    """A new participant and what it starts with. One that exists already stays as it is."""
    name = request.account
    if problem := name_problem(name):
        return refusals.account_name(problem)
    if (known := ledger.accounts.get(name)) is not None:
        if known.standing == "closed":
            return account_closed(name)
        return [], Done(f"{name} has an account")
    if len(ledger.accounts) - len(SYSTEM_ACCOUNTS) >= ACCOUNTS_MAX:
        return refusals.too_many_accounts(ACCOUNTS_MAX)
    cash = parse_money(rules.cash) if request.cash is None else request.cash
    shares = rules.shares if request.shares is None else request.shares
    commands: list[LedgerCommand | EngineCommand] = [OpenAccount(name, {CASH: cash, **shares})]
    for asset, amount in ((CASH, cash), *shares.items()):
        if asset != CASH and asset not in ledger.symbols:
            return refusals.unknown_symbol(asset)
        if amount < 0:
            return refusals.amount_not_positive(asset, amount)
        if not fits(ledger, asset, amount, 1):
            return refusals.amount_too_large(asset, asset == CASH)
        if amount:
            commands.append(Transfer(asset, amount, source_of(asset), name, "endowment"))
    return commands, Done(f"{name} has an account now")


def deposit(ledger: Ledger, request: Deposit) -> Decision:
    """Cash from `$bank` or shares from `$issuer`; a negative amount goes back there."""
    asset, amount = request.asset, request.amount
    account = ledger.trader(request.account)
    if account is None:
        return refusals.unknown_account(request.account)
    if account.standing == "closed":
        return account_closed(account.name)
    for field, text in (("reason", request.reason), ("key", request.key)):
        if refused := _text_refused(field, text):
            return refused
    if request.key and request.key in ledger.transfer_keys:
        return [], Done("booked before")
    if asset != CASH and asset not in ledger.symbols:
        return refusals.unknown_symbol(asset)
    if amount == 0:
        return refusals.amount_not_positive(asset, amount)
    if not fits(ledger, asset, amount):
        return refusals.amount_too_large(asset, asset == CASH)
    if -amount > (available := account.available(asset)):
        return refusals.withdrawal_too_large(account.name, asset, asset == CASH, -amount, available)
    source, target = (source_of(asset), account.name) if amount > 0 else (account.name, source_of(asset))
    words = format_money(amount) if asset == CASH else str(amount)
    return [Transfer(asset, abs(amount), source, target, request.reason, request.key)], Done(f"{words} {asset} booked")


def set_phase(ledger: Ledger, calendar: Calendar, request: PhaseRequest, time: int) -> Decision:
    """One symbol, or all, enter a phase; or what their schedules say at this time."""
    if request.symbol and request.symbol not in ledger.symbols:
        return refusals.unknown_symbol(request.symbol)
    if refused := _text_refused("reason", request.reason):
        return refused
    if request.phase == "volatility_auction":
        return refusals.malformed("phase: a volatility_auction begins when a trade would leave the price band, and only then")
    symbols = [request.symbol] if request.symbol else sorted(ledger.symbols)
    symbols.sort(key=lambda symbol: ledger.symbols[symbol].definition.shard)
    commands: list[LedgerCommand | EngineCommand] = [
        SetPhase(symbol, request.phase or calendar.phase(symbol, time), request.reason, scheduled=request.phase is None)
        for symbol in symbols
    ]
    words = request.phase.replace("_", " ") if request.phase else "as the schedule says"
    return commands, Done(f"{', '.join(symbols)}: {words} from here on")


def add_symbol(ledger: Ledger, market: Market, calendar: Calendar, request: NewSymbol, time: int) -> Decision:
    """A symbol opens for trading, at the engine with the fewest, in the phase that its schedule says.

    It is not in the market file: the journal remembers it. Nobody has shares of it before the operator deposits some.
    """
    price, tick = format_money(request.opening_price), format_money(request.tick)
    rules = SymbolRules(request.symbol, request.name, price, tick, request.lot, request.shares_issued)
    if problem := next(symbol_problems(rules), ""):
        return refusals.malformed(problem)
    if refused := _text_refused("name", request.name):
        return refused
    if (known := ledger.symbols.get(request.symbol)) is not None:
        if known.definition == market.definition(known.definition.shard, rules):
            return [], Done(f"{request.symbol} is traded")
        return refusals.malformed(f"symbol: {request.symbol} is traded already, as {known.definition.name}, by other rules")
    if len(ledger.symbols) >= SYMBOLS_MAX:
        return refusals.malformed(f"symbol: a market has at most {SYMBOLS_MAX} symbols")
    if market.risk.mode == "limits" and not market.risk.positions.get(request.symbol, market.risk.position):
        return refusals.malformed(
            "symbol: mode limits needs a position limit for each symbol, and the market file has none for it"
        )
    shards = Counter(listing.definition.shard for listing in ledger.symbols.values())
    shard = min(range(1, market.shards + 1), key=lambda number: shards[number])
    commands: list[LedgerCommand | EngineCommand] = [market.definition(shard, rules)]
    if (phase := calendar.phase(request.symbol, time)) != "continuous":
        commands.append(SetPhase(request.symbol, phase, scheduled=True))
    return commands, Done(f"{request.symbol} is traded from here on")


def disconnected(ledger: Ledger, request: Disconnected) -> Decision:
    """The last connection of an account was lost: its orders end if it asked for that."""
    account = ledger.trader(request.account)
    if account is None:
        return refusals.unknown_account(request.account)
    if not account.cancel_on_disconnect:
        return [], Done(f"{account.name} keeps its orders")
    decision = gate.cancel_all(ledger, account, CancelAll(), "disconnected")
    if isinstance(decision, Refused):
        return decision
    cancels, concerned = decision
    return [*cancels], Done(f"{concerned} {'order' if concerned == 1 else 'orders'} of {account.name} cancelled")


def _text_refused(field: str, text: str) -> Refused | None:
    if len(text) > TEXT_LENGTH_MAX or not text.isprintable():
        return refusals.malformed(f"{field}: expected at most {TEXT_LENGTH_MAX} printable characters")
    return None


def source_of(asset: str) -> str:
    """Where all there is of an asset comes from, and goes back to."""
    return BANK if asset == CASH else ISSUER


def account_closed(account: str) -> Refused:
    """Nothing happens to it any more."""
    return Refused(refusals.ACCOUNT_CLOSED, f"the account {account} is closed")


def fits(ledger: Ledger, asset: str, amount: int, new_accounts: int = 0) -> bool:
    """Whether all there is of the asset, and with it each balance, stays countable, whatever others may come to owe."""
    issued = ledger.accounts[source_of(asset)].balances.get(asset)
    circulating = -issued.total if issued else 0
    owed = owed_max(ledger, asset, new_accounts)
    return circulating + amount + owed <= (MONEY_MAX if asset == CASH else QUANTITY_MAX)
