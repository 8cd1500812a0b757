"""Stories: one command per line, after the arrow what it causes, played on an engine and on its slow twin.

Every line is a journal batch. Orders are numbered by line: #1, #2 … In a group, #1 is the limit order or the entry, #1t the
take profit, #1s the stop or stop loss. What an event concerns is named where it is not the line's own order. Orders are
alice's unless `by` says otherwise, and none of them minds to trade with its owner unless a mode is given. A line that begins
far to the right goes on with the one before. Times are in nanoseconds, or in seconds: 5s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.batch import apply_batch
from engine.books import Books
from engine.state import book_states, books_of
from exchange.messages.events import (
    Activated,
    Cancelled,
    CancelRefused,
    Decremented,
    Event,
    Indicated,
    PhaseChanged,
    ReferenceMoved,
    Refreshed,
    Replaced,
    ReplaceRefused,
    Rested,
    Traded,
    Triggered,
)
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
IDS_PER_LINE = 10
SUFFIXES = ("", "t", "s")
SYMBOL = "AAA"


def play(story: str, opening: str = "") -> None:
    """Both tell the story; `opening` holds commands before it, whose events do not matter."""
    books = Books()
    slow = SlowExchange()
    time = 0
    define = parse(0, "symbol")
    for command in (define, *(parse(0, line) for line in opening.splitlines() if line.strip())):
        assert apply_batch(books, time, [command]) == slow.batch(time, [command])
    for number, text, expected in lines(story):
        if text.startswith("time"):
            time, commands = duration(text.split()[1]), []
        else:
            commands = [parse(number, text)]
        told = slow.batch(time, commands)
        assert tell(number, told) == expected, f"the oracle, line {number}: {text}"
        assert tell(number, apply_batch(books, time, commands)) == expected, f"line {number}: {text}"
        books[SYMBOL].check()
        books = books_of(book_states(books))  # Nothing hangs on anything that a snapshot does not hold.


def lines(story: str) -> Iterator[tuple[int, str, str]]:
    """Number, command and expected events of each line."""
    for number, line in enumerate(re.sub(r"\n {40,}", " ", story).strip().splitlines(), start=1):
        text, expected = (part.strip() for part in line.split("->"))
        yield number, text, expected


def duration(text: str) -> int:
    """50 nanoseconds, or 50s."""
    return int(text[:-1]) * SECOND if text.endswith("s") else int(text)


def parse(number: int, text: str) -> EngineCommand:
    """The command of a line."""
    head, *words = text.split()
    match head:
        case "symbol":
            rules = {"tick": 1, "opening_price": 100} | {key: int(value) for key, value in (word.split("=") for word in words)}
            return DefineSymbol(SYMBOL, SYMBOL, 1, lot=1, **rules)
        case "phase":
            return SetPhase(SYMBOL, words[0], " ".join(words[1:]).strip('"'))
        case "cancel":
            return CancelOrder(order_id(words[0]), "alice", SYMBOL)
        case "replace":
            order, _, quantity, _, known, _, price, *more = words
            stop = int(more[0].removeprefix("stop=")) if more else 0
            return ReplaceOrder(order_id(order), "alice", SYMBOL, int(quantity), int(known), int(price), 0, stop)
        case "oco":
            limit, stop = (part.split() for part in text.removeprefix("oco").split(" or "))
            return PlaceOco(parse_order(number, 0, limit), parse_order(number, 2, stop), 0)
        case "bracket":
            entry, profit, loss = (part.split() for part in text.removeprefix("bracket").split(";"))
            return PlaceBracket(parse_order(number, 0, entry), parse_order(number, 1, profit), parse_order(number, 2, loss), 0)
    return parse_order(number, 0, [head, *words])


def order_id(name: str) -> int:
    """#3s → 32."""
    suffix = name[-1] if name[-1] in "ts" else ""
    return int(name.strip("#ts")) * IDS_PER_LINE + SUFFIXES.index(suffix)


def order_name(order: int) -> str:
    """32 → #3s."""
    return f"#{order // IDS_PER_LINE}{SUFFIXES[order % IDS_PER_LINE]}"


def parse_order(number: int, place: int, words: list[str]) -> PlaceOrder:
    """An order: its line and its place in a group make its id."""
    side, quantity, _, price, *flags = words
    values = {key: duration(value) for key, value in (word.split("=") for word in flags if "=" in word)}
    kind = "limit"
    if "market" in flags:
        kind = "market"
    elif "trailing" in flags:
        kind = "trailing_stop"
    elif "stop" in values or "stop_limit" in values:
        kind = "stop" if "stop" in values else "stop_limit"
    tifs = [flag for flag in flags if flag in ("ioc", "fok", "opg", "cls")]
    modes = [flag for flag in flags if flag.startswith("cancel_") or flag == "decrement"]
    return PlaceOrder(
        number * IDS_PER_LINE + place,
        flags[flags.index("by") + 1] if "by" in flags else "alice",
        f"c{number}",
        SYMBOL,
        side,
        int(quantity),
        int(price),
        0,
        kind,
        [*tifs, "gtd" if "until" in values else "gtc"][0],
        stop_price=values.get("stop", values.get("stop_limit", 0)),
        trail=values.get("trail", 0),
        trail_basis_points=values.get("bps", 0),
        expires=values.get("until", 0),
        post_only="post_only" in flags,
        display=values.get("display", 0),
        self_trade=[*modes, "allow"][0],
    )


def tell(number: int, events: list[Event]) -> str:
    """What happened, as a line tells it."""
    return ", ".join(_tell(number * IDS_PER_LINE, event) for event in events)


def _tell(own: int, event: Event) -> str:
    assert event.symbol == SYMBOL
    match event:
        case Traded(auction=True):
            assert event.side == "buy"
            names = f"{order_name(event.maker_order_id)} to {order_name(event.taker_order_id)}"
            return f"cross {event.quantity} @ {event.price} from {names}"
        case PhaseChanged():
            until = f" until {event.until // SECOND}s" if event.until else ""
            return f"{event.phase}{until}" + (f' "{event.reason}"' if event.reason else "")
        case Indicated():
            return f"indicates {event.volume} @ {event.price} {event.imbalance:+}"
        case ReferenceMoved():
            return f"reference {event.price}"
    order = event.taker_order_id if isinstance(event, Traded) else event.order_id
    said = _what(event)
    return said if order == own else f"{order_name(order)} {said}"


def _what(event: Event) -> str:
    match event:
        case Rested():
            return f"rest {event.quantity} @ {event.price}"
        case Traded():
            return f"trade {event.quantity} @ {event.price} with {order_name(event.maker_order_id)}"
        case Cancelled():
            return f"cancel {event.quantity} {event.reason}"
        case CancelRefused():
            return "too late"
        case Triggered():
            return f"trigger {event.price}"
        case Refreshed():
            return f"shows {event.quantity}"
        case Decremented():
            return f"less {event.quantity}"
        case Activated():
            return f"active {event.quantity}"
        case ReplaceRefused():
            return "not replaced" if event.reason == "late" else f"not replaced {event.reason}"
        case Replaced():
            stop = f" stop {event.stop_price}" if event.stop_price else ""
            return f"replaced {event.quantity} @ {event.price}{stop}" + " kept" * event.kept_place
    raise AssertionError(event)
