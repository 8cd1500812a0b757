"""How answers look: tables for people, one line of JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from exchange.messages.base import encode
from exchange.money import format_money

SECOND: Final = 1_000_000_000
PIPE_WIDTH: Final = 160
"""Columns of a table that goes into a file or another program, where no terminal says how wide it is."""
BAR_WIDTH: Final = 24


def console() -> Console:
    """Standard output, as wide as it is. Colours only say again what the words say."""
    return Console(highlight=False, soft_wrap=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def say(text: str) -> None:
    """A line for people; markup is not interpreted, so names may contain anything."""
    console().print(text, markup=False, soft_wrap=True)


def show_json(message: Any) -> None:
    """A message as it is on the wire, on one line."""
    sys.stdout.write(encode(message).decode() + "\n")


def make_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, left: Sequence[str] = ()) -> Table:
    """A table with numbers to the right and the columns named in `left` to the left."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, justify="left" if column in left else "right", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))  # Not markup: names are made up by strangers.
    return table


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str, left: Sequence[str] = ()) -> None:
    """A table as of `make_table`; `empty` when there are no rows."""
    table = make_table(columns, rows, left=left)
    if table.row_count:
        console().print(table)
    else:
        say(empty)


def money(units: int) -> str:
    """An amount or a price with thousands separated, 12345600 → "1,234.56"."""
    sign = "-" if units < 0 else ""
    whole, decimals = format_money(abs(units)).split(".")
    return f"{sign}{int(whole):,}.{decimals}"


def price(units: int) -> str:
    """A price, or a dash where there is none."""
    return money(units) if units else "–"


def moment(nanoseconds: int) -> str:
    """A time of day today, or a date with it, in this machine's time zone."""
    time = datetime.fromtimestamp(nanoseconds / SECOND).astimezone()
    return f"{time:%H:%M:%S.%f}"[:-3] if time.date() == datetime.now().astimezone().date() else f"{time:%Y-%m-%d %H:%M:%S}"


def bar(part: int, whole: int) -> str:
    """A bar of up to BAR_WIDTH characters; something is shown of every part that is not 0."""
    return "█" * max(1, round(BAR_WIDTH * part / whole)) if part and whole else ""
