"""Hosts rule bots on one connection: brings them what they see, stores what they decided, sends it, and keeps them apart.

One turn: look at what changed, store every bot that decided something in one transaction, then send. What arrives meanwhile is
the next turn's, so under load turns become larger, not more.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, NamedTuple

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg

from exchange import subjects
from exchange.client import BUSY, decode_answer
from exchange.messages.account import Portfolio
from exchange.messages.base import COMMANDS_PER_REQUEST_MAX, decoder, encode
from exchange.messages.market_data import Candle, CandlesQuestion, Quote, Status, SymbolQuestion, Trades
from exchange.messages.requests import Outcome, Refused
from exchange.metrics import BOTS, DECISIONS, count_outcomes

from .account import Account, AccountRefused
from .asking import Unanswered, ask, ask_symbols
from .definition import Definition
from .desk import once_only
from .machine import Machine, Thread
from .series import Bar
from .state import BotState, Command, Decision
from .store import Record, Store
from .strategy import SECOND, Instrument
from .view import MarketView

log = logging.getLogger(__name__)

TICK_SECONDS: Final = 0.1
"""How often conditions about time are looked at."""
TURN_SECONDS: Final = 0.01
"""From one turn to the next at least."""
UNREPORTED_SECONDS: Final = 3.0
"""A report that takes longer is taken for lost."""
SETTLE_SECONDS: Final = 3.0
CANDLES_ASKED_MAX: Final = 3_500
HISTORY_CANDLES: Final = 300
"""For indicators, in their own interval."""
STATUSES_AT_ONCE: Final = 50

decode_quote: Final = decoder(Quote).decode
decode_trades: Final = decoder(Trades).decode
decode_reply: Final = decoder(Outcome | list[Outcome]).decode


decode_status: Final = decoder(Status).decode


class Hosted(NamedTuple):
    """A bot that is hosted."""

    account: Account
    machine: Machine
    text: str

    @property
    def name(self) -> str:
        """Of the bot."""
        return self.machine.definition.name

    def record(self) -> Record:
        """For the store."""
        return Record(self.account.name, self.name, self.text, msgspec.json.encode(self.machine.state))


Listener = Callable[[Hosted], None]
"""Told of each bot that changed, before what it decided is sent."""


class Host:
    """All rule bots of one process."""

    def __init__(
        self,
        client: Client,
        store: Store,
        instruments: dict[str, Instrument],
        listener: Listener | None = None,
        seed: str = "",
    ) -> None:
        """`instruments` is what is traded; symbols that are opened later are put into it, with `seed`."""
        self.view: MarketView[Thread] = MarketView(instruments)
        self.bots: dict[tuple[str, str], Hosted] = {}
        """By account and name."""
        self._client = client
        self._store = store
        self._instruments = instruments
        self._seed = seed
        self._listener = listener
        self._accounts: dict[str, Account] = {}
        BOTS.labels("rules").set_function(lambda: sum(not one.machine.state.stopped for one in list(self.bots.values())))
        self._by_machine: dict[int, Hosted] = {}
        self._sending: dict[int, asyncio.Task[None]] = {}
        self._unreported: dict[int, float] = {}
        self._primed: set[tuple[str, str, int]] = set()
        self._asking: set[asyncio.Task[None]] = set()
        self._learning = asyncio.Lock()
        self.begun = asyncio.Event()
        """Set when it knows what is traded."""
        self._wake = asyncio.Event()
        self._storing = asyncio.Lock()
        """One transaction after the other, so that what is stored last is newest, and what was forgotten stays so."""

    # ── Bots ──

    async def start(self, account: str, definition: Definition, text: str, state: BotState) -> Hosted:
        """Host a bot from its state on. Raises AccountRefused."""
        owner = await self._account(account)
        in_doubt = [pending for pending in state.outbox if once_only(pending.command)]
        if in_doubt:
            state.outbox = [pending for pending in state.outbox if pending not in in_doubt]
            state.decisions.append(Decision(time.time_ns(), 0, "restarted", ["replace: not repeated, it may have been done"]))
        machine = Machine(definition, state, self.view, self._instruments, owner.holdings)
        hosted = Hosted(owner, machine, text)
        if not state.report:
            state.report = owner.holdings.report
        owner.add(machine)
        if state.report < owner.holdings.report:
            await owner.synchronise()
        self.bots[account, definition.name] = hosted
        self._by_machine[id(machine)] = hosted
        self._mark(machine)
        self._prime()
        return hosted

    async def end(self, hosted: Hosted, *, forget: bool) -> None:
        """Host a bot no more; its orders stay as they are. `forget`: in the store, too."""
        machine = hosted.machine
        sending = self._sending.pop(id(machine), None)
        if sending is not None:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        machine.close(self.view)
        self._by_machine.pop(id(machine), None)
        self.bots.pop((hosted.account.name, hosted.name), None)
        hosted.account.remove(machine)
        if forget:
            async with self._storing:
                await asyncio.to_thread(self._store.delete, hosted.account.name, hosted.name)
        if not hosted.account.machines:
            self._accounts.pop(hosted.account.name, None)
            await hosted.account.close()

    async def replace(self, hosted: Hosted, definition: Definition, text: str) -> Hosted:
        """Go on with a changed file: what the bot has and did stays, and so do the rules that did not change."""
        state = hosted.machine.state
        state.stopped = ""
        await self.end(hosted, forget=False)
        replaced = await self.start(hosted.account.name, definition, text, state)
        replaced.machine.desk.decided(Decision(time.time_ns(), 0, "the file was changed"))
        return replaced

    async def settle(self, hosted: Hosted) -> None:
        """Wait until what a bot decided is answered; gives up after SETTLE_SECONDS."""
        await self.store(hosted)
        self._send(hosted)
        sending = self._sending.get(id(hosted.machine))
        if sending is not None:
            await asyncio.wait({sending}, timeout=SETTLE_SECONDS)

    async def shares(self, account: str, symbol: str) -> int:
        """What an account owns of a symbol. Raises AccountRefused."""
        answer = decode_answer(await ask(self._client, subjects.api(account, "portfolio"), b""), Portfolio)
        if isinstance(answer, Refused):
            raise AccountRefused(answer.detail or answer.reason)
        return next((position.quantity for position in answer.positions if position.symbol == symbol), 0)

    async def store(self, *bots: Hosted) -> None:
        """Store bots now, those that are still hosted."""
        async with self._storing:
            hosted = [one for one in bots if self.bots.get((one.account.name, one.name)) is one]
            for one in hosted:
                one.machine.desk.changed = False
            await asyncio.to_thread(self._store.put, [one.record() for one in hosted])

    # ── Running ──

    async def run(self) -> None:
        """Host until cancelled."""
        await self._client.subscribe("market.*.trade", cb=self._hear_trades)
        await self._client.subscribe("market.*.quote", cb=self._hear_quote)
        await self._client.subscribe("market.*.status", cb=self._hear_status)
        ticking = asyncio.create_task(self._tick())
        try:
            await self._begin()
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._turn()
                await asyncio.sleep(TURN_SECONDS)
        finally:
            ticking.cancel()
            for task in (*self._sending.values(), *self._asking):
                task.cancel()
            for account in self._accounts.values():
                await account.close()

    async def _begin(self) -> None:
        """Where prices and phases are before the first message."""
        await self._learn()
        self.begun.set()
        symbols = list(self.view.symbols)
        for start in range(0, len(symbols), STATUSES_AT_ONCE):
            await asyncio.gather(*map(self._ask_status, symbols[start : start + STATUSES_AT_ONCE]))
        self._wake.set()

    async def _learn(self) -> None:
        """See what is traded, and at which prices where nobody has told any yet."""
        for row in await ask_symbols(self._client):
            if row.symbol not in self._instruments:
                self._instruments[row.symbol] = Instrument(row.symbol, row.tick, row.lot, row.opening_price, self._seed)
                self.view.add(row.symbol)
            view = self.view.symbols[row.symbol]
            if not view.last_units:
                view.begin(row.last if row.trades else 0, row.bid, row.ask)

    async def _ask_status(self, symbol: str) -> None:
        told = decode_answer(await ask(self._client, subjects.public("status"), encode(SymbolQuestion(symbol))), Status)
        if not isinstance(told, Refused):
            self.view.symbols[symbol].enter(told.phase)

    async def _meet(self, status: Status) -> None:
        """Somebody speaks of a symbol that nobody here knows."""
        async with self._learning:
            if status.symbol not in self.view.symbols:
                await self._learn()
            if (view := self.view.symbols.get(status.symbol)) is not None:
                view.enter(status.phase)
                self._wake.set()

    async def _tick(self) -> None:
        while True:
            self.view.tick(time.time_ns())
            self._wake.set()
            await asyncio.sleep(TICK_SECONDS)

    async def _turn(self) -> None:
        now = self.view.time
        by_machine: dict[int, tuple[Machine, set[Thread]]] = {}
        for thread in self.view.take_dirty():
            by_machine.setdefault(id(thread.machine), (thread.machine, set()))[1].add(thread)
        for machine, threads in by_machine.values():
            self._look(machine, threads, now)
        changed = [hosted for hosted in self.bots.values() if hosted.machine.desk.changed]
        if changed:
            DECISIONS.labels("rules").inc(len(changed))
            self._tell(changed)
            await self.store(*changed)
        for hosted in changed:
            self._send(hosted)
        self._watch_unreported()

    def _look(self, machine: Machine, threads: set[Thread], now: int) -> None:
        if machine.state.stopped:
            return
        try:
            machine.look(threads, now)
        except Exception as defect:  # Whatever it is, it is this bot's: the others go on.
            hosted = self._by_machine.get(id(machine))
            log.exception("%s: stopped", hosted.name if hosted else "a bot")
            machine.desk.stop(f"failed: {type(defect).__name__}: {defect}", now)

    def _mark(self, machine: Machine) -> None:
        self.view.dirty.update(machine.threads)
        self._wake.set()

    def _tell(self, changed: list[Hosted]) -> None:
        if self._listener is not None:
            for hosted in changed:
                self._listener(hosted)

    # ── Sending ──

    def _send(self, hosted: Hosted) -> None:
        key = id(hosted.machine)
        if hosted.machine.state.outbox and key not in self._sending:
            task = self._sending[key] = asyncio.create_task(self._keep_sending(hosted))
            task.add_done_callback(lambda _: self._sent(key, task))

    def _sent(self, key: int, task: asyncio.Task[None]) -> None:
        if self._sending.get(key) is task:
            del self._sending[key]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("sending failed", exc_info=error)

    async def _keep_sending(self, hosted: Hosted) -> None:
        """Send the outbox until it is empty, one request at a time."""
        machine, desk = hosted.machine, hosted.machine.desk
        while desk.state.outbox:
            commands = desk.due(time.time_ns(), COMMANDS_PER_REQUEST_MAX)
            outcomes = await self._outcomes(hosted.account.name, commands)
            if outcomes is None:
                continue
            count_outcomes(outcomes)
            desk.answered(commands, outcomes, time.time_ns())
            for order in desk.state.orders.values():
                if order.order_id:
                    hosted.account.own(machine, order.order_id)
            if desk.doubtful:
                await hosted.account.settle_doubts(machine)
        self._mark(machine)

    async def _outcomes(self, account: str, commands: list[Command]) -> list[Outcome] | None:
        """One for each command; None to try again."""
        once = once_only(commands[0])
        try:
            reply = await ask(self._client, subjects.orders(account), encode(commands), 1)
        except Unanswered:
            if once:
                return [Refused("unanswered", "the market did not answer; the order may have been changed")]
            await asyncio.sleep(0.25)
            return None
        outcomes = decode_reply(reply)
        if not isinstance(outcomes, Refused):
            return list(outcomes) if isinstance(outcomes, list) else [outcomes]
        if outcomes.reason == BUSY:
            await asyncio.sleep(0.25)
            return None
        return [outcomes] * len(commands)

    def _watch_unreported(self) -> None:
        """A report that does not come was lost: synchronise the account."""
        now = time.monotonic()
        for hosted in self.bots.values():
            key = id(hosted.machine)
            if not hosted.machine.desk.unreported:
                self._unreported.pop(key, None)
            elif now - self._unreported.setdefault(key, now) > UNREPORTED_SECONDS:
                del self._unreported[key]
                hosted.account.resynchronise()

    # ── Seeing ──

    async def _hear_trades(self, message: Msg) -> None:
        trades: Trades = decode_trades(message.data)
        if trades.symbol in self.view.symbols:
            self.view.hear_trades(trades)
            self._wake.set()

    async def _hear_quote(self, message: Msg) -> None:
        quote: Quote = decode_quote(message.data)
        if quote.symbol in self.view.symbols:
            self.view.hear_quote(quote)
            self._wake.set()

    async def _hear_status(self, message: Msg) -> None:
        status: Status = decode_status(message.data)
        if (view := self.view.symbols.get(status.symbol)) is not None:
            view.enter(status.phase)
            self._wake.set()
        else:
            self._ask_aside(self._meet(status))

    def _ask_aside(self, asking: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(asking)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _account(self, name: str) -> Account:
        if name not in self._accounts:
            account = Account(self._client, name, self._mark)
            try:
                await account.open()
            except AccountRefused:
                await account.close()
                raise
            self._accounts[name] = account
        return self._accounts[name]

    def _prime(self) -> None:
        """Ask for the history of every window and candle that is new."""
        for symbol, view in self.view.symbols.items():
            for kind, wanted in (("window", view.windows), ("candles", view.candles)):
                for seconds in wanted.keys() - {known[2] for known in self._primed if known[:2] == (symbol, kind)}:
                    self._primed.add((symbol, kind, seconds))
                    self._ask_aside(self._ask_history(symbol, kind, seconds))

    async def _ask_history(self, symbol: str, kind: str, seconds: int) -> None:
        view = self.view.symbols[symbol]
        span = seconds if kind == "window" else seconds * HISTORY_CANDLES
        interval = "1s" if (kind == "window" or seconds % 60) and span <= CANDLES_ASKED_MAX else "1m"
        limit = min(span // (1 if interval == "1s" else 60) + 2, CANDLES_ASKED_MAX)
        question = CandlesQuestion(symbol, interval, limit)
        answer: Any = decode_answer(await ask(self._client, subjects.public("candles"), encode(question)), list[Candle])
        if isinstance(answer, Refused):
            return
        oldest = time.time_ns() // SECOND - span
        bars = [
            Bar(row.start, row.open, row.high, row.low, row.close, row.volume, row.turnover, row.trades)
            for row in answer
            if row.start >= oldest - seconds
        ]
        if kind == "window":
            view.prime_window(seconds, bars)
        else:
            view.prime(seconds, bars)
        self._wake.set()
