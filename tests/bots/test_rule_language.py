"""The language: what it means, what it refuses and where, and that nothing in a file can do anything but that."""

from __future__ import annotations

import builtins
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots import syntax
from bots.definition import Definition, Limits, read_definition
from bots.document import BYTES_MAX, BotFileError, Mistake
from bots.parser import parse_action, parse_condition
from bots.syntax import Again, Rule
from bots.words import action_words, condition_words
from tests.oracle.rule_flow import RuleFlow, file_of

ORIGINAL = """
{"$when": {"$comparison": {"itemA": {"$ticker": "STOCKA"}, "itemB": 20.55, "type": "gte"}},
 "$do":   {"$order": {"kind": "LIMIT", "intent": "BUY", "bid": 20.60, "shares": 100}},
 "$then": {"$when": {"$comparison": {"itemA": {"$ticker": "STOCKA"}, "itemB": 21.00, "type": "gte"}},
           "$do":   {"$order": {"kind": "LIMIT", "intent": "SELL", "ask": 20.90, "shares": 100}}}}
"""
PLAIN = """
bot: original
symbol: STOCKA
rules:
  - when: last >= 20.55
    do: buy 100 at 20.60
    then:
      - when: last >= 21.00
        do: sell 100 at 20.90
"""
BREAKOUT = """
bot: breakout
symbol: KRYP
limits: {position: 500, loss: 1000, orders_per_minute: 60}
rules:
  - when: last >= 20.55 and volume(1m) > 2 * average(volume, 20m)
    do: buy 100 at 20.60 for 30s
    then:
      - when: last >= 21.00 or unrealized < -50
        do: sell position at market
    again: after 5m
"""


def mistakes(text: str, name: str = "") -> list[str]:
    with pytest.raises(BotFileError) as caught:
        read_definition(text, name)
    return list(map(str, caught.value.mistakes))


def test_the_original_form_is_the_plain_one() -> None:
    assert read_definition(ORIGINAL, "original") == read_definition(PLAIN)


def test_the_readable_form() -> None:
    last, enough = syntax.Value("last"), syntax.Number
    volume = syntax.Comparison(
        ">",
        syntax.Value("volume", "", (60.0,)),
        syntax.Arithmetic("*", enough(2.0), syntax.Value("average", "", ("volume", 1200.0, 60.0))),
    )
    entry = syntax.And((syntax.Comparison(">=", last, enough(20.55)), volume))
    loss = syntax.Comparison("<", syntax.Value("unrealized"), syntax.Negative(enough(50.0)))
    leave = syntax.Or((syntax.Comparison(">=", last, enough(21.0)), loss))
    sell = syntax.Order("sell", syntax.Size(syntax.Value("position")))
    buy = syntax.Order("buy", syntax.Size(enough(100.0)), limit=enough(20.6), seconds=30.0)
    rules = (Rule(1, entry, (buy,), (Rule(2, leave, (sell,)),), Again(300.0)),)
    assert read_definition(BREAKOUT) == Definition("breakout", "KRYP", Limits(500, 10_000_000, 60), rules)


def test_json_is_a_form_of_it_whatever_its_white_space() -> None:
    text = '{\n\t"bot": "a", "symbol": "KRYP",\n\t"rules": [{"when": "last > 1", "do": "log \\"\\u00e9\\""}]\n}'
    assert read_definition(text).rules[0].do == (syntax.Log(("é",)),)


