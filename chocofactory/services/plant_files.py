"""The plant file of this installation, or the default plant that comes with the program."""

from __future__ import annotations

from dataclasses import asdict
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from chocofactory.core.errors import PlantInvalid
from chocofactory.domain.plant import MINUTES_A_DAY
from chocofactory.domain.plant_file import parse_plant
from chocofactory.domain.plant_form import WEEKDAYS

if TYPE_CHECKING:
    from pathlib import Path

    from chocofactory.domain.plant import Plant


DEFAULT = "plant.toml"
"""The name of the default plant's file."""


def plant_text(path: Path | None) -> str:
    """The text of a plant file; None: of the default plant's.

    Raises
    ------
    PlantInvalid
        The file cannot be read.

    """
    if path is None:
        return files("chocofactory").joinpath(DEFAULT).read_text(encoding="utf-8")
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise PlantInvalid("{name} cannot be read: {reason}", name=str(path), reason=error.strerror or "") from error
    except UnicodeDecodeError as error:
        raise PlantInvalid("{name} cannot be read: {reason}", name=str(path), reason="it is not UTF-8") from error


def load_plant(path: Path | None) -> Plant:
    """The plant of a TOML file; None: the default plant.

    Raises
    ------
    PlantInvalid
        The file cannot be read, or as ``parse_plant``.

    """
    return parse_plant(plant_text(path), str(path) if path else DEFAULT)


def plant_record(plant: Plant) -> dict[str, Any]:
    """The plant as a structure of names and numbers, in the words of the file; energies [kWh] and weeks are added."""
    names = plant.product_names
    return {
        "name": plant.name,
        "contracted_kw": plant.contracted_kw,
        "products": [
            {"name": each.name, "batch_kg": each.batch_kg, "batch_kwh": round(plant.energy_kwh(each.name), 3)}
            for each in plant.products
        ],
        "blocks": [
            {
                "name": block.name,
                "units": block.units,
                "attended": block.attended,
                "max_wait_min": block.max_wait_min,
                "room_max_c": block.room_max_c,
                "extra_cooling": block.extra_cooling,
                "minutes": {name: block.minutes(name) for name in names},
                "stages": [
                    {
                        "name": stage.name,
                        "machine": stage.machine,
                        "power_kw": stage.power_kw,
                        "minutes": dict(stage.minutes),
                        "batch_kwh": {name: round(stage.energy_kwh(name), 3) for name in names},
                    }
                    for stage in block.stages
                ],
            }
            for block in plant.blocks
        ],
        "auxiliaries": [
            {"name": one.name, "power_kw": one.power_kw, "from": clock_face(one.start), "until": clock_face(one.end)}
            for one in plant.auxiliaries
        ],
        "shifts": [
            {
                "name": shift.name,
                "from": clock_face(shift.start),
                "until": clock_face(shift.end),
                "days": [WEEKDAYS[day] for day in sorted(shift.weekdays)],
            }
            for shift in plant.shifts
        ],
        "calendar": {
            "national_holidays": plant.calendar.national_holidays,
            "closed_days": [day.isoformat() for day in sorted(plant.calendar.closed_days)],
        },
        "targets": {
            day: {name: plant.targets.get(place, {}).get(name, 0) for name in names}
            for place, day in enumerate(WEEKDAYS)
        },
        "room": asdict(plant.room),
        "costs_eur_kg": asdict(plant.costs),
        "scoring": asdict(plant.scoring),
        "released_at": clock_face(plant.release_min),
    }


def clock_face(minute: int) -> str:
    """A minute of the day as in the file: "06:00"; beyond 24:00 it is the next day's."""
    minute = minute - MINUTES_A_DAY if minute > MINUTES_A_DAY else minute
    return f"{minute // 60:02}:{minute % 60:02}"
