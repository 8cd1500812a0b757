"""Measures the engine beside other order books from PyPI, with the same commands. Not part of the package; see peers.txt.

Each runs in a process of its own. The orders are made beforehand wherever a peer takes them as objects, and so are the engine's
commands, so that only matching and its results are measured. A peer that is slow is measured for some seconds, on as many
commands as it does. Its trades with the first commands are compared with the engine's where it tells them.
"""

# ruff: noqa: D102 - the methods of all peers are those of Peer.

from __future__ import annotations

import argparse
import gc
import json
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import msgspec
from exchange.engine.matching import apply
from exchange.engine.workload import TICK, Flow

from exchange.messages.events import Traded
from exchange.messages.journal import CancelOrder, EngineCommand, PlaceOrder

BATCH = 500
ROUNDS = 3
SECONDS_MAX = 20.0
"""Of processor time, for a round; after that a peer is slow, and has one round."""
CHECKED = 20_000
CHECKED_SLOW = 2_000
CHECK_SECONDS_MAX = 600
"""A peer that needs longer for them than this has lost itself in one of them."""

Trade = tuple[int, int, int, int]
"""Maker's order id, taker's order id, price, quantity."""
decode_commands = msgspec.json.Decoder(list[EngineCommand]).decode


class Peer:
    """An order book behind the same three methods. Whatever `prepare` makes of a command is what `carry_out` gets."""

    package = ""
    makes = ""
    """What a command's caller gets to know."""
    slow = False

    def prepare(self, command: Any) -> Any:
        """A command as this peer wants it; not measured."""
        return command

    def carry_out(self, prepared: list[Any]) -> None:
        """The measured loop."""
        raise NotImplementedError

    def trades(self) -> list[Trade] | None:
        """All trades so far, None when the peer does not tell them. Called once, after the compared commands."""
        return None


class Engine(Peer):
    """This repository's."""

    package = "exchange"
    makes = "an event for each thing that happened, per batch of 500"

    def __init__(self) -> None:
        self.books: dict[str, Any] = {}
        self.kept: list[Traded] | None = None

    def carry_out(self, prepared: list[Any]) -> None:
        for start in range(0, len(prepared), BATCH):
            events = apply(self.books, prepared[start : start + BATCH])
            if self.kept is not None:
                self.kept += [event for event in events if type(event) is Traded]

    def trades(self) -> list[Trade]:
        return [(event.maker_order_id, event.taker_order_id, event.price, event.quantity) for event in self.kept or ()]


class PyOrderBook(Peer):
    """Heap of levels, dict queues."""

    package = "pyorderbook"
    makes = "a blotter with the trades, per order"

    def __init__(self) -> None:
        from pyorderbook import Book, ask, bid

        self.book, self.bid, self.ask = Book(), bid, ask
        self.orders: dict[int, Any] = {}
        self.ids: dict[Any, int] = {}
        self.kept: list[Any] | None = None

    def prepare(self, command: Any) -> Any:
        if isinstance(command, CancelOrder):
            return False, self.orders.pop(command.order_id)
        make = self.bid if command.side == "buy" else self.ask
        order = self.orders[command.order_id] = make(command.symbol, command.price, command.quantity)
        self.ids[order.id] = command.order_id
        return True, order

    def carry_out(self, prepared: list[Any]) -> None:
        match, cancel = self.book.match, self.book.cancel
        for is_order, order in prepared:
            if is_order:
                blotter = match(order)
                if self.kept is not None:
                    self.kept += blotter.trades
            else:
                cancel(order)

    def trades(self) -> list[Trade]:
        ids = self.ids
        return [
            (ids[trade.standing_order_id], ids[trade.incoming_order_id], int(trade.fill_price), trade.fill_quantity)
            for trade in self.kept or ()
        ]


