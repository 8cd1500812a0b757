"""Every message that travels: requests, the journal, events, reports, public data and questions.

Messages are JSON objects with a `type`; defaults are omitted, so `nats sub 'market.>'` stays readable. New fields go last, with
a default, so that yesterday's logs still decode. Prices and money are integers in 1/10 000 of the currency, quantities
are whole shares, times are nanoseconds since 1970 (UTC) as stamped by the ledger's leader.

The order of the sections is the way of an order: request → journal → events → reports and public data.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeVar

import msgspec

Side = Literal["buy", "sell"]
Kind = Literal["limit", "market", "stop", "stop_limit", "trailing_stop"]
TimeInForce = Literal["gtc", "day", "gtd", "ioc", "fok"]
SelfTrade = Literal["allow", "cancel_newest", "cancel_oldest", "cancel_both", "decrement"]
"""What happens when an order would trade with another of the same account."""
Liquidity = Literal["maker", "taker"]

CASH: Final = "CASH"
BANK: Final = "$bank"  # Where deposited cash comes from; its balance is minus all cash in circulation.
ISSUER: Final = "$issuer"  # Where shares come from; its balance is minus all shares in circulation.
FEES: Final = "$fees"

COMMANDS_PER_REQUEST_MAX: Final = 100
CLIENT_ORDER_ID_LENGTH_MAX: Final = 36
ACCOUNT_PATTERN: Final = r"^[a-z0-9][a-z0-9_-]{0,31}$"
SYMBOL_PATTERN: Final = r"^[A-Z][A-Z0-9]{0,11}$"


class Message(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag_field="type", tag=str.lower):
    """Base of every message; the `type` on the wire is the class name in lower case."""


# ── Requests: trader → ledger, on orders.<account> ────────────────────────────────────────────────────────────────


class Submit(Message, frozen=True):
    """A new order. Sent again with the same `client_order_id` it is answered, never placed twice."""

    client_order_id: str
    symbol: str
    side: Side
    quantity: int
    kind: Kind = "limit"
    price: int | None = None
    """The limit. For a market order an optional protection price; without one the market's own protection applies."""
    tif: TimeInForce = "gtc"
    """Time in force. A market order is `ioc`, whatever this says, and refused with `fok`. Of a stop: how long it waits."""
    stop_price: int | None = None
    """Kinds stop and stop_limit: the trade price at which (a buy: or above, a sell: or below) the order becomes a market or a
    limit order."""
    trail: int | None = None
    """Kind trailing_stop: how far the stop price stays behind the best trade price since, in money …"""
    trail_basis_points: int | None = None
    """… or in basis points of it."""
    expires: int = 0
    """tif gtd: when the order ends, in nanoseconds since 1970."""
    post_only: bool = False
    """Never takes: cancelled instead of trading at once."""
    display: int = 0
    """Iceberg: at most so much is shown at a time; each refresh goes to the back of the queue. 0 shows all."""
    self_trade: SelfTrade | None = None
    """Overrides the market's rule."""


class Replace(Message, frozen=True):
    """Change an open order's price or open quantity. Less quantity at the same price keeps its place in the queue."""

    order_id: int = 0
    client_order_id: str = ""
    """Names the order, as in Cancel."""
    quantity: int | None = None
    """New open quantity; what was filled stays filled."""
    price: int | None = None
    """New limit; for a stop order that has not triggered its limit (stop_limit), see `stop_price` for the trigger."""
    stop_price: int | None = None


class Cancel(Message, frozen=True):
    """Cancel one open order, named by its id or by the client's own id."""

    order_id: int = 0
    client_order_id: str = ""


class CancelAll(Message, frozen=True):
    """Cancel every open order of the account, or those of one symbol."""

    symbol: str = ""


Command = Submit | Replace | Cancel | CancelAll
Request = Command | list[Command]
"""One command, or up to COMMANDS_PER_REQUEST_MAX of them; the answer has the same shape."""


class Accepted(Message, frozen=True):
    """The journal holds the command. What becomes of it is told by reports."""

    order_id: int = 0
    """The order's id; 0 for a CancelAll."""
    client_order_id: str = ""
    duplicate: bool = False
    """True when this client order id had been accepted before: this is that order, nothing new was placed."""
    orders: int = 1
    """How many orders the command concerned (a CancelAll concerns many)."""


