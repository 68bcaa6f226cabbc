"""What may stand in a plant file: its tables and keys, and what each value must be by itself."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict

from chocofactory.domain.plant import MINUTES_A_DAY

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Names of the weekdays in a file, Monday first."""

_WEEK = 7 * MINUTES_A_DAY
"""No length, and no count, is above it."""
_WALL = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")


def _minute(value: object) -> int:
    if not isinstance(value, str) or not _WALL.fullmatch(value):
        msg = 'must be a time as "06:00"'
        raise ValueError(msg)
    return int(value[:2]) * 60 + int(value[3:])


Name = Annotated[str, Strict(), Field(min_length=1)]
Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Strict(), Field(ge=0, le=_WEEK)]
Positive = Annotated[int, Strict(), Field(gt=0, le=_WEEK)]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
AtLeastZero = Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False)]
AboveZero = Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)]
Percent = Annotated[float, Strict(), Field(ge=0, le=100, allow_inf_nan=False)]
Minute = Annotated[int, BeforeValidator(_minute)]
Day = Annotated[date, Strict()]
Share = Annotated[float, Strict(), Field(ge=0, le=1, allow_inf_nan=False)]
Points = Annotated[list[tuple[Number, Share]], Field(min_length=1)]


class Table(BaseModel):
    """A table of the file; a key that it does not know is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AuxiliaryTable(Table):
    """What runs whatever is planned, from the one minute of each day to the other."""

    name: Name
    power_kw: AboveZero
    start: Minute = Field(0, alias="from")
    end: Minute = Field(MINUTES_A_DAY, alias="until")


class PowerTable(Table):
    """What the contract allows, and what is drawn in any case."""

    contracted_kw: AboveZero
    auxiliaries: list[AuxiliaryTable] = []


class MachineTable(Table):
    """What a machine draws at work."""

    power_kw: AboveZero


class ProductTable(Table):
    """Something that is made in batches."""

    batch_kg: AboveZero


class StageTable(Table):
    """A step of a block: its machine, and its minutes by product."""

    name: Name
    machine: Name
    minutes: dict[Name, Positive]


class BlockTable(Table):
    """Stages that follow at once, and their limits."""

    name: Name
    units: Positive
    attended: Flag
    max_wait_min: Whole = 0
    room_max_c: Number | None = None
    extra_cooling: Flag = False
    stages: list[StageTable] = Field(min_length=1)


class ShiftTable(Table):
    """When somebody is there."""

    name: Name
    start: Minute = Field(alias="from")
    end: Minute = Field(alias="until")
    days: list[Weekday] = Field(min_length=1)


class CalendarTable(Table):
    """When nobody is there in spite of the shifts."""

    national_holidays: Flag
    closed_days: list[Day] = []


class ClimateTable(Table):
    """How the room follows the weather."""

    hvac_setpoint_c: Number
    hvac_until_outside_c: Number
    hvac_relief_c: AtLeastZero
    hvac_humidity_max_pct: Percent
    start_humidity_max_pct: Percent
    extra_cooling_kw_per_c: AtLeastZero
    extra_cooling_above_c: Number
    margin_c: AtLeastZero


class CostsTable(Table):
    """What a kilogram costs beside energy."""

    materials: AtLeastZero
    packaging: AtLeastZero
    labour: AtLeastZero
    overhead: AtLeastZero


class WeightsTable(Table):
    """Shares of the hourly score."""

    price: Share
    temperature: Share
    humidity: Share


class ScoringTable(Table):
    """How favourable an hour is."""

    weights: WeightsTable
    price_eur_kwh: Points
    room_c: Points
    room_pct: Points
    optimal_from: Percent
    moderate_from: Percent
    reduced_from: Percent
    finish_only_above_eur_kwh: Number


class BaselineTable(Table):
    """How a planner works who does not look at prices."""

    released_at: Minute


class PlantForm(Table):
    """The whole file, each value sound by itself."""

    name: Name
    power: PowerTable
    machines: dict[Name, MachineTable] = Field(min_length=1)
    products: dict[Name, ProductTable] = Field(min_length=1)
    blocks: list[BlockTable] = Field(min_length=1)
    shifts: list[ShiftTable]
    calendar: CalendarTable
    targets: dict[Weekday, dict[Name, Whole]]
    climate: ClimateTable
    costs_eur_kg: CostsTable
    scoring: ScoringTable
    baseline: BaselineTable
