"""Figures of many days, each worked out a second time with plain Python."""

import math
import statistics as plain
from calendar import monthrange
from collections import defaultdict
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chocofactory.core.clock import day_start
from chocofactory.domain import climate
from chocofactory.domain.climate import FIELDS, Limits
from chocofactory.domain.measurements import SIAR_DAILY

NAN = math.nan
MEAN, MAX, HUMIDITY, RAIN = "temperature_mean_c", "temperature_max_c", "humidity_mean_pct", "precipitation_mm"


def frame_of(days):
    """A frame of days out of a mapping of day to the fields that are known."""
    index = pd.DatetimeIndex([day_start(day) for day in days], tz="UTC").as_unit("us").rename("time")
    columns = {field.name: [known.get(field.name, NAN) for known in days.values()] for field in SIAR_DAILY.fields}
    return pd.DataFrame(columns, index=index)


def days_between(first, last):
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


@pytest.fixture(scope="module")
def days():
    """Three years and a bit in which days and values are missing."""
    drawn = np.random.default_rng(11)
    out = {}
    for day in days_between(date(2022, 11, 20), date(2026, 2, 3)):
        warm = 17 - 10 * math.cos(2 * math.pi * (day.timetuple().tm_yday - 15) / 365)
        mean = round(warm + drawn.normal(0, 3), 2)
        known = {MEAN: mean, MAX: round(mean + abs(drawn.normal(9, 3)), 2), HUMIDITY: round(drawn.uniform(15, 100), 1)}
        known[RAIN] = round(max(0.0, drawn.normal(-2, 6)), 1)
        lost = {name for name in known if drawn.random() < 0.05}
        if drawn.random() > 0.03:
            out[day] = {name: value for name, value in known.items() if name not in lost}
    return out


def values_by_month(days, field):
    out = defaultdict(list)
    for day, known in days.items():
        if field in known:
            out[day.month].append(known[field])
    return out


def test_only_the_demonstration_is_simulated():
    assert [climate.kind(source) for source in ("demo", "file:demo", "siar")] == ["simulated", "observed", "observed"]


def test_directions_of_wind_have_no_mean_and_texts_no_figure():
    assert not any(name.endswith(("_deg", "_time")) for name in FIELDS)
    assert len(FIELDS) == 12


def test_the_monthly_pattern_agrees_with_plain_python(days):
    table = climate.monthly_pattern(frame_of(days))
    assert list(table.index) == [(field, month) for field in FIELDS for month in range(1, 13)]
    for field in (MEAN, MAX, HUMIDITY, RAIN):
        for month, values in values_by_month(days, field).items():
            tenths = plain.quantiles(values, n=10, method="inclusive")
            row = table.loc[(field, month)]
            assert row.tolist() == pytest.approx(
                [len(values), plain.fmean(values), min(values), tenths[0], plain.median(values), tenths[8], max(values)]
            )
    assert table.loc["et0_mm", "days"].tolist() == [0] * 12
    assert table.loc["et0_mm"].drop(columns="days").isna().to_numpy().all()


def test_months_without_any_day_are_there_and_unknown():
    table = climate.monthly_pattern(frame_of({date(2024, 2, 29): {MEAN: 11.0}}), (MEAN,))
    assert table["days"].tolist() == [0, 1, *[0] * 10]
    assert table["mean"].count() == 1
    assert climate.monthly_pattern(frame_of({}), (MEAN,))["days"].tolist() == [0] * 12


def test_the_last_hour_of_a_local_month_belongs_to_it():
    """Local midnight of 1 July is 22:00 UTC of 30 June."""
    table = climate.monthly_pattern(frame_of({date(2024, 7, 1): {MEAN: 30.0}}), (MEAN,))
    assert table.index[table["days"] == 1].tolist() == [(MEAN, 7)]


def enough(month_days, known, figure):
    """The rule of WMO-No. 1203 on the days of one month, by looking at each."""
    there = [day in known for day in month_days]
    longest = max(len(run) for run in "".join("x" if day else "-" for day in there).split("x"))
    return all(there) if figure == "sum" else there.count(False) <= 10 and longest <= 4


