"""`python -P -m exchange.ledger.bench`: what the gate and the settlement cost in process, as JSON."""

from __future__ import annotations

import json
import time
from random import Random
from typing import Final

from exchange.market import AccountRules, Limits, Market, SymbolRules
from exchange.messages.administration import NewAccount
from exchange.messages.base import Side, decoder, encode
from exchange.messages.events import Event, EventBatch, Moment, Rested, Traded
from exchange.messages.requests import Accepted, Outcome, Submit
from exchange.stage import Batches
from exchange.subjects import events_log

from .desk import OPEN_ACCOUNT
from .stage import LedgerStage

ACCOUNTS: Final = 50
COMMANDS: Final = 100_000
COMMANDS_PER_TURN: Final = 1_000
PRICE: Final = 200_000
START: Final = 1_700_000_000_000_000_000
MILLISECOND: Final = 1_000_000
MARKET: Final = Market(
    title="bench",
    symbols=[SymbolRules("KRYP", "Kryptonite", "20.00")],
    accounts=AccountRules(cash=1_000_000_000, shares={"KRYP": 10_000_000}),
    limits=Limits(open_orders=5_000, orders_per_second=0),
)

_decode_reply = decoder(Outcome | list[Outcome]).decode


def _requests(per_request: int) -> list[tuple[str, bytes]]:
    """(account, request): one turn's worth of sells, then as many buys, and so on."""
    random = Random(1)
    requests: list[tuple[str, bytes]] = []
    for number in range(COMMANDS // per_request):
        side: Side = "buy" if number * per_request // (COMMANDS_PER_TURN // 2) % 2 else "sell"
        commands = [
            Submit(f"client-{number}-{index}", "KRYP", side, random.randint(1, 100), price=PRICE)
            for index in range(per_request)
        ]
        requests.append((f"trader-{number % ACCOUNTS}", encode(commands if per_request > 1 else commands[0])))
    return requests


def _events(number: int, journal: int, order_ids: list[int]) -> bytes:
    """The sells of a turn rest, and each trades one share with one of the buys."""
    half = len(order_ids) // 2
    events: list[Event] = []
    for maker, taker in zip(order_ids[:half], order_ids[half:], strict=True):
        events.append(Rested(maker, "KRYP", "sell", PRICE, 1))
        events.append(Traded("KRYP", maker, maker, taker, PRICE, 1, "buy"))
    return encode(EventBatch(number, journal, "", [Moment(journal, START, events)]))


class Bench:
    """A ledger, what it has written, and the seconds it took."""

    def __init__(self) -> None:
        self.stage = LedgerStage(MARKET)
        self.gate_seconds = 0.0
        self.settle_seconds = 0.0
        self.replay_seconds = 0.0
        self._now = START
        self._history: list[tuple[bytes, Batches]] = []
        for number in range(ACCOUNTS):
            self.stage.submit_question(OPEN_ACCOUNT, "", "", encode(NewAccount(f"trader-{number}")))
        self._turn({})

    def run(self, per_request: int) -> None:
        """Gate and settle COMMANDS, then replay all of it."""
        requests = _requests(per_request)
        step = COMMANDS_PER_TURN // per_request
        for turn, start in enumerate(range(0, len(requests), step), 1):
            begun = time.perf_counter()
            for account, payload in requests[start : start + step]:
                self.stage.submit_request(account, "_INBOX.bench", payload)
            messages = self._turn({})
            self.gate_seconds += time.perf_counter() - begun
            answers = [_decode_reply(message) for subject, message in messages if subject == "_INBOX.bench"]
            outcomes = [outcome for answer in answers for outcome in (answer if isinstance(answer, list) else [answer])]
            order_ids = [outcome.order_id for outcome in outcomes if isinstance(outcome, Accepted)]
            assert len(order_ids) == COMMANDS_PER_TURN, "the benchmark's orders must all be accepted"
            inputs = {events_log(1): [_events(turn, self.stage.ledger.number, order_ids)]}
            begun = time.perf_counter()
            self._turn(inputs)
            self.settle_seconds += time.perf_counter() - begun
        follower = LedgerStage(MARKET)
        begun = time.perf_counter()
        for payload, inputs in self._history:
            follower.replay(payload, inputs)
        self.replay_seconds = time.perf_counter() - begun
        assert follower.snapshot() == self.stage.snapshot()

    def _turn(self, inputs: Batches) -> list[tuple[str, bytes]]:
        self._now += MILLISECOND
        payloads, messages = self.stage.turn(inputs, self._now)
        self._history.append((payloads[0], inputs))
        return messages


def measure() -> dict[str, dict[str, int]]:
    """Decode, check, hold, encode journal, answers and reports; settle a trade per two orders; replay both."""
    single, twenty = Bench(), Bench()
    single.run(1)
    twenty.run(20)
    return {
        "gate": {
            "commands_per_s": round(COMMANDS / twenty.gate_seconds),
            "single_commands_per_s": round(COMMANDS / single.gate_seconds),
        },
        "settlement": {
            "events_per_s": round(COMMANDS / twenty.settle_seconds),
            "trades_per_s": round(COMMANDS / 2 / twenty.settle_seconds),
        },
        "replay": {"orders_per_s": round(COMMANDS / twenty.replay_seconds)},
    }


if __name__ == "__main__":
    print(json.dumps(measure()))
