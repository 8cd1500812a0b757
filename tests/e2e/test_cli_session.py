"""A person's session with the command line against a whole running market."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import stat
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest

from exchange.client import LoginRefused
from exchange.secrets import load_secrets
from tests.e2e.market_process import EXCHANGE, STOP_SECONDS_MAX, RunningMarket

PASSWORD = "a long password"


@pytest.fixture(scope="module")
def names(market: RunningMarket) -> tuple[str, str]:
    """Two accounts with ten thousand each, and shares."""
    for name in ("carol", "dave"):
        created = market.cli("account", "create", name, "--cash", "10000", "--shares", "PUPS=500", password=PASSWORD)
        assert created.returncode == 0, created.stderr
        assert created.stdout == f"{name} has an account and is logged in here; try: exchange --as {name} portfolio\n"
    return "carol", "dave"


def one_line(market: RunningMarket, *arguments: str, password: str = "") -> str:
    """The line of a refusal."""
    finished = market.cli(*arguments, password=password)
    assert finished.returncode == 1, finished.stdout
    assert finished.stdout == ""
    assert finished.stderr.count("\n") == 1
    return finished.stderr.strip()


def test_two_people_trade(market: RunningMarket, names: tuple[str, str]) -> None:
    bid = market.ask("book", "PUPS")["bids"][0][0]
    price = f"{bid / 10_000 - 1:.2f}"  # Far enough from the bots that nobody else trades there.
    units = round(float(price) * 10_000)
    bought = market.ask("--as", "carol", "buy", "PUPS", "100", "--limit", price)
    assert bought == {"type": "accepted", "order_id": bought["order_id"], "client_order_id": bought["client_order_id"]}

    (order,) = market.ask("--as", "carol", "orders")
    assert (order["order_id"], order["side"], order["price"], order["remaining"]) == (bought["order_id"], "buy", units, 100)
    portfolio = market.ask("--as", "carol", "portfolio")
    assert (portfolio["cash"], portfolio["cash_held"]) == (100_000_000, 100 * units)

    text = market.cli("--as", "carol", "orders").stdout
    assert re.search(rf"{bought['order_id']}\s.*PUPS\s+buy\s+{price}\s+100\s+100", text)
    text = market.cli("--as", "carol", "portfolio").stdout
    assert text.splitlines()[-1] == "1 open order"
    assert re.search(rf"cash\s+10,000\.00\s+{100 * units / 10_000:.2f}\s+{10_000 - 100 * units / 10_000:,.2f}", text)

    cancelled = market.cli("--as", "carol", "cancel", str(bought["order_id"]))
    assert cancelled.stdout == f"cancelling order {bought['order_id']}\n"
    market.wait_until(lambda: market.ask("--as", "carol", "orders") == [], "the order was not cancelled")
    assert market.ask("--as", "carol", "portfolio")["cash_held"] == 0


def test_a_market_order_tells_what_it_traded(market: RunningMarket, names: tuple[str, str]) -> None:
    finished = market.cli("--as", "dave", "buy", "PUPS", "50")
    assert finished.returncode == 0, finished.stderr
    accepted, *filled = finished.stdout.splitlines()
    assert re.fullmatch(r"order \d+ accepted: buy 50 PUPS at the market", accepted)
    quantities = [int(re.fullmatch(r"filled (\d+) at \d+\.\d+", line)[1]) for line in filled]  # type: ignore[index]
    assert sum(quantities) == 50
    market.wait_until(lambda: len(market.ask("--as", "dave", "fills")) == len(filled), "history does not know the fills")
    fills = market.ask("--as", "dave", "fills")
    assert [fill["quantity"] for fill in reversed(fills)] == quantities
    portfolio = market.ask("--as", "dave", "portfolio")
    assert portfolio["positions"] == [{**portfolio["positions"][0], "symbol": "PUPS", "quantity": 550, "held": 0}]
    assert portfolio["cash"] == 100_000_000 - sum(fill["price"] * fill["quantity"] for fill in fills)
    assert "PUPS" in market.cli("--as", "dave", "fills").stdout


def test_an_order_sent_twice_is_placed_once(market: RunningMarket, names: tuple[str, str]) -> None:
    order = ("--as", "carol", "buy", "KRYP", "1", "--limit", "1.00", "--client-id", "only-once")
    first, second = market.ask(*order), market.ask(*order)
    assert second == {**first, "duplicate": True}
    assert [row["client_order_id"] for row in market.ask("--as", "carol", "orders")] == ["only-once"]
    assert "was accepted before" in market.cli(*order).stdout
    assert market.cli("--as", "carol", "cancel", "--client-id", "only-once").returncode == 0
    market.wait_until(lambda: market.ask("--as", "carol", "orders") == [], "the order was not cancelled")


def test_refusals_are_one_line(market: RunningMarket, names: tuple[str, str]) -> None:
    text = one_line(market, "--as", "carol", "buy", "KRYP", "100000", "--limit", "20")
    assert re.fullmatch(r"exchange: refused: .* \(insufficient_funds\)", text)
    assert "(unknown_symbol)" in one_line(market, "--as", "carol", "buy", "NOPE", "1", "--limit", "20")
    assert "(price_off_tick)" in one_line(market, "--as", "carol", "buy", "ADAM", "1", "--limit", "20.01")
    assert "(insufficient_shares)" in one_line(market, "--as", "carol", "sell", "KRYP", "1", "--limit", "20")
    assert "(unknown_order)" in one_line(market, "--as", "carol", "cancel", "987654321")
    assert "(unknown_symbol)" in one_line(market, "book", "NOPE")
    assert "(unknown_account)" in one_line(market, "account", "show", "nobody")
    refused = market.cli("--as", "carol", "buy", "NOPE", "1", "--limit", "20", "--json")
    assert refused.returncode == 1
    assert refused.stdout.startswith('{"type":"refused","reason":"unknown_symbol"')


def test_log_in(market: RunningMarket, names: tuple[str, str]) -> None:
    logins = market.directory / "config" / "logins.json"
    assert stat.S_IMODE(logins.stat().st_mode) == 0o600
    logins.unlink()
    assert one_line(market, "--as", "dave", "orders").endswith("dave is not logged in here; log in with: exchange login dave")
    assert "do not belong together" in one_line(market, "login", "dave", password="not the password")
    assert market.cli("login", "dave").stderr.endswith("set EXCHANGE_PASSWORD\n")
    assert market.cli("login", "dave", password=PASSWORD).returncode == 0
    assert market.ask("--as", "dave", "portfolio")["account"] == "dave"
    assert market.cli("login", "carol", password=PASSWORD).returncode == 0
    again = one_line(market, "account", "create", "dave", password="another password")
    assert "dave" in again


def test_a_key_is_for_programs(market: RunningMarket, names: tuple[str, str]) -> None:
    secret = market.ask("key", "create", "carol", "robot")
    assert secret["login"] == "carol"
    finished = market.cli("--as", "carol", "key", "create", "carol", "reader", "--scope", "read", "--expires", "12h")
    assert len(finished.stdout.split()) == 1
    assert finished.stdout.strip() != secret["secret"]
    assert [(key["name"], key["scopes"]) for key in market.ask("key", "list", "carol")] == [
        ("robot", ["read", "trade"]),
        ("reader", ["read"]),
    ]
    assert "robot" in market.cli("key", "list", "carol").stdout
    assert "(key_name)" in one_line(market, "key", "create", "carol", "robot")
    assert "(malformed)" in one_line(market, "key", "create", "carol", "far", "--address", "nowhere")
    assert market.cli("key", "create", "carol", "far", "--expires", "tomorrow").returncode == 2
    assert market.ask("key", "revoke", "carol", "robot")["type"] == "done"
    assert "(unknown_key)" in one_line(market, "key", "revoke", "carol", "robot")


async def test_a_client_with_a_key_and_after_it(market: RunningMarket, names: tuple[str, str]) -> None:
    secret = market.ask("key", "create", "carol", "client")["secret"]
    async with await market.connect("carol", secret) as client:
        assert client.account == "carol"
        connection = await client.connection()
        market.ask("key", "revoke", "carol", "client")
        async with asyncio.timeout(STOP_SECONDS_MAX):
            while not connection.is_closed:  # noqa: ASYNC110 - the server ends it
                await asyncio.sleep(0.01)
    with pytest.raises(LoginRefused):
        await market.connect("carol", secret)


def test_a_team(market: RunningMarket, names: tuple[str, str]) -> None:
    added = market.cli("--as", "dave", "account", "add-member", "dave", "mia", variables={"EXCHANGE_PASSWORD_NEW": PASSWORD})
    assert added.stdout == "mia@dave can log in and trade for dave\n"
    assert market.cli("login", "mia@dave", password=PASSWORD).returncode == 0
    assert market.ask("--as", "mia@dave", "portfolio")["account"] == "dave"
    placed = market.ask("--as", "mia@dave", "buy", "KRYP", "1", "--limit", "1.00")
    assert placed["order_id"] in [order["order_id"] for order in market.ask("--as", "dave", "orders")]
    assert "team: mia@dave" in market.cli("account", "sessions", "dave").stdout
    assert market.cli("account", "remove-member", "dave", "mia").returncode == 0
    assert "the session of mia@dave has ended" in one_line(market, "--as", "mia@dave", "orders")


def test_passwords_and_logging_out(market: RunningMarket, names: tuple[str, str]) -> None:
    created = market.cli("account", "create", "pat", password=PASSWORD)
    assert created.returncode == 0, created.stderr
    both = {"EXCHANGE_PASSWORD_NEW": "quite another one"}
    refused = market.cli("--as", "pat", "account", "password", "pat", password="a guess", variables=both)
    assert "the password so far is not right" in refused.stderr
    changed = market.cli("--as", "pat", "account", "password", "pat", password=PASSWORD, variables=both)
    assert changed.stdout == "pat has a new password; all other sessions have ended\n"
    assert market.cli("--as", "pat", "portfolio").returncode == 0, "the session that asked goes on"
    assert market.cli("account", "log-out", "pat").returncode == 0
    assert "the session of pat has ended" in one_line(market, "--as", "pat", "portfolio")
    assert market.cli("login", "pat", password="quite another one").returncode == 0
    assert [one["name"] for one in market.ask("account", "sessions", "pat")["sessions"]] != []
    assert market.cli("logout", "pat").returncode == 0
    assert "is not logged in here" in one_line(market, "--as", "pat", "portfolio")
    reset = market.cli("account", "password", "pat", variables={"EXCHANGE_PASSWORD_NEW": PASSWORD})
    assert reset.stdout == "pat has a new password; all sessions have ended\n"


def test_an_auditor_reads_and_changes_nothing(market: RunningMarket, names: tuple[str, str]) -> None:
    created = market.cli("account", "create", "eve", "--role", "auditor", password=PASSWORD)
    assert created.stdout == "eve is logged in here as auditor; try: exchange --as eve status\n"
    order = market.ask("--as", "carol", "buy", "KRYP", "1", "--limit", "1.00")["order_id"]

    def as_eve(*arguments: str) -> Any:
        return market.ask("--as", "eve", *arguments)

    def newest() -> list[int]:
        return [row["order_id"] for row in market.ask("--as", "carol", "history", "--limit", "1")]

    market.wait_until(lambda: newest() == [order], "the order is not in the history")
    assert as_eve("explain", str(order))["account"] == "carol"
    assert as_eve("account", "show", "carol")["account"] == "carol"
    assert as_eve("statement", "carol")["account"] == "carol"
    assert [one["account"] for one in as_eve("account", "list", "--prefix", "carol")["accounts"]] == ["carol"]
    assert as_eve("sql", "SELECT 1")["rows"] == [[1]]
    assert as_eve("status")["ledger"]["journal"] > 0
    assert as_eve("account", "sessions", "eve")["role"] == "auditor"

    only_operators = "exchange: eve is an auditor and may not do that; it takes an operator"
    commands = ("halt KRYP", "account freeze carol", "export out", "key create carol mine", "account log-out carol")
    assert [one_line(market, "--as", "eve", *command.split()) for command in commands] == [only_operators] * len(commands)
    assert market.cli("--as", "eve", "buy", "KRYP", "1", "--limit", "1").stderr == (
        "exchange: eve is an auditor and has no account of its own; name a trader with --as\n"
    )
    assert market.cli("--as", "carol", "cancel", str(order)).returncode == 0


def test_a_trader_gets_nothing_of_the_operators(market: RunningMarket, names: tuple[str, str]) -> None:
    """Although the operator's password lies on this machine: whoever names an account acts as that account."""
    for command in ("halt KRYP", "status", "account show dave", "key list dave"):
        assert "carol is a trader; this takes the log-in of an operator" in one_line(market, "--as", "carol", *command.split())


