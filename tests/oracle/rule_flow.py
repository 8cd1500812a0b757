"""Random rules, and random markets for them to look at. Seeded: the seed is the whole bug report."""

from __future__ import annotations

from random import Random

from bots import syntax
from bots.syntax import Again, Rule
from bots.words import action_words, condition_words

SYMBOLS = ("AAA", "BBB")
WINDOWS = (3.0, 10.0, 30.0, 60.0)
INTERVALS = (1.0, 5.0, 10.0, 60.0)


class RuleFlow:
    """Everything the language has, in small numbers so that conditions meet the market they look at."""

    def __init__(self, seed: int | str) -> None:
        self.random = Random(seed)

    # ── Rules ──

    def rules(self, depth: int = 2) -> tuple[Rule, ...]:
        """Rules without numbers."""
        return tuple(self.rule(depth) for _ in range(self.random.choice((1, 1, 2, 3))))

    def rule(self, depth: int) -> Rule:
        pick = self.random
        then = self.rules(depth - 1) if depth and pick.random() < 0.5 else ()
        again = pick.choice((None, Again(0), Again(float(pick.randint(1, 30)))))
        do = tuple(self.action() for _ in range(pick.choice((1, 1, 2, 3))))
        return Rule(0, self.condition(2), do, then, again)

    def condition(self, depth: int) -> syntax.Condition:
        pick = self.random
        if depth and pick.random() < 0.5:
            kind = pick.choice((syntax.And, syntax.Or, syntax.Not, syntax.Held))
            if kind is syntax.Not:
                return syntax.Not(self.condition(depth - 1))
            if kind is syntax.Held:
                return syntax.Held(self.condition(depth - 1), float(pick.choice((1, 2, 5, 20))))
            return kind(tuple(self.condition(depth - 1) for _ in range(pick.choice((2, 3)))))
        match pick.randrange(12):
            case 0:
                return syntax.Crosses(pick.choice(("above", "below")), self.price(), self.price())
            case 1:
                return syntax.Between(float(pick.randrange(86_400)), float(pick.randrange(86_400)))
            case 2:
                return syntax.Filled(pick.choice(("", "buy", "sell")))
            case 3:
                return syntax.Phase(pick.choice(("continuous", "halted")), pick.random() < 0.3, pick.choice(("", *SYMBOLS)))
            case 4:
                return syntax.Always()
            case 5:
                return syntax.RefusedLately()
            case _:
                return self.comparison()

    def comparison(self) -> syntax.Condition:
        pick = self.random
        operator = pick.choice((">=", "<=", ">", "<", "==", "!="))
        left, right = pick.choice(
            (
                (self.price(), self.price()),
                (self.price(), self.number(1950, 2050, 10)),
                (self.value("volume", pick.choice(WINDOWS)), self.number(0, 200)),
                (self.value("trades", pick.choice(WINDOWS)), self.number(0, 20)),
                (self.value("change", pick.choice(WINDOWS)), syntax.Number(pick.randint(-20, 20) / 1000 + 0.0, "percent")),
                (self.value("position"), self.number(-50, 50)),
                (self.value("profit"), self.number(-20, 20)),
                (self.value("realized"), self.value("unrealized")),
                (self.value("rsi", float(pick.randint(2, 10)), pick.choice(INTERVALS)), self.number(20, 80)),
                (self.value("average", "volume", 60.0, 5.0), self.value("volume", 10.0)),
                (self.value("average", pick.choice(("high", "close")), 30.0, 10.0), self.price()),
                (self.value("stddev", float(pick.randint(2, 10)), pick.choice(INTERVALS)), self.number(0, 20, 100)),
                (self.value("atr", float(pick.randint(2, 10)), pick.choice(INTERVALS)), self.number(0, 50, 100)),
                (self.value("since", pick.choice(("start", "armed", "fire", "fill", "trade"))), self.seconds()),
                (self.value("time"), syntax.Number(float(pick.randrange(86_400)), "time")),
                (self.value("orders"), self.number(0, 3)),
                (self.value("spread"), self.number(0, 30, 100)),
            )
        )
        if isinstance(right, syntax.Number) and right.unit == "percent" and right.value < 0:
            right = syntax.Negative(syntax.Number(-right.value, "percent"))
        return syntax.Comparison(operator, left, right)

    def price(self) -> syntax.Expression:
        pick = self.random
        count, interval = float(pick.randint(2, 10)), pick.choice(INTERVALS)
        simple = pick.choice(
            (
                self.value("last"),
                self.value("last"),
                self.value("mid"),
                self.value("bid"),
                self.value("ask"),
                self.value("vwap", pick.choice(WINDOWS)),
                self.value("high", pick.choice(WINDOWS)),
                self.value("low", pick.choice(WINDOWS)),
                self.value("sma", count, interval),
                self.value("ema", count, interval),
                self.value("bollinger_upper", count, 2.0, interval),
                self.value("bollinger_lower", count, 1.5, interval),
                self.value("average_price"),
            )
        )
        match pick.randrange(8):
            case 0:
                return syntax.Arithmetic(pick.choice(("+", "-")), simple, self.number(0, 10, 100))
            case 1:
                factor = syntax.Number(pick.randint(98, 102) / 100)
                return syntax.Arithmetic("*", simple, factor)
            case 2:
                return syntax.Arithmetic("/", syntax.Arithmetic("+", simple, self.value("last")), syntax.Number(2.0))
            case 3:
                return syntax.Function(pick.choice(("min", "max")), (simple, self.value("last")))
            case 4:
                return syntax.Arithmetic("-", simple, syntax.Negative(syntax.Function("abs", (self.value("position"),))))
        return simple

    def action(self) -> syntax.Action:
        pick = self.random
        symbol = pick.choice(("", "", "BBB"))
        size = syntax.Size(self.number(1, 20))
        limit = self.number(1950, 2050, 10)
        guard = pick.choice((syntax.Guard(limit), syntax.Guard(limit, limit), syntax.Guard(trail=self.number(1, 5))))
        match pick.randrange(17):
            case 0:
                return syntax.Wait(float(pick.randint(1, 10)))
            case 1:
                return syntax.CancelOrders(pick.choice(("all", "buys", "sells", "entry")))
            case 2:
                return syntax.Flatten(symbol)
            case 3:
                return syntax.Log(("last ", self.value("last"), " now"))
            case 4:
                return syntax.Order("sell", syntax.Size(self.value("position")), symbol)
            case 5:
                return syntax.Quote(size, self.value("last"), self.number(1, 20, 100), pick.randint(1, 3), None, symbol)
            case 6:
                return syntax.Order("sell", size, symbol, stop=limit, limit=pick.choice((None, limit)))
            case 7:
                return syntax.Order("buy", size, symbol, trail=pick.choice((syntax.Number(0.02, "percent"), self.number(1, 5))))
            case 8:
                return syntax.ReplaceOrder("entry", size.amount, limit)
            case 9:
                return syntax.Order("buy", syntax.Size(syntax.Number(0.05, "percent"), "equity"), limit=limit)
            case 10:
                return syntax.Order("buy", syntax.Size(self.number(500, 5000), "money"), symbol)
            case 11:
                return syntax.Order("sell", size, symbol, limit, tif=pick.choice((None, "day")), guard=guard)
            case 12:
                leaving = syntax.Exit("sell", self.value("last"), guard)
                return syntax.Order("buy", size, symbol, pick.choice((None, limit)), label="entry", exit=leaving)
            case 13:
                return syntax.Order("buy", size, symbol, pick.choice((None, limit)), tif=pick.choice(("opg", "cls")))
        return syntax.Order(
            pick.choice(("buy", "sell")),
            size,
            symbol,
            limit,
            seconds=float(pick.choice((0, 0, 5, 30))),
            post_only=pick.random() < 0.2,
            label=pick.choice(("", "", "entry")),
        )

    def value(self, name: str, *arguments: float | str) -> syntax.Value:
        own = name in ("since", "time") or self.random.random() < 0.7
        return syntax.Value(name, "" if own else self.random.choice(SYMBOLS), arguments)

    def number(self, least: int, most: int, parts: int = 1) -> syntax.Expression:
        value = self.random.randint(least, most) / parts
        return syntax.Number(value) if value >= 0 else syntax.Negative(syntax.Number(-value))

    def seconds(self) -> syntax.Expression:
        return syntax.Number(float(self.random.randint(1, 60)), "duration")


def file_of(rules: tuple[Rule, ...], symbol: str = "AAA") -> str:
    """The rules as a bot file."""
    return "\n".join(["bot: random", f"symbol: {symbol}", "rules:", *_lines(rules, "  ")])


def _lines(rules: tuple[Rule, ...], indent: str) -> list[str]:
    lines = []
    for rule in rules:
        lines.append(f"{indent}- when: {condition_words(rule.when)}")
        lines.append(f"{indent}  do:")
        lines += [f"{indent}    - {action_words(action)}" for action in rule.do]
        if rule.again is not None:
            lines.append(f"{indent}  again: {f'after {rule.again.seconds:.0f}s' if rule.again.seconds else 'yes'}")
        if rule.then:
            lines.append(f"{indent}  then:")
            lines += _lines(rule.then, indent + "    ")
    return lines
