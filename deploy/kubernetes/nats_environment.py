"""Prints the secrets that nats-values.yaml refers to, one NAME=VALUE a line: nats_environment.py secrets.json"""

import sys
from pathlib import Path

import msgspec

from exchange.secrets import Secrets

secrets = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Secrets)
for name in ("worker", "auth", "bots", "system", "issuer"):
    print(f'{name.upper()}="{getattr(secrets, name)}"')  # Quoted: the server would take digits for a number.
