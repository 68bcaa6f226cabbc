from datetime import UTC, date, datetime, timedelta

import pytest

from chocofactory.core.clock import MADRID, StoppedClock
from chocofactory.core.errors import InvalidInput
from chocofactory.domain.measurements import WEATHER_FORECAST, WEATHER_OBSERVATION, Series
from chocofactory.services.weather import Place, Weather, kind_of, records
from chocofactory.store.sqlite import SqliteSeriesStore
from tests.fakes import hourly_weather

HOUR = timedelta(hours=1)
NOW = datetime(2025, 3, 30, 8, 30, tzinfo=UTC)  # 10:30 in Madrid, on a day of 23 hours
THIS_HOUR = NOW.replace(minute=0)
TODAY = date(2025, 3, 30)
PLACES = [Place("aemet", "5279X", "23055"), Place("openweather", "here", "here")]


@pytest.fixture
def store(tmp_path):
    made = SqliteSeriesStore(tmp_path / "series.db", "real")
    yield made
    made.close()


@pytest.fixture
def clock():
    return StoppedClock(NOW)


@pytest.fixture
def weather(store, clock):
    return Weather(store, clock, PLACES)


@pytest.fixture
def observe(store):
    def write(place, start, station=None, **values):
        series = Series(WEATHER_OBSERVATION, {"provider": place.provider, "station": station or place.station})
        store.write(series, hourly_weather(start, values), source=place.provider, written_at=NOW)

    return write


@pytest.fixture
def issue(store):
    def write(place, issued_at, start, step=HOUR, **values):
        series = Series(WEATHER_FORECAST, {"provider": place.provider, "place": place.place}, step)
        frame = hourly_weather(start, values, step=f"{step // HOUR}h")
        store.write(series, frame, source=place.provider, written_at=NOW, issued_at=issued_at)

    return write


def test_the_newest_reading_takes_each_value_from_the_first_provider_that_has_it(weather, observe):
    observe(PLACES[0], THIS_HOUR - 2 * HOUR, temperature_c=[10, 11])
    observe(PLACES[1], THIS_HOUR - HOUR, temperature_c=[19], humidity_pct=[60])
    reading = weather.current()
    assert (reading.time, reading.end, reading.stale) == (THIS_HOUR - HOUR, THIS_HOUR, False)
    temperature, humidity, wind = (reading.values[n] for n in ("temperature_c", "humidity_pct", "wind_ms"))
    assert (temperature.value, temperature.provider, temperature.kind) == (11, "aemet", "observed")
    assert (humidity.value, humidity.provider) == (60, "openweather")
    assert (wind.value, wind.provider, wind.kind) == (None, None, "unavailable")
    assert wind.reason == "Not reported by aemet, openweather in these hours."
    assert reading.providers == ["aemet", "openweather"]


def test_what_the_newest_hour_lacks_is_taken_from_the_hours_before_it_and_says_so(weather, observe):
    observe(PLACES[0], THIS_HOUR - 5 * HOUR, temperature_c=[6], wind_ms=[9])
    observe(PLACES[0], THIS_HOUR - 2 * HOUR, temperature_c=[10, 11], humidity_pct=[80, 81])
    observe(PLACES[1], THIS_HOUR, wind_direction_deg=[90])
    reading = weather.current()
    told = {name: (value.value, value.time) for name, value in reading.values.items() if value.value is not None}
    assert told == {
        "temperature_c": (11, THIS_HOUR - HOUR),
        "humidity_pct": (81, THIS_HOUR - HOUR),
        "wind_direction_deg": (90, THIS_HOUR),
    }
    assert reading.values["wind_ms"].reason  # five hours old: no longer of now


def test_an_hour_under_way_counts_as_soon_as_it_was_observed(weather, observe):
    observe(PLACES[0], THIS_HOUR - HOUR, temperature_c=[11])
    observe(PLACES[1], THIS_HOUR, temperature_c=[12])
    assert weather.current().values["temperature_c"].value == 12


def test_an_old_reading_is_shown_and_called_stale(weather, observe, clock):
    observe(PLACES[0], THIS_HOUR - HOUR, temperature_c=[11])
    clock.at = THIS_HOUR + 3 * HOUR
    assert not weather.current().stale
    clock.at += timedelta(minutes=1)
    assert weather.current().stale
    clock.at += 21 * HOUR
    assert weather.current() is None


def test_a_station_that_is_not_ours_does_not_count(weather, observe):
    observe(PLACES[0], THIS_HOUR - HOUR, station="3195", temperature_c=[11])
    assert weather.current() is None


def test_observations_of_a_day_have_a_row_for_each_hour_that_is_over(weather, observe):
    midnight = datetime(2025, 3, 29, 23, tzinfo=UTC)
    observe(PLACES[0], midnight, temperature_c=[5, 6, 7])
    blend = weather.observed(TODAY, TODAY)
    assert len(blend.frame) == 9  # 10:30 on a day that skips 02:00
    assert blend.frame["temperature_c"].tolist()[:3] == [5, 6, 7]
    assert blend.frame["temperature_c"].isna().sum() == 6
    assert blend.origin["temperature_c"].dropna().tolist() == ["aemet"] * 3
    assert weather.observed(TODAY, TODAY, "openweather").frame["temperature_c"].isna().all()
    assert weather.observed(date(2030, 1, 1), date(2030, 1, 2)).frame.empty
    with pytest.raises(InvalidInput):
        weather.observed(TODAY, TODAY - timedelta(days=1))


