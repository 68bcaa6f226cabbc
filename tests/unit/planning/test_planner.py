"""Plans of the default plant and of small ones: what is made, what falls short and why, and what cannot be kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from chocofactory.core.clock import day_bounds, local, local_date
from chocofactory.planning.checking import check
from chocofactory.planning.planner import NoPlan, plan, shortfalls_of
from chocofactory.planning.problem import Commitment, Outage
from tests.brute import Brute
from tests.planning_kit import MONDAY, at, one_block, problem_of, small_plant, starts_by_batch
from tests.plant_kit import default_plant

WEDNESDAY = date(2025, 3, 12)


def decided(made):
    return [
        (batch.product, [run.start for run in batch.runs], sum(not run.planned for run in batch.runs))
        for batch in made.batches
    ]


def is_sound(made):
    """What the plan breaks, minute by minute, and whether it is counted right."""
    brute = Brute(made.problem)
    assert brute.faults(decided(made)) == []
    assert check(made) == []
    finished = [(batch.product, brute.minute(batch.end)) for batch in made.batches if len(batch.runs) == 3]
    assert brute.backlog(finished) == sum(short.batches for short in made.shortfalls)
    power = sum(
        brute.load(product, [brute.minute(start) for start in starts])[0] for product, starts, _ in decided(made)
    )
    assert made.cost_eur == pytest.approx(float(np.sum(power * brute.price)) / 60, rel=1e-9, abs=1e-9)
    return True


def limits(made):
    return {str(limit) for short in made.shortfalls for limit in short.limits}


def test_a_week_is_made_whole_and_each_batch_by_its_day():
    problem = problem_of(days=7, slot=30)
    made = plan(problem)
    assert made.proof.status == "optimal"
    assert made.proof.gap <= 1e-4
    assert made.shortfalls == ()
    assert len(made.batches) == 23
    assert all(local_date(batch.end) <= batch.due for batch in made.batches)
    assert is_sound(made)
    assert starts_by_batch(plan(problem)) == starts_by_batch(made)
    assert len({batch.name for batch in made.batches}) == 23


def test_nothing_is_planned_before_the_start_of_a_day_that_has_begun():
    start = at(MONDAY, 11, 15)
    made = plan(problem_of(start=start, targets={MONDAY: {"standard": 2}}))
    assert made.shortfalls == ()
    assert len(made.batches) == 2
    assert min(run.start for batch in made.batches for run in batch.runs) >= start
    assert is_sound(made)


def test_what_cannot_be_made_in_the_time_is_short_and_the_hours_are_named():
    start = at(MONDAY, 16)  # 24 min, 5 h and 62 min later it is 22:32, and nobody is there
    made = plan(problem_of(start=start, targets={MONDAY: {"standard": 1}}))
    assert [(short.day, short.product, short.batches) for short in made.shortfalls] == [(MONDAY, "standard", 1)]
    assert limits(made) == {"Staffed hours: finishing must be attended."}
    assert made.batches == ()
    assert made.cost_eur == 0


def test_what_no_wider_limit_would_help_is_said_to_lack_time():
    made = plan(problem_of(start=at(MONDAY, 19), targets={MONDAY: {"standard": 1}}))
    assert limits(made) == {"There is not enough time until then, whatever else were wider."}


def test_power_units_heat_outages_and_closed_hours_are_named_where_they_bind():
    night = small_plant(one_block(minutes=60, units=4), contracted_kw=100.0)
    start, targets = at(MONDAY, 21), {MONDAY: {"bar": 4}}
    made = plan(problem_of(night, start, targets=targets))
    assert [short.batches for short in made.shortfalls] == [1]
    assert limits(made) == {"Contracted power of 100.0 kW."}

    single = small_plant(one_block(minutes=60))
    made = plan(problem_of(single, start, targets=targets))
    assert [short.batches for short in made.shortfalls] == [1]
    assert limits(made) == {"Units of mixing: one more would help."}

    broken = (Outage("mixing-machine", 1, at(MONDAY, 22), at(MONDAY, 22, 10)),)
    made = plan(problem_of(single, start, targets={MONDAY: {"bar": 3}}, outages=broken))
    assert [short.batches for short in made.shortfalls] == [1]
    assert limits(made) == {"Units of mixing: one more would help.", "Machines that are out of order."}

    tender = small_plant(one_block(minutes=60, room_max_c=26.0))
    made = plan(problem_of(tender, start, targets={MONDAY: {"bar": 1}}, outside_c=np.full(12, 41.0)))
    assert limits(made) == {"Heat or humidity of the room."}
    humid = problem_of(single, start, targets={MONDAY: {"bar": 1}}, outside_pct=np.full(12, 80.0))
    assert plan(humid).shortfalls == ()  # HVAC holds the room at 60 %
    made = plan(replace(humid, outside_c=np.full(12, 37.0)))
    assert limits(made) == {"Heat or humidity of the room."}

    watched = small_plant(one_block(minutes=60, attended=True))
    closed = ((at(MONDAY, 21, 10), at(MONDAY, 21, 11)),)
    made = plan(problem_of(watched, start, targets={MONDAY: {"bar": 1}}, closed=closed))
    assert limits(made) == {"Hours in which the plant is closed.", "Staffed hours: mixing must be attended."}


def test_weather_that_is_unknown_limits_nothing_and_costs_no_cooling():
    unknown = np.full(96, np.nan)
    made = plan(problem_of(targets={MONDAY: {"standard": 1}}, outside_c=unknown, outside_pct=unknown))
    assert made.shortfalls == ()
    assert made.energy_kwh == pytest.approx(287.6)
    assert made.batches[0].runs[-1].room_c is None


def test_heat_costs_cooling_while_a_batch_is_finished():
    hot = np.full(96, 32.0)
    made = plan(problem_of(targets={MONDAY: {"standard": 1}}, outside_c=hot))
    assert made.energy_kwh == pytest.approx(287.6 + 0.8 * (32 - 22) * 62 / 60)


def test_stock_covers_what_is_due_first_and_what_is_owed_is_due_at_once():
    targets = {MONDAY: {"standard": 2}, date(2025, 3, 11): {"standard": 1}}
    covered = plan(problem_of(days=2, slot=30, targets=targets, stock={"standard": 2}))
    assert [batch.due for batch in covered.batches] == [date(2025, 3, 11)]
    all_there = plan(problem_of(days=2, slot=30, targets=targets, stock={"standard": 5}))
    assert all_there.batches == ()
    owed = plan(problem_of(days=2, slot=30, targets=targets, stock={"standard": -1}))
    assert [batch.due for batch in owed.batches] == [MONDAY, MONDAY, MONDAY, date(2025, 3, 11)]


@pytest.mark.parametrize(
    ("first", "days", "quarters"),
    [
        (date(2025, 3, 30), 1, 92),
        (date(2025, 10, 26), 1, 100),
        (date(2025, 3, 28), 4, 380),
        (date(2025, 10, 24), 4, 388),
    ],
)
def test_days_on_which_the_clocks_change_are_planned_by_their_real_hours(first, days, quarters):
    plant = replace(default_plant(), shifts=(replace(default_plant().shifts[0], weekdays=frozenset(range(7))),))
    targets = {first + timedelta(days=place): {"standard": 1} for place in range(days)}
    problem = problem_of(plant, first=first, days=days, targets=targets)
    assert len(problem.grid) == quarters
    made = plan(problem)
    assert made.shortfalls == ()
    assert is_sound(made)
    walls = [local(run.start) for batch in made.batches for run in batch.runs if run.block != "conching"]
    assert all(6 <= moment.hour < 14 for moment in walls)


def test_a_night_shift_that_crosses_the_change_of_the_clocks_is_staffed_for_its_real_hours():
    shift = replace(default_plant().shifts[0], start=22 * 60, end=30 * 60, weekdays=frozenset(range(7)))
    plant = replace(default_plant(), shifts=(shift,))
    made = {}
    for day in (28, 29):  # a batch takes 6:32 h, another one can follow 75 min later: 7:47 h fit into eight hours
        start, next_day = at(date(2025, 3, day), 22), date(2025, 3, day + 1)
        made[day] = plan(
            problem_of(
                plant, start, 2, targets={next_day: {"standard": 9}}, closed=((at(next_day, 21), at(next_day, 24)),)
            )
        )
        assert all(batch.end <= at(next_day, 6) for batch in made[day].batches)
    assert {day: len(each.batches) for day, each in made.items()} == {28: 2, 29: 1}


@pytest.mark.parametrize("year", [2025, 2030])
def test_over_the_new_year_nobody_works_on_the_holiday(year):
    first = date(year - 1, 12, 30)
    problem = problem_of(first=first, days=4, slot=30, stock={"standard": 4, "premium": 3})
    made = plan(problem)
    assert made.shortfalls == ()
    assert made.batches
    attended = [run for batch in made.batches for run in batch.runs if run.block != "conching"]
    assert all(local_date(run.start) != date(year, 1, 1) for run in attended)
    assert not sum(problem.targets[date(year, 1, 1)].values())
    assert is_sound(made)


def test_a_locked_batch_keeps_its_starts_and_the_rest_goes_around_it():
    starts = (at(MONDAY, 10), at(MONDAY, 10, 45), at(MONDAY, 15, 45))
    locked = Commitment("mine", "standard", starts)
    made = plan(problem_of(targets={MONDAY: {"standard": 3}}, commitments=(locked,)))
    mine = next(batch for batch in made.batches if batch.name == "mine")
    assert tuple(run.start for run in mine.runs) == starts
    assert not any(run.planned for run in mine.runs)
    assert len(made.batches) == 3
    assert is_sound(made)


def test_a_premium_batch_that_runs_overnight_is_finished_when_its_wait_allows():
    running = Commitment("night", "premium", (at(MONDAY, 20, 30), at(MONDAY, 21, 5)))  # done at 07:05
    tuesday = date(2025, 3, 11)
    made = plan(problem_of(start=at(tuesday, 5, 30), targets={tuesday: {"premium": 1}}, commitments=(running,)))
    (batch,) = made.batches
    assert batch.runs[-1].start == at(tuesday, 7, 15)  # the one slot from 07:05 to 07:20
    assert [run.planned for run in batch.runs] == [False, False, True]
    assert batch.runs[0].energy_kwh == 0
    assert batch.runs[1].energy_kwh == pytest.approx(48 * 95 / 60)
    assert made.proof.status == "optimal"
    assert is_sound(made)


def test_a_batch_that_cannot_keep_its_wait_is_a_conflict_that_names_it_and_the_rest_is_planned():
    lost = Commitment("lost", "standard", (at(MONDAY, 6), at(MONDAY, 6, 30)))  # done at 11:30, to be gone by 11:45
    made = plan(problem_of(start=at(MONDAY, 12), targets={MONDAY: {"standard": 2}}, commitments=(lost,)))
    assert made.proof.status == "infeasible"
    assert "lost has waited longer than 15 min after conching: tell it lost unless it is still good." in {
        str(conflict.message) for conflict in made.conflicts
    }
    assert {batch.name for batch in made.batches} > {"lost"}


def test_a_batch_that_comes_from_the_conche_at_night_wants_somebody_there():
    late = Commitment("late", "standard", (at(MONDAY, 15), at(MONDAY, 15, 30)))  # done at 20:30: ends 21:32 at best
    assert plan(problem_of(targets={}, commitments=(late,))).proof.status == "optimal"
    later = Commitment("later", "standard", (at(MONDAY, 17), at(MONDAY, 17, 30)))
    made = plan(problem_of(targets={}, commitments=(later,)))
    assert made.proof.status == "infeasible"
    assert {conflict.limit for conflict in made.conflicts} == {"unattended"}
    assert "finishing would run while nobody is there" in str(made.conflicts[0].message)
    assert [len(batch.runs) for batch in made.batches] == [3]


def test_a_batch_whose_next_machine_is_broken_until_the_end_is_a_conflict_and_not_a_failure():
    running = Commitment("run", "standard", (at(MONDAY, 6), at(MONDAY, 6, 30)))
    outage = Outage("temperer", 1, at(MONDAY, 9), at(MONDAY, 24))
    made = plan(problem_of(targets={}, commitments=(running,), outages=(outage,)))
    assert made.proof.status == "infeasible"
    told = {str(conflict.message) for conflict in made.conflicts}
    assert any(
        words.startswith("Out of order: temperer, which finishing needs for run. Tell a spoilt batch lost")
        for words in told
    )


def test_a_batch_on_a_machine_that_breaks_is_a_conflict_that_says_what_to_do():
    on_it = Commitment("on", "standard", (at(MONDAY, 6, 0), at(MONDAY, 6, 30)))
    through = Commitment("through", "standard", (at(MONDAY, 1), at(MONDAY, 1, 30), at(MONDAY, 6, 30)))
    settings = {"targets": {}, "commitments": (through, on_it)}
    broken = Outage("conche", default_plant().blocks[1].units, at(MONDAY, 9), at(MONDAY, 12))
    made = plan(problem_of(start=at(MONDAY, 9), outages=(broken,), **settings))
    assert made.proof.status == "infeasible"
    (conflict,) = (each for each in made.conflicts if each.limit == "units")
    assert (conflict.start, conflict.end) == (at(MONDAY, 9), at(MONDAY, 11, 30))
    assert str(conflict.message).startswith(
        "Out of order: conche, which conching needs for on. Tell a spoilt batch lost"
    )
    for idle in ("mixer", "moulder"):  # out of order as well, and in nobody's way
        elsewhere = replace(broken, machine=idle, units=1, end=at(MONDAY, 10))
        assert plan(problem_of(start=at(MONDAY, 9), outages=(elsewhere,), **settings)).proof.status == "optimal"


def test_no_batch_gets_the_name_of_one_that_was_lost():
    wanted = {"targets": {MONDAY: {"standard": 2}}}
    assert {batch.name for batch in plan(problem_of(**wanted)).batches} == {"S10-1", "S10-2"}
    again = plan(problem_of(lost=("S10-1",), **wanted))
    assert {batch.name for batch in again.batches} == {"S10-2", "S10-3"}


def test_a_batch_that_cannot_be_finished_before_the_plan_ends_is_left_to_the_next_plan():
    running = Commitment("night", "premium", (at(MONDAY, 20), at(MONDAY, 20, 30)))
    made = plan(problem_of(targets={}, commitments=(running,)))
    assert made.proof.status == "optimal"
    assert [len(batch.runs) for batch in made.batches] == [2]
    assert check(made) == []
    near = Commitment("near", "standard", (at(MONDAY, 18), at(MONDAY, 18, 30)))  # done at 23:30, to be gone by 23:45
    made = plan(problem_of(targets={}, commitments=(near,)))
    assert [len(batch.runs) for batch in made.batches] == [2]
    assert check(made) == []


def test_batches_that_ran_one_after_the_other_off_the_grid_are_no_conflict():
    first = Commitment("a", "standard", (at(MONDAY, 6, 2),))  # holds its unit until 06:32
    second = Commitment("b", "premium", (at(MONDAY, 6, 33),))
    made = plan(problem_of(targets={MONDAY: {"standard": 1, "premium": 1}}, commitments=(first, second)))
    assert made.proof.status == "optimal"
    assert is_sound(made)


def test_locked_batches_that_break_units_or_power_are_conflicts():
    def locked(name, hour, minute=0):
        return Commitment(name, "standard", (at(MONDAY, hour, minute), at(MONDAY, hour, minute + 30)))

    same = (locked("a", 8), locked("b", 8))
    made = plan(problem_of(targets={}, commitments=same))
    assert made.proof.status == "infeasible"
    assert "units" in {conflict.limit for conflict in made.conflicts}
    assert any("preparation lacks units (1.0)" in str(conflict.message) for conflict in made.conflicts)
    past = Outage("mixer", 1, at(MONDAY, 6), at(MONDAY, 7))  # it has nothing to do with it
    made = plan(problem_of(targets={}, commitments=same, outages=(past,)))
    assert any("preparation lacks units (1.0)" in str(conflict.message) for conflict in made.conflicts)

    weak = replace(default_plant(), contracted_kw=100.0)
    made = plan(problem_of(weak, targets={}, commitments=(locked("a", 8), locked("b", 9))))
    assert made.proof.status == "infeasible"
    assert "power" in {conflict.limit for conflict in made.conflicts}
    first = next(conflict for conflict in made.conflicts if conflict.limit == "power")
    assert "kW above the contract" in str(first.message)
    assert first.start == at(MONDAY, 9)  # mixing, rolling and a conche


def test_without_targets_the_plan_is_empty():
    for first in (MONDAY, date(2025, 3, 9)):  # on a Sunday nothing could begin either
        made = plan(problem_of(first=first, targets={}))
        assert made.batches == made.shortfalls == made.conflicts == ()
        assert made.cost_eur == made.energy_kwh == 0
        assert made.proof.status == "optimal"


def test_a_target_on_a_day_without_staff_is_short():
    sunday = date(2025, 3, 9)
    made = plan(problem_of(first=sunday, targets={sunday: {"standard": 1}}))
    assert [(short.day, short.batches) for short in made.shortfalls] == [(sunday, 1)]


def test_far_more_than_can_be_made_ends_and_says_how_much_is_short():
    made = plan(problem_of(slot=30, targets={MONDAY: {"standard": 1000}}), seconds=10)
    assert sum(short.batches for short in made.shortfalls) == 1000 - len(made.batches)
    assert 1 <= len(made.batches) < 10
    assert is_sound(made)


def test_when_the_time_is_out_there_is_a_plan_with_its_gap_or_none():
    problem = problem_of(days=7)
    for seconds in (0.0, 0.3, 1.0):
        try:
            made = plan(problem, seconds=seconds)
        except NoPlan:
            continue
        assert made.proof.status in {"optimal", "feasible"}
        assert made.proof.gap >= 0
        assert is_sound(made)


def test_what_is_short_is_counted_by_the_batches_themselves():
    problem = problem_of(targets={MONDAY: {"standard": 2}})
    made = plan(problem).batches
    assert shortfalls_of(problem, made) == []
    assert [(short.day, short.product, short.batches) for short in shortfalls_of(problem, made[:1])] == [
        (MONDAY, "standard", 1)
    ]
    begun = replace(made[0], runs=made[0].runs[:1])
    assert shortfalls_of(problem, [begun])[0].batches == 2


def test_what_costs_less_than_nothing_is_planned_where_it_earns_most():
    price = np.full(96, 0.1)
    price[40:48] = -0.2  # 10:00 to 12:00
    plant = small_plant(one_block(minutes=60))
    made = plan(problem_of(plant, targets={MONDAY: {"bar": 2}}, price_eur_kwh=price))
    assert [local(batch.start).hour for batch in made.batches] == [10, 11]
    assert made.cost_eur == pytest.approx(-0.2 * 120)


def test_at_the_same_cost_the_earlier_plan_is_taken():
    made = plan(problem_of(targets={MONDAY: {"standard": 1}}, price_eur_kwh=np.full(96, 0.1)))
    assert made.batches[0].start == at(MONDAY, 6)
    assert made.batches[0].end == at(MONDAY, 12, 32)
    assert made.proof.early_proven


def test_progress_is_told_and_never_goes_back():
    told = []
    plan(problem_of(targets={WEDNESDAY: {}}), report=lambda percent, message: told.append((percent, message)))
    percents = [percent for percent, _ in told]
    assert percents == sorted(percents)
    assert all(message for _, message in told)
    assert day_bounds(MONDAY)[0] == problem_of().start
