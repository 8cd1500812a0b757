"""Everything that is always true of the ledger, checked slowly: by tests after each step, and by an audit."""

from __future__ import annotations

from collections import Counter

from exchange.messages import CASH
from exchange.money import MONEY_MAX, QUANTITY_MAX, fee

from .accounts import CLIENT_ORDER_IDS_MAX, SYSTEM_ACCOUNTS, TRANSFER_KEYS_MAX, Account, Ledger, Order


def check(ledger: Ledger) -> None:
    """Assert every invariant."""
    # Nothing comes from nowhere: each asset sums to zero over all accounts.
    sums: Counter[str] = Counter()
    for account in ledger.accounts.values():
        for asset, balance in account.balances.items():
            sums[asset] += balance.total
    assert not any(sums.values()), f"assets that do not sum to zero: {sums}"

    # Each open order stands under its id, once in its account, and has what it may still cost set aside.
    holds: Counter[tuple[str, str]] = Counter()
    for order_id, order in ledger.orders.items():
        command = order.command
        assert order_id == command.order_id < ledger.next_order_id
        assert ledger.accounts[command.account].orders[order_id] is order
        _check_order(order)
        holds[command.account, CASH if command.side == "buy" else command.symbol] += order.hold
    assert sum(len(account.orders) for account in ledger.accounts.values()) == len(ledger.orders)

    for name, account in ledger.accounts.items():
        assert account.name == name
        for asset, balance in account.balances.items():
            assert balance.held == holds[name, asset], f"{name} holds {balance.held} {asset}, its orders {holds[name, asset]}"
            assert abs(balance.total) <= (MONEY_MAX if asset == CASH else QUANTITY_MAX)
            assert name in SYSTEM_ACCOUNTS or 0 <= balance.held <= balance.total, f"{name}: {asset} {balance}"
        _check_memories(ledger, account)

    assert set(ledger.cancels.values()) <= set(ledger.accounts)
    assert all(order_id < ledger.next_order_id for order_id in ledger.cancels)
    assert len(ledger.transfer_keys) <= TRANSFER_KEYS_MAX


def _check_order(order: Order) -> None:
    command = order.command
    assert 0 < order.remaining <= command.quantity
    if command.side == "sell":
        assert order.hold == order.remaining
    else:
        worst = max(order.fees.maker, order.fees.taker, 0)
        assert order.hold * command.quantity == command.hold * order.remaining, "every remaining share has its part of the hold"
        assert order.hold >= command.price * order.remaining + fee(command.price * order.remaining, worst)


def _check_memories(ledger: Ledger, account: Account) -> None:
    known = account.client_order_ids
    assert len(known) <= CLIENT_ORDER_IDS_MAX
    for order_id, order in account.orders.items():
        assert known[order.command.client_order_id] == order_id, "an open order is found by its client's id"
    assert all(0 < order_id < ledger.next_order_id for order_id in known.values())
    assert len(account.recent) <= account.report
    assert not account.unsent or account in ledger.reporting
