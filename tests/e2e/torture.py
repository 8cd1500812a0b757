"""Kills workers and the server under load, again and again, and then counts every order and every share.

    python -m tests.e2e.torture --rounds 50

prints a table of rounds, and ends with exit code 1 at the first thing that is not as it must be.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from msgspec.structs import replace

from exchange import subjects
from exchange.client import Client
from exchange.messages.account import AccountRules, AccountRulesQuestion
from exchange.messages.administration import Credentials, Disconnected, Done, PhaseRequest
from exchange.messages.base import Phase, TimeInForce
from exchange.messages.requests import Accepted, Bracket, Cancel, CancelAll, Command, Oco, Refused, Submit
from tests.e2e.market_process import RunningMarket, start_market
from tests.e2e.verdict import Placed, verify

MARKET = """
title: Torture
symbols:
  - {symbol: AAA, name: First, opening_price: 100, tick: 0.01, bands: {order: 10, trade: 0.1, reference: 1s, auction: 1s}}
  - {symbol: BBB, name: Second, opening_price: 20, tick: 0.05, lot: 10}
  - {symbol: CCC, name: Third, opening_price: 5, tick: 0.01, fees: {maker: -1, taker: 3}}
fees: {maker: 1, taker: 7}
shards: 2
limits: {open_orders: 120, orders_per_second: 0}
bots:
  - {account: maker-aaa, strategy: market-maker, symbol: AAA, cash: 1_000_000, shares: 10_000}
  - {account: noise-aaa, strategy: noise, symbol: AAA, cash: 1_000_000, shares: 10_000}
  - {account: maker-bbb, strategy: market-maker, symbol: BBB, cash: 1_000_000, shares: 50_000}
  - {account: noise-ccc, strategy: noise, symbol: CCC, cash: 1_000_000, shares: 50_000}
"""
TIFS: tuple[TimeInForce, ...] = ("gtc",) * 6 + ("ioc", "ioc", "opg", "cls")
PRICES = {"AAA": (1_000_000, 100, 1), "BBB": (200_000, 500, 10), "CCC": (50_000, 100, 1)}
"""Symbol → (price, tick, lot)."""
VICTIMS = ("nats", "ledger", "engine-1", "engine-2", "historian", "ticks", "auth", "bots", "web")
TRADERS = 6
CASH = 10_000_000_000
SHARES = 20_000
PASSWORD = "correct horse battery staple"
PATIENCE_SECONDS = 60.0
"""A command without an outcome for that long fails the test."""
LOAD_SECONDS_MAX = 1.5
"""How long a round's load runs before somebody is killed."""
SECOND_KILL_SHARE = 0.25
RESEND_SHARE = 0.1
GROUP_SHARE = 0.12
PHASES: tuple[Phase, ...] = ("pre_open", "opening_auction", "continuous", "halted", "closing_auction", "closed")
CAUTIOUS = "trader0"
"""The account whose orders are cancelled when it is said to have lost its connection."""


@dataclass
class Round:
    """One round's row in the table."""

    number: int
    victims: list[str]
    acknowledged_after: float
    """Seconds from the last kill until every trader had an answer to a request made after it."""
    commands: int
    """Acknowledged in this round."""


