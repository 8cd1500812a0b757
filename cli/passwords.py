"""Passwords as commands get them: from the environment, or typed; never as an argument, which others can see."""

from __future__ import annotations

import os
import sys

import typer

from .problem import MISUSED, Problem

PASSWORD_VARIABLE = "EXCHANGE_PASSWORD"
PASSWORD_NEW_VARIABLE = "EXCHANGE_PASSWORD_NEW"


def read_password(name: str, *, confirm: bool) -> str:
    """The password from the environment, or typed (twice when it is a new one)."""
    return _read(PASSWORD_VARIABLE, f"Password of {name}", confirm=confirm)


def read_new_password(name: str) -> str:
    """The same for one that replaces another, or that is somebody else's."""
    return _read(PASSWORD_NEW_VARIABLE, f"New password of {name}", confirm=True)


def _read(variable: str, prompt: str, *, confirm: bool) -> str:
    if password := os.environ.get(variable):
        return password
    if not sys.stdin.isatty():
        raise Problem(f"there is no terminal to ask for the password on; set {variable}", MISUSED)
    typed: str = typer.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
    return typed
