"""The plan of a problem: as little short as can be, then as cheap, then as early; and what stands in the way."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from chocofactory.core.clock import day_bounds
from chocofactory.core.messages import Message
from chocofactory.planning.batches import batches
from chocofactory.planning.conflicts import conflicts, standing
from chocofactory.planning.model import Model
from chocofactory.planning.plan import Plan, Proof, Shortfall
from chocofactory.planning.problem import QUARTER
from chocofactory.planning.relaxing import relaxations, unlimited
from chocofactory.planning.solver import NAME, Solver

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from chocofactory.planning.plan import Batch
    from chocofactory.planning.problem import Numbers, Problem
    from chocofactory.planning.solver import Solved

GAP = 1e-4
"""How far from the best a plan may be that is called proven: 0.01 %."""
SECONDS = 30.0
"""For all solving, unless it is said."""
SAME_EUR = 0.05
"""Plans that cost no more than this above the best count as cheap as it: the one that finishes earlier is taken."""
_EARLY_SECONDS = 3.0
"""At most, to finish earlier at the same cost."""
_LIMITS_SECONDS = 6.0
"""At most, to find out which limits bind: all of them together."""
TINY = 1e-6


def _quiet(_percent: float, _message: str) -> None:
    """A report that nobody reads."""


class NoPlan(Exception):
    """The time ran out before any plan was found."""


def plan(problem: Problem, seconds: float = SECONDS, report: Callable[[float, str], None] = _quiet) -> Plan:
    """The plan that falls least short, then costs least, then finishes earliest.

    ``report`` is told how far it is (percent, and a message).

    Raises
    ------
    NoPlan
        The time ran out before any plan was found.

    """
    began = time.perf_counter()
    report(5, "Building the model")
    model = Model(problem)
    solver = Solver(model.columns, model.rows, seconds=seconds, gap=GAP)
    report(15, "Looking for plans that fall least short")
    least = solver.minimise(model.backlog())
    broken = None
    if least.infeasible:
        report(25, "Looking for what stands in the way")
        model = Model(problem, elastic=True)
        solver = Solver(model.columns, model.rows, seconds=seconds, gap=GAP)
        broken = solver.minimise(model.violation())
        solver.require(model.violation(), found(broken).objective + TINY)
        least = solver.minimise(model.backlog(), broken.values)
    solver.require(model.backlog(), round(found(least).objective) + TINY)
    report(40, "Looking for the cheapest of them")
    cheapest = found(solver.minimise(model.cost(), least.values))
    solver.require(model.cost(), cheapest.objective + SAME_EUR)
    report(70, "Looking for the earliest of these")
    early = solver.minimise(model.finishing(), cheapest.values, _EARLY_SECONDS)
    best = early if early.values is not None else cheapest
    values = chosen_values(best)
    made = batches(problem, model.counts(values))
    shortfalls = shortfalls_of(problem, made)
    if shortfalls and broken is None:
        report(85, "Looking for the limits that bind")
        shortfalls = _with_limits(problem, shortfalls, _LIMITS_SECONDS)
    broken_limits = conflicts(model, values) if broken else tuple(standing(problem))
    committed = model.fixed.cost_eur
    proven = cheapest.proven and least.proven
    return Plan(
        problem=problem,
        batches=made,
        shortfalls=tuple(shortfalls),
        proof=Proof(
            status="infeasible" if broken else "optimal" if proven else "feasible",
            cost_eur=float(model.cost() @ values) + committed,
            bound_eur=cheapest.bound + committed,
            gap=cheapest.gap,
            shortfall_proven=least.proven,
            early_proven=early.proven,
            seconds=time.perf_counter() - began,
            solver=NAME,
        ),
        conflicts=broken_limits,
    )


def found(solved: Solved) -> Solved:
    """What was solved, if there is anything.

    Raises
    ------
    NoPlan
        There is not.

    """
    if solved.values is None:
        raise NoPlan
    return solved


def chosen_values(solved: Solved) -> Numbers:
    """The values that were found; raises as ``found``."""
    values = found(solved).values
    assert values is not None  # noqa: S101
    return values


def shortfalls_of(problem: Problem, made: Sequence[Batch]) -> list[Shortfall]:
    """What batches fall short of the targets at the end of each day, in order of days.

    It is counted by the batches themselves: where the time ran out, a solution may call more short than is.
    """
    whole = [batch for batch in made if len(batch.runs) == len(problem.plant.blocks)]
    short = []
    for day in problem.days:
        end = day_bounds(day)[1]
        for product in problem.plant.product_names:
            finished = sum(batch.product == product and batch.end <= end for batch in whole)
            lacking = problem.due(day, product) - finished
            if lacking > 0:
                short.append(Shortfall(day, product, lacking))
    return sorted(short, key=_order)


def _order(short: Shortfall) -> tuple[date, str]:
    return short.day, short.product


def _until(problem: Problem, last: date) -> Problem:
    """The same problem up to the end of a day: what comes after it has no part in what is short by then."""
    size = (day_bounds(last)[1] - problem.start) // QUARTER
    return replace(
        problem,
        last=last,
        price_eur_kwh=problem.price_eur_kwh[:size],
        outside_c=problem.outside_c[:size],
        outside_pct=problem.outside_pct[:size],
    )


def _with_limits(problem: Problem, shortfalls: Sequence[Shortfall], seconds: float) -> list[Shortfall]:
    """Each shortfall with the limits that bind: those without which less would be short in all, and of it."""
    short = sum(each.batches for each in shortfalls)
    found: dict[tuple[date, str], list[Message]] = {(each.day, each.product): [] for each in shortfalls}
    wider = relaxations(_until(problem, shortfalls[-1].day))
    told_all = True
    for message, relaxed in wider:
        solved, left = _least_short(relaxed, seconds / (len(wider) + 1))
        told_all &= solved.proven
        if solved.values is None or sum(left.values()) >= short:
            continue
        for each in shortfalls:
            if left.get((each.day, each.product), 0) < each.batches:
                found[each.day, each.product].append(message)
    rest = Message("Which limits bind was not found out in the time that there was.")
    if told_all:
        rest = _together(_until(problem, shortfalls[-1].day), short, seconds / (len(wider) + 1))
    return [replace(each, limits=tuple(found[each.day, each.product]) or (rest,)) for each in shortfalls]


def _least_short(problem: Problem, seconds: float) -> tuple[Solved, dict[tuple[date, str], int]]:
    """The least that can be short in a problem, and by day and product what is."""
    model = Model(problem)
    solved = Solver(model.columns, model.rows, seconds=seconds, gap=GAP).minimise(model.backlog())
    left = {} if solved.values is None else {key: round(solved.values[column]) for key, column in model.short.items()}
    return solved, left


def _together(problem: Problem, short: int, seconds: float) -> Message:
    """What there is to say where no limit binds alone: whether all of them do together."""
    solved, left = _least_short(unlimited(problem), seconds)
    if solved.values is not None and sum(left.values()) < short:
        return Message("Several limits bind together: none of them helps alone.")
    if solved.proven:
        return Message("There is not enough time until then, whatever else were wider.")
    return Message("Which limits bind was not found out in the time that there was.")
