"""python -P -m exchange.engine.bench: how fast the engine matches, as one JSON object.

Rates are the best of ROUNDS, because what disturbs a measurement only ever makes it slower.
"""

from __future__ import annotations

import argparse
import json
import tracemalloc
from collections.abc import Iterator
from time import perf_counter
from typing import Final

import msgspec

from exchange.messages.base import encode
from exchange.messages.journal import CancelOrder, DefineSymbol, EngineCommand, Group, JournalBatch, PlaceOrder
from exchange.subjects import JOURNAL

from .book import Book
from .matching import apply
from .stage import EngineStage
from .workload import OPENING_PRICE, TICK, Flow

ROUNDS: Final = 3
BATCH_COMMANDS: Final = 500
MEMORY_ORDERS_MAX: Final = 200_000
PROBES: Final = 10_000
RESTING: Final = (1_000, 100_000, 1_000_000)
LEVELS: Final = 100
QUANTITY: Final = 1_000
"""Of each resting order."""
decode_commands: Final = msgspec.json.Decoder(list[EngineCommand]).decode


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -P -m exchange.engine.bench", description="Measures matching.")
    parser.add_argument("--commands", type=int, default=1_000_000, help="of each flow (default 1000000)")
    print(json.dumps({"matching": measure(parser.parse_args().commands)}))


def measure(commands: int) -> dict[str, object]:
    """All figures of matching, with flows of this many commands."""
    single, five = Flow(symbols=1), Flow(symbols=5)
    flow = decoded(single.commands(commands))
    one_symbol = matching_rate(single.opening, flow)
    five_symbols = matching_rate(five.opening, decoded(five.commands(commands)))
    return {
        "commands_per_s": min(one_symbol, five_symbols),
        "one_symbol": one_symbol,
        "five_symbols": five_symbols,
        "stage_commands_per_s": stage_rate(single.opening, flow),
        "bytes_per_resting_order": bytes_per_resting_order(min(commands, MEMORY_ORDERS_MAX)),
        "costs_ns": {f"resting_{resting}": costs_ns(resting, LEVELS) for resting in RESTING if resting <= commands}
        | {f"one_level_{resting}": costs_ns(resting, 1) for resting in RESTING if resting <= commands},
    }


def decoded(commands: list[EngineCommand]) -> list[EngineCommand]:
    """The same commands as they come out of the journal: every number an object of its own, nothing shared with the flow."""
    return [command for batch in batches(commands) for command in decode_commands(encode(batch))]


def batches(commands: list[EngineCommand]) -> Iterator[list[EngineCommand]]:
    """The commands as they stand in journal batches."""
    return (commands[start : start + BATCH_COMMANDS] for start in range(0, len(commands), BATCH_COMMANDS))


def matching_rate(opening: list[EngineCommand], flow: list[EngineCommand]) -> int:
    """Commands per second of matching alone, making the events included."""

    def seconds() -> float:
        books: dict[str, Book] = {}
        apply(books, opening)
        started = perf_counter()
        for batch in batches(flow):
            apply(books, batch)
        return perf_counter() - started

    return round(len(flow) / min(seconds() for _ in range(ROUNDS)))


def stage_rate(opening: list[EngineCommand], flow: list[EngineCommand]) -> int:
    """Commands per second of the stage: decode journal batches, match, encode event batches with their digests."""
    parts = [opening, *batches(flow)]
    journal = [
        encode(JournalBatch(number, number, "", {}, [Group(1, msgspec.Raw(encode(part)))]))
        for number, part in enumerate(parts, start=1)
    ]

    def seconds() -> float:
        stage = EngineStage(shard=1)
        stage.turn({JOURNAL: journal[:1]}, now=0)
        started = perf_counter()
        for payload in journal[1:]:
            stage.turn({JOURNAL: [payload]}, now=0)
        return perf_counter() - started

    return round(len(flow) / min(seconds() for _ in range(ROUNDS)))


def bytes_per_resting_order(orders: int) -> int:
    """Memory of a book of decoded orders on LEVELS levels, per order."""
    payload = encode(resting_orders(orders, LEVELS))
    book = Book("S1")
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    apply({"S1": book}, decode_commands(payload))
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return round((after - before) / orders)


def costs_ns(resting: int, levels: int) -> dict[str, int]:
    """Nanoseconds to cancel an order from within the queues, to place one, and to trade with the first one."""
    books = {"S1": Book("S1")}
    apply(books, resting_orders(resting, levels))
    probes = min(PROBES, resting // 3)
    cancelled = range(1, resting + 1, resting // probes)
    takers = range(2 * resting, 2 * resting + probes)
    return {
        "cancel": timed_ns(books, [CancelOrder(order_id, "trader", "S1") for order_id in cancelled]),
        "place": timed_ns(books, resting_orders(probes, levels, first_order_id=resting + 1)),
        "take": timed_ns(
            books, [PlaceOrder(order_id, "trader", "", "S1", "sell", QUANTITY, TICK, hold=QUANTITY) for order_id in takers]
        ),
    }


def resting_orders(count: int, levels: int, first_order_id: int = 1) -> list[EngineCommand]:
    """Buy orders that rest on so many levels, as they come out of the journal."""
    orders: list[EngineCommand] = []
    for order_id in range(first_order_id, first_order_id + count):
        price = OPENING_PRICE - order_id % levels * TICK
        orders.append(PlaceOrder(order_id, "trader", "", "S1", "buy", QUANTITY, price, hold=price * QUANTITY))
    return decoded([DefineSymbol("S1", "S1", shard=1, tick=TICK, lot=1, opening_price=OPENING_PRICE), *orders])


def timed_ns(books: dict[str, Book], commands: list[EngineCommand]) -> int:
    """Nanoseconds per command."""
    commands = decoded(commands)
    started = perf_counter()
    apply(books, commands)
    return round((perf_counter() - started) / len(commands) * 1e9)


if __name__ == "__main__":
    main()
