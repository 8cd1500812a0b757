"""The operator's ways into the whole history: SQL, and files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from exchange import subjects
from exchange.messages.library import Exported, ExportQuestion, SqlAnswer, SqlQuestion

from .output import say, show_json, show_table
from .problem import MISUSED, Problem
from .scope import Scope, accepted

SQL_SECONDS_MAX: Final = 30.0
EXPORT_SECONDS_MAX: Final = 3_600.0


async def sql(scope: Scope, query: Annotated[str, typer.Argument(metavar="SELECT…", show_default=False)]) -> None:
    """Ask the history in SQL, as the operator: one SELECT, at most 10 s and 10,000 rows. Try: SHOW TABLES"""
    async with scope.staff() as client:
        found = accepted(
            await client.request(subjects.admin("sql"), SqlQuestion(query), SqlAnswer, repeat=False, seconds=SQL_SECONDS_MAX)
        )
    if scope.json:
        show_json(found)
        return
    rows = [["" if value is None else str(value) for value in row] for row in found.rows]
    left = [column for index, column in enumerate(found.columns) if any(isinstance(row[index], str) for row in found.rows)]
    show_table(found.columns, rows, left=left, empty="no rows")
    if not found.complete:
        say(f"and more; the first {len(rows):,} are shown")


async def export(
    scope: Scope,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty directory.", show_default=False)],
    format_: Annotated[Literal["parquet", "csv"], typer.Option("--format", help="Of the files.")] = "parquet",
) -> None:
    """Write the whole history to files, as the operator, while the market runs: all as of one moment."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise Problem(f"{directory} is not empty", MISUSED)
    async with scope.staff() as client:
        exported = accepted(
            await client.request(
                subjects.admin("export"), ExportQuestion(format_), Exported, repeat=False, seconds=EXPORT_SECONDS_MAX
            )
        )
    _take(Path(exported.directory), directory, list(exported.files))
    if scope.json:
        show_json(exported)
    else:
        show_table(
            ("file", "rows"),
            [(name, f"{rows:,}") for name, rows in exported.files.items()],
            left=("file",),
            empty="nothing",
        )


def _take(source: Path, directory: Path, files: list[str]) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name in files:
            shutil.move(source / name, directory / name)
        source.rmdir()
    except OSError as error:
        raise Problem(f"the files lie in {source}, and could not be moved: {error}") from None
