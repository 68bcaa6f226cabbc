"""Commands that tell how things are."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from chocofactory import __version__
from chocofactory.cli.terminal import Exit, Json, day_of, err, in_local_time, opened, out, print_json
from chocofactory.core.config import load_settings, variable
from chocofactory.core.errors import StoreError
from chocofactory.core.logs import scrub
from chocofactory.services.health import LEVELS
from chocofactory.services.jobs import recall

if TYPE_CHECKING:
    from chocofactory.bootstrap import Factory
    from chocofactory.services.gaps import SeriesGaps
    from chocofactory.services.health import Outbox


def gaps(
    start: Annotated[str | None, typer.Option(help="First local day, YYYY-MM-DD.")] = None,
    end: Annotated[str | None, typer.Option(help="Last local day, YYYY-MM-DD.")] = None,
    as_json: Json = False,
) -> None:
    """List what is missing; exit code 3 when anything is, or when there is nothing at all."""
    with opened() as factory:
        found = factory.gaps.report(day_of(start) if start else None, day_of(end) if end else None)
        if as_json:
            print_json([entry.as_dict() for entry in found])
        else:
            _gap_table(found)
        if not found or any(entry.gaps for entry in found):
            raise typer.Exit(Exit.PARTIAL)


def status(as_json: Json = False) -> None:
    """How far prices reach, and how the sources did; exit code 3 when something is late or missing."""
    with opened() as factory:
        try:
            report = _status(factory)
        except StoreError:
            _tell_of_outbox(factory.health.outbox())  # the more to be known while its server is away
            raise
        if as_json:
            print_json(report)
        else:
            _status_table(report)
            _tell_of_outbox(factory.health.outbox())
        if report["level"] != "good":
            raise typer.Exit(Exit.PARTIAL)


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
        print_json(values)
        return
    table = Table("Variable", "Value")
    for name, value in values.items():
        table.add_row(name, "" if value is None else str(value))
    out.print(table)


def _gap_table(found: list[SeriesGaps]) -> None:
    if not found:
        out.print("No series holds any data yet.")
    for entry in found:
        out.print(f"[bold]{entry.series}[/bold]: {entry.present} of {entry.expected} intervals")
        if entry.gaps:
            table = Table("From", "To (exclusive)", "Intervals", "Severity")
            for gap in entry.gaps:
                table.add_row(in_local_time(gap.start), in_local_time(gap.end), str(gap.count), str(gap.severity))
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
        "outbox": None if (outbox := factory.health.outbox()) is None else asdict(outbox),
    }


def _status_table(report: dict[str, Any]) -> None:
    out.print(f"{report['message']} ({report['mode']})")
    table = Table("Market", "Prices up to", "Written", "Today", "Tomorrow")
    for market in report["markets"]:
        table.add_row(*(market[name] or "-" for name in ("market", "latest", "written_at", "today", "tomorrow")))
    out.print(table)
    table = Table("Source", "State", "Last success", "Last error")
    for source in report["sources"]:
        why = str(recall(source["last_error"])) if source["last_error"] and source["state"] == "failing" else ""
        table.add_row(source["name"], source["state"], source["last_success_at"] or "-", why)
    out.print(table)


def _tell_of_outbox(outbox: Outbox | None) -> None:
    if outbox is not None and outbox.age_s is not None:
        room = f"{outbox.bytes} of {outbox.limit_bytes} bytes"
        waits = f"Waiting for InfluxDB: {outbox.rows} rows, the oldest for {outbox.age_s:.0f} s ({room})"
        err.print(waits, style="yellow", highlight=False)
    if outbox is not None and outbox.aside_entries:
        aside = f"Refused by InfluxDB and set aside: {outbox.aside_rows} rows: {outbox.aside_reason}"
        err.print(aside, style="red", highlight=False, markup=False)


def _iso(moment: Any) -> str | None:
    return None if moment is None else moment.isoformat()
