"""The web worker: listens, says where, and serves until it is asked to stop."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import uvicorn

from exchange.settings import load_runtime
from exchange.worker import Worker

from .connections import Connection
from .page import load_page
from .server import Market, application

ADDRESS_FILE: Final = "web.json"
"""In the worker's own directory: the page's address, for the supervisor."""
GOODBYE_SECONDS_MAX: Final = 1


async def main(worker: Worker) -> None:
    """Serve the page. Raises OSError when the port is taken."""
    market = Market(
        title=worker.settings.market.title,
        sign_up=worker.settings.market.accounts.sign_up != "off",
        websocket=str(load_runtime(worker.settings.data).get("websocket", "")),
        invitation=worker.settings.market.accounts.sign_up == "invitation",
    )
    app = application(load_page(), market, healthy=lambda: worker.nats.is_connected)
    listener = socket.create_server((worker.arguments.host, worker.arguments.port))
    certificate, key = worker.arguments.tls or (None, None)
    config = uvicorn.Config(
        app,
        http=Connection,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=GOODBYE_SECONDS_MAX,
    )
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # It warns of every request that cannot be read.
    server = Server(config)
    write_address(
        worker.settings.state, f"{'https' if certificate else 'http'}://{worker.arguments.host}:{listener.getsockname()[1]}"
    )
    worker.health.open = True
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server.serve(sockets=[listener]))
        await worker.stopping.wait()
        server.should_exit = True
        await serving


class Server(uvicorn.Server):
    """Uvicorn without signal handlers of its own: the worker's frame has them."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield


def write_address(data: Path, address: str) -> None:
    """Say where the page is. The listener exists already, so whoever reads this may connect at once."""
    temporary = data / f".{ADDRESS_FILE}.{os.getpid()}"
    temporary.write_text(json.dumps({"http": address}))
    os.replace(temporary, data / ADDRESS_FILE)
