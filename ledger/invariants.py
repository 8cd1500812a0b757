"""Everything that is always true of the ledger, checked slowly: by tests after each step, and by an audit."""

from __future__ import annotations

from collections import Counter

from exchange.messages.base import CASH
from exchange.messages.journal import PlaceOrder
from exchange.money import MONEY_MAX, QUANTITY_MAX, fee

from . import pairs
from .accounts import CLIENT_ORDER_IDS_MAX, SYSTEM_ACCOUNTS, TRANSFER_KEYS_MAX, Account, Ledger, Order, Pair, Replacement


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
        pair = pairs.working(ledger, order_id)
        _check_order(order, pair)
        holds[command.account, CASH if command.side == "buy" else command.symbol] += order.hold
        if replacement := ledger.replaces.get(order_id):
            _check_replacement(order, replacement, pair)
            holds[command.account, CASH if command.side == "buy" else command.symbol] += replacement.hold
    assert sum(len(account.orders) for account in ledger.accounts.values()) == len(ledger.orders)
    for pair in {pair.first: pair for pair in ledger.pairs.values()}.values():
        command = _check_pair(ledger, pair)
        holds[command.account, CASH if command.side == "buy" else command.symbol] += pair.share_hold * pair.covered

    for name, account in ledger.accounts.items():
        assert account.name == name
        for asset, balance in account.balances.items():
            assert balance.held == holds[name, asset], f"{name} holds {balance.held} {asset}, its orders {holds[name, asset]}"
            assert abs(balance.total) <= (MONEY_MAX if asset == CASH else QUANTITY_MAX)
            assert balance.held >= 0
            if name not in SYSTEM_ACCOUNTS and (ledger.risk is None or ledger.risk.mode == "cash"):
                assert balance.held <= balance.total, f"{name}: {asset} {balance}"
        assert name in SYSTEM_ACCOUNTS or all(b.total or not b.cost for b in account.balances.values()), "no shares, no cost"
        assert account.standing != "closed" or not (account.orders or any(b.total for b in account.balances.values()))
        _check_memories(ledger, account)

    assert set(ledger.cancels.values()) <= set(ledger.accounts)
    assert all(order_id < ledger.next_order_id for order_id in ledger.cancels)
    for order_id, replacement in ledger.replaces.items():
        assert order_id == replacement.command.order_id < ledger.next_order_id
        assert order_id in ledger.orders or not replacement.hold, "what has ended holds nothing"
    assert len(ledger.transfer_keys) <= TRANSFER_KEYS_MAX


def _check_pair(ledger: Ledger, pair: Pair) -> PlaceOrder:
    """The orders of a pair are alike, and one hold covers both; returns one of them."""
    members = [order for order_id in (pair.first, pair.second) if (order := ledger.orders.get(order_id))]
    keys = {order.command.order_id for order in members} | ({pair.entry} if pair.entry else set())
    assert members, "a pair has an open order"
    assert {order_id for order_id, found in ledger.pairs.items() if found is pair} == keys
    (alike,) = {(order.command.account, order.command.symbol, order.command.side) for order in members}
    if pair.entry:
        buys_later = alike[2] == "sell"
        assert all(order.remaining == order.command.quantity for order in members), "what waits has lost nothing"
        assert pair.covered == (pair.traded if buys_later else members[0].remaining)
        assert pair.traded <= members[0].remaining
        if entry := ledger.orders.get(pair.entry):
            assert (entry.command.account, entry.command.symbol) == alike[:2]
            assert entry.command.side != alike[2]
            assert entry.command.quantity - entry.remaining == pair.traded
    else:
        least = min(order.remaining for order in members)
        assert pair.covered == least or (len(members) == 1 and pair.covered <= least), "the hold is for what can be traded"
    return members[0].command


def _check_order(order: Order, pair: Pair | None) -> None:
    command = order.command
    assert 0 < order.remaining <= command.quantity
    assert 0 < command.price <= MONEY_MAX
    assert 0 <= command.stop_price <= MONEY_MAX
    assert not command.stop_price or command.kind in ("stop", "stop_limit", "trailing_stop")
    assert command.stop_price or command.kind not in ("stop", "trailing_stop"), "they end at once when they trigger"
    worst = max(order.fees.maker, order.fees.taker, 0)
    share = 1 if command.side == "sell" else command.price + fee(command.price, worst)  # Every share may be a fill of its own.
    if pair is not None:
        assert not order.hold
        assert share <= pair.share_hold, "the pair's hold is enough for both its orders"
    else:
        assert order.hold == share * order.remaining, "every remaining share has its part of the hold"


def _check_replacement(order: Order, replacement: Replacement, pair: Pair | None) -> None:
    """What is set aside covers the replace however much is filled before it."""
    wanted = replacement.command
    assert replacement.hold == wanted.hold >= 0
    assert 0 < order.remaining <= wanted.open_quantity
    if pair is not None:
        assert not replacement.hold, "the pair's hold is enough"
        return
    if order.command.side == "sell":
        per_share = 1
    else:
        per_share = wanted.price + fee(wanted.price, max(order.fees.maker, order.fees.taker, 0))
    filled = wanted.open_quantity - order.remaining
    for filled_since in (filled, wanted.open_quantity):
        left = (wanted.open_quantity - filled_since) * order.hold // order.remaining
        assert per_share * (wanted.quantity - filled_since) <= left + replacement.hold


def _check_memories(ledger: Ledger, account: Account) -> None:
    known = account.client_order_ids
    assert len(known) <= CLIENT_ORDER_IDS_MAX
    for order_id, order in account.orders.items():
        assert known[order.command.client_order_id] == order_id, "an open order is found by its client's id"
    assert all(0 < order_id < ledger.next_order_id for order_id in known.values())
    assert len(account.recent) <= account.report
    assert not account.unsent or account in ledger.reporting
