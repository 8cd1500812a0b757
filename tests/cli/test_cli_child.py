"""A supervised process: heard, logged within bounds, ended with its parent. With real processes."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.child import LINES_KEPT, LOG_BYTES_MAX, Child
from exchange.logs import Line, decode_line
from exchange.messages.base import encode


def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> tuple[Child, list[str]]:
    """A worker whose whole program is `code`, and what the supervisor says about it."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "little_worker.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "modules"))
    said: list[str] = []
    return Child("little", "little_worker", ["--data", "x"], tmp_path / "log" / "little.log", said.append), said


async def test_warnings_are_shown_and_all_is_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker, said = child(
        tmp_path,
        monkeypatch,
        "import logging, sys\n"
        "from exchange.logs import configure\n"
        "configure('little')\n"
        "logging.info('all is well'); logging.warning('the disk is nearly full'); logging.error('it is full')\n"
        "print(sys.argv[1:], file=sys.stderr); sys.exit(3)\n",
    )
    await worker.start()
    assert await worker.wait() == 3
    assert said == ["little: the disk is nearly full", "little: it is full"]
    logged = (tmp_path / "log" / "little.log").read_text().splitlines()
    assert [(line.worker, line.level, line.text) for line in map(decode_line, logged[:3])] == [
        ("little", "INFO", "all is well"),
        ("little", "WARNING", "the disk is nearly full"),
        ("little", "ERROR", "it is full"),
    ]
    assert logged[3] == "['--data', 'x']"
    assert list(worker.lines) == ["INFO all is well", "WARNING the disk is nearly full", "ERROR it is full", logged[3]]


async def test_a_flood_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = encode(Line("2026-11-23T05:00:00.000+00:00", "ERROR", "little", 1, "x" * 1_000)).decode()
    worker, said = child(
        tmp_path,
        monkeypatch,
        f"import sys\nfor number in range(13_000): sys.stderr.write('{line}\\n')\nsys.stderr.write('y' * 1_000_000)\n",
    )
    await worker.start()
    assert await worker.wait() == 0
    assert len(said) == 5
    assert len(worker.lines) == LINES_KEPT
    files = sorted(path.name for path in (tmp_path / "log").iterdir())
    assert files == ["little.log", "little.log.1"]
    assert all(path.stat().st_size <= LOG_BYTES_MAX for path in (tmp_path / "log").iterdir())


async def test_one_that_does_not_listen_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker, _ = child(
        tmp_path,
        monkeypatch,
        "import signal, sys, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready', file=sys.stderr, flush=True)\n"
        "time.sleep(60)\n",
    )
    await worker.start()
    assert worker.process is not None
    while "ready" not in worker.lines:  # noqa: ASYNC110 - it is another process that says it
        await asyncio.sleep(0.01)
    await worker.stop(0.1)
    assert await worker.wait() == -signal.SIGKILL


PARENT = """
import asyncio, sys
from pathlib import Path
from exchange.cli.child import Child

async def main():
    worker = Child("little", "little_worker", [], Path(sys.argv[1]), print)
    await worker.start()
    print(worker.pid, flush=True)
    await worker.wait()

asyncio.run(main())
"""


def runs(pid: int) -> bool:
    """Whether a process does anything; where nobody reaps orphans, a dead one stays as a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a process to its parent")
def test_none_outlives_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child(tmp_path, monkeypatch, "import time\ntime.sleep(60)\n")
    parent = subprocess.Popen(
        [sys.executable, "-P", "-c", PARENT, str(tmp_path / "log" / "x.log")], stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert runs(pid)
        parent.kill()
        for _ in range(500):
            if not runs(pid):
                return
            time.sleep(0.01)
    pytest.fail("the worker still runs")