class LightMatchingEngine(Peer):
    """Dicts of lists, the best price by min() over all prices."""

    package = "lightmatchingengine"
    makes = "the order and the trades, per order"

    def __init__(self) -> None:
        from lightmatchingengine.lightmatchingengine import LightMatchingEngine as Implementation

        self.engine = Implementation()
        self.kept: list[Trade] | None = None

    def prepare(self, command: Any) -> Any:
        if isinstance(command, CancelOrder):
            return False, command.order_id, command.symbol, 0, 0  # It numbers orders as the flow does.
        return True, command.symbol, command.price, command.quantity, 1 if command.side == "buy" else 2

    def carry_out(self, prepared: list[Any]) -> None:
        add, cancel = self.engine.add_order, self.engine.cancel_order
        for is_order, first, second, quantity, side in prepared:
            if is_order:
                order, trades = add(first, second, quantity, side)
                if self.kept is not None:
                    self.kept += [
                        (trade.order_id, order.order_id, trade.trade_price, trade.trade_qty)
                        for trade in trades
                        if trade.order_id != order.order_id
                    ]
            else:
                cancel(first, second)

    def trades(self) -> list[Trade]:
        return self.kept or []


class Akhil4n(Peer):
    """SortedDict of levels, OrderedDict queues, in Python."""

    package = "akhil4n-orderbook"
    makes = "nothing per command; a log of trades"

    def __init__(self) -> None:
        self.load()
        self.books: dict[str, Any] = {}
        self.numbers: dict[int, Any] = {}
        self.ids: dict[str, int] = {}

    def load(self) -> None:
        """Import the implementation."""
        import orderbook

        self.module = orderbook
        self.book_type = orderbook.OrderBook

    def prepare(self, command: Any) -> Any:
        book = self.books.get(command.symbol)
        if book is None:
            book = self.books[command.symbol] = self.book_type()
        if isinstance(command, CancelOrder):
            return book.cancel_order, self.numbers.pop(command.order_id)
        side = self.module.OrderSide.BID if command.side == "buy" else self.module.OrderSide.ASK
        order = self.module.Order(side=side, price=command.price, original_quantity=command.quantity)
        self.numbers[command.order_id] = order.order_id
        self.ids[order.order_id] = command.order_id
        return book.add_limit_order, order

    def carry_out(self, prepared: list[Any]) -> None:
        for method, argument in prepared:
            method(argument)

    def trades(self) -> list[Trade]:
        (book,) = self.books.values()
        return [
            (self.ids[trade.filler_id], self.ids[trade.aggressor_id], int(trade.price), trade.quantity_filled)
            for trade in book.trade_log
        ]


class CythonOrderBook(Akhil4n):
    """The same author's, compiled."""

    package = "cython-orderbook"

    def load(self) -> None:
        from cython_orderbook import orderbook

        self.module = orderbook
        self.book_type = orderbook.OrderBook


class Nanobook(Peer):
    """Rust."""

    package = "nanobook"
    makes = "a result with the trades, per order; a log of events"

    def __init__(self) -> None:
        from nanobook import Exchange

        self.type = Exchange
        self.books: dict[str, Any] = {}
        self.counts: dict[str, int] = {}
        self.numbers: dict[int, int] = {}
        self.ids: dict[int, int] = {}
        self.kept: list[Trade] | None = None

    def prepare(self, command: Any) -> Any:
        symbol = command.symbol
        book = self.books.get(symbol)
        if book is None:
            book = self.books[symbol] = self.type()
            self.counts[symbol] = 0
        if isinstance(command, CancelOrder):
            return book, "", self.numbers.pop(command.order_id), 0
        number = self.counts[symbol] = self.counts[symbol] + 1  # It numbers the orders of each book from 1.
        self.numbers[command.order_id] = number
        self.ids[number] = command.order_id
        return book, command.side, command.price, command.quantity

    def carry_out(self, prepared: list[Any]) -> None:
        for book, side, price, quantity in prepared:
            if side:
                result = book.submit_limit(side, price, quantity)
                if self.kept is not None:
                    self.kept += [
                        (self.ids[trade.passive_order_id], self.ids[result.order_id], trade.price, trade.quantity)
                        for trade in result.trades
                    ]
            else:
                book.cancel(price)

    def trades(self) -> list[Trade]:
        return self.kept or []


