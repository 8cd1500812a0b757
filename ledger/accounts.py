"""The ledger's state: accounts and their balances, open orders, symbols, and how far it contains the logs.

Cash is an asset like any other. Besides the traders there are three system accounts whose balances make the sum of every
asset over all accounts zero: `$bank` (minus all cash in circulation), `$issuer` (minus all shares) and `$fees`.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final

import msgspec

from exchange.messages.base import BANK, CASH, FEES, ISSUER, Phase, SelfTrade
from exchange.messages.journal import DefineRisk, DefineSymbol, Fees, PlaceOrder, ReplaceOrder, Standing
from exchange.messages.reports import Report
from exchange.money import MONEY_MAX

from .bands import band

SYSTEM_ACCOUNTS: Final = (BANK, ISSUER, FEES)
CLIENT_ORDER_IDS_MAX: Final = 10_000
"""Client order ids remembered per account. Beyond it the oldest is forgotten, but never that of an open order."""
TRANSFER_KEYS_MAX: Final = 10_000
"""Keys of transfers remembered, over all accounts. Beyond it the oldest is forgotten."""
RECENT_REPORTS_MAX: Final = 256
"""Reports in memory per account for filling gaps. Beyond it the oldest is dropped, and who missed it asks for the portfolio."""
SELF_TRADE: Final[SelfTrade] = "cancel_newest"
"""What happens to orders that do not say, of accounts that do not either: nobody trades with themselves by mistake."""


class Balance(msgspec.Struct, gc=False):
    """What an account has of one asset; `held` of it is set aside for open orders."""

    total: int = 0
    held: int = 0
    cost: int = 0
    """Of shares: what they were bought for; see profit.py."""
    realized: int = 0
    """Of shares: what selling them gained, before fees, since the account was opened or reset."""


class Order(msgspec.Struct, gc=False):
    """An open order."""

    command: PlaceOrder
    """The order as the journal has it, with what was changed since: a replace changes quantity, price and stop price, a
    decrement takes off its quantity, and one that has triggered has no stop price any more. Of its quantity, what does not
    remain was filled."""
    fees: Fees
    """Those in force when it was accepted: its hold was computed from them, so they stay, also when it is replaced."""
    time: int
    remaining: int
    hold: int
    """What is left of the hold: the same for each remaining share. A pending replace has a hold of its own."""


class Replacement(msgspec.Struct, gc=False):
    """A replace that no event has answered yet."""

    command: ReplaceOrder
    hold: int
    """Set aside on top of the order's; 0 when the order has ended meanwhile."""


class Pair(msgspec.Struct, gc=False):
    """Two orders of which one is to be filled, under one hold; see pairs.py. The holds of the orders themselves are 0."""

    first: int
    """Id of the limit order, or of the take profit …"""
    second: int
    """… and of the stop order."""
    share_hold: int
    """Set aside for each share, enough for both: cash for a buy, the share itself for a sell."""
    covered: int
    """For how many shares. While the pair works: for what both can still trade. While it waits for an entry that buys: for what
    that has bought so far; for one that sells: for all that it may sell."""
    entry: int = 0
    """Id of the order of a bracket for whose end the pair waits; 0 for a pair that works."""
    traded: int = 0
    """By the entry, so far."""


class Listing:
    """A symbol that can be traded."""

    __slots__ = (
        "commanded",
        "definition",
        "fee_max",
        "last",
        "phase",
        "phase_reason",
        "price_max",
        "price_min",
        "reference",
        "scheduled",
    )

    def __init__(self, definition: DefineSymbol, last: int = 0) -> None:
        self.last = last
        """Price of the last trade, 0 before the first."""
        self.phase: Phase = "continuous"
        """As the engine told last: a moment later than it is."""
        self.phase_reason = ""
        """Why, in words."""
        self.scheduled: Phase = "continuous"
        """What the journal holds of the schedule."""
        self.commanded: Phase | None = None
        """What an operator has commanded since; ended by the schedule's next phase, a halt only by a resume."""
        self.reference = definition.opening_price
        """The reference price as the engine told it last; see price bands in engine/bands.py."""
        self.define(definition)

    def define(self, definition: DefineSymbol) -> None:
        """Rules from here on."""
        self.definition = definition
        self.fee_max = max(definition.fees.maker, definition.fees.taker, 0)
        """The worst fee a new order can meet, in basis points."""
        self.move_reference(self.reference)

    def move_reference(self, price: int) -> None:
        """The reference price from here on, and with it the limits that a new order may have."""
        self.reference = price
        definition = self.definition
        self.price_min, self.price_max = 1, MONEY_MAX
        if definition.order_band:
            self.price_min, self.price_max = band(price, definition.order_band, definition.tick)

    @property
    def price(self) -> int:
        """Of the last trade, or the opening price before the first."""
        return self.last or self.definition.opening_price


