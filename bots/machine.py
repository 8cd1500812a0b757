"""The rule machine: (state, what is seen) → (state, commands). No clock, socket, file or randomness of its own.

Each rule of the file is a thread of its own. A thread has one or several armed rules; all are looked at, and the first whose
condition holds fires: its actions are done, and the rules of its `then` are armed in its place, its siblings with it. A rule
without `then` ends the thread, unless it, or the nearest rule before it on the way, says `again`: that one and its siblings
are then armed anew.

Commands are put into the state's outbox. Whoever hosts the machine stores the state before it sends them, sends the same ones
again after a crash, and the gate places none twice, because their client order ids are made of the bot's instance, the rule
and the number of its firing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from hashlib import blake2b
from itertools import count
from typing import Final

from exchange.messages.base import Side
from exchange.messages.bots import BotStatus

from . import syntax
from .definition import Definition
from .desk import Desk, Skipped
from .evaluation import Compiler, Number, Truth
from .holdings import Holdings
from .state import BotState, Decision, RuleState, ThreadState
from .strategy import SECOND, Instrument
from .view import MarketView
from .vocabulary import VALUES
from .words import action_words, explained, number_words

LOG_LENGTH_MAX: Final = 300

View = MarketView["Thread"]


class Machine:
    """One bot's rules."""

    def __init__(
        self, definition: Definition, state: BotState, view: View, instruments: Mapping[str, Instrument], holdings: Holdings
    ) -> None:
        """Go on from `state`: threads whose rule is still in the file stay where they are, the others begin."""
        self.definition = definition
        self.state = state
        self.desk = Desk(definition, state, view, instruments, holdings)
        before = list(state.threads)
        self.threads: list[Thread] = []
        for rule in definition.rules:
            mark = fingerprint(rule)
            known = next((thread for thread in before if thread.fingerprint == mark), None)
            if known is not None:
                before.remove(known)
            self.threads.append(Thread(self, rule, view, known or ThreadState(mark)))
        state.threads = [thread.state for thread in self.threads]
        self.reads_account = any(_reads_account(rule) for rule in definition.rules)
        """Whether a rule asks for something that others of the account change."""
        if definition.limits.loss is not None:
            for symbol in definition.symbols:
                view.symbols[symbol].last.readers.update(self.threads)

    @property
    def status(self) -> BotStatus:
        """running, finished (no rule is armed and no order open) or stopped."""
        if self.state.stopped:
            return "stopped"
        idle = not self.state.orders and not self.state.outbox
        return "finished" if idle and all(thread.state.finished for thread in self.threads) else "running"

    def look(self, threads: Collection[Thread], now: int) -> None:
        """Let those threads look that read something which changed. All of them see the same picture.

        While something that was decided is without an answer, nobody looks: a bot never acts twice on one picture. Whoever
        brings the answer marks all threads.
        """
        self.desk.check_loss(now)
        if self.desk.waiting:
            return
        for thread in self.threads:
            if thread in threads and not self.state.stopped:
                thread.look(now)

    def close(self, view: View) -> None:
        """Read nothing any more."""
        threads = set(self.threads)
        view.dirty -= threads
        for cell in view.cells():
            cell.readers -= threads

    def log(self, decision: Decision) -> None:
        """A decision of one of the threads."""
        self.desk.decided(decision)


