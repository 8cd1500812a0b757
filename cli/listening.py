"""Where a market listens, with or without TLS, and which pages may connect to it."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from typing import Final, NamedTuple

from exchange.tls import CERTIFICATE_VARIABLE, Tls, TlsError, check

from .problem import MISUSED, Problem

LOOPBACK: Final = "127.0.0.1"
EVERYWHERE: Final = "0.0.0.0"
LOCAL_NAMES: Final = ("localhost", LOOPBACK, "[::1]")
DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Listening(NamedTuple):
    """How a market can be reached."""

    host: str
    tls: Tls | None
    names: tuple[str, ...]
    """Host names and addresses under which a browser may know it."""
    origins: tuple[str, ...]
    """Further addresses of the page, behind a proxy."""
    websocket: str
    """Of the websockets behind a proxy; empty without one."""

    @property
    def insecure(self) -> bool:
        """Whether everybody may come, and everybody on the way reads along."""
        return self.host == EVERYWHERE and self.tls is None

    def page_origins(self, port: int) -> tuple[str, ...]:
        """All origins of a page on that port."""
        scheme = "https" if self.tls else "http"
        suffix = "" if port == DEFAULT_PORTS[scheme] else f":{port}"
        return (*(f"{scheme}://{name}{suffix}" for name in self.names), *self.origins)


def choose_listening(tls: tuple[Path, Path] | None, insecure: bool, origins: list[str], websocket: str) -> Listening:
    """By the options of `exchange up`. Raises Problem."""
    for origin in origins:
        if re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d+)?", origin) is None:
            raise Problem(f"--origin: expected an address without a path, like https://market.example, got {origin}", MISUSED)
    if websocket and re.fullmatch(r"wss?://[A-Za-z0-9.-]+(:\d+)?(/[A-Za-z0-9._/-]*)?", websocket) is None:
        raise Problem(f"--ws-url: expected an address like wss://market.example/ws, got {websocket}", MISUSED)
    if tls is None:
        os.environ.pop(CERTIFICATE_VARIABLE, None)
        host = EVERYWHERE if insecure else LOOPBACK
        names = (*LOCAL_NAMES, *_own_names()) if insecure else LOCAL_NAMES
        return Listening(host, None, names, tuple(origins), websocket)
    if insecure:
        raise Problem("--insecure-listen: with --tls nothing is insecure; leave one of them out", MISUSED)
    files = Tls(*(path.absolute() for path in tls))
    try:
        names = tuple(name for name in check(files) if "*" not in name)
    except TlsError as error:
        raise Problem(f"--tls: {error}") from None
    os.environ[CERTIFICATE_VARIABLE] = str(files.certificate)  # For the workers: they know the market by its certificate.
    return Listening(EVERYWHERE, files, tuple(dict.fromkeys((*LOCAL_NAMES, *names))), tuple(origins), websocket)


def _own_names() -> list[str]:
    """Of this machine, as far as it knows them."""
    name = socket.gethostname()
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(name, None, socket.AF_INET)}
    except OSError:
        found = set()
    return sorted({name.lower(), socket.getfqdn().lower(), *found} - set(LOCAL_NAMES))
