"""What a plan saves, for equal work, by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from chocofactory.planning.baseline import usual
from chocofactory.planning.planner import plan
from chocofactory.planning.problem import Commitment
from chocofactory.planning.savings import captured, cost_per_kg, cost_quantiles, energy, savings
from tests.planning_kit import MONDAY, at, one_block, problem_of, small_plant

TUESDAY = MONDAY + timedelta(days=1)


def two_days(batches=1, minutes=60, **other):
    """Batches of 60 kW due on Tuesday, released on Monday at 14:00; 30 cents, but 10 from Monday 20:00 to 06:00."""
    price = np.full(192, 0.3)
    price[80:120] = 0.1
    plant = small_plant(one_block(minutes=minutes))
    return problem_of(plant, days=2, price_eur_kwh=price, **{"targets": {TUESDAY: {"bar": batches}}, **other})


def test_the_saving_is_what_the_same_batches_cost_less():
    problem = two_days()
    found = savings(plan(problem), usual(problem))
    assert (found.usual_eur, found.plan_eur) == (pytest.approx(18.0), pytest.approx(6.0))
    assert found.saved_eur == pytest.approx(12.0)
    assert found.share == pytest.approx(2 / 3)
    assert (found.compared, found.beyond, found.lacking) == ({"bar": 1}, {"bar": 0}, {"bar": 0})


def test_only_batches_that_both_make_are_compared():
    problem = two_days(12, 240)
    ours, theirs = plan(problem), usual(problem)
    assert (len(ours.batches), len(theirs.batches)) == (12, 8)  # 48 hours, and 34 from Monday 14:00 on
    found = savings(ours, theirs)
    assert (found.compared, found.beyond, found.lacking) == ({"bar": 8}, {"bar": 4}, {"bar": 0})
    # Of ours the first eight: Monday 00:00 to Tuesday 08:00, ten hours of it at 10 cents.
    assert found.plan_eur == pytest.approx(60 * (22 * 0.3 + 10 * 0.1))
    # Of theirs all: Monday 14:00 to Tuesday 22:00, the same ten hours in it.
    assert found.usual_eur == pytest.approx(60 * (22 * 0.3 + 10 * 0.1))
    other_way = savings(theirs, ours)
    assert (other_way.compared, other_way.beyond, other_way.lacking) == ({"bar": 8}, {"bar": 0}, {"bar": 4})


def test_at_prices_that_came_otherwise_a_plan_may_have_cost_more_and_that_is_told():
    problem = two_days()
    real = np.full(192, 0.1)
    real[80:120] = 0.4
    found = savings(plan(problem), usual(problem), real)
    assert found.saved_eur == pytest.approx(6.0 - 24.0)
    assert found.share == pytest.approx(-3.0)


def test_a_share_of_nothing_or_of_less_is_not_told():
    problem = two_days()
    assert savings(plan(problem), usual(problem), np.full(192, -0.1)).share is None
    empty = two_days(0)
    found = savings(plan(empty), usual(empty))
    assert (found.usual_eur, found.plan_eur, found.share) == (0, 0, None)


def test_captured_is_a_share_of_what_was_possible_where_that_is_an_euro_at_least():
    assert captured(100.0, 90.0, 80.0) == pytest.approx(0.5)
    assert captured(100.0, 105.0, 80.0) == pytest.approx(-0.25)
    assert captured(100.0, 99.0, 99.0) == pytest.approx(1.0)
    assert captured(100.0, 99.5, 99.01) is None
    assert captured(100.0, 100.0, 101.0) is None


def test_quantiles_of_the_cost_over_scenarios_by_hand():
    made = plan(two_days())
    paths = np.tile(np.arange(1, 6)[:, None] / 10, (1, 192))  # 10, 20 ... 50 cents all the time, for 60 kWh
    assert cost_quantiles(made, paths) == pytest.approx([7.2, 18.0, 28.8])
    assert cost_quantiles(made, paths[:1], (0.5,)) == pytest.approx([6.0])
    only_then = np.zeros((2, 192))
    first = (made.batches[0].start - made.problem.start) // timedelta(minutes=15)
    only_then[1, first : first + 4] = 1.0  # hours in which nothing runs do not matter
    assert cost_quantiles(made, only_then, (0.0, 1.0)) == pytest.approx([0.0, 60.0])


def test_energy_by_quarter_hour_adds_up_to_that_of_the_batches():
    size = 192
    problem = problem_of(days=2, slot=30, outside_c=np.full(size, 30.0))
    made = plan(problem)
    drawn = energy(problem, made.batches)
    assert drawn.sum() == pytest.approx(made.energy_kwh)
    assert drawn.sum() == pytest.approx(
        sum(stage.energy_kwh for b in made.batches for r in b.runs for stage in r.stages)
        + sum(run.cooling_kwh for batch in made.batches for run in batch.runs)
    )
    assert float(drawn @ problem.price_eur_kwh) == pytest.approx(made.cost_eur)
    assert drawn.max() * 4 <= 160
    (standard,) = plan(replace(problem, targets={MONDAY: {"standard": 1}}, outside_c=np.full(size, 15.0))).batches
    by_hour = energy(problem_of(days=2), [standard])
    assert by_hour.sum() == pytest.approx(287.6)
    first = (standard.runs[1].start - at(MONDAY, 0)) // timedelta(minutes=15)
    assert by_hour[first] == pytest.approx(12.0)  # a conche's quarter of an hour


def test_a_kilogram_costs_the_energy_of_batches_that_are_made_from_beginning_to_end():
    running = Commitment("run", "standard", (at(MONDAY, 6),))
    made = plan(problem_of(start=at(MONDAY, 6, 15), targets={MONDAY: {"standard": 2}}, commitments=(running,)))
    whole = next(batch for batch in made.batches if batch.name != "run")
    found = cost_per_kg(made)
    assert found["energy"] == pytest.approx(whole.cost_eur / 50)
    assert found["total"] == pytest.approx(4.48 + 0.20 + 8.00 + 1.29 + whole.cost_eur / 50)
    nothing = cost_per_kg(plan(problem_of(targets={MONDAY: {}})))
    assert (nothing["energy"], nothing["total"]) == (None, None)
