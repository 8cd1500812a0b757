"""Bots in a real market: started at the command line, traded, killed, changed, limited, stopped."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exchange.messages.bots import BotInfo, BotName, BotText
from exchange.messages.requests import Accepted, Command, Submit
from exchange.subjects import api
from tests.e2e.market_process import EXCHANGE, RunningMarket, StartMarket, environment

PASSWORD = "correct-horse-7"

EXAMPLE = """
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
ORIGINAL = """
{"$when": {"$comparison": {"itemA": {"$ticker": "ADAM"}, "itemB": 20.55, "type": "gte"}},
 "$do":   {"$order": {"kind": "LIMIT", "intent": "BUY", "bid": 150.60, "shares": 100}},
 "$then": {"$when": {"$comparison": {"itemA": {"$ticker": "ADAM"}, "itemB": 151.00, "type": "gte"}},
           "$do":   {"$order": {"kind": "LIMIT", "intent": "SELL", "ask": 150.90, "shares": 100}}}}
"""


class Traders:
    """A market without bots of its own, alice who has bots, and bob who makes prices."""

    def __init__(self, market: RunningMarket) -> None:
        self.market = market
        for name in ("alice", "bob"):
            market.ask("account", "create", name, "--cash", "10000000", "--shares", "KRYP=100000", "--shares", "ADAM=100000",
                       password=PASSWORD)  # fmt: skip

    def bot(self, *arguments: str) -> Any:
        return self.market.ask("--as", "alice", "bot", *arguments)

    def start(self, text: str, name: str) -> Any:
        file = self.market.directory / f"{name}.yaml"
        file.write_text(text)
        return self.bot("start", str(file))

    def show(self, name: str) -> Any:
        return self.bot("show", name)

    def bob(self, *arguments: str) -> None:
        self.market.ask("--as", "bob", *arguments)

    def trade(self, symbol: str, price: str, quantity: int = 1) -> None:
        """bob trades with nobody but himself at this price."""
        allow = ("--self-trade", "allow")
        self.bob("sell", symbol, str(quantity), "--limit", price, *allow)
        self.bob("buy", symbol, str(quantity), "--limit", price, *allow)

    def disturb(self, orders: int) -> None:
        """alice herself places orders, each of which makes a report."""
        key = self.market.ask("key", "create", "alice", "orders")["secret"]

        async def place() -> None:
            async with await self.market.connect("alice", key) as alice:
                for start in range(0, orders, 100):
                    submits: list[Command] = [
                        Submit(f"own-{start + number}", "PUPS", "buy", 1, price=10_000) for number in range(100)
                    ]
                    assert all(isinstance(outcome, Accepted) for outcome in await alice.send_all(submits))

        asyncio.run(place())

    def wait(self, name: str, condition: Callable[[Any], bool]) -> Any:
        """What `bot show` says as soon as it is so."""
        found: list[Any] = []

        def holds() -> bool:
            found.append(self.show(name))
            return condition(found[-1])

        self.market.wait_until(holds, f"{name} did not get there; it says {found[-1] if found else ''}")
        return found[-1]

    def owned(self, symbol: str) -> int:
        positions = self.market.ask("--as", "alice", "portfolio")["positions"]
        return int(next(position["quantity"] for position in positions if position["symbol"] == symbol))


def position(shown: Any, symbol: str = "KRYP") -> int:
    return int(next((one["quantity"] for one in shown["positions"] if one["symbol"] == symbol), 0))


