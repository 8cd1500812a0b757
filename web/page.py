"""The files of the page, held in memory with their compressed form and their ETag."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Final, NamedTuple

PAGE: Final = Path(__file__).parent / "page"
TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
COMPRESSED_ALREADY: Final = {".woff2"}


class File(NamedTuple):
    """One file, as sent."""

    content: bytes
    compressed: bytes | None
    """None where gzip would not make it smaller."""
    type: str
    etag: str


class Page:
    """All files below a folder, by name. Nothing outside that list can be asked for, whatever a request's path says.

    A file that changed on disk is read again, so that the page can be worked on without restarting anything.
    """

    def __init__(self, root: Path) -> None:
        self._paths = {str(path.relative_to(root).as_posix()): path for path in sorted(root.rglob("*")) if path.suffix in TYPES}
        self._files: dict[str, tuple[int, File]] = {}

    @property
    def names(self) -> list[str]:
        """Paths below the folder, like `index.html` and `vendor/nats.js`."""
        return list(self._paths)

    def file(self, name: str) -> File | None:
        """The file of this name, or None."""
        path = self._paths.get(name)
        if path is None:
            return None
        try:
            changed = path.stat().st_mtime_ns
            if name not in self._files or self._files[name][0] != changed:
                self._files[name] = (changed, read_file(path))
        except FileNotFoundError:
            return None
        return self._files[name][1]


def read_file(path: Path) -> File:
    """Read a file and compress it, once."""
    content = path.read_bytes()
    compressed = None if path.suffix in COMPRESSED_ALREADY else gzip.compress(content, mtime=0)
    if compressed is not None and len(compressed) >= len(content):
        compressed = None
    return File(content, compressed, TYPES[path.suffix], f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def load_page() -> Page:
    """The page of this package."""
    return Page(PAGE)