def test_every_mistake_of_a_file_at_its_place() -> None:
    text = """bot: Breakout
symbl: KRYP
limits: {position: -500, los: 1000}
rules:
  - when: last >= 20.55 and volum(1m) > 2
    do: [buy 100 at, "sell 3 foo", cancel entry]
    then:
      - when: >-
          last >= 21.00
          or (unrealized < -50
          and lst > 3)
        dp: sell position at market
    again: aftr 5m
  - hello
  - when: |
      always and
      sma(20) > rsi(x)
    do: buy 1 for 30s
"""
    assert mistakes(text) == [
        "line 1, column 1: expected symbol: what the bot trades",
        "line 1, column 6: expected bot: a name of a-z, 0-9, - and _, at most 32; got 'Breakout'",
        "line 2, column 1: there is no 'symbl' here; expected bot, symbol, limits, rules, strategy, parameters, related",
        "line 3, column 20: expected position: a whole number, 0 or more",
        "line 3, column 26: there is no 'los' here; expected position, loss, orders_per_minute",
        "line 5, column 29: there is no value 'volum'; did you mean volume?",
        "line 6, column 20: expected a number, a value (last, position, sma(20, 1m) …) or market; the text ends",
        "line 6, column 30: expected the end, as, at, /, for, limit, -, money, of, on, or, +, post, showing, stop, "
        "a symbol (KRYP), then, day, ioc, fok, *, trailing or until; got 'foo'",
        "line 6, column 36: no order is called entry; give one that name with: as entry",
        "line 8, column 9: expected do: in this rule",
        "line 11, column 15: there is no value 'lst'; did you mean last?",
        "line 12, column 9: there is no 'dp' here; expected when, do, then, again, name",
        "line 13, column 12: expected again: yes, or again: after 5m; got 'aftr 5m'",
        'line 14, column 5: expected a rule with when, do, then, again; got "hello"',
        "line 17, column 17: expected rsi(count, interval), with a whole number from 1 to 1000 as count",
        "line 17, column 21: there is no value 'x'",
        "line 18, column 9: an order at the market does not stay: for, until, day and fok need a price",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &x 1\nb: *x", "line 1, column 4: anchors and aliases (& and *) cannot be used in a bot file"),
        ("a: !!python/object/apply:os.system [x]", "tags cannot be used in a bot file"),
        ("[" * 1000, "line 1, column 25: nested deeper than 24 levels"),
        ("a: [1\nb", "line 2, column 2: not valid YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: 1\na: 2", "line 2, column 1: a is there twice"),
        ("a: 1\n---\nb: 2", "line 2, column 1: expected one document in a file, not several"),
        ("", "line 1, column 1: the file is empty"),
        ("- 1", "line 1, column 1: expected a mapping with bot, symbol and rules, got a list"),
        ("? [1]\n: 2", "line 1, column 3: expected a name before the colon, got a list"),
        ("x" * (BYTES_MAX + 1), f"line 1, column 1: a bot file has at most {BYTES_MAX} bytes"),
        ("bot: a\nsymbol: KRYP\nrules: []", "line 3, column 8: expected at least one rule"),
        ("bot: a\nsymbol: KRYP\nrules: 1\nstrategy: x", "line 1, column 1: expected either rules or a strategy"),
        (ORIGINAL.replace("gte", "more"), 'expected a type of gte, gt, lte, lt, eq, ne; got "more"'),
        (ORIGINAL.replace("bid", "ask"), "a buy order has bid, not ask"),
        (ORIGINAL.replace('"shares": 100', '"shares": "1; drop"'), 'got "1; drop"'),
    ],
)
def test_mistakes_of_a_document(text: str, expected: str) -> None:
    assert any(expected in found for found in mistakes(text, "x")), mistakes(text, "x")


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("buy 1 on noon", "expected open, close"),
        ("buy 1 at 20 day on open", "day, ioc, fok or an auction is there twice"),
        ("buy 1 stop at 20 on close", "on open and on close are for orders with a limit or at the market"),
        ("buy 1 or stop at 20", "or stop needs a limit, and an order that may stay"),
        ("buy 1 at 20 ioc or stop at 21", "or stop needs a limit, and an order that may stay"),
        ("buy 1 at 20 or stop at 21 or stop at 22", "or stop is there twice"),
        ("buy 1 at 20 then buy at 21 or stop at 19", "so it is of the other side"),
        ("buy 1 at 20 then sell at 21", "the text ends"),
        ("sell 1 at 20 or stop at 19 then buy at 18 or stop at 21", "an order is one of a pair, or is closed by one: not both"),
    ],
)
def test_mistakes_of_an_order(action: str, expected: str) -> None:
    assert any(expected in misread.text for misread in parse_action(action).mistakes), parse_action(action).mistakes


