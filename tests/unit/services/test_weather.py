from datetime import date, datetime, timedelta

import pandas as pd
import pytest

from chocofactory import bootstrap
from chocofactory.core.clock import MADRID, StoppedClock
from chocofactory.core.config import load_settings
from chocofactory.core.errors import MixedProvenance
from chocofactory.domain.measurements import WEATHER_OBSERVATION

TODAY = date(2025, 3, 30)  # 23 hours


@pytest.fixture
def clock():
    return StoppedClock(datetime(2025, 3, 30, 10, 30, tzinfo=MADRID))


@pytest.fixture
def factory(tmp_path, clock):
    built = bootstrap.build(load_settings(data_dir=tmp_path, mode="demo"), clock=clock)
    yield built
    built.close()


def test_hours_that_are_over_are_kept_and_no_others(factory, clock):
    counts = factory.weather.ingest(TODAY - timedelta(days=1), TODAY)
    assert counts.new == 24 + 9
    (series,) = factory._store.series(WEATHER_OBSERVATION)
    assert dict(series.keys) == {"provider": "demo", "station": "linares"}
    row = factory._store.latest(WEATHER_OBSERVATION)
    assert row.name == pd.Timestamp(clock.now()).floor("h") - pd.Timedelta(hours=1)
    assert row["source"] == "demo"
    assert factory.weather.ingest(TODAY, TODAY).total == 9


def test_what_is_due_shrinks_with_what_is_there_and_grows_with_the_clock(factory, clock):
    assert factory.weather.due(1) == [TODAY - timedelta(days=1), TODAY]
    factory.weather.ingest(TODAY - timedelta(days=1), TODAY)
    assert factory.weather.due(1) == []
    clock.at += timedelta(hours=1)
    assert factory.weather.due(1) == [TODAY]


def test_coverage_expects_the_hours_that_are_over(factory):
    factory.weather.ingest(TODAY, TODAY)
    series = factory.gaps.series()[-1]
    table = factory.gaps.coverage(series, TODAY - timedelta(days=1), TODAY + timedelta(days=1))
    assert table["expected"].tolist() == [24, 9, 0]
    assert table["present"].tolist() == [0, 9, 0]
    found = factory.gaps.find(series)
    assert (found.expected, found.present, found.gaps) == (9, 9, [])


def test_weather_is_a_run_like_any_other(factory):
    run = factory.jobs.run("ingest_weather", {"first": "2025-03-29", "last": "2025-03-30"}, "cli")
    assert (run.state, run.result) == ("succeeded", {"new": 33, "changed": 0, "unchanged": 0})


def test_live_mode_has_no_simulated_weather(tmp_path, clock):
    built = bootstrap.build(load_settings(data_dir=tmp_path), clock=clock, sources=[])
    assert built.weather.due(5) == []
    built.close()


def test_a_simulated_store_is_never_served_as_real(tmp_path, clock):
    demo = bootstrap.build(load_settings(data_dir=tmp_path, mode="demo"), clock=clock)
    demo.weather.ingest(TODAY, TODAY)
    demo.close()
    (tmp_path / "demo").rename(tmp_path / "live")
    with pytest.raises(MixedProvenance):
        bootstrap.build(load_settings(data_dir=tmp_path), clock=clock, sources=[])
