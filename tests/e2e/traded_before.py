"""A market that has traded before it is started: a backup of logs that its own stages wrote, at times that have passed."""

from __future__ import annotations

import gzip
import shutil
from importlib import resources
from pathlib import Path

import msgspec

from engine.stage import EngineStage
from exchange.backup import CREDENTIALS_FILE, MANIFEST, WHOLE, Manifest
from exchange.digest import digest
from exchange.market import Market, load_market
from exchange.messages.administration import NewAccount
from exchange.messages.base import encode
from exchange.messages.requests import Submit
from exchange.secrets import SECRETS_FILE, load_secrets
from exchange.settings import MARKET_FILE
from exchange.subjects import JOURNAL, events_log
from ledger.desk import OPEN_ACCOUNT
from ledger.stage import LedgerStage

SECOND = 1_000_000_000
TRADERS = ("maker", "taker")


def write_past(target: Path, prices: list[int], end: int) -> None:
    """A backup, for `exchange restore`, of the built-in market: one share of KRYP was traded at each price, one a second up to
    `end` (nanoseconds since 1970). Prices in units of 1/10,000."""
    target.mkdir()
    load_secrets(target)
    shutil.copy(str(resources.files("exchange").joinpath("market.yaml")), target / MARKET_FILE)
    logs = _trade(load_market(target / MARKET_FILE), prices, end)
    for name, payloads in logs.items():
        (target / f"{name}.jsonl.gz").write_bytes(gzip.compress(b"".join(payload + b"\n" for payload in payloads), 1))
    (target / CREDENTIALS_FILE).write_bytes(b"{}")
    counts, digests = {name: len(payloads) for name, payloads in logs.items()}, {n: digest(p[-1]) for n, p in logs.items()}
    manifest = Manifest(WHOLE, end, counts, digests, 0, [MARKET_FILE, SECRETS_FILE])
    (target / MANIFEST).write_bytes(msgspec.json.encode(manifest))


def _trade(market: Market, prices: list[int], end: int) -> dict[str, list[bytes]]:
    ledger, engine, name = LedgerStage(market), EngineStage(1), events_log(1)
    journal: list[bytes] = []
    events: list[bytes] = []
    for trader in TRADERS:
        ledger.submit_question(OPEN_ACCOUNT, "", "", encode(NewAccount(trader)))
    fresh: list[bytes] = []
    for number, price in enumerate(prices):
        for trader, side in zip(TRADERS, ("sell", "buy") if number % 2 else ("buy", "sell"), strict=True):
            ledger.submit_request(trader, "", encode(Submit(str(number), "KRYP", side, 1, price=price)))
        made = ledger.turn({name: fresh} if fresh else {}, end - (len(prices) - number) * SECOND).payloads
        fresh = engine.turn({JOURNAL: made}, 0).payloads
        journal += made
        events += fresh
    journal += ledger.turn({name: fresh}, end).payloads
    return {JOURNAL: journal, name: events}