def test_the_examples_trade_survive_kill_9_and_stop(fresh_market: StartMarket) -> None:
    traders = Traders(fresh_market("--no-bots"))
    market = traders.market
    # The average needs a closed minute: one with little volume, made so that the test need not wait for it.
    quick = EXAMPLE.replace("average(volume, 20m)", "average(volume, 20s, 1s)")
    traders.start(quick, "breakout")
    traders.start(ORIGINAL, "original")
    assert [bot["name"] for bot in traders.bot("list")] == ["breakout", "original"]

    traders.trade("KRYP", "20.50")
    traders.bob("sell", "KRYP", "100", "--limit", "20.58")
    traders.bob("sell", "ADAM", "100", "--limit", "150.50")
    market.wait_until(lambda: len(market.ask("candles", "KRYP", "--interval", "1s")) > 0, "no candle")
    traders.trade("KRYP", "20.56", 500)
    traders.trade("ADAM", "150.40", 1)
    shown = traders.wait("breakout", lambda shown: position(shown) == 100)
    assert shown["decisions"][-1]["actions"] == ["buy 100 KRYP at 20.60"]
    assert "last = 20.56" in shown["decisions"][-1]["why"]
    traders.wait("original", lambda shown: position(shown, "ADAM") == 100)

    pid = market.kill("bots", signal.SIGKILL)
    market.wait_for_successor("bots", pid)
    shown = traders.wait("breakout", lambda shown: [rule["number"] for rule in shown["rules"]] == [2])
    assert position(shown) == 100

    traders.bob("buy", "KRYP", "100", "--limit", "20.95")
    traders.bob("buy", "ADAM", "100", "--limit", "150.95")
    traders.trade("KRYP", "21.00")
    traders.trade("ADAM", "151.00")
    shown = traders.wait("breakout", lambda shown: position(shown) == 0)
    assert shown["positions"][0]["realized"] == 100 * (209_500 - 205_800)
    traders.wait("original", lambda shown: shown["info"]["status"] == "finished")
    assert (traders.owned("KRYP"), traders.owned("ADAM")) == (100_000, 100_000)
    orders = market.ask("--as", "alice", "fills")
    assert len({fill["order_id"] for fill in orders}) == 4, "every order once"

    stopped = traders.bot("stop", "breakout")
    assert stopped["status"] == "stopped"
    assert [bot["name"] for bot in traders.bot("list")] == ["original"]


@pytest.mark.parametrize("others", [0, 400], ids=["told by the ledger", "too much happened: told by the historian"])
def test_orders_that_trade_while_the_bot_is_dead_are_known_to_its_successor(fresh_market: StartMarket, others: int) -> None:
    traders = Traders(fresh_market("--no-bots"))
    market = traders.market
    halted = "  - {when: ADAM.phase is halted, do: log 'no ADAM today', "
    halted += "then: [{when: ADAM.phase is continuous, do: log 'ADAM again'}]}\n"
    bracket = "buy 300 at 20.00 then sell at 30.00 or stop at 10.00"
    traders.start(f"bot: b\nsymbol: KRYP\nrules:\n  - {{when: always, do: [{bracket}, buy 50 at 19.00]}}\n{halted}", "b")
    traders.wait("b", lambda shown: len(shown["orders"]) == 4 and all(order["order_id"] for order in shown["orders"]))
    pid = market.kill("bots", signal.SIGSTOP)
    for _ in range(3):
        traders.bob("sell", "KRYP", "100", "--limit", "20.00")
    traders.disturb(others)
    market.ask("halt", "ADAM")
    os.kill(pid, signal.SIGKILL)
    market.wait_for_successor("bots", pid)
    shown = traders.wait("b", lambda shown: position(shown) == 300)
    assert [(order["side"], order["remaining"]) for order in shown["orders"]] == [("sell", 300), ("sell", 300), ("buy", 50)]
    shown = traders.wait("b", lambda shown: len(shown["decisions"]) == 2)
    assert shown["decisions"][1]["actions"] == ["log: no ADAM today"], "a phase that began meanwhile is known, too"
    market.ask("resume", "ADAM")
    shown = traders.wait("b", lambda shown: len(shown["decisions"]) == 3)
    assert shown["decisions"][2]["actions"] == ["log: ADAM again"]
    traders.bob("buy", "KRYP", "300", "--limit", "30.00")
    shown = traders.wait("b", lambda shown: position(shown) == 0 and len(shown["orders"]) == 1)
    assert shown["positions"][0]["realized"] == 300 * 100_000


