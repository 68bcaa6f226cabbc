"""What the commands share: consoles, exit codes, progress bars, and how a run and its end are shown."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from datetime import date
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from chocofactory.core.clock import MADRID
from chocofactory.core.config import load_settings
from chocofactory.core.errors import (
    ConfigurationError,
    Conflict,
    FactoryError,
    InvalidInput,
    NotFound,
    NotPublished,
    SourceError,
    StoreError,
    class_of,
)
from chocofactory.core.logs import configure_logs
from chocofactory.services.jobs import recall

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chocofactory.bootstrap import Factory
    from chocofactory.services.jobs import Report
    from chocofactory.store.state import JobRun


class Exit(IntEnum):
    """What the exit code says."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
    NOT_PUBLISHED = 4
    SOURCE = 5
    STORE = 6
    BUSY = 7


_EXITS: dict[type[FactoryError], Exit] = {
    ConfigurationError: Exit.USAGE,
    InvalidInput: Exit.USAGE,
    NotFound: Exit.PARTIAL,
    NotPublished: Exit.NOT_PUBLISHED,
    SourceError: Exit.SOURCE,
    StoreError: Exit.STORE,
    Conflict: Exit.BUSY,
}

WIDE = 160
"""Columns of a table that goes to a file or a pipe: nothing is cut there."""

out = Console(width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, width=None if sys.stderr.isatty() else WIDE, soft_wrap=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")]


@contextmanager
def opened() -> Iterator[Factory]:
    """The services as the settings say, closed when the command is done."""
    from chocofactory.bootstrap import build

    settings = load_settings()
    configure_logs(settings)
    built = build(settings)
    try:
        yield built
    finally:
        built.close()


@contextmanager
def progress(silent: bool) -> Iterator[Report]:
    """A progress bar on a terminal; nothing for scripts."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, disable=silent or not err.is_terminal, transient=True) as bar:
        task = bar.add_task("...", total=100)

        def watch(percent: float, message: str, /, **fields: object) -> None:
            bar.update(task, completed=percent, description=message.format(**fields))

        yield watch


def show_run(finished: JobRun, as_json: bool, table: Any) -> None:
    """Print what a run came to, as JSON or as what ``table`` makes of its result, and leave with its exit code."""
    if as_json:
        print_json({"id": finished.id, "state": finished.state, "result": finished.result, "error": finished.error})
    elif finished.error:
        if finished.result:
            out.print(table(finished.result))
        err.print(recall(finished.error), style="red")
    else:
        out.print(table(finished.result))
    if finished.error:
        raise typer.Exit(exit_of(class_of(finished.error["code"])))
    if finished.state != "succeeded":
        raise typer.Exit(Exit.PARTIAL)


def show_runs(finished: Sequence[JobRun], as_json: bool, table: Any) -> None:
    """The same of several runs that belong together: failed when each of them failed, partial when one did."""
    if as_json:
        print_json(
            [
                {"id": run.id, "kind": run.kind, "state": run.state, "result": run.result, "error": run.error}
                for run in finished
            ]
        )
    else:
        out.print(table(finished))
    errors = [run.error for run in finished if run.error]
    if len(errors) == len(finished):
        raise typer.Exit(exit_of(class_of(errors[0]["code"])))
    if any(run.state != "succeeded" for run in finished):
        raise typer.Exit(Exit.PARTIAL)


def exit_of(kind: type[FactoryError]) -> Exit:
    """The exit code of a class of errors."""
    return next((_EXITS[parent] for parent in kind.__mro__ if parent in _EXITS), Exit.FAILED)


def in_local_time(moment: Any) -> str:
    """A moment on the wall clock of Madrid, with its offset."""
    return f"{moment.astimezone(MADRID):%Y-%m-%d %H:%M %z}"


def day_of(text: str) -> date:
    """The day that was written as YYYY-MM-DD.

    Raises
    ------
    InvalidInput
        It is none.

    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput("{text} is not a day: write YYYY-MM-DD.", text=text) from error


def print_json(value: object) -> None:
    """Print a value as JSON; what JSON has no word for becomes its text."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def fail(sentence: str, code: Exit) -> None:
    """Say why in one sentence, and leave."""
    err.print(sentence, style="red", highlight=False, markup=False)
    raise SystemExit(int(code))
