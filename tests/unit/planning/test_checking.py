"""The checker of plans: it passes what is right, and names each thing that is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from chocofactory.core.messages import Message
from chocofactory.domain.plant import Shift
from chocofactory.planning.checking import check, unexplained
from chocofactory.planning.plan import Conflict, Shortfall
from chocofactory.planning.power import power_kw
from chocofactory.planning.problem import Commitment, Outage
from tests.plan_kit import at, batch, plan_of, problem_of
from tests.plant_kit import default_plant

DAY = date(2025, 6, 10)  # a Tuesday
SIX = at(2025, 6, 10, 6)
ONE = {DAY: {"standard": 1}}
TWO = {DAY: {"standard": 2}}


def after(minutes, start=SIX):
    return start + timedelta(minutes=minutes)


STARTS = (SIX, after(30), after(330))


def rules(plan):
    return {found.rule for found in check(plan)}


def single(problem=None, starts=STARTS, **rest):
    """A plan of one standard batch that is due on the day."""
    problem = problem or problem_of(SIX, targets=ONE)
    return plan_of(problem, [batch(problem, "A", "standard", starts, due=DAY, **rest)])


def with_run(plan, place, **changes):
    first = plan.batches[0]
    runs = tuple(replace(run, **changes) if here == place else run for here, run in enumerate(first.runs))
    return replace(plan, batches=(replace(first, runs=runs),))


def with_stage(plan, **changes):
    stages = plan.batches[0].runs[0].stages
    return with_run(plan, 0, stages=(replace(stages[0], **changes), *stages[1:]))


def pair(starts=STARTS, names=("A", "B"), units=(1, 2, 1), **rest):
    problem = problem_of(SIX, targets=TWO, **rest)
    made = [
        batch(problem, names[0], "standard", STARTS, due=DAY),
        batch(problem, names[1], "standard", starts, due=DAY, units=units),
    ]
    return plan_of(problem, made)


def stranger():
    plan = single()
    return plan_of(plan.problem, [*plan.batches, replace(plan.batches[0], name="B", product="white")])


def unfinished():
    plan = single()
    return plan_of(plan.problem, [replace(plan.batches[0], runs=plan.batches[0].runs[:2])])


def late():
    plant = replace(default_plant(), shifts=(Shift("all", 0, 1440, frozenset(range(7))),))
    problem = problem_of(SIX, targets=ONE, plant=plant)
    plan = single(problem, tuple(after(17 * 60, each) for each in (SIX, after(30), after(330))))
    return replace(plan, shortfalls=(Shortfall(DAY, "standard", 1),))


def surplus():
    problem = problem_of(SIX)
    return plan_of(problem, [batch(problem, "A", "standard", STARTS)])


def costlier():
    plan = single()
    return replace(plan, proof=replace(plan.proof, cost_eur=plan.cost_eur + 0.02))


def weak():
    return single(problem_of(SIX, targets=ONE, plant=replace(default_plant(), contracted_kw=60.0)))


LATER = tuple(after(90, each) for each in STARTS)
OUT = (Outage("roller", 1, after(20), after(25)),)
CLOSED = ((after(390), after(391)),)
BROKEN = {
    "product-unknown": stranger,
    "block-order": unfinished,
    "on-grid": lambda: single(starts=tuple(after(5, each) for each in STARTS)),
    "before-start": lambda: single(problem_of(after(15), targets=ONE)),
    "stage-times": lambda: with_stage(single(), end=after(6)),
    "occupied-until": lambda: with_run(single(), 0, until=after(24)),
    "wait-short": lambda: single(starts=(SIX, after(15), after(315))),
    "wait-long": lambda: single(starts=(SIX, after(60), after(360))),
    "unattended": lambda: single(problem_of(SIX, targets=ONE, closed=CLOSED)),
    "room-too-hot": lambda: single(problem_of(SIX, targets=ONE, outside_c=41.0)),
    "too-humid": lambda: single(problem_of(SIX, targets=ONE, outside_c=37.0, outside_pct=76.0)),
    "units": pair,
    "units ": lambda: single(units=(2, 1, 1)),
    "units  ": lambda: single(problem_of(SIX, targets=ONE, outages=OUT)),
    "units   ": lambda: pair(LATER, units=(1, 1, 1)),
    "power": weak,
    "overproduction": surplus,
    "commitment": lambda: single(problem_of(SIX, targets=ONE, commitments=(Commitment("A", "standard", (SIX,)),))),
    "commitment ": lambda: single(fixed=1),
    "beyond-horizon": late,
    "shortfall": lambda: single(problem_of(SIX, targets=TWO)),
    "shortfall ": lambda: replace(single(), shortfalls=(Shortfall(DAY, "standard", 1),)),
    "energy": lambda: with_stage(single(), energy_kwh=3.6),
    "cost": lambda: with_stage(single(), cost_eur=0.36),
    "cost ": costlier,
    "cooling": lambda: with_run(single(), 2, cooling_kwh=1.0),
    "due": lambda: plan_of(single().problem, [replace(single().batches[0], due=None)]),
    "names-unique": lambda: pair(LATER, names=("A", "A")),
    "room": lambda: with_run(single(), 1, room_c=21.0),
}


def test_a_plan_that_is_right_has_no_violation():
    plan = single()

    assert check(plan) == []
    assert [run.energy_kwh for run in plan.batches[0].runs] == pytest.approx([15.4, 240, 32.2])
    assert plan.cost_eur == pytest.approx(28.76)


def test_two_batches_that_keep_out_of_each_others_way_are_right():
    assert check(pair(LATER)) == []


@pytest.mark.parametrize("rule", BROKEN)
def test_what_is_broken_is_found_and_nothing_else(rule):
    assert rules(BROKEN[rule]()) == {rule.strip()}


def test_extra_cooling_is_energy_and_cost():
    plan = single(problem_of(SIX, targets=ONE, outside_c=30.0, price=-0.05))

    assert check(plan) == []
    assert plan.batches[0].runs[2].cooling_kwh == pytest.approx(6.4 * 62 / 60)
    assert plan.cost_eur == pytest.approx(-0.05 * (287.6 + 6.4 * 62 / 60))


def test_unknown_weather_limits_nothing():
    plan = single(problem_of(SIX, targets=ONE, outside_c=np.nan, outside_pct=np.nan))

    assert check(plan) == []
    assert plan.batches[0].runs[2].room_c is None


def test_slots_of_half_an_hour_occupy_longer():
    problem = problem_of(SIX, targets=ONE, slot_min=30)

    assert check(single(problem)) == []
    assert single(problem).batches[0].runs[2].until == after(420)
    assert rules(single(problem, (after(15), after(45), after(345)))) == {"on-grid"}


def test_a_batch_that_runs_since_before_the_start_counts_from_the_start_on():
    running = Commitment("A", "standard", (after(-10), after(22)))
    problem = problem_of(after(30), targets=ONE, commitments=(running,))
    plan = single(problem, (after(-10), after(22), after(330)), fixed=2)

    assert check(plan) == []  # conching has 292 of its 300 minutes to go, and finishing may wait until 11:37
    assert plan.cost_eur == pytest.approx(0.1 * (48 * 292 / 60 + 32.2))


@pytest.mark.parametrize(("day", "quarters"), [(date(2025, 3, 30), 92), (date(2025, 10, 26), 100)])
def test_days_on_which_clocks_change_keep_the_clock_of_the_wall(day, quarters):
    plant = replace(default_plant(), shifts=(Shift("all", 360, 1320, frozenset(range(7))),))
    problem = problem_of(at(day.year, day.month, day.day), targets={day: {"standard": 1}}, plant=plant)
    six = at(day.year, day.month, day.day, 6)

    def starting(moment):
        starts = (moment, after(30, moment), after(330, moment))
        return plan_of(problem, [batch(problem, "A", "standard", starts, due=day)])

    assert len(power_kw(starting(six))) == quarters
    assert check(starting(six)) == []
    assert rules(starting(after(-15, six))) == {"unattended"}


def test_nobody_works_on_new_years_day():
    eve, new = date(2025, 12, 31), date(2026, 1, 1)
    problem = problem_of(at(2025, 12, 31, 6), new, targets={eve: {"standard": 1}})

    def starting(moment, **rest):
        starts = (moment, after(30, moment), after(330, moment))
        made = batch(problem, "A", "standard", starts, due=eve)
        return replace(plan_of(problem, [made]), **rest)

    assert check(starting(at(2025, 12, 31, 6))) == []
    short = (Shortfall(eve, "standard", 1),)
    assert rules(starting(at(2026, 1, 1, 6), shortfalls=short)) == {"unattended"}


def test_what_a_conflict_names_is_explained():
    plan = BROKEN["unattended"]()
    said = Conflict("unattended", after(330), after(392), Message("Nobody is there."))

    assert unexplained(replace(plan, conflicts=(said,))) == []
    assert unexplained(replace(plan, conflicts=(replace(said, limit="power"),))) == check(plan)
    assert unexplained(replace(plan, conflicts=(replace(said, end=after(330)),))) == check(plan)


def test_the_power_shown_is_what_the_meter_sees():
    shown = power_kw(single(problem_of(SIX, targets=ONE, outside_c=30.0)))

    assert shown["total_kw"].iloc[0] == pytest.approx((30 * 7 + 42 * 8) / 15 + 18)
    assert shown["cooling_kw"].iloc[26] == pytest.approx(6.4 * 2 / 15)  # 12:30 to 12:32
    assert shown["production_kw"].sum() / 4 == pytest.approx(287.6)


def test_power_reckoned_by_the_minute_is_the_power_shown():
    plant = replace(default_plant(), contracted_kw=0.0)
    problem = problem_of(SIX, targets=ONE, plant=plant, outside_c=np.linspace(20, 35, 72))
    plan = single(problem, (SIX, after(25), after(332)), fixed=3)
    found = {each.start: each.message.fields["value"] for each in check(plan) if each.rule == "power"}

    assert found == pytest.approx(power_kw(plan)["total_kw"].to_dict())
