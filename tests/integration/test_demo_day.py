"""A day of the demonstration, from its start in the morning to the evening, watched through the clock."""

from datetime import date, datetime, timedelta

import pytest

from chocofactory import bootstrap
from chocofactory.core.clock import MADRID, StoppedClock, local
from chocofactory.core.config import load_settings
from chocofactory.domain.measurements import PVPC, SPOT

TODAY, TOMORROW = date(2025, 3, 12), date(2025, 3, 13)


def at(hour, minute=0, day=TODAY):
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=MADRID)


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """The factory in the evening, and what was seen at each look: time, tasks, hours of tomorrow known by market."""
    clock = StoppedClock(at(6, 3))
    settings = load_settings(mode="demo", demo_days=15, train_days=0, data_dir=tmp_path_factory.mktemp("day"))
    factory = bootstrap.build(settings, clock=clock)
    seen = []
    while clock.now() < at(21):
        tasks = factory.schedule.look_around("test", wait=True)
        known = {market: len(factory.prices.frame(TOMORROW, TOMORROW, market)) for market in (PVPC, SPOT)}
        holds = factory.planning.in_force(at(12, day=TOMORROW))
        seen.append((local(clock.now()), tasks, known, holds and holds.id))
        clock.at += timedelta(minutes=10)
    yield factory, seen
    factory.close()


def first(seen, holds):
    return next(moment for moment, *rest in seen if holds(*rest))


def test_the_first_look_fills_everything(watched):
    factory, seen = watched
    assert set(seen[0][1]) == set(factory.schedule.tasks)
    assert factory.prices.span()[0] == TODAY - timedelta(days=15)


def test_nothing_fails_and_nothing_is_fetched_twice(watched):
    factory, _ = watched
    runs = factory.jobs.recent(limit=500)
    assert {run.state for run in runs} <= {"succeeded", "partial"}
    assert {run.requested_by for run in runs} == {"scheduler"}
    prices = [run for run in runs if run.kind == "ingest_prices"]
    assert len(prices) == 3  # the history, and each market's tomorrow
    assert all(market["counts"]["new"] for run in prices for market in run.result["markets"])


def test_tomorrows_prices_come_when_they_are_out_market_by_market(watched):
    _, seen = watched
    spot = first(seen, lambda _tasks, known, _plan: known[SPOT] == 24)
    pvpc = first(seen, lambda _tasks, known, _plan: known[PVPC] == 24)
    assert at(13) <= spot <= at(13, 15)
    assert at(20, 15) <= pvpc <= at(20, 35)


def test_weather_is_complete_up_to_the_last_hour(watched):
    factory, _ = watched
    hours = [
        entry for entry in factory.gaps.report(TODAY, TODAY) if entry.series.measurement.name == "weather_observation"
    ]
    assert hours
    assert all(gap.start >= at(20) for entry in hours for gap in entry.gaps)


def test_the_plan_is_made_anew_when_tomorrows_prices_are_out(watched):
    factory, seen = watched
    ids = [plan for *_, plan in seen if plan]
    made = factory.planning.get(ids[-1])
    assert ids.count(made.id) < len(ids)
    assert at(20, 15) <= local(made.created_at) <= at(20, 45)
    assert made.inputs.published_until == at(0, day=TOMORROW + timedelta(days=1))
    assert made.requested_by == "scheduler"


def test_a_forecast_was_issued_whenever_more_was_known(watched):
    factory, _ = watched
    issued = sorted(local(run.created_at) for run in factory.jobs.recent("issue_forecast"))
    assert issued[0] < at(6, 10)
    assert any(at(13) <= moment <= at(13, 30) for moment in issued)
    assert any(at(20, 15) <= moment <= at(20, 45) for moment in issued)
