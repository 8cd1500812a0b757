"""Runs one NATS server of the cluster: `server.py 2` is the second of those that EXCHANGE_SERVER names."""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from exchange.secrets import load_secrets
from exchange.server import Cluster, ServerOptions, find_binary, write_config

number = int(sys.argv[1])
store = Path(os.environ["EXCHANGE_STATE"])
routes = tuple(f"{urlsplit(server).hostname}:6222" for server in os.environ["EXCHANGE_SERVER"].split(","))
config = write_config(
    ServerOptions(
        data=store,
        host="0.0.0.0",
        client_port=4222,
        websocket_port=9222,
        monitor_port=8222,
        allowed_origins=(os.environ["EXCHANGE_PAGE"],),
        cluster=Cluster(number, 6222, routes, host="0.0.0.0"),
    ),
    load_secrets(Path(os.environ["EXCHANGE_DATA"])),
)
os.execv(find_binary(), ["nats-server", "--config", str(config)])
