"""The plan as a use case: what it begins with, what goes on from the one before, and what is kept of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from chocofactory.core.clock import MADRID, day_bounds, day_start
from chocofactory.core.errors import InvalidInput, NotFound
from chocofactory.domain.measurements import PVPC
from chocofactory.planning.checking import check
from chocofactory.planning.savings import energy
from chocofactory.services.plan_orders import Order, from_json, to_json
from chocofactory.services.plan_problems import carried
from chocofactory.services.stored_plans import from_record, to_record
from tests.plans_kit import NOW, at_work
from tests.schedule_kit import foresee

TODAY = NOW.date()
TOMORROW = TODAY + timedelta(days=1)


@pytest.fixture(scope="module")
def plant_at_work(tmp_path_factory):
    factory = at_work(tmp_path_factory.mktemp("planning"))
    yield factory
    factory.close()


@pytest.fixture
def factory(tmp_path):
    made = at_work(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def stored(plant_at_work):
    """A plan of three days from tomorrow on."""
    return plant_at_work.planning.make(Order(day=TOMORROW, days=3), "test")


def test_the_first_plan_begins_at_the_next_midnight_and_reaches_as_far_as_prices(factory):
    made = factory.planning.make(Order(), "test")
    problem = made.plan.problem
    assert problem.start == day_start(TOMORROW)
    assert problem.last == TODAY + timedelta(days=7) == factory.forecasts.reach()
    assert (problem.commitments, set(problem.stock.values())) == ((), set())
    assert made.violations == ()


def test_a_plan_that_is_read_again_is_the_plan_that_was_made(plant_at_work, stored):
    again = plant_at_work.planning.get(stored.id)
    assert again.plan.batches == stored.plan.batches
    assert again.plan.proof == stored.plan.proof
    assert again.plan.shortfalls == stored.plan.shortfalls
    assert again.usual.batches == stored.usual.batches
    assert again.savings == stored.savings
    assert again.cost_band_eur == stored.cost_band_eur
    assert again.inputs.published_until == stored.inputs.published_until
    assert plant_at_work.planning.check(stored.id) == [] == check(stored.plan)


def test_what_is_kept_is_plain_json(stored):
    text = json.dumps(to_record(stored, "x"), allow_nan=False)
    with pytest.raises(InvalidInput):  # not a plant
        from_record(json.loads(text), "p", NOW, "me")


def test_the_cost_is_the_energy_of_each_quarter_hour_at_its_price(stored):
    drawn = energy(stored.plan.problem, stored.plan.batches)
    by_hand = sum(kwh * price for kwh, price in zip(drawn, stored.plan.problem.price_eur_kwh, strict=True))
    assert stored.plan.cost_eur == pytest.approx(by_hand)
    low, median, high = stored.cost_band_eur
    assert low < median < high


def test_a_plan_made_during_the_day_goes_on_with_what_the_one_before_began(factory):
    first = factory.planning.make(Order(day=TOMORROW), "test")
    factory.clock.at = datetime(2025, 3, 28, 13, 7, tzinfo=MADRID).astimezone(UTC)
    factory.ingestion.ingest(PVPC, TOMORROW, TOMORROW)
    second = factory.planning.make(Order(), "test")
    start = second.plan.problem.start
    assert start == datetime(2025, 3, 28, 13, 15, tzinfo=MADRID)
    running = {batch.name for batch in first.plan.batches if batch.start < start < batch.end}
    assert {each.name for each in second.plan.problem.commitments} == running
    assert running
    ended = [batch.product for batch in first.plan.batches if batch.end <= start]
    assert second.plan.problem.stock == {"standard": ended.count("standard"), "premium": ended.count("premium")}
    assert second.violations == ()
    names = [batch.name for batch in second.plan.batches]
    assert len(set(names)) == len(names)
    assert factory.planning.in_force().id == second.id


def test_what_was_due_and_is_not_done_is_owed_the_day_after(stored):
    plan = stored.plan
    end = day_bounds(plan.problem.first)[1]
    nothing = replace(plan, batches=())
    _running, stock = carried(nothing, end)
    assert stock == {product: -count for product, count in plan.problem.targets[plan.problem.first].items()}


def test_a_locked_batch_stays_where_it_was(factory):
    first = factory.planning.make(Order(day=TOMORROW, days=3), "test")
    locked = max(first.plan.batches, key=lambda batch: batch.start)
    factory.clock.at = day_start(TOMORROW) + timedelta(hours=5)
    second = factory.planning.make(Order(days=3, locks=(locked.name,)), "test")
    again = next(batch for batch in second.plan.batches if batch.name == locked.name)
    assert [run.start for run in again.runs] == [run.start for run in locked.runs]
    with pytest.raises(InvalidInput, match="no batch X9"):
        factory.planning.make(Order(locks=("X9",)), "test")


def test_a_past_day_is_planned_with_what_was_known_at_its_midnight(plant_at_work):
    day = TODAY - timedelta(days=3)
    posed = plant_at_work.planning.problems.pose(Order(day=day, days=2), plant_at_work.clock.now(), None)
    assert posed.problem.start == day_start(day)
    kinds = posed.inputs.prices["kind"]
    assert set(kinds[kinds.index < day_bounds(day)[1]]) == {"simulated"}
    assert set(kinds[kinds.index >= day_bounds(day)[1]]) == {"forecast"}


def test_known_prices_are_the_same_in_all_scenarios_and_forecasts_are_not(plant_at_work):
    posed = plant_at_work.planning.problems.pose(Order(day=TODAY, days=2), plant_at_work.clock.now(), None)
    known = (posed.inputs.prices["kind"] != "forecast").to_numpy()
    assert np.ptp(posed.paths[:, known], axis=0).max() == pytest.approx(0, abs=1e-12)
    assert (np.ptp(posed.paths[:, ~known], axis=0) > 0).all()


@pytest.mark.parametrize(
    "order",
    [
        {"day": TOMORROW + timedelta(days=30), "days": 1},
        {"day": TOMORROW, "targets": {TOMORROW + timedelta(days=40): {"standard": 1}}},
        {"day": TOMORROW, "targets": {TOMORROW: {"white": 1}}},
        {"day": TOMORROW, "stock": {"white": 1}},
    ],
)
def test_what_cannot_be_planned_is_refused(plant_at_work, order):
    with pytest.raises(InvalidInput):
        plant_at_work.planning.make(Order(**order), "test")


def test_without_prices_there_is_no_plan(tmp_path):
    factory = at_work(tmp_path, prices=False)
    assert not factory.planning.due()
    with pytest.raises(NotFound):
        factory.planning.make(Order(), "test")
    factory.close()


def test_orders_survive_the_way_through_json():
    order = Order(day=TOMORROW, days=2, slot_min=30, targets={TOMORROW: {"standard": 2}}, stock={"premium": -1})
    assert from_json(json.loads(json.dumps(to_json(order)))) == order
    assert from_json({}) == Order()
    with pytest.raises(InvalidInput):
        from_json({"date": "soon"})


def test_a_plan_is_due_once_and_again_when_the_prices_of_tomorrow_are_out(factory):
    assert factory.planning.due()
    factory.planning.make(from_json(factory.planning.next_order()), "test")
    assert not factory.planning.due()
    factory.clock.at = datetime(2025, 3, 27, 20, 40, tzinfo=MADRID).astimezone(UTC)
    assert not factory.planning.due()
    factory.ingestion.ingest(PVPC, TOMORROW, TOMORROW)
    assert factory.planning.due()
    factory.planning.make(from_json(factory.planning.next_order()), "test")
    assert not factory.planning.due()


def test_the_plan_of_the_day_is_due_when_more_is_known_of_today_and_once(factory):
    assert not factory.planning.due_of_the_day()  # there is none that could be made anew
    factory.planning.make(Order(day=TOMORROW, days=2), "test")
    factory.clock.at = datetime(2025, 3, 28, 6, 10, tzinfo=MADRID).astimezone(UTC)
    assert not factory.planning.due_of_the_day()  # it waits for the prices of today
    factory.clock.at = datetime(2025, 3, 28, 10, 0, tzinfo=MADRID).astimezone(UTC)
    assert factory.planning.due_of_the_day()
    factory.planning.make(from_json(factory.planning.order_of_the_day()), "test")
    assert not factory.planning.due_of_the_day()
    factory.ingestion.ingest(PVPC, TOMORROW, TOMORROW)
    assert factory.planning.due_of_the_day()
    made = factory.planning.make(from_json(factory.planning.order_of_the_day()), "test")
    assert made.start == datetime(2025, 3, 28, 10, 0, tzinfo=MADRID)
    assert not factory.planning.due_of_the_day()


def test_the_demonstration_plans_from_yesterday_on_by_itself(factory):
    foresee(factory)
    factory.jobs.close()
    newest = factory.planning.latest()
    assert newest.plan.problem.first == TODAY - timedelta(days=1)
    assert newest.requested_by == "scheduler"
    assert factory.planning.in_force().id == newest.id


def test_what_a_plan_came_to_is_told_once_all_its_prices_are_out(factory):
    made = factory.planning.make(Order(day=TODAY - timedelta(days=2), days=2), "test")
    found = factory.planning.realised(made.id)
    frame = factory.prices.frame(TODAY - timedelta(days=2), TODAY - timedelta(days=1))
    price = frame["price_eur_kwh"].reindex(made.plan.problem.grid.floor("h")).to_numpy()
    assert found.savings.compared == made.savings.compared
    assert found.savings.plan_eur == pytest.approx(float(energy(made.plan.problem, made.plan.batches) @ price))
    assert found.perfect_eur <= found.savings.plan_eur + 0.1
    ahead = factory.planning.make(Order(day=TOMORROW, days=1), "test")
    assert factory.planning.realised(ahead.id) is None


def test_both_days_on_which_the_clock_changes_are_planned_whole(factory):
    factory.clock.at = datetime(2025, 3, 28, 21, tzinfo=MADRID).astimezone(UTC)
    factory.ingestion.ingest(PVPC, TOMORROW, date(2025, 3, 29))
    made = factory.planning.make(Order(day=date(2025, 3, 30), days=2), "test")
    assert len(made.plan.problem.grid) == (23 + 24) * 4
    assert made.violations == ()