class Refused(Message, frozen=True):
    """The command or question changed nothing, and why."""

    reason: str
    """A word a program can test, for example `insufficient_funds`; see ledger/refusals.py."""
    detail: str = ""
    """The same for people: "buying 100 KRYP at 20.60 needs 2060.00, 1000.00 is available"."""
    client_order_id: str = ""


Outcome = Accepted | Refused
Reply = Outcome | list[Outcome]


# ── The journal: ledger → engines, historian; stream JOURNAL ──────────────────────────────────────────────────────


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


class OpenAccount(Message, frozen=True):
    """A new participant."""

    account: str


class Transfer(Message, frozen=True):
    """`amount` of an asset moves from one account to another; deposits come from `$bank`, share issues from `$issuer`."""

    asset: str
    amount: int
    source: str
    target: str
    reason: str = ""
    key: str = ""
    """Idempotency: a transfer with a key that was used before is not made again."""


EngineCommand = DefineSymbol | PlaceOrder | ReplaceOrder | CancelOrder
"""What a group of an engine's shard holds."""
LedgerCommand = OpenAccount | Transfer
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


# ── Events: engine → ledger, historian, ticks; stream EVENTS_<shard> ──────────────────────────────────────────────


class Rested(Message, frozen=True):
    """(The rest of) an order went into the book, behind all others at its price."""

    order_id: int
    symbol: str
    side: Side
    price: int
    quantity: int


class Traded(Message, frozen=True):
    """Two orders met at the maker's price."""

    symbol: str
    trade_id: int
    """1, 2, 3 … per symbol, without gaps."""
    maker_order_id: int
    taker_order_id: int
    price: int
    quantity: int
    side: Side
    """The aggressor's side."""


class Cancelled(Message, frozen=True):
    """An order ended with `quantity` unfilled. `reason`: see CancelReason."""

    order_id: int
    symbol: str
    quantity: int
    reason: CancelReason


class CancelRefused(Message, frozen=True):
    """A cancel came too late: the order was not open any more."""

    order_id: int
    symbol: str


class Triggered(Message, frozen=True):
    """A stop order became a market or limit order; what that does follows at once."""

    order_id: int
    symbol: str
    price: int
    """The stop price as it stood (a trailing one has moved)."""


class Replaced(Message, frozen=True):
    """An order has a new price or quantity."""

    order_id: int
    symbol: str
    side: Side
    price: int
    quantity: int
    """Open now, before what the new price trades at once, which follows."""
    kept_place: bool
    """Whether it kept its place in the queue; otherwise Traded and Rested follow as for a new order."""
    stop_price: int = 0


class ReplaceRefused(Message, frozen=True):
    """A replace came too late: the order had ended, or more was filled than the new quantity."""

    order_id: int
    symbol: str


class Decremented(Message, frozen=True):
    """Self-trade prevention took `quantity` off an order without a trade; an order with nothing left ends with this."""

    order_id: int
    symbol: str
    quantity: int


class Refreshed(Message, frozen=True):
    """The next part of an iceberg is shown, behind all others at its price."""

    order_id: int
    symbol: str
    quantity: int
    """Shown now."""


CancelReason = Literal[
    "owner",  # The owner asked for it.
    "fok",  # Fill-or-kill: not all could be filled at once.
    "expired",  # The day or its date ended.
    "post_only",  # It would have traded at once.
    "self_trade",  # It would have traded with an order of its own account.
    "ioc",  # Immediate-or-cancel: no more could be filled at once.
    "protection",  # A market order met its protection price.
    "no_liquidity",  # A market order met an empty book.
]

Event = Rested | Traded | Cancelled | CancelRefused | Triggered | Replaced | ReplaceRefused | Refreshed | Decremented


class Moment(msgspec.Struct, frozen=True):
    """The events that one journal batch caused."""

    journal: int
    """Number of the journal batch."""
    time: int
    """Its time."""
    events: list[Event]