@pytest.mark.parametrize(("field", "figure"), [(MEAN, "mean"), (RAIN, "sum"), ("radiation_mj_m2", "mean")])
def test_the_matrix_of_months_agrees_with_a_loop_over_the_days(days, field, figure):
    found = climate.month_matrix(frame_of(days), field)
    given_days = {day: known[field] for day, known in days.items() if field in known}
    years = list(range(2022, 2027)) if given_days else []
    assert (found.kind, found.figures.index.tolist(), found.figures.columns.tolist()) == (
        figure,
        years,
        [*range(1, 13)],
    )
    computed = 0
    for year in years:
        for month in range(1, 13):
            month_days = days_between(date(year, month, 1), date(year, month, monthrange(year, month)[1]))
            values = [given_days[day] for day in month_days if day in given_days]
            assert found.expected.loc[year, month] == len(month_days)
            assert found.known.loc[year, month] == len(values)
            if enough(month_days, given_days, figure):
                computed += 1
                wanted = math.fsum(values) if figure == "sum" else plain.fmean(values)
                assert found.figures.loc[year, month] == pytest.approx(wanted)
            else:
                assert math.isnan(found.figures.loc[year, month])
    assert computed < 60
    assert (computed > 2) == bool(years)


@pytest.mark.parametrize(
    ("missing", "mean_is_known"),
    [
        ([3, 4, 5, 6], True),
        ([3, 4, 5, 6, 7], False),
        ([1, 3, 5, 7, 9, 11, 13, 15, 17, 19], True),
        ([1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21], False),
        ([1, 2, 3, 4, 28, 29, 30, 31], True),
    ],
)
def test_a_month_wants_enough_of_its_days(missing, mean_is_known):
    march = days_between(date(2024, 3, 1), date(2024, 3, 31))
    rest = {day: {MEAN: 1.0, RAIN: 1.0} for day in days_between(date(2024, 4, 1), date(2024, 4, 30))}
    there = {day: {MEAN: 20.0, RAIN: 2.0} for day in march if day.day not in missing}
    frame = frame_of(there | rest)
    mean, rain = (climate.month_matrix(frame, field).figures for field in (MEAN, RAIN))
    assert mean.loc[2024, 3] == pytest.approx(20.0 if mean_is_known else NAN, nan_ok=True)
    assert math.isnan(rain.loc[2024, 3])
    assert rain.loc[2024, 4] == 30.0


def test_percentiles_agree_with_plain_python(days):
    values = [known[MEAN] for known in days.values() if MEAN in known]
    hundredths = plain.quantiles(values, n=100, method="inclusive")
    found = climate.percentiles(frame_of(days), MEAN, (5, 50, 99))
    assert found.to_dict() == pytest.approx({5: hundredths[4], 50: hundredths[49], 99: hundredths[98]})
    assert climate.percentiles(frame_of({}), MEAN).isna().all()


def test_critical_thresholds_tell_how_often_they_were_passed(days):
    table = climate.critical_thresholds(frame_of(days))
    assert table[["variable", "percentile"]].to_numpy().tolist() == [
        [field, level] for field in (MAX, MEAN, HUMIDITY) for level in (90, 95, 99)
    ]
    for row in table.itertuples():
        values = [known[row.variable] for known in days.values() if row.variable in known]
        assert row.days == len(values)
        assert row.threshold == pytest.approx(plain.quantiles(values, n=100, method="inclusive")[row.percentile - 1])
        assert row.occurrences == sum(value > row.threshold for value in values) > 0
    nothing = climate.critical_thresholds(frame_of({}))
    assert (nothing["occurrences"].sum(), nothing["threshold"].isna().all()) == (0, True)


def test_a_hot_day_is_one_whose_maximum_is_above_the_limit():
    found = climate.hot_days(
        frame_of(
            {
                date(2023, 8, 1): {MEAN: 36.0, MAX: 35.0},
                date(2023, 8, 2): {MEAN: 27.0, MAX: 35.01},
                date(2023, 8, 3): {MEAN: 36.0},
                date(2024, 8, 1): {MAX: 41.0},
                date(2024, 9, 1): {MAX: 30.0},
            }
        )
    )
    assert found.to_dict("index") == {
        (2023, 8): {"hot": 1, "days": 2},
        (2024, 8): {"hot": 1, "days": 1},
        (2024, 9): {"hot": 0, "days": 1},
    }


