"""The planner beside a search through all plans of a tiny problem, which is written apart and knows nothing of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from chocofactory.domain.plant import Auxiliary, Block, Shift, Stage
from chocofactory.planning.model import Model
from chocofactory.planning.planner import SAME_EUR, plan
from chocofactory.planning.problem import Commitment, Outage
from chocofactory.planning.solver import Solver
from tests.brute import Brute
from tests.planning_kit import MONDAY, at, problem_of, small_plant

SEEDS = 70
MOST = 8000
"""Plans tried of one problem, about."""


def random_problem(seed):
    """A tiny problem in which any of the limits may bind; one that is too large for the search is drawn again."""
    rng = np.random.default_rng(seed)
    while True:
        drawn = draw(rng)
        if searchable(drawn):
            return drawn


def draw(rng):
    products = ("bar", "egg")[: rng.integers(1, 3)]
    two_days = rng.random() < 0.4
    slot = int(rng.choice([15, 30]))
    blocks = tuple(
        random_block(rng, name, products, attended=place == 0 or rng.random() < 0.4)
        for place, name in enumerate(("mixing", "conching", "moulding")[: rng.integers(2, 4)])
    )
    start = at(MONDAY, 20 if two_days else 18)
    evening = Shift("evening", 18 * 60, int(rng.integers(21, 25)) * 60, frozenset(range(7)))
    morning = Shift("morning", 7 * 60, int(rng.integers(8, 11)) * 60, frozenset({1}))
    power = max(stage.power_kw for block in blocks for stage in block.stages)
    plant = small_plant(
        *blocks,
        products=products,
        contracted_kw=float(power + rng.choice([6, 15, 25, 40, 200])),
        shifts=(evening, morning) if two_days else (evening,),
        auxiliaries=(Auxiliary("light", 5.0, 20 * 60, 22 * 60),),
    )
    problem = problem_of(plant, start, 2 if two_days else 1, slot=slot, targets={})
    size = len(problem.grid)
    price = np.repeat(rng.normal(0.1, 0.12, -(-size // 4)), 4)[:size]
    outside = np.repeat(rng.choice([15.0, 24.0, 38.0, 42.0, np.nan], -(-size // 6), p=[0.4, 0.3, 0.1, 0.1, 0.1]), 6)
    humid = np.repeat(rng.choice([50.0, 90.0], -(-size // 4), p=[0.8, 0.2]), 4)
    return replace(
        problem,
        price_eur_kwh=price,
        outside_c=outside[:size],
        outside_pct=humid[:size],
        targets={day: {name: int(rng.integers(0, 3)) for name in products} for day in problem.days},
        stock={name: int(rng.integers(-1, 2)) for name in products},
        commitments=random_commitments(rng, problem),
        outages=random_outages(rng, problem),
        closed=((start + timedelta(minutes=70), start + timedelta(minutes=100)),) if rng.random() < 0.3 else (),
    )


def random_block(rng, name, products, *, attended):
    stages = tuple(
        Stage(f"{name}-{place}", f"{name}-{place}", float(rng.choice([6, 12, 20, 30])), minutes)
        for place in range(rng.integers(1, 3))
        for minutes in [{product: int(rng.integers(5, 40)) for product in products}]
    )
    return Block(
        name=name,
        stages=stages,
        units=int(rng.integers(1, 3)),
        attended=attended,
        max_wait_min=int(rng.choice([0, 15, 20, 30, 45])),
        room_max_c=float(rng.choice([26, 28])) if rng.random() < 0.4 else None,
        extra_cooling=bool(rng.random() < 0.4),
    )


def random_commitments(rng, problem):
    if rng.random() < 0.5:
        return ()
    product = str(rng.choice(problem.plant.product_names))
    begun = problem.start + timedelta(minutes=int(rng.choice([-25, -15, -10, 0, 15, 30])))
    return (Commitment("running", product, (begun,)),)


def random_outages(rng, problem):
    if rng.random() < 0.6:
        return ()
    block = problem.plant.blocks[rng.integers(len(problem.plant.blocks))]
    begin = problem.start + timedelta(minutes=int(rng.integers(0, 180)))
    return (Outage(block.stages[0].machine, 1, begin, begin + timedelta(minutes=int(rng.integers(10, 90)))),)


def searchable(problem):
    brute = Brute(problem)
    plans = 1.0
    for product in problem.plant.product_names:
        ways, batches = len(brute.ways(product)), brute.wanted(product)
        plans *= np.prod([(ways + place) / (place + 1) for place in range(batches)])
    wanted = sum(brute.wanted(product) for product in problem.plant.product_names)
    return plans <= MOST and (wanted or problem.commitments)


def cheapest(problem):
    """The least backlog and the least cost that the programme knows, both without any gap."""
    model = Model(problem)
    solver = Solver(model.columns, model.rows, seconds=20, gap=0.0)
    least = solver.minimise(model.backlog())
    if least.infeasible:
        return None
    solver.require(model.backlog(), round(least.objective) + 1e-6)
    counts = model.counts(solver.minimise(model.cost(), least.values).values)
    spent = sum(float(count @ np.nan_to_num(model.starts[key].cost_eur)) for key, count in counts.items())
    return round(least.objective), spent + model.fixed.cost_eur


def decided(made):
    return [
        (batch.product, [run.start for run in batch.runs], sum(not run.planned for run in batch.runs))
        for batch in made.batches
    ]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_plan_falls_less_short_costs_less_or_finishes_earlier(seed):
    problem = random_problem(seed)
    brute = Brute(problem)
    best = brute.solve()
    made = plan(problem, seconds=20)
    if best.backlog is None:
        assert cheapest(problem) is None
        assert made.proof.status == "infeasible"
        assert made.conflicts
        return

    assert made.proof.status == "optimal"
    assert bool(made.conflicts) == any(brute.stands_wrong(each) for each in problem.commitments)
    assert brute.faults(decided(made)) == []
    backlog, cost = cheapest(problem)
    assert backlog == best.backlog == sum(short.batches for short in made.shortfalls)
    assert cost == pytest.approx(best.cost, rel=1e-6, abs=1e-6)
    assert best.cost - 1e-6 <= made.cost_eur <= best.cost + SAME_EUR + 1e-4 * abs(best.cost) + 1e-6
    finished = sum((batch.end - problem.start) / timedelta(minutes=1) for batch in made.batches)
    assert finished <= best.earliest_within(SAME_EUR) * (1 + 1e-4) + 1e-6


def test_the_problems_are_of_all_kinds():
    problems = [random_problem(seed) for seed in range(SEEDS)]
    solved = [(problem, Brute(problem).solve()) for problem in problems]
    feasible = [(problem, best) for problem, best in solved if best.backlog is not None]
    assert 20 <= len(feasible) < SEEDS
    assert sum(best.backlog > 0 for _, best in feasible) >= 10
    assert sum(best.backlog == 0 and len(best.plans) > 20 for _, best in feasible) >= 10
    assert sum(best.cost < 0 for _, best in feasible) >= 5
    assert sum(bool(problem.commitments) for problem, _ in feasible) >= 10
    assert {problem.slot_min for problem, _ in feasible} == {15, 30}
    assert {len(problem.days) for problem, _ in feasible} == {1, 2}
    assert {len(problem.plant.blocks) for problem, _ in feasible} == {2, 3}