@dataclass
class Trader:
    """An account, its client, and what it was told about each of its orders."""

    account: str
    client: Client
    random: Random
    placed: Placed = field(default_factory=dict)
    """Client order id → order id, 0 if it was refused."""
    open: list[int] = field(default_factory=list)
    commands: int = 0
    answered: dict[int, asyncio.Event] = field(default_factory=dict)
    number: int = 0

    async def trade(self, stopping: asyncio.Event) -> None:
        """Send one request after the other; every one of them gets an outcome."""
        while not stopping.is_set():
            started = time.monotonic_ns()
            commands = self._commands()
            await self._carry_out(commands)
            for moment, event in self.answered.items():
                if moment < started:
                    event.set()
            self.commands += len(commands)
            await asyncio.sleep(self.random.expovariate(1 / 0.01))

    async def answer_after(self, moment: int) -> None:
        """Wait for the outcome of a request that was made after a moment of time.monotonic_ns."""
        event = self.answered[moment] = asyncio.Event()
        await event.wait()
        del self.answered[moment]

    async def _carry_out(self, commands: list[Command]) -> None:
        while True:
            outcomes = await self.client.send_all(commands) if len(commands) > 1 else [await self.client.send(commands[0])]
            if not any(isinstance(outcome, Refused) and outcome.reason == "busy" for outcome in outcomes):
                break  # Busy says nothing about an earlier attempt that was not answered.
        for command, outcome in zip(commands, outcomes, strict=True):
            for number, name in enumerate(names_in(command)):
                self._note(name, outcome.order_id + number if isinstance(outcome, Accepted) else 0)

    def _note(self, name: str, order_id: int) -> None:
        before = self.placed.setdefault(name, order_id)
        assert before in (order_id, 0), f"{name} was order {before} and is {order_id} now"
        self.placed[name] = order_id
        if order_id and not before:
            self.open.append(order_id)

    def _commands(self) -> list[Command]:
        count = 1 if self.random.random() < 0.5 else self.random.randint(2, 20)
        commands: list[Command] = [self._command() for _ in range(count)]
        if self.random.random() < RESEND_SHARE and self.placed:
            # As a client would that lost the answer: the same id must never be placed again.
            name = self.random.choice(list(self.placed)[-50:])
            if self.placed[name]:
                commands.append(self._submit(name))
        return commands

    def _command(self) -> Command:
        if self.random.random() < 0.02:
            self.open.clear()
            return CancelAll()
        if self.open and self.random.random() < 0.35 + len(self.open) / 500:
            return Cancel(order_id=self.open.pop(self.random.randrange(len(self.open))))
        self.number += 1
        name = f"{self.account}-{self.number}"
        return self._group(name) if self.random.random() < GROUP_SHARE else self._submit(name)

    def _submit(self, name: str) -> Submit:
        symbol = self.random.choice(list(PRICES))
        price, tick, lot = PRICES[symbol]
        quantity = self.random.randint(1, 30) * lot
        side = self.random.choice(("buy", "sell"))
        if self.random.random() < 0.15:
            return Submit(name, symbol, side, quantity, kind="market")
        limit = price + self.random.randint(-15, 15) * tick
        order = Submit(name, symbol, side, quantity, price=limit, tif=self.random.choice(TIFS))
        if order.tif == "gtc" and self.random.random() < 0.2:
            order = replace(order, **self.random.choice(({"display": lot}, {"post_only": True}, {"self_trade": "decrement"})))
        return order

    def _group(self, name: str) -> Oco | Bracket:
        """A pair, or a bracket around a random order."""
        entry = replace(self._submit(name), display=0)
        price, tick, _ = PRICES[entry.symbol]
        near = [price + self.random.randint(-15, 15) * tick for _ in range(3)]
        bracket = self.random.random() < 0.5
        side = entry.side if not bracket else "sell" if entry.side == "buy" else "buy"
        legs = [Submit(f"{name}-{number}", entry.symbol, side, entry.quantity) for number in (1, 2)]
        limit = replace(legs[0], client_order_id=legs[0].client_order_id if bracket else name, price=near[0])
        limited = {"kind": "stop_limit", "price": near[2]} if self.random.random() < 0.5 else {"kind": "stop"}
        stop = replace(legs[1], stop_price=near[1], **limited)
        return Bracket(entry, limit, stop) if bracket else Oco(limit, stop)


def names_in(command: Command) -> list[str]:
    """The client order ids of the orders that a command places, in the order of their ids."""
    match command:
        case Submit():
            return [command.client_order_id]
        case Oco(limit, stop):
            return [limit.client_order_id, stop.client_order_id]
        case Bracket(entry, take_profit, stop_loss):
            return [entry.client_order_id, take_profit.client_order_id, stop_loss.client_order_id]
        case _:
            return []


