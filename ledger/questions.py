"""Answers about the live state of an account, and of the ledger as a whole."""

from __future__ import annotations

from itertools import islice
from typing import Final

from exchange.digest import digest
from exchange.messages.account import OpenOrder, Portfolio, Position, ReportsAnswer
from exchange.messages.administration import AccountInfo, Accounts, AccountsQuestion, LedgerState
from exchange.messages.base import CASH, encode
from exchange.messages.requests import Refused

from . import pairs, profit, refusals, snapshot
from .accounts import SYSTEM_ACCOUNTS, Account, Balance, Ledger, Listing, Order
from .requests import NOT_DECODED, Waiting, decode_account_question, decode_accounts_question, decode_reports_question

PORTFOLIO: Final = "portfolio"
REPORTS: Final = "reports"
ADMIN_PORTFOLIO: Final = "admin.portfolio"
ADMIN_ACCOUNTS: Final = "admin.accounts"
ADMIN_DIGEST: Final = "admin.digest"
ADMIN_QUESTIONS: Final = (ADMIN_PORTFOLIO, ADMIN_ACCOUNTS, ADMIN_DIGEST)
QUESTIONS: Final = (PORTFOLIO, REPORTS, *ADMIN_QUESTIONS)

ACCOUNTS_LISTED_MAX: Final = 200
"""In one answer."""

ORDERS_LISTED_MAX: Final = 2_000
"""Open orders in one portfolio, so that it fits into a message; older ones are counted."""


def answer(ledger: Ledger, question: Waiting) -> bytes:
    """Answer one of QUESTIONS as of the last journal batch."""
    verb, name, after = question.verb, question.account, 0
    try:
        if verb == ADMIN_PORTFOLIO:
            name = decode_account_question(question.payload).account
        elif verb == REPORTS:
            after = decode_reports_question(question.payload).after
        elif verb == ADMIN_ACCOUNTS:
            return encode(accounts(ledger, decode_accounts_question(question.payload or b"{}")))
    except NOT_DECODED as error:
        return encode(refusals.malformed(str(error)))
    if verb == ADMIN_DIGEST:
        return encode(state(ledger))
    account = ledger.trader(name)
    if account is None:
        return encode(refusals.unknown_account(name))
    return encode(reports_after(account, after) if verb == REPORTS else portfolio(ledger, account))


def portfolio(ledger: Ledger, account: Account) -> Portfolio:
    """Cash, positions and open orders."""
    cash = account.balances[CASH]
    orders = list(account.orders.values())
    listed = orders[-ORDERS_LISTED_MAX:]
    return Portfolio(
        account.name,
        cash.total,
        cash.held,
        [
            _position(symbol, balance, ledger.symbols[symbol])
            for symbol, balance in sorted(account.balances.items())
            if symbol != CASH and balance.total
        ],
        [_open_order(ledger, order) for order in listed],
        account.report,
        ledger.time,
        len(orders) - len(listed),
        _realized(account),
        account.fees,
        _equity(ledger, account),
        account.standing,
    )


def accounts(ledger: Ledger, question: AccountsQuestion) -> Accounts | Refused:
    """A page of the traders' accounts. Accounts are never forgotten, so that their order is always the same."""
    if not 1 <= question.limit <= ACCOUNTS_LISTED_MAX or question.after < 0:
        return refusals.malformed(f"limit, after: expected 1 to {ACCOUNTS_LISTED_MAX}, and 0 or more accounts to leave out")
    traders = (a for n, a in ledger.accounts.items() if n not in SYSTEM_ACCOUNTS and n.startswith(question.prefix))
    page = list(islice(traders, question.after, question.after + question.limit + 1))
    return Accounts([_account_info(ledger, account) for account in page[: question.limit]], len(page) <= question.limit)


def _account_info(ledger: Ledger, account: Account) -> AccountInfo:
    cash, equity = account.balances[CASH].total, _equity(ledger, account)
    return AccountInfo(account.name, account.standing, cash, equity, _realized(account), account.fees, len(account.orders))


def _equity(ledger: Ledger, account: Account) -> int:
    return sum(b.total if asset == CASH else ledger.symbols[asset].price * b.total for asset, b in account.balances.items())


def _realized(account: Account) -> int:
    return sum(balance.realized for balance in account.balances.values())


def _position(symbol: str, balance: Balance, listing: Listing) -> Position:
    average, gain = profit.average_cost(balance), profit.unrealized(balance, listing)
    return Position(symbol, balance.total, balance.held, listing.price, balance.cost, average, gain, balance.realized)


def _open_order(ledger: Ledger, order: Order) -> OpenOrder:
    command = order.command
    pair = pairs.working(ledger, command.order_id)
    return OpenOrder(
        command.order_id,
        command.client_order_id,
        command.symbol,
        command.side,
        command.price,
        command.quantity,
        order.remaining,
        command.kind,
        command.tif,
        order.time,
        command.stop_price,
        command.trail,
        command.trail_basis_points,
        command.expires,
        command.post_only,
        command.display,
        command.self_trade,
        0 if pair is None else pairs.partner(pair, command.order_id),
        0 if pair is None else pair.entry,
    )


def reports_after(account: Account, after: int) -> ReportsAnswer:
    """The newest reports as far as they are in memory."""
    first = account.report - len(account.recent) + 1
    complete = first - 1 <= after <= account.report
    reports = list(account.recent)[max(0, after + 1 - first) :]
    return ReportsAnswer(account.report - len(reports) + 1, reports, complete)


def state(ledger: Ledger) -> LedgerState:
    """Where the ledger stands and the digest of all of it."""
    return LedgerState(ledger.number, dict(sorted(ledger.events_through.items())), digest(snapshot.take(ledger)))
