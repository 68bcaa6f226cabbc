"""Batches that are given up: they hold nothing, count for nothing, are owed again, and do not come back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from chocofactory.core.clock import MADRID, day_start
from chocofactory.core.errors import InvalidInput
from chocofactory.planning.problem import Commitment, Outage
from chocofactory.services.carrying import standing
from chocofactory.services.plan_orders import Order, from_json, to_json
from chocofactory.services.plan_views import plan_record
from chocofactory.services.plan_words import warnings
from tests.plans_kit import NOW, at_work

TODAY = NOW.date()
TOMORROW = TODAY + timedelta(days=1)


def at(day, hour, minute=0):
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=MADRID).astimezone(UTC)


@pytest.fixture
def factory(tmp_path):
    made = at_work(tmp_path)
    yield made
    made.close()


@pytest.fixture
def followed(factory):
    """A plan of three days, at a moment at which some of its batches are in the conches and some are done."""
    plan = factory.planning.make(Order(day=TOMORROW, days=3), "test").plan
    ends = sorted(batch.end for batch in plan.batches)
    factory.clock.at = ends[0] + timedelta(minutes=20)
    assert standing(plan, factory.clock.now())
    return plan


def running(plan, now):
    return next(batch for batch in standing(plan, now) if batch.runs[0].start < now < batch.runs[1].end)


def test_a_lost_batch_neither_goes_on_nor_is_stock_and_is_owed_again(factory, followed):
    now = factory.clock.now()
    batch = running(followed, now)
    usual = factory.planning.problems.pose(Order(days=2), now, followed).problem
    made = factory.planning.make(Order(days=2, lost=(batch.name,)), "test")
    problem = made.plan.problem
    assert batch.name in {each.name for each in usual.commitments}
    assert {each.name for each in problem.commitments} == {each.name for each in usual.commitments} - {batch.name}
    assert (problem.stock, problem.targets) == (usual.stock, usual.targets)
    assert batch.name not in {each.name for each in made.plan.batches}  # nor does a new one bear its name
    assert made.violations == ()
    finished = sum(each.product == batch.product and len(each.runs) == 3 for each in made.plan.batches)
    short = sum(
        each.batches
        for each in made.plan.shortfalls
        if (each.product, each.day) == (batch.product, made.plan.problem.last)
    )
    assert finished + short == problem.due(problem.last, batch.product)


def test_no_later_plan_brings_a_lost_batch_back(factory, followed):
    batch = running(followed, factory.clock.now())
    second = factory.planning.make(Order(days=3, lost=(batch.name,)), "test")
    factory.clock.at += timedelta(minutes=45)
    third = factory.planning.make(Order(days=3), "test").plan
    begun = {each.name: each.start for each in third.batches}
    assert begun.get(batch.name) != batch.start
    assert third.problem.lost == ()
    assert batch.start not in {each.starts[0] for each in third.problem.commitments}
    assert sum(third.problem.stock.values()) <= sum(second.plan.problem.stock.values()) + sum(
        each.end <= third.problem.start for each in second.plan.batches
    )
    with pytest.raises(InvalidInput, match="has no batch"):  # it cannot be lost twice
        factory.planning.problems.pose(Order(lost=(batch.name,)), factory.clock.now(), second.plan)


def test_a_machine_that_breaks_under_a_batch_is_no_way_out_until_the_batch_is_told_lost(factory, followed):
    now = factory.clock.now()
    conches = factory.plant.blocks[1].units
    broken = Outage("conche", conches, now, now + timedelta(hours=3))
    on_it = tuple(
        batch.name
        for batch in standing(followed, now)
        if len([run for run in batch.runs if run.start < now]) < 3 and batch.runs[1].end > now
    )
    stuck = factory.planning.make(Order(days=2, outages=(broken,)), "test")
    assert stuck.plan.proof.status == "infeasible"
    said = [str(each.message) for each in stuck.plan.conflicts]
    assert any(words.startswith("Out of order: conche") and on_it[0] in words for words in said)
    assert factory.planning.in_force().plan.batches == followed.batches
    assert factory.planning.set_aside().id == stuck.id
    freed = factory.planning.make(Order(days=2, outages=(broken,), lost=on_it), "test")
    assert freed.plan.proof.status != "infeasible"
    assert freed.violations == ()
    assert factory.planning.in_force().id == freed.id
    assert factory.planning.set_aside() is None
    assert all(run.start >= broken.end for batch in freed.plan.batches for run in batch.runs[1:2] if run.start >= now)


def test_what_was_lost_is_kept_and_told(factory, followed):
    batch = running(followed, factory.clock.now())
    made = factory.planning.make(Order(days=1, lost=(batch.name,)), "test")
    assert factory.planning._read(made.id).plan.problem.lost == (batch.name,)
    assert plan_record(made)["inputs"]["lost"] == [batch.name]
    assert f"Given up as lost, and owed again: {batch.name}. The energy" in " ".join(map(str, warnings(made)))


def test_what_is_not_running_cannot_be_lost(factory, followed):
    now = factory.clock.now()
    done = next(batch for batch in followed.batches if batch.end <= now)
    ahead = max(followed.batches, key=lambda batch: batch.start)
    pose = factory.planning.problems.pose
    for name, told in (
        ("X9", "The plan in force has no batch X9 that could be lost."),
        (done.name, f"{done.name} is finished before the new plan begins"),
        (ahead.name, f"{ahead.name} has not begun when the new plan begins"),
    ):
        with pytest.raises(InvalidInput, match=told):
            pose(Order(lost=(name,)), now, followed)
    with pytest.raises(InvalidInput, match="no batch S1"):
        pose(Order(lost=("S1",)), now, None)


def test_a_batch_that_was_locked_before_can_be_given_up_before_it_begins(factory, followed):
    ahead = max(followed.batches, key=lambda batch: batch.start)
    locked = factory.planning.make(Order(days=3, locks=(ahead.name,)), "test").plan
    factory.clock.at += timedelta(minutes=30)
    posed = factory.planning.problems.pose(Order(lost=(ahead.name,)), factory.clock.now(), locked).problem
    assert ahead.name not in {each.name for each in posed.commitments}


def test_a_batch_cannot_be_lost_and_stay():
    with pytest.raises(InvalidInput, match="S1 cannot be lost and stay"):
        Order(locks=("S1",), lost=("S1",))
    with pytest.raises(InvalidInput, match="S1 cannot be lost and stay"):
        Order(running=(Commitment("S1", "standard", (NOW,)),), lost=("S1",))


def test_lost_batches_survive_the_way_through_json():
    order = Order(lost=("S27-1", "P27-2"))
    assert from_json(json.loads(json.dumps(to_json(order)))) == order
    assert from_json({"date": None}).lost == ()


def test_a_batch_that_is_kept_but_ends_after_the_plan_is_refused(factory):
    start, second = day_start(TOMORROW), TOMORROW + timedelta(days=1)
    plan = factory.planning.make(Order(day=TOMORROW, days=3), "test").plan
    late = max(plan.batches, key=lambda batch: batch.start)
    with pytest.raises(InvalidInput, match=f"{late.name} starts after the end of the plan"):
        factory.planning.problems.pose(Order(day=TOMORROW, days=1, locks=(late.name,)), start, plan)
    over = Commitment("N1", "standard", (at(TOMORROW, 17, 45), at(TOMORROW, 18, 15), at(TOMORROW, 23, 30)))
    with pytest.raises(InvalidInput, match="N1 is kept as planned and ends only after the plan: plan more days"):
        factory.planning.problems.pose(Order(day=TOMORROW, days=1, running=(over,)), start, None)
    longer = factory.planning.problems.pose(Order(day=TOMORROW, days=2, running=(over,)), start, None).problem
    assert (longer.last, longer.commitments) == (second, (over,))


def test_only_plans_that_were_to_be_followed_are_set_aside(factory, followed):
    now = factory.clock.now()
    broken = Outage("conche", factory.plant.blocks[1].units, now, now + timedelta(hours=3))
    trial = factory.planning.make(Order(days=2, outages=(broken,), trial=True), "test")
    assert trial.plan.proof.status == "infeasible"
    assert factory.planning.set_aside() is None
    stuck = factory.planning.make(Order(days=2, outages=(broken,)), "test")
    factory.planning.make(Order(days=1, trial=True), "test")
    factory.planning.make(Order(day=TODAY - timedelta(days=2), days=1), "test")
    assert factory.planning.set_aside().id == stuck.id
    factory.clock.at = stuck.end
    assert factory.planning.set_aside() is None
