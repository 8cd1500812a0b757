"""Answers api.<account>.bots.check, .start, .stop, .list and .show, and goes on with all stored bots when the worker starts."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from nats.aio.client import Client

from exchange import subjects
from exchange.messages.base import decoder
from exchange.messages.bots import (
    BotCheck,
    BotDecision,
    BotDetail,
    BotInfo,
    BotMistake,
    BotName,
    BotOrder,
    BotPosition,
    BotRule,
    BotStatus,
    BotText,
)
from exchange.messages.requests import Refused
from exchange.metrics import BOTS
from exchange.questions import Questions

from .account import AccountRefused
from .bot import Bot, LimitReached, Prices
from .definition import Definition, read_definition
from .document import BotFileError, Mistake
from .host import Host, Hosted
from .machine import Machine
from .registry import check_strategy, make_strategy
from .state import BotState, Decision
from .store import Record, Store
from .strategy import Instrument
from .words import condition_words

log = logging.getLogger(__name__)

BOTS_MAX: Final = 10_000
"""Hosted by one worker."""
BOTS_PER_ACCOUNT_MAX: Final = 1_000
NAME_BYTES: Final = 5
"""Of randomness in an instance's name."""

decode_text: Final = decoder(BotText).decode
decode_name: Final = decoder(BotName).decode


def check(text: str, name: str, instruments: Mapping[str, Instrument] | None) -> Definition:
    """The definition in a file, whose symbols must be traded if it is known which are. Raises BotFileError."""
    definition = read_definition(text, name, check_strategy)
    unknown = definition.symbols - instruments.keys() if instruments is not None else set()
    if unknown:
        known = ", ".join(instruments or ())
        raise BotFileError([_place(text, symbol, f"{symbol} is not traded here; expected {known}") for symbol in unknown])
    return definition


def _place(text: str, word: str, complaint: str) -> Mistake:
    found = re.search(rf"\b{word}\b", text)
    before = text[: found.start()] if found else ""
    return Mistake(before.count("\n") + 1, len(before) - before.rfind("\n"), complaint)


def new_state(now: int) -> BotState:
    """Of a bot that begins; its instance is a name no bot had before."""
    return BotState(secrets.token_hex(NAME_BYTES), now)


@dataclass
class StrategyBot:
    """A hosted bot with a strategy instead of rules."""

    account: str
    definition: Definition
    text: str
    state: BotState
    bot: Bot
    task: asyncio.Task[None] | None = None


