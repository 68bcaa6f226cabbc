"""The command that fills gaps."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.table import Table

from chocofactory.cli.terminal import Json, day_of, opened, progress, show_run
from chocofactory.core.messages import Message
from chocofactory.services.backfill import KIND, WHATS

What = StrEnum("What", {name.upper(): name for name in WHATS})  # type: ignore[misc]


def backfill(
    start: Annotated[str | None, typer.Option(help="First local day, YYYY-MM-DD; by default of each series.")] = None,
    end: Annotated[str | None, typer.Option(help="Last local day; by default the last that ought to be there.")] = None,
    source: Annotated[str | None, typer.Option(help="Ask this source alone: ree, aemet, ...")] = None,
    what: Annotated[What | None, typer.Option(help="Fill this alone.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Fetch what is there already, to learn of revisions.")] = False,
    as_json: Json = False,
) -> None:
    """Fill gaps as far as some source can still deliver them; exit code 3 when any of that did not come."""
    with opened() as factory:
        first, last = (day_of(text) if text else None for text in (start, end))
        params = factory.backfill.params(first, last, source=source, what=what.value if what else None, force=force)
        with progress(as_json) as watch:
            finished = factory.jobs.run(KIND, params, "cli", watch)
        show_run(finished, as_json, _table)


def _table(result: dict[str, Any]) -> Table:
    table = Table("Series", "Missing", "Asked", "Got", "Changed", "Not available, and why")
    for line in result["backfill"]:
        reasons = [
            f"{part['intervals']}: {Message(part['message'], **part['fields'])}" for part in line["not_available"]
        ]
        changed = str(line["counts"]["changed"]) if line["asked"] else ""
        counts = (str(line[name]) for name in ("missing", "asked", "got"))
        table.add_row(line["series"], *counts, changed, "\n".join(reasons))
    return table
