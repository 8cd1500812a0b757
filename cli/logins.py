"""The log-ins of the person at this keyboard: sessions by market and log-in, in a file that only they can read."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import platformdirs

from exchange.secrets import write_private

from .problem import Problem

LOGINS_FILE: Final = "logins.json"
CONFIG_VARIABLE: Final = "EXCHANGE_CONFIG"
"""Names another directory for the file."""


class StoredLogin(msgspec.Struct, frozen=True):
    """A session, and what its log-in may do."""

    session: str
    role: str


Stored = dict[str, dict[str, StoredLogin]]
"""Market (its data directory or its server's URL) → log-in → session."""


def config_directory() -> Path:
    """Where the log-ins are kept."""
    named = os.environ.get(CONFIG_VARIABLE)
    return Path(named) if named else platformdirs.user_config_path("exchange")


def bot_state_file(market: str, account: str, bot_file: Path) -> Path:
    """Where a bot in the foreground keeps its state, so that it goes on after a crash. Raises Problem."""
    key = hashlib.blake2b(f"{market}\n{bot_file.absolute()}".encode(), digest_size=6).hexdigest()
    directory = config_directory() / "bots"
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Problem(f"the bot's state cannot be stored: {error.filename or directory}: {error.strerror}") from None
    return directory / f"{account}-{key}.sqlite"


def find_login(market: str, account: str) -> StoredLogin | None:
    """The session of a log-in at a market, None when nobody has logged in here."""
    return _read(config_directory() / LOGINS_FILE).get(market, {}).get(account)


def store_login(market: str, account: str, session: StoredLogin) -> None:
    """Keep a session; the one that was there before is replaced."""
    with _only_writer() as path:
        stored = _read(path)
        stored.setdefault(market, {})[account] = session
        write_private(path, msgspec.json.format(msgspec.json.encode(stored)) + b"\n")


def forget_login(market: str, account: str) -> None:
    """Keep it no longer."""
    with _only_writer() as path:
        stored = _read(path)
        stored.get(market, {}).pop(account, None)
        write_private(path, msgspec.json.format(msgspec.json.encode(stored)) + b"\n")


@contextmanager
def _only_writer() -> Iterator[Path]:
    directory = config_directory()
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(directory / f".{LOGINS_FILE}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield directory / LOGINS_FILE
    except OSError as error:
        raise Problem(f"the log-in cannot be stored: {error.filename or directory}: {error.strerror}") from None


def _read(path: Path) -> Stored:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Stored)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise Problem(f"{path}: {error.strerror}") from None
    except msgspec.MsgspecError:
        raise Problem(f"{path}: not a file of log-ins; move it away and log in again") from None
