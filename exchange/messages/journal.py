"""The journal: ledger → engines, historian; stream JOURNAL."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from .base import Kind, Message, Phase, SelfTrade, Side, TimeInForce
from .events import CancelReason


class Fees(msgspec.Struct, frozen=True, omit_defaults=True):
    """Fees in basis points of a trade's value; a negative maker fee is a rebate."""

    maker: int = 0
    taker: int = 0


class DefineSymbol(Message, frozen=True):
    """A symbol opens for trading, or its rules change from here on. The market file, as the log remembers it."""

    symbol: str
    name: str
    shard: int
    tick: int
    """Smallest price step."""
    lot: int
    """Smallest quantity step."""
    opening_price: int
    """Reference for protection and for profit and loss until the first trade."""
    shares_issued: int = 0
    fees: Fees = Fees()
    protection: int = 500
    """How far from the last price a market order may trade, in basis points."""
    order_quantity_max: int = 1_000_000
    order_band: int = 0
    """How far from the reference price a limit may be, in basis points; 0 for no bound."""
    trade_band: int = 0
    """How far from the reference price a trade may be, in basis points; one that would be farther starts a volatility auction
    instead. 0 for no bound."""
    reference_seconds: int = 60
    """The reference price becomes the last trade price so often, and at each auction the auction's price."""
    volatility_auction_seconds: int = 60
    """How long a volatility auction lasts."""


class PlaceOrder(Message, frozen=True):
    """An accepted order. `price` is always set: a market order carries its protection price."""

    order_id: int
    account: str
    client_order_id: str
    symbol: str
    side: Side
    quantity: int
    price: int
    hold: int
    """Set aside until the order ends: cash (worst price and fee) for a buy, shares for a sell."""
    kind: Kind = "limit"
    tif: TimeInForce = "gtc"
    stop_price: int = 0
    """Kinds stop, stop_limit and trailing_stop (as it stands at first): `price` is what the order becomes when it triggers."""
    trail: int = 0
    trail_basis_points: int = 0
    expires: int = 0
    """tif day and gtd: it ends with the first journal batch whose time is this or later."""
    post_only: bool = False
    display: int = 0
    self_trade: SelfTrade = "allow"


class ReplaceOrder(Message, frozen=True):
    """An accepted replace; the engine answers Replaced, or ReplaceRefused if the order ended or was filled meanwhile."""

    order_id: int
    account: str
    symbol: str
    quantity: int
    """New open quantity, as seen from the ledger …"""
    open_quantity: int
    """… which knew of this much open: what was filled since is taken off `quantity`; nothing left means ReplaceRefused."""
    price: int
    hold: int
    """Set aside on top of what the order has, from now until the engine's answer: enough for every outcome."""
    stop_price: int = 0


class CancelOrder(Message, frozen=True):
    """An accepted cancel; the engine answers Cancelled, or CancelRefused if the order ended meanwhile."""

    order_id: int
    account: str
    symbol: str
    reason: CancelReason = "owner"


class PlaceOco(Message, frozen=True):
    """An accepted OCO pair; the holds of the orders in it are 0."""

    limit: PlaceOrder
    stop: PlaceOrder
    hold: int
    """For both: the same for each remaining share."""

    @property
    def symbol(self) -> str:
        """Of both."""
        return self.limit.symbol


class PlaceBracket(Message, frozen=True):
    """An accepted bracket; the entry has its own hold, those of the legs in it are 0."""

    entry: PlaceOrder
    take_profit: PlaceOrder
    stop_loss: PlaceOrder
    hold: int
    """For both legs, the same for each share, where they buy. Where they sell, it is the shares that the entry has bought."""

    @property
    def symbol(self) -> str:
        """Of all three."""
        return self.entry.symbol


class SetPhase(Message, frozen=True):
    """A symbol's day goes on: by its schedule, or because an operator says so.

    Those that its schedule demands stand first in their batch, before orders expire with it: a day order takes part in the
    closing auction.
    """

    symbol: str
    phase: Phase
    reason: str = ""
    """In words, for the public: why it is halted."""
    scheduled: bool = False


class OpenAccount(Message, frozen=True):
    """A new participant. What it is given follows in transfers."""

    account: str
    endowment: dict[str, int] | None = None
    """Asset → amount that it starts with, also after a reset; None in the logs of older programs."""


Standing = Literal["active", "frozen", "closed"]


class SetStanding(Message, frozen=True):
    """An account may trade (active), not for now, or never again. The cancels of its open orders stand in the same batch."""

    account: str
    standing: Standing
    reason: str = ""


class ResetAccount(Message, frozen=True):
    """An account begins anew with its endowment, which the transfers before have given it: profit and loss count from here."""

    account: str


class DefineRisk(Message, frozen=True):
    """What accounts may owe from here on. The market file, as the log remembers it; without one it is mode cash."""

    mode: Literal["cash", "limits"] = "cash"
    """cash: nobody has less than nothing. limits: positions within ± their limit, and cash down to minus `overdraft`."""
    overdraft: int = 0
    position: int = 0
    """Shares of any one symbol; 0 for no limit (mode cash only)."""
    positions: dict[str, int] = msgspec.field(default_factory=dict)
    """The same for some symbols."""
    exempt: list[str] = msgspec.field(default_factory=list)
    """Accounts, sorted, that have no limits but may not owe anything: the market's own bots."""


class Transfer(Message, frozen=True):
    """`amount` of an asset moves from one account to another; deposits come from `$bank`, share issues from `$issuer`."""

    asset: str
    amount: int
    source: str
    target: str
    reason: str = ""
    key: str = ""
    """Idempotency: a transfer with a key that was used before is not made again."""


class SetAccountRules(Message, frozen=True):
    """What an account wants of all its orders from here on."""

    account: str
    self_trade: SelfTrade
    cancel_on_disconnect: bool


EngineCommand = DefineSymbol | PlaceOrder | ReplaceOrder | CancelOrder | PlaceOco | PlaceBracket | SetPhase
"""What a group of an engine's shard holds."""
LedgerCommand = OpenAccount | Transfer | SetStanding | ResetAccount | DefineRisk | SetAccountRules
"""What a group of shard LEDGER_GROUP holds."""
LEDGER_GROUP: Final = 0
"""The group number of commands that concern no engine. Engines' shards count from 1."""


class Group(msgspec.Struct, frozen=True):
    """A run of commands for one shard. Groups stand in the order in which the ledger accepted them."""

    shard: int
    commands: msgspec.Raw
    """list[EngineCommand], or list[LedgerCommand] where shard is LEDGER_GROUP."""


class RefusalRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A refused submission, kept so that history can say why."""

    account: str
    reason: str
    detail: str = ""
    client_order_id: str = ""
    symbol: str = ""
    side: str = ""
    quantity: int = 0
    price: int = 0


class JournalBatch(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message of JOURNAL: everything the ledger accepted in one turn of its loop."""

    number: int
    """Equals the stream sequence."""
    time: int
    """Of every command in the batch; strictly increases from batch to batch."""
    previous: str
    """`digest` of the payload of the batch before, as in exchange/digest.py; empty in batch 1."""
    events_through: dict[int, int]
    """Per shard, the number of the last event batch that the ledger had applied before it took these commands."""
    groups: list[Group] = []
    refusals: list[RefusalRecord] = []
    rate_refusals: int = 0
    """Refusals for too high a rate are only counted."""
