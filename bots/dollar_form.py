"""The original form, `$when` … `$do` … `$then`, as the plain form: the same rules, read by the same reader.

The symbol is that of the first `$ticker`, unless an order names another with `$ticker`.
"""

from __future__ import annotations

import re
from typing import Final

from exchange.messages.base import SYMBOL_PATTERN

from .document import Fields, Items, Mistake, Node, Scalar, kind, mistake

OPERATORS: Final = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<", "eq": "==", "ne": "!="}
KINDS: Final = ("LIMIT", "MARKET", "STOP", "STOP_LIMIT")
_DECIMAL: Final = re.compile(r"-?\d+(\.\d+)?")


def is_dollar_form(root: Node) -> bool:
    """Whether a file is written in the original form."""
    first = root.items[0] if isinstance(root, Items) and root.items else root
    return isinstance(first, Fields) and any(key.startswith("$") for key in first.keys)


def plain_form(root: Node, mistakes: list[Mistake]) -> Fields:
    """The plain form of a whole file; appends what cannot be understood."""
    return _Translation(mistakes).file(root)


class _Translation:
    def __init__(self, mistakes: list[Mistake]) -> None:
        self._mistakes = mistakes
        self._symbol = ""

    def file(self, root: Node) -> Fields:
        plain = Fields(root.line, root.column)
        if isinstance(root, Fields):
            for name in ("bot", "symbol", "limits"):
                if f"${name}" in root.fields:
                    plain.fields[name] = root.fields.pop(f"${name}")
                    root.keys.pop(f"${name}")
        if "symbol" in plain.fields:
            self._symbol = _text(plain.fields["symbol"])
        self._put(plain, "rules", self.rules(root))
        if "symbol" not in plain.fields and self._symbol:
            self._put(plain, "symbol", self._scalar(root, self._symbol))
        return plain

    def rules(self, node: Node) -> Items:
        plain = Items(node.line, node.column)
        plain.items = [self.rule(item) for item in (node.items if isinstance(node, Items) else [node])]
        return plain

    def rule(self, node: Node) -> Node:
        plain = Fields(node.line, node.column)
        fields = self._fields(node, ("$when", "$do", "$then", "$again"), "a rule with $when, $do, $then")
        if "$when" in fields:
            self._put(plain, "when", self._scalar(fields["$when"], self.condition(fields["$when"])))
        if "$do" in fields:
            self._put(plain, "do", self.actions(fields["$do"]))
        if "$then" in fields:
            self._put(plain, "then", self.rules(fields["$then"]))
        if "$again" in fields:
            self._put(plain, "again", fields["$again"])
        return plain

    def condition(self, node: Node) -> str:
        fields = self._fields(node, ("$comparison", "$and", "$or", "$not"), "$comparison, $and, $or or $not")
        if len(fields) != 1:
            return "always"
        ((name, inner),) = fields.items()
        if name == "$comparison":
            return self.comparison(inner)
        parts = [self.condition(part) for part in (inner.items if isinstance(inner, Items) else [inner])]
        if name == "$not":
            return f"not ({' and '.join(parts)})"
        return f" {name[1:]} ".join(f"({part})" for part in parts) or "always"

    def comparison(self, node: Node) -> str:
        fields = self._fields(node, ("itemA", "itemB", "type"), "itemA, itemB and type")
        for missing in ("itemA", "itemB", "type"):
            if missing not in fields:
                self._wrong(node, f"expected {missing} in this comparison")
                return "always"
        operator = OPERATORS.get(_text(fields["type"]).lower())
        if operator is None:
            self._wrong(fields["type"], f"expected a type of {', '.join(OPERATORS)}; got {kind(fields['type'])}")
        return f"{self.item(fields['itemA'])} {operator or '=='} {self.item(fields['itemB'])}"

    def item(self, node: Node) -> str:
        if isinstance(node, Scalar):
            if not _DECIMAL.fullmatch(node.value):
                self._wrong(node, f'expected a number or {{"$ticker": "KRYP"}}, got {kind(node)}')
                return "0"
            return node.value
        fields = self._fields(node, ("$ticker",), '{"$ticker": "KRYP"}')
        symbol = self.ticker(fields["$ticker"]) if "$ticker" in fields else self._symbol
        return "last" if symbol == self._symbol else f"{symbol}.last"

    def ticker(self, node: Node) -> str:
        symbol = _text(node)
        if not re.match(SYMBOL_PATTERN, symbol):
            self._wrong(node, f"expected a symbol (A-Z and 0-9, a letter first), got {kind(node)}")
            return "X"
        self._symbol = self._symbol or symbol
        return symbol

    def actions(self, node: Node) -> Items:
        plain = Items(node.line, node.column)
        for item in node.items if isinstance(node, Items) else [node]:
            fields = self._fields(item, ("$order",), "$order")
            if "$order" in fields:
                plain.items.append(self._scalar(fields["$order"], self.order(fields["$order"])))
        return plain

    def order(self, node: Node) -> str:
        names = ("kind", "intent", "shares", "bid", "ask", "price", "stop", "$ticker")
        fields = self._fields(node, names, f"an order with {', '.join(names)}")
        kind_, side = _text(fields.get("kind", node)).upper() or "MARKET", _text(fields.get("intent", node)).lower()
        if kind_ not in KINDS:
            self._wrong(fields.get("kind", node), f"expected kind: one of {', '.join(KINDS)}")
        if side not in ("buy", "sell"):
            self._wrong(fields.get("intent", node), "expected intent: BUY or SELL")
            side = "buy"
        prices: dict[str, str] = {name: self.item(fields[name]) for name in ("bid", "ask", "price", "stop") if name in fields}
        wrong, own = ("ask", "bid") if side == "buy" else ("bid", "ask")
        if wrong in prices:
            self._wrong(fields[wrong], f"a {side} order has {own}, not {wrong}")
        if own in prices and "price" in prices:
            self._wrong(fields["price"], f"{own} and price are the same; expected one of them")
        limit, stop = prices.get(own) or prices.get("price"), prices.get("stop")
        for wanted, there, name in ((kind_ in ("LIMIT", "STOP_LIMIT"), limit, own), ("STOP" in kind_, stop, "stop")):
            if wanted != bool(there) and kind_ in KINDS:
                self._wrong(fields.get(name, node), f"a {kind_} order has {'a' if wanted else 'no'} {name}")
        shares = self.item(fields["shares"]) if "shares" in fields else ""
        if not shares:
            self._wrong(node, "expected shares in this order")
        ticker = self.ticker(fields["$ticker"]) if "$ticker" in fields else self._symbol
        symbol = "" if ticker == self._symbol else f" {ticker}"
        at = f" stop at {stop}" * bool(stop) + (f" {'limit' if stop else 'at'} {limit}" if limit else "")
        return f"{side} {shares or 1}{symbol}{at}"

    def _fields(self, node: Node, known: tuple[str, ...], expected: str) -> dict[str, Node]:
        if not isinstance(node, Fields):
            self._wrong(node, f"expected {expected}, got {kind(node)}")
            return {}
        for name, key in node.keys.items():
            if name not in known:
                self._wrong(key, f"there is no {name[:40]!r} here; expected {', '.join(known)}")
        if not node.fields:
            self._wrong(node, f"expected {expected}")
        return {name: value for name, value in node.fields.items() if name in known}

    def _scalar(self, node: Node, text: str) -> Scalar:
        return Scalar(text, node.line, node.column, "")

    def _put(self, plain: Fields, name: str, node: Node) -> None:
        plain.fields[name] = node
        plain.keys[name] = self._scalar(node, name)

    def _wrong(self, node: Node, text: str) -> None:
        self._mistakes.append(mistake(node, text))


def _text(node: Node) -> str:
    return node.value if isinstance(node, Scalar) else ""
