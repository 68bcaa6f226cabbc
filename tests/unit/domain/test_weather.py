"""Forecasts brought to hours and providers blended, against plain loops over single values."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chocofactory.domain.weather import Part, blend, hourly

HOUR, STEP = timedelta(hours=1), timedelta(hours=3)
START = datetime(2025, 10, 25, 21, tzinfo=UTC)
NAN = math.nan
SUM, CHANCE, TURN, HEAT = (
    "precipitation_mm",
    "precipitation_probability_pct",
    "wind_direction_deg",
    "temperature_c",
)

maybe = st.one_of(st.just(NAN), st.floats(-40, 45).map(lambda x: round(x, 2)))
angles = st.one_of(st.just(NAN), st.integers(0, 359).map(float))


def at(hours, resolution=HOUR, start=START):
    """The times of intervals, by their numbers."""
    return pd.DatetimeIndex([start + n * resolution for n in hours], name="time", tz="UTC").as_unit("us")


def steps(resolution=STEP, **columns):
    length = len(next(iter(columns.values())))
    return pd.DataFrame(columns, index=at(range(length), resolution), dtype=float)


def known(frame, name):
    return {time: value for time, value in frame[name].items() if not math.isnan(value)}


# Bringing to hours


def test_temperature_between_two_steps_lies_on_a_straight_line():
    values, marks = hourly(steps(temperature_c=[10.0, 13.0, 7.0]), STEP)
    assert values[HEAT].tolist() == [10, 11, 12, 13, 11, 9, 7]
    assert marks[HEAT].tolist() == [False, True, True, False, True, True, False]
    assert values.index.equals(at(range(7)))
    assert (values.index.name, values.index.unit) == ("time", "us")


def test_nothing_is_carried_beyond_the_last_step():
    values, _ = hourly(steps(temperature_c=[10.0]), STEP)
    assert values.index.tolist() == [START]


def test_a_missing_step_is_not_bridged():
    frame = steps(temperature_c=[1.0, 2.0, 3.0, 4.0]).drop(at([2], STEP))
    values, _ = hourly(frame, STEP)
    assert list(known(values, HEAT)) == at([0, 1, 2, 3, 9]).tolist()


def test_a_missing_value_is_not_bridged():
    values, _ = hourly(steps(temperature_c=[1.0, NAN, 3.0], humidity_pct=[50.0, 60.0, 70.0]), STEP)
    assert list(known(values, HEAT)) == at([0, 6]).tolist()
    assert len(known(values, "humidity_pct")) == 7


def test_precipitation_is_shared_out_and_its_sum_stays():
    values, marks = hourly(steps(precipitation_mm=[3.0, 0.0, NAN, 0.47]), STEP)
    assert values[SUM].tolist() == pytest.approx([1, 1, 1, 0, 0, 0, 0.47 / 3, 0.47 / 3, 0.47 / 3])
    assert values[SUM].sum() == pytest.approx(3.47)
    assert marks[SUM].all()


def test_the_chance_of_precipitation_holds_for_every_hour_of_its_step():
    values, marks = hourly(steps(precipitation_probability_pct=[40.0, NAN, 0.0]), STEP)
    assert values[CHANCE].tolist() == [40, 40, 40, 0, 0, 0]
    assert marks[CHANCE].all()


@pytest.mark.parametrize(
    ("before", "after", "between"),
    [
        (350.0, 20.0, [0, 10]),
        (20.0, 350.0, [10, 0]),
        (90.0, 180.0, [120, 150]),
        (10.0, 190.0, [NAN, NAN]),
        (0.0, 0.0, [0, 0]),
    ],
)
def test_wind_turns_the_shorter_way(before, after, between):
    values, _ = hourly(steps(wind_direction_deg=[before, after]), STEP)
    assert values[TURN].reindex(at([1, 2])).tolist() == pytest.approx(between, nan_ok=True)


def test_an_hourly_forecast_stays_as_it_is():
    frame = steps(HOUR, temperature_c=[1.0, NAN, 3.0], precipitation_mm=[0.2, 0.1, NAN], wind_direction_deg=[1, 2, 3.0])
    values, marks = hourly(frame, HOUR)
    assert values.equals(frame)
    assert not marks.to_numpy().any()


@pytest.mark.parametrize("resolution", [timedelta(minutes=15), timedelta(minutes=90), timedelta()])
def test_steps_that_are_no_whole_hours_are_a_mistake(resolution):
    with pytest.raises(ValueError, match="whole hours"):
        hourly(steps(temperature_c=[1.0]), resolution)


def test_a_forecast_without_rows_gives_no_hours():
    values, marks = hourly(steps(temperature_c=[1.0]).iloc[:0], STEP)
    assert values.empty
    assert marks.empty
    assert list(values.columns) == [HEAT]


@given(st.lists(maybe, min_size=1, max_size=12), st.lists(st.booleans(), min_size=12, max_size=12))
def test_no_hour_lies_outside_its_neighbours(given_values, there):
    frame = steps(temperature_c=given_values)[there[: len(given_values)]]
    values, marks = hourly(frame, STEP)
    issued = known(frame, HEAT)
    found = known(values, HEAT)
    for time, value in found.items():
        number = (time - START) // HOUR
        before = START + number // 3 * STEP
        if number % 3 == 0:
            assert value == issued[before]
        else:
            ends = sorted((issued[before], issued[before + STEP]))
            assert ends[0] <= value <= ends[1]
        assert marks[HEAT][time] == bool(number % 3)
    between = sum(2 for time in issued if time + STEP in issued)
    assert len(found) == len(issued) + between


@given(st.lists(angles, min_size=2, max_size=8))
def test_no_direction_lies_outside_the_arc_of_its_neighbours(given_values):
    values, _ = hourly(steps(wind_direction_deg=given_values), STEP)
    for time, value in known(values, TURN).items():
        number = (time - START) // HOUR
        assert 0 <= value < 360
        if number % 3:
            ends = [math.radians(given_values[number // 3 + n]) for n in (0, 1)]
            here = math.radians(value)
            apart = [math.acos(max(-1, min(1, math.cos(a - b)))) for a, b in ((ends[0], here), (here, ends[1]), ends)]
            assert apart[0] + apart[1] == pytest.approx(apart[2], abs=1e-6)
            assert apart[0] * 3 == pytest.approx(apart[2] * (number % 3), abs=1e-6)


@given(st.lists(maybe, max_size=10))
def test_hours_brought_to_hours_again_are_the_same(given_values):
    frame = pd.DataFrame({HEAT: given_values, SUM: given_values}, index=at(range(len(given_values)), STEP), dtype=float)
    values, _ = hourly(frame, STEP)
    again, marks = hourly(values, HOUR)
    assert again.equals(values)
    assert not marks.to_numpy().any()


# Blending


def test_the_official_provider_comes_first_and_the_other_fills():
    first = steps(HOUR, temperature_c=[1.0, NAN, 3.0], humidity_pct=[NAN, NAN, 50.0])
    second = steps(HOUR, temperature_c=[9.0, 9.0, 9.0, 9.0], wind_ms=[1.0, 2.0, NAN, 4.0])
    found = blend([Part("aemet", first), Part("openweather", second)])
    assert found.frame[HEAT].tolist() == [1, 9, 3, 9]
    assert found.origin[HEAT].tolist() == ["aemet", "openweather", "aemet", "openweather"]
    assert found.frame["humidity_pct"].dropna().tolist() == [50]
    assert found.origin["humidity_pct"].isna().tolist() == [True, True, False, True]
    assert found.origin["wind_ms"].dropna().unique().tolist() == ["openweather"]
    assert not found.interpolated.to_numpy().any()
    assert found.issued_at == {}


def test_a_forecast_is_the_official_one_as_far_as_it_goes_and_then_the_other():
    """48 hours of one, 120 of the other in steps of three; each keeps its own time of issue."""
    now, then = START + HOUR, START - HOUR
    coarse, marks = hourly(steps(temperature_c=np.linspace(0, 40, 41)), STEP)
    fine = steps(HOUR, temperature_c=np.full(48, 20.0))
    found = blend([Part("aemet", fine, issued_at=then), Part("openweather", coarse, marks, now)], at(range(120)))
    assert found.frame[HEAT].notna().all()
    assert found.origin[HEAT].tolist() == ["aemet"] * 48 + ["openweather"] * 72
    assert found.interpolated[HEAT].tolist() == [False] * 48 + [False, True, True] * 24
    assert found.issued_at == {"aemet": then, "openweather": now}


def test_a_grid_shows_the_hours_that_nobody_has():
    found = blend([Part("aemet", steps(HOUR, temperature_c=[1.0, 2.0]))], at([1, 2]))
    assert found.frame[HEAT].tolist()[0] == 2
    assert math.isnan(found.frame[HEAT].iloc[1])
    assert pd.isna(found.origin[HEAT].iloc[1])


def test_observations_and_forecasts_are_never_mixed():
    frame = steps(HOUR, temperature_c=[1.0])
    with pytest.raises(ValueError, match="never mixed"):
        blend([Part("aemet", frame), Part("openweather", frame, issued_at=START)])


def test_a_provider_counts_once():
    frame = steps(HOUR, temperature_c=[1.0])
    with pytest.raises(ValueError, match="once"):
        blend([Part("aemet", frame), Part("aemet", frame)])


def test_no_part_gives_no_hours():
    found = blend([])
    assert found.frame.empty
    assert str(found.frame.index.dtype) == "datetime64[us, UTC]"
    assert blend([], at([0, 1])).frame.shape == (2, 0)


tables = st.lists(st.tuples(st.booleans(), maybe, maybe, st.booleans()), min_size=1, max_size=8)


@given(st.lists(tables, min_size=1, max_size=3))
def test_every_value_is_the_first_provider_s_that_has_it(given_tables):
    parts, truth = [], {}
    for number, table in enumerate(given_tables):
        kept = [(hour, *row) for hour, (there, *row) in enumerate(table) if there]
        index = at([hour for hour, *_ in kept])
        frame = pd.DataFrame([row[1:3] for row in kept], index=index, columns=[HEAT, "wind_ms"], dtype=float)
        marks = pd.DataFrame({HEAT: [row[3] for row in kept]}, index=index, dtype=bool)
        parts.append(Part(f"provider {number}", frame, marks))
        for hour, heat, wind, mark in kept:
            for name, value, marked in ((HEAT, heat, mark), ("wind_ms", wind, False)):
                if not math.isnan(value):
                    truth.setdefault((index[0] + (hour - kept[0][0]) * HOUR, name), (value, number, marked))
    found = blend(parts)
    told = {
        (time, name): (
            found.frame.loc[time, name],
            int(found.origin.loc[time, name].split()[1]),
            bool(found.interpolated.loc[time, name]),
        )
        for name in found.frame.columns
        for time in known(found.frame, name)
    }
    assert told == truth
    assert found.origin.notna().equals(found.frame.notna())
    again = blend([Part("all", found.frame, found.interpolated), *parts])
    assert again.frame.equals(found.frame)
    assert again.interpolated.equals(found.interpolated)
