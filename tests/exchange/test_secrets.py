"""The secrets file: private, stable, and never quoted."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import nkeys
import pytest

from exchange.secrets import SECRETS_FILE, SecretsError, load_secrets, write_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_made_once_and_stay(tmp_path: Path) -> None:
    first = load_secrets(tmp_path / "new" / "market")
    assert load_secrets(tmp_path / "new" / "market") == first
    assert load_secrets(tmp_path / "another") != first


def test_the_file_is_private_from_its_first_moment(tmp_path: Path) -> None:
    load_secrets(tmp_path)
    assert mode(tmp_path / SECRETS_FILE) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [SECRETS_FILE]


def test_a_copied_file_is_made_private_again(tmp_path: Path) -> None:
    load_secrets(tmp_path)
    (tmp_path / SECRETS_FILE).chmod(0o644)
    load_secrets(tmp_path)
    assert mode(tmp_path / SECRETS_FILE) == 0o600


def test_all_that_start_at_once_get_the_same_secrets(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as threads:
        loaded = list(threads.map(load_secrets, [tmp_path] * 64))
    assert loaded == [loaded[0]] * 64


def test_the_issuer_is_the_public_key_of_the_seed(tmp_path: Path) -> None:
    secrets = load_secrets(tmp_path)
    assert secrets.issuer_seed.startswith("SA")
    assert secrets.issuer.startswith("A")
    assert secrets.issuer == nkeys.from_seed(secrets.issuer_seed.encode()).public_key.decode()


def test_secrets_do_not_print_themselves(tmp_path: Path) -> None:
    secrets = load_secrets(tmp_path)
    for text in (repr(secrets), str(secrets), f"{[secrets]}"):
        assert not any(value in text for value in msgspec.structs.asdict(secrets).values())


@pytest.mark.parametrize("content", ["", "[]", '{"worker": "visible"}', "visible"])
def test_a_damaged_file_is_one_line_that_quotes_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / SECRETS_FILE).write_text(content)
    with pytest.raises(SecretsError) as caught:
        load_secrets(tmp_path)
    assert str(caught.value) == f"{tmp_path / SECRETS_FILE}: not a secrets file of this program"


def test_a_damaged_seed_is_noticed_at_start(tmp_path: Path) -> None:
    secrets = load_secrets(tmp_path)
    damaged = msgspec.structs.replace(secrets, issuer_seed=secrets.issuer_seed[:-1])
    write_private(tmp_path / SECRETS_FILE, msgspec.json.encode(damaged))
    with pytest.raises(SecretsError, match="not a secrets file"):
        load_secrets(tmp_path)


def test_a_data_directory_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "market").write_text("")
    with pytest.raises(SecretsError, match="market"):
        load_secrets(tmp_path / "market")


def test_a_private_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, b"new")
    assert path.read_bytes() == b"new"
    assert mode(path) == 0o600
