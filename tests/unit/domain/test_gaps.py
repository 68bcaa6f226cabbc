"""Grids, coverage of days, gaps and runs of days, each against a plain loop over wall-clock time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chocofactory.core.clock import day_bounds
from chocofactory.domain.gaps import daily_coverage, day_runs, expected_grid, find_gaps, on_grid

MADRID = ZoneInfo("Europe/Madrid")
HOUR, QUARTER, DAY = timedelta(hours=1), timedelta(minutes=15), timedelta(days=1)
RESOLUTIONS = (QUARTER, HOUR, timedelta(hours=2), DAY)
SPRING, AUTUMN = date(2025, 3, 30), date(2025, 10, 26)


def walk(start: datetime, end: datetime, resolution: timedelta) -> list[datetime]:
    """Interval starts found by trying every quarter of an hour."""
    out, moment = [], start
    while moment < end:
        wall = moment.astimezone(MADRID)
        at_midnight = (wall.hour, wall.minute) == (0, 0)
        if at_midnight if resolution == DAY else moment.timestamp() % resolution.total_seconds() == 0:
            out.append(moment)
        moment += QUARTER
    return out


def times(*moments: datetime) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(moments, tz="UTC").as_unit("us")


starts = st.integers(0, 4 * 24 * 400).map(lambda n: datetime(2025, 1, 1, tzinfo=UTC) + n * QUARTER)


@settings(deadline=None)
@given(starts, st.integers(0, 4 * 24 * 4), st.sampled_from(RESOLUTIONS))
def test_the_expected_grid_is_every_interval_start_in_the_range(start, quarters, resolution):
    end = start + quarters * QUARTER
    grid = expected_grid(start, end, resolution)
    assert list(grid) == walk(start, end, resolution)
    assert str(grid.tz) == "UTC"
    assert grid.name == "time"


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_only_interval_starts_are_on_the_grid_whatever_the_unit_of_the_index(resolution, unit):
    start, end = day_bounds(AUTUMN)
    every_quarter = times(*walk(start - HOUR, end + HOUR, QUARTER)).as_unit(unit)
    on = set(walk(start - HOUR, end + HOUR, resolution))
    assert list(on_grid(every_quarter, resolution)) == [moment in on for moment in every_quarter]
    assert not on_grid(every_quarter + pd.Timedelta(seconds=1), resolution).any()


def test_days_begin_at_local_midnight_in_winter_and_in_summer():
    index = times(*(datetime(2025, m, 1, h, tzinfo=UTC) for m in (1, 7) for h in (0, 22, 23)))
    assert list(on_grid(index, DAY)) == [False, False, True, False, True, False]
    assert list(on_grid(index.tz_convert(MADRID), DAY)) == [False, False, True, False, True, False]


def test_an_interval_that_does_not_divide_a_day_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="divide a day"):
        on_grid(times(datetime(2025, 1, 1, tzinfo=UTC)), timedelta(minutes=7))
    with pytest.raises(ValueError, match="divide a day"):
        daily_coverage(times(), timedelta(0), SPRING, SPRING)


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25), (date(2025, 6, 1), 24)])
def test_a_local_day_expects_its_own_number_of_intervals(day, hours):
    nothing = times()
    assert daily_coverage(nothing, HOUR, day, day)["expected"].tolist() == [hours]
    assert daily_coverage(nothing, QUARTER, day, day)["expected"].tolist() == [4 * hours]
    assert daily_coverage(nothing, DAY, day, day)["expected"].tolist() == [1]
    every_two_hours = walk(*day_bounds(day), 2 * HOUR)
    assert daily_coverage(nothing, 2 * HOUR, day, day)["expected"].tolist() == [len(every_two_hours)]


@settings(deadline=None)
@given(st.integers(0, 400), st.integers(0, 3), st.sampled_from(RESOLUTIONS), st.randoms(use_true_random=False))
def test_coverage_counts_each_local_day_by_itself(offset, more, resolution, random):
    first = date(2025, 1, 1) + timedelta(days=offset)
    last = first + timedelta(days=more)
    start, end = day_bounds(first, last)
    grid = walk(start, end, resolution)
    kept = [moment for moment in grid if random.random() < 0.6]
    outside = walk(start - DAY, start, resolution) + walk(end, end + DAY, resolution)
    shuffled = random.sample(kept + outside, len(kept + outside))
    table = daily_coverage(times(*shuffled), resolution, first, last)
    assert table.index.name == "day"
    assert table.index.tz is None
    for stamp, row in table.iterrows():
        assert row["expected"] == sum(m.astimezone(MADRID).date() == stamp.date() for m in grid)
        assert row["present"] == sum(m.astimezone(MADRID).date() == stamp.date() for m in kept)
    assert len(table) == more + 1
    assert (table.dtypes == np.int64).all()


def test_doubles_count_once_and_times_off_the_grid_never():
    noon = datetime(2025, 6, 1, 12, tzinfo=UTC)
    table = daily_coverage(times(noon, noon, noon + timedelta(minutes=20)), HOUR, date(2025, 6, 1), date(2025, 6, 1))
    assert table["present"].tolist() == [1]


@settings(deadline=None)
@given(starts, st.integers(1, 4 * 24 * 4), st.sampled_from(RESOLUTIONS), st.randoms(use_true_random=False))
def test_gaps_are_exactly_the_intervals_that_were_taken_out(start, quarters, resolution, random):
    end = start + quarters * QUARTER
    grid = walk(start, end, resolution)
    share = random.random()
    removed = [moment for moment in grid if random.random() < share]
    kept = sorted(set(grid) - set(removed), key=lambda _: random.random())
    found = find_gaps(times(*kept, end + 2 * DAY, start - 2 * DAY), start, end, resolution)
    inside = [m for gap in found for m in walk(gap.start, gap.end, resolution)]
    assert inside == removed
    assert sum(gap.count for gap in found) == len(removed)
    after_each = [gap.end for gap in found]
    assert all(beyond not in removed for beyond in after_each), "two gaps that touch are one"
    assert all(moment.tzinfo is UTC for gap in found for moment in (gap.start, gap.end))


@pytest.mark.parametrize(
    ("hours", "severity"),
    [(1, "minor"), (2, "minor"), (3, "moderate"), (12, "moderate"), (13, "critical"), (40, "critical")],
)
def test_severity_goes_by_length(hours, severity):
    start, end = datetime(2025, 6, 1, tzinfo=UTC), datetime(2025, 6, 5, tzinfo=UTC)
    grid = expected_grid(start, end, HOUR)
    (gap,) = find_gaps(grid.delete(range(7, 7 + hours)), start, end, HOUR)
    assert (gap.start, gap.end) == (grid[7], grid[7] + hours * HOUR)
    assert (gap.count, gap.severity) == (hours, severity)


def test_severity_of_quarters_goes_by_hours_not_by_their_count():
    start, end = datetime(2025, 10, 1, tzinfo=UTC), datetime(2025, 10, 2, tzinfo=UTC)
    grid = expected_grid(start, end, QUARTER)
    (eight,) = find_gaps(grid.delete(range(8)), start, end, QUARTER)
    (nine,) = find_gaps(grid.delete(range(9)), start, end, QUARTER)
    assert (eight.count, eight.severity) == (8, "minor")
    assert (nine.count, nine.severity) == (9, "moderate")


def test_a_missing_day_ends_at_the_next_local_midnight_also_when_the_clock_changes():
    start, end = day_bounds(SPRING)
    (gap,) = find_gaps(times(), start, end, DAY)
    assert gap.end - gap.start == timedelta(hours=23)
    assert gap.end == datetime(2025, 3, 30, 22, tzinfo=UTC)


def test_a_full_series_and_an_empty_range_have_no_gap():
    start, end = day_bounds(AUTUMN)
    assert find_gaps(expected_grid(start, end, HOUR), start, end, HOUR) == []
    assert find_gaps(times(), start, start, HOUR) == []


@settings(deadline=None)
@given(st.sets(st.integers(0, 60)), st.integers(1, 40))
def test_runs_of_days_hold_every_day_once_are_short_enough_and_no_more_than_needed(numbers, longest):
    origin = date(2025, 2, 10)
    days = [origin + n * DAY for n in numbers]
    runs = day_runs([*days, *days[:3]], longest * DAY)
    covered = [first + n * DAY for first, last in runs for n in range((last - first).days + 1)]
    assert covered == sorted(days)
    assert all((last - first).days + 1 <= longest for first, last in runs)
    for (first, last), (following, _) in pairwise(runs):
        assert following - last > DAY or (last - first).days + 1 == longest


def test_a_run_spans_at_least_one_day():
    day = date(2025, 1, 1)
    assert day_runs([day + DAY, day], timedelta(hours=3)) == [(day, day), (day + DAY, day + DAY)]


@pytest.mark.realdata
def test_the_real_price_series_is_whole_and_the_real_spot_series_lacks_what_its_notes_say(data_dir):
    prices = pd.read_csv(data_dir / "prices" / "pvpc_20td_peninsula.csv.gz", usecols=["timestamp_utc"])
    pvpc = pd.DatetimeIndex(pd.to_datetime(prices["timestamp_utc"]))
    table = daily_coverage(pvpc, HOUR, date(2021, 6, 1), date(2025, 12, 31))
    assert (table["expected"] == table["present"]).all()
    assert table["expected"].sum() == 40_201
    assert find_gaps(pvpc, *day_bounds(date(2021, 6, 1), date(2025, 12, 31)), HOUR) == []
    hours = pd.read_csv(data_dir / "prices" / "spot_es.csv.gz", usecols=["timestamp_utc"])
    spot = pd.DatetimeIndex(pd.to_datetime(hours["timestamp_utc"]))
    found = find_gaps(spot, *day_bounds(date(2015, 1, 1), date(2025, 12, 31)), HOUR)
    by_year = {year: sum(gap.count for gap in found if gap.start.year == year) for year in (2019, 2025)}
    assert sum(gap.count for gap in found) == 1304
    assert by_year == {2019: 971, 2025: 264}
