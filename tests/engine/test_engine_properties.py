"""What must be true of any market, whatever its rules are in detail: read off commands and events alone, with no book."""

from collections import Counter, defaultdict

import pytest

from engine.batch import apply_batch
from engine.books import Books
from engine.state import book_states, books_of, open_quantities
from exchange.messages.events import (
    Activated,
    Cancelled,
    Decremented,
    Event,
    Indicated,
    PhaseChanged,
    ReferenceMoved,
    Refreshed,
    Replaced,
    Rested,
    Traded,
    Triggered,
)
from exchange.messages.journal import DefineSymbol, EngineCommand, PlaceBracket, PlaceOco, PlaceOrder, SetPhase

SYMBOLS = ("AAA", "BBB")
COLLECTING = ("pre_open", "opening_auction", "volatility_auction", "closing_auction")


class Witness:
    """Reads a market's commands and events, and believes neither engine nor oracle."""

    def __init__(self) -> None:
        self.orders: dict[int, PlaceOrder] = {}
        self.open: dict[int, int] = {}
        self.limits: dict[int, int] = {}
        self.partners: dict[int, int] = {}
        self.bands: dict[str, list[int]] = {}
        """Trade bands of the batch, as rules may change within it."""
        self.phases: dict[str, str] = defaultdict(lambda: "continuous")
        self.references: dict[str, int] = {}
        self.trades: Counter[str] = Counter()
        self.prices: dict[str, int] = {}
        """Of the present uncross."""
        self.seen: Counter[str] = Counter()

    def begin(self) -> None:
        """A batch."""
        self.bands = {symbol: widths[-1:] for symbol, widths in self.bands.items()}

    def place(self, command: EngineCommand) -> None:
        match command:
            case DefineSymbol():
                self.bands.setdefault(command.symbol, []).append(command.trade_band)
                self.references.setdefault(command.symbol, command.opening_price)
            case PlaceOrder():
                self.orders[command.order_id] = command
                self.open[command.order_id] = command.quantity
                self.limits[command.order_id] = command.price
            case PlaceOco(one, other) | PlaceBracket(_, one, other):
                for order in (one, other, *([command.entry] if isinstance(command, PlaceBracket) else [])):
                    self.place(order)
                self.partners |= {one.order_id: other.order_id, other.order_id: one.order_id}

    def hear(self, event: Event) -> None:
        self.seen[type(event).__name__] += 1
        match event:
            case Traded():
                self.trade(event)
            case Decremented():
                self.take(event.order_id, event.quantity)
            case Cancelled():
                assert self.open.pop(event.order_id) == event.quantity
            case Activated():
                assert event.quantity <= self.open[event.order_id]
                self.open[event.order_id] = event.quantity
            case Replaced():
                assert self.phases[event.symbol] not in ("halted", "closed")
                assert event.order_id in self.open
                self.open[event.order_id] = event.quantity
                self.limits[event.order_id] = event.price
            case Rested() | Refreshed():
                assert 0 < event.quantity <= self.open[event.order_id]
            case Triggered():
                assert self.phases[event.symbol] == "continuous"
                if self.orders[event.order_id].kind == "trailing_stop":
                    self.limits.pop(event.order_id)  # It moved; where to, is not told.
            case PhaseChanged():
                self.phases[event.symbol] = event.phase
                self.prices.pop(event.symbol, None)
            case Indicated():
                assert self.phases[event.symbol] in COLLECTING
            case ReferenceMoved():
                assert event.price != self.references[event.symbol]
                self.references[event.symbol] = event.price

    def trade(self, event: Traded) -> None:
        symbol = event.symbol
        self.trades[symbol] += 1
        assert event.trade_id == self.trades[symbol]
        sides = {}
        for order_id in (event.maker_order_id, event.taker_order_id):
            order = self.orders[order_id]
            assert order.symbol == symbol
            sides[order.side] = order
            limit = self.limits.get(order_id)
            if limit is not None:
                assert event.price <= limit if order.side == "buy" else event.price >= limit
            self.take(order_id, event.quantity)
        assert sides.keys() == {"buy", "sell"}
        if event.auction:
            assert (event.maker_order_id, event.taker_order_id) == (sides["sell"].order_id, sides["buy"].order_id)
            assert self.phases[symbol] in ("continuous", "closed")
            assert self.prices.setdefault(symbol, event.price) == event.price, "an auction has one price"
            return
        assert self.phases[symbol] == "continuous"
        assert self.orders[event.taker_order_id].side == event.side
        aggressor, maker = self.orders[event.taker_order_id], self.orders[event.maker_order_id]
        assert aggressor.account != maker.account or aggressor.self_trade == "allow"
        reference, width = self.references[symbol], max(self.bands[symbol])
        if 0 not in self.bands[symbol]:
            assert abs(event.price - reference) * 10_000 <= width * reference, "a trade stays in the band"

    def take(self, order_id: int, quantity: int) -> None:
        assert quantity > 0
        self.open[order_id] -= quantity
        assert self.open[order_id] >= 0
        if not self.open[order_id]:
            del self.open[order_id]


@pytest.mark.parametrize("seed", range(6))
def test_a_market_keeps_its_promises(seed, batches_of):
    books = Books()
    witness = Witness()
    for time, commands in batches_of(seed, 3_000, SYMBOLS):
        witness.begin()
        for command in commands:
            witness.place(command)
        for event in apply_batch(books, time, commands):
            witness.hear(event)
        assert {row.order_id: row.remaining for row in open_quantities(books)} == witness.open
        for one, other in witness.partners.items():
            assert witness.open.get(one) == witness.open.get(other), "a pair is one quantity"
        for symbol, book in books.items():
            assert (book.phase, book.reference, book.trades) == (
                witness.phases[symbol],
                witness.references[symbol],
                witness.trades[symbol],
            )
            bids, asks = ([order.level.price for order in book if order.level.side.name == side] for side in ("buy", "sell"))
            if book.phase == "continuous" and bids and asks:
                assert max(bids) < min(asks), "a book that trades is not crossed"
    assert witness.seen["Traded"] > 300


@pytest.mark.parametrize("seed", range(6))
def test_an_auction_gives_what_was_indicated(seed, batches_of):
    """Ended at any moment, it trades what the market was told last."""
    books = Books()
    auctions = 0
    told: dict[str, Indicated] = {}
    for time, commands in batches_of(seed, 3_000, SYMBOLS):
        for event in apply_batch(books, time, commands):
            if isinstance(event, PhaseChanged):
                told.pop(event.symbol, None)
            elif isinstance(event, Indicated):
                told[event.symbol] = event
        for symbol, book in books.items():
            if book.phase not in COLLECTING:
                continue
            expected = told.get(symbol, Indicated(symbol, 0, 0, 0))
            # On a copy, so that the day goes on as it was meant to; at the same time, so that nothing expires before.
            ending = apply_batch(books_of(book_states(books)), time, [SetPhase(symbol, "continuous", "a copy")])
            crosses = [event for event in ending if isinstance(event, Traded) and event.auction]
            assert sum(event.quantity for event in crosses) == expected.volume
            assert {event.price for event in crosses} <= {expected.price}
            auctions += bool(crosses)
    assert auctions > 50
