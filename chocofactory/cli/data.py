"""Commands that bring data in."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from chocofactory.cli.terminal import Json, day_of, opened, progress, show_run, show_runs
from chocofactory.core.clock import local_date
from chocofactory.services.jobs import recall

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chocofactory.bootstrap import Factory
    from chocofactory.store.state import JobRun


class Weather(StrEnum):
    """What can be fetched of the weather."""

    OBSERVED = "observed"
    FORECAST = "forecast"
    CHECKED = "checked"


_WEATHER_KINDS = {
    Weather.OBSERVED: "ingest_weather",
    Weather.FORECAST: "ingest_forecast",
    Weather.CHECKED: "ingest_climatology",
}
MOST_REJECTED = 10
_MOST_DAYS = 5
_COUNTS = ("new", "changed", "unchanged", "queued")
ingest = typer.Typer(no_args_is_help=True, help="Fetch data from its sources.")
imports = typer.Typer(no_args_is_help=True, help="Import data from files.")
etl = typer.Typer(no_args_is_help=True, help="Bring in whole histories from files.")


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
        params = {**_days(factory, start, end, until=1), "force": force, "markets": market or []}
        _carry_out(factory, "ingest_prices", params, as_json, _ingest_table)


@imports.command("prices")
def import_prices(
    files: Annotated[list[Path], typer.Argument(help="CSV files, plain or ESIOS export, .gz or not.")],
    as_json: Json = False,
) -> None:
    """Import price history from CSV files. Importing a file again changes nothing."""
    with opened() as factory:
        _carry_out(factory, "import_prices", {"files": [str(f.absolute()) for f in files]}, as_json, _import_table)


@ingest.command("weather")
def ingest_weather(
    start: Annotated[str | None, typer.Option(help="First local day, YYYY-MM-DD; by default yesterday.")] = None,
    end: Annotated[str | None, typer.Option(help="Last local day; by default today.")] = None,
    what: Annotated[
        list[Weather] | None, typer.Option(help="observed, forecast, checked; by default the first two.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fetch weather: hours observed of a range of days, the forecast in force, and days that were checked since."""
    with opened() as factory:
        today = local_date(factory.clock.now())
        last = day_of(end) if end else today
        first = day_of(start) if start else min(last, today - timedelta(days=1))
        params = {"first": first.isoformat(), "last": last.isoformat()}
        finished = []
        for part in what or (Weather.OBSERVED, Weather.FORECAST):
            with progress(as_json) as watch:
                finished.append(factory.jobs.run(_WEATHER_KINDS[part], params, "cli", watch))
        show_runs(finished, as_json, _weather_table)


@ingest.command("generation")
def ingest_generation(
    start: Annotated[str | None, typer.Option(help="First local day, YYYY-MM-DD; by default a week ago.")] = None,
    end: Annotated[str | None, typer.Option(help="Last local day; by default yesterday.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Fetch what is there already, to learn of revisions.")] = False,
    as_json: Json = False,
) -> None:
    """Fetch generation by technology, day by day: only what is missing, unless forced."""
    with opened() as factory:
        params = {**_days(factory, start, end, until=-1), "force": force}
        _carry_out(factory, "ingest_generation", params, as_json, _generation_table)


@imports.command("generation")
def import_generation(
    files: Annotated[list[Path], typer.Argument(help="CSV files of generation or demand, .gz or not.")],
    as_json: Json = False,
) -> None:
    """Import generation and demand from CSV files. Importing a file again changes nothing."""
    with opened() as factory:
        _carry_out(
            factory,
            "import_generation",
            {"files": [str(f.absolute()) for f in files]},
            as_json,
            _import_generation_table,
        )


@etl.command("siar")
def etl_siar(
    paths: Annotated[list[Path], typer.Argument(help="CSV files of the SIAR site, or folders of them.")],
    as_json: Json = False,
) -> None:
    """Bring in the daily weather of SIAR stations. Bringing a file in again changes nothing."""
    from chocofactory.services.siar import ETL, siar_files

    with opened() as factory:
        files = siar_files(path.absolute() for path in paths)
        _carry_out(factory, ETL, {"files": [str(file) for file in files]}, as_json, _siar_table)


def _days(factory: Factory, start: str | None, end: str | None, until: int) -> dict[str, str]:
    """The range asked for; by default the last week to ``until`` days from today."""
    today = local_date(factory.clock.now())
    first = day_of(start) if start else today - timedelta(days=7)
    last = day_of(end) if end else today + timedelta(days=until)
    return {"first": first.isoformat(), "last": last.isoformat()}


