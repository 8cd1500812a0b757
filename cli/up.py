"""`exchange up`: a whole market, until Ctrl-C."""

from __future__ import annotations

import asyncio
import errno
import socket
from pathlib import Path
from typing import Annotated

import typer

from exchange.keeping import Keep, parse_keep
from exchange.market import POPULATIONS, MarketError
from exchange.populations import NOBODY
from exchange.secrets import SecretsError, load_secrets
from exchange.server import ServerError, find_binary

from .directory import DataDirectory
from .listening import choose_listening
from .problem import MISUSED, Problem
from .scope import Scope
from .servers import Ports, free_port


def up(
    scope: Scope,
    market: Annotated[
        Path | None,
        typer.Argument(metavar="[MARKET.yaml]", help="What is traded; remembered for the next time.", show_default=False),
    ] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Of the page; 0 for any free one.")] = 8080,
    nats_port: Annotated[int, typer.Option("--nats-port", min=0, max=65535, help="Of the NATS server.")] = 4222,
    ws_port: Annotated[int, typer.Option("--ws-port", min=0, max=65535, help="Of the server's websockets.")] = 9222,
    tls: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--tls", metavar="CERT KEY", help="Listen for everybody, encrypted; PEM files.", show_default=False),
    ] = None,
    insecure_listen: Annotated[
        bool, typer.Option("--insecure-listen", help="Listen for everybody without TLS: whoever is on the way reads along.")
    ] = False,
    origin: Annotated[
        list[str] | None,
        typer.Option("--origin", metavar="URL", help="A further address of the page.", show_default=False),
    ] = None,
    ws_url: Annotated[
        str, typer.Option("--ws-url", metavar="URL", help="Of the websockets behind a proxy, wss://….", show_default=False)
    ] = "",
    no_bots: Annotated[bool, typer.Option("--no-bots", help="Without the market's own bots; people may start theirs.")] = False,
    population: Annotated[
        str,
        typer.Option(
            "--population",
            metavar="NAME",
            help=f"Other bots than the market file's: {', '.join(POPULATIONS)}.",
            show_default=False,
        ),
    ] = "",
    keep: Annotated[
        Keep | None,
        typer.Option(
            "--keep",
            metavar="AGE|SIZE",
            parser=parse_keep,
            help="Of the logs at least 30d, 12h …, or at most 20GB, 500MB …, instead of all. History is kept for ever.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run a market until Ctrl-C: the NATS server, all workers, the page and the bots."""
    from .running import RunningMarket  # Costs as much as all the rest of `exchange --help`.

    if population not in ("", *POPULATIONS):
        raise Problem(f"there is no population {population}; choose one of {', '.join(POPULATIONS)}", MISUSED)
    ports = {"--port": port, "--nats-port": nats_port, "--ws-port": ws_port}
    listening = choose_listening(tls, insecure_listen, origin or [], ws_url)
    with DataDirectory.take(scope.data_directory) as directory:
        try:
            rules, content = directory.market(market)
            secrets = load_secrets(directory.path)
            find_binary()
        except (MarketError, SecretsError, ServerError) as error:
            raise Problem(str(error)) from None
        _check_ports(listening.host, ports)
        ports["--port"] = port or free_port(listening.host)  # The NATS server is told which pages may connect.
        try:
            directory.remember_market(content)
        except OSError as error:
            raise Problem(f"the data directory cannot be written: {error.filename}: {error.strerror}") from None

        population = NOBODY if no_bots else population

        async def run() -> None:
            await RunningMarket(scope, directory, rules, secrets, ports, listening, population=population, keep=keep).run()

        asyncio.run(run())


def _check_ports(host: str, ports: Ports) -> None:
    """Raises Problem for a port that cannot be listened on."""
    chosen = [port for port in ports.values() if port]
    for option, port in ports.items():
        if not port:
            continue
        if chosen.count(port) > 1:
            raise Problem(f"{option} {port}: every port can be used for one purpose only", MISUSED)
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((host, port))
            except OSError as error:
                taken = error.errno == errno.EADDRINUSE
                why = "is taken by another program" if taken else f"cannot be used ({error.strerror})"
                raise Problem(f"port {port} {why}; choose another with {option}") from None
