"""What one plan leaves to the next: no batch, debt, breakdown, lock or changed target gets lost, none is invented."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chocofactory.core.clock import MADRID, day_start
from chocofactory.core.errors import Conflict, InvalidInput
from chocofactory.planning.problem import Outage
from chocofactory.services.plan_orders import Order, from_json
from tests.plans_kit import NOW, at_work

TODAY = NOW.date()
TOMORROW = TODAY + timedelta(days=1)
AFTER = TODAY + timedelta(days=2)


@pytest.fixture
def factory(tmp_path):
    made = at_work(tmp_path)
    yield made
    made.close()


def at(day, hour, minute=0):
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=MADRID).astimezone(UTC)


def test_a_short_plan_replaces_the_long_one_for_the_days_after_it_too(factory):
    factory.planning.make(Order(day=TOMORROW, days=3), "test")
    factory.clock.at = at(TOMORROW, 5)
    broken = Outage("roller", 1, at(TOMORROW, 5), day_start(AFTER))
    short = factory.planning.make(Order(days=1, outages=(broken,)), "test").plan
    assert not short.batches
    next_one = factory.planning.make(Order(day=AFTER, days=1), "test").plan.problem
    assert next_one.commitments == ()
    assert next_one.stock == {product: -count for product, count in short.problem.targets[TOMORROW].items()}
    assert factory.planning.in_force(day_start(AFTER)).plan.problem.first == AFTER


def test_after_the_end_of_the_plan_that_was_followed_nothing_is_known(factory):
    factory.planning.make(Order(day=TOMORROW, days=1), "test")
    factory.clock.at = at(AFTER, 9)
    posed = factory.planning.make(Order(day=AFTER, days=1), "test").plan.problem
    assert (posed.commitments, set(posed.stock.values())) == ((), set())
    assert set(posed.targets[AFTER].values()) == {0}  # nobody knows what was made since midnight


def test_what_is_broken_closed_locked_or_wanted_stays_so_in_the_next_plan(factory):
    broken = Outage("conche", 1, at(TOMORROW, 0), at(AFTER, 22))
    closed = ((at(AFTER, 6), at(AFTER, 8)),)
    first = factory.planning.make(
        Order(day=TOMORROW, days=3, outages=(broken,), closed=closed, targets={AFTER: {"standard": 1}}), "test"
    )
    factory.clock.at = at(TOMORROW, 5)
    locked = max(first.plan.batches, key=lambda batch: batch.start)
    second = factory.planning.make(Order(days=3, locks=(locked.name,)), "test").plan.problem
    factory.clock.at = at(TOMORROW, 20, 40)
    third = factory.planning.make(from_json(factory.planning.next_order()), "test").plan.problem
    for problem in (second, third):
        assert problem.outages == (broken,)
        assert problem.closed == closed
        assert problem.targets[AFTER]["standard"] == 1
    assert locked.name in {each.name for each in third.commitments if len(each.starts) == len(locked.runs)}
    assert factory.planning.make(Order(day=AFTER, days=1, outages=(), closed=()), "test").plan.problem.outages == ()


def test_a_trial_and_a_plan_of_the_past_never_come_into_force(factory):
    real = factory.planning.make(Order(day=TODAY, days=2), "test")
    factory.planning.make(Order(day=TODAY, days=1, trial=True), "test")
    factory.planning.make(Order(day=TODAY - timedelta(days=2), days=7), "test")
    assert factory.planning.latest().id == factory.planning.in_force().id == real.id


def test_a_plan_made_now_is_in_force_at_once_and_can_be_made_anew_within_its_first_slot(factory):
    factory.clock.at = at(TODAY, 10, 31)
    first = factory.planning.make(Order(day=TODAY, days=2), "test")
    assert factory.planning.in_force().id == first.id
    factory.clock.at = at(TODAY, 10, 35)
    name = first.plan.batches[-1].name
    again = factory.planning.make(Order(day=TODAY, days=2, locks=(name,)), "test")
    assert [each.name for each in again.plan.problem.commitments] == [name]


def test_a_target_that_is_left_out_is_that_of_the_plant(factory):
    usual = factory.plant.targets_due(TOMORROW, TOMORROW)[TOMORROW]
    made = factory.planning.make(Order(day=TOMORROW, days=1, targets={TOMORROW: {"standard": 3}}), "test")
    assert made.plan.problem.targets[TOMORROW] == {**usual, "standard": 3}


def test_a_batch_that_runs_keeps_its_machine(factory):
    first = factory.planning.make(Order(day=TOMORROW, days=2), "test").plan
    units = {(batch.name, run.block): run.unit for batch in first.batches for run in batch.runs}
    for hour in (8, 12, 16):
        factory.clock.at = at(TOMORROW, hour)
        again = factory.planning.make(Order(days=2), "test").plan
        for batch in again.batches:
            for run in batch.runs:
                if not run.planned:
                    assert units[batch.name, run.block] == run.unit
        units |= {(batch.name, run.block): run.unit for batch in again.batches for run in batch.runs}


def test_what_runs_in_the_evening_is_finished_on_the_day_after(factory):
    factory.planning.make(Order(day=TOMORROW, days=3), "test")
    factory.clock.at = at(TOMORROW, 21, 40)
    running = factory.planning.make(Order(days=1), "test")
    assert running.violations == ()
    open_ = [each for each in running.plan.problem.commitments if len(each.starts) < 3]
    if open_:
        assert running.plan.problem.last == AFTER
        whole = {batch.name for batch in running.plan.batches if len(batch.runs) == 3}
        assert {each.name for each in open_} <= whole


def test_what_runs_by_another_plant_is_refused_by_name(factory):
    first = factory.planning.make(Order(day=TOMORROW, days=3), "test").plan
    plant = factory.plant
    targets = {weekday: {"standard": counts["standard"]} for weekday, counts in plant.targets.items()}
    other = replace(factory.planning.problems, plant=replace(plant, products=plant.products[:1], targets=targets))
    premium = next(batch for batch in first.batches if batch.product == "premium")
    factory.clock.at = premium.start + timedelta(hours=2)
    with pytest.raises(Conflict, match=f"{premium.name} runs by another plant"):
        other.pose(Order(days=1), factory.clock.now(), first)


def test_an_outage_of_no_unit_is_refused():
    with pytest.raises(InvalidInput):
        Order(outages=(Outage("conche", 0, at(TOMORROW, 1), at(TOMORROW, 2)),))
