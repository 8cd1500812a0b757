"""The passwords of a market's own processes: made once, kept in the data directory, readable by its owner only."""

from __future__ import annotations

import os
import secrets as random_source
import stat
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec
import nkeys

SECRETS_FILE: Final = "secrets.json"
PRIVATE: Final = 0o600
"""Mode of every file that holds a secret."""
PRIVATE_MASK: Final = 0o077
"""The rights that nobody else gets."""


class SecretsError(Exception):
    """The secrets cannot be read or made; the text is one line for people and never holds a secret."""


class Secrets(msgspec.Struct, frozen=True):
    """Passwords of the static users, the operator's log-in, and the key that signs the tokens of all other users."""

    worker: str
    auth: str
    bots: str
    system: str
    operator: str
    """Typed by people: the password of the log-in `operator`."""
    issuer_seed: str
    """Account seed (SA…). Whoever holds it can make itself any user of this market."""

    def __repr__(self) -> str:
        # A secret that is printed by accident ends up in a log.
        return "Secrets(…)"

    @property
    def routes(self) -> str:
        """Password among the servers of a cluster. Derived, so that markets which were made without one have it too."""
        return blake2b(b"routes", key=self.system.encode()[:64], digest_size=32).hexdigest()

    @property
    def issuer(self) -> str:
        """Public key (A…) that belongs to `issuer_seed`."""
        return bytes(nkeys.from_seed(self.issuer_seed.encode()).public_key).decode()


def generate_secrets() -> Secrets:
    """New secrets, 256 bits each; the operator's password, which people type, has 80."""
    return Secrets(
        worker=random_source.token_hex(32),
        auth=random_source.token_hex(32),
        bots=random_source.token_hex(32),
        system=random_source.token_hex(32),
        operator=random_source.token_hex(10),
        issuer_seed=bytes(nkeys.encode_seed(random_source.token_bytes(32), nkeys.PREFIX_BYTE_ACCOUNT)).decode(),
    )


def load_secrets(data: Path) -> Secrets:
    """The secrets of a data directory, made on first use. Raises SecretsError."""
    path = data / SECRETS_FILE
    try:
        if not path.exists():
            data.mkdir(parents=True, exist_ok=True)
            _create(path, msgspec.json.format(msgspec.json.encode(generate_secrets())))
        if stat.S_IMODE(path.stat().st_mode) != PRIVATE:
            with suppress(OSError):  # Where it is mounted read-only, whoever mounts it decides.
                path.chmod(PRIVATE)  # A copied directory often loses its modes.
        content = path.read_bytes()
    except OSError as error:
        raise SecretsError(f"{path}: {error.strerror}") from None
    try:
        secrets = msgspec.json.decode(content, type=Secrets)
        secrets.issuer  # noqa: B018 - a damaged seed is noticed here and not at the first log-in
    except Exception:  # nkeys raises many kinds; none of their texts may be shown, they can quote the file.
        raise SecretsError(f"{path}: not a secrets file of this program") from None
    return secrets


def keep_private() -> None:
    """From here on this process makes no file, and starts no process that makes one, that others can read."""
    os.umask(PRIVATE_MASK)


def write_private(path: Path, content: bytes) -> None:
    """Replace a file as a whole, durably, with mode 0600 from its first moment on."""
    temporary = _temporary(path, content)
    os.replace(temporary, path)
    _sync_directory(path.parent)


def _create(path: Path, content: bytes) -> None:
    """Like write_private, but whoever comes second leaves the first one's file alone."""
    temporary = _temporary(path, content)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return
    finally:
        temporary.unlink()
    _sync_directory(path.parent)


def _temporary(path: Path, content: bytes) -> Path:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{random_source.token_hex(4)}")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return temporary


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
