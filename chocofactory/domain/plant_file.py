"""A plant as a TOML file: what it says. See ``plant.toml``, the default plant."""

from __future__ import annotations

import textwrap
import tomllib
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from chocofactory.core.errors import PlantInvalid
from chocofactory.domain.plant import MINUTES_A_DAY, Auxiliary, Block, Calendar, Costs, Plant, Product, Shift, Stage
from chocofactory.domain.plant_checks import impossibilities, inconsistencies
from chocofactory.domain.plant_form import WEEKDAYS, PlantForm
from chocofactory.domain.room import Room
from chocofactory.domain.scoring import Scoring

if TYPE_CHECKING:
    from chocofactory.domain.plant_form import BlockTable, ClimateTable, MachineTable, ScoringTable, ShiftTable

_SHOWN = 60
"""Characters of a wrong value that are shown."""


def parse_plant(text: str, name: str) -> Plant:
    """The plant that a TOML text describes; ``name`` says in errors which text it is.

    Raises
    ------
    PlantInvalid
        The text is not TOML, or the plant has faults: all of them, each with its key. First those of single values;
        once each is sound, those of values that do not agree; then those that keep the plant from ever working.

    """
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlantInvalid("{name} is not TOML: {reason}", name=name, reason=str(error)) from error
    try:
        form = PlantForm.model_validate(read)
    except ValidationError as error:
        raise _faulty(name, [_sentence(fault) for fault in error.errors(include_url=False)]) from error
    if faults := inconsistencies(form):
        raise _faulty(name, faults)
    plant = _plant(form)
    if faults := impossibilities(plant):
        raise _faulty(name, faults)
    return plant


def _faulty(name: str, faults: list[str]) -> PlantInvalid:
    return PlantInvalid("The plant in {name} has faults: {listed}", name=name, listed="; ".join(faults), faults=faults)


def _key(parts: tuple[int | str, ...]) -> str:
    shown = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts if part != "[key]")
    return shown.removeprefix(".")


def _sentence(fault: Any) -> str:
    key = _key(fault["loc"])
    if fault["type"] == "missing":
        return f"{key} is missing"
    if fault["type"] == "extra_forbidden":
        return f"{key} is not known"
    rule = fault["msg"].removeprefix("Value error, ").replace("Input should", "must")
    given = textwrap.shorten(repr(fault["input"]), _SHOWN, placeholder=" ...")
    return f"{key} {rule[0].lower()}{rule[1:]}, not {given}"


def _plant(form: PlantForm) -> Plant:
    return Plant(
        name=form.name,
        products=tuple(Product(name, table.batch_kg) for name, table in form.products.items()),
        blocks=tuple(_block(each, form.machines) for each in form.blocks),
        shifts=tuple(_shift(each) for each in form.shifts),
        calendar=Calendar(form.calendar.national_holidays, frozenset(form.calendar.closed_days)),
        targets={WEEKDAYS.index(day): dict(form.targets.get(day, {})) for day in WEEKDAYS},
        contracted_kw=form.power.contracted_kw,
        auxiliaries=tuple(Auxiliary(one.name, one.power_kw, one.start, one.end) for one in form.power.auxiliaries),
        room=_room(form.climate),
        costs=Costs(**form.costs_eur_kg.model_dump()),
        scoring=_scoring(form.scoring),
        release_min=form.baseline.released_at,
    )


def _block(table: BlockTable, machines: dict[str, MachineTable]) -> Block:
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


def _shift(table: ShiftTable) -> Shift:
    end = table.end if table.end > table.start else table.end + MINUTES_A_DAY
    return Shift(table.name, table.start, end, frozenset(WEEKDAYS.index(day) for day in table.days))


def _room(table: ClimateTable) -> Room:
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


def _scoring(table: ScoringTable) -> Scoring:
    return Scoring(
        price_weight=table.weights.price,
        temperature_weight=table.weights.temperature,
        humidity_weight=table.weights.humidity,
        price_eur_kwh=tuple(table.price_eur_kwh),
        room_c=tuple(table.room_c),
        room_pct=tuple(table.room_pct),
        optimal_from=table.optimal_from,
        moderate_from=table.moderate_from,
        reduced_from=table.reduced_from,
        finish_only_above_eur_kwh=table.finish_only_above_eur_kwh,
    )
