"""Answers about the live state of an account, and of the ledger as a whole."""

from __future__ import annotations

from typing import Final

from exchange.digest import digest
from exchange.messages.account import OpenOrder, Portfolio, Position, ReportsAnswer
from exchange.messages.administration import LedgerState
from exchange.messages.base import CASH, encode

from . import pairs, profit, refusals, snapshot
from .accounts import Account, Balance, Ledger, Listing, Order
from .requests import NOT_DECODED, Waiting, decode_account_question, decode_reports_question

PORTFOLIO: Final = "portfolio"
REPORTS: Final = "reports"
ADMIN_PORTFOLIO: Final = "admin.portfolio"
ADMIN_DIGEST: Final = "admin.digest"
QUESTIONS: Final = (PORTFOLIO, REPORTS, ADMIN_PORTFOLIO, ADMIN_DIGEST)

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
        sum(balance.realized for balance in account.balances.values()),
        account.fees,
        cash.total + sum(ledger.symbols[s].price * b.total for s, b in account.balances.items() if s != CASH),
        account.standing,
    )


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