def test_the_forecast_is_aemets_as_far_as_it_goes_and_openweathers_beyond(weather, issue):
    issue(PLACES[0], NOW - 2 * HOUR, THIS_HOUR, temperature_c=[10, 11], wind_ms=[1, 2])
    start = datetime(2025, 3, 30, 6, tzinfo=UTC)
    steps = {"temperature_c": [20, 23, 26, 29], "humidity_pct": [50, 53, 56, 59]}
    issue(PLACES[1], NOW - HOUR, start, 3 * HOUR, **steps)
    blend = weather.forecast(6)  # from 08:00 UTC
    assert blend.frame["temperature_c"].tolist() == [10, 11, 24, 25, 26, 27]
    assert blend.origin["temperature_c"].tolist() == ["aemet"] * 2 + ["openweather"] * 4
    assert blend.interpolated["temperature_c"].tolist() == [False, False, True, True, False, True]
    assert blend.frame["humidity_pct"].tolist() == [52, 53, 54, 55, 56, 57]
    assert blend.origin["humidity_pct"].tolist() == ["openweather"] * 6
    assert blend.issued_at == {"aemet": NOW - 2 * HOUR, "openweather": NOW - HOUR}
    assert blend.frame["pressure_hpa"].isna().all()


def test_the_issue_in_force_counts_and_no_older_one(weather, issue):
    issue(PLACES[0], NOW - 5 * HOUR, THIS_HOUR, temperature_c=[1, 2, 3], wind_ms=[1, 1, 1])
    issue(PLACES[0], NOW - HOUR, THIS_HOUR, temperature_c=[11, 12, 13])
    blend = weather.forecast(4)
    assert blend.frame["temperature_c"].tolist()[:3] == [11, 12, 13]
    assert blend.frame["wind_ms"].isna().all()
    assert len(blend.frame) == 4


def test_a_newer_issue_counts_even_if_it_does_not_reach_as_far(weather, issue):
    issue(PLACES[0], NOW - 5 * HOUR, THIS_HOUR, temperature_c=[1, 2, 3, 4, 5])
    issue(PLACES[0], NOW - HOUR, THIS_HOUR, temperature_c=[11, 12])
    assert weather.forecast(5).frame["temperature_c"].tolist()[:2] == [11, 12]
    assert weather.forecast(5).frame["temperature_c"].isna().sum() == 3


def test_an_issue_that_has_grown_old_stands_behind_the_others(weather, issue, clock):
    issue(PLACES[0], NOW - HOUR, THIS_HOUR - HOUR, temperature_c=range(30))
    issue(PLACES[1], NOW, THIS_HOUR, temperature_c=range(100, 130))
    assert weather.forecast(1).origin["temperature_c"].tolist() == ["aemet"]
    clock.at += 12 * HOUR
    assert weather.forecast(1).origin["temperature_c"].tolist() == ["openweather"]
    assert weather.forecast(24).origin["temperature_c"].tolist()[:2] == ["openweather"] * 2


def test_observations_never_stand_in_a_forecast(weather, observe):
    observe(PLACES[0], THIS_HOUR, temperature_c=[11])
    blend = weather.forecast(48)
    assert (len(blend.frame), blend.frame.notna().any(axis=None), blend.issued_at) == (48, False, {})


def test_records_say_null_where_nothing_is_and_where_each_value_is_from(weather, issue):
    issue(PLACES[1], NOW, datetime(2025, 3, 30, 6, tzinfo=UTC), 3 * HOUR, temperature_c=[20, 23], humidity_pct=[50, 53])
    first, second, third = records(weather.forecast(3), "forecast")
    assert first["timestamp"] == "2025-03-30T10:00:00+02:00"
    assert (first["temperature_c"], first["humidity_pct"], first["wind_ms"]) == (22, 52, None)
    assert first["providers"] == {"temperature_c": "openweather", "humidity_pct": "openweather"}
    assert sorted(first["interpolated"]) == ["humidity_pct", "temperature_c"]
    assert (second["temperature_c"], second["interpolated"], second["kind"]) == (23, [], "forecast")
    assert (third["temperature_c"], third["kind"], third["providers"]) == (None, "unavailable", {})


def test_the_demonstrations_weather_is_simulated_whatever_it_was_kept_as():
    assert [kind_of("demo", "observed"), kind_of("aemet", "forecast"), kind_of(None, "forecast")] == [
        "simulated",
        "forecast",
        "unavailable",
    ]


def test_the_outlook_holds_the_hours_before_and_after_now(weather, observe, issue):
    observe(PLACES[0], THIS_HOUR - 3 * HOUR, temperature_c=[1, 2, 3])
    issue(PLACES[0], NOW, THIS_HOUR, temperature_c=[4, 5])
    outlook = weather.outlook()
    assert outlook.now == NOW
    assert outlook.observed.frame["temperature_c"].tolist() == [1, 2, 3]
    assert len(outlook.forecast.frame) == 48
    assert outlook.reading.values["temperature_c"].value == 3


def test_a_night_of_25_hours_is_forecast_hour_by_hour(store, issue):
    clock = StoppedClock(datetime(2025, 10, 25, 23, 30, tzinfo=MADRID))
    start = clock.now().replace(minute=0)
    issue(PLACES[0], clock.now(), start, temperature_c=range(6))
    times = [row["timestamp"] for row in records(Weather(store, clock, PLACES).forecast(6), "forecast")]
    assert [time[11:] for time in times] == [
        "23:00:00+02:00",
        "00:00:00+02:00",
        "01:00:00+02:00",
        "02:00:00+02:00",
        "02:00:00+01:00",
        "03:00:00+01:00",
    ]
