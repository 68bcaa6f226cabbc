"""A small plan of the default plant, set by hand: two batches on a Monday, one of them locked."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np

from chocofactory.core.clock import day_bounds
from chocofactory.planning.batches import block_run
from chocofactory.planning.plan import Batch, Plan, Proof
from chocofactory.planning.problem import Problem
from tests.plant_kit import default_plant

MONDAY = date(2025, 12, 1)
START = datetime(2025, 11, 30, 23, tzinfo=UTC)


def hand_plan(*, start=START, last=MONDAY + timedelta(days=1), outside_c=20.0, price=0.1, shortfalls=(), **more):
    """Batch S1 at 06:30 on the first day, the locked L1 an hour later; ``more`` goes to the problem."""
    plant = default_plant()
    places = int((day_bounds(last)[1] - start) / timedelta(minutes=15))
    fields = {
        "price_eur_kwh": np.full(places, price),
        "outside_c": np.full(places, outside_c),
        "outside_pct": np.full(places, 50.0),
    }
    conflicts = more.pop("conflicts", ())
    proof = more.pop("proof", Proof("optimal", 57.52, 57.52, 0.0, True, True, 1.2, "HiGHS"))
    due = plant.targets_due(MONDAY, MONDAY + timedelta(days=1))
    problem = Problem(plant, start, last, 15, **fields, targets=due, **more)
    batches = tuple(
        Batch(name, "standard", MONDAY, tuple(_runs(problem, start + timedelta(minutes=minutes), unit, planned)))
        for name, minutes, unit, planned in (("S1", 390, 1, True), ("L1", 450, 2, False))
    )
    return Plan(problem, batches, tuple(shortfalls), proof, tuple(conflicts))


def _runs(problem, start, unit, planned):
    for block, at, place in zip(problem.plant.blocks, (0, 30, 330), (1, unit, 1), strict=True):
        yield block_run(problem, block, "standard", start + timedelta(minutes=at), place, planned=planned)
