from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from chocofactory import bootstrap
from chocofactory.core.clock import MADRID, StoppedClock
from chocofactory.core.config import load_settings
from chocofactory.core.errors import KeyRefused, MixedProvenance, NotPublished, SourceDown
from chocofactory.domain.measurements import WEATHER_DAILY, WEATHER_FORECAST, WEATHER_OBSERVATION
from chocofactory.sources.base import IssuedForecast
from chocofactory.store.base import WriteCounts
from tests.fakes import FakeStation, hourly_weather

TODAY = date(2025, 3, 30)  # 23 hours
YESTERDAY = TODAY - timedelta(days=1)
NOW = datetime(2025, 3, 30, 8, 30, tzinfo=UTC)  # 10:30 in Madrid
HOUR = timedelta(hours=1)


@pytest.fixture
def clock():
    return StoppedClock(datetime(2025, 3, 30, 10, 30, tzinfo=MADRID))


@pytest.fixture
def factory(tmp_path, clock):
    built = bootstrap.build(load_settings(data_dir=tmp_path, mode="demo"), clock=clock)
    yield built
    built.close()


def test_hours_that_are_over_are_kept_and_no_others(factory, clock):
    (delivery,) = factory.weather_ingestion.ingest(TODAY - timedelta(days=1), TODAY)
    assert (delivery.source, delivery.counts.new, delivery.error) == ("demo", 24 + 9, None)
    (series,) = factory._store.series(WEATHER_OBSERVATION)
    assert dict(series.keys) == {"provider": "demo", "station": "linares"}
    row = factory._store.latest(WEATHER_OBSERVATION)
    assert row.name == pd.Timestamp(clock.now()).floor("h") - pd.Timedelta(hours=1)
    assert row["source"] == "demo"
    (again,) = factory.weather_ingestion.ingest(TODAY, TODAY)
    assert again.counts == WriteCounts(unchanged=9)


def test_what_is_due_shrinks_with_what_is_there_and_grows_with_the_clock(factory, clock):
    assert factory.weather_ingestion.due(1) == [TODAY - timedelta(days=1), TODAY]
    factory.weather_ingestion.ingest(TODAY - timedelta(days=1), TODAY)
    assert factory.weather_ingestion.due(1) == []
    clock.at += timedelta(hours=1)
    assert factory.weather_ingestion.due(1) == [TODAY]


def test_coverage_expects_the_hours_that_are_over(factory):
    factory.weather_ingestion.ingest(TODAY, TODAY)
    series = factory.gaps.series()[-1]
    table = factory.gaps.coverage(series, TODAY - timedelta(days=1), TODAY + timedelta(days=1))
    assert table["expected"].tolist() == [24, 9, 0]
    assert table["present"].tolist() == [0, 9, 0]
    found = factory.gaps.find(series)
    assert (found.expected, found.present, found.gaps) == (9, 9, [])


def test_weather_is_a_run_like_any_other(factory):
    run = factory.jobs.run("ingest_weather", {"first": "2025-03-29", "last": "2025-03-30"}, "cli")
    assert run.state == "succeeded"
    assert (run.result["new"], run.result["changed"], run.result["unchanged"]) == (33, 0, 0)
    assert run.result["sources"] == [
        {"source": "demo", "new": 33, "changed": 0, "unchanged": 0, "queued": 0, "error": None}
    ]


def test_live_mode_has_no_simulated_weather(tmp_path, clock):
    built = bootstrap.build(load_settings(data_dir=tmp_path), clock=clock, sources=[])
    assert built.weather_ingestion.due(5) == []
    built.close()


def test_a_simulated_store_is_never_served_as_real(tmp_path, clock):
    demo = bootstrap.build(load_settings(data_dir=tmp_path, mode="demo"), clock=clock)
    demo.weather_ingestion.ingest(TODAY, TODAY)
    demo.close()
    (tmp_path / "demo").rename(tmp_path / "live")
    with pytest.raises(MixedProvenance):
        bootstrap.build(load_settings(data_dir=tmp_path), clock=clock, sources=[])


@pytest.fixture
def aemet():
    station = FakeStation("aemet", "5279X", "23055")
    station.observed = hourly_weather(NOW.replace(minute=0) - 26 * HOUR, {"temperature_c": range(26)})
    station.issued = IssuedForecast(NOW - HOUR, HOUR, hourly_weather(NOW.replace(minute=0), {"temperature_c": [9, 8]}))
    return station


@pytest.fixture
def openweather():
    place = FakeStation("openweather", "here", "here", reach=timedelta())
    place.observed = hourly_weather(NOW.replace(minute=0), {"temperature_c": [12], "humidity_pct": [70]})
    steps = hourly_weather(datetime(2025, 3, 30, 9, tzinfo=UTC), {"temperature_c": [9, 12]}, step="3h")
    place.issued = IssuedForecast(NOW, 3 * HOUR, steps)
    return place


@pytest.fixture
def live(tmp_path, clock, aemet, openweather):
    built = bootstrap.build(load_settings(data_dir=tmp_path), clock=clock, sources=[aemet, openweather])
    yield built
    built.close()


def test_each_source_keeps_a_series_of_its_own(live):
    run = live.jobs.run("ingest_weather", {"first": "2025-03-29", "last": "2025-03-30"}, "cli")
    assert (run.state, run.result["new"]) == ("succeeded", 27)
    kept = {tuple(series.keys.values()) for series in live._store.series(WEATHER_OBSERVATION)}
    assert kept == {("aemet", "5279X"), ("openweather", "here")}


