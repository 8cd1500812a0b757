"""A bot file as a definition: rules or a strategy, with its limits. Every mistake in the file is found, not only the first."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from exchange.messages.base import CASH, SYMBOL_PATTERN
from exchange.money import parse_money

from . import syntax
from .document import BotFileError, Fields, Items, Mistake, Node, Scalar, kind, mistake, read_document
from .parser import SECONDS, Parsed, parse_action, parse_condition
from .syntax import Again, Rule

NAME_PATTERN: Final = r"[a-z0-9][a-z0-9_-]{0,31}"
RULES_MAX: Final = 200
ACTIONS_MAX: Final = 20
"""Of one rule."""
NUMBER_MAX: Final = 1e12
_DURATION: Final = re.compile(r"(?:after\s+)?(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_YES: Final = ("yes", "true", "on")


class Limits(NamedTuple):
    """What stops a bot; None for no limit."""

    position: int | None = None
    """Shares of one symbol, bought or sold, with what its open orders may add."""
    loss: int | None = None
    """Realized and unrealized together, in units of money."""
    orders_per_minute: int | None = None


class Definition(NamedTuple):
    """A bot as its file describes it."""

    name: str
    symbol: str
    limits: Limits = Limits()
    rules: tuple[Rule, ...] = ()
    strategy: str = ""
    parameters: Mapping[str, float] = MappingProxyType({})
    """Of the strategy."""
    related: str = ""
    """The arbitrageur's other symbol."""

    @property
    def symbols(self) -> frozenset[str]:
        """All that it looks at or trades."""
        return frozenset({self.symbol, *([self.related] if self.related else ()), *_symbols(self.rules)})


StrategyCheck = Callable[[str, dict[str, float]], str]
"""(strategy, parameters) → what is wrong, or nothing."""


def read_definition(text: str, name: str = "", check_strategy: StrategyCheck | None = None) -> Definition:
    """The definition in a file; `name` is used if the file has none. Raises BotFileError with all mistakes."""
    return _Reader(check_strategy).read(read_document(text), name)


def _symbols(part: object) -> set[str]:
    """Every symbol named in rules, however deep."""
    if isinstance(part, syntax.Node):
        found = {part.symbol} if getattr(part, "symbol", "") else set()  # type: ignore[attr-defined]
        return found.union(*(_symbols(getattr(part, field)) for field in part.__struct_fields__))
    if isinstance(part, tuple):
        return set().union(*map(_symbols, part))
    return set()