def test_an_operator_on_another_machine(market: RunningMarket, names: tuple[str, str], tmp_path: Path) -> None:
    server, there = market.runtime["server"], {"EXCHANGE_DATA": "", "EXCHANGE_CONFIG": str(tmp_path / "config")}

    def cli(line: str, password: str = "") -> subprocess.CompletedProcess[str]:
        return market.cli("--server", server, *line.split(), password=password, variables=there)

    assert cli("status").stdout.startswith(f"the market at {server} is live with ")
    assert cli("--as operator halt KRYP").stderr.endswith("log in with: exchange login operator\n")
    logged_in = cli("login operator", load_secrets(market.data).operator)
    assert logged_in.stdout.endswith("as operator; try: exchange --as operator status\n"), logged_in.stderr
    assert cli("--as operator account create olga --role operator", PASSWORD).returncode == 0
    status = cli("--as olga status").stdout
    assert f"server    {server}" in status
    assert "leading" in status
    listed = json.loads(cli("--as olga account list --json").stdout)
    assert {"carol", "dave"} <= {one["account"] for one in listed["accounts"]}
    assert cli("--as olga account deposit dave PUPS 1").returncode == 0
    assert cli("--as olga account deposit dave PUPS 1 --take").returncode == 0

    assert market.cli("account", "log-out", "olga").returncode == 0, "on the host the data directory's operator acts"
    ended = "the session of olga has ended, or was ended; log in again with: exchange login olga\n"
    assert cli("--as olga status").stderr.endswith(ended)
    assert cli("logout olga").stdout == "the session of olga had ended already\n"
    assert cli("logout operator").returncode == 0


