"""The command that says how favourable hours are for production."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from chocofactory.cli.terminal import Exit, Json, in_local_time, opened, out, print_json
from chocofactory.core.errors import InvalidInput

if TYPE_CHECKING:
    from chocofactory.bootstrap import Factory

_COMING = 24
"""Hours that are told unless it is said otherwise."""


def score(
    price: Annotated[float | None, typer.Option(min=-1, max=10, help="Price [EUR/kWh].")] = None,
    temperature: Annotated[float | None, typer.Option(min=-40, max=60, help="Temperature outside [degC].")] = None,
    humidity: Annotated[float | None, typer.Option(min=0, max=100, help="Humidity outside [%].")] = None,
    hours: Annotated[
        int, typer.Option(min=1, max=168, help="How many coming hours, where no price is given.")
    ] = _COMING,
    as_json: Json = False,
) -> None:
    """Say how favourable the coming hours are, or one of this price and weather; exit code 3 when one is unknown."""
    given = [value for value in (price, temperature, humidity) if value is not None]
    if given and len(given) < 3:  # noqa: PLR2004 - all three, or none
        raise InvalidInput("Give price, temperature and humidity together, or none of them.")
    if not all(map(math.isfinite, given)):
        raise InvalidInput("Price, temperature and humidity must be numbers.")
    with opened() as factory:
        if given:
            _one(factory, given, as_json)
        else:
            _coming(factory, hours, as_json)


def _one(factory: Factory, given: list[float], as_json: bool) -> None:
    from chocofactory.services.scoring import RULE, score_record

    told = score_record(factory.recommendations.score(*given))
    if as_json:
        print_json({**told, "rule": RULE})
        return
    out.print(f"[bold]{told['class']}[/bold], {told['score']:.1f} of 100 points", highlight=False)
    for reason in told["reasons"]:
        out.print(reason, highlight=False, markup=False)


def _coming(factory: Factory, hours: int, as_json: bool) -> None:
    from chocofactory.services.scoring import RULE, hourly_records

    told = hourly_records(factory.recommendations.hourly(hours))
    if as_json:
        print_json({"rule": RULE, "recommendations": told})
    else:
        out.print(_table(told))
    if any(hour["score"] is None for hour in told):
        raise typer.Exit(Exit.PARTIAL)


def _table(told: list[dict[str, Any]]) -> Table:
    table = Table("Hour", "Class", "Score", "EUR/kWh", "Price", "Outside", "Weather", "Reasons")
    for hour in told:
        table.add_row(
            in_local_time(datetime.fromisoformat(hour["timestamp"])),
            hour["class"] or "unknown",
            _number(hour["score"], 0),
            _number(hour["price_eur_kwh"], 4),
            hour["price_kind"],
            f"{_number(hour['temperature_c'], 0)} °C, {_number(hour['humidity_pct'], 0)} %",
            hour["weather_kind"],
            " ".join(hour["reasons"]),
        )
    return table


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
