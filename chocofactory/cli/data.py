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


def _ingest_table(result: dict[str, Any]) -> Table:
    table = Table("Market", "Days", "Complete", "New", "Changed", "Unchanged", "Queued", "Not complete", "Suspect")
    for market in result["markets"]:
        days = market["days"]
        lacking = [f"{day['day']} {day['state']}" for day in days if day["state"] != "complete"]
        suspect = [f"{day['day']} {day['suspect']}" for day in days if day["suspect"]]
        counts = market["counts"]
        table.add_row(
            market["market"],
            str(len(days)),
            str(len(days) - len(lacking)),
            *(str(counts[name]) for name in ("new", "changed", "unchanged", "queued")),
            ", ".join(lacking[:5]) + (" ..." if len(lacking) > 5 else ""),  # noqa: PLR2004
            ", ".join(suspect),
        )
    return table


def _import_table(result: dict[str, Any]) -> Table:
    table = Table("File", "Market", "Rows", "New", "Changed", "Unchanged", "Queued", "Rejected", "From", "To")
    for entry in result["files"]:
        table.add_row(
            entry["file"],
            entry["market"],
            *(str(entry[name]) for name in ("rows", "new", "changed", "unchanged", "queued")),
            str(len(entry["rejected"])),
            f"{local_date(datetime.fromisoformat(entry['first']))}",
            f"{local_date(datetime.fromisoformat(entry['last']))}",
        )
        for fault in entry["rejected"][:MOST_REJECTED]:
            table.add_row(f"  line {fault['line']}", str(FactoryError(fault["message"], **fault["fields"])))
        for day, reason in entry["suspect"].items():
            table.add_row(f"  {day}", f"suspect: {reason}")
    for entry in result["errors"]:
        table.add_row(entry["file"], str(FactoryError(entry["message"], **entry["fields"])), style="red")
    return table