def _carry_out(factory: Factory, kind: str, params: dict[str, Any], as_json: bool, table: Any) -> None:
    with progress(as_json) as watch:
        finished = factory.jobs.run(kind, params, "cli", watch)
    show_run(finished, as_json, table)


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
            *(str(counts[name]) for name in _COUNTS),
            _first_few(lacking),
            ", ".join(suspect),
        )
    return table


def _import_table(result: dict[str, Any]) -> Group:
    table = Table("File", "Market", "Rows", "New", "Changed", "Unchanged", "Queued", "Rejected", "From", "To")
    for entry in result["files"]:
        table.add_row(
            entry["file"],
            entry["market"],
            *(str(entry[name]) for name in ("rows", *_COUNTS)),
            str(len(entry["rejected"])),
            f"{local_date(datetime.fromisoformat(entry['first']))}",
            f"{local_date(datetime.fromisoformat(entry['last']))}",
        )
        for day, reason in entry["suspect"].items():
            table.add_row(f"  {day}", f"suspect: {reason}")
    return Group(table, *_faults(result))


def _weather_table(finished: Sequence[JobRun]) -> Group:
    table = Table("What", "Source", *(name.capitalize() for name in _COUNTS), "Error")
    words = {kind: part.value for part, kind in _WEATHER_KINDS.items()}
    for run in finished:
        for entry in (run.result or {}).get("sources", ()):
            why = _reason(entry["error"]) if entry["error"] else ""
            table.add_row(words[run.kind], entry["source"], *(str(entry[name]) for name in _COUNTS), why)
    failed = [Text(_reason(run.error), style="red") for run in finished if run.error and not run.result]
    return Group(*([table] if table.row_count else []), *failed)


def _generation_table(result: dict[str, Any]) -> Table:
    table = Table("Days", "Complete", "New", "Changed", "Unchanged", "Queued", "Not complete")
    days, counts = result["days"], result["counts"]
    lacking = [f"{day['day']} {day['state']}" for day in days if day["state"] != "complete"]
    complete = len(days) - len(lacking)
    table.add_row(str(len(days)), str(complete), *(str(counts[name]) for name in _COUNTS), _first_few(lacking))
    return table


def _import_generation_table(result: dict[str, Any]) -> Group:
    table = Table("File", "Series", "Rows", "New", "Changed", "Unchanged", "Queued", "Rejected", "From", "To")
    for entry in result["files"]:
        for number, part in enumerate(entry["series"]):
            table.add_row(
                "" if number else entry["file"],
                part["series"],
                *(str(part[name]) for name in ("rows", *_COUNTS)),
                "" if number else str(len(entry["rejected"])),
                *(f"{local_date(datetime.fromisoformat(part[name]))}" for name in ("first", "last")),
            )
    return Group(table, *_faults(result))


def _siar_table(result: dict[str, Any]) -> Group:
    counts = ("rows", "kept", "blank", *_COUNTS)
    table = Table("File", *(name.capitalize() for name in counts), "Rejected", "From", "To", "Stations")
    for entry in result["files"]:
        table.add_row(
            entry["file"],
            *(str(entry[name]) for name in counts),
            str(len(entry["rejected"])),
            *(entry[name] or "-" for name in ("first", "last")),
            ", ".join(station["station"] for station in entry["stations"]),
        )
    totals = result["totals"]
    table.add_section()
    table.add_row("All", *(str(totals[name]) for name in (*counts, "rejected")))
    return Group(table, *_faults(result))


def _faults(result: dict[str, Any]) -> list[Text]:
    """Why lines were rejected, the first of each file, and why files could not be read."""
    rejected = [fault for entry in result["files"] for fault in entry["rejected"][:MOST_REJECTED]]
    failed = [(error["file"], _reason(error)) for error in result["errors"]]
    return [Text(_reason(fault), style="yellow") for fault in rejected] + [
        Text(reason if name in reason else f"{name}: {reason}", style="red") for name, reason in failed
    ]


def _reason(fault: dict[str, Any]) -> str:
    return str(recall(fault))


def _first_few(days: list[str]) -> str:
    return ", ".join(days[:_MOST_DAYS]) + (" ..." if len(days) > _MOST_DAYS else "")
