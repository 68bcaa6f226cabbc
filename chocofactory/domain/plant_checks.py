"""Faults of a plant that no single value shows: values that do not agree, and plants that can never work.

Each fault is a clause that begins with the key it is about, counted from 0 as in ``blocks[1].stages[0]``.
"""

from __future__ import annotations

from itertools import groupby, pairwise
from math import isclose
from typing import TYPE_CHECKING

from chocofactory.domain.plant import MINUTES_A_DAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chocofactory.domain.plant import Auxiliary, Block, Plant
    from chocofactory.domain.plant_form import PlantForm

SLOT = 15
"""Blocks start on the quarter-hour, and occupy their unit in whole ones [minutes]."""
_WEEK = 7 * MINUTES_A_DAY


def inconsistencies(form: PlantForm) -> list[str]:
    """Where values do not agree, each sound by itself."""
    return [*_names(form), *_machines(form), *_products(form), *_times(form), *_scoring(form)]


def impossibilities(plant: Plant) -> list[str]:
    """Why the plant can never work, or never do what is due in a usual week: what can be told without planning.

    Only what is certain is told: a plant that passes may still have more to do than it can.
    """
    staffed = _staffed_week(plant)
    faults = [*_contract(plant, staffed), *_targets(plant, staffed)]
    for place, block in enumerate(plant.blocks):
        faults += _waits(plant, place)
        faults += _stretches(plant, place, staffed)
        if block.room_max_c is not None and block.room_max_c < plant.room.setpoint_c:
            held = f"what HVAC holds (climate.hvac_setpoint_c, {plant.room.setpoint_c:g})"
            faults.append(f"blocks[{place}].room_max_c must be at least {held}, not {block.room_max_c:g}")
    return faults


