from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from chocofactory.core.clock import (
    MADRID,
    StoppedClock,
    SystemClock,
    TravellingClock,
    day_bounds,
    day_grid,
    local_date,
    local_days,
)


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(2026, 10, 25), 25),
        (date(2027, 3, 28), 23),
        (date(2021, 10, 31), 25),
        (date(2022, 3, 27), 23),
        (date(2025, 12, 31), 24),
        (date(2030, 1, 1), 24),
        (date(2030, 3, 31), 23),
        (date(2030, 10, 27), 25),
    ],
)
def test_a_local_day_has_its_hours(day, hours):
    grid = day_grid(day)
    assert len(grid) == hours
    assert len(day_grid(day, resolution=timedelta(minutes=15))) == 4 * hours
    assert {moment.tz_convert(MADRID).date() for moment in grid} == {day}


@given(st.dates(date(2000, 1, 1), date(2060, 1, 1)), st.integers(0, 40))
def test_days_tile_time_without_gap_or_overlap(first, more):
    last = first + timedelta(days=more)
    start, end = day_bounds(first, last)
    joined = [moment for n in range(more + 1) for moment in day_grid(first + timedelta(days=n))]
    assert joined == list(day_grid(first, last))
    assert (joined[0], joined[-1] + timedelta(hours=1)) == (start, end)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_moment_lies_in_its_local_day(moment):
    start, end = day_bounds(local_date(moment))
    assert start <= moment < end


def test_local_days_agree_with_each_single_moment():
    index = pd.date_range("2026-10-24", "2026-10-27", freq="15min", tz="UTC")
    expected = [moment.astimezone(ZoneInfo("Europe/Madrid")).date() for moment in index.to_pydatetime()]
    assert [day.date() for day in local_days(index)] == expected


def test_the_system_clock_tells_aware_utc():
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False):
        assert SystemClock().now() == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_travelling_clock_starts_elsewhere_and_runs_on():
    start = datetime(2025, 12, 1, 9, tzinfo=MADRID)
    clock = TravellingClock(start)
    first, second = clock.now(), clock.now()
    assert start <= first <= second < start + timedelta(minutes=1)
    assert first.tzinfo is UTC


def test_a_travelling_clock_refuses_a_start_without_zone():
    with pytest.raises(ValueError, match="zone"):
        TravellingClock(datetime(2025, 12, 1))  # noqa: DTZ001


def test_a_stopped_clock_stands_still():
    clock = StoppedClock(datetime(2025, 12, 1, 1, tzinfo=MADRID))
    assert clock.now() == clock.now() == datetime(2025, 12, 1, tzinfo=UTC)
