"""Makes a data directory ready for workers that run without `exchange up`: secrets, market file, server configuration."""

import json
import os
from importlib import resources
from pathlib import Path

from exchange.market import parse_market
from exchange.secrets import load_secrets, write_private
from exchange.server import ServerOptions, write_config
from exchange.settings import MARKET_FILE, RUNTIME_FILE

data = Path(os.environ.get("EXCHANGE_DATA", "/data"))
market = data / MARKET_FILE
if not market.exists():
    write_private(market, resources.files("exchange").joinpath(MARKET_FILE).read_bytes())
if parse_market(market.read_bytes(), str(market)).shards != 1:
    raise SystemExit("docker-compose.yml has one engine; give it one for each shard of the market file")
ports = {"client_port": 4222, "websocket_port": 9222, "monitor_port": 8222}
origins = ("http://localhost:8080", "http://127.0.0.1:8080")
write_config(ServerOptions(data=data, host="0.0.0.0", allowed_origins=origins, **ports), load_secrets(data))
addresses = {"server": "nats://nats:4222", "websocket": "ws://0.0.0.0:9222", "http": "http://localhost:8080"}
write_private(data / RUNTIME_FILE, json.dumps(addresses).encode())
