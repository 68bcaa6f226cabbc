"""The same services from a terminal. ``--json`` where output is data; exit codes that scripts can use."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from chocofactory import __version__
from chocofactory.core.clock import MADRID, local_date
from chocofactory.core.config import Settings, load_settings, variable
from chocofactory.core.errors import (
    ConfigurationError,
    Conflict,
    FactoryError,
    InvalidInput,
    NotPublished,
    SourceError,
    StoreError,
)
from chocofactory.core.logs import configure_logs, scrub
from chocofactory.services.health import LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chocofactory.bootstrap import Factory
    from chocofactory.services.gaps import SeriesGaps
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
    NotPublished: Exit.NOT_PUBLISHED,
    SourceError: Exit.SOURCE,
    StoreError: Exit.STORE,
    Conflict: Exit.BUSY,
}

MOST_REJECTED = 10
WIDE = 160
"""Columns of a table that goes to a file or a pipe: nothing is cut there."""

out = Console(width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, width=None if sys.stderr.isatty() else WIDE, soft_wrap=True)
app = typer.Typer(no_args_is_help=True, add_completion=False, help="When to run which machine in a chocolate plant.")
ingest = typer.Typer(no_args_is_help=True, help="Fetch data from its sources.")
imports = typer.Typer(no_args_is_help=True, help="Import data from files.")
app.add_typer(ingest, name="ingest")
app.add_typer(imports, name="import")

Json = Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")]


def main() -> None:
    """Run the command line; errors become one sentence and an exit code."""
    try:
        app()
    except FactoryError as error:
        _fail(str(error), _exit_of(type(error)))


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False) -> None:
    if version:
        out.print(__version__)
        raise typer.Exit


@app.command()
def run(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve the pages and the REST API, with real data."""
    _serve(load_settings(host=host, port=port))


