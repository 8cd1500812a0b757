"""`exchange …` in a process of its own that need not import anything: it is forked from one that has.

Hundreds of calls would each spend half a second of processor time on imports. What runs is the console script's own function.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from functools import cache
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import NoReturn


def call(arguments: Sequence[str], environment: dict[str, str], seconds: float) -> subprocess.CompletedProcess[str]:
    """Like `subprocess.run` with the command line, its output captured."""
    ours, theirs = Pipe()
    with ours:
        with theirs:
            socket.send_fds(_server()[0], [b"!"], [theirs.fileno()])
        ours.send((arguments, environment, os.getcwd()))
        if not ours.poll(seconds):
            raise subprocess.TimeoutExpired(["exchange", *arguments], seconds)
        code, output, errors = ours.recv()
    return subprocess.CompletedProcess(["exchange", *arguments], code, output, errors)


@cache
def _server() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """The process of which the others are forked, and the line to it. It ends with this one, when that line is cut."""
    ours, theirs = socket.socketpair()
    with theirs:
        return ours, subprocess.Popen([sys.executable, "-P", __file__], stdin=theirs, start_new_session=True)


def _serve() -> None:
    from exchange.cli import app

    import exchange.client  # noqa: F401 - what most commands import only when they run

    with contextlib.redirect_stderr(io.StringIO()):
        app.run(["--data", os.devnull, "book", "KRYP"])  # Typer imports the rest with the first line it reads.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Nobody waits for those that are done.
    calls = socket.socket(fileno=sys.stdin.fileno())
    while True:
        _, handles, _, _ = socket.recv_fds(calls, 1, 1)
        if not handles:
            return
        if os.fork() == 0:
            _carry_out(Connection(handles[0]))
        os.close(handles[0])


def _carry_out(caller: Connection) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    arguments, environment, directory = caller.recv()
    sys.argv = ["exchange", *arguments]
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    with open(os.devnull) as nothing, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        for number, file in enumerate((nothing, output, errors)):
            os.dup2(file.fileno(), number)
        code = _code()
        for file in (output, errors):
            file.seek(0)
        caller.send((code, output.read().decode(), errors.read().decode()))
    os._exit(0)


def _code() -> int:
    """Of a whole run of the command line."""
    from exchange.cli import main

    code: object = 1
    try:
        main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    _serve()