class Account:
    """A participant or a system account."""

    __slots__ = (
        "balances",
        "cancel_on_disconnect",
        "client_order_ids",
        "endowment",
        "fees",
        "name",
        "orders",
        "recent",
        "report",
        "self_trade",
        "standing",
        "unsent",
    )

    def __init__(self, name: str, endowment: dict[str, int] | None = None) -> None:
        self.name = name
        self.endowment = endowment
        """Asset → amount that it starts with; None if nobody wrote that down."""
        self.standing: Standing = "active"
        self.balances: dict[str, Balance] = {CASH: Balance()}
        self.orders: dict[int, Order] = {}
        """Open orders by id, oldest first."""
        self.client_order_ids: OrderedDict[str, int] = OrderedDict()
        """The client's ids of its newest orders, open or not → order id; see CLIENT_ORDER_IDS_MAX."""
        self.fees = 0
        """Paid since the account was opened or reset, less rebates."""
        self.report = 0
        """Number of the last report."""
        self.recent: deque[Report] = deque(maxlen=RECENT_REPORTS_MAX)
        """The newest reports. Not part of the state: a recovery starts without those before its snapshot."""
        self.unsent: list[Report] = []
        """Reports of this turn. Not part of the state."""
        self.self_trade: SelfTrade = SELF_TRADE
        """For orders that do not say themselves."""
        self.cancel_on_disconnect = False
        """Whether its orders end when its last connection is lost."""

    def balance(self, asset: str) -> Balance:
        """Of an asset, for a change: made if it is new."""
        found = self.balances.get(asset)
        if found is None:
            found = self.balances[asset] = Balance()
        return found

    def available(self, asset: str) -> int:
        """What can be spent or sold."""
        balance = self.balances.get(asset)
        return 0 if balance is None else balance.total - balance.held


class Ledger:
    """The whole state. Changed by the journal's commands (commands.py) and by events (settlement.py), by nothing else."""

    def __init__(self) -> None:
        self.accounts = {name: Account(name) for name in SYSTEM_ACCOUNTS}
        self.orders: dict[int, Order] = {}
        """All open orders by id."""
        self.cancels: dict[int, str] = {}
        """Order id → account of the cancels that no event has answered yet; one per order."""
        self.replaces: dict[int, Replacement] = {}
        """Order id → the replace that no event has answered yet; one per order."""
        self.pairs: dict[int, Pair] = {}
        """Order id → its pair, for each open order of one, and for the entry that a pair waits for, open or ended."""
        self.symbols: dict[str, Listing] = {}
        self.risk: DefineRisk | None = None
        """None for the plainest and fastest: mode cash without position limits; see risk.py."""
        self.transfer_keys: OrderedDict[str, None] = OrderedDict()
        self.next_order_id = 1
        self.number = 0
        """Of the last journal batch."""
        self.previous = ""
        """Digest of the last journal batch."""
        self.time = 0
        """Of the last journal batch."""
        self.events_through: dict[int, int] = {}
        """Shard → number of the last event batch applied; shards that never sent any are missing."""
        self.reporting: list[Account] = []
        """Accounts with unsent reports, in the order of their first. Not part of the state."""

    def trader(self, name: str) -> Account | None:
        """An account that may trade and ask; None for system accounts as for unknown ones."""
        return None if name in SYSTEM_ACCOUNTS else self.accounts.get(name)

    def tell(self, account: Account, report: Report) -> None:
        """Number a report and keep it; whoever leads sends it at the end of the turn."""
        account.report += 1
        account.recent.append(report)
        if not account.unsent:
            self.reporting.append(account)
        account.unsent.append(report)

    def close(self, order: Order) -> None:
        """An order ended: what is left of its hold is free again, to the unit, and that of a replace that comes too late."""
        command = order.command
        account = self.accounts[command.account]
        released = order.hold
        if self.replaces and (replacement := self.replaces.get(command.order_id)):
            released += replacement.hold
            replacement.hold = 0
        account.balances[CASH if command.side == "buy" else command.symbol].held -= released
        del account.orders[command.order_id]
        del self.orders[command.order_id]
