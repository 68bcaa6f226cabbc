"""The weather of a plan's hours: observed, forecast, simulated from SIAR's days, or usual; and it says which."""

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from chocofactory.core.clock import StoppedClock, day_grid
from chocofactory.domain.measurements import DAILY, SIAR_DAILY, WEATHER_FORECAST, WEATHER_OBSERVATION, Series
from chocofactory.services.climate import Climate, Scope
from chocofactory.services.expected_weather import ExpectedWeather
from chocofactory.services.weather import Place, Weather
from chocofactory.sources.siar import read_siar
from chocofactory.store.sqlite import SqliteSeriesStore
from tests.fakes import hourly_weather

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = datetime(2025, 7, 15, 10, 20, tzinfo=UTC)
THIS_HOUR = NOW.replace(minute=0)
MIDNIGHT = NOW.replace(hour=0, minute=0)
PLACES = [Place("aemet", "5279X", "23055"), Place("openweather", "here", "here")]
MARGIN = 3.0
EXTREMES = {
    "temperature_c": ("temperature_min_c", "temperature_max_c"),
    "humidity_pct": ("humidity_min_pct", "humidity_max_pct"),
}


@pytest.fixture
def store(tmp_path):
    made = SqliteSeriesStore(tmp_path / "series.db", "real")
    yield made
    made.close()


@pytest.fixture
def expected(store):
    clock = StoppedClock(NOW)
    return ExpectedWeather(Weather(store, clock, PLACES), Climate(store), clock, MARGIN)


def observe(store, start, **values):
    series = Series(WEATHER_OBSERVATION, {"provider": "aemet", "station": "5279X"})
    store.write(series, hourly_weather(start, values), source="aemet", written_at=NOW)


def issue(store, start, **values):
    series = Series(WEATHER_FORECAST, {"provider": "aemet", "place": "23055"}, HOUR)
    store.write(series, hourly_weather(start, values), source="aemet", written_at=NOW, issued_at=NOW - HOUR)


def keep_days(store, first, last, source="siar", **other):
    """Days of 18 to 36 degC and 20 to 60 %, at 05:10, 16:20, 15:00 and 04:30 UTC."""
    day = {
        "temperature_min_c": 18.0,
        "temperature_max_c": 36.0,
        "humidity_min_pct": 20.0,
        "humidity_max_pct": 60.0,
        "temperature_min_time": "05:10",
        "temperature_max_time": "16:20",
        "humidity_min_time": "15:00",
        "humidity_max_time": "04:30",
    } | other
    index = day_grid(first, last, DAY)
    frame = pd.DataFrame({name: pd.Series([value] * len(index), index=index) for name, value in day.items()})
    series = Series(SIAR_DAILY, {"province": "23", "station": "17"}, DAILY)
    store.write(series, frame, source=source, written_at=NOW)


def test_with_nothing_known_every_hour_says_that_it_is_unavailable(expected):
    for frame in (
        expected.hours(MIDNIGHT, MIDNIGHT + DAY),
        expected.simulated(MIDNIGHT - 9 * DAY, MIDNIGHT - 8 * DAY),
    ):
        assert len(frame) == 24
        assert frame[["temperature_c", "humidity_pct", "source"]].isna().all(axis=None)
        assert set(frame["kind"]) == {"unavailable"}


def test_each_hour_takes_the_best_that_is_known_of_it(expected, store):
    keep_days(store, date(2024, 6, 1), date(2024, 8, 31), temperature_max_c=34.0)
    keep_days(store, date(2025, 7, 14), date(2025, 7, 14))
    observe(store, MIDNIGHT, temperature_c=[21, 20, 19], humidity_pct=[50, 51, 52])
    issue(store, THIS_HOUR, temperature_c=[30, 31], humidity_pct=[30, 29])
    frame = expected.hours(MIDNIGHT - DAY, MIDNIGHT + DAY)
    assert frame.index.equals(pd.date_range(MIDNIGHT - DAY, periods=48, freq="h", name="time", unit="us"))
    yesterday, today = frame.iloc[:24], frame.iloc[24:]
    assert set(yesterday["kind"]) == {"simulated"}
    assert set(yesterday["source"]) == {"siar"}
    assert (yesterday["temperature_c"].max(), yesterday["temperature_c"].min()) == (36, 18)
    assert today["kind"].tolist() == ["observed"] * 3 + ["climatology"] * 7 + ["forecast"] * 2 + ["climatology"] * 12
    assert today["temperature_c"].tolist()[:3] == [21, 20, 19]
    assert today["temperature_c"].tolist()[10:12] == [30, 31]
    assert today["humidity_pct"].tolist()[10:12] == [30, 29]
    assert today["source"].tolist()[9:13] == ["climatology", "aemet", "aemet", "climatology"]


def test_the_climate_has_the_margin_on_the_temperature_alone(expected, store):
    keep_days(store, date(2024, 1, 1), date(2024, 12, 31))
    frame = expected.hours(MIDNIGHT + DAY, MIDNIGHT + 2 * DAY)
    at = {f"{time:%H}": row for time, row in zip(frame.index, frame.to_dict("records"), strict=True)}
    assert at["05"]["temperature_c"] == pytest.approx(18 + MARGIN)
    assert at["16"]["temperature_c"] == pytest.approx(36 + MARGIN)
    assert at["15"]["humidity_pct"] == pytest.approx(20)
    assert at["04"]["humidity_pct"] == pytest.approx(60)
    assert set(frame["kind"]) == {"climatology"}