def occupied(minutes: int) -> int:
    """How long a block of so many real minutes occupies its unit [minutes]."""
    return -(-minutes // SLOT) * SLOT


def _names(form: PlantForm) -> Iterator[str]:
    yield from _twice((f"blocks[{place}].name", block.name) for place, block in enumerate(form.blocks))
    yield from _twice(
        (f"blocks[{place}].stages[{step}].name", stage.name)
        for place, block in enumerate(form.blocks)
        for step, stage in enumerate(block.stages)
    )
    yield from _twice((f"shifts[{place}].name", shift.name) for place, shift in enumerate(form.shifts))
    yield from _twice(
        (f"power.auxiliaries[{place}].name", one.name) for place, one in enumerate(form.power.auxiliaries)
    )


def _machines(form: PlantForm) -> Iterator[str]:
    used = [
        (f"blocks[{place}].stages[{step}].machine", stage.machine)
        for place, block in enumerate(form.blocks)
        for step, stage in enumerate(block.stages)
    ]
    yield from _twice(used)
    yield from (f"{key} must be one of machines, not {name!r}" for key, name in used if name not in form.machines)
    idle = form.machines.keys() - {name for _key, name in used}
    yield from (f"machines.{name} is used by no stage" for name in form.machines if name in idle)


def _products(form: PlantForm) -> Iterator[str]:
    tables = {
        f"blocks[{place}].stages[{step}].minutes": stage.minutes
        for place, block in enumerate(form.blocks)
        for step, stage in enumerate(block.stages)
    }
    for key, minutes in tables.items():
        yield from (f"{key}.{name} is missing" for name in form.products if name not in minutes)
    for key, counts in (tables | {f"targets.{day}": due for day, due in form.targets.items()}).items():
        yield from (f"{key}.{name} is not one of products" for name in counts if name not in form.products)


def _times(form: PlantForm) -> Iterator[str]:
    for place, one in enumerate(form.power.auxiliaries):
        if one.end <= one.start:
            yield f"power.auxiliaries[{place}].until must be later than from, on the same day"
    for place, shift in enumerate(form.shifts):
        if shift.start == MINUTES_A_DAY:
            yield f'shifts[{place}].from must be before the end of the day, not "24:00"'
    if form.blocks[-1].max_wait_min:
        yield f"blocks[{len(form.blocks) - 1}].max_wait_min has no meaning: no block follows"


def _scoring(form: PlantForm) -> Iterator[str]:
    table = form.scoring
    curves = {"price_eur_kwh": table.price_eur_kwh, "room_c": table.room_c, "room_pct": table.room_pct}
    for key, points in curves.items():
        for place, (before, point) in enumerate(pairwise(points), start=1):
            if point[0] <= before[0]:
                yield f"scoring.{key}[{place}][0] must be above {before[0]:g}, the one before, not {point[0]:g}"
    total = table.weights.price + table.weights.temperature + table.weights.humidity
    if not isclose(total, 1):
        yield f"scoring.weights must sum to 1, not {total:g}"
    for upper, lower in pairwise(("optimal_from", "moderate_from", "reduced_from")):
        if getattr(table, lower) >= getattr(table, upper):
            yield f"scoring.{lower} must be below {upper}, {getattr(table, upper):g}, not {getattr(table, lower):g}"


def _twice(named: Iterable[tuple[str, str]]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for key, name in named:
        if name in seen:
            yield f"{key} is {name!r}, and so is {seen[name]}"
        seen.setdefault(name, key)


def _staffed_week(plant: Plant) -> list[bool]:
    """For each minute of a week without holidays, from Monday on, whether somebody is there."""
    week = [False] * _WEEK
    for shift in plant.shifts:
        for day in shift.weekdays:
            for minute in range(shift.start, shift.end):
                week[(day * MINUTES_A_DAY + minute) % _WEEK] = True
    return week


def _contract(plant: Plant, staffed: list[bool]) -> Iterator[str]:
    draws = [_auxiliary_kw(plant.auxiliaries, minute) for minute in range(MINUTES_A_DAY)]
    most = max(range(MINUTES_A_DAY), key=draws.__getitem__)
    if draws[most] >= plant.contracted_kw:
        at = f"{most // 60:02}:{most % 60:02}"
        rule = f"must exceed what auxiliaries draw, {draws[most]:g} kW at {at}"
        yield f"power.contracted_kw {rule}, not {plant.contracted_kw:g}"
        return
    there = [draw for minute, draw in enumerate(draws) if any(staffed[minute::MINUTES_A_DAY])]
    for place, block in enumerate(plant.blocks):
        least = min(there if block.attended and there else draws)
        for product in plant.product_names:
            if (kw := _highest_kw(block, product) + least) > plant.contracted_kw:
                what = f"a quarter-hour of blocks[{place}] ({block.name}) of {product} with auxiliaries needs {kw:g} kW"
                yield f"power.contracted_kw must allow each block: {what}, not {plant.contracted_kw:g}"


def _auxiliary_kw(auxiliaries: tuple[Auxiliary, ...], minute: int) -> float:
    return sum(one.power_kw for one in auxiliaries if one.start <= minute < one.end)


def _highest_kw(block: Block, product: str) -> float:
    """The highest mean power of a quarter-hour of a block alone."""
    draw = [stage.power_kw for stage in block.stages for _minute in range(stage.minutes[product])]
    return max(sum(draw[start : start + SLOT]) / SLOT for start in range(0, len(draw), SLOT))


def _targets(plant: Plant, staffed: list[bool]) -> Iterator[str]:
    week = {name: sum(due.get(name, 0) for due in plant.targets.values()) for name in plant.product_names}
    if any(week.values()) and not plant.shifts:
        yield "targets are due on working days, and no shift makes one: shifts is empty"
    # A block of which a minute must be staffed occupies only quarter-hours that somebody is there in.
    there = sum(SLOT for start in range(0, _WEEK, SLOT) if any(staffed[start : start + SLOT]))
    for place, block in enumerate(plant.blocks):
        needed = sum(batches * occupied(block.minutes(name)) for name, batches in week.items())
        if needed > (has := block.units * (there if block.attended else _WEEK)):
            what = f"{needed} minutes a week of blocks[{place}] ({block.name})"
            yield f"targets need {what}, of which there are {has} at most"


def _waits(plant: Plant, place: int) -> Iterator[str]:
    block = plant.blocks[place]
    if place == len(plant.blocks) - 1:
        return
    for product in plant.product_names:
        minutes = block.minutes(product)
        if block.max_wait_min < (least := occupied(minutes) - minutes):
            why = f"{product} takes {minutes} minutes, and blocks start on the quarter-hour"
            yield f"blocks[{place}].max_wait_min must be at least {least} ({why}), not {block.max_wait_min}"


def _stretches(plant: Plant, place: int, staffed: list[bool]) -> Iterator[str]:
    block = plant.blocks[place]
    if not block.attended:
        return
    longest = 0
    runs = groupby(range(2 * _WEEK), key=lambda minute: staffed[minute % _WEEK])
    for there, run in runs:
        minutes = list(run)
        if there:
            longest = max(longest, len(minutes) - -minutes[0] % SLOT)
    for product in plant.product_names:
        if (wanted := block.minutes(product)) > longest:
            rule = (
                f"is attended and takes {wanted} minutes of {product}, longer than anybody is ever there at a stretch"
            )
            yield f"blocks[{place}] ({block.name}) {rule} ({longest} minutes from a quarter-hour on)"
