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
from chocofactory.planning.relaxing import relaxations
from chocofactory.planning.solver import NAME, Solver

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

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
    shortfalls = shortfalls_of(model, values)
    if shortfalls and broken is None:
        report(85, "Looking for the limits that bind")
        shortfalls = _with_limits(problem, shortfalls, _LIMITS_SECONDS)
    broken_limits = conflicts(model, values) if broken else tuple(standing(problem))
    committed = model.fixed.cost_eur
    proven = cheapest.proven and least.proven
    return Plan(
        problem=problem,
        batches=batches(problem, model.counts(values)),
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


def shortfalls_of(model: Model, values: Numbers) -> list[Shortfall]:
    """What a solution falls short of, in order of days."""
    short = ((day, product, round(values[column])) for (day, product), column in model.short.items())
    return sorted((Shortfall(day, product, batches) for day, product, batches in short if batches), key=_order)


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
    """Each shortfall with the limits that bind: those without which less would be short."""
    found: dict[tuple[date, str], list[Message]] = {(short.day, short.product): [] for short in shortfalls}
    wider = relaxations(_until(problem, shortfalls[-1].day))
    for message, relaxed in wider:
        model = Model(relaxed)
        solved = Solver(model.columns, model.rows, seconds=seconds / len(wider), gap=GAP).minimise(model.backlog())
        if solved.values is None:
            continue
        for short in shortfalls:
            column = model.short.get((short.day, short.product))
            if column is None or round(solved.values[column]) < short.batches:
                found[short.day, short.product].append(message)
    nothing = (Message("There is not enough time until then, whatever else were wider."),)
    return [replace(short, limits=tuple(found[short.day, short.product]) or nothing) for short in shortfalls]
