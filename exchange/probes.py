"""Liveness, readiness and metrics over HTTP, for orchestrators, proxies and Prometheus.

/healthz: this process lives; /readyz: it does its work, and how it is; /healthz/all: how everybody is; /metrics. They are
served from a thread, one request at a time: so they can tell that the event loop hangs, and cost it nothing.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from typing import Final

import prometheus_client

from . import metrics
from .health import HealthDesk
from .messages.base import encode

ADDRESS_VARIABLE: Final = "EXCHANGE_HEALTH"
"""host:port to listen on, where no argument says it."""
ADDRESS_DEFAULT: Final = "127.0.0.1:0"
HANG_SECONDS: Final = 3.0
"""An event loop that takes longer to say anything hangs."""
REQUEST_SECONDS_MAX: Final = 2.0
"""For a client to say what it wants, and to take it; meanwhile others wait."""


class AddressError(Exception):
    """The address for HTTP is none, or cannot be listened on; the text is for people."""


class Probes:
    """An HTTP server on a thread of its own."""

    def __init__(self, desk: HealthDesk, address: str) -> None:
        """Listen on host:port, where a port of 0 is any free one. Raises AddressError."""
        loop = asyncio.get_running_loop()
        host, _, port = address.rpartition(":")

        class Handler(BaseHTTPRequestHandler):
            timeout = REQUEST_SECONDS_MAX

            def do_GET(self) -> None:
                status, kind, content = answer(desk, loop, self.path)
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing: somebody asks every few seconds."""

        try:
            self._server = Server((host.strip("[]"), int(port)), Handler)
        except (OSError, ValueError, OverflowError) as error:
            raise AddressError(f"the health address {address} cannot be listened on: {error}") from None
        name = socket.gethostname() if host in ("", "0.0.0.0", "[::]") else host
        desk.http = f"http://{name}:{self._server.server_address[1]}"

    def start(self) -> None:
        """Answer from here on, for as long as the process lives."""
        threading.Thread(target=self._serve, name="probes", daemon=True).start()

    def _serve(self) -> None:
        while True:
            self._server.handle_request()


class Server(socketserver.TCPServer):
    """Without the look-up of names in the DNS that the library's HTTPServer begins with."""

    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is its own business."""


def answer(desk: HealthDesk, loop: asyncio.AbstractEventLoop, path: str) -> tuple[int, str, bytes]:
    """Status, type and content for a path; called in the thread."""
    if path not in ("/healthz", "/readyz", "/healthz/all", "/metrics"):
        return 404, "text/plain", b"There is nothing at this address.\n"
    try:
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(HANG_SECONDS)
        if path == "/healthz":
            return 200, "text/plain", b"ok\n"
        if path == "/healthz/all":
            all_of_them = asyncio.run_coroutine_threadsafe(desk.everybody(), loop).result(HANG_SECONDS)
            well = bool(all_of_them) and all(one.ready for one in all_of_them)
            return 200 if well else 503, "application/json", encode(all_of_them)
        health = asyncio.run_coroutine_threadsafe(desk.report(), loop).result(HANG_SECONDS)
    except concurrent.futures.TimeoutError:
        return 503, "text/plain", b"the event loop hangs\n"
    if path == "/readyz":
        return (200 if health.ready else 503), "application/json", encode(health)
    metrics.show(health)
    return 200, prometheus_client.CONTENT_TYPE_LATEST, prometheus_client.generate_latest()
