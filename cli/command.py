"""How a function becomes a command: it gets the shared options, may be a coroutine, and may end with a Problem."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from .problem import MISUSED, Problem
from .scope import Scope

As = Annotated[str, typer.Option("--as", metavar="ACCOUNT", help="The account that acts.", show_default=False)]
Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="The market's data directory; also EXCHANGE_DATA.", show_default=False),
]
Server = Annotated[
    str,
    typer.Option(
        "--server", metavar="URL", help="The market's server, nats://host:port; also EXCHANGE_SERVER.", show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, with prices and money in 1/10 000.", show_default=False)]

SHARED = {"account": (As, ""), "data": (Data, None), "server": (Server, ""), "json": (Json, False)}
"""Options that stand before or after the command's name; after it they win."""

Function = Callable[..., None] | Callable[..., Awaitable[None]]


def add(app: typer.Typer, function: Function, name: str = "", panel: str | None = None) -> None:
    """Make a command of a function whose first parameter is the Scope; its docstring is the command's help."""
    app.command(name or function.__name__, rich_help_panel=panel)(with_scope(function))


def with_scope(function: Function) -> Callable[..., None]:
    """The function as typer calls it: the shared options become its Scope, a coroutine is run."""
    signature = inspect.signature(function, eval_str=True)
    own = list(signature.parameters.values())[1:]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in SHARED.items()
    ]

    @wraps(function)
    def command(context: typer.Context, **arguments: Any) -> None:
        if context.invoked_subcommand is not None:  # A group that is a command, too: `replay --until N`, `replay lobster`.
            if any(arguments.values()):
                raise Problem(f"{context.invoked_subcommand} does not go together with options before it", MISUSED)
            return
        given = {name: value for name in SHARED if (value := arguments.pop(name))}
        outer = context.obj if isinstance(context.obj, Scope) else Scope()
        scope = Scope(**{name: given.get(name, getattr(outer, name)) for name in SHARED})
        result = function(scope, **arguments)
        if inspect.iscoroutine(result):
            asyncio.run(result)

    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    keywords = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    command.__signature__ = inspect.Signature([context, *keywords, *shared])  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in (context, *own, *shared)}
    del command.__wrapped__
    return command
