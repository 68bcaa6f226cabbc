"""Statistics, windows, days and their state, each against plain Python on the wall clock."""

from __future__ import annotations

import math
import statistics as plain
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chocofactory.core.clock import day_grid, day_start
from chocofactory.core.errors import InvalidInput
from chocofactory.domain import prices as dp
from chocofactory.domain.tariff import tariff
from tests.price_samples import hourly, nearly, stale, whole_days

MADRID = ZoneInfo("Europe/Madrid")
HOUR, QUARTER, DAY = timedelta(hours=1), timedelta(minutes=15), timedelta(days=1)
SPRING, AUTUMN, PLAIN = date(2025, 3, 30), date(2025, 10, 26), date(2025, 6, 3)
NAN = math.nan


price_lists = st.lists(
    st.one_of(st.integers(-3, 6).map(lambda n: n / 100), st.floats(-0.1, 1).map(lambda x: round(x, 5)), st.just(NAN)),
    max_size=80,
)


# Figures


def test_only_the_demonstration_is_simulated():
    assert [dp.kind(source) for source in ("ree", "esios", "esios_archive", "file", "demo")] == [
        "published",
        "published",
        "published",
        "published",
        "simulated",
    ]


@settings(deadline=None)
@given(price_lists)
def test_statistics_agree_with_plain_python(values):
    series = hourly(values)
    known = [(value, moment) for value, moment in zip(values, series.index, strict=True) if not math.isnan(value)]
    found = dp.statistics(series)
    if not known:
        assert found is None
        return
    only = [value for value, _ in known]
    lowest, highest = min(known), max(known, key=lambda pair: (pair[0], -pair[1].value))
    assert found.count == len(only)
    assert found.mean == nearly(math.fsum(only) / len(only))
    assert found.median == nearly(plain.median(only))
    assert found.std == nearly(plain.pstdev(only))
    assert (found.minimum, found.minimum_at) == lowest
    assert (found.maximum, found.maximum_at) == highest
    assert found.minimum_at.tzinfo is UTC
    if len(only) > 1:
        twentieths = plain.quantiles(only, n=20, method="inclusive")
        assert (found.p05, found.p95) == (nearly(twentieths[0]), nearly(twentieths[-1]))


def test_zero_and_negative_prices_count_like_any_other():
    found = dp.statistics(hourly([0.0, -0.02, 0.05, NAN]))
    assert (found.count, found.minimum, found.mean) == (3, -0.02, nearly(0.01))
    assert found.minimum_at == datetime(2025, 6, 2, 23, tzinfo=UTC)


@pytest.mark.parametrize("name", ["2.0TD", "3.0TD"])
def test_figures_by_period_agree_with_a_loop_over_the_hours(name):
    series = whole_days(date(2025, 6, 1), date(2025, 6, 9))
    series.iloc[[3, 40, 41, 100]] = NAN
    groups = defaultdict(list)
    for moment, value in series.items():
        if not math.isnan(value):
            groups[tariff(name).period(moment)].append(value)
    table = dp.by_period(series, tariff(name))
    assert list(table.index) == list(tariff(name).periods)
    assert table.index.name == "period"
    for period, row in table.iterrows():
        values = groups[period]
        assert row["count"] == len(values)
        assert row["mean"] == nearly(sum(values) / len(values) if values else NAN)
        assert row["minimum"] == nearly(min(values, default=NAN))
        assert row["maximum"] == nearly(max(values, default=NAN))


def test_a_sunday_has_no_price_in_the_dear_periods():
    table = dp.by_period(whole_days(date(2025, 6, 1)), tariff("2.0TD"))
    assert table["count"].tolist() == [0, 0, 24]
    assert table.loc[["P1", "P2"], ["mean", "minimum", "maximum"]].isna().to_numpy().all()
    assert dp.by_period(hourly([]), tariff("2.0TD"))["count"].tolist() == [0, 0, 0]


def test_the_cheapest_hour_ranks_first_and_equal_prices_share_the_lower_rank():
    day = hourly([0.3, 0.1, 0.2, 0.1, NAN, 0.4])
    ranks = [dp.rank_in_day(day, moment) for moment in day.index]
    assert ranks == [(4, 5), (1, 5), (3, 5), (1, 5), None, (5, 5)]
    assert dp.rank_in_day(day, day.index[2] + timedelta(minutes=59)) == (3, 5)
    assert dp.rank_in_day(hourly([0.1 + 0.2, 0.3, 0.4]), day.index[0]) == (1, 3), "0.1 + 0.2 is 0.3"