def test_a_source_that_fails_does_not_keep_the_other_from_delivering(live, aemet):
    aemet.error = SourceDown("{source} cannot be reached.", source="aemet")
    run = live.jobs.run("ingest_weather", {"first": "2025-03-30", "last": "2025-03-30"}, "cli")
    assert (run.state, run.result["new"], run.error) == ("partial", 1, None)
    assert [each["error"] and each["error"]["code"] for each in run.result["sources"]] == ["source-down", None]
    states = {source.name: source.state for source in live.health.sources()}
    assert states == {"aemet": "failing", "openweather": "ok"}


def test_a_run_without_any_delivery_fails_by_its_most_telling_cause(live, aemet, openweather):
    aemet.error = NotPublished("{source} has nothing.", source="aemet")
    openweather.error = KeyRefused("{source} refused our key.", source="openweather")
    run = live.jobs.run("ingest_weather", {"first": "2025-03-30", "last": "2025-03-30"}, "cli")
    assert (run.state, run.error["code"]) == ("failed", "key-refused")
    assert {source.name: source.state for source in live.health.sources()} == {"aemet": "ok", "openweather": "failing"}


def test_one_source_can_be_asked_alone(live, aemet, openweather):
    run = live.jobs.run("ingest_weather", {"first": "2025-03-30", "last": "2025-03-30", "source": "aemet"}, "api")
    assert [each["source"] for each in run.result["sources"]] == ["aemet"]
    assert (len(aemet.asked), len(openweather.asked)) == (1, 0)


def test_without_a_source_a_run_says_which_key_to_set(tmp_path, clock):
    built = bootstrap.build(load_settings(data_dir=tmp_path), clock=clock, sources=[])
    for kind in ("ingest_weather", "ingest_forecast", "ingest_climatology"):
        run = built.jobs.run(kind, {"first": "2025-03-30", "last": "2025-03-30"}, "cli")
        assert (run.state, run.error["code"]) == ("failed", "conflict")
        assert "CHOCO_AEMET_KEY" in run.error["message"]
    built.close()


def test_only_hours_that_a_source_can_still_deliver_are_due(live, clock, aemet):
    assert live.weather_ingestion.due(7) == [YESTERDAY, TODAY]
    aemet.observed = aemet.observed.iloc[-23:]  # the oldest hour within reach is lost
    live.weather_ingestion.ingest(YESTERDAY, TODAY)
    assert live.weather_ingestion.due(7) == [YESTERDAY]
    clock.at += HOUR  # now it is out of reach, but the newest hour and the hour under way are lacking
    assert live.weather_ingestion.due(7) == [TODAY]


def test_a_source_of_the_present_hour_is_asked_for_that_hour(tmp_path, clock, openweather):
    built = bootstrap.build(load_settings(data_dir=tmp_path), clock=clock, sources=[openweather])
    assert built.weather_ingestion.due(7) == [TODAY]
    built.weather_ingestion.ingest(TODAY, TODAY)
    assert built.weather_ingestion.due(7) == []
    built.close()


def test_forecasts_are_kept_by_their_time_of_issue_and_renewed_when_they_grow_old(live, clock, aemet):
    assert live.weather_ingestion.forecast_due()
    live.weather_ingestion.ingest_forecast()
    assert not live.weather_ingestion.forecast_due()
    clock.at += timedelta(hours=3)
    assert live.weather_ingestion.forecast_due()
    later = hourly_weather(NOW.replace(minute=0), {"temperature_c": [20, 21]})
    aemet.issued = IssuedForecast(clock.at, HOUR, later)
    live.weather_ingestion.ingest_forecast()
    start, end = NOW - 5 * HOUR, NOW + 5 * HOUR
    frame = live._store.read(WEATHER_FORECAST, start, end, provider="aemet")
    assert len(frame) == 4
    first = frame[frame["issued_at"] == NOW - HOUR]
    assert first["temperature_c"].tolist() == [9, 8]


def test_checked_days_are_due_four_days_later_and_asked_for_in_runs(live, clock, aemet):
    clock.at = datetime(2025, 12, 10, 12, tzinfo=UTC)
    days = pd.date_range("2025-11-01", "2025-12-06", freq="D", tz="Europe/Madrid", unit="us").tz_convert("UTC")
    aemet.checked = pd.DataFrame({"temperature_max_c": 15.0}, index=days.rename("time"))
    due = live.weather_ingestion.climatology_due(35)
    assert (due[0], due[-1]) == (date(2025, 11, 1), date(2025, 12, 6))
    run = live.jobs.run("ingest_climatology", {"first": "2025-11-01", "last": "2025-12-06"}, "scheduler")
    assert run.result["new"] == 36
    assert aemet.asked == [(date(2025, 11, 1), date(2025, 12, 1)), (date(2025, 12, 2), date(2025, 12, 6))]
    assert len(live._store.read(WEATHER_DAILY, days[0], clock.at, provider="aemet")) == 36


def test_a_month_that_is_not_out_does_not_keep_the_others_from_coming(live, clock, aemet):
    clock.at = datetime(2025, 12, 10, 12, tzinfo=UTC)
    days = pd.date_range("2025-11-20", "2025-11-30", freq="D", tz="Europe/Madrid", unit="us").tz_convert("UTC")
    aemet.checked = pd.DataFrame({"temperature_max_c": 15.0}, index=days.rename("time"))
    (delivery, _) = live.weather_ingestion.ingest_climatology(date(2025, 9, 1), date(2025, 12, 6))
    assert (delivery.counts.new, delivery.error, len(aemet.asked)) == (11, None, 4)
    aemet.asked.clear()
    aemet.error = SourceDown("{source} cannot be reached.", source="aemet")
    (delivery, _) = live.weather_ingestion.ingest_climatology(date(2025, 9, 1), date(2025, 12, 6))
    assert (delivery.error.code, len(aemet.asked)) == ("source-down", 1)  # whoever is down is not asked again
