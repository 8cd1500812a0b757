"""Hostile messages against a running market, on every subject that a trader may publish to: `make fuzz`.

What is sent is derived from the declared messages, so that a new field is tried as soon as it exists: sound requests with some
values replaced, fields left out or doubled, bytes flipped, cut, nested. A failure is found again with its seed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
import typing
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec

from exchange.client import Client
from exchange.messages import account, bots, explanation, library, logins, market_data, requests
from exchange.messages.administration import Credentials, Done
from exchange.messages.logins import Secret
from exchange.messages.requests import Accepted, CancelAll
from exchange.permissions import permissions
from exchange.subjects import auth
from exchange.wire import Wire
from tests.e2e.market_process import RunningMarket, start_market
from tests.e2e.served import served

MARKET: Final = """
title: Fuzzed
symbols:
  - {symbol: KRYP, name: Kryptonite, opening_price: 20.50}
  - {symbol: ADAM, name: Adamantium, opening_price: 142.00, tick: 0.05}
limits: {orders_per_second: 0}
"""
"""Without a limit of rate, behind which most of it would not be read at all."""
PASSWORD: Final = "nobody's password"
TRADERS: Final = 8
WINDOW: Final = 12
"""Requests under way per trader: below the bound at which the ledger refuses a question as busy."""
ANSWER_SECONDS_MAX: Final = 60.0

API: Final = {
    "portfolio": [],
    "reports": [account.ReportsQuestion],
    "fills": [account.PageQuestion],
    "history": [account.PageQuestion],
    "statement": [library.StatementQuestion],
    "equity": [account.EquityQuestion],
    "explain": [explanation.ExplainQuestion],
}
BOTS: Final = {
    "check": [bots.BotText],
    "start": [bots.BotText],
    "stop": [bots.BotName],
    "list": [],
    "show": [bots.BotName],
}
AUTH: Final = {
    "show": [],
    "renew": [logins.RenewSession],
    "key": [logins.NewKey],
    "revoke": [logins.RevokeKey],
    "add_member": [logins.NewMember],
    "remove_member": [logins.Member],
}
"""Without NOT_A_TRADERS: they are a guest's, or would end the one who asks, or cost an argon2 each."""
PUBLIC: Final = (*("symbols", "market", "candles", "trades", "quotes", "quote", "depth", "book", "status", "statistics"),)
NOT_A_TRADERS: Final = {"auth.*.sign_up", "auth.*.log_in", "auth.*.log_out", "auth.*.password"}
TRIED: Final = {
    *("orders.*", "orders.*.rules"),
    *(f"api.*.{question}" for question in API),
    *(f"api.*.bots.{question}" for question in BOTS),
    *(f"auth.*.{question}" for question in AUTH),
    *(f"public.{question}" for question in PUBLIC),
    *NOT_A_TRADERS,
}
"""All that a market answers from outside, but for its operator."""
NUMBERS: Final = (0, 1, -1, 2, 7, 100, 205_000, 2**31, 2**53 - 1, 2**53, 2**63 - 1, 2**63, -(2**63), 10**30, -(10**400))
TEXTS: Final = (
    *("", "KRYP", "ADAM", "CASH", "kryp", "x", "a" * 36, "a" * 37, "é" * 30, "\x00", "\n", "' OR 1=1; --"),
    *("<b>", "🔑", "\u202e", "\ud800", "$bank", "../..", "{account}", "*", ">"),
)
QUESTIONS: Final = [one for name, one in vars(market_data).items() if name.endswith("Question")]
ODD: Final = (None, True, False, 1.5, 1e308, [], {}, [[]], {"type": "submit"}, "NaN", [1, "2"], {"a": {"b": {"c": []}}})


