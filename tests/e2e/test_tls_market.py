"""A whole market with TLS, and what `exchange up` says about listening without."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
import stat
import urllib.request

import pytest

from cli.listening import choose_listening
from cli.problem import Problem
from exchange.client import Client, Unreachable
from exchange.messages.requests import Accepted, CancelAll
from exchange.secrets import load_secrets
from exchange.tls import CERTIFICATE_VARIABLE
from tests.e2e.market_process import StartMarket
from tests.exchange.test_tls import FILES

PASSWORD = "a long password"


def test_a_market_with_tls(fresh_market: StartMarket) -> None:
    market = fresh_market("--no-bots", "--tls", str(FILES.certificate), str(FILES.key))
    created = market.cli("account", "create", "alice", password=PASSWORD)
    assert created.returncode == 0, created.stderr
    assert market.ask("--as", "alice", "buy", "KRYP", "1", "--limit", "20")["type"] == "accepted"
    assert market.ask("audit")["passed"]
    runtime = market.runtime
    assert [runtime[name].partition(":")[0] for name in ("server", "websocket", "http")] == ["tls", "wss", "https"]
    context = ssl.create_default_context(cafile=FILES.certificate)
    context.check_hostname = False
    with urllib.request.urlopen(market.page + "/config.json", context=context) as answer:
        assert answer.headers["strict-transport-security"]
        assert json.load(answer)["websocket"] == runtime["websocket"]
    unknown = market.cli("symbols", "--server", runtime["server"], variables={"EXCHANGE_DATA": ""})
    assert "is not to be trusted" in unknown.stderr
    with pytest.raises(OSError, match=r"closed connection|Connection reset|unexpected"):
        urllib.request.urlopen(market.page.replace("https", "http"), timeout=10)


def test_no_secret_leaves_the_data_directory(fresh_market: StartMarket) -> None:
    """Not in arguments, logs, the terminal, nor in JSON; and nobody else may read the files."""
    market = fresh_market("--no-bots")
    market.cli("account", "create", "alice", password=PASSWORD)
    secrets = load_secrets(market.data)
    words = [secrets.worker, secrets.auth, secrets.bots, secrets.system, secrets.operator, secrets.issuer_seed, PASSWORD]
    logs = b"".join(path.read_bytes() for path in market.data.rglob("*.log"))
    said = market.output + market.cli("status", "--json").stdout + market.cli("account", "sessions", "alice", "--json").stdout
    said += market.cli("account", "show", "alice", "--json").stdout + json.dumps(market.runtime)
    for pid in (market.process.pid, *market.runtime["workers"].values()):
        with open(f"/proc/{pid}/cmdline", "rb") as arguments:
            said += arguments.read().decode()
    assert len(logs) > 1_000
    for word in words:
        assert word not in said
        assert word.encode() not in logs
    holding = [
        path for path in market.data.rglob("*") if path.is_file() and any(word.encode() in path.read_bytes() for word in words)
    ]
    assert {path.name for path in holding} == {"secrets.json", "nats.conf"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in holding} == {0o600}
    assert [path for path in (market.data, *market.data.rglob("*")) if path.stat().st_mode & 0o077] == []


def test_without_tls_it_listens_on_loopback_unless_told(fresh_market: StartMarket) -> None:
    market = fresh_market("--no-bots", "--insecure-listen")
    assert "exchange: --insecure-listen: passwords and orders travel unencrypted" in market.output
    listening = choose_listening(None, False, [], "")
    assert (listening.host, listening.insecure) == ("127.0.0.1", False)
    assert listening.page_origins(8080) == ("http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080")


def test_what_browsers_are_let_in_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CERTIFICATE_VARIABLE, "")
    listening = choose_listening((FILES.certificate, FILES.key), False, ["https://proxy.example"], "wss://proxy.example/ws")
    assert os.environ[CERTIFICATE_VARIABLE] == str(FILES.certificate)
    assert (listening.host, listening.insecure) == ("0.0.0.0", False)
    assert listening.page_origins(443)[-3:] == ("https://market.example", "https://192.0.2.7", "https://proxy.example")


@pytest.mark.parametrize(
    ("insecure", "origins", "websocket", "words"),
    [
        (True, [], "", "--insecure-listen"),
        (False, ["market.example"], "", "--origin"),
        (False, ["https://market.example/page"], "", "--origin"),
        (False, [], "https://market.example", "--ws-url"),
        (False, [], "wss://market.example; script-src *", "--ws-url"),
    ],
)
def test_options_that_make_no_sense(insecure: bool, origins: list[str], websocket: str, words: str) -> None:
    with pytest.raises(Problem, match=words):
        choose_listening((FILES.certificate, FILES.key), insecure, origins, websocket)


async def test_who_is_there_trades_on_while_nobody_can_log_in(fresh_market: StartMarket) -> None:
    """And whoever comes meanwhile waits; the auth worker is started again by itself."""
    market = fresh_market("--no-bots")
    market.cli("account", "create", "alice", password=PASSWORD)
    alice = await market.connect("alice", PASSWORD)
    frozen = market.kill("auth", signal.SIGSTOP)
    with pytest.raises(Unreachable, match="log-ins cannot be checked at the moment; try again shortly"):
        await Client.connect(market.runtime["server"], "alice", PASSWORD, patience=2)
    coming = asyncio.create_task(market.connect("alice", PASSWORD))
    assert isinstance(await alice.send(CancelAll()), Accepted)
    os.kill(frozen, 9)
    async with await coming as late:
        assert isinstance(await late.send(CancelAll()), Accepted)
    assert market.runtime["workers"]["auth"] != frozen
    await alice.close()