class Thread:
    """One rule of the file and all that follows from it."""

    def __init__(self, machine: Machine, rule: syntax.Rule, view: View, state: ThreadState) -> None:
        self.machine = machine
        self.state = state
        self._root = rule
        self._view = view
        self._compiled: dict[int, tuple[Truth, Compiler[Thread]]] = {}
        self._numbers: dict[syntax.Expression, Number] = {}
        self._compile(rule)
        if not state.armed and not state.finished:
            self._arm(machine.state.started)

    def look(self, now: int) -> None:
        """Look at what is armed, and do what follows: at most one rule fires."""
        if self.state.finished:
            return
        if self.state.doing is not None:
            if now >= self.state.doing[2]:
                self._go_on(now)
            return
        rules = self._armed_rules()
        holding = [self._compiled[rule.number][0]() for rule in rules]
        for index, (armed, holds) in enumerate(zip(self.state.armed, holding, strict=True)):
            if holds and not armed.until_false and now >= armed.not_before:
                self._fire(index, now)
                return
            if armed.until_false and holds is False:
                armed.until_false = False
                self.machine.desk.changed = True

    # ── What conditions may ask ──

    def own(self, name: str, symbol: str) -> float | None:
        """See evaluation.Own."""
        return self.machine.desk.own(name, symbol)

    def happened(self, event: str, rule: int) -> int | None:
        """See evaluation.Own."""
        state = self.machine.state
        match event:
            case "start":
                return state.started
            case "fill":
                return state.filled or None
            case "fire":
                return self.state.fired or None
            case "armed":
                found = self._armed(rule)
                return found.armed if found else None
        traded = self._view.symbols[self.machine.definition.symbol].traded.value
        return None if traded is None else int(traded)

    def filled(self, side: Side | str, rule: int) -> bool:
        """See evaluation.Own."""
        state, armed = self.machine.state, self._armed(rule)
        if armed is None:
            return False
        buys, sells, _ = armed.marks
        return (side != "sell" and state.buys > buys) or (side != "buy" and state.sells > sells)

    def refused(self, rule: int) -> bool:
        """See evaluation.Own."""
        armed = self._armed(rule)
        return armed is not None and self.machine.state.refusals > armed.marks[2]

    # ── Where it stands ──

    def armed_rules(self) -> list[tuple[syntax.Rule, RuleState]]:
        """What is looked at now; nothing while actions are being done."""
        return [] if self.state.doing else list(zip(self._armed_rules(), self.state.armed, strict=True))

    def _armed_rules(self) -> tuple[syntax.Rule, ...]:
        if self.state.finished:
            return ()
        rules: tuple[syntax.Rule, ...] = (self._root,)
        for index in self.state.path:
            rules = rules[index].then
        return rules

    def _armed(self, rule: int) -> RuleState | None:
        for candidate, armed in zip(self._armed_rules(), self.state.armed, strict=False):
            if candidate.number == rule:
                return armed
        return None

    def _arm(self, now: int, again: tuple[int, int] | None = None) -> None:
        """Arm the rules at the path; `again`: the one at this index not before that time."""
        rules = self._armed_rules()
        self.state.armed = [RuleState() for _ in rules]
        for index, armed in enumerate(self.state.armed):
            self._rearm(index, now)
            if again is not None and index == again[0]:
                armed.not_before = again[1]
                armed.until_false = again[1] <= now

    def _rearm(self, index: int, now: int) -> None:
        state, armed = self.machine.state, self.state.armed[index]
        armed.armed, armed.marks = now, (state.buys, state.sells, state.refusals)
        for reset in self._compiled[self._armed_rules()[index].number][1].resets:
            reset()

    # ── Firing ──

    def _fire(self, index: int, now: int) -> None:
        state = self.machine.state
        state.firings += 1
        rule = self._armed_rules()[index]
        self.machine.log(Decision(now, rule.number, explained(rule.when, self._value)))
        self.state.doing = (index, 0, now, state.firings)
        self._go_on(now)

    def _go_on(self, now: int) -> None:
        """Do the actions that are left, up to one that waits."""
        assert self.state.doing is not None
        index, done, _, firing = self.state.doing
        rule = self._armed_rules()[index]
        desk = self.machine.desk
        desk.changed = True
        for position, action in enumerate(rule.do[done:], done):
            if isinstance(action, syntax.Wait):
                self.state.doing = (index, position + 1, now + round(action.seconds * SECOND), firing)
                self._note(rule, now, action_words(action))
                return
            if desk.must_wait(action, now):
                self.state.doing = (index, position, now, firing)
                return
            self._perform(rule, action, firing, position, now)
            if desk.state.stopped:
                self.state.doing = None
                return
        self.state.doing = None
        self._after(index, rule, now)

    def _perform(self, rule: syntax.Rule, action: syntax.Action, firing: int, position: int, now: int) -> None:
        if isinstance(action, syntax.Log):
            shown = [part if isinstance(part, str) else _shown(self._value(part)) for part in action.parts]
            self._note(rule, now, f"log: {''.join(shown)[:LOG_LENGTH_MAX]}")
        elif isinstance(action, syntax.Stop):
            self._note(rule, now, action_words(action))
            self.machine.desk.stop(action.text or f"rule {rule.number} said so", now)
        else:
            ids = _client_order_ids(f"{self.machine.state.instance}-{rule.number}-{firing}-{position}")
            try:
                self._note(rule, now, self.machine.desk.perform(action, ids, now, self._value))
            except Skipped as why:
                self._note(rule, now, f"{action_words(action)}: not done, {why}")

    def _note(self, rule: syntax.Rule, now: int, text: str) -> None:
        """Add to the firing's decision, or begin another if something came in between."""
        decisions = self.machine.state.decisions
        if not decisions or decisions[-1].rule != rule.number:
            self.machine.log(Decision(now, rule.number, "", [text]))
        else:
            decisions[-1].actions.append(text)
        self.machine.desk.changed = True

    def _after(self, index: int, rule: syntax.Rule, now: int) -> None:
        """What is armed after a rule has fired and its actions are done."""
        state = self.state
        state.fired = now
        self._view.dirty.add(self)  # What follows may hold already.
        if rule.then:
            state.path.append(index)
            self._arm(now)
            return
        if rule.again is not None:
            self._rearm(index, now)
            state.armed[index].not_before = now + round(rule.again.seconds * SECOND)
            state.armed[index].until_false = not rule.again.seconds
            return
        while state.path:
            index = state.path.pop()
            ancestor = self._armed_rules()[index]
            if ancestor.again is not None:
                self._arm(now, (index, now + round(ancestor.again.seconds * SECOND)))
                return
        state.finished = True
        state.armed = []

    # ── Compiled ──

    def _compile(self, rule: syntax.Rule) -> None:
        compiler = Compiler(self._view, self.machine.definition.symbol, self, rule.number, self)
        self._compiled[rule.number] = compiler.condition(rule.when), compiler
        if rule.again is not None or any(isinstance(action, syntax.Wait) for action in rule.do):
            self._view.clock.readers.add(self)
        silent: Compiler[Thread] = Compiler(self._view, self.machine.definition.symbol, self, rule.number)
        for expression in _expressions((rule.when, rule.do)):
            self._numbers[expression] = silent.expression(expression)
        for following in rule.then:
            self._compile(following)

    def _value(self, expression: syntax.Expression) -> float | None:
        return self._numbers[expression]()