@pytest.mark.parametrize("seed", range(150))
def test_what_is_written_back_reads_the_same(seed: int) -> None:
    flow = RuleFlow(seed)
    for _ in range(10):
        condition, action = flow.condition(3), flow.action()
        assert parse_condition(condition_words(condition)).node == condition
        assert parse_action(action_words(action)).node == action
    rules = flow.rules()

    def plain(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        return tuple(rule._replace(number=0, then=plain(rule.then)) for rule in rules)

    if all("no order is called entry" in found.text for found in mistakes_or_none(file_of(rules))):
        rules = (*rules, Rule(0, syntax.Always(), (syntax.Order("buy", syntax.Size(syntax.Number(1.0)), label="entry"),)))
    assert plain(read_definition(file_of(rules)).rules) == rules


WORDS = st.sampled_from(
    ["last", "and", "or", "not", "(", ")", "sma(20, 1m)", "20.5", "for", "30s", ">=", "crosses", "above", "-", "*", "KRYP", ".",
     "between", "09:30", "%", "buy", "sell", "at", "market", "quote", '"', "{", "}", "\n", "filled", "of", "equity", "as", ",",
     "on", "close", "then", "stop", "trailing"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(WORDS, max_size=25).map(" ".join) | st.text(max_size=80))
def test_any_text_is_parsed_or_refused_in_words(text: str) -> None:
    for parse in (parse_condition, parse_action):
        parsed = parse(text)
        assert (parsed.node is None) == bool(parsed.mistakes)
        assert all(0 <= misread.offset <= len(text) and misread.text for misread in parsed.mistakes)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_damaged_file_is_read_or_refused_with_its_place(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([ORIGINAL, PLAIN, BREAKOUT]))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(start + 12, len(text))))
        middle = data.draw(
            st.text(max_size=6) | st.sampled_from(["\n", "  - ", ": ", "{", "]", "'", '"', "|", "&a", "\t", "\x00"])
        )
        text = text[:start] + middle + text[end:]
    lines = len(text.splitlines()) + text.count("\n") + 2
    for found in mistakes_or_none(text):
        assert 1 <= found.line <= lines
        assert found.column >= 1
        assert found.text


def mistakes_or_none(text: str) -> list[Mistake]:
    try:
        read_definition(text, "x")
    except BotFileError as error:
        return error.mistakes
    return []


def test_depth_and_length_are_bounded() -> None:
    for text in (
        "(" * 900 + "last > 1" + ")" * 900,
        "not " * 400 + "always",
        "-" * 1500 + "1 > 2",
        "1" + " + 1" * 450 + " > 2",
    ):
        assert "more than 100 operators" in parse_condition(text).mistakes[0].text
    assert "longer than" in parse_condition("last > 1 and " * 200 + "last > 1").mistakes[0].text
    deepest = "not " * 50 + "(" * 49 + "last > 1" + ")" * 49
    parsed = parse_condition(deepest)
    assert parsed.node is not None
    assert parse_condition(condition_words(parsed.node)).node == parsed.node


HOSTILE = (
    "__import__('os').system('x') > 1",
    "open('/etc/passwd') > 1",
    "last.__class__ > 1",
    "(lambda: 1)() > 1",
    "${HOME} > 1",
    "!!python/name:os.environ x",
    "{{7*7}} > 1",
    "file:///etc/passwd",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_file_reaches_a_file_the_environment_or_the_network(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever stands there is refused, and while it is read nothing outside is touched."""

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("reached outside")

    quoted = text.replace("'", "''")
    files = [
        f"bot: a\nsymbol: KRYP\nrules:\n  - when: '{quoted}'\n    do: flatten\n",
        f"bot: a\nsymbol: KRYP\nrules:\n  - when: last > 1\n    do: '{quoted}'\n",
        f"bot: '{quoted}'\nsymbol: KRYP\nrules:\n  - when: last > 1\n    do: flatten\n",
        f"bot: a\nsymbol: '{quoted}'\nrules: {text}\n",
    ]
    monkeypatch.setenv("HOME", "secret")
    with monkeypatch.context() as patch:
        outside = {builtins: ("open", "eval", "exec"), os: ("open", "getenv", "system"), socket: ("socket",)}
        for module, names in outside.items():
            for name in names:
                patch.setattr(module, name, forbidden)
        for file in files:
            with pytest.raises(BotFileError) as caught:
                read_definition(file)
            assert "secret" not in str(caught.value)
