"""Commands that bring data in."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from chocofactory.cli.terminal import Json, day_of, opened, progress, show_run
from chocofactory.core.clock import local_date
from chocofactory.core.errors import FactoryError

MOST_REJECTED = 10
_MOST_DAYS = 5
_COUNTS = ("new", "changed", "unchanged")
ingest = typer.Typer(no_args_is_help=True, help="Fetch data from its sources.")
imports = typer.Typer(no_args_is_help=True, help="Import data from files.")


@ingest.command("prices")
def ingest_prices(
    start: Annotated[str | None, typer.Option(help="First local day, YYYY-MM-DD; by default a week ago.")] = None,
    end: Annotated[str | None, typer.Option(help="Last local day; by default the last one that is published.")] = None,
    market: Annotated[list[str] | None, typer.Option(help="pvpc_20td, spot_es; by default all.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Fetch what is there already, to learn of revisions.")] = False,
    as_json: Json = False,
) -> None:
    """Fetch published prices: only what is missing, unless forced."""
    with opened() as factory:
        today = local_date(factory.clock.now())
        first = day_of(start) if start else today - timedelta(days=7)
        last = day_of(end) if end else today + timedelta(days=1)
        params = {"first": first.isoformat(), "last": last.isoformat(), "force": force, "markets": market or []}
        with progress(as_json) as watch:
            finished = factory.jobs.run("ingest_prices", params, "cli", watch)
        show_run(finished, as_json, _ingest_table)


@imports.command("prices")
def import_prices(
    files: Annotated[list[Path], typer.Argument(help="CSV files, plain or ESIOS export, .gz or not.")],
    as_json: Json = False,
) -> None:
    """Import price history from CSV files. Importing a file again changes nothing."""
    with opened() as factory:
        with progress(as_json) as watch:
            finished = factory.jobs.run("import_prices", {"files": [str(f.resolve()) for f in files]}, "cli", watch)
        show_run(finished, as_json, _import_table)


@ingest.command("generation")
def ingest_generation(
    start: Annotated[str | None, typer.Option(help="First local day, YYYY-MM-DD; by default a week ago.")] = None,
    end: Annotated[str | None, typer.Option(help="Last local day; by default yesterday.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Fetch what is there already, to learn of revisions.")] = False,
    as_json: Json = False,
) -> None:
    """Fetch generation by technology, day by day: only what is missing, unless forced."""
    with opened() as factory:
        today = local_date(factory.clock.now())
        first = day_of(start) if start else today - timedelta(days=7)
        last = day_of(end) if end else today - timedelta(days=1)
        params = {"first": first.isoformat(), "last": last.isoformat(), "force": force}
        with progress(as_json) as watch:
            finished = factory.jobs.run("ingest_generation", params, "cli", watch)
        show_run(finished, as_json, _generation_table)


@imports.command("generation")
def import_generation(
    files: Annotated[list[Path], typer.Argument(help="CSV files of generation or demand, .gz or not.")],
    as_json: Json = False,
) -> None:
    """Import generation and demand from CSV files. Importing a file again changes nothing."""
    with opened() as factory:
        with progress(as_json) as watch:
            finished = factory.jobs.run("import_generation", {"files": [str(f.resolve()) for f in files]}, "cli", watch)
        show_run(finished, as_json, _import_generation_table)


def _ingest_table(result: dict[str, Any]) -> Table:
    table = Table("Market", "Days", "Complete", "New", "Changed", "Unchanged", "Not complete", "Suspect")
    for market in result["markets"]:
        days = market["days"]
        lacking = [f"{day['day']} {day['state']}" for day in days if day["state"] != "complete"]
        suspect = [f"{day['day']} {day['suspect']}" for day in days if day["suspect"]]
        counts = market["counts"]
        table.add_row(
            market["market"],
            str(len(days)),
            str(len(days) - len(lacking)),
            *(str(counts[name]) for name in _COUNTS),
            _first_few(lacking),
            ", ".join(suspect),
        )
    return table


def _generation_table(result: dict[str, Any]) -> Table:
    table = Table("Days", "Complete", "New", "Changed", "Unchanged", "Not complete")
    days, counts = result["days"], result["counts"]
    lacking = [f"{day['day']} {day['state']}" for day in days if day["state"] != "complete"]
    table.add_row(
        str(len(days)),
        str(len(days) - len(lacking)),
        *(str(counts[name]) for name in _COUNTS),
        _first_few(lacking),
    )
    return table


def _import_table(result: dict[str, Any]) -> Table:
    table = Table("File", "Market", "Rows", "New", "Changed", "Unchanged", "Rejected", "From", "To")
    for entry in result["files"]:
        _add_file(table, entry, [(entry["market"], entry)])
        for day, reason in entry["suspect"].items():
            table.add_row(f"  {day}", f"suspect: {reason}")
    return _with_errors(table, result)


def _import_generation_table(result: dict[str, Any]) -> Table:
    table = Table("File", "Series", "Rows", "New", "Changed", "Unchanged", "Rejected", "From", "To")
    for entry in result["files"]:
        _add_file(table, entry, [(part["series"], part) for part in entry["series"]])
    return _with_errors(table, result)


def _add_file(table: Table, entry: dict[str, Any], parts: list[tuple[str, dict[str, Any]]]) -> None:
    """A row for each part of a file, then the first of the lines that it could not use."""
    for number, (name, part) in enumerate(parts):
        table.add_row(
            "" if number else entry["file"],
            name,
            *(str(part[count]) for count in ("rows", *_COUNTS)),
            "" if number else str(len(entry["rejected"])),
            f"{local_date(datetime.fromisoformat(part['first']))}",
            f"{local_date(datetime.fromisoformat(part['last']))}",
        )
    for fault in entry["rejected"][:MOST_REJECTED]:
        table.add_row(f"  line {fault['line']}", str(FactoryError(fault["message"], **fault["fields"])))


def _with_errors(table: Table, result: dict[str, Any]) -> Table:
    for entry in result["errors"]:
        table.add_row(entry["file"], str(FactoryError(entry["message"], **entry["fields"])), style="red")
    return table


def _first_few(days: list[str]) -> str:
    return ", ".join(days[:_MOST_DAYS]) + (" ..." if len(days) > _MOST_DAYS else "")
