"""Current weather and forecasts of OpenWeatherMap, with small answers written by hand in the recorded form."""

import math
from datetime import UTC, date, datetime, timedelta

import pytest

from chocofactory.core.config import load_settings
from chocofactory.core.errors import MalformedAnswer, NotPublished
from chocofactory.domain.measurements import WEATHER_FORECAST, WEATHER_OBSERVATION, Series
from chocofactory.sources.openweather import STEP, OpenWeather, parse_current, parse_forecast
from chocofactory.store.base import checked

DAY = date(2025, 12, 1)
NOON = datetime(2025, 12, 1, 12, tzinfo=UTC)
AIR = {"temp": 9.6, "feels_like": 9.0, "temp_min": 9.0, "temp_max": 10.0, "pressure": 1021, "humidity": 74}


def current(at=NOON, **more):
    return {"dt": int(at.timestamp()), "main": AIR, "wind": {"speed": 1.5, "deg": 210, "gust": 3.0}, "cod": 200, **more}


def step(at=NOON, **more):
    return {"dt": int(at.timestamp()), "main": AIR, "wind": {"speed": 1.5, "deg": 210}, "pop": 0.32, **more}


def steps(*given):
    return {"cod": "200", "message": 0, "cnt": len(given), "list": list(given), "city": {"name": "Linares"}}


def parsed(payload, first=DAY, last=DAY):
    return parse_current(payload, first, last)


def test_the_present_is_an_observation_of_its_hour():
    frame = parsed(current(NOON + timedelta(minutes=50, seconds=37)))
    assert frame.index.tolist() == [NOON]
    assert (frame.index.name, frame.index.unit) == ("time", "us")


def test_pressure_at_sea_level_is_not_pressure_at_the_station():
    row = parsed(current()).iloc[0]
    assert row["sea_level_pressure_hpa"] == 1021
    assert math.isnan(row["pressure_hpa"])
    row = parsed(current(main={**AIR, "sea_level": 1022, "grnd_level": 966})).iloc[0]
    assert (row["sea_level_pressure_hpa"], row["pressure_hpa"]) == (1022, 966)


def test_the_other_values_find_their_fields():
    row = parsed(current()).iloc[0]
    names = ["temperature_c", "humidity_pct", "wind_ms", "wind_direction_deg"]
    assert row[names].tolist() == [9.6, 74, 1.5, 210]


def test_rain_of_the_last_sixty_minutes_is_no_hour_s():
    assert "precipitation_mm" not in parsed(current(rain={"1h": 3.16}))


def test_what_is_not_told_is_missing():
    row = parsed({"dt": int(NOON.timestamp()), "main": {"temp": 9.6}}).iloc[0]
    assert row.drop("temperature_c").isna().all()


@pytest.mark.parametrize("at", [NOON - timedelta(days=1), datetime(2025, 12, 1, 23, tzinfo=UTC)])
def test_an_hour_of_another_day_is_not_published(at):
    with pytest.raises(NotPublished, match="openweather has no weather for 2025-12-01"):
        parsed(current(at))


@pytest.mark.parametrize("main", [{"temp": 282.75}, {"temp": 288.44}, {"temp": 251.0}])
def test_kelvin_are_never_stored(main):
    with pytest.raises(MalformedAnswer, match="as temperature_c, which cannot be"):
        parsed(current(main={**AIR, **main}))
    with pytest.raises(MalformedAnswer, match="as temperature_c, which cannot be"):
        parse_forecast(steps(step(main={**AIR, **main})))


@pytest.mark.parametrize(
    "odd",
    [
        None,
        [],
        7,
        {},
        current(dt=None),
        current(dt="1764583200"),
        current(dt=True),
        current(dt=-5),
        current(dt=10**12),
        current(main=None),
        current(main={"pressure": 1021}),
        current(wind=[]),
    ],
)
def test_an_unknown_form_is_malformed(odd):
    with pytest.raises(MalformedAnswer, match="form"):
        parsed(odd)


