"""Commands that show a plant, and say what is wrong with the file of one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from chocofactory.cli.terminal import Json, err, exit_of, out, print_json
from chocofactory.core.config import load_settings
from chocofactory.core.errors import PlantInvalid
from chocofactory.services.plant_files import load_plant, plant_record

if TYPE_CHECKING:
    from chocofactory.domain.plant import Plant

plant = typer.Typer(no_args_is_help=True, help="Show a plant, and check the file of one.")


@plant.command()
def check(file: Annotated[Path, typer.Argument(help="A plant file, in TOML.", metavar="FILE")]) -> None:
    """Say what is wrong with a plant file, a line each; exit code 2 when anything is."""
    told = plant_record(_read(file))
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
    told = plant_record(_read(file or load_settings().plant_file))
    if as_json:
        print_json(told)
        return
    line = f"{told['name']}: {told['contracted_kw']:g} kW contracted"
    out.print(line, markup=False, highlight=False)
    for table in (_blocks(told), _stages(told), _products(told), _shifts(told), _targets(told), _numbers(told)):
        out.print(table)


def _read(file: Path | None) -> Plant:
    try:
        return load_plant(file)
    except PlantInvalid as error:
        for line in error.faults or [str(error)]:
            err.print(line, style="red", highlight=False, markup=False)
        raise typer.Exit(exit_of(type(error))) from error


def _blocks(told: dict[str, Any]) -> Table:
    table = Table("Block", "Units", "Attended", "Longest wait after, min", "Room at most, degC", "Extra cooling")
    for block in told["blocks"]:
        limit = "-" if block["room_max_c"] is None else f"{block['room_max_c']:g}"
        attended, cooling = (_yes(block[key]) for key in ("attended", "extra_cooling"))
        table.add_row(block["name"], str(block["units"]), attended, str(block["max_wait_min"]), limit, cooling)
    return table


def _stages(told: dict[str, Any]) -> Table:
    names = [each["name"] for each in told["products"]]
    table = Table("Block", "Stage", "Machine", "kW", *(f"{name}, min" for name in names))
    for block in told["blocks"]:
        for stage in block["stages"]:
            minutes = [str(stage["minutes"][name]) for name in names]
            table.add_row(block["name"], stage["name"], stage["machine"], f"{stage['power_kw']:g}", *minutes)
    return table


def _products(told: dict[str, Any]) -> Table:
    table = Table("Product", "kg a batch", "kWh a batch", "Batches a week")
    for each in told["products"]:
        week = sum(due[each["name"]] for due in told["targets"].values())
        table.add_row(each["name"], f"{each['batch_kg']:g}", f"{each['batch_kwh']:.1f}", str(week))
    return table


def _shifts(told: dict[str, Any]) -> Table:
    table = Table("Shift", "From", "Until", "Days")
    for shift in told["shifts"]:
        table.add_row(shift["name"], shift["from"], shift["until"], " ".join(shift["days"]))
    closed = told["calendar"]["closed_days"]
    free = (["national holidays of Spain"] if told["calendar"]["national_holidays"] else []) + closed
    table.add_row("nobody", "", "", ", ".join(free) or "-")
    return table


def _targets(told: dict[str, Any]) -> Table:
    table = Table("Batches due", *told["targets"])
    for each in told["products"]:
        table.add_row(each["name"], *(str(due[each["name"]]) for due in told["targets"].values()))
    return table


def _numbers(told: dict[str, Any]) -> Table:
    table = Table("What else counts", "")
    for one in told["auxiliaries"]:
        table.add_row(one["name"], f"{one['power_kw']:g} kW from {one['from']} until {one['until']}")
    for name, value in told["room"].items():
        table.add_row(f"room: {name}", f"{value:g}")
    for name, value in told["costs_eur_kg"].items():
        table.add_row(f"cost: {name}", f"{value:.2f} EUR/kg")
    table.add_row("working as usual: released at", told["released_at"])
    return table


def _yes(value: bool) -> str:
    return "yes" if value else "no"