def test_the_operator_sees_every_account(market: RunningMarket, names: tuple[str, str]) -> None:
    assert market.ask("account", "show", "carol")["account"] == "carol"
    assert market.ask("--as", "carol", "account", "show", "carol")["account"] == "carol"


def test_public_data(market: RunningMarket) -> None:
    assert [row["symbol"] for row in market.ask("symbols")] == ["KRYP", "ADAM", "PUPS"]
    book = market.ask("book", "KRYP", "--levels", "5")
    assert book["bids"][0][0] < book["asks"][0][0]
    assert len(book["bids"]) <= 5
    market.wait_until(lambda: len(market.ask("trades", "KRYP")) >= 2, "nobody trades")
    ids = [trade["trade_id"] for trade in market.ask("trades", "KRYP", "--limit", "2")]
    assert len(ids) == 2
    assert market.ask("candles", "KRYP", "--interval", "1s")[-1]["symbol"] == "KRYP"
    assert market.ask("symbols", "--server", market.runtime["server"])


def test_history_as_it_is_asked_for(market: RunningMarket, tmp_path: Path) -> None:
    market.wait_until(lambda: len(market.ask("trades", "KRYP")) >= 2, "nobody trades")
    trades = market.ask("trades", "KRYP", "--since", "1 hour ago", "--limit", "0")
    assert [trade["trade_id"] for trade in trades] == list(range(1, len(trades) + 1))
    file = tmp_path / "trades.parquet"
    written = market.cli("trades", "KRYP", "--since", "1 hour ago", "--limit", "2", "--format", "parquet", "-o", str(file))
    assert "2 rows written" in written.stdout
    rows = duckdb.sql(f"SELECT trade_id, price FROM '{file}'").fetchall()
    assert rows == [(trade["trade_id"], trade["price"]) for trade in trades[:2]]
    lines = market.cli("trades", "KRYP", "--limit", "2", "--format", "csv").stdout.splitlines()
    assert lines[0] == "trade_id,price,quantity,side,time,auction"
    assert len(lines) == 3
    assert "is not for the terminal" not in market.cli("quotes", "KRYP", "--format", "csv").stderr
    assert market.ask("quotes", "KRYP", "--limit", "1")[0]["symbol"] == "KRYP"
    bars = market.ask("candles", "KRYP", "--interval", "7m", "--since", "2 hours ago")
    assert sum(bar["trades"] for bar in bars) >= len(trades)
    filled = market.ask("candles", "KRYP", "--interval", "1s", "--periods", "5", "--fill")
    assert 0 < len(filled) <= 5
    assert "7x" in one_line(market, "candles", "KRYP", "--interval", "7x")
    past = market.ask("book", "KRYP", "--at", str(trades[-1]["time"] // 10**9 + 1))
    assert past["bids"] or past["asks"]
    assert "KRYP 1s" in market.cli("chart", "KRYP", "--interval", "1s").stdout


@pytest.mark.parametrize("command", [("trades", "KRYP", "--follow", "--limit", "1"), ("book", "KRYP", "--watch")])
def test_what_goes_on_until_ctrl_c(market: RunningMarket, command: tuple[str, ...]) -> None:
    process = subprocess.Popen(
        [*EXCHANGE, "--data", str(market.data), "--json", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    seen = [json.loads(process.stdout.readline()) for _ in range(3)]
    if command[0] == "trades":
        assert [trade["trade_id"] for trade in seen] == [seen[0]["trade_id"] + number for number in range(3)]
    else:
        assert all(book["symbol"] == "KRYP" for book in seen)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=STOP_SECONDS_MAX)
    assert (process.returncode, errors) == (0, "")


def test_tables_for_people(market: RunningMarket) -> None:
    lines = market.cli("book", "KRYP", "--levels", "3").stdout.splitlines()
    sides = [line.split()[0] for line in lines[3:]]
    assert sides == sorted(sides), "asks stand above bids"
    prices = [float(line.split()[1]) for line in lines[3:]]
    assert prices == sorted(prices, reverse=True)
    assert "Kryptonite" in market.cli("symbols").stdout
    assert market.cli("trades", "KRYP").returncode == 0
    assert market.cli("candles", "KRYP").stdout.split()[0] == "start"
    status = market.cli("status").stdout
    assert all(worker in status for worker in market.runtime["workers"])
    assert "\x1b" not in status


def test_top_shows_who_leads(market: RunningMarket) -> None:
    command = [*EXCHANGE, "--data", str(market.data), "top"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines: list[str] = []
    while "All is well\n" not in lines:
        lines.append(process.stdout.readline())
        assert lines[-1], lines
    led = {line.split()[0] for line in lines if " leading " in line}
    assert led == {"engine-1", "ledger", "ticks"}
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=STOP_SECONDS_MAX)
    assert (process.returncode, errors) == (0, "")


def test_status_for_programs(market: RunningMarket) -> None:
    market.wait_until(lambda: market.ask("status")["problems"] == [], "something is wrong")
    status = market.ask("status")
    assert {health["pid"] for health in status["health"]} == {
        pid for name, pid in market.runtime["workers"].items() if name != "nats"
    }


def test_audit_passes(market: RunningMarket) -> None:
    audit = market.ask("audit")
    assert audit["passed"], audit