class _Reader:
    """Collects mistakes while it reads."""

    def __init__(self, check_strategy: StrategyCheck | None) -> None:
        self.mistakes: list[Mistake] = []
        self._check_strategy = check_strategy
        self._rules = 0
        self._labels: set[str] = set()
        self._replaced: list[tuple[Node, str]] = []

    def read(self, root: Node, name: str) -> Definition:
        from .dollar_form import is_dollar_form, plain_form  # It builds on this module.

        if is_dollar_form(root):
            root = plain_form(root, self.mistakes)
        if not isinstance(root, Fields):
            raise BotFileError([mistake(root, f"expected a mapping with bot, symbol and rules, got {kind(root)}")])
        known = ("bot", "symbol", "limits", "rules", "strategy", "parameters", "related")
        self._known(root, known)
        fields = root.fields
        bot = self._text(fields["bot"]) if "bot" in fields else name
        if not re.fullmatch(NAME_PATTERN, bot):
            self._wrong(fields.get("bot", root), f"expected bot: a name of a-z, 0-9, - and _, at most 32; got {bot[:40]!r}")
        symbol = self._symbol(fields["symbol"]) if "symbol" in fields else ""
        if "symbol" not in fields:
            self._wrong(root, "expected symbol: what the bot trades")
        limits = self._limits(fields["limits"]) if "limits" in fields else Limits()
        rules: tuple[Rule, ...] = ()
        if "rules" in fields:
            rules = self._rule_list(fields["rules"])
        if ("rules" in fields) == ("strategy" in fields):
            self._wrong(root, "expected either rules or a strategy")
        strategy, parameters = self._strategy(fields)
        related = self._symbol(fields["related"]) if "related" in fields else ""
        if (strategy == "arbitrageur") != bool(related) or (related and related == symbol):
            self._wrong(fields.get("related", root), "expected related: another symbol, for an arbitrageur and nobody else")
        for node, label in self._replaced:
            if label not in self._labels:
                self._wrong(node, f"no order is called {label}; give one that name with: as {label}")
        if self.mistakes:
            raise BotFileError(self.mistakes)
        return Definition(bot, symbol, limits, rules, strategy, parameters, related)

    # ── The head ──

    def _limits(self, node: Node) -> Limits:
        if not isinstance(node, Fields):
            self._wrong(node, f"expected limits: a mapping with {', '.join(Limits._fields)}; got {kind(node)}")
            return Limits()
        self._known(node, Limits._fields)
        found: dict[str, int | None] = {}
        for name in Limits._fields:
            if name not in node.fields:
                continue
            value = node.fields[name]
            try:
                found[name] = parse_money(self._text(value)) if name == "loss" else int(self._text(value).replace("_", ""))
            except ValueError:
                found[name] = -1
            if not 0 <= (found[name] or 0) <= NUMBER_MAX:
                self._wrong(value, f"expected {name}: {'an amount' if name == 'loss' else 'a whole number'}, 0 or more")
        return Limits(**found)

    def _strategy(self, fields: dict[str, Node]) -> tuple[str, dict[str, float]]:
        if "strategy" not in fields:
            if "parameters" in fields:
                self._wrong(fields["parameters"], "parameters belong to a strategy")
            return "", {}
        node = fields["strategy"]
        parameters: dict[str, float] = {}
        given = fields.get("parameters")
        if isinstance(given, Fields):
            for name, value in given.fields.items():
                try:
                    parameters[name] = float(self._text(value).replace("_", ""))
                    if not abs(parameters[name]) <= NUMBER_MAX:
                        raise ValueError
                except ValueError:
                    self._wrong(value, f"expected {name}: a number")
        elif given is not None:
            self._wrong(given, f"expected parameters: a mapping of numbers, got {kind(given)}")
        strategy = self._text(node)
        if self._check_strategy is not None and (problem := self._check_strategy(strategy, parameters)):
            self._wrong(node, problem)
        return strategy, parameters

    # ── Rules ──

    def _rule_list(self, node: Node) -> tuple[Rule, ...]:
        items = node.items if isinstance(node, Items) else [node]
        if not items:
            self._wrong(node, "expected at least one rule")
        return tuple(rule for item in items if (rule := self._rule(item)) is not None)

    def _rule(self, node: Node) -> Rule | None:
        if not isinstance(node, Fields):
            self._wrong(node, f"expected a rule with when, do, then, again; got {kind(node)}")
            return None
        self._rules += 1
        number = self._rules
        if number == RULES_MAX + 1:
            self._wrong(node, f"a bot has at most {RULES_MAX} rules")
        self._known(node, ("when", "do", "then", "again", "name"))
        fields = node.fields
        for missing in ("when", "do"):
            if missing not in fields:
                self._wrong(node, f"expected {missing}: in this rule")
        when = self._parsed(fields["when"], parse_condition) if "when" in fields else None
        actions = self._actions(fields["do"]) if "do" in fields else ()
        name = self._text(fields["name"]) if "name" in fields else ""
        then = self._rule_list(fields["then"]) if "then" in fields else ()
        again = self._again(fields["again"]) if "again" in fields else None
        return Rule(number, when or syntax.Always(), actions, then, again, name[:60])

    def _actions(self, node: Node) -> tuple[syntax.Action, ...]:
        items = node.items if isinstance(node, Items) else [node]
        if not 1 <= len(items) <= ACTIONS_MAX:
            self._wrong(node, f"expected 1 to {ACTIONS_MAX} actions")
        found: list[syntax.Action] = []
        for item in items[:ACTIONS_MAX]:
            action = self._parsed(item, parse_action)
            if isinstance(action, syntax.Order):
                self._labels.add(action.label)
            elif isinstance(action, syntax.ReplaceOrder):
                self._replaced.append((item, action.label))
            elif isinstance(action, syntax.CancelOrders) and action.which not in ("all", "buys", "sells"):
                self._replaced.append((item, action.which))
            if action is not None:
                found.append(action)
        return tuple(found)

    def _again(self, node: Node) -> Again | None:
        text = self._text(node).strip()
        if text.lower() in _YES:
            return Again(0)
        if text.lower() in ("no", "false", "off"):
            return None
        if (match := _DURATION.fullmatch(text)) is None:
            self._wrong(node, f"expected again: yes, or again: after 5m; got {text[:40]!r}")
            return None
        return Again(float(match[1]) * SECONDS[match[2]])

    # ── Leaves ──

    def _parsed(self, node: Node, parse: Callable[[str], Parsed]) -> Any:
        if not isinstance(node, Scalar):
            self._wrong(node, f"expected a line of text, got {kind(node)}")
            return None
        parsed = parse(node.value)
        self.mistakes += [node.at(misread.offset, misread.text) for misread in parsed.mistakes]
        return parsed.node

    def _symbol(self, node: Node) -> str:
        symbol = self._text(node)
        if not re.match(SYMBOL_PATTERN, symbol) or symbol == CASH:
            self._wrong(node, f"expected symbol: A-Z and 0-9, at most 12, a letter first; got {symbol[:40]!r}")
        return symbol

    def _text(self, node: Node) -> str:
        if isinstance(node, Scalar):
            return node.value
        self._wrong(node, f"expected a word or a number, got {kind(node)}")
        return ""

    def _known(self, node: Fields, known: tuple[str, ...]) -> None:
        for name, key in node.keys.items():
            if name not in known:
                self._wrong(key, f"there is no {name[:40]!r} here; expected {', '.join(known)}")

    def _wrong(self, node: Node, text: str) -> None:
        self.mistakes.append(mistake(node, text))