@app.command()
def demo(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve with simulated data, offline, in a store of its own."""
    _serve(load_settings(mode="demo", host=host, port=port))


@ingest.command("prices")
def ingest_prices(
    start: Annotated[str | None, typer.Option(help="First local day, YYYY-MM-DD; by default a week ago.")] = None,
    end: Annotated[str | None, typer.Option(help="Last local day; by default the last one that is published.")] = None,
    market: Annotated[list[str] | None, typer.Option(help="pvpc_20td, spot_es; by default all.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Fetch what is there already, to learn of revisions.")] = False,
    as_json: Json = False,
) -> None:
    """Fetch published prices: only what is missing, unless forced."""
    with _factory() as factory:
        today = local_date(factory.clock.now())
        first = _date(start) if start else today - timedelta(days=7)
        last = _date(end) if end else today + timedelta(days=1)
        params = {"first": first.isoformat(), "last": last.isoformat(), "force": force, "markets": market or []}
        with _progress(as_json) as watch:
            finished = factory.jobs.run("ingest_prices", params, "cli", watch)
        _show_run(finished, as_json, _ingest_table)


@imports.command("prices")
def import_prices(
    files: Annotated[list[Path], typer.Argument(help="CSV files, plain or ESIOS export, .gz or not.")],
    as_json: Json = False,
) -> None:
    """Import price history from CSV files. Importing a file again changes nothing."""
    with _factory() as factory:
        with _progress(as_json) as watch:
            finished = factory.jobs.run("import_prices", {"files": [str(f.resolve()) for f in files]}, "cli", watch)
        _show_run(finished, as_json, _import_table)


@app.command()
def gaps(
    start: Annotated[str | None, typer.Option(help="First local day, YYYY-MM-DD.")] = None,
    end: Annotated[str | None, typer.Option(help="Last local day, YYYY-MM-DD.")] = None,
    as_json: Json = False,
) -> None:
    """List what is missing; exit code 3 when anything is, or when there is nothing at all."""
    with _factory() as factory:
        found = factory.gaps.report(_date(start) if start else None, _date(end) if end else None)
        if as_json:
            _print_json([entry.as_dict() for entry in found])
        else:
            _gap_table(found)
        if not found or any(entry.gaps for entry in found):
            raise typer.Exit(Exit.PARTIAL)


@app.command()
def status(as_json: Json = False) -> None:
    """How far prices reach, and how the sources did; exit code 3 when something is late or missing."""
    with _factory() as factory:
        report = _status(factory)
        if as_json:
            _print_json(report)
        else:
            _status_table(report)
        if report["level"] != "good":
            raise typer.Exit(Exit.PARTIAL)


@app.command()
def config(
    as_json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the reference of all settings.")] = False,
) -> None:
    """Show the settings in force, secrets hidden."""
    if markdown:
        from chocofactory.core.reference import as_markdown

        sys.stdout.write(as_markdown())
        return
    settings = load_settings()
    values = {
        variable(name): scrub(value) if isinstance(value, str) else value
        for name, value in settings.model_dump(mode="json").items()
    }
    if as_json:
        _print_json(values)
        return
    table = Table("Variable", "Value")
    for name, value in values.items():
        table.add_row(name, "" if value is None else str(value))
    out.print(table)


@app.command(hidden=True)
def work(run_id: str) -> None:
    """Do a job run that another process has created."""
    with _factory() as factory:
        factory.jobs.work(run_id)


def _serve(settings: Settings) -> None:
    from chocofactory.bootstrap import build
    from chocofactory.core.locks import ProcessLock
    from chocofactory.serving import Server, refuse_taken_port

    configure_logs(settings)
    refuse_taken_port(settings)
    build(settings).close()  # says in one sentence why a store cannot be used, before any process is started
    lock = ProcessLock(settings.mode_dir / "server.lock")
    if not lock.acquire():
        raise Conflict("Another server works on {folder} already.", folder=settings.mode_dir)
    where = f"http://{settings.host}:{settings.port}"
    err.print(f"ChocoFactory {__version__} ({settings.mode}) at [bold]{where}[/bold], stop with Ctrl+C")
    Server(settings).run()


@contextmanager
def _factory() -> Iterator[Factory]:
    from chocofactory.bootstrap import build

    settings = load_settings()
    configure_logs(settings)
    built = build(settings)
    try:
        yield built
    finally:
        built.close()


@contextmanager
def _progress(silent: bool) -> Iterator[Report]:
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


def _show_run(finished: JobRun, as_json: bool, table: Any) -> None:
    if as_json:
        _print_json({"id": finished.id, "state": finished.state, "result": finished.result, "error": finished.error})
    elif finished.error:
        err.print(FactoryError(finished.error["message"], **finished.error["fields"]), style="red")
    else:
        out.print(table(finished.result))
    if finished.error:
        raise typer.Exit(_exit_of(_class_of(finished.error["code"])))
    if finished.state != "succeeded":
        raise typer.Exit(Exit.PARTIAL)


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
            *(str(counts[name]) for name in ("new", "changed", "unchanged")),
            ", ".join(lacking[:5]) + (" ..." if len(lacking) > 5 else ""),  # noqa: PLR2004
            ", ".join(suspect),
        )
    return table


def _import_table(result: dict[str, Any]) -> Table:
    table = Table("File", "Market", "Rows", "New", "Changed", "Unchanged", "Rejected", "From", "To")
    for entry in result["files"]:
        table.add_row(
            entry["file"],
            entry["market"],
            *(str(entry[name]) for name in ("rows", "new", "changed", "unchanged")),
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


def _gap_table(found: list[SeriesGaps]) -> None:
    if not found:
        out.print("No series holds any data yet.")
    for entry in found:
        out.print(f"[bold]{entry.series}[/bold]: {entry.present} of {entry.expected} intervals")
        if entry.gaps:
            table = Table("From", "To (exclusive)", "Intervals", "Severity")
            for gap in entry.gaps:
                table.add_row(_local(gap.start), _local(gap.end), str(gap.count), str(gap.severity))
            out.print(table)


def _status(factory: Factory) -> dict[str, Any]:
    markets = []
    for market in factory.ingestion.markets:
        fresh = factory.health.freshness(market)
        markets.append(
            {
                "market": market,
                "latest": fresh.latest.isoformat() if fresh.latest is not None else None,
                "written_at": fresh.written_at.isoformat() if fresh.written_at is not None else None,
                "today": str(fresh.today),
                "tomorrow": str(fresh.tomorrow),
            }
        )
    lights = [factory.health.light(market) for market in factory.ingestion.markets]
    light = max(lights, key=lambda one: LEVELS.index(one.level))
    sources = [
        {
            "name": source.name,
            "state": source.state,
            "last_success_at": _iso(source.record.last_success_at if source.record else None),
            "last_error": source.record.last_error if source.record else None,
        }
        for source in factory.health.sources()
    ]
    return {
        "version": __version__,
        "mode": factory.settings.mode,
        "level": light.level,
        "message": light.message,
        "markets": markets,
        "sources": sources,
    }


def _status_table(report: dict[str, Any]) -> None:
    out.print(f"{report['message']} ({report['mode']})")
    table = Table("Market", "Prices up to", "Written", "Today", "Tomorrow")
    for market in report["markets"]:
        table.add_row(*(market[name] or "-" for name in ("market", "latest", "written_at", "today", "tomorrow")))
    out.print(table)
    table = Table("Source", "State", "Last success")
    for source in report["sources"]:
        table.add_row(source["name"], source["state"], source["last_success_at"] or "-")
    out.print(table)


def _exit_of(kind: type[FactoryError]) -> Exit:
    return next((_EXITS[parent] for parent in kind.__mro__ if parent in _EXITS), Exit.FAILED)


def _class_of(code: str, root: type[FactoryError] = FactoryError) -> type[FactoryError]:
    """The class of error that a code stands for."""
    found = (_class_of(code, child) for child in root.__subclasses__())
    return root if root.code == code else next((kind for kind in found if kind.code == code), FactoryError)


def _local(moment: Any) -> str:
    return f"{moment.astimezone(MADRID):%Y-%m-%d %H:%M %z}"


def _iso(moment: Any) -> str | None:
    return None if moment is None else moment.isoformat()


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput("{text} is not a day: write YYYY-MM-DD.", text=text) from error


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def _fail(sentence: str, code: Exit) -> None:
    err.print(sentence, style="red", highlight=False, markup=False)
    raise SystemExit(int(code))
