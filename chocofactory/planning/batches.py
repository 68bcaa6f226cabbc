"""Counts of starts made into batches: who goes where, on which unit, what it draws and costs, and for which day it is.

Within a product the batch that came first leaves first, which keeps every wait within its limit whenever the counts do.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import chain, count
from typing import TYPE_CHECKING

import numpy as np

from chocofactory.core.clock import local_date
from chocofactory.planning.model import window_after
from chocofactory.planning.plan import Batch, BlockRun, StageRun
from chocofactory.planning.problem import QUARTER
from chocofactory.planning.starts import drawn_kwh, minutes_run, occupied_until

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    import numpy.typing as npt

    from chocofactory.domain.plant import Block
    from chocofactory.planning.problem import Problem


@dataclass
class _Way:
    """A batch on its way: when each of its blocks starts; the first ``standing`` were not for us to decide."""

    product: str
    starts: list[datetime]
    standing: int = 0
    name: str = ""
    units: list[int] = field(default_factory=list)


def batches(problem: Problem, counts: Mapping[tuple[str, int], npt.NDArray[np.int64]]) -> tuple[Batch, ...]:
    """The batches of a solution, those that finish first first.

    ``counts`` has for each product and block (by place) the number of planned starts in each quarter-hour.
    """
    ways = [way for product in problem.plant.product_names for way in _ways(problem, product, counts)]
    _name(problem, ways)
    _give_units(problem, ways)
    made = [_batch(problem, way) for way in ways]
    made.sort(key=lambda batch: (batch.end, batch.start, batch.name))
    return _with_due(problem, made)


def block_run(problem: Problem, block: Block, product: str, start: datetime, unit: int, *, planned: bool) -> BlockRun:
    """A block of a batch, with its stages, energy and cost as far as they lie within the plan."""
    stages = []
    begin = start
    for stage in block.stages:
        end = begin + timedelta(minutes=stage.minutes[product])
        drawn = stage.power_kw / 60 * minutes_run(problem, begin, end)
        cost = float(drawn @ problem.price_eur_kwh)
        stages.append(StageRun(stage.name, stage.machine, begin, end, float(drawn.sum()), cost))
        begin = end
    cooling = drawn_kwh(problem, block, product, start)[1]
    ran = minutes_run(problem, start, begin) > 0
    room = problem.plant.room
    inside = 0 <= (first := (start - problem.start) // QUARTER) < len(problem.grid)
    temperature = room.temperature_c(problem.outside_c[ran])
    humidity = room.humidity_pct(problem.outside_c, problem.outside_pct)
    return BlockRun(
        block=block.name,
        unit=unit,
        start=start,
        end=begin,
        until=occupied_until(problem, start, block, product),
        stages=tuple(stages),
        cooling_kwh=float(cooling.sum()),
        energy_kwh=sum(stage.energy_kwh for stage in stages) + float(cooling.sum()),
        cost_eur=sum(stage.cost_eur for stage in stages) + float(cooling @ problem.price_eur_kwh),
        room_c=_known(np.nanmax(temperature)) if np.isfinite(temperature).any() else None,
        room_pct=_known(humidity[first]) if inside else None,
        planned=planned,
    )


def _ways(problem: Problem, product: str, counts: Mapping[tuple[str, int], npt.NDArray[np.int64]]) -> list[_Way]:
    plant = problem.plant
    ours = [each for each in problem.commitments if each.product == product]
    ways = [_Way(product, list(each.starts), len(each.starts), each.name, list(each.units)) for each in ours]
    going = {id(way): window_after(problem, each) for way, each in zip(ways, ours, strict=True)}
    on_the_way: list[_Way] = []
    for place in range(len(plant.blocks)):
        planned = _moments(problem, counts[product, place])
        if place == 0:
            on_the_way = [_Way(product, [start]) for start in planned]
            ways += on_the_way
            continue
        joining = [way for way in ways if way.standing == place and going.get(id(way)) is not None]
        queue = sorted([*on_the_way, *joining], key=lambda way: _free_from(problem, way, place - 1))
        for way, start in zip(queue, planned, strict=True):
            way.starts.append(start)
        on_the_way = queue
    return ways


def _moments(problem: Problem, counts: npt.NDArray[np.int64]) -> list[datetime]:
    return [problem.start + int(quarter) * QUARTER for quarter in np.repeat(np.arange(len(counts)), counts)]


def _free_from(problem: Problem, way: _Way, place: int) -> datetime:
    return occupied_until(problem, way.starts[place], problem.plant.blocks[place], way.product)


def _name(problem: Problem, ways: Iterable[_Way]) -> None:
    """Names as ``S25-1``: product, day of the month on which it begins, and its number on that day."""
    taken = {commitment.name for commitment in problem.commitments} | set(problem.lost)
    letters = _letters(problem.plant.product_names)
    number: defaultdict[str, int] = defaultdict(int)
    for way in sorted(ways, key=lambda way: way.starts[0]):
        while not way.name:
            day = f"{letters[way.product]}{local_date(way.starts[0]).day}"
            number[day] += 1
            name = f"{day}-{number[day]}"
            way.name = "" if name in taken else name


def _letters(products: Sequence[str]) -> dict[str, str]:
    """The shortest beginnings, of one length, that tell the products apart."""
    longest = max(len(product) for product in products)
    length = next(n for n in range(1, longest + 1) if len({each[:n] for each in products}) == len(products))
    return {product: product[:length].capitalize() for product in products}


def _give_units(problem: Problem, ways: Sequence[_Way]) -> None:
    """Blocks that run keep their unit; the others get the first that is free, those that begin first before others."""
    kept = {
        id(way): [unit for unit, start in zip(way.units, way.starts, strict=False) if start < problem.start]
        for way in ways
    }
    for way in ways:
        way.units = [0] * len(way.starts)
    for place, block in enumerate(problem.plant.blocks):
        taken: defaultdict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
        here = [way for way in ways if len(way.starts) > place]
        known = [way for way in here if place < len(kept[id(way)])]
        for way in sorted(here, key=lambda way: (way not in known, way.starts[place])):
            start, until = way.starts[place], occupied_until(problem, way.starts[place], block, way.product)
            wanted = kept[id(way)][place : place + 1]
            unit = next(
                unit
                for unit in chain(wanted, count(1))
                if all(until <= begin or end <= start for begin, end in taken[unit])
            )
            taken[unit].append((start, until))
            way.units[place] = unit


def _batch(problem: Problem, way: _Way) -> Batch:
    runs = (
        block_run(problem, problem.plant.blocks[place], way.product, start, unit, planned=place >= way.standing)
        for place, (start, unit) in enumerate(zip(way.starts, way.units, strict=True))
    )
    return Batch(way.name, way.product, None, tuple(runs))


def _with_due(problem: Problem, made: Sequence[Batch]) -> tuple[Batch, ...]:
    """Each batch with the day whose target it serves: the first to finish serves the first that is due."""
    place: defaultdict[str, int] = defaultdict(int)
    return tuple(replace(batch, due=_due(problem, batch, place)) for batch in made)


def _due(problem: Problem, batch: Batch, place: defaultdict[str, int]) -> date | None:
    if len(batch.runs) < len(problem.plant.blocks):
        return None  # it is left to the next plan
    place[batch.product] += 1
    days = (day for day in problem.days if problem.due(day, batch.product) >= place[batch.product])
    return next(days, None)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