class Torture:
    """A market, its traders, and a seeded hand that kills."""

    market_file = MARKET

    def __init__(self, directory: Path, seed: int) -> None:
        self.rounds: list[Round] = []
        self._directory = directory
        self._random = Random(seed)
        self._traders: list[Trader] = []
        self._market: RunningMarket | None = None

    async def run(self, rounds: int, victims: list[str] | None = None) -> list[str]:
        """So many rounds, then the reckoning: what was found right, in sentences. Raises AssertionError for what was not."""
        rules = self._directory / "torture.yaml"
        rules.write_text(self.market_file)
        market = self._market = start_market(self._directory, str(rules), variables={"EXCHANGE_DEATHS_MAX": "1000000"})
        try:
            await self._open_accounts(market)
            stopping = asyncio.Event()
            trading = [asyncio.create_task(trader.trade(stopping)) for trader in self._traders]
            trading.append(asyncio.create_task(self._operate(market, stopping)))
            for number in range(1, rounds + 1):
                await self._round(market, number, victims, trading)
            stopping.set()
            await asyncio.gather(*trading)
            for trader in self._traders:
                await trader.client.close()
        finally:
            market.stop()
        # The same data once more, without bots: from here on nothing changes any more.
        market = self._market = start_market(self._directory, "--no-bots")
        try:
            found = await verify(market, {trader.account: trader.placed for trader in self._traders})
        finally:
            market.stop()
        return found

    async def _open_accounts(self, market: RunningMarket) -> None:
        operator = await market.connect("operator")
        for number in range(TRADERS):
            account = f"trader{number}"
            request = Credentials(account, PASSWORD, CASH, dict.fromkeys(PRICES, SHARES))
            answer = await operator.request("admin.create_account", request, Done)
            assert isinstance(answer, Done), answer
            client = await Client.connect(market.runtime["server"], account, PASSWORD, patience=PATIENCE_SECONDS)
            self._traders.append(Trader(account, client, Random(self._random.random())))
        cautious = self._traders[0]
        assert cautious.account == CAUTIOUS
        wanted = AccountRulesQuestion(self_trade="cancel_oldest", cancel_on_disconnect=True)
        rules = await cautious.client.request(subjects.order_rules(CAUTIOUS), wanted, AccountRules)
        assert rules == AccountRules(CAUTIOUS, "cancel_oldest", True), rules
        await operator.close()

    async def _operate(self, market: RunningMarket, stopping: asyncio.Event) -> None:
        """Send one symbol or another into some phase for a moment, and say that a connection was lost."""
        random = Random(self._random.random())
        operator = await market.connect("operator", patience=PATIENCE_SECONDS)
        while not stopping.is_set():
            symbol = random.choice(["", *PRICES])
            for phase in (random.choice(PHASES), None):
                done = await operator.request("admin.phase", PhaseRequest(symbol, phase), Done)
                assert isinstance(done, Done), done
                await asyncio.sleep(random.uniform(0.05, 0.5))
            done = await operator.request("admin.disconnected", Disconnected(CAUTIOUS), Done)
            assert isinstance(done, Done), done
        await operator.close()

    async def _round(
        self, market: RunningMarket, number: int, victims: list[str] | None, trading: list[asyncio.Task[None]]
    ) -> None:
        before = sum(trader.commands for trader in self._traders)
        await asyncio.sleep(self._random.uniform(0.2, LOAD_SECONDS_MAX))
        killed = [victims[(number - 1) % len(victims)] if victims else self._random.choice(VICTIMS)]
        self._kill(market, killed[0])
        if self._random.random() < SECOND_KILL_SHARE:
            await asyncio.sleep(self._random.uniform(0, 2.0))
            killed.append(self._random.choice(VICTIMS))
            self._kill(market, killed[1])
        await self._answer_again(number, killed, before, trading)

    async def _answer_again(self, number: int, killed: list[str], before: int, trading: list[asyncio.Task[None]]) -> None:
        """Wait until every trader has an answer to a request that it makes from now on, and note how long that took."""
        moment = time.monotonic_ns()
        answers = asyncio.gather(*(trader.answer_after(moment) for trader in self._traders))
        await asyncio.wait({answers, *trading}, return_when=asyncio.FIRST_COMPLETED)
        for task in trading:
            if task.done():
                task.result()  # It can only have failed.
        seconds = (time.monotonic_ns() - moment) / 1e9
        commands = sum(trader.commands for trader in self._traders) - before
        self.rounds.append(Round(number, killed, seconds, commands))

    def _kill(self, market: RunningMarket, victim: str) -> None:
        """SIGKILL, unless the process named there is gone: its number may be another program's by now."""
        send_signal(market, victim, signal.SIGKILL)


def send_signal(market: RunningMarket, worker: str, number: signal.Signals) -> int:
    """Unless the process named there is gone: its number may be another program's by now. The process id, or 0."""
    pid: int = market.runtime["workers"][worker]
    try:
        if str(market.data).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, number)
            return pid
    except (FileNotFoundError, ProcessLookupError):
        pass  # It is just being started again after the last time.
    return 0


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.torture", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    arguments = parser.parse_args()
    print(f"{arguments.rounds} rounds, seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="exchange-torture-") as directory:
        torture = Torture(Path(directory), arguments.seed)
        try:
            found = asyncio.run(torture.run(arguments.rounds))
        finally:
            print(table(torture.rounds))
    print("\n".join(found))


def table(rounds: list[Round]) -> str:
    """For people."""
    lines = [f"{'round':>5}  {'killed':24}  {'answers again after':>20}  {'commands':>8}"]
    lines += [
        f"{row.number:>5}  {' + '.join(row.victims):24}  {row.acknowledged_after:>18.2f} s  {row.commands:>8}" for row in rounds
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
