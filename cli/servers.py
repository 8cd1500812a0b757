"""The NATS servers of one `exchange up`: one, or as many as the market file has replicas, which then form a cluster."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

from exchange.market import Market
from exchange.secrets import Secrets
from exchange.server import Cluster, NatsServer, ServerOptions

from .listening import LOOPBACK, Listening
from .problem import Problem

STORE: Final = "jetstream"
"""In a server's directory: all that it keeps."""

Ports = dict[str, int]
"""Option → port, 0 for any free one."""


def make_servers(
    data: Path,
    rules: Market,
    secrets: Secrets,
    ports: Ports,
    listening: Listening,
    before_exec: Callable[[], None] | None,
) -> list[NatsServer]:
    """Not yet started. Raises Problem when the directory's market was made with another number of servers."""
    count = rules.replicas
    _check_layout(data, count)
    routes = [free_port(LOOPBACK) for _ in range(count)]
    return [
        NatsServer(
            ServerOptions(
                data=directory_of(data, number, count),
                host=listening.host,
                client_port=_nth(ports["--nats-port"], number),
                websocket_port=_nth(ports["--ws-port"], number),
                allowed_origins=listening.page_origins(ports["--port"]),
                tls=listening.tls,
                websocket_address=listening.websocket,
                cluster=_cluster(number, routes) if count > 1 else None,
            ),
            secrets,
            before_exec,
        )
        for number in range(1, count + 1)
    ]


def directory_of(data: Path, number: int, count: int) -> Path:
    """Where the first, second … of so many servers keeps its files."""
    return data / f"nats-{number}" if count > 1 else data


def addresses_of(servers: list[NatsServer]) -> dict[str, str]:
    """Where all of them listen, as the runtime file tells it."""
    return {
        "server": ",".join(server.url for server in servers),
        "websocket": ",".join(dict.fromkeys(server.websocket_url for server in servers)),  # Behind a proxy it is one.
        "monitor": ",".join(server.monitor_url for server in servers),
    }


def _nth(port: int, number: int) -> int:
    return port and port + number - 1


def _cluster(number: int, routes: list[int]) -> Cluster:
    return Cluster(number, routes[number - 1], tuple(f"{LOOPBACK}:{port}" for port in routes))


def _check_layout(data: Path, count: int) -> None:
    """A server takes what it finds; one that finds nothing would begin an empty market beside the old one."""
    made_with = len(list(data.glob(f"nats-*/{STORE}"))) or (1 if (data / STORE).exists() else 0)
    if made_with not in (0, count):
        raise Problem(
            f"replicas: {data} was made with {made_with} NATS server{'s' if made_with > 1 else ''}, not {count}; "
            "write replicas as it was, or restore a backup into a new directory"
        )


def free_port(host: str) -> int:
    """One that nobody listens on now."""
    with socket.socket() as trial:
        trial.bind((host, 0))
        port: int = trial.getsockname()[1]
        return port
