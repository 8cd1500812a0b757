"""Whatever is drawn, the engine and its slow twin do the same; what fails is shrunk to a few commands."""

from typing import Any, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.batch import apply_batch
from engine.books import Books
from engine.state import book_states, books_of
from exchange.messages.base import Phase, SelfTrade, Side
from exchange.messages.journal import (
    CancelOrder,
    DefineSymbol,
    EngineCommand,
    PlaceBracket,
    PlaceOco,
    PlaceOrder,
    ReplaceOrder,
    SetPhase,
)
from tests.oracle.book import SlowExchange

SECOND = 10**9
MIDDLE = 10
STOP_KINDS = ("stop", "stop_limit", "trailing_stop")

prices = st.integers(MIDDLE - 3, MIDDLE + 3)
terms = st.fixed_dictionaries(
    {
        "side": st.sampled_from(get_args(Side)),
        "quantity": st.integers(1, 9),
        "price": prices,
        "stop_price": prices,
        "trail": st.integers(1, 3),
        "display": st.sampled_from((0, 0, 1, 3)),
        "post_only": st.sampled_from((False, False, False, True)),
        "self_trade": st.sampled_from(get_args(SelfTrade)),
        "account": st.sampled_from(("alice", "bob")),
        "expires": st.sampled_from((0, 0, 2, 5)),
    }
)
plain = [("limit", "gtc")] * 8 + [("limit", "ioc"), ("limit", "fok"), ("market", "ioc")]
for_auctions = [(kind, tif) for kind in ("limit", "market") for tif in ("opg", "cls")]
kinds = st.sampled_from([*plain, *for_auctions, *((kind, "gtc") for kind in STOP_KINDS)])
steps = st.one_of(
    *[st.tuples(st.just("order"), terms, kinds)] * 6,
    st.tuples(st.just("oco"), terms, st.sampled_from(STOP_KINDS), prices),
    st.tuples(st.just("bracket"), terms, kinds, st.sampled_from(STOP_KINDS), prices, prices),
    st.tuples(st.just("cancel"), st.integers(1, 12)),
    st.tuples(st.just("replace"), st.integers(1, 12), st.integers(-5, 5), prices, prices),
    st.tuples(st.just("phase"), st.sampled_from([*get_args(Phase), *["continuous", "closing_auction"] * 4])),
    st.tuples(st.just("define"), st.sampled_from((0, 1_000, 2_000)), st.sampled_from((1, 2))),
    st.tuples(st.just("time"), st.integers(1, 3)),
)


class Builder:
    """Commands out of what was drawn; it knows what a gate knows."""

    def __init__(self, oracle: SlowExchange) -> None:
        self.oracle = oracle
        self.placed: dict[int, PlaceOrder] = {}
        self.grouped: set[int] = set()

    def command(self, step: tuple[Any, ...]) -> EngineCommand:
        """The command of a step."""
        match step:
            case "order", drawn, (kind, tif):
                return self.order(drawn, kind, tif)
            case "oco", drawn, stop_kind, price:
                limit, stop = self.order(drawn, "limit", "gtc"), self.order(drawn | {"price": price}, stop_kind, "gtc")
                self.grouped |= {limit.order_id, stop.order_id}
                return PlaceOco(limit, stop, 0)
            case "bracket", drawn, (kind, tif), stop_kind, profit, loss:
                entry = self.order(drawn, kind, tif)
                back = drawn | {"side": "sell" if entry.side == "buy" else "buy"}
                legs = [
                    self.order(back | {"price": profit}, "limit", "gtc"),
                    self.order(back | {"price": loss}, stop_kind, "gtc"),
                ]
                self.grouped |= {entry.order_id, legs[0].order_id, legs[1].order_id}
                return PlaceBracket(entry, *legs, 0)
            case "cancel", order_id:
                return CancelOrder(order_id, "alice", "AAA")
            case "replace", order_id, more, price, stop_price:
                return self.replace(order_id, more, price, stop_price)
            case "phase", phase:
                return SetPhase("AAA", phase)
            case "define", band, tick:
                rules = {"trade_band": band, "reference_seconds": 2, "volatility_auction_seconds": 2}
                return DefineSymbol("AAA", "", 1, tick, 1, MIDDLE, **rules)
        raise AssertionError(step)

    def order(self, drawn: dict[str, Any], kind: str, tif: str) -> PlaceOrder:
        """With those of the drawn terms that fit."""
        stops = kind in STOP_KINDS
        rests = tif == "gtc" and kind in ("limit", "stop_limit")
        fields = drawn | {
            "tif": "gtd" if drawn["expires"] and tif == "gtc" else tif,
            "expires": drawn["expires"] * SECOND if tif in ("gtc", "opg", "cls") else 0,
            "stop_price": drawn["stop_price"] if stops else 0,
            "trail": drawn["trail"] if kind == "trailing_stop" else 0,
            "display": drawn["display"] if rests else 0,
            "post_only": drawn["post_only"] and rests and not stops,
        }
        order = PlaceOrder(len(self.placed) + 1, client_order_id="", symbol="AAA", hold=0, kind=kind, **fields)
        self.placed[order.order_id] = order
        return order

    def replace(self, order_id: int, more: int, price: int, stop_price: int) -> ReplaceOrder:
        """The gate knows what is open, or knew it when there was more; groups keep their quantity."""
        placed, order = self.placed.get(order_id), self.oracle.books["AAA"].find(order_id)
        known = order.open if order else placed.quantity if placed else 5
        late = order is not None and more == 5
        quantity = max(1, known + (0 if order_id in self.grouped else more))
        stop = stop_price if placed and placed.kind in STOP_KINDS else 0
        return ReplaceOrder(order_id, "alice", "AAA", quantity + late, known + late, price, 0, stop)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.lists(steps, max_size=4), max_size=15))
def test_any_commands_equal_the_oracle(drawn):
    books = Books()
    oracle = SlowExchange()
    builder, time = Builder(oracle), 1
    for batch in [[("define", 0, 1)], *drawn]:
        time += sum(step[1] for step in batch if step[0] == "time") * SECOND + 1
        # A replace is made with what is known before the batch, as by a gate.
        commands = [builder.command(step) for step in batch if step[0] != "time"]
        commands = [command for n, command in enumerate(commands) if not repeated(command, commands[:n])]
        assert apply_batch(books, time, commands) == oracle.batch(time, commands)
        books["AAA"].check()
        books = books_of(book_states(books))


def repeated(command: EngineCommand, before: list[EngineCommand]) -> bool:
    """A gate lets nobody replace an order that is being replaced."""
    replaced = [other.order_id for other in before if isinstance(other, ReplaceOrder)]
    return isinstance(command, ReplaceOrder) and command.order_id in replaced
