"""Commands for the stores themselves."""

from __future__ import annotations

import contextlib
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from chocofactory.cli.terminal import Exit, Json, err, opened, out, print_json, progress
from chocofactory.core.config import load_settings
from chocofactory.core.errors import InvalidInput
from chocofactory.core.logs import configure_logs

if TYPE_CHECKING:
    from chocofactory.services.copying import CopyReport

store = typer.Typer(no_args_is_help=True, help="Look after the series store.")


class Kind(StrEnum):
    """A kind of series store."""

    SQLITE = "sqlite"
    INFLUX = "influx"


@store.command("copy")
def copy(
    source: Annotated[Kind, typer.Option("--from", help="The store to copy from.")],
    target: Annotated[Kind, typer.Option("--to", help="The store to copy to.")],
    compare: Annotated[bool, typer.Option("--compare", help="Copy nothing, compare only.")] = False,
    as_json: Json = False,
) -> None:
    """Copy all series from one store to the other and compare them; exit code 3 when not all is in both."""
    if source == target:
        raise InvalidInput("The store to copy from and the one to copy to are the same: {kind}.", kind=str(source))
    from chocofactory.bootstrap import series_store
    from chocofactory.core.clock import SystemClock
    from chocofactory.services import copying

    settings = load_settings()
    configure_logs(settings)
    clock = SystemClock()
    with contextlib.ExitStack() as stack:
        ours, theirs = (
            stack.enter_context(
                contextlib.closing(series_store(settings, clock, kind.value, existing=existing, at_leisure=True))
            )
            for kind, existing in ((source, True), (target, compare))
        )
        watch = stack.enter_context(progress(as_json))
        if compare:
            report = copying.CopyReport(
                differences=copying.compare(ours, theirs, watch), aside_rows=copying.aside(ours)
            )
        else:
            report = copying.copy(ours, theirs, watch)
    if as_json:
        print_json(report.as_dict())
    else:
        _tell(report)
    if not report.equal:
        raise typer.Exit(Exit.PARTIAL)


@store.command("replay")
def replay(
    refused: Annotated[bool, typer.Option("--refused", help="Try what the server refused once more.")] = False,
    as_json: Json = False,
) -> None:
    """Send what waits for InfluxDB now; exit code 3 when something still waits or was set aside."""
    with opened() as factory:
        sent = factory.delivery.deliver(refused=refused)
        left = factory.health.outbox()
        if as_json:
            print_json({"sent": sent, "outbox": left and left.__dict__})
        elif left is None:
            out.print("The series are kept in the data folder: nothing can wait.")
        else:
            out.print(f"{sent} rows sent, {left.rows} wait, {left.aside_rows} set aside")
            if left.aside_reason:
                err.print(left.aside_reason, style="red", markup=False)
        if left and (left.entries or left.aside_entries):
            raise typer.Exit(Exit.PARTIAL)


def _tell(report: CopyReport) -> None:
    table = Table("Series", "Rows", "New", "Changed", "Unchanged")
    for line in report.series:
        table.add_row(*(str(line[name]) for name in ("series", "rows", "new", "changed", "unchanged")))
    if report.series:
        out.print(table)
    if report.equal:
        out.print("Both stores hold the same.")
        return
    if report.aside_rows:
        told = f"{report.aside_rows} rows were set aside on their way into the first store, and are in neither."
        err.print(f"{told} Send them with store replay --refused, and copy again.", style="red")
    if not report.differences:
        return
    table = Table("Differs", "Missing", "Extra", "Changed", "First value", "Origin", "At")
    for each in report.differences:
        numbers = (each.missing, each.extra, each.changed, each.first_values, each.origin)
        table.add_row(each.series, *(str(number) for number in numbers), each.first)
    out.print(table)
