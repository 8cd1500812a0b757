"""What a worker must know to start: where the data is, where the server listens, the secrets and the market."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

import msgspec

from .market import Market, load_market
from .secrets import Secrets, load_secrets

STATE_VARIABLE: Final = "EXCHANGE_STATE"
"""A worker's own directory, where no argument says it."""
RUNTIME_FILE: Final = "runtime.json"
"""In the data directory: what runs now (pid, addresses, the workers' pids). Written by `exchange up`."""
MARKET_FILE: Final = "market.yaml"
"""In the data directory: the market file in force."""


class SettingsError(Exception):
    """The data directory is not that of a market that runs; the text says what is missing."""


class Settings(msgspec.Struct, frozen=True):
    """A worker's view of the data directory."""

    data: Path
    """What all workers share. Only read."""
    server: str
    """nats://host:port of the server, of several with commas between them; EXCHANGE_SERVER overrides it."""
    secrets: Secrets
    market: Market
    state: Path
    """Where a worker keeps what is its own, a database for example; the data directory where all of them run on one machine."""


def load_settings(data: Path, state: Path | None = None) -> Settings:
    """Read the data directory of a market that `exchange up` has prepared. Raises SettingsError or MarketError."""
    return Settings(
        data=data,
        state=state or data,
        server=os.environ.get("EXCHANGE_SERVER") or str(load_runtime(data).get("server", "")),
        secrets=load_secrets(data),
        market=load_market(data / MARKET_FILE),
    )


def load_runtime(data: Path) -> dict[str, object]:
    """What runs now on this data directory. Raises SettingsError when nothing does."""
    try:
        content = (data / RUNTIME_FILE).read_text()
    except FileNotFoundError:
        raise SettingsError(f"no market runs on {data}; start one with: exchange up --data {data}") from None
    except OSError as error:
        raise SettingsError(f"{data / RUNTIME_FILE}: {error.strerror}") from None
    runtime: dict[str, object] = json.loads(content)
    return runtime
