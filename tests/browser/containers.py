"""docker-compose.yml without containers: the same commands, environment and configuration files as plain processes.

Every container gets an address of loopback instead of its name, and folders of its own instead of its volumes.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from exchange.parent import tie_to_parent

ROOT = Path(__file__).parent.parent.parent
DOCKER = ROOT / "deploy" / "docker"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
ENV = re.search(r"^ENV (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
START_SECONDS_MAX = 120.0
"""Far above what it takes: fourteen processes on a machine that is busy with other things."""
MONITOR = 8222
"""Of a NATS server, always on 127.0.0.1: the one port that needs another number for each."""


def instances() -> dict[str, tuple[str, dict[str, Any]]]:
    """Container → its service's name and definition."""
    found = {}
    for name, service in COMPOSE["services"].items():
        if not service["image"].startswith("exchange"):
            continue
        count = service.get("deploy", {}).get("replicas", 1)
        found |= {f"{name}/{number}": (name, service) for number in range(1, count + 1)}
    return found


@dataclass
class Containers:
    """All that docker-compose.yml starts."""

    directory: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.network = f"127.{20 + os.getpid() % 200}.{os.getpid() // 200 % 250}"
        self.addresses = {name: f"{self.network}.{number}" for number, name in enumerate(instances(), 1)}

    @property
    def page(self) -> str:
        return f"https://{self.addresses['proxy/1']}:8443"

    @property
    def runtime(self) -> dict[str, Any]:
        runtime: dict[str, Any] = json.loads((self.directory / "data" / "runtime.json").read_bytes())
        return runtime

    @property
    def environment(self) -> dict[str, str]:
        """That of a container, without its own address."""
        assert ENV is not None
        own = dict(entry.split("=") for entry in ENV[1].split()) | COMPOSE["services"]["ledger"]["environment"]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("EXCHANGE_")}
        return inherited | {name: self.located(value) for name, value in own.items()}

    def located(self, text: str, name: str = "") -> str:
        """With what it names where this test has it; `name` is the container that reads it."""
        text = text.replace("${EXCHANGE_PAGE:-https://localhost}", self.page)
        text = re.sub(r"\bnats-([123])\b", lambda found: self.addresses[f"nats-{found[1]}/1"], text)
        places = {
            "usr/local/share/exchange": DOCKER,
            "etc/exchange": self.directory / "nginx",
            "data": self.directory / "data",
            "tls": self.directory / "tls",
            "state": self.folder(name) / "state",
            "tmp": self.folder(name) / "tmp",
        }
        text = re.sub(rf"(?<![\w.])/({'|'.join(places)})\b", lambda found: str(places[found[1]]), text)
        return re.sub(r"(?<!\d)0\.0\.0\.0\b", self.addresses[name], text) if name else text

    def folder(self, name: str) -> Path:
        """What only this container sees."""
        return self.directory / "own" / name.replace("/", "-")

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """One container."""
        service = instances()[name][1]
        for folder in ("state", "tmp"):
            (self.folder(name) / folder).mkdir(parents=True, exist_ok=True)
        environment = {key: self.located(value, name) for key, value in self.environment.items() if key.startswith("EXCHANGE_")}
        assert ENV is not None
        environment |= dict(self.located(entry, name).split("=") for entry in ENV[1].split())
        environment |= {"EXCHANGE_HEALTH": f"{self.addresses[name]}:9100"}
        command = [self.located(part, name) for part in service.get("command", ["/etc/exchange/proxy.sh"])]
        if command[0] == "python":
            command[0] = sys.executable
        if name.startswith("nats-"):  # It chooses its addresses itself.
            script = Path(command[1]).read_text().replace("0.0.0.0", self.addresses[name])
            command[1:2] = ["-c", script.replace(str(MONITOR), str(self.monitor(name)))]
        with (self.folder(name) / "log").open("ab") as log:
            process = subprocess.Popen(
                command, env=self.environment | environment, stdout=log, stderr=log, preexec_fn=tie_to_parent()
            )
        self.processes[name] = process
        return process

    def monitor(self, name: str) -> int:
        return 20_000 + 4 * (os.getpid() % 10_000) + int(name[5])

    def configure_proxy(self) -> None:
        """nginx's files, with the addresses of this test."""
        folder = self.directory / "nginx"
        folder.mkdir(exist_ok=True)
        (self.directory / "tls").mkdir(exist_ok=True)
        for file in ("nginx.conf", "upstreams.conf", "proxy.sh"):
            text = self.located((DOCKER / file).read_text(), "proxy/1")
            text = re.sub(r"listen (\d+)", rf"listen {self.addresses['proxy/1']}:\1", text)
            text = re.sub(r"default web:", f"default {self.addresses['web/1']}:", text)
            text = re.sub(r"default nats:", f"default {self.addresses['nats-1/1']}:", text)
            (folder / file).write_text(text)
        (folder / "proxy.sh").chmod(0o700)

    async def up(self) -> None:
        """In the order of docker compose; what ends is started again, as there."""
        (self.directory / "data").mkdir()
        assert await asyncio.to_thread(self.start("prepare/1").wait) == 0, self.log("prepare/1")
        del self.processes["prepare/1"]
        self.configure_proxy()
        servers = [name for name in instances() if name.startswith("nats-")]
        for name in servers:
            self.start(name)
        for name in servers:
            await self._wait(f"http://127.0.0.1:{self.monitor(name)}/healthz")
        for name in instances():
            if name not in servers and name != "prepare/1":
                self.start(name)
        await self._wait(f"{self.page}/health")

    async def _wait(self, address: str) -> None:
        async with asyncio.timeout(START_SECONDS_MAX):
            while (await asyncio.to_thread(get, address))[0] != 200:
                self.start_again()
                await asyncio.sleep(0.2)

    def start_again(self) -> None:
        """What has ended, as docker does."""
        for name, process in list(self.processes.items()):
            if process.poll() is not None:
                self.start(name)

    def log(self, name: str) -> str:
        return (self.folder(name) / "log").read_text()

    def down(self) -> None:
        """Stop all of it, the servers last."""
        for servers in (False, True):
            chosen = [process for name, process in self.processes.items() if name.startswith("nats-") == servers]
            for process in chosen:
                process.send_signal(signal.SIGTERM)
            for process in chosen:
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()


def get(address: str) -> tuple[int, bytes]:
    """Status and content; 0 where nobody answers. Whoever the certificate is from."""
    try:
        with urllib.request.urlopen(address, timeout=5, context=ssl._create_unverified_context()) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""
