"""A plant as a TOML file: what may stand in it, and what it says. See ``plant.toml``, the default plant."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, ValidationError

from chocofactory.core.errors import PlantInvalid
from chocofactory.domain.plant import (
    MINUTES_A_DAY,
    Auxiliary,
    Block,
    Calendar,
    Costs,
    Plant,
    Product,
    Shift,
    Stage,
)
from chocofactory.domain.room import Room
from chocofactory.domain.scoring import Curve, Scoring

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Names of the weekdays in a file, Monday first."""

_WALL = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")


def _minute(value: object) -> int:
    if not isinstance(value, str) or not _WALL.fullmatch(value):
        msg = 'must be a time as "06:00"'
        raise ValueError(msg)
    return int(value[:2]) * 60 + int(value[3:])


Name = Annotated[str, Strict(), Field(min_length=1)]
Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Strict(), Field(ge=0)]
Positive = Annotated[int, Strict(), Field(gt=0)]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
AtLeastZero = Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False)]
AboveZero = Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)]
Percent = Annotated[float, Strict(), Field(ge=0, le=100, allow_inf_nan=False)]
Minute = Annotated[int, BeforeValidator(_minute)]
Day = Annotated[date, Strict()]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Share = Annotated[float, Strict(), Field(ge=0, le=1, allow_inf_nan=False)]
Points = Annotated[list[tuple[Number, Share]], Field(min_length=1)]


class _Table(BaseModel):
    """A table of the file; a key that it does not know is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Auxiliary(_Table):
    name: Name
    power_kw: AboveZero
    start: Minute = Field(0, alias="from")
    end: Minute = Field(MINUTES_A_DAY, alias="until")


class _Power(_Table):
    contracted_kw: AboveZero
    auxiliaries: list[_Auxiliary] = []


class _Machine(_Table):
    power_kw: AboveZero


class _Product(_Table):
    batch_kg: AboveZero


class _Stage(_Table):
    name: Name
    machine: Name
    minutes: dict[Name, Positive]


class _Block(_Table):
    name: Name
    units: Positive
    attended: Flag
    max_wait_min: Whole = 0
    room_max_c: Number | None = None
    extra_cooling: Flag = False
    stages: list[_Stage] = Field(min_length=1)


class _Shift(_Table):
    name: Name
    start: Minute = Field(alias="from")
    end: Minute = Field(alias="until")
    days: list[Weekday] = Field(min_length=1)


class _Calendar(_Table):
    national_holidays: Flag
    closed_days: list[Day] = []


class _Climate(_Table):
    hvac_setpoint_c: Number
    hvac_until_outside_c: Number
    hvac_relief_c: AtLeastZero
    hvac_humidity_max_pct: Percent
    start_humidity_max_pct: Percent
    extra_cooling_kw_per_c: AtLeastZero
    extra_cooling_above_c: Number
    margin_c: AtLeastZero


class _Costs(_Table):
    materials: AtLeastZero
    packaging: AtLeastZero
    labour: AtLeastZero
    overhead: AtLeastZero


class _Weights(_Table):
    price: Share
    temperature: Share
    humidity: Share


class _Scoring(_Table):
    weights: _Weights
    price_eur_kwh: Points
    room_c: Points
    room_pct: Points
    optimal_from: Percent
    moderate_from: Percent
    reduced_from: Percent
    finish_only_above_eur_kwh: Number


class _Baseline(_Table):
    released_at: Minute


class PlantFile(_Table):
    """The whole file, each value sound by itself."""

    name: Name
    power: _Power
    machines: dict[Name, _Machine] = Field(min_length=1)
    products: dict[Name, _Product] = Field(min_length=1)
    blocks: list[_Block] = Field(min_length=1)
    shifts: list[_Shift] = Field(min_length=1)
    calendar: _Calendar
    targets: dict[Weekday, dict[Name, Whole]]
    climate: _Climate
    costs_eur_kg: _Costs
    scoring: _Scoring
    baseline: _Baseline


def parse_plant(text: str, name: str) -> Plant:
    """The plant that a TOML text describes; ``name`` says in errors which text it is.

    Raises
    ------
    PlantInvalid
        The text is not TOML, or the plant has faults: all of them, each with its key.

    """
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlantInvalid("{name} is not TOML: {reason}", name=name, reason=str(error)) from error
    try:
        file = PlantFile.model_validate(read)
    except ValidationError as error:
        raise faulty(name, [_sentence(fault) for fault in error.errors(include_url=False)]) from error
    return _plant(file)


def faulty(name: str, faults: list[str]) -> PlantInvalid:
    """The error that names all faults of a plant."""
    return PlantInvalid("The plant in {name} has faults: {listed}", name=name, listed="; ".join(faults), faults=faults)


def key_of(parts: tuple[int | str, ...]) -> str:
    """A key as people write it: ``blocks[1].units``; counted from 0, as in the file's order."""
    shown = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts if part != "[key]")
    return shown.removeprefix(".")