class LimitOrderBook(Peer):
    """C++; 2.0.0 is called through ctypes, 3.1.0 is compiled with Cython."""

    package = "limit-order-book"
    makes = "nothing: trades are not told"

    def __init__(self) -> None:
        from limit_order_book import LimitOrderBook as Implementation

        self.type = Implementation
        self.books: dict[str, Any] = {}

    def prepare(self, command: Any) -> Any:
        book = self.books.get(command.symbol)
        if book is None:
            book = self.books[command.symbol] = self.type()
        if isinstance(command, CancelOrder):
            return book.cancel, (command.order_id,)
        method = book.limit_buy if command.side == "buy" else book.limit_sell
        return method, (command.order_id, command.quantity, command.price // TICK)

    def carry_out(self, prepared: list[Any]) -> None:
        for method, arguments in prepared:
            method(*arguments)


class OrderMatching(Peer):
    """Lists, searched."""

    package = "order-matching"
    makes = "the trades, per call"
    slow = True

    def __init__(self) -> None:
        from loguru import logger
        from order_matching.enums import Side
        from order_matching.matching_engine import MatchingEngine
        from order_matching.order import LimitOrder
        from order_matching.orders import Orders

        logger.remove()
        self.side, self.engine_type, self.order_type, self.orders_type = Side, MatchingEngine, LimitOrder, Orders
        self.engines: dict[str, Any] = {}
        self.time = datetime(2026, 1, 1)
        self.kept: list[Any] | None = None

    def prepare(self, command: Any) -> Any:
        engine = self.engines.get(command.symbol)
        if engine is None:
            engine = self.engines[command.symbol] = self.engine_type(seed=1)
        if isinstance(command, CancelOrder):
            return engine, None, str(command.order_id)
        self.time += timedelta(microseconds=1)
        order = self.order_type(
            side=self.side.BUY if command.side == "buy" else self.side.SELL,
            price=float(command.price),
            size=float(command.quantity),
            timestamp=self.time,
            order_id=str(command.order_id),
            trader_id="trader",
        )
        return engine, self.orders_type([order]), self.time

    def carry_out(self, prepared: list[Any]) -> None:
        for engine, orders, argument in prepared:
            if orders is None:
                engine.cancel_order(argument)
            else:
                engine.place(orders)
                trades = engine.match(argument)
                if self.kept is not None:
                    self.kept += trades.trades

    def trades(self) -> list[Trade]:
        return [
            (int(trade.book_order_id), int(trade.incoming_order_id), int(trade.price), int(trade.size))
            for trade in self.kept or ()
        ]


PEERS: dict[str, type[Peer]] = {
    peer.package: peer
    for peer in (Engine, CythonOrderBook, Akhil4n, PyOrderBook, LightMatchingEngine, OrderMatching, Nanobook, LimitOrderBook)
}


class Commands(NamedTuple):
    """A flow as it comes out of the journal, every number an object of its own."""

    opening: list[Any]
    flow: list[Any]


def read(path: Path) -> Commands:
    """The commands that the parent process wrote; the symbols' definitions are the engine's alone."""
    opening, *flow = (decode_commands(line) for line in path.read_bytes().splitlines())
    return Commands(opening, [command for batch in flow for command in batch])


def write(path: Path, symbols: int, commands: int) -> None:
    """Make a flow once, for all processes."""
    flow = Flow(symbols)
    encode = msgspec.json.encode
    with open(path, "wb") as file:
        file.write(encode(flow.opening) + b"\n")
        for start in range(0, commands, BATCH):
            file.write(encode(flow.commands(min(BATCH, commands - start))) + b"\n")


def start(make: Callable[[], Peer], commands: Commands, count: int, keep: bool) -> tuple[Peer, list[Any]]:
    """A peer with the opening carried out, and the first commands of the flow as it wants them."""
    peer = make()
    opening = commands.opening
    if not isinstance(peer, Engine):
        opening = [command for command in opening if isinstance(command, PlaceOrder)]
    prepared_opening = [peer.prepare(command) for command in opening]
    prepared = [peer.prepare(command) for command in commands.flow[:count]]
    if keep:
        peer.kept = []  # type: ignore[attr-defined]
    peer.carry_out(prepared_opening)
    return peer, prepared


def measure(name: str, path: Path) -> dict[str, Any]:
    """One peer with one flow."""
    commands = read(path)
    peer_type = PEERS[name]
    limit = 20_000 if peer_type.slow else len(commands.flow)
    best, done = 0.0, 0
    for _ in range(1 if peer_type.slow else ROUNDS):
        peer, prepared = start(peer_type, commands, limit, keep=False)
        gc.collect()
        gc.freeze()  # What was made beforehand must not be visited again and again.
        seconds, count = run(peer, prepared)
        gc.unfreeze()
        best, done = max(best, count / seconds), count
        if seconds > SECONDS_MAX:
            break
    return {"commands_per_s": round(best), "commands": done, "makes": peer_type.makes, "version": version(name)}


def run(peer: Peer, prepared: list[Any]) -> tuple[float, int]:
    """Seconds of processor time, and how many commands were carried out in them."""
    slices = [prepared[first : first + BATCH] for first in range(0, len(prepared), BATCH)]
    done = 0
    started = process_time()
    for part in slices:
        peer.carry_out(part)
        done += len(part)
        if process_time() - started > SECONDS_MAX:
            break
    return process_time() - started, done


def compare(name: str, path: Path) -> str:
    """Whether a peer's trades are the engine's, with the first commands of a single-symbol flow."""
    commands = read(path)
    count = CHECKED_SLOW if PEERS[name].slow else CHECKED
    ours, prepared = start(Engine, commands, count, keep=True)
    ours.carry_out(prepared)
    peer, prepared = start(PEERS[name], commands, count, keep=True)
    peer.carry_out(prepared)
    theirs, expected = peer.trades(), ours.trades()
    if isinstance(peer, LimitOrderBook):
        return _compare_book(peer.books["S1"], ours)
    if theirs == expected:
        return f"all {len(theirs)} trades of {count} commands"
    same = next((index for index, pair in enumerate(zip(theirs, expected, strict=False)) if pair[0] != pair[1]), 0)
    return f"NO: {len(theirs)} trades instead of {len(expected)}, the first difference at trade {same + 1}"


def _compare_book(book: Any, ours: Engine) -> str:
    """A peer that tells no trades: what is left in its book."""
    (own,) = ours.books.values()
    expected = (own.bids.best.price // TICK, own.asks.best.price // TICK, len(own.orders))
    found = (book.best_buy(), book.best_sell(), book.count())
    return "best prices and number of orders at the end" if found == expected else f"NO: {found} instead of {expected}"


def child(name: str, directory: Path) -> dict[str, Any]:
    """Everything about one peer."""
    signal.alarm(CHECK_SECONDS_MAX // (1 if PEERS[name].slow else 10))  # Without a handler it ends the process, wherever it is.
    found: dict[str, Any] = {"agrees": "" if name == "exchange" else compare(name, directory / "1")}
    signal.alarm(0)
    for symbols in (1, 5):
        found[f"symbols_{symbols}"] = measure(name, directory / str(symbols))
    return found


def spawn(names: list[str], directory: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """One process after the other."""
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        command = [sys.executable, "-P", __file__, "--peer", name, "--flows", str(directory)]
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
        if finished.returncode == -signal.SIGALRM:
            yield name, {"failed": f"does not return from one of the first {CHECKED:,} commands"}
        elif finished.returncode:
            yield name, {"failed": (finished.stderr.strip().splitlines() or ["it died"])[-1]}
        else:
            yield name, json.loads(finished.stdout.splitlines()[-1])


def table(results: dict[str, dict[str, Any]]) -> str:
    """The results in Markdown."""
    lines = ["| | version | one symbol | five symbols | agrees with the engine | makes |", "|---|---|---:|---:|---|---|"]
    for name, found in results.items():
        if "failed" in found:
            lines.append(f"| {name} | | – | – | | failed: {found['failed']} |")
            continue
        one, five = found["symbols_1"], found["symbols_5"]
        rates = [f"{rate['commands_per_s']:,}" for rate in (one, five)]
        lines.append(f"| {name} | {one['version']} | {rates[0]} | {rates[1]} | {found['agrees']} | {one['makes']} |")
    return "\n".join(lines)


def main() -> None:
    """Measure all, or one in this process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--commands", type=int, default=1_000_000)
    parser.add_argument("--peer", action="append", choices=PEERS, help="only these")
    parser.add_argument("--flows", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, help="write the results there too")
    arguments = parser.parse_args()
    if arguments.flows:
        print(json.dumps(child(arguments.peer[0], arguments.flows)))
        return
    with tempfile.TemporaryDirectory() as directory:
        for symbols in (1, 5):
            write(Path(directory) / str(symbols), symbols, arguments.commands)
        results = dict(spawn(arguments.peer or list(PEERS), Path(directory)))
    print(f"CPython {platform.python_version()}, {arguments.commands:,} commands")
    print(f"Commands per second of processor time, best of {ROUNDS} rounds\n")
    print(table(results))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