def test_hot_days_agree_with_a_loop(days):
    found = climate.hot_days(frame_of(days), 30.0)
    for (year, month), row in found.iterrows():
        values = [known[MAX] for day, known in days.items() if (day.year, day.month) == (year, month) and MAX in known]
        assert (row["hot"], row["days"]) == (sum(value > 30 for value in values), len(values))
    assert found["hot"].sum() > 50


@given(
    st.lists(st.tuples(st.integers(0, 900), st.sampled_from([NAN, 14.99, 15, 20, 25, 25.01]), st.integers(39, 71))),
    st.tuples(st.integers(10, 18), st.integers(20, 26)),
)
def test_favourable_days_keep_both_limits_ends_included(drawn, temperatures):
    days = {date(2023, 1, 1) + timedelta(days=n): {MEAN: mean, HUMIDITY: float(wet)} for n, mean, wet in drawn}
    table = climate.favourable_days(frame_of(days), Limits(temperatures, (40, 70)))
    for month in range(1, 13):
        known = [each for day, each in days.items() if day.month == month and not math.isnan(each[MEAN])]
        good = [d for d in known if temperatures[0] <= d[MEAN] <= temperatures[1] and 40 <= d[HUMIDITY] <= 70]
        row = table.loc[month]
        assert (row["favourable"], row["days"]) == (len(good), len(known))
        assert row["unknown"] == sum(day.month == month for day in days) - len(known)
        assert row["share_pct"] == pytest.approx(100 * len(good) / len(known) if known else NAN, nan_ok=True)


def test_a_day_with_one_mean_missing_is_unknown_and_not_unfavourable():
    table = climate.favourable_days(frame_of({date(2024, 5, 1): {MEAN: 20.0}, date(2024, 5, 2): {HUMIDITY: 50.0}}))
    assert table.loc[5].to_dict() == pytest.approx(
        {"favourable": 0, "share_pct": NAN, "days": 0, "unknown": 2}, nan_ok=True
    )


def test_a_day_of_the_year_is_the_mean_of_the_month_around_it(days):
    table = climate.day_of_year_climatology(frame_of(days), (MEAN, RAIN))
    assert table.index.tolist() == list(range(1, 367))
    leap = days_between(date(2024, 1, 1), date(2024, 12, 31))
    for place in (1, 2, 15, 16, 59, 60, 61, 200, 351, 352, 366):
        near = {((place - 1 + shift) % 366) for shift in range(-15, 16)}
        around = [known for day, known in days.items() if leap.index(date(2024, day.month, day.day)) in near]
        row = table.loc[place]
        assert row["days"] == len(around)
        for field in (MEAN, RAIN):
            assert row[field] == pytest.approx(plain.fmean(known[field] for known in around if field in known))


def test_days_of_the_year_stand_at_the_same_place_in_every_year():
    index = frame_of(
        {
            day: {}
            for day in (date(2023, 2, 28), date(2023, 3, 1), date(2024, 2, 29), date(2024, 3, 1), date(2100, 3, 1))
        }
    ).index
    assert climate.calendar_days(index).tolist() == [59, 61, 60, 61, 61]


def test_nothing_is_known_of_the_days_of_the_year_without_data():
    table = climate.day_of_year_climatology(frame_of({}))
    assert (len(table), table["days"].sum(), table[MEAN].count()) == (366, 0, 0)
    table = climate.day_of_year_climatology(frame_of({date(2024, 7, 1): {MEAN: 28.0}}))
    assert table[MEAN].count() == 31
    assert table[MAX].count() == 0


def test_stations_that_overlap_pool_to_one_row_a_day():
    one = frame_of({date(2024, 7, 1): {MEAN: 20.0, RAIN: 4.0}, date(2024, 7, 2): {MEAN: 22.0}})
    other = frame_of({date(2024, 7, 2): {MEAN: 26.0, RAIN: 1.0}, date(2024, 7, 3): {MEAN: 30.0}})
    both = climate.pooled(pd.concat([one, other]))
    assert both[MEAN].tolist() == [20.0, 24.0, 30.0]
    assert both[RAIN].tolist() == pytest.approx([4.0, 1.0, NAN], nan_ok=True)
    assert both.index.is_unique
    assert (both.index.name, str(both.index.dtype)) == ("time", "datetime64[us, UTC]")
