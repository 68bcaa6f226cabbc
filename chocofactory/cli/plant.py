"""Commands that show a plant, and say what is wrong with the file of one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from chocofactory.cli.terminal import Json, err, exit_of, out, print_json
from chocofactory.core.config import load_settings
from chocofactory.core.errors import PlantInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable

plant = typer.Typer(no_args_is_help=True, help="Show a plant, and check the file of one.")


@plant.command()
def check(file: Annotated[Path, typer.Argument(help="A plant file, in TOML.", metavar="FILE")]) -> None:
    """Say what is wrong with a plant file, a line each; exit code 2 when anything is."""
    told = _read(file)
    blocks, products = (", ".join(each["name"] for each in told[key]) for key in ("blocks", "products"))
    batches = sum(sum(due.values()) for due in told["targets"].values())
    line = f"{told['name']}: {blocks}; {products}; {batches} batches a week; {told['contracted_kw']:g} kW. No faults."
    out.print(line, markup=False, highlight=False)


@plant.command()
def show(
    file: Annotated[
        Path | None, typer.Argument(help="A plant file; by default the one in force.", metavar="FILE")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show machines, blocks, products, shifts, targets and limits of a plant."""
    told = _read(file or load_settings().plant_file)
    if as_json:
        print_json(told)
        return
    line = f"{told['name']}: {told['contracted_kw']:g} kW contracted"
    out.print(line, markup=False, highlight=False)
    for table in (_blocks(told), _stages(told), _products(told), _shifts(told), _targets(told), _numbers(told)):
        out.print(table)


def _read(file: Path | None) -> dict[str, Any]:
    from chocofactory.services.plant_files import load_plant, plant_record

    try:
        return plant_record(load_plant(file))
    except PlantInvalid as error:
        for line in error.faults or [str(error)]:
            err.print(line, style="red", highlight=False, markup=False)
        raise typer.Exit(exit_of(type(error))) from error


def _blocks(told: dict[str, Any]) -> Table:
    heads = ("Block", "Units", "Attended", "Longest wait after, min", "Room at most, degC", "Extra cooling")
    return _table(
        heads,
        [
            (
                block["name"],
                block["units"],
                _yes(block["attended"]),
                block["max_wait_min"],
                "-" if block["room_max_c"] is None else f"{block['room_max_c']:g}",
                _yes(block["extra_cooling"]),
            )
            for block in told["blocks"]
        ],
    )


def _stages(told: dict[str, Any]) -> Table:
    names = [each["name"] for each in told["products"]]
    rows = [
        (block["name"], stage["name"], stage["machine"], f"{stage['power_kw']:g}", *map(stage["minutes"].get, names))
        for block in told["blocks"]
        for stage in block["stages"]
    ]
    return _table(("Block", "Stage", "Machine", "kW", *(f"{name}, min" for name in names)), rows)


def _products(told: dict[str, Any]) -> Table:
    rows = [
        (
            each["name"],
            f"{each['batch_kg']:g}",
            f"{each['batch_kwh']:.1f}",
            sum(due[each["name"]] for due in told["targets"].values()),
        )
        for each in told["products"]
    ]
    return _table(("Product", "kg a batch", "kWh a batch", "Batches a week"), rows)


def _shifts(told: dict[str, Any]) -> Table:
    rows = [(shift["name"], shift["from"], shift["until"], " ".join(shift["days"])) for shift in told["shifts"]]
    national = ["national holidays of Spain"] if told["calendar"]["national_holidays"] else []
    free = ", ".join([*national, *told["calendar"]["closed_days"]])
    return _table(("Shift", "From", "Until", "Days"), [*rows, ("nobody", "", "", free or "-")])


def _targets(told: dict[str, Any]) -> Table:
    rows = [(each["name"], *(due[each["name"]] for due in told["targets"].values())) for each in told["products"]]
    return _table(("Batches due", *told["targets"]), rows)


def _numbers(told: dict[str, Any]) -> Table:
    rows = [
        *(
            (one["name"], f"{one['power_kw']:g} kW from {one['from']} until {one['until']}")
            for one in told["auxiliaries"]
        ),
        *((f"room: {name}", f"{value:g}") for name, value in told["room"].items()),
        *((f"cost: {name}", f"{value:.2f} EUR/kg") for name, value in told["costs_eur_kg"].items()),
        ("working as usual: released at", told["released_at"]),
    ]
    return _table(("What else counts", ""), rows)


def _table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> Table:
    """A table whose texts are shown as they are: names come out of somebody's file."""
    table = Table(*map(escape, heads))
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))
    return table


def _yes(value: bool) -> str:
    return "yes" if value else "no"
