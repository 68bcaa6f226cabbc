"""Commands that make production plans, show them and check them."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from chocofactory.cli.terminal import (
    Exit,
    Json,
    day_of,
    in_local_time,
    opened,
    out,
    print_json,
    progress,
    show_run,
)
from chocofactory.core.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from datetime import date

    from chocofactory.bootstrap import Factory
    from chocofactory.services.stored_plans import StoredPlan

LATEST = "latest"
plan = typer.Typer(invoke_without_command=True, help="Make a production plan at least cost; show and check plans.")

PlanId = Annotated[str, typer.Argument(help="Id of a plan, as plan list tells it.", metavar="[ID]")]


@plan.callback()
def make(  # noqa: PLR0913, PLR0917 - an option each
    context: typer.Context,
    day: Annotated[str | None, typer.Option("--date", help="First local day, YYYY-MM-DD; today: from now on.")] = None,
    days: Annotated[int | None, typer.Option(min=1, max=7, help="Local days; by default all with prices.")] = None,
    slot: Annotated[int, typer.Option(help="Batches start every 15 or 30 minutes.")] = 15,
    targets: Annotated[
        list[str] | None, typer.Option(help="Batches due on a day, as 2026-11-26:standard=4,premium=0; repeatable.")
    ] = None,
    lock: Annotated[
        list[str] | None, typer.Option(help="A batch of the plan in force that stays as it is; repeatable.")
    ] = None,
    lost: Annotated[
        list[str] | None, typer.Option(help="A batch of the plan in force that is spoilt and given up; repeatable.")
    ] = None,
    time_limit: Annotated[float, typer.Option(help="Seconds of solving, 120 at most.")] = 30.0,
    as_json: Json = False,
) -> None:
    """Make a production plan at least cost; exit code 3 when something falls short."""
    if context.invoked_subcommand is not None:
        return
    from chocofactory.services.plan_orders import Order, to_json
    from chocofactory.services.plan_views import plan_record
    from chocofactory.services.planning import KIND

    order = Order(
        day=day_of(day) if day else None,
        days=days,
        slot_min=slot,
        targets=_targets(targets or []),
        locks=tuple(lock or ()),
        lost=tuple(lost or ()),
        seconds=time_limit,
    )
    with opened() as factory:
        with progress(as_json) as watch:
            finished = factory.jobs.run(KIND, {**to_json(order), "requested_by": "cli"}, "cli", watch)
        if as_json and finished.result:
            finished = replace(finished, result=plan_record(factory.planning.get(finished.result["plan_id"])))
        show_run(finished, as_json, lambda result: _tell(factory.planning.get(result["plan_id"])))


@plan.command("show")
def show(
    plan_id: PlanId = LATEST,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print its stages as CSV.")] = False,
    as_ics: Annotated[bool, typer.Option("--ics", help="Print its blocks as an iCalendar.")] = False,
) -> None:
    """Show a plan, by default the newest one that keeps its limits."""
    from chocofactory.services.exports import records_csv
    from chocofactory.services.plan_views import CSV_COLUMNS, csv_rows, icalendar, plan_record

    if as_json + as_csv + as_ics > 1:
        raise InvalidInput("Choose one of --json, --csv and --ics.")
    with opened() as factory:
        stored = _find(factory, plan_id)
        if as_json:
            print_json(plan_record(stored, factory.planning.realised(stored.id)))
        elif as_csv:
            sys.stdout.write(records_csv(csv_rows(stored.plan), CSV_COLUMNS))
        elif as_ics:
            sys.stdout.write(icalendar(stored))
        else:
            out.print(_tell(stored))


@plan.command("list")
def list_plans(
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many of the newest.")] = 20, as_json: Json = False
) -> None:
    """List the newest plans, newest first."""
    from chocofactory.services.plan_lists import kept_record

    with opened() as factory:
        told = [kept_record(each) for each in factory.planning.newest(limit)]
    if as_json:
        print_json(told)
    elif told:
        out.print(_list_table(told))
    else:
        out.print("No plan was made yet: plan makes one.")


@plan.command("check")
def check(plan_id: PlanId = LATEST, as_json: Json = False) -> None:
    """Check a plan against every limit and figure once more; exit code 3 when anything is wrong."""
    from chocofactory.services.plan_lists import check_record

    with opened() as factory:
        stored = _find(factory, plan_id)
        told = check_record(stored.id, factory.planning.check(stored.id))
    if as_json:
        print_json(told)
    elif told["clean"]:
        out.print(f"{stored.id} keeps every limit, and its figures are right.", highlight=False)
    else:
        for each in told["violations"]:
            line = f"{each['start']} {each['rule']}: {each['detail']}"
            out.print(line, highlight=False, markup=False, soft_wrap=True)
    if not told["clean"]:
        raise typer.Exit(Exit.PARTIAL)


def _find(factory: Factory, plan_id: str) -> StoredPlan:
    stored = factory.planning.latest() if plan_id == LATEST else factory.planning.get(plan_id)
    if stored is None:
        raise NotFound("There is no plan yet that keeps its limits.")
    return stored


def _targets(written: list[str]) -> dict[date, dict[str, int]]:
    """Targets as they are written, a day each: ``2026-11-26:standard=4,premium=0``."""
    found: dict[date, dict[str, int]] = {}
    for text in written:
        day, _, counts = text.partition(":")
        pairs = [pair.partition("=") for pair in counts.split(",")]
        if not all(name.strip() and number.strip().isdecimal() for name, _, number in pairs):
            raise InvalidInput("{text} is no target: write one like 2026-11-26:standard=4,premium=0.", text=text)
        found.setdefault(day_of(day.strip()), {}).update({name.strip(): int(number) for name, _, number in pairs})
    return found


def _tell(stored: StoredPlan) -> Group:
    """A plan for people: one sentence, what to mind, the batches, how sure it is, and what it is worth."""
    from chocofactory.services.plan_views import plan_record
    from chocofactory.services.plan_words import sentence, warnings

    told = plan_record(stored)
    lines = [Text(str(each), style="yellow") for each in warnings(stored)]
    return Group(Text(str(sentence(stored)), style="bold"), *lines, _batch_table(stored), _proof(told), _worth(told))


def _batch_table(stored: StoredPlan) -> Table:
    blocks = [block.name for block in stored.plan.problem.plant.blocks]
    table = Table("Batch", "Product", "Due", *blocks, "Finished", "kWh", "EUR", title=stored.id, title_justify="left")
    for batch in stored.plan.batches:
        runs = {run.block: run for run in batch.runs}
        starts = [f"{in_local_time(runs[name].start)} ({runs[name].unit})" if name in runs else "-" for name in blocks]
        due = batch.due.isoformat() if batch.due else "-"
        numbers = (f"{batch.energy_kwh:.1f}", f"{batch.cost_eur:.2f}")
        table.add_row(batch.name, batch.product, due, *starts, in_local_time(batch.end), *numbers)
    return table


def _proof(told: dict[str, Any]) -> Text:
    solver = told["solver"]
    bound = "" if solver["bound_eur"] is None else f", no plan costs less than {solver['bound_eur']:.2f} EUR"
    return Text(f"{solver['status']}{bound} ({solver['name']}, {solver['seconds']:.1f} s)")


def _worth(told: dict[str, Any]) -> Text:
    band = f"90 % of price scenarios: {told['cost_p05_eur']:.2f} to {told['cost_p95_eur']:.2f} EUR"
    saved = told["savings"]
    if saved is None:
        return Text(f"{band}; no usual way of working keeps the limits")
    usual = f"the same work as usual: {saved['baseline_cost_eur']:.2f} EUR, saved {saved['absolute_eur']:.2f} EUR"
    return Text(f"{band}; {usual}")


def _list_table(told: list[dict[str, Any]]) -> Table:
    table = Table("Plan", "Made", "By", "From", "Until", "Status", "Batches", "EUR", "Saved EUR", "Short", "Faults")
    for each in told:
        saved = "-" if each["saved_eur"] is None else f"{each['saved_eur']:.2f}"
        table.add_row(
            each["plan_id"],
            in_local_time(datetime.fromisoformat(each["created_at"])),
            each["requested_by"],
            each["first_day"],
            each["last_day"],
            each["status"],
            *(str(each["batches"]), f"{each['cost_eur']:.2f}", saved, str(each["short"]), str(each["violations"])),
        )
    return table
