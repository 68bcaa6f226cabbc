"""What a planner does who does not look at prices: the work that savings are counted against."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from chocofactory.domain.plant import wall
from chocofactory.planning.batches import batches
from chocofactory.planning.model import Model
from chocofactory.planning.plan import Plan, Proof
from chocofactory.planning.planner import GAP, SECONDS, TINY, chosen_values, found, shortfalls_of
from chocofactory.planning.problem import QUARTER
from chocofactory.planning.solver import NAME, Solver

if TYPE_CHECKING:
    from datetime import date

    from chocofactory.planning.problem import Problem

_STARTS_WEIGHT = 1e-3
"""Of an hour that a block starts later, beside an hour that a batch finishes later."""


def usual(problem: Problem, seconds: float = SECONDS) -> Plan:
    """The baseline: what a planner does who does not look at prices.

    Same plant, targets and limits; batches begin when they are released and finish as early as possible (least sum of
    finishing times, then of starts). Its ``proof`` is about that, and says of cost only what it comes to.

    Raises
    ------
    NoPlan
        The time ran out before any plan was found, or there is none that keeps the limits.

    """
    began = time.perf_counter()
    model = Model(problem, releases=released(problem))
    solver = Solver(model.columns, model.rows, seconds=seconds, gap=GAP)
    least = found(solver.minimise(model.backlog()))
    solver.require(model.backlog(), round(least.objective) + TINY)
    early = found(solver.minimise(model.finishing() + _STARTS_WEIGHT * model.starting(), least.values))
    values = chosen_values(early)
    cost = float(model.cost() @ values) + model.fixed.cost_eur
    made = batches(problem, model.counts(values))
    return Plan(
        problem=problem,
        batches=made,
        shortfalls=tuple(shortfalls_of(problem, made)),
        proof=Proof(
            status="optimal" if early.proven and least.proven else "feasible",
            cost_eur=cost,
            bound_eur=cost,
            gap=0.0,
            shortfall_proven=least.proven,
            early_proven=early.proven,
            seconds=time.perf_counter() - began,
            solver=NAME,
        ),
    )


def released(problem: Problem) -> dict[str, list[int]]:
    """When a planner without prices lets each batch that is asked for begin: quarter-hours of the grid, by product.

    What is due on a day is released at ``release_min`` of the working day before; what is owed, at once.
    """
    out: dict[str, list[int]] = {}
    for product in problem.plant.product_names:
        found = [0] * max(0, -problem.stock.get(product, 0))
        for day in problem.days:
            found += [_released(problem, day)] * problem.targets.get(day, {}).get(product, 0)
        there = max(0, problem.stock.get(product, 0)) + sum(
            commitment.product == product for commitment in problem.commitments
        )
        out[product] = sorted(found)[there:]
    return out


def _released(problem: Problem, day: date) -> int:
    before = problem.plant.working_day_before(day)
    if before is None:
        return 0
    moment = wall(before, problem.plant.release_min)
    return max(0, -(-(moment - problem.start) // QUARTER))