def test_a_moment_before_after_or_in_a_hole_of_the_day_has_no_rank():
    day = hourly([0.3, 0.1, 0.2]).drop(index=[datetime(2025, 6, 2, 23, tzinfo=UTC)])
    for moment in (day.index[0] - QUARTER, day.index[0] + HOUR, day.index[-1] + HOUR):
        assert dp.rank_in_day(day, moment) is None
    assert dp.rank_in_day(hourly([]), day.index[0]) is None
    quarters = hourly([0.3, 0.1, 0.2], resolution=QUARTER)
    assert dp.rank_in_day(quarters, quarters.index[-1] + timedelta(minutes=14), resolution=QUARTER) == (2, 3)
    assert dp.rank_in_day(quarters, quarters.index[-1] + QUARTER, resolution=QUARTER) is None


# Windows


def brute_force_window(series, length, after, before, resolution):
    """Every start in turn, adding up its intervals one by one; the first of the cheapest."""
    known = {moment: value for moment, value in series.items() if not math.isnan(value)}
    best = None
    for start in sorted(known):
        steps = [start + n * resolution for n in range(length // resolution)]
        fits = start >= after and (before is None or start + length <= before)
        if fits and all(step in known for step in steps):
            mean = math.fsum(known[step] for step in steps) / len(steps)
            if best is None or mean < best[1] - 1e-9:
                best = (start, mean)
    return best


@settings(deadline=None, max_examples=300)
@given(
    values=st.lists(st.integers(-3, 20).map(lambda n: n / 100) | st.just(NAN), min_size=30, max_size=60),
    dropped=st.sets(st.integers(0, 29), max_size=4),
    count=st.integers(1, 9),
    skip=st.integers(-10, 60),
    span=st.none() | st.integers(0, 300),
    resolution=st.sampled_from([HOUR, QUARTER]),
)
def test_the_cheapest_window_is_the_one_that_brute_force_finds(values, dropped, count, skip, span, resolution):
    start = datetime(2025, 10, 25, 18, tzinfo=UTC)
    series = hourly(values, start, resolution)
    series = series.drop(index=[series.index[n] for n in dropped])
    after = start + skip * timedelta(minutes=7)
    before = None if span is None else after + span * timedelta(minutes=7)
    found = dp.cheapest_window(series, count * resolution, after=after, before=before, resolution=resolution)
    wanted = brute_force_window(series, count * resolution, after, before, resolution)
    if wanted is None:
        assert found is None
        return
    assert (found.start, found.mean_eur_kwh) == (wanted[0], nearly(wanted[1]))
    assert found.end - found.start == count * resolution


def test_of_equal_windows_the_earliest_is_taken_however_their_sums_round():
    assert sum([0.1, 0.2, 0.3]) != sum([0.3, 0.2, 0.1])
    for values in ([0.1, 0.2, 0.3, 9, 0.3, 0.2, 0.1], [0.3, 0.2, 0.1, 9, 0.1, 0.2, 0.3]):
        series = hourly(values)
        assert dp.cheapest_window(series, 3 * HOUR, after=series.index[0]).start == series.index[0]


def test_a_window_may_cross_midnight_but_never_a_hole():
    series = hourly([5, 5, 5, 1, 1, 4, 5], start=datetime(2025, 6, 3, 19, tzinfo=UTC))
    over_midnight = dp.cheapest_window(series, 2 * HOUR, after=series.index[0])
    assert over_midnight.start == datetime(2025, 6, 3, 22, tzinfo=UTC)
    for holed in (series.drop(index=series.index[4]), series.where(series.index != series.index[4])):
        found = dp.cheapest_window(holed, 2 * HOUR, after=series.index[0])
        assert found == dp.Window(series.index[2], series.index[2] + 2 * HOUR, 3.0)
    assert dp.cheapest_window(series.iloc[::2], 2 * HOUR, after=series.index[0]) is None


def test_a_window_ends_in_time():
    series = hourly([5, 5, 1, 1])
    begin, half = series.index[0], timedelta(minutes=30)
    assert dp.cheapest_window(series, 2 * HOUR, after=begin, before=begin + 4 * HOUR).start == begin + 2 * HOUR
    assert dp.cheapest_window(series, 2 * HOUR, after=begin, before=begin + 4 * HOUR - half).start == begin + HOUR
    assert dp.cheapest_window(series, 2 * HOUR, after=begin + half, before=begin + 3 * HOUR - half) is None


def test_a_window_lasts_elapsed_time_when_the_clock_changes():
    series = whole_days(AUTUMN)
    series[:] = 1.0
    series.iloc[[1, 2, 3]] = 0.0
    window = dp.cheapest_window(series, 3 * HOUR, after=series.index[0])
    assert [f"{moment.astimezone(MADRID):%H:%M%z}" for moment in (window.start, window.end)] == [
        "01:00+0200",
        "03:00+0100",
    ]
    assert window.mean_eur_kwh == 0.0


def test_windows_of_one_to_twelve_hours_are_listed_as_far_as_they_fit():
    series = hourly(range(9))
    windows = dp.cheapest_windows(series, after=series.index[2])
    assert [window.end - window.start for window in windows] == [n * HOUR for n in range(1, 8)]
    assert {window.start for window in windows} == {series.index[2]}
    assert len(dp.cheapest_windows(hourly(range(40)), after=series.index[0])) == 12
    until = dp.cheapest_windows(series, after=series.index[2], before=series.index[4], lengths=[HOUR, 3 * HOUR])
    assert [window.end - window.start for window in until] == [HOUR]


@pytest.mark.parametrize("length", [timedelta(minutes=90), timedelta(0), -HOUR])
def test_a_length_that_is_no_number_of_intervals_is_refused(length):
    with pytest.raises(InvalidInput, match="not a whole number of intervals"):
        dp.cheapest_window(hourly([1, 2]), length, after=datetime(2025, 1, 1, tzinfo=UTC))


def test_a_missing_day_between_parts_two_equal_days():
    series = whole_days(PLAIN, PLAIN + 2 * DAY)
    series[day_grid(PLAIN + 2 * DAY)] = series[day_grid(PLAIN)].to_numpy()
    assert dp.suspect_days(series.drop(index=day_grid(PLAIN + DAY))) == {}


# Days as rows


@pytest.mark.parametrize("resolution", [HOUR, QUARTER])
@pytest.mark.parametrize("day", [PLAIN, SPRING, AUTUMN])
def test_the_matrix_counts_elapsed_intervals_of_each_local_day(day, resolution):
    series = whole_days(day - DAY, day + DAY, resolution)
    per_hour = HOUR // resolution
    matrix = dp.day_matrix(series, resolution)
    assert matrix.shape == (3, (25 if day == AUTUMN else 24) * per_hour)
    assert list(matrix.index.date) == [day - DAY, day, day + DAY]
    assert matrix.index.tz is None
    seen = 0
    for stamp, row in matrix.iterrows():
        midnight = datetime(stamp.year, stamp.month, stamp.day, tzinfo=MADRID).astimezone(UTC)
        for number, value in row.items():
            moment = midnight + number * resolution
            if moment.astimezone(MADRID).date() == stamp.date():
                assert value == series[moment]
                seen += 1
            else:
                assert math.isnan(value)
    assert seen == len(series)


def test_the_matrix_shows_holes_and_missing_days_as_missing():
    series = whole_days(PLAIN, PLAIN + 2 * DAY).drop(index=day_grid(PLAIN + DAY))
    series = series.drop(index=[day_start(PLAIN) + 7 * HOUR])
    matrix = dp.day_matrix(series)
    assert matrix.isna().sum(axis=1).tolist() == [1, 24, 0]
    assert math.isnan(matrix.iloc[0, 7])
    empty = dp.day_matrix(hourly([]))
    assert empty.shape == (0, 24)
    assert dp.day_matrix(hourly([]), QUARTER).shape == (0, 96)


def test_a_day_of_25_hours_has_its_column_even_where_its_last_hour_is_missing():
    assert dp.day_matrix(whole_days(AUTUMN).iloc[:20]).shape == (1, 25)


def test_labels_carry_the_offset_on_days_that_change_the_clock_and_only_then():
    assert dp.interval_labels(PLAIN) == [f"{hour:02}:00" for hour in range(24)]
    assert dp.interval_labels(PLAIN, QUARTER)[:6] == ["00:00", "00:15", "00:30", "00:45", "01:00", "01:15"]
    spring = dp.interval_labels(SPRING)
    assert spring[:4] == ["00:00+01:00", "01:00+01:00", "03:00+02:00", "04:00+02:00"]
    autumn = dp.interval_labels(AUTUMN)
    assert autumn[1:5] == ["01:00+02:00", "02:00+02:00", "02:00+01:00", "03:00+01:00"]
    assert (len(spring), len(autumn), len(set(autumn))) == (23, 25, 25)


@pytest.mark.parametrize("by", ["month", "weekday", "period"])
def test_a_typical_day_is_the_mean_at_each_hour_of_the_wall_clock(by):
    series = whole_days(AUTUMN - 20 * DAY, AUTUMN + 12 * DAY, QUARTER)
    series.iloc[5:9] = NAN
    groups = defaultdict(list)
    for moment, value in series.items():
        wall = moment.to_pydatetime().astimezone(MADRID)
        row = {"month": wall.month, "weekday": wall.isoweekday(), "period": tariff("3.0TD").period(moment)}[by]
        if not math.isnan(value):
            groups[row, wall.hour].append(value)
    table = dp.typical_day(series, by, tariff("3.0TD"))
    rows = {"month": range(1, 13), "weekday": range(1, 8), "period": tariff("3.0TD").periods}[by]
    assert list(table.index) == list(rows)
    assert table.index.name == by
    assert list(table.columns) == list(range(24))
    for row in rows:
        for hour in range(24):
            values = groups[row, hour]
            assert table.loc[row, hour] == nearly(sum(values) / len(values) if values else NAN), (row, hour)


def test_a_typical_day_of_nothing_is_all_missing_and_other_kinds_are_refused():
    assert dp.typical_day(hourly([]), "month").isna().all(axis=None)
    with pytest.raises(InvalidInput, match="not by year"):
        dp.typical_day(hourly([1]), "year")
    with pytest.raises(InvalidInput, match="period"):
        dp.typical_day(hourly([1]), "period")


def test_daily_means_say_on_how_many_hours_they_rest():
    series = whole_days(AUTUMN - DAY, AUTUMN + 2 * DAY).drop(index=day_grid(AUTUMN + DAY))
    series.iloc[3] = NAN
    table = dp.daily_means(series)
    first = [value for value in series.iloc[:24] if not math.isnan(value)]
    assert table["mean"].tolist() == [
        nearly(sum(first) / 23),
        nearly(sum(series.iloc[24:49]) / 25),
        nearly(NAN),
        nearly(sum(series.iloc[49:]) / 24),
    ]
    assert table["count"].tolist() == [23, 25, 0, 24]
    assert table["expected"].tolist() == [24, 25, 24, 24]
    assert dp.daily_means(hourly([])).empty


# Real prices


@pytest.fixture(scope="module")
def real(data_dir):
    frame = pd.read_csv(data_dir / "prices" / "pvpc_20td_peninsula.csv.gz", index_col=0, parse_dates=True)
    return frame["price_eur_kwh"]


@pytest.mark.realdata
def test_statistics_of_the_real_series_agree_with_plain_python(real):
    values = real.tolist()
    found = dp.statistics(real)
    assert (found.count, found.minimum, found.maximum) == (40_201, 0.01168, 0.95401)
    assert found.maximum_at == datetime(2022, 3, 8, 18, tzinfo=UTC)
    assert found.mean == nearly(math.fsum(values) / len(values))
    assert found.std == nearly(plain.pstdev(values))
    assert found.median == nearly(plain.median(values))
    assert found.p95 == nearly(plain.quantiles(values, n=20, method="inclusive")[-1])


@pytest.mark.realdata
def test_no_day_of_the_real_series_is_suspect_until_one_is_made_stale(real):
    assert dp.suspect_days(real) == {}
    assert dp.suspect_days(stale(real, date(2024, 5, 7), 0)) == {date(2024, 5, 7): "repeats_day_before"}
    assert dp.suspect_days(stale(real, date(2024, 5, 7), -1)) == {date(2024, 5, 7): "shifted_day_before"}


@pytest.mark.realdata
def test_the_real_series_has_its_days_of_23_and_25_hours(real):
    matrix = dp.day_matrix(real)
    lengths = matrix.count(axis=1)
    assert matrix.shape == (1675, 25)
    assert list(lengths.index[lengths == 25].strftime("%Y-%m-%d")) == [
        "2021-10-31",
        "2022-10-30",
        "2023-10-29",
        "2024-10-27",
        "2025-10-26",
    ]
    assert list(lengths.index[lengths == 23].strftime("%Y-%m-%d")) == [
        "2022-03-27",
        "2023-03-26",
        "2024-03-31",
        "2025-03-30",
    ]
    assert matrix.loc["2021-10-31", 0] == real["2021-10-30T22:00:00Z"]
    assert matrix.loc["2021-10-31", 24] == real["2021-10-31T22:00:00Z"]
