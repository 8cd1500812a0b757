"""Makes a data directory ready for workers that run without `exchange up`: secrets, market file, where everything is."""

import json
import os
from importlib import resources
from pathlib import Path

from exchange.market import parse_market
from exchange.secrets import load_secrets, write_private
from exchange.settings import MARKET_FILE, RUNTIME_FILE

data = Path(os.environ["EXCHANGE_DATA"])
page = os.environ["EXCHANGE_PAGE"]
servers = os.environ["EXCHANGE_SERVER"].split(",")
market = data / MARKET_FILE
if not market.exists():
    built_in = resources.files("exchange").joinpath(MARKET_FILE).read_bytes()
    write_private(market, f"replicas: {len(servers)}\nshards: 4\n\n".encode() + built_in)
if parse_market(market.read_bytes(), str(market)).replicas != len(servers):
    raise SystemExit(f"{market}: replicas must be {len(servers)}, as many as there are NATS servers")
load_secrets(data)  # Made, if there are none.
addresses = {"server": ",".join(servers), "websocket": f"wss{page.removeprefix('https')}/nats", "http": page}
write_private(data / RUNTIME_FILE, json.dumps(addresses).encode())
