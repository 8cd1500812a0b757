"""A whole market as `exchange up` runs it: in processes of its own, on free ports, in a directory of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.child import tie_to_parent
from exchange.client import PATIENCE_SECONDS, Client
from exchange.secrets import load_secrets
from tests.e2e import forked

START_SECONDS_MAX = 180.0
"""Far above what it takes, as all these: the machine may be busy with other things."""
STOP_SECONDS_MAX = 60.0
COMMAND_SECONDS_MAX = 180.0
POLL_SECONDS = 0.02
EXCHANGE = (sys.executable, "-P", "-m", "exchange.cli")


@dataclass
class RunningMarket:
    """A market that lives until it is stopped, whatever a test does to its processes."""

    directory: Path
    process: subprocess.Popen[bytes]

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def runtime(self) -> dict[str, Any]:
        """What `exchange up` says about itself; empty while it does not run."""
        try:
            runtime: dict[str, Any] = json.loads((self.data / "runtime.json").read_bytes())
        except FileNotFoundError:
            return {}
        return runtime

    @property
    def page(self) -> str:
        return str(self.runtime["http"])

    @property
    def output(self) -> str:
        """What stands on its terminal."""
        return (self.directory / "out").read_text() + (self.directory / "err").read_text()

    def cli(
        self, *arguments: str, password: str = "", variables: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `exchange …` on this market, with log-ins of its own."""
        return run_cli(self.directory, *arguments, password=password, variables=variables)

    def ask(self, *arguments: str, password: str = "") -> Any:
        """The JSON that `exchange … --json` answers; anything but success fails the test."""
        finished = self.cli(*arguments, "--json", password=password)
        assert finished.returncode == 0, finished.stderr
        return json.loads(finished.stdout)

    async def connect(self, account: str = "", secret: str = "", *, patience: float = PATIENCE_SECONDS) -> Client:
        """A client: `operator` needs no secret here, an empty account is a guest."""
        if account == "operator" and not secret:
            secret = load_secrets(self.data).operator
        return await Client.connect(self.runtime["server"], account, secret, patience=patience)

    def kill(self, worker: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to a worker (or `nats`); its process id."""
        pid: int = self.runtime["workers"][worker]
        os.kill(pid, number)
        return pid

    def wait_for_successor(self, worker: str, pid: int) -> None:
        """Wait until another process does what that one did."""
        self.wait_until(lambda: self.runtime.get("workers", {}).get(worker, pid) != pid, f"{worker} was not started again")

    def wait_until(self, condition: Callable[[], bool], otherwise: str, seconds: float = START_SECONDS_MAX) -> None:
        """Wait for something that happens in other processes. What takes long to ask for is asked less often."""
        deadline = time.monotonic() + seconds
        while True:
            asked = time.monotonic()
            if condition():
                return
            answered = time.monotonic()
            assert answered < deadline, f"{otherwise}\n{self.output}"
            time.sleep(max(POLL_SECONDS, answered - asked))

    def wait_until_live(self) -> None:
        self.wait_until(
            lambda: bool(self.runtime.get("live")) or self.process.poll() is not None, "the market did not get ready"
        )
        assert self.process.poll() is None, self.output

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Stop all of it; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(STOP_SECONDS_MAX)
        finally:
            self.process.kill()  # Takes the workers along.


def run_cli(
    directory: Path, *arguments: str, password: str = "", variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `exchange …` with the data directory and the log-ins in `directory`."""
    return forked.call(arguments, environment(directory, password) | (variables or {}), COMMAND_SECONDS_MAX)


def environment(directory: Path, password: str = "") -> dict[str, str]:
    """That of a person whose market and log-ins are in `directory`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("EXCHANGE_")}
    own = {"EXCHANGE_DATA": str(directory / "data"), "EXCHANGE_CONFIG": str(directory / "config"), "NO_COLOR": "1"}
    if server := os.environ.get("EXCHANGE_NATS_SERVER"):
        own["EXCHANGE_NATS_SERVER"] = server
    if password:
        own["EXCHANGE_PASSWORD"] = password
    return inherited | own


def start_market(directory: Path, *arguments: str, variables: dict[str, str] | None = None) -> RunningMarket:
    """Run `exchange up` on free ports, and wait until it is live. `arguments` as on the command line."""
    directory.mkdir(parents=True, exist_ok=True)
    command = [*EXCHANGE, "up", *arguments, "--port", "0", "--nats-port", "0", "--ws-port", "0"]
    # A killed test run leaves none behind. (What is tied to another thread than the main one would end with that thread.)
    tie = tie_to_parent() if threading.current_thread() is threading.main_thread() else None
    with open(directory / "out", "wb") as out, open(directory / "err", "wb") as err:
        process = subprocess.Popen(
            command, stdout=out, stderr=err, env=environment(directory) | (variables or {}), preexec_fn=tie
        )
    market = RunningMarket(directory, process)
    try:
        # What a killed one has left is not what runs now.
        market.wait_until(
            lambda: market.runtime.get("pid") == process.pid or process.poll() is not None, "the market did not start"
        )
        market.wait_until_live()
    except BaseException:
        market.stop()
        raise
    return market


@contextmanager
def running_market(directory: Path, *arguments: str) -> Iterator[RunningMarket]:
    """A market for several tests, none of which does it harm."""
    market = start_market(directory, *arguments)
    try:
        yield market
        assert market.stop() == 0, market.output
    finally:
        market.stop()


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMarket]:
    """One market with its bots for all tests: for those that only trade in it, each with accounts of its own."""
    with running_market(tmp_path_factory.mktemp("market")) as running:
        yield running


StartMarket = Callable[..., RunningMarket]


@pytest.fixture
def fresh_market(tmp_path: Path) -> Iterator[StartMarket]:
    """Starts markets for one test, which may kill, freeze and stop them: `fresh_market("--no-bots")`.

    A second call in the same test is a second start on the same data.
    """
    started: list[RunningMarket] = []

    def start(*arguments: str, variables: dict[str, str] | None = None) -> RunningMarket:
        running = start_market(tmp_path, *arguments, variables=variables)
        started.append(running)
        return running

    yield start
    for running in started:
        running.stop()