def test_a_value_that_a_provider_lacks_comes_from_what_is_next_and_the_hour_is_as_certain_as_that(expected, store):
    keep_days(store, date(2024, 1, 1), date(2024, 12, 31))
    issue(store, THIS_HOUR, temperature_c=[30.0, 31.0])
    hour = expected.hours(THIS_HOUR, THIS_HOUR + HOUR).iloc[0]
    assert hour["temperature_c"] == 30
    assert 20 < hour["humidity_pct"] < 60
    assert (hour["kind"], hour["source"]) == ("climatology", "aemet, climatology")


def test_an_observation_counts_for_hours_that_are_over_and_a_forecast_for_those_that_are_not(expected, store):
    observe(store, THIS_HOUR - HOUR, temperature_c=[20, 21], humidity_pct=[50, 51])
    issue(store, THIS_HOUR - HOUR, temperature_c=[30, 31], humidity_pct=[40, 41])
    frame = expected.hours(THIS_HOUR - HOUR, THIS_HOUR + HOUR)
    assert frame["temperature_c"].tolist() == [20, 31]
    assert frame["kind"].tolist() == ["observed", "forecast"]


def test_a_plan_that_begins_within_an_hour_needs_that_hour(expected):
    frame = expected.hours(NOW, NOW + HOUR)
    assert [time.hour for time in frame.index] == [10, 11]
    assert expected.hours(THIS_HOUR, THIS_HOUR).empty


def test_past_days_are_simulated_without_a_margin_where_siar_lacks_them_too(expected, store):
    keep_days(store, date(2025, 6, 1), date(2025, 6, 9))
    keep_days(store, date(2025, 6, 11), date(2025, 6, 30))
    frame = expected.simulated(datetime(2025, 6, 9, tzinfo=UTC), datetime(2025, 6, 12, tzinfo=UTC))
    assert set(frame["kind"]) == {"simulated"}
    assert frame["source"].tolist() == ["siar"] * 24 + ["climatology"] * 24 + ["siar"] * 24
    by_day = frame["temperature_c"].groupby(frame.index.date).agg(["min", "max"])
    assert by_day["min"].tolist() == pytest.approx([18] * 3)
    assert by_day["max"].tolist() == pytest.approx([36] * 3)


def test_a_day_without_times_has_its_extremes_at_the_months_usual_hours(expected, store):
    keep_days(store, date(2025, 6, 1), date(2025, 6, 9))
    keep_days(store, date(2025, 6, 10), date(2025, 6, 10), temperature_min_time=None, temperature_max_time=None)
    day = datetime(2025, 6, 10, tzinfo=UTC)
    temperature = expected.simulated(day, day + DAY)["temperature_c"].to_numpy()
    assert (temperature.argmin(), temperature.argmax()) == (5, 16)


def test_days_of_the_demonstration_say_whose_they_are(tmp_path):
    store, clock = SqliteSeriesStore(tmp_path / "demo.db", "simulated"), StoppedClock(NOW)
    keep_days(store, date(2025, 6, 1), date(2025, 6, 3), source="demo")
    expected = ExpectedWeather(Weather(store, clock, []), Climate(store), clock, MARGIN)
    day = datetime(2025, 6, 2, tzinfo=UTC)
    assert set(expected.simulated(day, day + DAY)["source"]) == {"demo"}
    assert set(expected.hours(day, day + DAY)["source"]) == {"demo"}
    store.close()


@pytest.mark.realdata
def test_simulated_hours_of_real_days_have_their_extremes_and_the_climate_of_july_is_hot(expected, store, data_dir):
    for path in sorted((data_dir / "weather" / "siar_linares").glob("J17*.csv")):
        for (province, station), frame in read_siar(path).stations.items():
            series = Series(SIAR_DAILY, {"province": province, "station": station}, DAILY)
            store.write(series, frame, source="siar", written_at=NOW)
    hours = expected.simulated(datetime(2018, 6, 15, tzinfo=UTC), datetime(2025, 9, 16, tzinfo=UTC))
    kept = Climate(store).basis(Scope()).frame
    kept = kept.set_axis(kept.index.tz_convert("Europe/Madrid").date)
    for column, (low, high) in EXTREMES.items():
        found = hours[column].groupby(hours.index.date).agg(["min", "max"])
        both = found.join(kept[[low, high]], how="inner").dropna()
        assert len(both) > 2500
        assert (both["max"] - both[high]).abs().max() < 0.3
        assert (both["min"] - both[low]).abs().max() < 0.3
    usual = expected.hours(datetime(2025, 7, 20, tzinfo=UTC), datetime(2025, 7, 21, tzinfo=UTC))
    window = [day for day in kept.index if date(day.year, 7, 5) <= day <= date(day.year, 8, 4)]
    assert set(usual["kind"]) == {"climatology"}
    assert usual["temperature_c"].max() == pytest.approx(kept.loc[window, "temperature_max_c"].mean() + MARGIN, abs=0.1)
    assert usual["temperature_c"].min() == pytest.approx(kept.loc[window, "temperature_min_c"].mean() + MARGIN, abs=0.1)
