"""Where a block may start, what it draws and what that costs: along the quarter-hours of a problem, by product."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chocofactory.planning.problem import QUARTER, QUARTER_MIN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import numpy.typing as npt

    from chocofactory.domain.plant import Block
    from chocofactory.planning.problem import Numbers, Problem

    Mask = npt.NDArray[np.bool_]

STAFF, TEMPERATURE, HUMIDITY = "unattended", "room-too-hot", "too-humid"
OUTAGE, HORIZON = "outage", "beyond-horizon"
"""Limits that close a start by themselves, whatever else runs."""
UNITS, POWER, WAIT, TOO_SOON = "units", "power", "wait-long", "wait-short"
"""Limits that close it by what else runs, or by the batch's other blocks."""


@dataclass(frozen=True)
class Starts:
    """A block of a product, started at each quarter-hour of the grid.

    ``quarters`` are the quarter-hours that it occupies (whole slots of ``slot_quarters``), ``minutes`` its real length;
    the next block may start ``earliest`` ... ``latest`` quarter-hours after its start. ``machines_kw`` (shape quarters)
    is the mean power of its machines in each quarter-hour from its start, ``running_min`` (the same) how many minutes
    of it it runs. ``cost_eur`` (shape of the grid) is the energy's cost, NaN where it ends beyond; ``closed`` tells for
    each limit where it forbids to start.
    """

    block: Block
    slot_quarters: int
    quarters: int
    minutes: int
    earliest: int
    latest: int
    machines_kw: Numbers
    running_min: Numbers
    cost_eur: Numbers
    closed: Mapping[str, Mask]

    @property
    def allowed(self) -> Mask:
        """Where no limit of its own forbids to start; slots and other batches are not looked at."""
        return np.asarray(~np.logical_or.reduce(list(self.closed.values())))

    def power_kw(self, problem: Problem, quarter: int) -> Numbers:
        """Its mean power, cooling included, in the quarter-hours that it occupies when started at one."""
        cooling = problem.cooling_kw[quarter : quarter + self.quarters] if self.block.extra_cooling else 0.0
        return self.machines_kw + self.running_min / QUARTER_MIN * cooling


