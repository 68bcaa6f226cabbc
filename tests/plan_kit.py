"""Problems and plans built by hand, for tests."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta

import numpy as np

from chocofactory.core.clock import MADRID, day_bounds, local_date
from chocofactory.planning.plan import Batch, BlockRun, Plan, Proof, StageRun
from chocofactory.planning.problem import Problem
from tests.plant_kit import default_plant

MINUTE = timedelta(minutes=1)


def at(year, month, day, hour=0, minute=0):
    """A moment of Madrid's wall clock, in UTC."""
    return datetime(year, month, day, hour, minute, tzinfo=MADRID).astimezone(UTC)


def problem_of(start, last=None, *, price=0.1, outside_c=20.0, outside_pct=50.0, slot_min=15, targets=None, **rest):
    """A problem of the default plant (or ``plant=``), with prices and weather that are one value or an array."""
    last = last or local_date(start)
    places = round((day_bounds(last)[1] - start) / timedelta(minutes=15))
    arrays = {"price_eur_kwh": price, "outside_c": outside_c, "outside_pct": outside_pct}
    filled = {name: np.array(np.broadcast_to(np.asarray(each, float), places)) for name, each in arrays.items()}
    rest = {"plant": default_plant(), **rest}
    return Problem(start=start, last=last, slot_min=slot_min, targets=targets or {}, **filled, **rest)


def _quarters(problem, start, end):
    """Minutes and place of each quarter-hour that a stretch touches from the start of the problem on."""
    for place in range(len(problem.grid)):
        opens = problem.start + place * 15 * MINUTE
        minutes = (min(end, opens + 15 * MINUTE) - max(start, opens)) / MINUTE
        if minutes > 0:
            yield minutes, place


def block_run(problem, block, product, start, unit=1, *, planned=True):
    """A block of a batch with all that follows from its start."""
    which = next(each for each in problem.plant.blocks if each.name == block)
    stages, moment = [], start
    for stage in which.stages:
        end = moment + stage.minutes[product] * MINUTE
        parts = [(stage.power_kw * m / 60, problem.price_eur_kwh[p]) for m, p in _quarters(problem, moment, end)]
        energy, cost = sum(kwh for kwh, _ in parts), sum(kwh * eur for kwh, eur in parts)
        stages.append(StageRun(stage.name, stage.machine, moment, end, energy, float(cost)))
        moment = end
    touched = list(_quarters(problem, start, moment))
    cold = [(problem.cooling_kw[p] * m / 60, problem.price_eur_kwh[p]) for m, p in touched if which.extra_cooling]
    cooling = float(sum(kwh for kwh, _ in cold))
    room = problem.plant.room
    heat = room.temperature_c(problem.outside_c)[[place for _, place in touched]] if touched else np.array([])
    heat = heat[~np.isnan(heat)]
    humid = room.humidity_pct(problem.outside_c, problem.outside_pct)[touched[0][1]] if touched else math.nan
    known = start >= problem.start and not math.isnan(humid)
    return BlockRun(
        block=block,
        unit=unit,
        start=start,
        end=moment,
        until=start + math.ceil((moment - start) / problem.slot) * problem.slot,
        stages=tuple(stages),
        cooling_kwh=cooling,
        energy_kwh=cooling + sum(each.energy_kwh for each in stages),
        cost_eur=float(sum(kwh * eur for kwh, eur in cold)) + sum(each.cost_eur for each in stages),
        room_c=float(heat.max()) if len(heat) else None,
        room_pct=float(humid) if known else None,
        planned=planned,
    )


def batch(problem, name, product, starts, *, due: date | None = None, units=(1, 1, 1), fixed=0):
    """A batch whose blocks start at ``starts``, of which the first ``fixed`` were running or locked."""
    runs = [
        block_run(problem, block.name, product, start, unit, planned=place >= fixed)
        for place, (block, start, unit) in enumerate(zip(problem.plant.blocks, starts, units, strict=False))
    ]
    return Batch(name, product, due, tuple(runs))


def plan_of(problem, batches, *, shortfalls=(), conflicts=(), cost_eur=None):
    """A plan of these batches, with their cost unless told otherwise."""
    cost = sum(each.cost_eur for each in batches) if cost_eur is None else cost_eur
    proof = Proof("optimal", cost, cost, 0.0, shortfall_proven=True, early_proven=True, seconds=0.1, solver="hand")
    return Plan(problem, tuple(batches), tuple(shortfalls), proof, tuple(conflicts))
