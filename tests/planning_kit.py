"""Planning problems for tests: small plants, the default plant with prices that look real, and plans as starts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from chocofactory.core.clock import MADRID, day_start
from chocofactory.domain.plant import Block, Product, Stage, wall
from chocofactory.planning.problem import Problem
from tests.plant_kit import default_plant

MONDAY = date(2025, 3, 10)


def at(day, hour, minute=0):
    """The moment at which the wall clock of a local day shows an hour."""
    return wall(day, hour * 60 + minute)


def one_block(name="mixing", *, minutes=30, units=1, power=60.0, wait=0, attended=False, **other):
    """A block of one stage for one product called ``bar``, or others by ``minutes`` as a mapping."""
    lengths = minutes if isinstance(minutes, dict) else {"bar": minutes}
    settings = {"room_max_c": None, "extra_cooling": False, **other}
    stage = Stage(name, f"{name}-machine", power, lengths)
    return Block(name, (stage,), units=units, attended=attended, max_wait_min=wait, **settings)


def small_plant(*blocks, products=("bar",), contracted_kw=1000.0, **other):
    """A plant of these blocks without auxiliaries, its shifts those of the default plant."""
    made = tuple(Product(name, 50.0) for name in products)
    settings = {"auxiliaries": (), "targets": {}, **other}
    return replace(default_plant(), products=made, blocks=blocks, contracted_kw=contracted_kw, **settings)


def real_looking(start, end, seed=0, level=0.12):
    """Prices of quarter-hours [EUR/kWh]: an hour's four are alike; dear in the evening, cheap at night and noon."""
    rng = np.random.default_rng(seed)
    count = (end - start) // timedelta(minutes=15)
    moments = [start + place * timedelta(minutes=15) for place in range(count)]
    hours = np.array([moment.astimezone(MADRID).hour for moment in moments])
    shape = 1 + 0.35 * np.cos((hours - 20) / 24 * 2 * np.pi) + 0.25 * np.cos((hours - 8) / 12 * 2 * np.pi)
    first = [int(moment.timestamp()) // 3600 for moment in moments]
    noise = {hour: rng.normal(0, 0.15) for hour in sorted(set(first))}
    return level * (shape + np.array([noise[hour] for hour in first]))


def problem_of(plant=None, start=None, days=1, *, first=MONDAY, slot=15, seed=0, **other):
    """A problem of the default plant or another one, from a local midnight on unless ``start`` is said."""
    plant = plant or default_plant()
    begin = start or day_start(first)
    last = begin.astimezone(MADRID).date() + timedelta(days=days - 1)
    end = day_start(last + timedelta(days=1))
    size = (end - begin) // timedelta(minutes=15)
    settings = {
        "price_eur_kwh": real_looking(begin, end, seed),
        "outside_c": np.full(size, 15.0),
        "outside_pct": np.full(size, 50.0),
        "targets": plant.targets_due(begin.astimezone(MADRID).date(), last),
        **other,
    }
    return Problem(plant, begin, last, slot, **settings)


def starts_by_batch(plan):
    """All that was decided: name, product and starts of each batch."""
    return [(batch.name, batch.product, tuple(run.start for run in batch.runs)) for batch in plan.batches]
