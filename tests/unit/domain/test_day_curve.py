"""The curve through days' extremes: it has them at their hours, and stays between them everywhere else."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chocofactory.domain.day_curve import hour_of, hourly_curve, usual_hours


def days_from(rows, first="2025-07-01"):
    index = pd.date_range(first, periods=len(rows), freq="D", unit="us")
    return pd.DataFrame(rows, columns=["low", "high", "time_low", "time_high"], index=index, dtype=float)


def grid_of(days):
    return pd.date_range(
        days.index[0], periods=24 * ((days.index[-1] - days.index[0]).days + 1), freq="h", tz="UTC", unit="us"
    )


def by_day(days):
    curve = hourly_curve(days, grid_of(days))
    return curve.to_numpy().reshape(-1, 24)


def test_between_two_extremes_runs_half_a_cosine_also_across_midnight():
    hours = by_day(days_from([(10, 30, 3, 15), (20, 40, 3, 15)])).ravel()
    assert hours[3] == 10
    assert hours[9] == pytest.approx(20)  # half the way in half the time
    assert hours[5] == pytest.approx(10 + 20 * (1 - math.cos(math.pi / 6)) / 2)
    assert hours[15] == 30
    assert hours[21] == pytest.approx(25)  # half way from 30 at 15:00 down to 20 at 3:00 of the next day
    assert hours[24] == pytest.approx(20 + 10 * (1 + math.cos(math.pi * 9 / 12)) / 2)
    assert hours[27] == 20
    assert hours[:3].tolist() == [10, 10, 10]  # nothing is known of the day before
    assert hours[40:].tolist() == [40] * 8


def test_the_lowest_may_come_after_the_highest():
    hours = by_day(days_from([(5, 15, 23, 12), (4, 12, 6, 13)]))
    assert (hours[0, 12], hours[0, 23], hours[1, 6]) == (15, 5, 4)
    assert hours.max(axis=1).tolist() == [15, 12]
    assert hours.min(axis=1).tolist() == [5, 4]


def test_the_way_to_the_next_days_extreme_keeps_both_days_ranges():
    hours = by_day(days_from([(10, 30, 4, 15), (2, 12, 23, 15)]))  # the second day has no minimum in its morning
    assert hours[1].max() == 12
    assert hours[1, 0] == 12
    assert hours[0, 19] == pytest.approx(12 + 18 * (1 + math.cos(math.pi * 4 / 9)) / 2)


def test_of_an_hour_that_holds_both_extremes_the_highest_is_shown():
    hours = by_day(days_from([(10, 30, 4, 15), (9, 11, 7, 7), (8, 25, 5, 14)]))
    assert hours[1, 7] == 11
    assert np.isfinite(hours).all()


def test_days_that_are_not_known_have_no_hours():
    days = days_from([(10, 30, 4, 15), (math.nan, 30, 4, 15), (10, 30, 4, math.nan), (10, 30, 4, 15)]).drop(
        index=pd.Timestamp("2025-07-04")
    )
    hours = hourly_curve(days, grid_of(days_from([(0, 0, 0, 0)] * 4))).to_numpy().reshape(4, 24)
    assert np.isfinite(hours[0]).all()
    assert np.isnan(hours[1:]).all()
    assert hourly_curve(days.iloc[1:], grid_of(days)).isna().all()


def test_no_hour_asked_for_gives_none():
    days = days_from([(10, 30, 4, 15)])
    assert hourly_curve(days, grid_of(days)[:0]).empty


DAY = st.tuples(st.floats(-10, 20), st.floats(0, 25), st.integers(0, 23), st.integers(0, 23)).map(
    lambda row: (row[0], row[0] + row[1], row[2], row[3])
)


@given(st.lists(DAY, min_size=1, max_size=6))
def test_every_day_keeps_its_range_and_reaches_its_extremes(rows):
    hours = by_day(days_from(rows))
    for (low, high, time_low, time_high), day in zip(rows, hours, strict=True):
        assert day.min() >= low
        assert day.max() <= high
        assert day[time_high] == pytest.approx(high, abs=1e-9)
        if time_low != time_high:
            assert day[time_low] == pytest.approx(low, abs=1e-9)


@given(st.lists(DAY, min_size=2, max_size=5), st.data())
def test_hours_do_not_depend_on_which_others_are_asked_for(rows, data):
    days = days_from(rows)
    grid = grid_of(days)
    first = data.draw(st.integers(0, len(grid) - 1))
    last = data.draw(st.integers(first, len(grid)))
    pd.testing.assert_series_equal(hourly_curve(days, grid)[first:last], hourly_curve(days, grid[first:last]))


def test_an_hour_holds_the_minutes_that_follow_its_start():
    times = pd.Series(["00:00", "04:59", "5:00", "15:00:00", "23:59", "24:00", None], dtype="str")
    assert hour_of(times).tolist()[:-1] == [0, 4, 5, 15, 23, 23]
    assert math.isnan(hour_of(times).iloc[-1])


def test_the_usual_hour_is_the_months_median_or_what_is_given():
    index = pd.to_datetime(["2024-01-01", "2025-01-02", "2025-01-03", "2025-07-01", "2025-08-01"])
    usual = usual_hours(pd.Series([7, 8, 23, 5, math.nan], index=index), 6)
    assert usual.loc[[1, 2, 7, 8]].tolist() == [8, 6, 5, 6]
    assert len(usual) == 12
