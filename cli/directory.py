"""A market's data directory as `exchange up` uses it: taken by one supervisor at a time, and saying what runs."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, Final

from exchange.market import Market, MarketError, parse_market
from exchange.secrets import keep_private, write_private
from exchange.settings import MARKET_FILE, RUNTIME_FILE

from .problem import Problem

LOCK_FILE: Final = "lock"
LOG_FOLDER: Final = "log"
DIRECTORY_MODE: Final = 0o700
PAGE_FILE: Final = "web.json"
"""Where the web worker writes its address when it listens."""


class DataDirectory:
    """A data directory that this process has for itself."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock
        self._runtime: dict[str, Any] = {}

    @classmethod
    @contextmanager
    def take(cls, path: Path) -> Iterator[DataDirectory]:
        """The directory, made if need be; no file from here on is for others. Raises Problem if another market runs on it."""
        keep_private()
        try:
            path.mkdir(parents=True, exist_ok=True, mode=DIRECTORY_MODE)
            lock = os.open(path / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Problem(f"the data directory cannot be used: {error.filename or path}: {error.strerror}") from None
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Problem(f"a market already runs on {path}; stop it first, or choose another --data") from None
            directory = cls(path, lock)
            directory.forget()
            try:
                yield directory
            finally:
                directory.forget()
        finally:
            os.close(lock)

    def market(self, file: Path | None) -> tuple[Market, bytes]:
        """The market to run and its text: that of the file, else the one the directory remembers, else the built-in one.

        Raises MarketError.
        """
        own = self.path / MARKET_FILE
        if file is None and own.exists():
            file = own
        source = file or resources.files("exchange").joinpath(MARKET_FILE)
        try:
            content = source.read_bytes()
        except OSError as error:
            raise MarketError(f"{file}: {error.strerror}") from None
        return parse_market(content, str(file or "the built-in market")), content

    def remember_market(self, content: bytes) -> None:
        """From now on this is the market file in force."""
        write_private(self.path / MARKET_FILE, content)

    def log(self, worker: str) -> Path:
        """Where a worker's log goes."""
        return self.path / LOG_FOLDER / f"{worker}.log"

    def tell(self, **changes: Any) -> None:
        """Change what the runtime file says, for everybody who looks for this market."""
        self._runtime |= changes
        write_private(self.path / RUNTIME_FILE, json.dumps(self._runtime, indent=2).encode() + b"\n")

    @property
    def told(self) -> dict[str, Any]:
        """What the runtime file says."""
        return dict(self._runtime)

    def forget(self) -> None:
        """Nothing runs here."""
        for name in (RUNTIME_FILE, PAGE_FILE):
            with contextlib.suppress(OSError):
                (self.path / name).unlink()

    def page_address(self) -> str:
        """Where the page is; empty until its worker listens."""
        try:
            written: dict[str, str] = json.loads((self.path / PAGE_FILE).read_bytes())
        except (OSError, ValueError):
            return ""
        return written.get("http", "")