class EventBatch(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message of EVENTS_<shard>. A turn whose events exceed one message is split; all parts but the last say `more`."""

    number: int
    """Equals the stream sequence."""
    journal_through: int
    """Number of the last journal batch whose commands (with this batch's `more` parts) are contained."""
    previous: str
    """Digest of the payload of the batch before."""
    moments: list[Moment]
    more: bool = False


# ── Reports: ledger → trader, on reports.<account> ────────────────────────────────────────────────────────────────


class OrderAccepted(Message, frozen=True):
    """The order is in the journal; its hold is placed."""

    order_id: int
    client_order_id: str
    symbol: str
    side: Side
    quantity: int
    price: int
    time: int
    kind: Kind = "limit"
    tif: TimeInForce = "gtc"
    stop_price: int = 0
    """Where the order triggers; 0 for one that never waits for that."""
    trail: int = 0
    trail_basis_points: int = 0
    expires: int = 0
    post_only: bool = False
    display: int = 0
    """How much is shown at a time; 0 for all."""
    self_trade: SelfTrade = "cancel_newest"
    """Omitted for what the gate chooses when nobody says otherwise."""


class OrderFilled(Message, frozen=True):
    """A fill and what it cost. `remaining` 0 ends the order."""

    order_id: int
    symbol: str
    trade_id: int
    side: Side
    price: int
    quantity: int
    remaining: int
    fee: int
    liquidity: Liquidity
    time: int


class OrderCancelled(Message, frozen=True):
    """The order ended with `quantity` unfilled."""

    order_id: int
    symbol: str
    quantity: int
    reason: CancelReason
    time: int


class OrderCancelRefused(Message, frozen=True):
    """A cancel came too late."""

    order_id: int
    symbol: str
    time: int


class OrderTriggered(Message, frozen=True):
    """A stop order became a market or limit order; what it does is told next."""

    order_id: int
    symbol: str
    price: int
    """The stop price as it stood."""
    time: int


class OrderReplaced(Message, frozen=True):
    """The order has this price and open quantity now; fills at the new price are told next."""

    order_id: int
    symbol: str
    price: int
    quantity: int
    """Open."""
    kept_place: bool
    time: int
    stop_price: int = 0


class OrderReplaceRefused(Message, frozen=True):
    """A replace came too late: the order had ended, or more was filled than the new quantity."""

    order_id: int
    symbol: str
    time: int


class OrderDecremented(Message, frozen=True):
    """Self-trade prevention took `quantity` off without a trade. `remaining` 0 ends the order."""

    order_id: int
    symbol: str
    quantity: int
    remaining: int
    time: int


class Transferred(Message, frozen=True):
    """Money or shares came (positive) or went (negative) other than by a trade."""

    asset: str
    amount: int
    reason: str
    time: int


Report = (
    OrderAccepted
    | OrderFilled
    | OrderCancelled
    | OrderCancelRefused
    | OrderTriggered
    | OrderReplaced
    | OrderReplaceRefused
    | OrderDecremented
    | Transferred
)


class Reports(msgspec.Struct, frozen=True):
    """One message on reports.<account>; `number` is that of its first report, the others follow without gaps."""

    number: int
    reports: list[Report]


# ── Questions about an account: api.<account>.<question> ──────────────────────────────────────────────────────────


class OpenOrder(msgspec.Struct, frozen=True, omit_defaults=True):
    """An order that can still trade."""

    order_id: int
    client_order_id: str
    symbol: str
    side: Side
    price: int
    """The worst at which it may trade, as it is now."""
    quantity: int
    """Of the whole order: what was filled and what remains."""
    remaining: int
    kind: Kind
    tif: TimeInForce
    time: int
    stop_price: int = 0
    """Where it triggers (a trailing stop: as it was placed); 0 for one that does not wait for that, or not any more."""
    trail: int = 0
    trail_basis_points: int = 0
    expires: int = 0
    post_only: bool = False
    display: int = 0
    """How much is shown at a time; 0 for all."""
    self_trade: SelfTrade = "cancel_newest"
    """Omitted for what the gate chooses when nobody says otherwise."""


class Position(msgspec.Struct, frozen=True):
    """Shares of one symbol."""

    symbol: str
    quantity: int
    held: int
    """Set aside for open sell orders; quantity - held can be sold."""
    price: int
    """Last price, or the opening price before the first trade."""


class Portfolio(msgspec.Struct, frozen=True):
    """Answer to api.<account>.portfolio, by the ledger. Everything as of report number `report`."""

    account: str
    cash: int
    cash_held: int
    positions: list[Position]
    orders: list[OpenOrder]
    report: int
    """Number of the last report this answer contains: reports from `report + 1` on change it."""
    time: int
    orders_left_out: int = 0
    """How many older open orders did not fit into the answer."""


class ReportsQuestion(msgspec.Struct, frozen=True):
    """Asks api.<account>.reports for what was missed after report number `after`."""

    after: int


class ReportsAnswer(msgspec.Struct, frozen=True):
    """The reports after `after`; `complete` is False when some are too old to be in memory: ask for the portfolio again."""

    number: int
    reports: list[Report]
    complete: bool


class PageQuestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """Asks the historian (api.<account>.fills, api.<account>.history) for at most 1,000 rows before an id, newest first."""

    limit: int = 100
    before: int = 0
    """Only rows with a smaller id; 0 for the newest."""
    symbol: str = ""


class Fill(msgspec.Struct, frozen=True):
    """One row of api.<account>.fills."""

    fill_id: int
    order_id: int
    symbol: str
    trade_id: int
    side: Side
    price: int
    quantity: int
    fee: int
    liquidity: Liquidity
    time: int


class OrderRecord(msgspec.Struct, frozen=True):
    """One row of api.<account>.history: an order and what became of it so far."""

    order_id: int
    client_order_id: str
    symbol: str
    side: Side
    kind: Kind
    tif: TimeInForce
    price: int
    quantity: int
    filled: int
    status: Literal["open", "filled", "cancelled"]
    reason: str
    time: int
    stop_price: int = 0
    """As it was placed, like `price` and `quantity`."""
    trail: int = 0
    trail_basis_points: int = 0
    expires: int = 0
    post_only: bool = False
    display: int = 0
    self_trade: SelfTrade = "allow"
    open: int = 0
    """What can still trade; 0 for an order that ended."""


# ── Public data: ticks → anyone, on market.<symbol>.… and public.<question> ───────────────────────────────────────
#
# `number` is the number of the last event batch (of the symbol's shard) that the message contains, `previous` that of the
# message before on the same channel: a subscriber whose last number differs from `previous` missed something and asks for
# a snapshot. Derived from the log, so that any ticks worker gives the same numbers.


class PublicTrade(msgspec.Struct, frozen=True):
    """A trade as the public sees it."""

    trade_id: int
    price: int
    quantity: int
    side: Side
    """The aggressor's side."""
    time: int


class Trades(msgspec.Struct, frozen=True):
    """market.<symbol>.trade. Trade ids have no gaps, so they number the channel."""

    symbol: str
    trades: list[PublicTrade]


class Quote(msgspec.Struct, frozen=True):
    """market.<symbol>.quote: best prices and what rests there; price 0 where a side is empty."""

    symbol: str
    number: int
    previous: int
    time: int
    bid: int
    bid_quantity: int
    ask: int
    ask_quantity: int


class Depth(msgspec.Struct, frozen=True):
    """market.<symbol>.depth: price levels [price, quantity] that changed, quantity 0 for a level that went away.

    Also the answer to public.depth, with all levels asked for, best first, and `previous` 0.
    """

    symbol: str
    number: int
    previous: int
    time: int
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]


Interval = Literal["1s", "1m"]


class Candle(msgspec.Struct, frozen=True):
    """market.<symbol>.candle.<interval>, re-sent while its interval lasts; and a row of public.candles."""

    symbol: str
    interval: Interval
    start: int
    """Seconds since 1970, a multiple of the interval."""
    open: int
    high: int
    low: int
    close: int
    volume: int
    """Shares."""
    turnover: int
    """Sum of price x quantity."""
    trades: int


class MarketInfo(msgspec.Struct, frozen=True):
    """Answer to public.market."""

    title: str
    time: int
    """Of the newest journal batch: the market's clock, in nanoseconds since 1970. It steps at least once a second."""


class SymbolQuestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """Asks public.depth or public.trades about one symbol; `limit` levels a side, or trades, at most 1,000."""

    symbol: str
    limit: int = 20
    before: int = 0
    """public.trades: only trades with a smaller id; 0 for the newest."""


class CandlesQuestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """Asks public.candles for the newest `limit` candles that start before `before` (seconds; 0 for now), oldest first.

    At most 4,000 at a time, so that the answer fits into a message.
    """

    symbol: str
    interval: Interval = "1m"
    limit: int = 300
    before: int = 0


class SymbolInfo(msgspec.Struct, frozen=True):
    """One row of public.symbols."""

    symbol: str
    name: str
    tick: int
    lot: int
    opening_price: int
    last: int
    """Last price; the opening price before the first trade."""
    bid: int
    ask: int
    volume: int
    """Shares traded since the market began."""
    trades: int


# ── Requests of the operator: admin.<verb>; of log-ins: auth.sign_up, api.<account>.session|key|password ──────────


class NewAccount(msgspec.Struct, frozen=True, omit_defaults=True):
    """admin.open_account, to the ledger: a participant and what it starts with. Opening an account again changes nothing."""

    account: str
    cash: int | None = None
    """Instead of the market's endowment."""
    shares: dict[str, int] | None = None
    """Instead of the market's endowment."""


class Credentials(msgspec.Struct, frozen=True, omit_defaults=True):
    """auth.sign_up (guests), admin.create_account (operator), to the auth worker: a log-in and its account in the ledger."""

    account: str
    password: str
    cash: int | None = None
    """admin.create_account only: instead of the market's endowment."""
    shares: dict[str, int] | None = None
    """admin.create_account only: instead of the market's endowment."""


class NewPassword(msgspec.Struct, frozen=True):
    """api.<account>.password: to the auth worker."""

    password: str


class Secret(msgspec.Struct, frozen=True):
    """Answer of api.<account>.key (an API key) and api.<account>.session (a token that ends): told once, stored as a hash.

    Connect with user = account and password = secret.
    """

    account: str
    secret: str
    expires: int = 0
    """Nanoseconds since 1970; 0 for never."""


class Deposit(msgspec.Struct, frozen=True, omit_defaults=True):
    """admin.deposit: cash from `$bank` or shares from `$issuer`; a negative amount withdraws what is available."""

    account: str
    asset: str
    amount: int
    reason: str = "deposit"
    key: str = ""
    """A client that got no answer asks again with the same key; it is booked once."""


class AccountQuestion(msgspec.Struct, frozen=True):
    """admin.portfolio: a trader's Portfolio, for the operator."""

    account: str


class LedgerState(msgspec.Struct, frozen=True):
    """Answer to admin.digest: where the live ledger stands, to be compared with a recomputation from the logs."""

    journal: int
    events_through: dict[int, int]
    digest: str


class HistoryQuestion(msgspec.Struct, frozen=True, omit_defaults=True):
    """Asks admin.history what the historian's postings add up to at a position that the ledger had (see LedgerState)."""

    journal: int
    events_through: dict[int, int]
    after: str = ""
    """Only accounts whose names sort after this one."""


class HistoryState(msgspec.Struct, frozen=True):
    """Answer to admin.history: what all postings add up to, to be compared with a recomputation from the logs."""

    through: dict[str, int]
    """Per log, number of the last batch that the rows contain."""
    sums: dict[str, int]
    """Asset → sum of all postings. Anything but 0 is a defect."""
    balances: dict[str, dict[str, int]]
    """Account → asset → balance, without those that are 0."""
    complete: bool = True
    """False when the answer ends early: the rest follows `after` its last account."""


class Done(Message, frozen=True):
    """A request of the operator, or about a log-in, was carried out."""

    detail: str = ""


# ── Encoding ──────────────────────────────────────────────────────────────────────────────────────────────────────

encode = msgspec.json.Encoder().encode
"""Any message to its bytes on the wire."""

MessageType = TypeVar("MessageType")


def decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    """A reusable decoder for a message type; its `decode` raises msgspec.ValidationError or msgspec.DecodeError."""
    return msgspec.json.Decoder(type_)