class Fuzzer:
    """Makes messages."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def request(self, name: str) -> tuple[str, bytes]:
        """(subject, payload) of something that trader `name` may send."""
        roll = self._random.random()
        if roll < 0.6:
            commands = typing.get_args(requests.Command)
            single = self._random.random() < 0.7
            content = [
                self._message(self._random.choice(commands)) for _ in range(1 if single else self._random.randrange(0, 12))
            ]
            return f"orders.{name}", self._bytes(content[0] if single else content)
        if roll < 0.62:
            return f"orders.{name}.rules", self._bytes(self._message(account.AccountRulesQuestion))
        if roll < 0.65:
            return self._asked(f"api.{name}.bots.", BOTS)
        if roll < 0.75:
            return self._asked(f"api.{name}.", API)
        if roll < 0.88:
            return self._asked(f"auth.{name}.", AUTH)
        content = self._message(self._random.choice(QUESTIONS))
        return f"public.{self._random.choice(PUBLIC)}", self._bytes(content)

    def _asked(self, prefix: str, questions: dict[str, list[Any]]) -> tuple[str, bytes]:
        question = self._random.choice(list(questions))
        content = self._message(questions[question][0]) if questions[question] else self._random.choice(ODD)
        return prefix + question, self._bytes(content)

    def _message(self, type_: Any) -> dict[str, Any]:
        """A sound one, mostly, with something odd here and there."""
        config = type_.__struct_config__
        content: dict[str, Any] = {config.tag_field: config.tag} if config.tag_field else {}
        for field in msgspec.structs.fields(type_):
            if field.required or self._random.random() < 0.4:
                content[field.encode_name] = self._value(field.type)
                if field.name == "symbol" and self._random.random() < 0.9:
                    content[field.encode_name] = self._random.choice(("KRYP", "ADAM"))
        for _ in range(self._random.choice((0, 0, 0, 0, 1, 2))):
            name = self._random.choice([*content, "surprise"])
            content[name] = self._odd()
        if content and self._random.random() < 0.05:
            content.pop(self._random.choice(list(content)))
        return content

    def _value(self, type_: Any) -> Any:
        arguments = typing.get_args(type_)
        origin = typing.get_origin(type_)
        if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
            return self._message(type_)
        if type_ is int:
            return self._random.choice(NUMBERS) if self._random.random() < 0.3 else self._random.randrange(0, 300_000, 100)
        if type_ is bool:
            return self._random.random() < 0.5
        if type_ is str:
            return self._text()
        if origin is typing.Literal:
            return self._random.choice(arguments)
        if origin in (list, tuple):
            return [self._value(arguments[0]) for _ in range(self._random.randrange(0, 3))]
        if origin is dict:
            return {self._text(): self._value(arguments[1]) for _ in range(self._random.randrange(0, 3))}
        if arguments:
            return self._value(self._random.choice(arguments))
        return None

    def _text(self) -> str:
        if self._random.random() < 0.5:
            return self._random.choice(("KRYP", "ADAM", f"id{self._random.randrange(10**6)}"))
        return self._random.choice(TEXTS)

    def _odd(self) -> Any:
        return self._random.choice((*ODD, *NUMBERS, *TEXTS))

    def _bytes(self, content: Any) -> bytes:
        payload = json.dumps(content, ensure_ascii=self._random.random() < 0.5).encode("utf-8", "surrogatepass")
        damages: tuple[Callable[[bytes], bytes], ...] = (self._flip, self._cut, self._double, self._nest, self._stuff)
        return self._random.choice(damages)(payload) if self._random.random() < 0.2 else payload

    def _flip(self, payload: bytes) -> bytes:
        changed = bytearray(payload)
        for _ in range(self._random.randrange(1, 4)):
            changed[self._random.randrange(len(changed))] = self._random.randrange(256)
        return bytes(changed)

    def _cut(self, payload: bytes) -> bytes:
        return payload[: self._random.randrange(len(payload) + 1)]

    def _double(self, payload: bytes) -> bytes:
        """The same fields twice, or two messages in one."""
        return payload[:-1] + b"," + payload[1:] if payload[:1] == b"{" and len(payload) > 2 else payload + payload

    def _nest(self, payload: bytes) -> bytes:
        depth = self._random.choice((1, 2, 100, 2_000))
        return b"[" * depth + payload + b"]" * depth

    def _stuff(self, payload: bytes) -> bytes:
        return payload.replace(b'"', self._random.choice((b"'", b'\\"', b"\x00", b'"\xff')), 1)


class Trader:
    """Sends what the fuzzer makes and counts what becomes of it."""

    def __init__(self, name: str, wire: Wire, fuzzer: Fuzzer) -> None:
        self.name = name
        self.sent = 0
        self.outcomes: Counter[str] = Counter()
        self.slips: list[str] = []
        """Answers that are no answers."""
        self._wire = wire
        self._fuzzer = fuzzer
        self._under_way: dict[bytes, tuple[str, bytes]] = {}
        self._wanted = 0
        self._done = asyncio.Event()
        self._inbox = f"{wire.inbox_prefix}.fuzz."
        wire.subscribe(self._inbox + "*")
        wire.on_message = self._receive
        wire.on_read = self._refill

    async def run(self, messages: int) -> None:
        """So many, each answered. Raises TimeoutError, naming what nobody answered."""
        self._wanted = messages
        self._refill()
        self._wire.flush()
        seen = -1
        while not self._done.is_set():
            if self._wire.closed.done():
                raise ConnectionError(f"{self.name} was thrown out after {self.sent} messages")
            if seen == self.sent:
                raise TimeoutError(f"{self.name}: no answer to {list(self._under_way.values())[:3]}")
            seen = self.sent
            waiting = asyncio.ensure_future(self._done.wait())
            await asyncio.wait({waiting, self._wire.closed}, timeout=ANSWER_SECONDS_MAX, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()

    def close(self) -> None:
        """Nothing more is sent or heard."""
        self._wire.close()

    def _refill(self) -> None:
        while len(self._under_way) < WINDOW and self.sent < self._wanted:
            self.sent += 1
            subject, payload = self._fuzzer.request(self.name)
            reply = f"{self._inbox}{self.sent}".encode()
            self._under_way[reply] = (subject, payload)
            self._wire.publish(subject.encode(), reply, payload)
        if self._wanted and not self._under_way:  # The server may have said something before there was anything to send.
            self._done.set()

    def _receive(self, subject: bytes, payload: bytes) -> None:
        asked = self._under_way.pop(subject, None)
        if asked is None:
            return
        try:
            said = json.loads(payload)
        except ValueError:
            if asked[0].startswith("public.") and b'"format"' in asked[1]:
                self.outcomes["csv, parquet or arrow"] += 1
            else:
                self.slips.append(f"{asked} was answered with {payload[:100]!r}")
            return
        one = said[0] if isinstance(said, list) and said else said
        reason = one.get("reason", one.get("type", "answer")) if isinstance(one, dict) else "answer"
        self.outcomes[reason] += 1
        if reason == "internal" or (reason in ("malformed", "busy") and not one.get("detail")):
            self.slips.append(f"{asked} was answered with {payload[:200]!r}")


async def fuzz(market: RunningMarket, messages: int, seed: int) -> Counter[str]:
    """Send them, and look at the market afterwards: nothing has died, everything adds up, and one can trade as before."""
    workers = market.runtime["workers"]
    names = [f"fuzz{seed % 1_000_000}-{number}" for number in range(TRADERS)]
    traders = []
    async with await market.connect("operator") as operator:
        for number, name in enumerate(names):
            wanted = Credentials(name, PASSWORD, 10**10, {"KRYP": 10_000})
            made = await operator.request("admin.create_account", wanted, Done, seconds=15)
            assert isinstance(made, Done), made
            traders.append(await fuzzing_trader(market, name, seed + number))
        may = {"orders.x", "orders.x.rules", "api.x.*", "api.x.bots.*", "auth.x.*", "public.*"}
        assert set(permissions(("trader",), "x").publish) == may
        assert {subject for subject in await served(market) if not subject.startswith("admin.")} == TRIED
        try:
            await asyncio.gather(*(trader.run(messages // TRADERS) for trader in traders))
        finally:
            for trader in traders:
                trader.close()
        slips = [slip for trader in traders for slip in trader.slips]
        assert not slips, slips[:5]
        assert market.runtime["workers"] == workers, "a worker has died"
    async with await market.connect(names[0], PASSWORD) as trader:
        assert isinstance(await trader.send(CancelAll()), Accepted)
    verdict = await asyncio.to_thread(market.ask, "audit")
    assert verdict["passed"], verdict
    return sum((trader.outcomes for trader in traders), Counter())


async def fuzzing_trader(market: RunningMarket, name: str, seed: int) -> Trader:
    """Logged in with a session, so that it may do all that a trader may."""
    server = market.runtime["server"]
    async with await Client.connect(server) as guest:
        session = await guest.request(auth(guest.login, "log_in"), logins.LogIn(name, PASSWORD), Secret, seconds=30)
    assert isinstance(session, Secret), session
    return Trader(name, await Wire.open(server, name, session.secret), Fuzzer(seed))


def main() -> None:
    """Fuzz a market of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "fuzzed.yaml"
        rules.write_text(MARKET)
        market = start_market(Path(folder) / "market", str(rules))
        try:
            begun = time.monotonic()
            outcomes = asyncio.run(fuzz(market, arguments.messages, arguments.seed))
            seconds = time.monotonic() - begun
        except BaseException:
            print(f"seed {arguments.seed}", file=sys.stderr)
            raise
        finally:
            market.stop()
    sent = sum(outcomes.values())
    print(f"seed {arguments.seed}: {sent:,} messages in {seconds:.0f} s, all answered, no worker died, audit passed")
    for reason, count in outcomes.most_common():
        print(f"{count:9,} {reason}")


if __name__ == "__main__":
    main()
