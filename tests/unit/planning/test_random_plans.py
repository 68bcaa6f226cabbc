"""Plans of random plants, prices, weather, targets and running batches: the independent check finds nothing in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from chocofactory.domain.plant import Block, Shift, Stage
from chocofactory.planning.baseline import usual
from chocofactory.planning.checking import check, unexplained
from chocofactory.planning.planner import NoPlan, plan
from chocofactory.planning.problem import Commitment, Outage
from tests.planning_kit import at, problem_of, small_plant

FIRSTS = [date(2025, 3, 11), date(2025, 3, 29), date(2025, 10, 25), date(2025, 12, 31)]


@st.composite
def block(draw, name, products):
    stages = tuple(
        Stage(
            f"{name}-{place}",
            f"{name}-{place}",
            draw(st.sampled_from([5.0, 30.0, 48.0])),
            {product: draw(st.integers(5, 150)) for product in products},
        )
        for place in range(draw(st.integers(1, 2)))
    )
    return Block(
        name=name,
        stages=stages,
        units=draw(st.integers(1, 3)),
        attended=draw(st.booleans()),
        max_wait_min=draw(st.sampled_from([0, 15, 30, 45, 240])),
        room_max_c=draw(st.sampled_from([None, 26.0])),
        extra_cooling=draw(st.booleans()),
    )


@st.composite
def problems(draw):
    products = ("bar", "egg")[: draw(st.integers(1, 2))]
    blocks = [draw(block(name, products)) for name in ("mixing", "conching", "moulding")[: draw(st.integers(1, 3))]]
    early = Shift("early", 6 * 60, 14 * 60, frozenset(range(7)))
    night = Shift("night", 22 * 60, 30 * 60, frozenset({0, 1, 2, 5}))
    plant = small_plant(
        *blocks,
        products=products,
        contracted_kw=draw(st.sampled_from([60.0, 90.0, 400.0])),
        shifts=draw(st.sampled_from([(early,), (early, night), (night,)])),
    )
    first, slot = draw(st.sampled_from(FIRSTS)), draw(st.sampled_from([15, 30]))
    start = at(first, draw(st.sampled_from([0, 5, 12, 21, 23])), draw(st.sampled_from([0, 30])))
    problem = problem_of(plant, start, draw(st.integers(1, 2)), slot=slot, targets={})
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    size = len(problem.grid)
    hours = -(-size // 4)
    weather = rng.choice([10.0, 30.0, 39.0, 43.0, np.nan], hours, p=[0.5, 0.3, 0.05, 0.05, 0.1])
    kinds = st.builds(
        Commitment,
        name=st.just(""),
        product=st.sampled_from(products),
        starts=st.integers(-120, 300).map(lambda minutes: (start + timedelta(minutes=minutes),)),
    )
    running = draw(st.lists(kinds, max_size=2, unique_by=lambda each: each.starts[0] >= start))
    machine = st.sampled_from([stage.machine for each in blocks for stage in each.stages])
    begins = st.integers(-60, 600).map(lambda minutes: start + timedelta(minutes=minutes))
    outages = st.builds(lambda name, begin: Outage(name, 1, begin, begin + timedelta(minutes=100)), machine, begins)
    return replace(
        problem,
        price_eur_kwh=np.repeat(rng.normal(0.1, 0.1, hours), 4)[:size],
        outside_c=np.repeat(weather, 4)[:size],
        outside_pct=np.repeat(rng.choice([50.0, 90.0], hours, p=[0.9, 0.1]), 4)[:size],
        targets={day: {name: draw(st.integers(0, 3)) for name in products} for day in problem.days},
        stock={name: draw(st.integers(-2, 2)) for name in products},
        commitments=tuple(replace(each, name=f"running-{place}") for place, each in enumerate(running)),
        outages=tuple(draw(st.lists(outages, max_size=1))),
        closed=((start + timedelta(hours=2), start + timedelta(hours=3)),) if draw(st.booleans()) else (),
    )


@settings(max_examples=30)
@given(problems())
def test_the_check_finds_nothing_but_what_conflicts_explain(problem):
    made = plan(problem, seconds=5)
    assert unexplained(made) == []
    if made.proof.status == "infeasible":
        assert made.conflicts
    else:
        assert bool(check(made)) == bool(made.conflicts)
        assert made.proof.bound_eur <= made.cost_eur + 1e-6


@settings(max_examples=8)
@given(problems())
def test_what_a_planner_without_prices_does_keeps_all_limits_too(problem):
    made = plan(problem, seconds=5)
    if made.conflicts:
        return
    try:
        other = usual(problem, seconds=5)
    except NoPlan:
        return
    assert check(other) == []
    backlog = sum(short.batches for short in made.shortfalls)
    assert sum(short.batches for short in other.shortfalls) >= backlog  # it is released later, never more is made