def test_limits_mistakes_and_changes(fresh_market: StartMarket) -> None:
    traders = Traders(fresh_market("--no-bots"))
    market = traders.market
    limited = (
        "bot: greedy\nsymbol: KRYP\nlimits: {position: 100}\nrules:\n  - {when: always, do: buy 60 at 20, again: after 1s}\n"
    )
    traders.start(limited, "greedy")
    shown = traders.wait("greedy", lambda shown: shown["info"]["status"] == "stopped" and not shown["orders"])
    assert shown["info"]["reason"] == "position could become 120 KRYP, the limit is 100"
    assert market.ask("--as", "alice", "orders") == []

    wrong = market.directory / "wrong.yaml"
    wrong.write_text("bot: w\nsymbol: NIXX\nrules:\n  - {when: last > 1, do: buy 1}\n")
    refused = market.cli("--as", "alice", "bot", "start", str(wrong))
    assert refused.returncode == 1
    assert f"{wrong}:2:9: NIXX is not traded here; expected KRYP, ADAM, PUPS" in refused.stderr
    assert "alice has no bot 'w'" in market.cli("--as", "alice", "bot", "show", "w").stderr
    assert market.cli("bot", "check", str(wrong)).stdout == "w on NIXX: 1 rule, no mistakes\n"

    traders.start("bot: greedy\nsymbol: KRYP\nrules:\n  - {when: always, do: buy 10 at 20}\n", "greedy")
    shown = traders.wait("greedy", lambda shown: len(shown["orders"]) == 1)
    assert shown["info"]["status"] == "running"

    traders.start("bot: maker\nsymbol: KRYP\nstrategy: market-maker\nparameters: {levels: 3, quantity: 20}\n", "maker")
    market.wait_until(lambda: len(market.ask("--as", "alice", "orders")) >= 7, "the strategy does not quote")
    assert [(bot["name"], bot["strategy"]) for bot in traders.bot("list")] == [("greedy", ""), ("maker", "market-maker")]
    traders.bot("stop", "maker")
    market.wait_until(lambda: market.ask("--as", "alice", "orders") == [], "the strategy's orders stay")


def test_in_the_foreground_a_changed_file_takes_effect(market: RunningMarket) -> None:
    market.ask("account", "create", "fred", "--cash", "100000", "--shares", "KRYP=100", password=PASSWORD)
    file = market.directory / "fred.yaml"
    text = 'bot: fred\nsymbol: KRYP\nrules:\n  - {when: last > 1, do: ["buy 1 at 10", log "first"]}\n'
    file.write_text(text)
    command = [*EXCHANGE, "--as", "fred", "bot", "run", str(file)]
    out = market.directory / "fred.out"
    with out.open("wb") as stream:
        process = subprocess.Popen(
            command, stdout=stream, stderr=stream, env=environment(market.directory), start_new_session=True
        )
    try:
        market.wait_until(lambda: "log: first" in out.read_text(), "it does not trade")
        file.write_text(text.replace("last > 1", "lst > 1"))
        market.wait_until(lambda: "there is no value 'lst'; did you mean last?" in out.read_text(), "mistakes are not said")
        file.write_text(text.replace("first", "second"))
        market.wait_until(lambda: "log: second" in out.read_text(), "the change takes no effect")
        assert len(market.ask("--as", "fred", "orders")) == 2
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(15) == 0, out.read_text()
    finally:
        process.kill()
        process.wait()
    assert "fred is stopped: stopped by its owner" in out.read_text()
    market.wait_until(lambda: market.ask("--as", "fred", "orders") == [], "its orders stay")


def test_checking_needs_no_market(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("bot: b\nsymbol: KRYP\nrules:\n  - {when: last >> 1, do: buy 1}\n")
    found = subprocess.run([*EXCHANGE, "bot", "check", str(file)], capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert found.stderr.startswith(f"{file}:4:18: expected a number")
    as_json = subprocess.run([*EXCHANGE, "bot", "check", str(file), "--json"], capture_output=True, text=True, check=False)
    assert json.loads(as_json.stdout)["mistakes"][0]["line"] == 4


async def test_many_that_are_started_at_once(market: RunningMarket) -> None:
    """They share one file, and each is in it before its start is answered."""
    market.ask("account", "create", "starter", password=PASSWORD)
    key = market.ask("key", "create", "starter", "bots")["secret"]
    texts = [
        f'bot: bot{number}\nsymbol: KRYP\nrules:\n  - when: last > 1\n    do: log "up"\n    again: after 1s\n'
        for number in range(20)
    ]
    async with await market.connect("starter", key) as starter:
        starts = (starter.request(api("starter", "bots.start"), BotText(text), BotInfo, seconds=30) for text in texts)
        answers = await asyncio.gather(*starts)
        assert [answer.name for answer in answers if isinstance(answer, BotInfo)] == [f"bot{number}" for number in range(20)], (
            answers
        )
        names = [BotName(f"bot{number}") for number in range(20)]
        await asyncio.gather(*(starter.request(api("starter", "bots.stop"), name, BotInfo, seconds=30) for name in names))
        listed = await starter.request(api("starter", "bots.list"), None, list[BotInfo], seconds=30)
        assert isinstance(listed, list)
        assert [info for info in listed if info.status == "running"] == []
