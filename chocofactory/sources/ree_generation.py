"""What REE apidatos answers about generation: ``GET /es/datos/generacion/estructura-generacion``.

A block for each technology, with the energy of each local day [MWh] and its share of all (0 to 1), and one for the
total. Technologies are known by the block's Spanish ``type``, whatever its capitals and accents; one that is new here
keeps its own name, in the same spelling as the others. A technology that hardly runs has values for some days only.
The ``hour`` that other addresses of apidatos take answers 500 here.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chocofactory.core.clock import day_bounds
from chocofactory.core.errors import MalformedAnswer
from chocofactory.domain.gaps import on_grid
from chocofactory.domain.generation import COMBINED_CYCLE
from chocofactory.domain.measurements import DAILY
from chocofactory.sources.base import answered_for_others, moment, no_generation, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

PATH = "es/datos/generacion/estructura-generacion"

TECHNOLOGIES: Mapping[str, str] = {
    "hidraulica": "hydro",
    "turbinacion_bombeo": "pumped_storage",
    "nuclear": "nuclear",
    "carbon": "coal",
    "fuel_gas": "fuel_gas",
    "motores_diesel": "diesel_engines",
    "turbina_de_gas": "gas_turbine",
    "turbina_de_vapor": "steam_turbine",
    "ciclo_combinado": COMBINED_CYCLE,
    "hidroeolica": "hydro_wind",
    "eolica": "wind",
    "solar_fotovoltaica": "solar_photovoltaic",
    "solar_termica": "solar_thermal",
    "otras_renovables": "other_renewables",
    "cogeneracion": "cogeneration",
    "residuos_no_renovables": "non_renewable_waste",
    "residuos_renovables": "renewable_waste",
    "entrega_bateria": "battery_discharge",
    "entrega_baterias": "battery_discharge",
}
"""What a technology is called here, by REE's name as ``spelled`` has it."""

_TOTAL = "generacion_total"
_APART = re.compile(r"[^a-z0-9]+")


def parse_generation(payload: Any, first: date, last: date, *, source: str) -> dict[str, pd.DataFrame]:
    """Generation of the local days ``first`` ... ``last`` by technology, out of an answer of apidatos.

    A null value is absent, a null share NaN; days that were not asked for are cut; rows given twice count once. Zero is
    a value.

    Returns
    -------
    dict
        As ``GenerationSource.generation`` says.

    Raises
    ------
    NotPublished
        There is no technology, or no value of any.
    MalformedAnswer
        An unknown form, a time without offset or that is no local midnight, a value that is not a number, a share
        beyond one, two values of a technology for a day, or only days that were not asked for.

    """
    rows = [
        (technology, moment(row[0], source), number(row[1], source), number(row[2], source))
        for technology, row in _rows(payload, source)
    ]
    table = pd.DataFrame(rows, columns=["technology", "time", "energy_mwh", "share"]).drop_duplicates()
    table["time"] = pd.DatetimeIndex(table["time"], tz="UTC").as_unit("us")
    _check(table, source)
    table = table.dropna(subset="energy_mwh")
    if table.empty:
        raise no_generation(source, first, last)
    start, end = day_bounds(first, last)
    inside = table[(table["time"] >= start) & (table["time"] < end)]
    if inside.empty:
        raise answered_for_others(source, table["time"].iloc[0].isoformat(), first, last)
    return {
        str(technology): part.set_index("time").sort_index()[["energy_mwh", "share"]].astype(float)
        for technology, part in inside.groupby("technology")
    }


def spelled(name: str) -> str:
    """A Spanish name in lower case, without accents, in words that are joined by one underscore each."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return _APART.sub("_", plain.casefold()).strip("_")


def _rows(payload: Any, source: str) -> Iterator[tuple[str, tuple[Any, Any, Any]]]:
    """Technology and (time, value, share) of every row but those of sums."""
    try:
        for block in payload["included"]:
            name, attributes = spelled(block["type"]), block["attributes"]
            if name != _TOTAL and attributes.get("type") != "total" and attributes.get("composite") is not True:
                technology = TECHNOLOGIES.get(name, name)
                for row in attributes["values"]:
                    yield technology, (row["datetime"], row["value"], row.get("percentage"))
    except (KeyError, TypeError, AttributeError):
        unknown = True
    else:
        unknown = False
    if unknown:
        raise MalformedAnswer("{source} answered in a form that is not known.", source=source)


def _check(table: pd.DataFrame, source: str) -> None:
    """Refuse what no day of any technology can be."""
    nameless = table["technology"] == ""
    if nameless.any():
        raise MalformedAnswer("{source} answered in a form that is not known.", source=source)
    crooked = ~on_grid(pd.DatetimeIndex(table["time"]), DAILY)
    if crooked.any():
        raise MalformedAnswer(
            "{source} answered with {time}, where a day begins at no hour but midnight.",
            source=source,
            time=table["time"][crooked].iloc[0].isoformat(),
        )
    beyond = np.abs(table["share"].to_numpy(dtype=float)) > 1
    if beyond.any():
        raise MalformedAnswer(
            "{source} answered with a share of {share}: shares lie between 0 and 1.",
            source=source,
            share=float(table["share"][beyond].iloc[0]),
        )
    doubled = table[table.duplicated(["technology", "time"])]
    if len(doubled):
        raise MalformedAnswer(
            "{source} answered with two values of {technology} for {time}.",
            source=source,
            technology=doubled["technology"].iloc[0],
            time=doubled["time"].iloc[0].isoformat(),
        )