def fingerprint(rule: syntax.Rule) -> str:
    """Of what a rule and its followers say, wherever they stand in the file."""

    def said(rule: syntax.Rule) -> object:
        return rule.when, rule.do, rule.again, tuple(map(said, rule.then))

    return blake2b(repr(said(rule)).encode(), digest_size=8).hexdigest()


def _expressions(part: object) -> Iterator[syntax.Expression]:
    """All expressions in conditions and actions, those within others not counted."""
    if isinstance(part, syntax.Number | syntax.Value | syntax.Function | syntax.Negative | syntax.Arithmetic):
        yield part
    elif isinstance(part, syntax.Node):
        for field in part.__struct_fields__:
            yield from _expressions(getattr(part, field))
    elif isinstance(part, tuple):
        for item in part:
            yield from _expressions(item)


def _reads_account(rule: syntax.Rule) -> bool:
    return any(isinstance(part, syntax.Value) and VALUES[part.name].scope == "account" for part in _parts(rule.when)) or any(
        map(_reads_account, rule.then)
    )


def _parts(part: object) -> Iterator[object]:
    """A part of the syntax and everything within it."""
    yield part
    inner = part if isinstance(part, tuple) else [getattr(part, field) for field in getattr(part, "__struct_fields__", ())]
    for item in inner:
        yield from _parts(item)


def _client_order_ids(prefix: str) -> Iterator[str]:
    """The same ones whenever the same firing is computed again."""
    return (f"{prefix}-{number}" for number in count())


def _shown(value: float | None) -> str:
    return "unknown" if value is None else number_words(value)