def _sentence(fault: Any) -> str:
    key = key_of(fault["loc"])
    if fault["type"] == "missing":
        return f"{key} is missing"
    if fault["type"] == "extra_forbidden":
        return f"{key} is not known"
    rule = fault["msg"].removeprefix("Value error, ").replace("Input should", "must")
    return f"{key} {rule[0].lower()}{rule[1:]}, not {fault['input']!r}"


def _plant(file: PlantFile) -> Plant:
    return Plant(
        name=file.name,
        products=tuple(Product(name, table.batch_kg) for name, table in file.products.items()),
        blocks=tuple(_block(each, file.machines) for each in file.blocks),
        shifts=tuple(_shift(each) for each in file.shifts),
        calendar=Calendar(file.calendar.national_holidays, frozenset(file.calendar.closed_days)),
        targets={place: dict(file.targets.get(day, {})) for place, day in enumerate(WEEKDAYS)},  # type: ignore[call-overload]
        contracted_kw=file.power.contracted_kw,
        auxiliaries=tuple(Auxiliary(one.name, one.power_kw, one.start, one.end) for one in file.power.auxiliaries),
        room=_room(file.climate),
        costs=Costs(**file.costs_eur_kg.model_dump()),
        scoring=_scoring(file.scoring),
        release_min=file.baseline.released_at,
    )


def _block(table: _Block, machines: dict[str, _Machine]) -> Block:
    stages = tuple(
        Stage(each.name, each.machine, machines[each.machine].power_kw, dict(each.minutes)) for each in table.stages
    )
    return Block(
        name=table.name,
        stages=stages,
        units=table.units,
        attended=table.attended,
        max_wait_min=table.max_wait_min,
        room_max_c=table.room_max_c,
        extra_cooling=table.extra_cooling,
    )


def _shift(table: _Shift) -> Shift:
    end = table.end if table.end > table.start else table.end + MINUTES_A_DAY
    return Shift(table.name, table.start, end, frozenset(WEEKDAYS.index(day) for day in table.days))


def _room(table: _Climate) -> Room:
    return Room(
        setpoint_c=table.hvac_setpoint_c,
        until_outside_c=table.hvac_until_outside_c,
        relief_c=table.hvac_relief_c,
        humidity_max_pct=table.hvac_humidity_max_pct,
        start_humidity_max_pct=table.start_humidity_max_pct,
        cooling_kw_per_c=table.extra_cooling_kw_per_c,
        cooling_above_c=table.extra_cooling_above_c,
        margin_c=table.margin_c,
    )


def _scoring(table: _Scoring) -> Scoring:
    return Scoring(
        price_weight=table.weights.price,
        temperature_weight=table.weights.temperature,
        humidity_weight=table.weights.humidity,
        price_eur_kwh=_curve(table.price_eur_kwh),
        room_c=_curve(table.room_c),
        room_pct=_curve(table.room_pct),
        optimal_from=table.optimal_from,
        moderate_from=table.moderate_from,
        reduced_from=table.reduced_from,
        finish_only_above_eur_kwh=table.finish_only_above_eur_kwh,
    )


def _curve(points: list[tuple[float, float]]) -> Curve:
    return tuple(points)