def test_a_temperature_that_is_text_is_malformed():
    with pytest.raises(MalformedAnswer, match="where a number belongs"):
        parsed(current(main={**AIR, "temp": "9.6"}))


# Forecasts


def test_temperature_is_of_the_moment_and_rain_of_the_three_hours_before():
    frame = parse_forecast(steps(step(rain={"3h": 0.26})))
    assert frame.index.tolist() == [NOON - STEP, NOON]
    before, then = frame.iloc[0], frame.iloc[1]
    assert before[["precipitation_mm", "precipitation_probability_pct"]].tolist() == [0.26, 32]
    assert before.drop(["precipitation_mm", "precipitation_probability_pct"]).isna().all()
    assert then["temperature_c"] == 9.6
    assert then[["precipitation_mm", "precipitation_probability_pct"]].isna().all()


def test_steps_join_into_one_frame():
    times = [NOON + n * STEP for n in range(40)]
    frame = parse_forecast(steps(*(step(at, rain={"3h": round(0.1 * n, 1)}) for n, at in enumerate(times))))
    assert frame.index.tolist() == [NOON - STEP, *times]
    assert frame["precipitation_mm"].tolist()[:40] == [round(0.1 * n, 1) for n in range(40)]
    assert frame["temperature_c"].notna().tolist() == [False] + [True] * 40


@pytest.mark.parametrize(
    ("told", "fallen"),
    [
        ({"rain": {"3h": 0.4}, "snow": {"3h": 0.3}}, 0.7),
        ({"snow": {"3h": 1.2}}, 1.2),
        ({}, 0),
        ({"rain": {}}, 0),
        ({"rain": {"3h": None}}, None),
    ],
)
def test_rain_and_snow_are_precipitation_and_none_where_they_are_not_forecast(told, fallen):
    found = parse_forecast(steps(step(**told)))["precipitation_mm"].iloc[0]
    assert math.isnan(found) if fallen is None else found == fallen


def test_a_chance_that_is_not_told_is_missing():
    without = {name: value for name, value in step().items() if name != "pop"}
    assert math.isnan(parse_forecast(steps(without))["precipitation_probability_pct"].iloc[0])


def test_steps_off_their_grid_are_malformed():
    with pytest.raises(MalformedAnswer, match="where no interval starts"):
        parse_forecast(steps(step(NOON + timedelta(hours=1))))


def test_two_values_for_one_step_are_malformed():
    with pytest.raises(MalformedAnswer, match="two values of temperature_c"):
        parse_forecast(steps(step(), step(main={**AIR, "temp": 9.7})))


@pytest.mark.parametrize(
    "odd",
    [
        None,
        [],
        {},
        {"list": None},
        {"list": {}},
        {"list": [None]},
        {"list": [{"test": "fake"}]},
        step(),
        steps(step(rain=[0.3])),
        steps(step(snow=0.3)),
    ],
)
def test_a_forecast_of_unknown_form_is_malformed(odd):
    with pytest.raises(MalformedAnswer, match="form"):
        parse_forecast(odd)


@pytest.mark.parametrize("more", [{"pop": 1.2}, {"pop": -0.1}, {"rain": {"3h": -1}}, {"rain": {"3h": 1501}}])
def test_a_forecast_that_cannot_be_is_never_stored(more):
    with pytest.raises(MalformedAnswer, match="which cannot be"):
        parse_forecast(steps(step(**more)))


def test_what_is_parsed_can_be_stored():
    keys = {"provider": "openweather", "station": "here"}
    assert len(checked(Series(WEATHER_OBSERVATION, keys), parsed(current()), None)) == 1
    series = Series(WEATHER_FORECAST, {"provider": "openweather", "place": "here"}, STEP)
    assert len(checked(series, parse_forecast(steps(step())), NOON)) == 2


def test_the_plant_s_coordinates_name_the_series():
    source = OpenWeather(load_settings(latitude=38.151107, longitude=-3.629453))
    assert source.station == source.place == "38.1511,-3.6295"