class Service:
    """The hosted bots of all accounts."""

    def __init__(
        self,
        client: Client,
        store: Store,
        host: Host,
        instruments: Mapping[str, Instrument],
        prices: Mapping[str, Prices],
        seed: int,
    ) -> None:
        self._client = client
        self._store = store
        self._host = host
        self._instruments = instruments
        self._prices = prices
        self._seed = seed
        self._strategies: dict[tuple[str, str], StrategyBot] = {}
        BOTS.labels("strategy").set_function(lambda: len(self._running))
        self._locks: dict[str, asyncio.Lock] = {}

    async def open(self, questions: Questions) -> None:
        """Go on with what was stored, then answer."""
        await self._host.begun.wait()  # A bot may trade a symbol that the market file does not name.
        await self.restore()
        for verb in ("check", "start", "stop", "list", "show"):
            await questions.answer(subjects.api("*", f"bots.{verb}"), getattr(self, verb if verb != "list" else "list_"))

    async def restore(self) -> None:
        """Go on with what was stored. One that cannot is left in the store, and the log says why."""
        for record in self._store.load():
            try:
                await self._restore(record)
            except (AccountRefused, BotFileError, msgspec.MsgspecError) as error:
                log.error("%s of %s cannot go on: %s", record.name, record.account, error)

    async def close(self) -> None:
        """Take back what strategies have open, since nobody watches it any more. Rule bots' orders stay: they go on later."""
        running = self._running
        for hosted in running:
            assert hosted.task is not None
            hosted.task.cancel()
        await asyncio.gather(*(hosted.task for hosted in running if hosted.task), return_exceptions=True)

    @property
    def _running(self) -> list[StrategyBot]:
        return [hosted for hosted in list(self._strategies.values()) if hosted.task is not None and not hosted.task.done()]

    # ── Questions ──

    async def check(self, subject: str, payload: bytes) -> BotCheck:
        """api.<account>.bots.check."""
        question: BotText = decode_text(payload)
        try:
            return BotCheck(check(question.text, question.name, self._instruments).name, [])
        except BotFileError as error:
            return BotCheck(question.name, [BotMistake(*mistake) for mistake in error.mistakes])

    async def start(self, subject: str, payload: bytes) -> BotInfo | Refused:
        """api.<account>.bots.start: a new bot, or a changed file for one that runs."""
        account, question = subject.split(".")[1], decode_text(payload)
        try:
            definition = check(question.text, question.name, self._instruments)
        except BotFileError as error:
            return Refused("bot_file", str(error))
        async with self._locks.setdefault(account, asyncio.Lock()):
            if refusal := self._full(account, definition.name):
                return refusal
            try:
                if definition.strategy:
                    return self._info(await self._start_strategy(account, definition, question.text, None))
                return self._info(await self._start_rules(account, definition, question.text))
            except AccountRefused as refused:
                return Refused("unknown_account", str(refused))

    async def stop(self, subject: str, payload: bytes) -> BotInfo | Refused:
        """api.<account>.bots.stop: cancel its orders and forget it; one that has stopped by itself is only forgotten."""
        account, name = subject.split(".")[1], decode_name(payload).name
        async with self._locks.setdefault(account, asyncio.Lock()):
            found = self._find(account, name)
            if isinstance(found, Refused):
                return found
            if isinstance(found, StrategyBot):
                await self._end_strategy(found, "stopped")
                del self._strategies[account, name]
                self._store.delete(account, name)
                return self._info(found)
            found.machine.desk.stop("stopped by its owner", time.time_ns())
            await self._host.settle(found)
            info = self._info(found)
            await self._host.end(found, forget=True)
            return info

    async def list_(self, subject: str, payload: bytes) -> list[BotInfo]:
        """api.<account>.bots.list."""
        account = subject.split(".")[1]
        found = [hosted for hosted in self._all() if self._key(hosted)[0] == account]
        return [self._info(hosted) for hosted in sorted(found, key=self._key)]

    async def show(self, subject: str, payload: bytes) -> BotDetail | Refused:
        """api.<account>.bots.show."""
        account, name = subject.split(".")[1], decode_name(payload).name
        found = self._find(account, name)
        if isinstance(found, Refused):
            return found
        state = found.state if isinstance(found, StrategyBot) else found.machine.state
        decisions = [BotDecision(one.time, one.rule, one.why, one.actions) for one in state.decisions]
        if isinstance(found, StrategyBot):
            return BotDetail(self._info(found), found.text, [], [], [], decisions)
        machine = found.machine
        rules = [
            BotRule(rule.number, condition_words(rule.when), armed.armed, armed.not_before)
            for thread in machine.threads
            for rule, armed in thread.armed_rules()
        ]
        orders = [
            BotOrder(name, order.order_id, order.symbol, order.side, order.price, order.remaining, order.label)
            for name, order in state.orders.items()
        ]
        return BotDetail(self._info(found), found.text, rules, orders, self._positions(machine), decisions)

    # ── Bots ──

    def _all(self) -> list[Hosted | StrategyBot]:
        return [*self._host.bots.values(), *self._strategies.values()]

    def _key(self, hosted: Hosted | StrategyBot) -> tuple[str, str]:
        if isinstance(hosted, StrategyBot):
            return hosted.account, hosted.definition.name
        return hosted.account.name, hosted.name

    def _find(self, account: str, name: str) -> Hosted | StrategyBot | Refused:
        found = self._host.bots.get((account, name)) or self._strategies.get((account, name))
        return found or Refused("unknown_bot", f"{account} has no bot {name[:40]!r}")

    def _full(self, account: str, name: str) -> Refused | None:
        if not isinstance(self._find(account, name), Refused):
            return None
        if len(self._all()) >= BOTS_MAX:
            return Refused("too_many_bots", f"this market hosts at most {BOTS_MAX} bots")
        if sum(self._key(hosted)[0] == account for hosted in self._all()) >= BOTS_PER_ACCOUNT_MAX:
            return Refused("too_many_bots", f"an account has at most {BOTS_PER_ACCOUNT_MAX} bots")
        return None

    async def _restore(self, record: Record) -> None:
        definition = check(record.text, record.name, self._instruments)
        state = msgspec.json.decode(record.state, type=BotState)
        if definition.strategy:
            await self._start_strategy(record.account, definition, record.text, state)
        else:
            await self._host.start(record.account, definition, record.text, state)

    async def _start_rules(self, account: str, definition: Definition, text: str) -> Hosted:
        if (strategy := self._strategies.pop((account, definition.name), None)) is not None:
            await self._end_strategy(strategy, "the file was changed")
        known = self._host.bots.get((account, definition.name))
        if known is not None and known.text == text and not known.machine.state.stopped:
            return known  # Asked again, because the answer took long.
        if known is not None:
            hosted = await self._host.replace(known, definition, text)
        else:
            hosted = await self._host.start(account, definition, text, new_state(time.time_ns()))
        await self._host.store(hosted)
        return hosted

    async def _start_strategy(self, account: str, definition: Definition, text: str, state: BotState | None) -> StrategyBot:
        key = account, definition.name
        if (known := self._strategies.pop(key, None)) is not None:
            await self._end_strategy(known, "the file was changed")
        if (rules := self._host.bots.get(key)) is not None:
            rules.machine.desk.stop("the file was changed", time.time_ns())
            await self._host.settle(rules)
            await self._host.end(rules, forget=True)
        shares = await self._host.shares(account, definition.symbol)
        state = state or new_state(time.time_ns())
        run = f"{state.instance}-{time.time_ns() // 1_000_000:x}"
        strategy = make_strategy(definition.strategy, self._instruments[definition.symbol], shares, definition.parameters, run)
        prices, seed = self._prices[definition.symbol], f"{self._seed}/{account}/{definition.name}"
        other = definition.related
        related = (self._instruments[other], self._prices[other]) if other else None
        bot = Bot(self._client, account, definition.symbol, strategy, prices, seed, definition.limits, related)
        hosted = StrategyBot(account, definition, text, state, bot)
        self._strategies[key] = hosted
        self._keep(hosted)
        if not state.stopped:
            hosted.task = asyncio.create_task(self._run_strategy(hosted))
        return hosted

    async def _run_strategy(self, hosted: StrategyBot) -> None:
        """Until it is cancelled, or stops by itself and says why."""
        why = ""
        try:
            await hosted.bot.run()
        except LimitReached as reached:
            why = str(reached)
        except Exception as defect:
            log.exception("%s of %s: stopped", hosted.definition.name, hosted.account)
            why = f"failed: {type(defect).__name__}: {defect}"
        finally:
            await hosted.bot.leave()
        hosted.state.stopped = why
        hosted.state.decisions.append(Decision(time.time_ns(), 0, why, ["stopped"]))
        self._keep(hosted)

    async def _end_strategy(self, hosted: StrategyBot, why: str) -> None:
        if hosted.task is not None:
            hosted.task.cancel()
            await asyncio.gather(hosted.task, return_exceptions=True)
        await hosted.bot.close()
        hosted.state.stopped = hosted.state.stopped or why

    def _keep(self, hosted: StrategyBot) -> None:
        state = msgspec.json.encode(hosted.state)
        self._store.put([Record(hosted.account, hosted.definition.name, hosted.text, state)])

    # ── Answers ──

    def _info(self, hosted: Hosted | StrategyBot) -> BotInfo:
        if isinstance(hosted, StrategyBot):
            definition, state = hosted.definition, hosted.state
            status: BotStatus = "stopped" if state.stopped else "running"
            orders, profit = hosted.bot.open_orders(), hosted.bot.profit()
        else:
            definition, state = hosted.machine.definition, hosted.machine.state
            status = hosted.machine.status
            orders = len(state.orders)
            profit = sum(position.realized + position.unrealized for position in self._positions(hosted.machine))
        return BotInfo(
            definition.name, definition.symbol, status, state.stopped, state.started, orders, profit, definition.strategy
        )

    def _positions(self, machine: Machine) -> list[BotPosition]:
        last = {symbol: view.last_units for symbol, view in self._host.view.symbols.items()}
        return [
            BotPosition(symbol, trading.position, trading.cost, trading.realized, trading.unrealized(last[symbol]))
            for symbol, trading in machine.state.trading.items()
        ]
