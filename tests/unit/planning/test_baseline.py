"""What a planner does who does not look at prices: batches begin when they are released and finish early."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from chocofactory.core.clock import local
from chocofactory.planning.baseline import released, usual
from chocofactory.planning.planner import NoPlan, plan
from chocofactory.planning.problem import Commitment
from tests.planning_kit import MONDAY, at, one_block, problem_of, small_plant, starts_by_batch

TUESDAY = MONDAY + timedelta(days=1)
HOUR = 4
"""Quarters of an hour."""


def test_batches_are_released_in_the_afternoon_of_the_working_day_before():
    targets = {MONDAY: {"standard": 1}, TUESDAY: {"standard": 2, "premium": 1}}
    found = released(problem_of(days=2, targets=targets))
    assert found == {"standard": [0, 14 * HOUR, 14 * HOUR], "premium": [14 * HOUR]}


def test_mondays_batches_are_released_on_saturday_and_a_holidays_neighbour_on_the_day_before_it():
    friday, saturday, monday = (date(2025, 3, day) for day in (7, 8, 10))
    found = released(problem_of(first=friday, days=4, targets={saturday: {"standard": 1}, monday: {"standard": 1}}))
    assert found["standard"] == [14 * HOUR, (24 + 14) * HOUR]
    after_new_year = released(problem_of(first=date(2024, 12, 31), days=3, targets={date(2025, 1, 2): {"standard": 1}}))
    assert after_new_year["standard"] == [14 * HOUR]


def test_stock_and_what_is_running_cover_the_first_and_what_is_owed_is_released_at_once():
    targets = {MONDAY: {"standard": 1}, TUESDAY: {"standard": 2}}
    assert released(problem_of(days=2, targets=targets, stock={"standard": 1}))["standard"] == [14 * HOUR, 14 * HOUR]
    running = (Commitment("a", "standard", (at(MONDAY, 0),)),)
    both = problem_of(days=2, targets=targets, stock={"standard": 1}, commitments=running)
    assert released(both)["standard"] == [14 * HOUR]
    owed = problem_of(days=2, targets={TUESDAY: {"standard": 1}}, stock={"standard": -2})
    assert released(owed)["standard"] == [0, 0, 14 * HOUR]


def test_each_batch_begins_when_it_is_released_and_finishes_as_early_as_it_can():
    targets = {MONDAY: {"standard": 1}, TUESDAY: {"standard": 1}}
    first, second = usual(problem_of(days=2, targets=targets)).batches
    assert first.start == at(MONDAY, 6)
    assert first.end == at(MONDAY, 12, 32)  # 30 min, 5 h and 62 min
    assert second.start == at(MONDAY, 14)
    assert second.end == at(MONDAY, 20, 32)


def test_prices_play_no_part():
    targets = {MONDAY: {"standard": 3, "premium": 1}, TUESDAY: {"standard": 2, "premium": 1}}
    problem = problem_of(days=2, slot=30, targets=targets)
    shuffled = np.random.default_rng(1).permutation(problem.price_eur_kwh)
    ours, theirs = usual(problem), usual(replace(problem, price_eur_kwh=shuffled))
    assert starts_by_batch(ours) == starts_by_batch(theirs)
    assert ours.cost_eur != pytest.approx(theirs.cost_eur)
    assert ours.proof.cost_eur == pytest.approx(ours.cost_eur, abs=1e-3)


def test_with_what_is_cheap_in_the_night_the_plan_waits_and_the_usual_way_does_not():
    price = np.full(192, 0.3)
    price[80:120] = 0.1
    plant = small_plant(one_block(minutes=60))
    problem = problem_of(plant, days=2, targets={TUESDAY: {"bar": 1}}, price_eur_kwh=price)
    assert [local(made.batches[0].start).hour for made in (plan(problem), usual(problem))] == [20, 14]


def test_it_falls_short_where_the_release_leaves_too_little_time():
    plant = small_plant(one_block(minutes=240))
    problem = problem_of(plant, days=2, targets={TUESDAY: {"bar": 12}})
    assert plan(problem).shortfalls == ()  # 48 hours
    (short,) = usual(problem).shortfalls
    assert (short.day, short.batches) == (TUESDAY, 4)  # 34 hours from Monday 14:00 on hold eight


def test_where_nothing_keeps_the_limits_there_is_no_usual_way():
    lost = Commitment("lost", "standard", (at(MONDAY, 6), at(MONDAY, 6, 30)))
    with pytest.raises(NoPlan):
        usual(problem_of(start=at(MONDAY, 12), targets={}, commitments=(lost,)))