def starts_of(problem: Problem, block: Block, product: str) -> Starts:
    """All that is known of starting a block of a product at each quarter-hour."""
    slot_quarters = problem.slot_min // QUARTER_MIN
    minutes = block.minutes(product)
    quarters = -(-minutes // problem.slot_min) * slot_quarters
    latest = (minutes + block.max_wait_min) // problem.slot_min * slot_quarters
    machines_kw, running_min = _profile(block, product, quarters)
    size = len(problem.grid)
    inside = np.arange(size) * QUARTER_MIN + minutes <= size * QUARTER_MIN
    cost = _ahead(problem.price_eur_kwh, machines_kw / 60 * QUARTER_MIN)
    if block.extra_cooling:
        cost += _ahead(problem.price_eur_kwh * problem.cooling_kw, running_min / 60)
    return Starts(
        block=block,
        slot_quarters=slot_quarters,
        quarters=quarters,
        minutes=minutes,
        earliest=quarters,
        latest=latest,
        machines_kw=machines_kw,
        running_min=running_min,
        cost_eur=np.where(inside, cost, np.nan),
        closed=_closed(problem, block, minutes, quarters, inside),
    )


def capacity(problem: Problem, block: Block) -> npt.NDArray[np.int64]:
    """How many units of a block can be used in each quarter-hour."""
    units = np.full(len(problem.grid), block.units)
    machines = {stage.machine for stage in block.stages}
    for outage in problem.outages:
        if outage.machine in machines:
            units[_touching(problem, outage.start, outage.end)] -= outage.units
    return np.asarray(np.maximum(units, 0), dtype=np.int64)


def minutes_run(problem: Problem, start: datetime, end: datetime) -> Numbers:
    """How many minutes of each quarter-hour of the grid lie between two moments."""
    begin = (start - problem.start) / timedelta(minutes=1)
    length = (end - start) / timedelta(minutes=1)
    edges = np.clip(np.arange(len(problem.grid) + 1) * float(QUARTER_MIN), begin, begin + length)
    return np.diff(edges)


def drawn_kwh(problem: Problem, block: Block, product: str, start: datetime) -> tuple[Numbers, Numbers]:
    """What a block draws in each quarter-hour of the grid, wherever it starts: its machines, and extra cooling."""
    machines = np.zeros(len(problem.grid))
    begin = start
    for stage in block.stages:
        end = begin + timedelta(minutes=stage.minutes[product])
        machines += stage.power_kw / 60 * minutes_run(problem, begin, end)
        begin = end
    cooling = problem.cooling_kw / 60 * minutes_run(problem, start, begin) if block.extra_cooling else 0 * machines
    return machines, cooling


def occupied(problem: Problem, start: datetime, block: Block, product: str) -> slice:
    """The quarter-hours of the grid that a block occupies: whole slots, as far as they lie in it."""
    until = occupied_until(problem, start, block, product)
    return _touching(problem, start, until)


def claimed_minutes(problem: Problem, start: datetime, block: Block, product: str) -> slice:
    """The minutes of the grid that a block occupies: whole slots from wherever it starts, as far as they lie in it."""
    until = occupied_until(problem, start, block, product)
    size = len(problem.grid) * QUARTER_MIN
    first, last = ((moment - problem.start) / timedelta(minutes=1) for moment in (start, until))
    return slice(*(int(np.clip(minute, 0, size)) for minute in (np.floor(first), np.ceil(last))))


def occupied_until(problem: Problem, start: datetime, block: Block, product: str) -> datetime:
    """When a block that started at a moment lets its unit go: after whole slots."""
    return start + -(-block.minutes(product) // problem.slot_min) * problem.slot


def staffed_minutes(problem: Problem) -> Mask:
    """Whether somebody is there, for each minute of the grid."""
    size = len(problem.grid) * QUARTER_MIN
    there = np.zeros(size, dtype=bool)

    def place(moment: datetime) -> int:
        return int(np.clip((moment - problem.start) // timedelta(minutes=1), 0, size))

    for start, end in problem.plant.staffed(problem.first, problem.last):
        there[place(start) : place(end)] = True
    for start, end in problem.closed:
        there[place(start) : place(end + timedelta(minutes=1) - timedelta(microseconds=1))] = False
    return there


def _profile(block: Block, product: str, quarters: int) -> tuple[Numbers, Numbers]:
    """Mean power of the machines by quarter-hour from the start, and the minutes that the block runs in each."""
    by_minute = np.zeros(quarters * QUARTER_MIN)
    begin = 0
    for stage in block.stages:
        by_minute[begin : begin + stage.minutes[product]] = stage.power_kw
        begin += stage.minutes[product]
    runs = (np.arange(len(by_minute)) < begin).astype(float)
    return by_minute.reshape(-1, QUARTER_MIN).mean(axis=1), runs.reshape(-1, QUARTER_MIN).sum(axis=1)


def _closed(problem: Problem, block: Block, minutes: int, quarters: int, inside: Mask) -> dict[str, Mask]:
    size = len(problem.grid)
    room = problem.plant.room
    touched = -(-minutes // QUARTER_MIN)
    humidity = room.humidity_pct(problem.outside_c, problem.outside_pct)
    closed = {
        HORIZON: ~inside,
        HUMIDITY: humidity > room.start_humidity_max_pct,
        OUTAGE: _any_ahead(capacity(problem, block) == 0, quarters),
        STAFF: np.zeros(size, dtype=bool),
        TEMPERATURE: np.zeros(size, dtype=bool),
    }
    if block.attended:
        nobody = _any_ahead(~staffed_minutes(problem), minutes)[::QUARTER_MIN]
        closed[STAFF] = nobody
    if block.room_max_c is not None:
        closed[TEMPERATURE] = _any_ahead(room.temperature_c(problem.outside_c) > block.room_max_c, touched)
    return closed


def _any_ahead(mask: Mask, length: int) -> Mask:
    """Whether any of the ``length`` entries from each one on is set; beyond the end none is."""
    counts = np.concatenate([[0], np.cumsum(mask)])
    last = np.minimum(np.arange(len(mask)) + length, len(mask))
    return np.asarray(counts[last] > counts[:-1])


def _ahead(values: Numbers, weights: Numbers) -> Numbers:
    """For each entry the sum of those from it on, by weight; beyond the end there are zeros."""
    padded = np.concatenate([values, np.zeros(len(weights) - 1)])
    return np.correlate(padded, weights, mode="valid")


def _touching(problem: Problem, start: datetime, end: datetime) -> slice:
    """The quarter-hours of the grid that overlap a stretch."""
    size = len(problem.grid)
    first = (start - problem.start) // QUARTER
    last = -((problem.start - end) // QUARTER)
    return slice(*(int(np.clip(place, 0, size)) for place in (first, last)))


def room_climate(problem: Problem) -> pd.DataFrame:
    """The room's temperature [degC] and humidity [%] in each quarter-hour; NaN where the weather is unknown."""
    room = problem.plant.room
    return pd.DataFrame(
        {
            "room_c": room.temperature_c(problem.outside_c),
            "room_pct": room.humidity_pct(problem.outside_c, problem.outside_pct),
        },
        index=problem.grid,
    )
